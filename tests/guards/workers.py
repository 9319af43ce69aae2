"""Tries mutants in forks, a few at a time, and says how each ended; what a fork does is told by its caller."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkProcess
from typing import TypeVar

from tests.guards.mutants import Mutant
from tests.guards.trial import BROKEN, SURVIVED
from tests.guards.verdicts import Verdict

_FORK = multiprocessing.get_context("fork")
_WALL_SECONDS = 600
"""One that sleeps for ever. Those that run for ever are ended long before (`trial.py`)."""

Answer = TypeVar("Answer")


@dataclass
class _Running:
    mutant: Mutant
    process: ForkProcess
    until: float


def asked_in_a_fork(question: Callable[[], Answer]) -> Answer:
    """The answer of a process that may import and print what it likes. Raises EOFError if it gave none."""
    here, there = _FORK.Pipe()

    def answered(answer: Connection) -> None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        answer.send(question())

    process = _FORK.Process(target=answered, args=(there,))
    process.start()
    there.close()
    found: Answer = here.recv()
    process.join()
    return found


def tried(
    mutants: Iterable[Mutant], hold: Callable[[Mutant], object], workers: int
) -> Iterator[tuple[Mutant, Verdict]]:
    """Each mutant's verdict, as they come. `hold` ends the fork that it is called in."""
    waiting, running = iter(mutants), dict[int, _Running]()
    while True:
        while len(running) < workers and (mutant := next(waiting, None)):
            one = _started(mutant, hold)
            running[one.process.sentinel] = one
        if not running:
            return
        wait(list(running), timeout=1)
        for sentinel, one in list(running.items()):
            verdict = _verdict(one)
            if verdict is not None:
                del running[sentinel]
                yield one.mutant, verdict


def _started(mutant: Mutant, hold: Callable[[Mutant], object]) -> _Running:
    process = _FORK.Process(target=hold, args=(mutant,))
    process.start()
    return _Running(mutant, process, time.monotonic() + _WALL_SECONDS)


def _verdict(one: _Running) -> Verdict | None:
    """None while it is on its way. Raises RuntimeError if the trial could not be held."""
    ended = one.process.exitcode
    if ended is None:
        if time.monotonic() > one.until:
            os.killpg(one.process.pid or 0, signal.SIGKILL)
        return None
    if ended == BROKEN:
        raise RuntimeError(f"no trial of {one.mutant}")
    if ended < 0:
        return Verdict.HUNG
    return Verdict.SURVIVED if ended == SURVIVED else Verdict.NOTICED
