"""How DynamoDB is written to: whole items under a condition, never an addition that a lost answer would make twice."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest

from chalicelib.domain.books import AuditEntry, AuditRow, Records
from chalicelib.storage.dynamodb import DynamoEntries, DynamoIdempotency, DynamoSessions
from chalicelib.storage.dynamodb_books import DynamoParkedEvents
from chalicelib.storage.dynamodb_teams import DynamoApiClients, DynamoStripeAccounts, DynamoSubdomains, DynamoTeams
from chalicelib.storage.stores import Entry, ParkedEvent, StripeAccount
from tests.storage.books_contract import ROW
from tests.storage.dynamo_contract import BOOKS_RETENTION, RETENTION
from tests.storage.idempotency_contract import RECORD
from tests.storage.samples import CLIENT, CLINIC, NOON, TEAM_ID, counted_entropy, due_session, session_ids
from tests.storage.wire import Wire, mocked_dynamodb, tables_on_a_wire

SESSION_ID = next(session_ids())
AUDIT = AuditRow(TEAM_ID, SESSION_ID, NOON, "a1", (AuditEntry("canceled", "clock"),))
PARKED = ParkedEvent("own", "evt_1", "charge.succeeded", 1, "KeyError", NOON, NOON)


@pytest.fixture(scope="module", autouse=True)
def dynamodb() -> Iterator[None]:
    with mocked_dynamodb():
        yield


@pytest.fixture
def wire() -> Iterator[Wire]:
    with tables_on_a_wire() as wire:
        yield wire


def _everything_is_written() -> None:
    """Every way in which any store writes."""
    sessions = DynamoSessions(counted_entropy(), RETENTION, BOOKS_RETENTION)
    session = sessions.save(sessions.create(due_session(SESSION_ID, NOON)))
    sessions.save(session, Records((ROW,), AUDIT))
    sessions.push_back(TEAM_ID, SESSION_ID, NOON)
    teams, clients, parked = DynamoTeams(BOOKS_RETENTION), DynamoApiClients(), DynamoParkedEvents()
    teams.create(CLINIC)
    teams.save(CLINIC, replace(CLINIC, name="Another"))
    teams.save(replace(CLINIC, name="Another"), CLINIC, replace(AUDIT, session_id=None, audit_id="a2"))
    accounts, account = DynamoStripeAccounts(), StripeAccount("acct_1", TEAM_ID, livemode=False, connected_at=NOON)
    accounts.save(None, account)
    accounts.save(account, replace(account, released_at=NOON))
    DynamoSubdomains().save("hill-street", None, TEAM_ID)
    DynamoSubdomains().save("hill-street", TEAM_ID, "team-9")
    clients.create(CLIENT)
    clients.save(CLIENT, replace(CLIENT, name="Another"))
    DynamoEntries(RETENTION).add(Entry(TEAM_ID, SESSION_ID, 2, NOON))
    idempotency = DynamoIdempotency(counted_entropy())
    idempotency.save(idempotency.begin(RECORD, NOON).record, RECORD)
    parked.save(None, PARKED)
    parked.save(PARKED, replace(PARKED, failures=2))


def test_every_write_has_a_condition_and_none_adds_to_what_is_there(wire: Wire) -> None:
    """An addition whose answer was lost is sent again by the SDK, and a counter of 1 is 2 then."""
    _everything_is_written()
    assert {operation for operation, _ in wire.requests} <= {"PutItem", "UpdateItem", "TransactWriteItems", "GetItem"}
    assert len(wire.sent("PutItem")) >= 15
    assert all("ConditionExpression" in body for body in wire.sent("PutItem"))
    (pushed,) = wire.sent("UpdateItem")
    assert re.fullmatch(r"SET #\d = :\d", pushed["UpdateExpression"])
    assert "ConditionExpression" in pushed


def test_in_a_transaction_the_session_or_team_has_its_condition_and_all_else_is_put_whole(wire: Wire) -> None:
    _everything_is_written()
    written = []
    for transaction in wire.sent("TransactWriteItems"):
        puts = [item["Put"] for item in transaction["TransactItems"]]
        written.append({put["TableName"].rpartition("-")[2]: "ConditionExpression" in put for put in puts})
    assert written == [{"sessions": True, "ledger": False, "audit": False}, {"teams": True, "audit": False}]
