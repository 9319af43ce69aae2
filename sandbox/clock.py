"""The clock that the product and the Stripe stand-in share: this machine's, ahead by as much as it was moved."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

LATEST = datetime(2999, 1, 1, tzinfo=UTC)


class ClockError(ValueError):
    """The clock cannot be moved so."""


class Clock:
    """`real()` is this machine's time (aware, UTC). Time never goes back: what was paid stays paid."""

    def __init__(self, real: Callable[[], datetime]) -> None:
        self._real = real
        self._ahead = timedelta()
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """The time, aware and in UTC."""
        return self._real() + self._ahead

    def advance(self, seconds: float) -> datetime:
        """Move ahead; gives the new time. Raises ClockError for a step back, or beyond the year 2998."""
        with self._lock:
            most = (LATEST - self.now()).total_seconds()
            if not 0 <= seconds <= most:
                message = f"the clock moves ahead only: advance by 0 to {int(most)} seconds"
                raise ClockError(message)
            self._ahead += timedelta(seconds=seconds)
            return self.now()
