"""`make guards`: break every guard of the domain in turn, and see the tests notice.

    python -m tests.guards                    all of them
    python -m tests.guards payments offers    those of some modules
    python -m tests.guards --changed main     those of the modules that differ from a revision

Each mutant is tried in a fork, against the tests that run its lines: its module's own first, then the rest of the
domain's, then the flows', the quickest first. A mutant that takes far longer than its tests do hangs, which is noticed.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkProcess
from pathlib import Path

from tests.guards.covering import Covering, covering
from tests.guards.mutants import Mutant, mutants_of
from tests.guards.trial import BROKEN, SURVIVED, trial
from tests.guards.verdicts import Verdict, exceptions_in, faults, score

DOMAIN = Path("chalicelib/domain")
SUITES = ("tests/domain", "tests/flows")
EXCEPTIONS = Path(__file__).with_name("exceptions.toml")

_FORK = multiprocessing.get_context("fork")


def main(arguments: Sequence[str] | None = None) -> int:
    """Say what was found. 0: every mutant was noticed or is excepted. 1: not so. 2: the tests are red as it is."""
    chosen = _chosen(arguments)
    files = [file for file in sorted(DOMAIN.glob("*.py")) if file.stem in chosen.modules or not chosen.modules]
    mutants = [mutant for file in files for mutant in mutants_of(file.read_text("utf-8"), file.stem)]
    _say(f"{len(mutants)} mutants of {len(files)} modules. Which tests run which lines ...")
    known = _in_a_fork(lambda: covering(DOMAIN, chosen.suites))
    if known.red:
        _say("Red before anything is broken:", *known.red)
        return 2
    for module in known.foreign:
        with contextlib.suppress(ImportError):
            importlib.import_module(module)
    verdicts = {mutant: verdict for mutant, verdict in _tried(mutants, known, chosen.workers)}
    excepted = exceptions_in(EXCEPTIONS.read_text("utf-8"))
    wrong = faults(verdicts, excepted, {file.stem for file in files})
    _say(*wrong, score(verdicts, excepted))
    return 1 if wrong else 0


# --- what was asked for -------------------------------------------------------------------------------------------


def _chosen(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.guards", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("modules", nargs="*", type=lambda text: Path(text).stem, help="modules of the domain, or files")
    parser.add_argument("--changed", metavar="REVISION", help="those that differ from this revision")
    parser.add_argument("--suites", nargs="+", default=SUITES, help="the tests that are to notice")
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    chosen = parser.parse_args(arguments)
    if chosen.changed:
        # A module of which there is none, when nothing has changed: then nothing is to be tried.
        chosen.modules += _changed_since(chosen.changed) or [""]
    return chosen


def _changed_since(revision: str) -> list[str]:
    listed = subprocess.run(  # noqa: S603 - our own git
        ["git", "diff", "--name-only", revision, "--", str(DOMAIN)],  # noqa: S607
        check=True,
        capture_output=True,
        text=True,
    )
    return [Path(line).stem for line in listed.stdout.splitlines()]


def _say(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


# --- processes ----------------------------------------------------------------------------------------------------


def _in_a_fork(measure: Callable[[], Covering]) -> Covering:
    here, there = _FORK.Pipe()

    def measured(answer: Connection) -> None:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - ends with its process
        answer.send(measure())

    process = _FORK.Process(target=measured, args=(there,))
    process.start()
    there.close()
    found: Covering = here.recv()
    process.join()
    return found


@dataclass
class _Running:
    mutant: Mutant
    process: ForkProcess
    until: float


def _tried(mutants: Sequence[Mutant], known: Covering, workers: int) -> Iterator[tuple[Mutant, Verdict]]:
    """Each mutant's verdict, as they come."""
    began, done, running = time.monotonic(), 0, dict[int, _Running]()
    waiting = iter(mutants)
    while True:
        for mutant in waiting:
            tests = known.of(mutant.module, mutant.lines)
            if not tests:
                yield mutant, Verdict.NOT_RUN
                continue
            one = _started(mutant, tests, known)
            running[one.process.sentinel] = one
            if len(running) >= workers:
                break
        if not running:
            return
        wait(list(running), timeout=1)
        for sentinel, one in list(running.items()):
            verdict = _verdict(one)
            if verdict is not None:
                del running[sentinel]
                done += 1
                if done % 100 == 0:
                    _say(f"{done} of {len(mutants)} after {time.monotonic() - began:.0f} s")
                yield one.mutant, verdict


def _started(mutant: Mutant, tests: set[str], known: Covering) -> _Running:
    stages = [stage for stage in _stages(mutant, tests, known) if stage]
    process = _FORK.Process(target=trial, args=(mutant, stages))
    process.start()
    return _Running(mutant, process, time.monotonic() + 20 + 5 * sum(known.seconds[test] for test in tests))


def _stages(mutant: Mutant, tests: set[str], known: Covering) -> Iterator[list[str]]:
    """The tests of each stage, the quickest first."""
    quickest = sorted(tests, key=lambda test: (known.seconds[test], test))
    own, domain = f"tests/domain/test_{mutant.module}", "tests/domain/"
    yield [test for test in quickest if test.startswith(own)]
    yield [test for test in quickest if test.startswith(domain) and not test.startswith(own)]
    yield [test for test in quickest if not test.startswith(domain)]


def _verdict(one: _Running) -> Verdict | None:
    """None while it is on its way. Raises RuntimeError if the trial could not be held."""
    if one.process.exitcode is None:
        if time.monotonic() < one.until:
            return None
        os.killpg(one.process.pid or 0, signal.SIGKILL)
        one.process.join()
        return Verdict.HUNG
    if one.process.exitcode == BROKEN:
        raise RuntimeError(f"no tests were found for {one.mutant}")
    return Verdict.SURVIVED if one.process.exitcode == SURVIVED else Verdict.NOTICED


if __name__ == "__main__":
    sys.exit(main())
