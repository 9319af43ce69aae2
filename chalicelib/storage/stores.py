"""What a store promises, whatever it is made of; and how it fails.

    StoreError
      NotFoundError            there is no such thing (for this team)
      ConflictError            somebody else wrote it since it was read: load and decide again
      NewerSchemaError         written by a newer version of the code; it is read, never written
      UnreadableError          stored, but it cannot be decoded
      StoreUnavailableError    throttled, timed out or down: nothing is known, try again later

A `get` raises, a `find` returns None, a `save` is conditional. Reads are strongly consistent; `due` is an index query,
so a hint that may lag. Every store passes the same contract suite (tests/storage/contract.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from chalicelib.domain.api_clients import ApiClient
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


class SessionStore(Protocol):
    def get(self, team_id: str, session_id: str) -> Session:
        """Raises NotFoundError, UnreadableError, StoreUnavailableError."""

    def create(self, session: Session) -> Session:
        """Save a session that was never saved. Raises ConflictError where the id is taken."""

    def save(self, session: Session) -> Session:
        """Save over the version read. Raises ConflictError, NewerSchemaError, StoreUnavailableError."""

    def due(self, shard: int, until: datetime, limit: int) -> list[tuple[str, str]]:
        """(team_id, session_id) of sessions of one shard whose due_at is not after `until`, the longest due first."""

    def push_back(self, team_id: str, session_id: str, until: datetime) -> None:
        """Make an item due later without decoding it; nothing happens where there is none."""


class TeamStore(Protocol):
    def get(self, team_id: str) -> Team:
        """Raises NotFoundError."""

    def create(self, team: Team) -> None:
        """Raises ConflictError where the id is taken."""

    def save(self, before: Team, after: Team) -> None:
        """Replace `before` as it was read. Raises ConflictError."""

    def all(self) -> Iterator[Team]:
        """Every team; for operators."""


class ApiClientStore(Protocol):
    def find(self, client_id: str) -> ApiClient | None: ...

    def create(self, client: ApiClient) -> None:
        """Raises ConflictError where the id is taken."""

    def save(self, before: ApiClient, after: ApiClient) -> None:
        """Replace `before` as it was read. Raises ConflictError."""


class EntryStore(Protocol):
    def add(self, entry: Entry) -> None:
        """Keep it; the same entry again changes nothing."""

    def of(self, team_id: str, session_id: str) -> list[Entry]:
        """Who entered when, the first first."""
