"""What the trials of all mutants say: the score, who survived, and which exceptions still stand. Pure."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from tests.guards.mutants import Mutant


class Verdict(Enum):
    NOTICED = "noticed"
    HUNG = "hung"
    """Noticed too: it never came to an end."""
    SURVIVED = "survived"
    NOT_RUN = "run by no test"


SURVIVORS = frozenset({Verdict.SURVIVED, Verdict.NOT_RUN})


@dataclass(frozen=True)
class Excepted:
    """A mutant that may survive; `nth` among its equals in one function."""

    module: str
    function: str
    code: str
    mutation: str
    reason: str
    nth: int = 1

    @property
    def name(self) -> str:
        return f"{self.module}.{self.function}: {self.code}: {self.mutation}"

    def is_of(self, mutant: Mutant) -> bool:
        place = (mutant.module, mutant.function, mutant.code, mutant.mutation, mutant.nth)
        return place == (self.module, self.function, self.code, self.mutation, self.nth)


def exceptions_in(text: str) -> list[Excepted]:
    """The exceptions of the file. Raises ValueError for one without a reason, TypeError for a field too many."""
    excepted = [Excepted(**{"reason": "", **entry}) for entry in tomllib.loads(text).get("mutant", [])]
    for one in excepted:
        if not one.reason.strip():
            raise ValueError(f"{one.name}: say why")
    return excepted


def fault(mutant: Mutant, verdict: Verdict, excepted: Sequence[Excepted]) -> list[str]:
    """What must be put right about this one, in lines: it survived, and nobody has said why it may."""
    if verdict not in SURVIVORS or any(one.is_of(mutant) for one in excepted):
        return []
    nth = f" (number {mutant.nth} of its kind)" if mutant.nth > 1 else ""
    where = f"{mutant.module}.py:{mutant.line} {mutant.function}"
    return [f"{where}: {verdict.value}", f"    {mutant.code}", f"    {mutant.mutation}{nth}"]


def stale(verdicts: Mapping[Mutant, Verdict], excepted: Sequence[Excepted]) -> list[str]:
    """The exceptions that excuse no survivor."""
    survivors = [mutant for mutant, verdict in verdicts.items() if verdict in SURVIVORS]
    return [
        f"exceptions.toml: noticed by now, or gone: {one.name}"
        for one in excepted
        if not any(one.is_of(mutant) for mutant in survivors)
    ]


def score(verdicts: Mapping[Mutant, Verdict], excepted: Sequence[Excepted]) -> str:
    """One line of figures."""
    noticed = sum(verdict in {Verdict.NOTICED, Verdict.HUNG} for verdict in verdicts.values())
    hung = sum(verdict is Verdict.HUNG for verdict in verdicts.values())
    known = sum(any(one.is_of(mutant) for one in excepted) for mutant in verdicts)
    share = 100 * noticed / len(verdicts) if verdicts else 100
    return f"{noticed} of {len(verdicts)} mutants noticed ({share:.1f} %; {hung} of them hung), {known} excepted"
