"""Faults that a script asks for: which kinds there are for either target, and those that still wait to happen.

The Stripe stand-in carries out its own; this counts how many of them are left. Those of DynamoDB are kept here, and
carried out in `dynamodb.py`.
"""

from __future__ import annotations

import threading
from collections import deque
from enum import StrEnum

from sandbox.stripe_standin import StripeStandIn


class FaultKind(StrEnum):
    """`timeout_before`: no answer, nothing done; `timeout_after`: done, no answer. `429` and `throttle` are one."""

    TIMEOUT_BEFORE = "timeout_before"
    TIMEOUT_AFTER = "timeout_after"
    SERVER_ERROR = "500"
    RATE_LIMIT = "429"
    THROTTLE = "throttle"


class DatabaseFaults:
    """What happens to the product's next requests to DynamoDB."""

    def __init__(self) -> None:
        self._waiting: deque[FaultKind] = deque()

    def add(self, kind: FaultKind, times: int) -> None:
        self._waiting.extend([kind] * times)

    def take(self) -> FaultKind | None:
        """The next one; None when none waits."""
        try:
            return self._waiting.popleft()
        except IndexError:
            return None

    def clear(self) -> None:
        self._waiting.clear()

    @property
    def waiting(self) -> int:
        return len(self._waiting)


class StripeFaults:
    """What happens to the next requests to the stand-in: each one, whosever it is, takes one fault."""

    def __init__(self, standin: StripeStandIn) -> None:
        self._standin = standin
        self._lock = threading.Lock()
        self._waiting = 0
        standin.on_request = self._requested

    def add(self, kind: FaultKind, times: int) -> None:
        with self._lock:
            self._standin.fail_next("429" if kind is FaultKind.THROTTLE else kind.value, times)
            self._waiting += times

    def _requested(self, method: str, path: str) -> None:
        del method, path
        with self._lock:
            self._waiting = max(0, self._waiting - 1)

    def clear(self) -> None:
        with self._lock:
            self._standin.clear_faults()
            self._waiting = 0

    @property
    def waiting(self) -> int:
        return self._waiting
