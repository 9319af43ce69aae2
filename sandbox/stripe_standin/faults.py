"""Faults that are made to happen to the next API requests. Says which fault is next; the API core carries it out."""

from collections import deque
from dataclasses import dataclass
from enum import StrEnum

from sandbox.stripe_standin.world import ControlError

MOST = 10_000


class FaultKind(StrEnum):
    """`500` has no effect, `500_after` has: both answers stick to the idempotency key, as Stripe's do."""

    TIMEOUT_BEFORE = "timeout_before"
    TIMEOUT_AFTER = "timeout_after"
    SERVER_ERROR = "500"
    SERVER_ERROR_AFTER = "500_after"
    RATE_LIMIT = "429"


@dataclass(frozen=True)
class Fault:
    kind: FaultKind
    method: str | None
    path_prefix: str

    def fits(self, method: str, path: str) -> bool:
        return self.method in {None, method} and path.startswith(self.path_prefix)


class Faults:
    def __init__(self) -> None:
        self._waiting: deque[Fault] = deque()

    def add(self, kind: str, times: int, method: str | None, path_prefix: str) -> None:
        """Let the next `times` requests that fit fail; raises ControlError for an unknown kind or number."""
        if kind not in set(FaultKind) or not 0 <= times <= MOST:
            message = f"{kind!r} x {times} is no fault; the kinds are {', '.join(FaultKind)}, up to {MOST} times"
            raise ControlError(message)
        self._waiting.extend([Fault(FaultKind(kind), method, path_prefix)] * times)

    def next_for(self, method: str, path: str) -> FaultKind | None:
        """Take the oldest waiting fault that fits this request."""
        for fault in self._waiting:
            if fault.fits(method, path):
                self._waiting.remove(fault)
                return fault.kind
        return None

    def clear(self) -> None:
        self._waiting.clear()
