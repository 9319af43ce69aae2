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


@dataclass(frozen=True)
class Excepted:
    """A mutant that may survive; `nth` among its equals in one function."""

    module: str
    function: str
    code: str
    mutation: str
    reason: str
    nth: int = 1

    def is_of(self, mutant: Mutant) -> bool:
        place = (mutant.module, mutant.function, mutant.code, mutant.mutation, mutant.nth)
        return place == (self.module, self.function, self.code, self.mutation, self.nth)


def exceptions_in(text: str) -> list[Excepted]:
    """The exceptions of the file. Raises TypeError for one without a reason, or with a field too many."""
    return [Excepted(**entry) for entry in tomllib.loads(text).get("mutant", [])]


def faults(verdicts: Mapping[Mutant, Verdict], excepted: Sequence[Excepted], modules: set[str]) -> list[str]:
    """All that must be put right: survivors without an exception, and exceptions without a survivor."""
    survivors = [mutant for mutant, verdict in verdicts.items() if verdict in {Verdict.SURVIVED, Verdict.NOT_RUN}]
    unexcused = [
        line
        for mutant in survivors
        if not any(one.is_of(mutant) for one in excepted)
        for line in _told(mutant, verdicts[mutant])
    ]
    stale = [
        f"exceptions.toml: noticed by now, or gone: {one.module}.{one.function}: {one.code}: {one.mutation}"
        for one in excepted
        if one.module in modules and not any(one.is_of(mutant) for mutant in survivors)
    ]
    return unexcused + stale


def _told(mutant: Mutant, verdict: Verdict) -> list[str]:
    nth = f" (number {mutant.nth} of its kind)" if mutant.nth > 1 else ""
    where = f"chalicelib/domain/{mutant.module}.py:{mutant.line} {mutant.function}"
    return [f"{where}: {verdict.value}", f"    {mutant.code}", f"    {mutant.mutation}{nth}"]


def score(verdicts: Mapping[Mutant, Verdict], excepted: Sequence[Excepted]) -> str:
    """One line of figures."""
    noticed = sum(verdict in {Verdict.NOTICED, Verdict.HUNG} for verdict in verdicts.values())
    hung = sum(verdict is Verdict.HUNG for verdict in verdicts.values())
    known = sum(any(one.is_of(mutant) for one in excepted) for mutant in verdicts)
    share = 100 * noticed / len(verdicts) if verdicts else 100
    return f"{noticed} of {len(verdicts)} mutants noticed ({share:.1f} %; {hung} of them hung), {known} excepted"
