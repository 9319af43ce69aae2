"""The stores on DynamoDB keep what every store promises, and cost what they may; moto stands for DynamoDB here.

moto proves shapes and conditions; that they hold under real races is for a real engine to prove.
"""

from __future__ import annotations

import base64
import traceback
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice

import pytest

from chalicelib.flows.size_limit import FULL
from chalicelib.storage import codec
from chalicelib.storage.dynamodb import DynamoEntries, DynamoIdempotency, DynamoSessions
from chalicelib.storage.dynamodb_teams import DynamoApiClients, DynamoTeams
from chalicelib.storage.stores import Entry, Position, StoreUnavailableError, UnreadableError, Walk
from chalicelib.storage.tables import EntryItem, IdempotencyItem, SessionItem
from tests.storage.dynamo_contract import (
    BOOKS_RETENTION,
    RETENTION,
    DynamoApiClientContract,
    DynamoBooksContract,
    DynamoEntryContract,
    DynamoIdempotencyContract,
    DynamoParkedEventContract,
    DynamoSessionContract,
    DynamoStripeAccountContract,
    DynamoSubdomainContract,
    DynamoTeamContract,
)
from tests.storage.idempotency_contract import OTHER, RECORD
from tests.storage.largest import before_the_facts, largest_session
from tests.storage.samples import (
    CLIENT,
    CLINIC,
    NOON,
    TEAM_ID,
    a_session,
    counted_entropy,
    due_session,
    session_ids,
)
from tests.storage.walk_contract import starting
from tests.storage.wire import Wire, mocked_dynamodb, tables_on_a_wire

SESSION_ID = next(session_ids())
DYNAMODB_ITEM_LIMIT = 400 * 1024


@pytest.fixture(scope="module", autouse=True)
def dynamodb() -> Iterator[None]:
    with mocked_dynamodb():
        yield


@pytest.fixture
def wire() -> Iterator[Wire]:
    with tables_on_a_wire() as wire:
        yield wire


@pytest.fixture
def sessions(wire: Wire) -> DynamoSessions:
    return DynamoSessions(counted_entropy(), RETENTION, BOOKS_RETENTION)


# --- the contract ---------------------------------------------------------------------------------------------------


class TestDynamoSessions(DynamoSessionContract):
    pass


class TestDynamoBooks(DynamoBooksContract):
    pass


class TestDynamoTeams(DynamoTeamContract):
    pass


class TestDynamoApiClients(DynamoApiClientContract):
    pass


class TestDynamoStripeAccounts(DynamoStripeAccountContract):
    pass


class TestDynamoSubdomains(DynamoSubdomainContract):
    pass


class TestDynamoEntries(DynamoEntryContract):
    pass


class TestDynamoIdempotency(DynamoIdempotencyContract):
    pass


class TestDynamoParkedEvents(DynamoParkedEventContract):
    pass


# --- requests -------------------------------------------------------------------------------------------------------


def test_each_step_is_one_request_and_reads_of_items_are_strongly_consistent(
    sessions: DynamoSessions, wire: Wire
) -> None:
    sessions.create(a_session(SESSION_ID))
    sessions.save(sessions.get(TEAM_ID, SESSION_ID))
    sessions.due(3, NOON, limit=50)
    assert [operation for operation, _ in wire.requests] == ["PutItem", "GetItem", "PutItem", "Query"]
    assert wire.sent("GetItem")[0]["ConsistentRead"] is True


def test_teams_clients_and_entries_are_read_strongly_consistent(wire: Wire) -> None:
    DynamoTeams(BOOKS_RETENTION).create(CLINIC)
    DynamoApiClients().create(CLIENT)
    DynamoTeams(BOOKS_RETENTION).get(CLINIC.team_id)
    DynamoApiClients().find(CLIENT.client_id)
    DynamoEntries(RETENTION).of(TEAM_ID, SESSION_ID)
    read = [body["ConsistentRead"] for body in (*wire.sent("GetItem"), *wire.sent("Query"))]
    assert read == [True, True, True]


def test_a_stretch_of_a_walk_is_one_request_which_only_an_index_answers_late(
    sessions: DynamoSessions, wire: Wire
) -> None:
    sessions.stretch(TEAM_ID, Walk(), None, 50)
    sessions.stretch(TEAM_ID, Walk(by_start=True, starts_from=NOON, reverse=True), Position(SESSION_ID, NOON), None)
    by_creation, by_start = wire.sent("Query")
    assert (by_creation["ConsistentRead"], by_creation["Limit"]) == (True, 50)
    assert "FilterExpression" not in by_start
    assert (by_start["IndexName"], by_start["ScanIndexForward"]) == ("by_start", False)
    assert "ConsistentRead" not in by_start
    assert "Limit" not in by_start


def test_times_are_conditions_on_the_key_of_the_index(sessions: DynamoSessions, wire: Wire) -> None:
    sessions.create(starting(SESSION_ID, NOON))
    walk = Walk(by_start=True, starts_from=NOON, starts_until=NOON + timedelta(hours=1))
    sessions.stretch(TEAM_ID, walk, None, None)
    asked = wire.sent("Query")[0]
    assert asked["KeyConditionExpression"] == "(#0 = :0 AND #1 BETWEEN :1 AND :2)"
    values = {"2026-03-02T12:00:00.000Z", "2026-03-02T13:00:00.000Z", TEAM_ID}
    assert {value["S"] for value in asked["ExpressionAttributeValues"].values()} == values


def test_a_new_idempotency_record_is_one_write_and_a_standing_one_a_write_and_a_read(wire: Wire) -> None:
    store = DynamoIdempotency(counted_entropy())
    store.begin(RECORD, NOON)
    store.begin(OTHER, NOON)
    assert [operation for operation, _ in wire.requests] == ["PutItem", "PutItem", "GetItem"]
    assert wire.sent("GetItem")[0]["ConsistentRead"] is True


def test_a_lost_answer_costs_one_more_write_and_one_read(sessions: DynamoSessions, wire: Wire) -> None:
    wire.lose_next_put(lambda: None)
    sessions.create(a_session(SESSION_ID))
    assert [operation for operation, _ in wire.requests] == ["PutItem", "PutItem", "GetItem"]


def test_a_new_team_or_client_whose_answer_was_lost_is_recognised(wire: Wire) -> None:
    wire.lose_next_put(lambda: None)
    DynamoTeams(BOOKS_RETENTION).create(CLINIC)
    wire.lose_next_put(lambda: None)
    DynamoApiClients().create(CLIENT)
    assert DynamoTeams(BOOKS_RETENTION).get(TEAM_ID) == CLINIC
    assert DynamoApiClients().find("client-1") == CLIENT


def test_a_changed_team_or_client_whose_answer_was_lost_is_recognised(wire: Wire) -> None:
    DynamoTeams(BOOKS_RETENTION).create(CLINIC)
    DynamoApiClients().create(CLIENT)
    wire.lose_next_put(lambda: None)
    DynamoTeams(BOOKS_RETENTION).save(CLINIC, replace(CLINIC, suspended=True))
    wire.lose_next_put(lambda: None)
    DynamoApiClients().save(CLIENT, replace(CLIENT, disabled_at=NOON))
    assert DynamoTeams(BOOKS_RETENTION).get(TEAM_ID).suspended is True
    assert DynamoApiClients().find("client-1") == replace(CLIENT, disabled_at=NOON)


# --- items ----------------------------------------------------------------------------------------------------------


def test_sessions_are_found_by_when_they_start(sessions: DynamoSessions) -> None:
    later, sooner = islice(session_ids(), 2)
    sessions.create(replace(a_session(later), start_time=NOON + timedelta(hours=2)))
    sessions.create(replace(a_session(sooner), start_time=NOON + timedelta(hours=1)))
    found = [(item.session_id, item.start_time) for item in SessionItem.by_start.query(TEAM_ID)]
    assert found == [(sooner, "2026-03-02T13:00:00.000Z"), (later, "2026-03-02T14:00:00.000Z")]


def test_the_largest_session_with_its_facts_stays_under_what_dynamodb_takes(
    sessions: DynamoSessions, wire: Wire
) -> None:
    largest = largest_session()
    sessions.create(largest)
    stored = wire.sent("PutItem")[0]["Item"]
    packed = len(base64.b64decode(stored.pop("packed")["B"]))
    size = packed + sum(len(name) + len(str(*value.values()).encode()) for name, value in stored.items())
    assert 380_000 < size < DYNAMODB_ITEM_LIMIT
    assert FULL - 4_000 < codec.stored_size(before_the_facts()) <= FULL


def test_an_item_expires_when_it_was_kept_long_enough(sessions: DynamoSessions) -> None:
    sessions.create(replace(a_session(SESSION_ID), end_time=datetime.fromisoformat("2026-03-03T13:00:00Z")))
    DynamoEntries(RETENTION).add(Entry(TEAM_ID, SESSION_ID, 2, datetime.fromisoformat("2026-03-03T12:00:00Z")))
    session = SessionItem.get(TEAM_ID, SESSION_ID)
    entry = EntryItem.get(f"{TEAM_ID}#{SESSION_ID}", "2026-03-03T12:00:00.000Z#2")
    assert session.expires_at_epoch == 1_807_102_800
    assert entry.expires_at_epoch == 1_807_099_200


@pytest.mark.usefixtures("wire")
def test_an_idempotency_record_expires_after_its_day() -> None:
    DynamoIdempotency(counted_entropy()).begin(RECORD, NOON)
    assert IdempotencyItem.get(RECORD.record_key).expires_at_epoch == 1_772_539_200
    assert datetime.fromisoformat("2026-03-03T12:00:00Z").timestamp() == 1_772_539_200


def test_an_item_with_an_attribute_of_another_type_is_unreadable(sessions: DynamoSessions) -> None:
    sessions.create(a_session(SESSION_ID))
    table = SessionItem._get_connection()
    key = {"team_id": {"S": TEAM_ID}, "session_id": {"S": SESSION_ID}}
    broken = {"Key": key, "AttributeUpdates": {"version": {"Value": {"S": "Ada"}, "Action": "PUT"}}}
    table.connection.client.update_item(TableName=table.table_name, **broken)
    with pytest.raises(UnreadableError, match=SESSION_ID) as refused:
        sessions.get(TEAM_ID, SESSION_ID)
    assert "Ada" not in "".join(traceback.format_exception(refused.value))


def test_an_item_that_lacks_its_body_is_unreadable(sessions: DynamoSessions) -> None:
    sessions.create(a_session(SESSION_ID))
    SessionItem(TEAM_ID, SESSION_ID).update(actions=[SessionItem.body.remove()])
    with pytest.raises(UnreadableError, match=SESSION_ID):
        sessions.get(TEAM_ID, SESSION_ID)


# --- DynamoDB does not answer well ------------------------------------------------------------------------------------

FAILURES = [
    ("ProvisionedThroughputExceededException", 400),
    ("ThrottlingException", 400),
    ("InternalServerError", 500),
    ("ResourceNotFoundException", 400),
    ("ValidationException", 400),
]


@pytest.mark.parametrize(("code", "status"), FAILURES)
def test_an_error_of_dynamodb_is_told_by_its_code_alone(
    sessions: DynamoSessions, wire: Wire, code: str, status: int
) -> None:
    created = sessions.create(a_session(SESSION_ID))
    for call in (
        lambda: sessions.get(TEAM_ID, SESSION_ID),
        lambda: sessions.save(replace(created, name="Ada's other talk")),
        lambda: sessions.due(3, NOON, 50),
        lambda: sessions.push_back(TEAM_ID, SESSION_ID, NOON),
        lambda: sessions.stretch(TEAM_ID, Walk(), None, None),
        lambda: sessions.stretch(TEAM_ID, Walk(by_start=True), None, None),
        lambda: DynamoIdempotency(counted_entropy()).begin(RECORD, NOON),
    ):
        wire.refuse(code, status)
        assert_unavailable(call, code)
    assert sessions.get(TEAM_ID, SESSION_ID) == created


def test_silence_of_dynamodb_is_told_without_the_request(sessions: DynamoSessions, wire: Wire) -> None:
    teams, clients, entries = DynamoTeams(BOOKS_RETENTION), DynamoApiClients(), DynamoEntries(RETENTION)
    wire.go_silent()
    for call in (
        lambda: sessions.create(due_session(SESSION_ID, NOON)),
        lambda: sessions.get(TEAM_ID, SESSION_ID),
        lambda: sessions.due(3, NOON, 50),
        lambda: teams.get(TEAM_ID),
        lambda: teams.create(CLINIC),
        lambda: list(teams.all()),
        lambda: clients.find("client-1"),
        lambda: clients.create(CLIENT),
        lambda: entries.add(Entry(TEAM_ID, SESSION_ID, 2, NOON)),
        lambda: entries.of(TEAM_ID, SESSION_ID),
        lambda: sessions.stretch(TEAM_ID, Walk(), None, None),
        lambda: DynamoIdempotency(counted_entropy()).begin(RECORD, NOON),
        lambda: DynamoIdempotency(counted_entropy()).save(RECORD, RECORD),
    ):
        assert_unavailable(call, "ConnectTimeoutError")


def assert_unavailable(call: Callable[[], object], reason: str) -> None:
    with pytest.raises(StoreUnavailableError) as refused:
        call()
    assert reason in str(refused.value)
    told = "".join(traceback.format_exception(refused.value, chain=True))
    assert "Lovelace" not in told
    assert "https://" not in told
