"""How much time a request has left; every call to the outside asks for its share of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


class OutOfTimeError(Exception):
    """The request's time is used up; nothing more is started. What was saved stands, and the next request goes on."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """`ticks()` counts seconds and never goes back; the time is up when it reaches `ends_at`."""

    ticks: Callable[[], float]
    ends_at: float

    def left(self) -> float:
        """Seconds left, never negative."""
        return max(0.0, self.ends_at - self.ticks())

    def at_most(self, seconds: float) -> float:
        """The seconds that one call may take. Raises OutOfTimeError when nothing is left."""
        left = self.left()
        if left <= 0:
            raise OutOfTimeError
        return min(seconds, left)
