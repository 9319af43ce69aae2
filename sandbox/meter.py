"""Where a request came from, and what it cost: requests to DynamoDB and to Stripe, apart for each origin.

The origin is set where a request enters and read where one leaves, both in one thread. What has no origin (the
sandbox's own calls) is not counted.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

WRITES = frozenset({"PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems"})
WEBHOOK_PATHS = "/stripe/"


class Origin(StrEnum):
    HTTP = "http"
    WEBHOOKS = "webhooks"
    SWEEP = "sweep"


_origin: ContextVar[Origin | None] = ContextVar("origin", default=None)


def origin() -> Origin | None:
    """Where the request of this thread came from; None for the sandbox's own business."""
    return _origin.get()


def origin_of(path: str) -> Origin:
    """What an HTTP request counts as, by its path."""
    is_webhook = path.startswith(WEBHOOK_PATHS) and path.partition("?")[0].endswith("/webhook")
    return Origin.WEBHOOKS if is_webhook else Origin.HTTP


@dataclass
class Tally:
    """`requests`: how often the product was called; the rest: what it asked of others, repeated tries included."""

    requests: int = 0
    reads: int = 0
    writes: int = 0
    stripe: int = 0

    def as_json(self) -> dict[str, Any]:
        dynamodb = {"reads": self.reads, "writes": self.writes}
        return {"requests": self.requests, "dynamodb": dynamodb, "stripe": self.stripe}


class Meter:
    """The counters since the last reset."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tallies = {origin: Tally() for origin in Origin}

    @contextmanager
    def request_from(self, origin: Origin) -> Iterator[None]:
        """Count one call of the product, and what it asks of others meanwhile."""
        with self._lock:
            self._tallies[origin].requests += 1
        token = _origin.set(origin)
        try:
            yield
        finally:
            _origin.reset(token)

    def count_database(self, operation: str) -> None:
        """One request to DynamoDB; `operation` is its API's name. A transaction is one."""
        with self._lock:
            tally = self._tally()
            if operation in WRITES:
                tally.writes += 1
            else:
                tally.reads += 1

    def count_stripe(self) -> None:
        """One request to Stripe."""
        with self._lock:
            self._tally().stripe += 1

    def _tally(self) -> Tally:
        """The tally of this thread's origin; one that nobody sees when it has none."""
        here = origin()
        return self._tallies[here] if here else Tally()

    def reset(self) -> None:
        with self._lock:
            self._tallies = {origin: Tally() for origin in Origin}

    def as_json(self) -> dict[str, Any]:
        with self._lock:
            return {origin.value: tally.as_json() for origin, tally in self._tallies.items()}
