"""The ledger's rows: what one change of a session writes, and that each says of its charge what the facts say (I10)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain.books import (
    NO_RECORDS,
    AuditEntry,
    AuditRow,
    LedgerRow,
    Records,
    api_client,
    ledger_rows,
    operator,
    records,
    rewritten,
)
from chalicelib.domain.facts import DisputeStatus, PaymentHistory, RefundStatus
from chalicelib.domain.sessions import Session
from tests.support.histories import (
    MINUTE,
    NOON,
    charge,
    checkout,
    dispute,
    folded,
    noon,
    paid,
    refund,
    session_of,
)

ROW = LedgerRow(
    team_id="team-1",
    charge_id="ch_1",
    paid_at=NOON + MINUTE,
    session_id="0197b3c4-d5e6-7788-99aa-bbccddeeff00",
    participant_id="0197b3c4-d5e6-7788-99aa-bbccddeeff02",
    client_id="client-1",
    attempt_id="attempt-1",
    payment_intent_id="pi_1",
    stripe_account_id=None,
    amount=8000,
    currency="aud",
    application_fee=0,
    refunded=0,
    charged_back=0,
    is_disputed=False,
    is_accepted=True,
    application_fee_refunded=0,
)


def written(before: Session, after: Session) -> Records:
    return records(before, after, by="stripe", at=noon(plus=5), audit_id="audit-1")


def rows_of(history: PaymentHistory, **changes: Any) -> list[LedgerRow]:
    return list(ledger_rows(session_of(history, **changes)))


def test_whoever_decides_is_named_with_what_they_are() -> None:
    assert api_client("client-1") == "api_client:client-1"
    assert operator("jo") == "operator:jo"


def test_a_charge_is_one_row_with_all_that_is_known_of_it() -> None:
    assert rows_of(folded(*paid())) == [ROW]


def test_a_payment_whose_charge_is_not_known_yet_is_no_row() -> None:
    assert rows_of(folded(checkout())) == []


def test_a_charge_whose_checkout_is_not_known_to_be_paid_is_a_row_that_is_not_accepted() -> None:
    assert rows_of(folded(charge())) == [replace(ROW, is_accepted=False)]


def test_a_row_says_what_the_platform_took() -> None:
    assert rows_of(folded(*paid(application_fee=120))) == [replace(ROW, application_fee=120)]


def test_what_went_back_and_what_is_on_its_way_is_refunded() -> None:
    history = folded(*paid(), refund("1", 1000), refund("2", 500, RefundStatus.PENDING))
    assert rows_of(history) == [replace(ROW, refunded=1500)]


def test_an_open_dispute_is_said_and_takes_nothing_yet() -> None:
    assert rows_of(folded(*paid(), dispute(DisputeStatus.OPEN))) == [replace(ROW, is_disputed=True)]


def test_a_lost_dispute_is_charged_back_and_open_no_more() -> None:
    history = folded(*paid(), dispute(DisputeStatus.LOST, amount=3000))
    assert rows_of(history) == [replace(ROW, charged_back=3000)]


def test_a_won_dispute_leaves_the_row_as_it_was() -> None:
    assert rows_of(folded(*paid(), dispute(DisputeStatus.WON))) == [ROW]


def test_two_charges_are_two_rows() -> None:
    assert [row.charge_id for row in rows_of(folded(*paid(1), *paid(2), count=2))] == ["ch_1", "ch_2"]


def test_a_change_writes_the_rows_that_it_changes_and_no_others() -> None:
    before = session_of(folded(*paid(1), *paid(2), count=2))
    after = session_of(folded(*paid(1), *paid(2), refund("1", 1000, of=2), count=2))
    assert [(row.charge_id, row.refunded) for row in written(before, after).ledger] == [("ch_2", 1000)]
    assert written(after, after).ledger == ()


def test_a_change_that_nobody_needs_to_know_of_writes_nothing() -> None:
    records_of_nothing = written(session_of(), session_of(guest_display_name="Mary Jones"))
    assert records_of_nothing == NO_RECORDS
    assert records_of_nothing.is_empty


def test_the_audits_row_says_whose_session_it_was_and_when() -> None:
    row = written(session_of(folded()), session_of(folded(checkout()))).audit
    entry = AuditEntry("paid", "stripe", 2, "pi_1", 8000, "aud")
    assert row == AuditRow("team-1", "0197b3c4-d5e6-7788-99aa-bbccddeeff00", noon(plus=5), "audit-1", (entry,))


@pytest.mark.parametrize("records_of_one", [Records(ledger=(ROW,)), Records((), AuditRow("t", "s", NOON, "a", ()))])
def test_a_row_of_either_book_is_something_to_write(records_of_one: Records) -> None:
    assert not records_of_one.is_empty


def test_rows_are_written_again_for_the_charges_that_were_named_and_the_audit_says_so() -> None:
    session = session_of(folded(*paid(1), *paid(2), count=2))
    found = rewritten(session, {"ch_2", "ch_9"}, by="operator:jo", at=noon(plus=5), audit_id="audit-1")
    assert [row.charge_id for row in found.ledger] == ["ch_2"]
    assert found.audit is not None
    assert found.audit.entries == (AuditEntry("ledger_row_rewritten", "operator:jo", about="ch_2"),)


def test_charges_that_are_not_there_are_not_written_again() -> None:
    found = rewritten(session_of(folded(*paid())), {"ch_9"}, by="operator:jo", at=NOON, audit_id="audit-1")
    assert found.is_empty
