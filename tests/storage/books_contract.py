"""What every store of ledger, audit and parked events promises, in sentences.

Rows of ledger and audit are written with their session, or not at all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

import pytest

from chalicelib.domain.books import AuditEntry, AuditRow, LedgerRow, Records
from chalicelib.storage.stores import (
    AuditStore,
    ConflictError,
    LedgerPlace,
    LedgerStore,
    NewerSchemaError,
    ParkedEvent,
    ParkedEventStore,
    SessionStore,
)
from tests.storage.largest import largest_session
from tests.storage.samples import NOON, OTHER_TEAM_ID, TEAM_ID, a_session, session_ids

SESSION_ID = next(session_ids())
ALWAYS = (NOON - timedelta(days=1), NOON + timedelta(days=1))
MILLISECOND = timedelta(milliseconds=1)
MOST_LEDGER_ROWS = 98
"""With the session and its audit row as many as one transaction of DynamoDB takes, 100."""

A_THIRD_OF_A_READ = 350_000
"""Bytes; one query reads 1 MB."""

ROW = LedgerRow(
    team_id=TEAM_ID,
    charge_id="ch_3Q",
    paid_at=NOON,
    session_id=SESSION_ID,
    participant_id=SESSION_ID[:-2] + "02",
    client_id="client-1",
    attempt_id="22222222-2222-4222-8222-222222222222",
    payment_intent_id="pi_3Q",
    stripe_account_id="acct_1",
    amount=8000,
    currency="aud",
    application_fee=120,
    refunded=0,
    charged_back=0,
    is_disputed=False,
    is_accepted=True,
    application_fee_refunded=0,
)
DECIDED = AuditRow(
    team_id=TEAM_ID,
    session_id=SESSION_ID,
    at=NOON,
    audit_id="0a1b2c3d4e5f",
    entries=(
        AuditEntry("refund_decided", "api_client:client-1", 2, "decision-1", 2000, "aud", "the doctor was late"),
        AuditEntry("charged", "stripe", 2, "ch_3Q", 8000, "aud"),
    ),
)
EVENT = ParkedEvent(
    account="acct_1",
    event_id="evt_1",
    kind="charge.succeeded",
    failures=1,
    error="StrangeObjectError",
    first_failed_at=NOON,
    last_failed_at=NOON,
)


class BooksStage(Protocol):
    @property
    def store(self) -> SessionStore: ...

    @property
    def ledger(self) -> LedgerStore: ...

    @property
    def audit(self) -> AuditStore: ...

    def lose_next_response(self, between: Callable[[], object]) -> None: ...

    def written_by_newer_code(self, team_id: str, session_id: str) -> None: ...


def ledger_of(stage: BooksStage, team_id: str = TEAM_ID, within: tuple[datetime, datetime] = ALWAYS) -> list[LedgerRow]:
    return list(stage.ledger.between(team_id, *within))


def audit_of(stage: BooksStage, team_id: str = TEAM_ID, within: tuple[datetime, datetime] = ALWAYS) -> list[AuditRow]:
    return list(stage.audit.between(team_id, *within))


def keep(stage: BooksStage, *rows: LedgerRow, audit: AuditRow | None = None) -> None:
    """Written with whatever the session is by now."""
    stage.store.save(stage.store.get(TEAM_ID, SESSION_ID), Records(rows, audit))


class BooksContract:
    """Subclasses give the fixture `stage`."""

    @pytest.fixture(autouse=True)
    def _session(self, stage: BooksStage) -> None:
        stage.store.create(a_session(SESSION_ID))

    def test_a_session_is_saved_with_its_records_and_all_are_read_back_whole(self, stage: BooksStage) -> None:
        before = stage.store.get(TEAM_ID, SESSION_ID)
        saved = stage.store.save(replace(before, name="Paid"), Records((ROW,), DECIDED))
        assert stage.store.get(TEAM_ID, SESSION_ID) == saved
        assert (saved.name, saved.revision.version) == ("Paid", 2)
        assert ledger_of(stage) == [ROW]
        assert audit_of(stage) == [DECIDED]

    def test_who_loses_the_race_for_the_session_writes_no_records(self, stage: BooksStage) -> None:
        stale = stage.store.get(TEAM_ID, SESSION_ID)
        keep(stage)
        with pytest.raises(ConflictError, match=SESSION_ID):
            stage.store.save(replace(stale, name="Late"), Records((ROW,), DECIDED))
        assert stage.store.get(TEAM_ID, SESSION_ID).name == "Ada's talk"
        assert ledger_of(stage) == []
        assert audit_of(stage) == []

    def test_records_are_not_written_over_what_newer_code_wrote(self, stage: BooksStage) -> None:
        stage.written_by_newer_code(TEAM_ID, SESSION_ID)
        newer = stage.store.get(TEAM_ID, SESSION_ID)
        with pytest.raises(NewerSchemaError):
            stage.store.save(newer, Records((ROW,), DECIDED))
        assert ledger_of(stage) == []

    def test_a_row_is_written_over_by_what_is_known_later_of_its_charge(self, stage: BooksStage) -> None:
        keep(stage, ROW)
        keep(stage, replace(ROW, refunded=8000, is_disputed=True))
        assert ledger_of(stage) == [replace(ROW, refunded=8000, is_disputed=True)]

    def test_what_was_decided_is_added_and_never_written_over(self, stage: BooksStage) -> None:
        again = replace(DECIDED, audit_id="ffffffffffff", entries=DECIDED.entries[:1])
        keep(stage, audit=DECIDED)
        keep(stage, audit=again)
        assert audit_of(stage) == [DECIDED, again]

    def test_rows_come_in_the_order_of_their_time(self, stage: BooksStage) -> None:
        later = replace(ROW, charge_id="ch_1A", paid_at=NOON + timedelta(hours=1))
        beside = replace(ROW, charge_id="ch_9Z")
        keep(stage, later, beside, ROW)
        assert [row.charge_id for row in ledger_of(stage)] == ["ch_3Q", "ch_9Z", "ch_1A"]
        keep(stage, audit=replace(DECIDED, audit_id="00", at=NOON + timedelta(hours=1)))
        keep(stage, audit=DECIDED)
        assert [row.audit_id for row in audit_of(stage)] == ["0a1b2c3d4e5f", "00"]

    def test_the_first_moment_belongs_to_what_is_asked_for_and_the_last_does_not(self, stage: BooksStage) -> None:
        keep(stage, ROW, audit=DECIDED)
        for within, found in (
            ((NOON, NOON + MILLISECOND), 1),
            ((NOON - MILLISECOND, NOON), 0),
            ((NOON + MILLISECOND, NOON + timedelta(days=1)), 0),
        ):
            assert len(ledger_of(stage, within=within)) == found
            assert len(audit_of(stage, within=within)) == found

    def test_a_bound_of_an_early_century_is_as_early_as_it_says(self, stage: BooksStage) -> None:
        keep(stage, ROW)
        assert ledger_of(stage, within=(datetime(500, 1, 1, tzinfo=UTC), NOON + MILLISECOND)) == [ROW]

    def test_a_ledger_is_read_on_from_any_place_and_as_far_as_is_asked_for(self, stage: BooksStage) -> None:
        rows = [replace(ROW, charge_id=f"ch_{number}", paid_at=NOON + number // 2 * MILLISECOND) for number in range(6)]
        keep(stage, *rows)
        for index, row in enumerate(rows):
            place = LedgerPlace(row.paid_at, row.charge_id)
            for at_most in (1, 2, 6, None):
                read = list(stage.ledger.between(TEAM_ID, *ALWAYS, place, at_most))
                assert read == rows[index + 1 :][:at_most]
        assert list(stage.ledger.between(TEAM_ID, *ALWAYS, at_most=4)) == rows[:4]
        between = LedgerPlace(NOON + MILLISECOND, "ch_25")
        assert list(stage.ledger.between(TEAM_ID, *ALWAYS, between)) == rows[3:]

    def test_a_team_reads_its_own_books_alone(self, stage: BooksStage) -> None:
        keep(stage, ROW, audit=DECIDED)
        assert ledger_of(stage, OTHER_TEAM_ID) == []
        assert audit_of(stage, OTHER_TEAM_ID) == []

    def test_a_save_with_records_whose_answer_was_lost_is_recognised(self, stage: BooksStage) -> None:
        before = stage.store.get(TEAM_ID, SESSION_ID)
        stage.lose_next_response(lambda: None)
        saved = stage.store.save(replace(before, name="Ours"), Records((ROW,), DECIDED))
        assert stage.store.get(TEAM_ID, SESSION_ID) == saved
        assert saved.revision.version == 2
        assert ledger_of(stage) == [ROW]
        assert audit_of(stage) == [DECIDED]

    def test_a_lost_answer_does_not_write_over_what_another_wrote_in_between(self, stage: BooksStage) -> None:
        refunded = replace(ROW, refunded=8000)
        before = stage.store.get(TEAM_ID, SESSION_ID)
        stage.lose_next_response(lambda: keep(stage, refunded))
        assert stage.store.save(replace(before, name="Ours"), Records((ROW,), DECIDED)).name == "Ours"
        assert stage.store.get(TEAM_ID, SESSION_ID).revision.version == 3
        assert ledger_of(stage) == [refunded]

    def test_the_largest_session_is_saved_with_as_many_records_as_fit_one_transaction(self, stage: BooksStage) -> None:
        """Its session is another one than the stage's, since it names itself."""
        created = stage.store.create(replace(largest_session(), session_id=list_of_ids()[1]))
        rows = tuple(replace(ROW, charge_id=f"ch_{number:024}") for number in range(MOST_LEDGER_ROWS))
        saved = stage.store.save(created, Records(rows, DECIDED))
        assert stage.store.get(TEAM_ID, created.session_id) == saved
        assert ledger_of(stage) == list(rows)
        assert audit_of(stage) == [DECIDED]

    def test_what_is_longer_than_one_read_is_read_to_its_end(self, stage: BooksStage) -> None:
        long = (AuditEntry("settled_by_hand", "operator:ada", why="x" * A_THIRD_OF_A_READ),)
        for number in range(7):
            keep(stage, audit=replace(DECIDED, audit_id=f"{number}", entries=long))
        assert [row.audit_id for row in audit_of(stage)] == ["0", "1", "2", "3", "4", "5", "6"]


def list_of_ids() -> list[str]:
    ids = session_ids()
    return [next(ids), next(ids)]


class ParkedEventContract:
    """Subclasses give the fixture `parked_events`."""

    def test_an_event_is_found_whole(self, parked_events: ParkedEventStore) -> None:
        parked_events.save(None, EVENT)
        assert parked_events.find("acct_1", "evt_1") == EVENT

    def test_an_unknown_event_is_none(self, parked_events: ParkedEventStore) -> None:
        parked_events.save(None, EVENT)
        assert parked_events.find("acct_1", "evt_2") is None
        assert parked_events.find("own", "evt_1") is None

    def test_an_event_is_replaced_as_it_was_read(self, parked_events: ParkedEventStore) -> None:
        parked_events.save(None, EVENT)
        parked = replace(EVENT, failures=5, last_failed_at=NOON + timedelta(hours=1), is_parked=True)
        parked_events.save(EVENT, parked)
        assert parked_events.find("acct_1", "evt_1") == parked

    def test_of_two_who_saw_it_fail_first_the_second_loses(self, parked_events: ParkedEventStore) -> None:
        parked_events.save(None, EVENT)
        with pytest.raises(ConflictError, match="evt_1"):
            parked_events.save(None, replace(EVENT, error="StoreUnavailableError"))
        assert parked_events.find("acct_1", "evt_1") == EVENT

    def test_an_event_that_somebody_else_counted_is_not_replaced(self, parked_events: ParkedEventStore) -> None:
        parked_events.save(None, EVENT)
        parked_events.save(EVENT, replace(EVENT, failures=2))
        with pytest.raises(ConflictError):
            parked_events.save(EVENT, replace(EVENT, failures=2, error="StoreUnavailableError"))
        assert parked_events.find("acct_1", "evt_1") == replace(EVENT, failures=2)

    def test_an_event_that_is_not_there_cannot_be_replaced(self, parked_events: ParkedEventStore) -> None:
        with pytest.raises(ConflictError):
            parked_events.save(EVENT, replace(EVENT, failures=2))
        assert parked_events.find("acct_1", "evt_1") is None

    def test_a_removed_event_is_gone_and_again_is_silent(self, parked_events: ParkedEventStore) -> None:
        parked_events.save(None, EVENT)
        parked_events.remove(EVENT)
        parked_events.remove(EVENT)
        assert parked_events.find("acct_1", "evt_1") is None

    def test_all_events_are_found(self, parked_events: ParkedEventStore) -> None:
        other = replace(EVENT, account="own", is_parked=True)
        parked_events.save(None, EVENT)
        parked_events.save(None, other)
        assert sorted(parked_events.all(), key=lambda one: one.account) == [EVENT, other]
