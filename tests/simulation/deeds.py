"""What a deed is: one thing that somebody does, told in a sentence; and a step, a deed with what goes wrong in it.

Every deed is a frozen value that names its people and pages by place, so that a history is a list of values. What a
deed finds nothing to do for, it leaves alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

from tests.simulation.faults import Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.simulation.stage import Stage

NOTHING = "nothing to do"

One = TypeVar("One")
NO_TEAM = frozenset[str]()


class Deed(Protocol):
    def do(self, stage: Stage) -> str:
        """Do it; what came of it in a few words. Raises what the product and the stand-in raise."""

    def touches(self, stage: Stage) -> frozenset[tuple[str, str]] | None:
        """The items that it may change; None: any, since it is nobody's in particular."""


@dataclass(frozen=True, slots=True)
class Step:
    deed: Deed
    faults: tuple[Fault, ...] = ()

    def __str__(self) -> str:
        wrong = "; ".join(str(fault) for fault in self.faults)
        return f"{self.deed}{f' ({wrong})' if wrong else ''}"


def teams_of(deed: Deed, stage: Stage) -> frozenset[str]:
    """The teams that it may change: most deeds change none."""
    teams: Callable[[Stage], frozenset[str]] | None = getattr(deed, "teams", None)
    return teams(stage) if teams else NO_TEAM


def at_place(stage: Stage, place: str) -> frozenset[tuple[str, str]]:
    """The item of the session there."""
    key = stage.sessions_at.get(place)
    return frozenset({key}) if key else frozenset()


def nth(found: Sequence[One], index: int) -> One | None:
    """The n-th, counted from the end when negative; round again past either end; None of nothing."""
    return found[index % len(found)] if found else None
