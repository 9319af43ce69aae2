"""The one object that every flow is given: settings, clock, chance, stores and gateways; and the time that is left.

Made by `wiring.py` once per process, and by tests as they like. No flow reads a clock or draws chance but from here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

from chalicelib.config import Settings
from chalicelib.domain.books import CLOCK
from chalicelib.flows.failed_attempts import FailedAttempts
from chalicelib.gateways.deadline import Deadline
from chalicelib.storage.stores import (
    ApiClientStore,
    AuditStore,
    EntryStore,
    IdempotencyStore,
    LedgerStore,
    ParkedEventStore,
    SessionStore,
    StripeAccountStore,
    SubdomainStore,
    TeamStore,
)

if TYPE_CHECKING:
    from chalicelib.gateways.stripe_api import StripeApi

REQUEST_SECONDS = 25
"""One HTTP request; API Gateway gives up after 29."""


@dataclass(frozen=True, slots=True)
class Context:
    """`clock()`: now (aware, UTC); `entropy(n)`: n random bytes; `sleep(seconds)` waits; `ticks()` counts seconds.

    `by`: on whose behalf things are changed, for the audit (`domain/books.py`).
    """

    settings: Settings
    clock: Callable[[], datetime]
    entropy: Callable[[int], bytes]
    sleep: Callable[[float], None]
    ticks: Callable[[], float]
    sessions: SessionStore
    teams: TeamStore
    api_clients: ApiClientStore
    stripe_accounts: StripeAccountStore
    subdomains: SubdomainStore
    entries: EntryStore
    idempotency: IdempotencyStore
    ledger: LedgerStore
    audit: AuditStore
    parked_events: ParkedEventStore
    stripe: StripeApi
    deadline: Deadline
    failed_attempts: FailedAttempts = field(default_factory=FailedAttempts)
    by: str = CLOCK

    def within(self, seconds: float) -> Context:
        """The same for one request or run, with that much time."""
        return replace(self, deadline=Deadline(self.ticks, self.ticks() + seconds))

    def acting_for(self, who: str) -> Context:
        """The same, for what they decide."""
        return replace(self, by=who)

    def jitter(self) -> float:
        """A fraction in [0, 1) by chance."""
        return int.from_bytes(self.entropy(4), "big") / 2**32
