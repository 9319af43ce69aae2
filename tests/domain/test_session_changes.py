"""Changes of a session: what each keeps, and what is owed after it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from chalicelib.domain.facts import NOTHING_YET, AttemptState, RefundReason
from chalicelib.domain.money import Money
from chalicelib.domain.payments import Owing
from chalicelib.domain.sessions import (
    Fee,
    InvalidSessionError,
    Participant,
    ParticipantWish,
    Problem,
    Revision,
    Role,
    cancel,
    owing,
    remove,
    reschedule,
    revoke_link,
    saw,
    with_attempt,
    with_participant,
)
from tests.support.histories import (
    END,
    HOUR,
    NOON,
    START,
    attempt,
    checkout,
    folded,
    guest_of,
    noon,
    paid,
    session_of,
)

# --- changes ------------------------------------------------------------------------------------------------------

PAID = folded(*paid())


def test_a_reschedule_changes_the_window_and_nothing_else() -> None:
    session = session_of(PAID)
    moved = reschedule(session, start_time=START + HOUR, end_time=END + HOUR, now=noon(plus=30))
    assert moved == replace(session, start_time=START + HOUR, end_time=END + HOUR)


def test_a_reschedule_is_bound_to_the_same_limits() -> None:
    with pytest.raises(InvalidSessionError) as refused:
        reschedule(session_of(), start_time=START, end_time=END, now=END)
    assert refused.value.problems == (Problem("end_time", "must be in the future; it is now 2026-03-02T14:30:00Z"),)


@pytest.mark.parametrize("keep", [False, True])
def test_a_cancellation_is_for_good_and_the_first_one_counts(*, keep: bool) -> None:
    session = session_of(PAID)
    canceled = cancel(session, now=noon(plus=60), keep_payments=keep)
    assert canceled == replace(session, canceled_at=noon(plus=60), keeps_payments=keep)
    assert cancel(canceled, now=noon(plus=61), keep_payments=not keep) == canceled


@pytest.mark.parametrize("keep", [False, True])
def test_who_is_removed_loses_every_text_and_keeps_number_fee_and_payment(*, keep: bool) -> None:
    texts: dict[str, Any] = {
        "guest_picture": "p",
        "guest_state": "s",
        "guest_email": "mary@example.com",
        "guest_phone": "+61 1",
    }
    session = session_of(PAID, Fee(8000, "aud", "For Mary", "acct_1"), **texts)
    removed = remove(session, 2, now=noon(plus=60), keep_payment=keep)
    assert removed.participants[0] == session.participants[0]
    assert guest_of(removed) == Participant(
        2,
        Role.GUEST,
        NOON,
        key_id=1,
        fee=Fee(8000, "aud", payee="acct_1"),
        deleted_at=noon(plus=60),
        keeps_payment=keep,
        history=PAID,
    )


def test_removing_again_changes_nothing() -> None:
    removed = remove(session_of(), 2, now=noon(plus=60))
    assert remove(removed, 2, now=noon(plus=61), keep_payment=True) == removed


def test_a_participant_without_a_fee_can_be_removed() -> None:
    assert guest_of(remove(session_of(fee=None), 2, now=NOON)).fee is None


def test_a_revoked_link_is_a_generation_older_than_the_next() -> None:
    session = revoke_link(revoke_link(session_of(PAID), 2, key_id=8), 2, key_id=9)
    assert (guest_of(session).generation, guest_of(session).key_id) == (2, 9)
    assert (session.participants[0].generation, session.participants[0].key_id) == (0, 1)
    assert guest_of(session).history == PAID


def test_a_participant_that_there_is_not_is_not_changed() -> None:
    session = session_of()
    assert remove(session, 3, now=NOON) == session
    assert revoke_link(session, 3, key_id=9) == session
    assert saw(session, 3, *paid()) == session
    assert with_participant(session, 3, lambda one: replace(one, number=4)) == session


def test_what_was_seen_goes_into_the_history_of_one_participant() -> None:
    session = saw(session_of(folded()), 2, *paid())
    assert guest_of(session).history == PAID
    assert session.participants[0].history == NOTHING_YET


def test_a_new_attempt_is_the_newest() -> None:
    session = with_attempt(session_of(folded(checkout(AttemptState.EXPIRED))), 2, attempt(2))
    assert [one.attempt_id for one in guest_of(session).history.attempts] == ["attempt-1", "attempt-2"]


# --- what is owed -------------------------------------------------------------------------------------------------

REMOVED = RefundReason.REMOVED
CANCELED = RefundReason.CANCELED
CLOSED: list[tuple[dict[str, Any], datetime | None, RefundReason, bool]] = [
    ({}, None, CANCELED, True),
    ({"canceled_at": noon(plus=60)}, noon(plus=60), CANCELED, True),
    ({"canceled_at": noon(plus=60), "keeps_payments": True}, noon(plus=60), CANCELED, False),
    ({"guest_deleted_at": noon(plus=50)}, noon(plus=50), REMOVED, True),
    ({"guest_deleted_at": noon(plus=50), "guest_keeps_payment": True}, noon(plus=50), REMOVED, False),
    (
        {"guest_deleted_at": noon(plus=50), "canceled_at": noon(plus=60), "keeps_payments": True},
        noon(plus=50),
        REMOVED,
        True,
    ),
    (
        {"guest_deleted_at": noon(plus=70), "canceled_at": noon(plus=60), "keeps_payments": True},
        noon(plus=60),
        CANCELED,
        False,
    ),
    ({"guest_deleted_at": noon(plus=60), "canceled_at": noon(plus=60)}, noon(plus=60), CANCELED, True),
]


@pytest.mark.parametrize(("changes", "closed_at", "because", "returns"), CLOSED)
def test_money_is_judged_by_whichever_closed_first(
    changes: dict[str, Any], closed_at: datetime | None, because: RefundReason, *, returns: bool
) -> None:
    session = session_of(**changes)
    assert owing(session, guest_of(session)) == Owing(Money(8000, "aud"), START, END, closed_at, because, returns)


def test_who_has_no_fee_owes_nothing() -> None:
    session = session_of(fee=None)
    assert owing(session, guest_of(session)).fee is None


def test_contact_details_do_not_show_when_a_participant_is_printed() -> None:
    shown = repr(session_of(guest_email="mary@example.com", guest_phone="+61 400")) + repr(
        ParticipantWish(email="mary@example.com", phone="+61 400")
    )
    assert "mary@" not in shown
    assert "+61" not in shown


def test_payments_go_back_unless_it_is_said_that_they_are_kept() -> None:
    assert not cancel(session_of(), now=NOON).keeps_payments
    assert not guest_of(remove(session_of(), 2, now=NOON)).keeps_payment


def test_a_session_that_was_never_saved_has_no_version_and_no_schema_yet() -> None:
    assert session_of().revision == Revision(version=0, write_ids=(), schema=0)
