"""The contracts of the stores on DynamoDB: subclasses say which DynamoDB, by the fixtures `wire` and its tables.

A stage is what a test does to a store from behind.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from chalicelib.storage import codec
from chalicelib.storage.dynamodb import DynamoEntries, DynamoIdempotency, DynamoSessions
from chalicelib.storage.dynamodb_books import DynamoAudit, DynamoLedger, DynamoParkedEvents
from chalicelib.storage.dynamodb_teams import DynamoApiClients, DynamoStripeAccounts, DynamoSubdomains, DynamoTeams
from chalicelib.storage.tables import IdempotencyItem, SessionItem, TeamItem
from tests.storage.books_contract import BooksContract, BooksStage, ParkedEventContract
from tests.storage.contract import EntryContract, SessionContract, SessionStage
from tests.storage.idempotency_contract import IdempotencyContract, IdempotencyStage
from tests.storage.samples import CLINIC, NOON, counted_entropy, without_a_field
from tests.storage.teams_contract import ApiClientContract, StripeAccountContract, SubdomainContract, TeamContract
from tests.storage.walk_contract import WalkContract
from tests.storage.wire import Wire

RETENTION = timedelta(days=400)
BOOKS_RETENTION = timedelta(days=3653)
ENTROPY = counted_entropy()
"""One for all stages: DynamoDB remembers the tokens of transactions for ten minutes, and tests are over sooner."""


class DynamoStage:
    def __init__(self, wire: Wire) -> None:
        self.store = DynamoSessions(ENTROPY, RETENTION, BOOKS_RETENTION)
        self.ledger = DynamoLedger()
        self.audit = DynamoAudit()
        self.lose_next_response = wire.lose_next_put

    def unreadable(self, team_id: str, session_id: str, due: datetime) -> None:
        SessionItem(
            team_id,
            session_id,
            start_time=codec.sortable(NOON),
            due_shard=codec.due_shard(session_id),
            due_at=codec.milliseconds(due),
            schema=1,
            version=1,
            write_ids=["00"],
            expires_at_epoch=0,
            body="{",
        ).save()

    def written_by_newer_code(self, team_id: str, session_id: str) -> None:
        SessionItem(team_id, session_id).update(actions=[SessionItem.schema.set(codec.SCHEMA + 1)])


class DynamoIdempotencyStage:
    def __init__(self, wire: Wire) -> None:
        self.store = DynamoIdempotency(ENTROPY)
        self.lose_next_response = wire.lose_next_put

    def removed(self, record_key: str) -> None:
        IdempotencyItem(record_key).delete()


class DynamoSessionContract(SessionContract, WalkContract):
    @pytest.fixture
    def stage(self, wire: Wire) -> SessionStage:
        return DynamoStage(wire)


class DynamoBooksContract(BooksContract):
    @pytest.fixture
    def stage(self, wire: Wire) -> BooksStage:
        return DynamoStage(wire)


class DynamoIdempotencyContract(IdempotencyContract):
    @pytest.fixture
    def stage(self, wire: Wire) -> IdempotencyStage:
        return DynamoIdempotencyStage(wire)


@pytest.mark.usefixtures("wire")
class DynamoTeamContract(TeamContract):
    @pytest.fixture
    def audit(self) -> DynamoAudit:
        return DynamoAudit()

    @pytest.fixture
    def teams(self) -> DynamoTeams:
        return DynamoTeams(BOOKS_RETENTION)

    @pytest.fixture
    def older_team(self) -> Callable[[], None]:
        def keep() -> None:
            TeamItem(CLINIC.team_id, body=without_a_field(CLINIC)).save()

        return keep


@pytest.mark.usefixtures("wire")
class DynamoApiClientContract(ApiClientContract):
    @pytest.fixture
    def clients(self) -> DynamoApiClients:
        return DynamoApiClients()


@pytest.mark.usefixtures("wire")
class DynamoStripeAccountContract(StripeAccountContract):
    @pytest.fixture
    def accounts(self) -> DynamoStripeAccounts:
        return DynamoStripeAccounts()


@pytest.mark.usefixtures("wire")
class DynamoSubdomainContract(SubdomainContract):
    @pytest.fixture
    def subdomains(self) -> DynamoSubdomains:
        return DynamoSubdomains()


@pytest.mark.usefixtures("wire")
class DynamoEntryContract(EntryContract):
    @pytest.fixture
    def entries(self) -> DynamoEntries:
        return DynamoEntries(RETENTION)


@pytest.mark.usefixtures("wire")
class DynamoParkedEventContract(ParkedEventContract):
    @pytest.fixture
    def parked_events(self) -> DynamoParkedEvents:
        return DynamoParkedEvents()
