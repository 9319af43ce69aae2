"""A store read through a short memory of this process: for teams and API clients, which are read by every request.

60 s is how fast disabling a client or suspending a team works; stale is safe, since Stripe itself refuses an account
that is gone. What is not found is not remembered.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from chalicelib.domain.api_clients import ApiClient
from chalicelib.domain.books import AuditRow
from chalicelib.domain.teams import Team
from chalicelib.storage.stores import ApiClientStore, TeamStore

KEPT_SECONDS = 60
MOST_KEPT = 1000

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Memory(Generic[Key, Value]):
    """The newest answers of `fetch`, each for 60 s of `ticks()`."""

    def __init__(self, fetch: Callable[[Key], Value], ticks: Callable[[], float]) -> None:
        self._fetch = fetch
        self._ticks = ticks
        self._kept: dict[Key, tuple[float, Value]] = {}

    def get(self, key: Key) -> Value:
        kept = self._kept.get(key)
        if kept is not None and self._ticks() < kept[0]:
            return kept[1]
        value = self._fetch(key)
        if len(self._kept) >= MOST_KEPT:
            self._kept.clear()
        if value is not None:
            self._kept[key] = (self._ticks() + KEPT_SECONDS, value)
        return value

    def forget(self, key: Key) -> None:
        self._kept.pop(key, None)


class CachedTeams:
    """Reads of one team come from memory, but for the newest; everything else goes through."""

    def __init__(self, store: TeamStore, ticks: Callable[[], float]) -> None:
        self._store = store
        self._memory = Memory(store.newest, ticks)
        self.create = store.create
        self.all = store.all

    def get(self, team_id: str) -> Team:
        return self._memory.get(team_id)

    def newest(self, team_id: str) -> Team:
        self._memory.forget(team_id)
        return self._memory.get(team_id)

    def save(self, before: Team, after: Team, audit: AuditRow | None = None) -> None:
        try:
            self._store.save(before, after, audit)
        finally:
            # Also after a conflict: what is remembered was the reason.
            self._memory.forget(after.team_id)


class CachedApiClients:
    """Finding a client comes from memory; everything else goes through."""

    def __init__(self, store: ApiClientStore, ticks: Callable[[], float]) -> None:
        self._store = store
        self._memory = Memory(store.find, ticks)
        self.create = store.create
        self.all = store.all

    def find(self, client_id: str) -> ApiClient | None:
        return self._memory.get(client_id)

    def save(self, before: ApiClient, after: ApiClient) -> None:
        try:
            self._store.save(before, after)
        finally:
            # Also after a conflict: what is remembered was the reason.
            self._memory.forget(after.client_id)

    def remove(self, client: ApiClient) -> None:
        try:
            self._store.remove(client)
        finally:
            self._memory.forget(client.client_id)
