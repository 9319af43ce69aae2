"""What a store promises, whatever it is made of; and how it fails.

    StoreError
      NotFoundError            there is no such thing (for this team)
      ConflictError            somebody else wrote it since it was read: load and decide again
      NewerSchemaError         written by a newer version of the code; it is read, never written
      UnreadableError          stored, but it cannot be decoded
      StoreUnavailableError    throttled, timed out or down: nothing is known, try again later

A `get` raises, a `find` returns None, a `save` is conditional. Reads are strongly consistent; `due`, and a walk by
start, are index queries, so hints that may lag. Every store passes the same contract suite (tests/storage/contract.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from chalicelib.domain.api_clients import ApiClient
from chalicelib.domain.books import NO_RECORDS, AuditRow, LedgerRow, Records
from chalicelib.domain.sessions import Session
from chalicelib.domain.teams import Team

DUE_SHARDS = 16
"""May only grow: sessions stay in the shard that their id was put in."""


class StoreError(Exception):
    """Something about what is stored. Messages name ids, never what people wrote."""


class NotFoundError(StoreError):
    pass


class ConflictError(StoreError):
    pass


class NewerSchemaError(StoreError):
    pass


class UnreadableError(StoreError):
    pass


class StoreUnavailableError(StoreError):
    pass


@dataclass(frozen=True, slots=True)
class Entry:
    """Somebody entered the room."""

    team_id: str
    session_id: str
    number: int
    entered_at: datetime


@dataclass(frozen=True, slots=True)
class Walk:
    """A way through one team's sessions, oldest or newest first.

    `by_start`: those that start in [starts_from, starts_until], to the millisecond, by their start; else all of them,
    by their creation.
    """

    by_start: bool = False
    reverse: bool = False
    starts_from: datetime | None = None
    starts_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Position:
    """A place on a walk: that of this session, there or not any more. `start_time` on walks by start only."""

    session_id: str
    start_time: datetime | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """What a walk comes by. `session` None: it is kept, and cannot be decoded."""

    position: Position
    session: Session | None


@dataclass(frozen=True, slots=True)
class Stretch:
    """What one read of a walk brought, in its order. `more`: it did not come to the walk's end."""

    found: tuple[Found, ...] = ()
    more: bool = False


@dataclass(frozen=True, slots=True)
class IdempotencyRecord:
    """What a key of a caller's was first used for, so that doing it again does it once.

    `planned_id` names what is made, and was drawn before it is made. Until `lease_until` the first may still be at it;
    at `expires_at` the key is free again. `write_id` is the store's own bookkeeping.
    """

    record_key: str
    body_hash: str
    planned_id: str
    lease_until: datetime
    created_at: datetime
    expires_at: datetime
    write_id: str = ""


@dataclass(frozen=True, slots=True)
class StripeAccount:
    """Whose a connected account is: of one team at a time. `released_at`: since when it may become another's."""

    account_id: str
    team_id: str
    livemode: bool
    connected_at: datetime
    released_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class LedgerPlace:
    """A place in a team's ledger: behind the row of this charge, there or not any more."""

    paid_at: datetime
    charge_id: str


@dataclass(frozen=True, slots=True)
class ParkedEvent:
    """An event of Stripe's that failed, how often, and with which class of error; never what it said.

    `account`: the Stripe account's id, or `own` for the deployment's. Parked once it failed often enough.
    """

    account: str
    event_id: str
    kind: str
    failures: int
    error: str
    first_failed_at: datetime
    last_failed_at: datetime
    is_parked: bool = False


@dataclass(frozen=True, slots=True)
class Begun:
    """The record that stands; `is_new`: it is the one that was to begin."""

    record: IdempotencyRecord
    is_new: bool


class SessionStore(Protocol):
    def get(self, team_id: str, session_id: str) -> Session:
        """Raises NotFoundError, UnreadableError, StoreUnavailableError."""

    def create(self, session: Session) -> Session:
        """Save a session that was never saved. Raises ConflictError where the id is taken."""

    def save(self, session: Session, records: Records = NO_RECORDS) -> Session:
        """Save over the version read, and these records with it or neither.

        Raises ConflictError, NewerSchemaError, StoreUnavailableError.
        """

    def due(self, shard: int, until: datetime, limit: int) -> list[tuple[str, str]]:
        """(team_id, session_id) of sessions of one shard whose due_at is not after `until`, the longest due first."""

    def remove(self, session: Session) -> None:
        """Forget it as it was read. Raises ConflictError, StoreUnavailableError; again is silent."""

    def push_back(self, team_id: str, session_id: str, until: datetime) -> None:
        """Make an item due later without decoding it; nothing happens where there is none."""

    def stretch(self, team_id: str, walk: Walk, after: Position | None, at_most: int | None) -> Stretch:
        """What comes next on the walk: one read, of up to 1 MB and no more sessions than that.

        `after` None: from the walk's beginning. Raises StoreUnavailableError.
        """


class TeamStore(Protocol):
    def get(self, team_id: str) -> Team:
        """As it was within the last 60 s. Raises NotFoundError."""

    def newest(self, team_id: str) -> Team:
        """As it is, for whoever changes it or has just changed it. Raises NotFoundError."""

    def create(self, team: Team, audit: AuditRow | None = None) -> None:
        """Keep it, and who made it with it or neither. Raises ConflictError where the id is taken."""

    def save(self, before: Team, after: Team, audit: AuditRow | None = None) -> None:
        """Replace `before` as it was read, and keep who decided it with it or neither. Raises ConflictError."""

    def all(self) -> Iterator[Team]:
        """Every team; for operators."""


class ApiClientStore(Protocol):
    def find(self, client_id: str) -> ApiClient | None: ...

    def create(self, client: ApiClient) -> None:
        """Raises ConflictError where the id is taken."""

    def save(self, before: ApiClient, after: ApiClient) -> None:
        """Replace `before` as it was read. Raises ConflictError."""

    def remove(self, client: ApiClient) -> None:
        """Forget it; nothing happens where there is none."""

    def all(self) -> Iterator[ApiClient]:
        """Every client of every team; for operators."""


class StripeAccountStore(Protocol):
    def find(self, account_id: str) -> StripeAccount | None: ...

    def save(self, before: StripeAccount | None, after: StripeAccount) -> None:
        """Replace `before` as it was read, None being nothing. Raises ConflictError, StoreUnavailableError."""


class SubdomainStore(Protocol):
    def find(self, subdomain: str) -> str | None:
        """The id of the team whose it is."""

    def save(self, subdomain: str, before: str | None, team_id: str) -> None:
        """Let it be that team's in place of `before`, None being nobody.

        Raises ConflictError, StoreUnavailableError.
        """

    def remove(self, subdomain: str, team_id: str) -> None:
        """Let it be nobody's; nothing happens where it is not that team's."""


class EntryStore(Protocol):
    def add(self, entry: Entry) -> None:
        """Keep it; the same entry again changes nothing."""

    def of(self, team_id: str, session_id: str) -> list[Entry]:
        """Who entered when, the first first."""

    def remove(self, entry: Entry) -> None:
        """Forget it; nothing happens where there is none."""


class LedgerStore(Protocol):
    def between(
        self,
        team_id: str,
        start: datetime,
        end: datetime,
        after: LedgerPlace | None = None,
        at_most: int | None = None,
    ) -> Iterator[LedgerRow]:
        """The charges paid in [start, end), the first first, from behind that place on, and no more of them than that.

        Raises StoreUnavailableError.
        """


class AuditStore(Protocol):
    def between(self, team_id: str, start: datetime, end: datetime) -> Iterator[AuditRow]:
        """What was decided in [start, end), the first first. Raises StoreUnavailableError."""


class ParkedEventStore(Protocol):
    def find(self, account: str, event_id: str) -> ParkedEvent | None: ...

    def save(self, before: ParkedEvent | None, after: ParkedEvent) -> None:
        """Replace `before` as it was read, None being nothing. Raises ConflictError, StoreUnavailableError."""

    def remove(self, event: ParkedEvent) -> None:
        """Forget it; nothing happens where there is none."""

    def all(self) -> Iterator[ParkedEvent]:
        """Every one, parked or on its way there; for operators."""


class IdempotencyStore(Protocol):
    def begin(self, record: IdempotencyRecord, now: datetime) -> Begun:
        """Keep it, unless one is kept under its key that has not expired at `now`: then that one stands.

        An expired one that is still there counts for nothing: DynamoDB removes items days late. Raises
        StoreUnavailableError, and ConflictError where what stood in the way was gone when it was looked at.
        """

    def save(self, before: IdempotencyRecord, after: IdempotencyRecord) -> IdempotencyRecord:
        """Replace `before` as it was begun, read or saved. Raises ConflictError, StoreUnavailableError."""
