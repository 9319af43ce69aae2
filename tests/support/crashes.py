"""The process dies at one I/O, before or after its effect: every place where that can happen, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from tests.support.seam import Io, Seam

Act = Callable[[], object]


class ProcessDied(BaseException):
    """No `except Exception` holds a dying process up, and no `finally` does I/O."""


class Side(StrEnum):
    BEFORE = "before"
    AFTER = "after"
    """The effect is there, and nobody was told."""


@dataclass(frozen=True, slots=True)
class Crash:
    """At the I/O of that index, on that side of its effect."""

    index: int
    side: Side

    def __str__(self) -> str:
        return f"{self.side} I/O {self.index}"


def every_crash(prepare: Callable[[], tuple[Seam, Act]]) -> Iterator[Crash]:
    """All the places at which this act can die; it is done once, undisturbed, to see how many there are."""
    seam, act = prepare()
    mark = len(seam.done)
    act()
    for index in range(len(seam.done) - mark):
        yield from (Crash(index, side) for side in Side)


def die(seam: Seam, act: Act, crash: Crash) -> None:
    """Do it, and die there. Raises AssertionError if the act ended before."""
    seen = {Side.BEFORE: 0, Side.AFTER: 0}

    def at(side: Side) -> Callable[[Io], None]:
        def passed(_io: Io) -> None:
            index, seen[side] = seen[side], seen[side] + 1
            if side is crash.side and index == crash.index:
                raise ProcessDied

        return passed

    with seam.armed(before=at(Side.BEFORE), after=at(Side.AFTER)):
        try:
            act()
        except ProcessDied:
            return
    message = f"the act ended without an I/O to die at: {crash}"
    raise AssertionError(message)
