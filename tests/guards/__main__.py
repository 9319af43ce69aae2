"""`make guards`: break every guard of the domain in turn, and see the tests notice.

    python -m tests.guards                    all of them
    python -m tests.guards payments offers    those of some modules

Each mutant is tried in a fork, against the tests that run its lines, those most likely to notice it first. A test that
takes far longer than without the mutant hangs, which is noticed too.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import importlib
import os
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.guards.covering import QUIET, Covering, covering
from tests.guards.mutants import Mutant, mutants_of
from tests.guards.trial import hold_planted, hold_swapped, steady_chance
from tests.guards.verdicts import Excepted, Verdict, exceptions_in, fault, score, stale
from tests.guards.workers import asked_in_a_fork, tried

DOMAIN = "chalicelib.domain"
SUITES = ("tests/domain", "--ignore=tests/domain/test_payments_simulated.py")
"""Without random lives: a guard wants a plain test, and these take as long as all others together."""

EXCEPTIONS = Path(__file__).with_name("exceptions.toml")
_PROGRESS_EVERY = 10.0
"""Seconds."""
_QUICK = 0.05
"""Seconds that a test may take and still come before quicker ones that are not of the mutant's own module."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Say what was found. 0: every mutant was noticed or is excepted. 1: not so. 2: the tests are red as it is."""
    chosen = _chosen(arguments)
    began = time.monotonic()
    excepted = exceptions_in(chosen.exceptions.read_text("utf-8"))
    files = [file for file in sorted(chosen.folder.glob("*.py")) if file.stem in chosen.modules or not chosen.modules]
    mutants = [mutant for file in files for mutant in mutants_of(file.read_text("utf-8"), file.stem)]
    _say(f"{len(mutants)} mutants of {len(files)} modules. Which tests run which lines ...")
    steady_chance()
    known = asked_in_a_fork(lambda: covering(chosen.package, chosen.folder, chosen.suites))
    if known.red:
        _say("Red before anything is broken:", *known.red)
        return 2
    trials = _Trials(mutants, known, chosen, excepted)
    trials.hold()
    unused = stale(trials.verdicts, [one for one in excepted if one.module in chosen.modules or not chosen.modules])
    _say(*unused, f"{score(trials.verdicts, excepted)}, in {time.monotonic() - began:.0f} s")
    return 1 if trials.faults or unused else 0


# --- what was asked for -------------------------------------------------------------------------------------------


@dataclass
class Chosen(argparse.Namespace):
    """The command line."""

    modules: list[str] = field(default_factory=list)
    package: str = DOMAIN
    suites: Sequence[str] = SUITES
    exceptions: Path = EXCEPTIONS
    workers: int = os.cpu_count() or 1

    @property
    def folder(self) -> Path:
        return Path(self.package.replace(".", "/"))


def _chosen(arguments: Sequence[str] | None) -> Chosen:
    parser = argparse.ArgumentParser(prog="python -m tests.guards", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "modules", nargs="*", type=lambda text: Path(text).stem, help="modules of the package, or files"
    )
    parser.add_argument("--package", help="whose guards are broken")
    parser.add_argument("--suites", nargs="+", help="the tests that are to notice")
    parser.add_argument("--exceptions", type=Path, help="the file of mutants that may survive")
    parser.add_argument("--workers", type=int)
    chosen = parser.parse_args(arguments, Chosen())
    for module in chosen.modules:
        if not (chosen.folder / f"{module}.py").is_file():
            parser.error(f"there is no module {module} in {chosen.package}")
    return chosen


def _say(*lines: str) -> None:
    """To where the process writes, whatever pytest is told to write to."""
    assert sys.__stdout__ is not None
    sys.__stdout__.write("".join(f"{line}\n" for line in lines))
    sys.__stdout__.flush()


# --- the trials ---------------------------------------------------------------------------------------------------


class _Trials:
    """All mutants: first those that act at import, in forks of a process without anything of ours; then the others."""

    def __init__(
        self, mutants: Sequence[Mutant], known: Covering, chosen: Chosen, excepted: Sequence[Excepted]
    ) -> None:
        self.verdicts = dict[Mutant, Verdict]()
        self.faults = 0
        self._mutants = mutants
        self._known = known
        self._chosen = chosen
        self._excepted = excepted
        self._said_at = time.monotonic()

    def hold(self) -> None:
        run = [mutant for mutant in self._mutants if self._known.of(mutant) or self._known.beside(mutant)]
        for mutant in self._mutants:
            if mutant not in run:
                self._hear(mutant, Verdict.NOT_RUN)
        planted = [mutant for mutant in run if mutant.body_of is None or self._known.acts_at_import(mutant)]
        self._plant(planted)
        self._swap([mutant for mutant in run if mutant not in planted])

    def _hear(self, mutant: Mutant, verdict: Verdict) -> None:
        self.verdicts[mutant] = verdict
        lines = fault(mutant, verdict, self._excepted)
        self.faults += bool(lines)
        _say(*lines)
        if time.monotonic() - self._said_at > _PROGRESS_EVERY:
            self._said_at = time.monotonic()
            _say(f"{len(self.verdicts)} of {len(self._mutants)} mutants, {self.faults} not noticed")

    def _plant(self, mutants: Sequence[Mutant]) -> None:
        for module in self._known.foreign:
            with contextlib.suppress(ImportError):
                importlib.import_module(module)
        package, seconds = self._chosen.package, self._known.seconds
        self._try(mutants, lambda mutant: hold_planted(mutant, package, self._stages(mutant), seconds))

    def _swap(self, mutants: Sequence[Mutant]) -> None:
        package, seconds = self._chosen.package, self._known.seconds

        def all_of(session: pytest.Session) -> None:
            items = {item.nodeid: item for item in session.items}

            def hold(mutant: Mutant) -> None:
                hold_swapped(
                    mutant, package, [items[test] for test in self._sorted(mutant, self._known.of(mutant))], seconds
                )

            self._try(mutants, hold)

        if mutants:
            collected = _Collected(all_of)
            with Path(os.devnull).open("w", encoding="utf-8") as nowhere, contextlib.redirect_stdout(nowhere):
                ended = pytest.main([*QUIET, *self._chosen.suites], plugins=[collected])
            if collected.error or ended is not pytest.ExitCode.OK:
                raise RuntimeError("the trials came to no end") from collected.error

    def _try(self, mutants: Sequence[Mutant], hold: Callable[[Mutant], None]) -> None:
        gc.collect()
        gc.freeze()  # what is never looked at again is never copied into the forks
        for mutant, verdict in tried(mutants, hold, self._chosen.workers):
            self._hear(mutant, verdict)

    def _stages(self, mutant: Mutant) -> list[list[str]]:
        """None of them empty."""
        own = {test for test in self._known.seconds if f"/test_{mutant.module}" in test}
        near = self._known.of(mutant) | (own & self._known.beside(mutant))
        stages = near, self._known.beside(mutant) - near
        return [self._sorted(mutant, tests) for tests in stages if tests]

    def _sorted(self, mutant: Mutant, tests: Iterable[str]) -> list[str]:
        """Those of its own module first, and the quickest first; slow ones last."""
        own, seconds = f"/test_{mutant.module}", self._known.seconds
        return sorted(tests, key=lambda test: (seconds[test] > _QUICK, own not in test, seconds[test], test))


class _Collected:
    """A pytest plugin: does something else with the tests, once collected, than run them."""

    def __init__(self, instead: Callable[[pytest.Session], None]) -> None:
        self._instead = instead
        self.error: Exception | None = None

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        try:
            self._instead(session)
        except Exception as error:  # noqa: BLE001 - pytest would print it where nobody looks
            self.error = error
        return True


if __name__ == "__main__":
    sys.exit(main())
