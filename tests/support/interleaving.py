"""Runs flows beside each other in every possible order of their I/O: a scheduler, not a race.

Each flow has a thread, but only the one that holds the baton runs. It lays the baton down before every I/O, and the
scheduler says who goes on. What lies between two calls touches nothing shared, so these orders are all that can happen.
Nothing sleeps, nothing is left to chance: an order is a tuple of choices, and running it again does the same again.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.support.seam import Io, Seam

Flow = Callable[[], object]
Choice = tuple[int, int]
"""Which of how many flows went on."""

NEVER_WRITTEN_HERE = frozenset({"teams.get", "teams.all"})
"""Reads of what no flow here writes: moving them changes nothing, so they are no steps."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a flow ended: what it gave, or what it raised."""

    result: object = None
    error: Exception | None = None


@dataclass(frozen=True, slots=True)
class Race:
    """Two or more flows about to begin, and the seam that they do their I/O through."""

    seam: Seam
    flows: Sequence[Flow]
    always: Callable[[], None] = lambda: None
    """Called after every step: what must hold then, too."""


@dataclass(slots=True)
class Task:
    """One flow in its thread. `may_go` and `laid_down` pass the baton."""

    flow: Flow
    may_go: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    laid_down: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    ended: Ended | None = None
    thread: threading.Thread = field(init=False)

    def __post_init__(self) -> None:
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def go(self) -> None:
        """Let it run up to its next I/O, or its end."""
        self.may_go.release()
        self.laid_down.acquire()

    def lay_down(self) -> None:
        """Called in its own thread."""
        self.laid_down.release()
        self.may_go.acquire()

    def _run(self) -> None:
        self.may_go.acquire()
        try:
            self.ended = Ended(self.flow())
        except Exception as error:  # noqa: BLE001 (the test looks at it)
            self.ended = Ended(error=error)
        self.laid_down.release()


def run(race: Race, choose: Callable[[int], int]) -> tuple[list[Ended], list[Choice]]:
    """Run the flows to their ends; `choose(n)` says which of n goes on, wherever there is a choice."""
    tasks = [Task(flow) for flow in race.flows]
    choices: list[Choice] = []
    with race.seam.armed(before=lambda io: _lay_down(tasks, io)):
        for task in tasks:
            task.go()  # up to its first I/O nothing is shared
        while waiting := [task for task in tasks if task.ended is None]:
            chosen = choose(len(waiting)) if len(waiting) > 1 else 0
            if len(waiting) > 1:
                choices.append((chosen, len(waiting)))
            waiting[chosen].go()
            race.always()
    for task in tasks:
        task.thread.join()
    return [task.ended or Ended() for task in tasks], choices


def _lay_down(tasks: Sequence[Task], io: Io) -> None:
    me = threading.current_thread()
    if io.name in NEVER_WRITTEN_HERE:
        return
    for task in tasks:
        if task.thread is me:
            task.lay_down()


Judge = Callable[[list[Ended]], None]


def every_order(prepare: Callable[[], tuple[Race, Judge]]) -> int:
    """Prepare, run and judge every order, depth first; how many there were."""
    orders, prefix = 0, list[int]()
    while True:
        race, judge = prepare()
        planned = iter(prefix)
        ended, choices = run(race, lambda _n, planned=planned: next(planned, 0))  # type: ignore[misc] # bound now
        _judged(judge, ended, choices)
        orders += 1
        following = _following(choices)
        if following is None:
            return orders
        prefix = following


def some_orders(prepare: Callable[[], tuple[Race, Judge]], most: int, seed: int = 1) -> int:
    """As many orders, drawn by a seeded chance."""
    chance = random.Random(seed)
    for _ in range(most):
        race, judge = prepare()
        ended, choices = run(race, chance.randrange)
        _judged(judge, ended, choices)
    return most


def _judged(judge: Judge, ended: list[Ended], choices: list[Choice]) -> None:
    try:
        judge(ended)
    except AssertionError as error:
        error.add_note(f"in the order {''.join(str(chosen) for chosen, _ in choices)}, flows ended: {ended}")
        raise


def _following(choices: list[Choice]) -> list[int] | None:
    """The next order in the tree; None after the last."""
    for index in range(len(choices) - 1, -1, -1):
        chosen, of = choices[index]
        if chosen + 1 < of:
            return [one for one, _ in choices[:index]] + [chosen + 1]
    return None
