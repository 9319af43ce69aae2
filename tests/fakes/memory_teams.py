"""Teams, API clients and Stripe accounts in memory, for tests: what they promise is in `tests/storage/contract.py`.

What is kept is the text that DynamoDB would keep, so that encoding is exercised.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator

from chalicelib.domain.api_clients import ApiClient
from chalicelib.domain.books import AuditRow, Records
from chalicelib.domain.teams import Team
from chalicelib.storage import codec
from chalicelib.storage.stores import ConflictError, NotFoundError, StripeAccount
from tests.fakes.memory_books import MemoryBooks


class MemoryTeams:
    def __init__(self, books: MemoryBooks | None = None) -> None:
        self._lock = threading.Lock()
        self._texts: dict[str, str] = {}
        self._books = books or MemoryBooks()

    def get(self, team_id: str) -> Team:
        return self.newest(team_id)

    def newest(self, team_id: str) -> Team:
        text = self._texts.get(team_id)
        if text is None:
            message = f"no such team {team_id}"
            raise NotFoundError(message)
        return codec.team_from(text)

    def create(self, team: Team, audit: AuditRow | None = None) -> None:
        self._put(None, team, audit)

    def save(self, before: Team, after: Team, audit: AuditRow | None = None) -> None:
        self.get(after.team_id)
        self._put(before, after, audit)

    def _put(self, before: Team | None, after: Team, audit: AuditRow | None = None) -> None:
        with self._lock:
            text = self._texts.get(after.team_id)
            if (codec.team_from(text) if text else None) != before:
                message = f"team {after.team_id} was written by somebody else"
                raise ConflictError(message)
            self._texts[after.team_id] = codec.team_text(after)
            self._books.write(Records(audit=audit))

    def all(self) -> Iterator[Team]:
        yield from [codec.team_from(text) for text in self._texts.values()]

    def keep(self, team_id: str, text: str) -> None:
        """Keep this text, as another release of the code may have written it."""
        self._texts[team_id] = text


class MemoryApiClients:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._texts: dict[str, str] = {}

    def find(self, client_id: str) -> ApiClient | None:
        text = self._texts.get(client_id)
        return None if text is None else codec.client_from(text)

    def create(self, client: ApiClient) -> None:
        self._put(None, client)

    def save(self, before: ApiClient, after: ApiClient) -> None:
        self._put(before, after)

    def _put(self, before: ApiClient | None, after: ApiClient) -> None:
        with self._lock:
            if self.find(after.client_id) != before:
                message = "api client was written by somebody else"
                raise ConflictError(message)
            self._texts[after.client_id] = codec.client_text(after)

    def remove(self, client: ApiClient) -> None:
        self._texts.pop(client.client_id, None)

    def all(self) -> Iterator[ApiClient]:
        yield from [codec.client_from(text) for text in self._texts.values()]


class MemoryStripeAccounts:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._texts: dict[str, str] = {}

    def find(self, account_id: str) -> StripeAccount | None:
        text = self._texts.get(account_id)
        return None if text is None else codec.account_from(text)

    def save(self, before: StripeAccount | None, after: StripeAccount) -> None:
        with self._lock:
            if self.find(after.account_id) != before:
                message = f"account {after.account_id} was written by somebody else"
                raise ConflictError(message)
            self._texts[after.account_id] = codec.account_text(after)


class MemorySubdomains:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._teams: dict[str, str] = {}

    def find(self, subdomain: str) -> str | None:
        return self._teams.get(subdomain)

    def save(self, subdomain: str, before: str | None, team_id: str) -> None:
        with self._lock:
            if self.find(subdomain) not in {before, team_id}:
                message = f"subdomain {subdomain} was written by somebody else"
                raise ConflictError(message)
            self._teams[subdomain] = team_id

    def remove(self, subdomain: str, team_id: str) -> None:
        with self._lock:
            if self._teams.get(subdomain) == team_id:
                del self._teams[subdomain]
