"""The stores in memory keep what every store promises: so what is tested with them holds for DynamoDB, too."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest

from tests.fakes.memory import MemoryEntries, MemoryIdempotency, MemorySessions
from tests.fakes.memory_books import MemoryAudit, MemoryBooks, MemoryParkedEvents
from tests.fakes.memory_teams import MemoryApiClients, MemoryStripeAccounts, MemorySubdomains, MemoryTeams
from tests.storage.books_contract import BooksContract, BooksStage, ParkedEventContract
from tests.storage.contract import EntryContract, SessionContract, SessionStage
from tests.storage.idempotency_contract import IdempotencyContract, IdempotencyStage
from tests.storage.samples import CLINIC, counted_entropy, without_a_field
from tests.storage.teams_contract import ApiClientContract, StripeAccountContract, SubdomainContract, TeamContract
from tests.storage.walk_contract import WalkContract


class MemoryStage:
    def __init__(self) -> None:
        self.store = MemorySessions(counted_entropy())
        self.ledger = self.store.books.ledger()
        self.audit = self.store.books.audit()

    def unreadable(self, team_id: str, session_id: str, due: datetime) -> None:
        self.store.unreadable(team_id, session_id, due)

    def written_by_newer_code(self, team_id: str, session_id: str) -> None:
        self.store.written_by_newer_code(team_id, session_id)

    def lose_next_response(self, between: Callable[[], object]) -> None:
        self.store.lose_next_response(between)


class TestMemorySessions(SessionContract, WalkContract):
    @pytest.fixture
    def stage(self) -> SessionStage:
        return MemoryStage()


class TestMemoryBooks(BooksContract):
    @pytest.fixture
    def stage(self) -> BooksStage:
        return MemoryStage()


class TestMemoryTeams(TeamContract):
    @pytest.fixture
    def books(self) -> MemoryBooks:
        return MemoryBooks()

    @pytest.fixture
    def audit(self, books: MemoryBooks) -> MemoryAudit:
        return books.audit()

    @pytest.fixture
    def teams(self, books: MemoryBooks) -> MemoryTeams:
        return MemoryTeams(books)

    @pytest.fixture
    def older_team(self, teams: MemoryTeams) -> Callable[[], None]:
        return lambda: teams.keep(CLINIC.team_id, without_a_field(CLINIC))


class TestMemoryApiClients(ApiClientContract):
    @pytest.fixture
    def clients(self) -> MemoryApiClients:
        return MemoryApiClients()


class TestMemoryStripeAccounts(StripeAccountContract):
    @pytest.fixture
    def accounts(self) -> MemoryStripeAccounts:
        return MemoryStripeAccounts()


class TestMemorySubdomains(SubdomainContract):
    @pytest.fixture
    def subdomains(self) -> MemorySubdomains:
        return MemorySubdomains()


class TestMemoryEntries(EntryContract):
    @pytest.fixture
    def entries(self) -> MemoryEntries:
        return MemoryEntries()


class TestMemoryParkedEvents(ParkedEventContract):
    @pytest.fixture
    def parked_events(self) -> MemoryParkedEvents:
        return MemoryParkedEvents()


class MemoryIdempotencyStage:
    def __init__(self) -> None:
        self.store = MemoryIdempotency(counted_entropy())
        self.lose_next_response = self.store.lose_next_response
        self.removed = self.store.removed


class TestMemoryIdempotency(IdempotencyContract):
    @pytest.fixture
    def stage(self) -> IdempotencyStage:
        return MemoryIdempotencyStage()
