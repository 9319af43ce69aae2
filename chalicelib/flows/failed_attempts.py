"""How often a secret may be wrong: token buckets in this process's memory; decides nothing about right secrets.

Not a wall against guessing, which 256 random bits are, but against callers who would fill logs and reads. So the
secret is looked at first, and a caller who has the right one never comes here. Per process is enough for that.
"""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass

MOST_KEPT = 10_000
"""Buckets. Whoever makes up client ids must not fill the memory."""


@dataclass(frozen=True, slots=True)
class Limit:
    """`burst` attempts at once, and one more every `refill_seconds`."""

    name: str
    burst: int
    refill_seconds: int


PER_CLIENT = Limit("client", 10, 30)
PER_SOURCE = Limit("source", 50, 6)
"""Higher, since a clinic's machines may share one address."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left of a limit: whether this attempt was within it, and when (seconds) the next one will be."""

    limit: Limit
    remaining: int
    is_within: bool
    next_in: int


class FailedAttempts:
    """`count` takes one from each bucket that an attempt falls in."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._full_at: dict[tuple[str, str], float] = {}
        """When each bucket will be full again, in seconds of the caller's ticks: all that a bucket is."""

    def count(self, client_id: str, source: str, now: float) -> Allowance:
        """One failed attempt. The allowance that is tighter; an attempt beyond it costs nothing further."""
        with self._lock:
            self._make_room(now)
            told = [self._taken(PER_CLIENT, client_id, now), self._taken(PER_SOURCE, source, now)]
        return min(told, key=lambda one: (one.is_within, one.remaining))

    def _taken(self, limit: Limit, who: str, now: float) -> Allowance:
        """The generic cell rate algorithm: a bucket is the time at which it will be full."""
        key = (limit.name, who)
        full_at = max(self._full_at.get(key, now), now)
        after = full_at + limit.refill_seconds
        missing = after - now - limit.burst * limit.refill_seconds
        if missing > 0:
            return Allowance(limit, 0, is_within=False, next_in=max(1, math.ceil(missing)))
        self._full_at[key] = after
        remaining = int((limit.burst * limit.refill_seconds - (after - now)) // limit.refill_seconds)
        return Allowance(limit, remaining, is_within=True, next_in=limit.refill_seconds)

    def _make_room(self, now: float) -> None:
        if len(self._full_at) < MOST_KEPT:
            return
        kept = {key: full_at for key, full_at in self._full_at.items() if full_at > now}
        self._full_at = kept if len(kept) < MOST_KEPT else {}
