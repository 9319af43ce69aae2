"""Bank debits that a move leaves too little time: told, and a reason to let the client in all the same."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from chalicelib.domain.by_hand import By, NothingToRetryError, retry_by_hand, settle_by_hand, stuck_keys, waive
from chalicelib.domain.concerns import Concern, concerns
from chalicelib.domain.debits import has_time, is_under_way, may_settle_late
from chalicelib.domain.edits import BeingPaidError, OpenOffersError, SessionEdit, edit_session
from chalicelib.domain.facts import AttemptState, PaymentHistory
from chalicelib.domain.payments import PaymentStatus
from chalicelib.domain.sessions import Session, saw
from tests.support.histories import (
    GUEST_NUMBER,
    HOUR,
    MINUTE,
    NOON,
    SECOND,
    charge,
    checkout,
    folded,
    guest_of,
    noon,
    paid,
    refunds_owed,
    session_of,
    standing_of,
    told_keys,
    waived,
)

PROCESSING = AttemptState.PROCESSING
DAY = timedelta(days=1)
DEBIT = folded(checkout(PROCESSING))
"""Offered on Monday at noon, and at the bank since."""

IN_TIME = datetime(2026, 3, 10, 12, tzinfo=NOON.tzinfo)
"""Tuesday week: the first day that debits are offered for on that Monday."""

TOO_SOON = IN_TIME - DAY
BY = By("operator:ada", noon(plus=45), "they paid by debit")


def at(start: datetime, history: PaymentHistory = DEBIT, **changes: Any) -> Session:
    """A session of an hour that starts then."""
    return session_of(history, **{"start_time": start, "end_time": start + HOUR, **changes})


def is_late(session: Session, now: datetime = BY.at) -> bool:
    return may_settle_late(session, guest_of(session), now)


def waive_at(session: Session, by: By = BY) -> Session:
    return waive(session, guest_of(session), by)


# --- when it is ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "late"),
    [
        (NOON + DAY, True),
        (TOO_SOON, True),
        (IN_TIME - 12 * HOUR - SECOND, True),
        (IN_TIME - 12 * HOUR, False),
        (IN_TIME, False),
    ],
)
def test_the_bank_may_answer_late_where_no_debit_would_have_been_offered(start: datetime, *, late: bool) -> None:
    assert is_late(at(start)) is late
    assert has_time(NOON, start) is not late


def test_days_count_from_when_the_debit_was_offered_and_not_from_now() -> None:
    assert not is_late(at(IN_TIME), now=IN_TIME - DAY)
    [offered] = DEBIT.attempts
    a_day_later = replace(DEBIT, attempts=(replace(offered, made_at=NOON + DAY),))
    assert is_late(at(IN_TIME, a_day_later))
    assert not is_late(at(IN_TIME + DAY, a_day_later))


@pytest.mark.parametrize(
    ("now", "late"),
    [
        (IN_TIME - SECOND, False),
        (IN_TIME, True),
        (IN_TIME + HOUR - SECOND, True),
        (IN_TIME + HOUR, False),
    ],
)
def test_a_bank_that_has_not_answered_by_the_start_is_late_until_the_session_is_over(
    now: datetime, *, late: bool
) -> None:
    assert is_late(at(IN_TIME), now) is late


@pytest.mark.parametrize(
    "history",
    [
        folded(),
        folded(checkout(AttemptState.OPEN)),
        folded(checkout(AttemptState.FAILED)),
        folded(*paid()),
        waived(DEBIT),
        folded(charge(), history=DEBIT),
        folded(checkout(AttemptState.OPEN), charge()),
    ],
    ids=["planned", "open", "failed", "paid", "waived", "the bank has paid", "a charge to be proven"],
)
def test_no_debit_is_late_where_none_is_awaited(history: PaymentHistory) -> None:
    assert not is_late(at(TOO_SOON, history))


def test_no_debit_is_late_for_who_is_not_expected_any_more() -> None:
    assert not is_late(at(TOO_SOON, canceled_at=noon(plus=30)))
    assert not is_late(at(TOO_SOON, guest_deleted_at=noon(plus=30)))


def test_of_two_debits_that_in_time_is_in_time() -> None:
    twice = folded(checkout(PROCESSING), checkout(PROCESSING, 2), count=2)
    assert is_late(at(TOO_SOON, twice))
    first, second = twice.attempts
    mixed = replace(twice, attempts=(first, replace(second, made_at=NOON + DAY)))
    assert not is_late(at(IN_TIME, mixed))


def test_a_debit_is_under_way_until_the_bank_has_answered() -> None:
    assert is_under_way(DEBIT)
    assert not is_under_way(folded())
    assert not is_under_way(folded(checkout(AttemptState.FAILED), history=DEBIT))


# --- told ---------------------------------------------------------------------------------------------------------

KEY = "debit:attempt-1:2026-03-09T12:00Z"
SENTENCE = (
    "A bank debit is under way, and the bank may answer too late for the session: waive the fee to let them in "
    "all the same (what arrives then goes back), or move the session."
)


def test_who_moves_the_session_is_told_and_moved_back_nobody_is() -> None:
    session = at(IN_TIME)
    assert concerns(session, guest_of(session), BY.at) == []
    moved = edit_session(session, SessionEdit(start_time=TOO_SOON, end_time=TOO_SOON + HOUR), now=BY.at)
    assert concerns(moved, guest_of(moved), BY.at) == [Concern(KEY, SENTENCE)]
    back = edit_session(moved, SessionEdit(start_time=IN_TIME, end_time=IN_TIME + HOUR), now=BY.at)
    assert concerns(back, guest_of(back), BY.at) == []


@pytest.mark.parametrize("ended", [AttemptState.PAID, AttemptState.FAILED])
def test_it_needs_nobody_once_the_bank_has_answered(ended: AttemptState) -> None:
    assert told_keys(at(TOO_SOON), BY.at) == [KEY]
    assert told_keys(at(TOO_SOON, folded(checkout(ended), history=DEBIT)), BY.at) == []


def test_it_needs_nobody_once_the_session_is_over() -> None:
    assert told_keys(at(TOO_SOON), TOO_SOON + HOUR - SECOND) == [KEY]
    assert told_keys(at(TOO_SOON), TOO_SOON + HOUR) == []


def test_whoever_settles_it_is_told_again_only_of_another_move() -> None:
    session = at(TOO_SOON)
    assert stuck_keys(session, guest_of(session), BY.at) == (KEY,)
    settled = settle_by_hand(session, guest_of(session), KEY, BY)
    assert told_keys(settled, BY.at) == []
    assert is_late(settled), "the clinic may still let them in"
    again = edit_session(settled, SessionEdit(start_time=TOO_SOON - DAY, end_time=TOO_SOON - DAY + HOUR), now=BY.at)
    assert told_keys(again, BY.at) == ["debit:attempt-1:2026-03-08T12:00Z"]


def test_there_is_nothing_of_it_to_try_again() -> None:
    session = at(TOO_SOON)
    with pytest.raises(NothingToRetryError):
        retry_by_hand(session, guest_of(session), KEY, BY, decision_id="decision-9")


def test_of_two_debits_each_is_told_once() -> None:
    twice = folded(checkout(PROCESSING), checkout(PROCESSING, 2), count=2)
    assert told_keys(at(TOO_SOON, twice), BY.at) == [KEY, "debit:attempt-2:2026-03-09T12:00Z"]


# --- waived -------------------------------------------------------------------------------------------------------


def test_who_may_be_late_for_the_bank_is_let_in_and_what_arrives_goes_back() -> None:
    waived_now = waive_at(at(TOO_SOON))
    assert standing_of(waived_now).status is PaymentStatus.WAIVED
    assert told_keys(waived_now, BY.at) == []
    arrived = saw(waived_now, GUEST_NUMBER, *paid(at=noon(plus=50)))
    assert refunds_owed(arrived) == [("auto-ch_1", 8000, "waived")]
    failed = saw(waived_now, GUEST_NUMBER, checkout(AttemptState.FAILED))
    assert (refunds_owed(failed), standing_of(failed).status) == ([], PaymentStatus.WAIVED)


@pytest.mark.parametrize("history", [DEBIT, folded(charge(), history=DEBIT)])
def test_a_debit_that_is_in_time_or_has_paid_bars_a_waiver(history: PaymentHistory) -> None:
    start = IN_TIME if history == DEBIT else TOO_SOON
    with pytest.raises(BeingPaidError):
        waive_at(at(start, history))


def test_an_open_offer_beside_a_late_debit_is_closed_first_and_the_debit_is_left_to_the_bank() -> None:
    history = folded(checkout(PROCESSING), checkout(AttemptState.OPEN, 2), count=2)
    with pytest.raises(OpenOffersError) as refused:
        waive_at(at(TOO_SOON, history))
    assert [one.attempt_id for one in refused.value.attempts] == ["attempt-2"]
    closed = folded(checkout(AttemptState.EXPIRED, 2), history=history)
    assert standing_of(waive_at(at(TOO_SOON, closed))).status is PaymentStatus.WAIVED


def test_one_minute_before_the_start_the_bank_still_has_its_time() -> None:
    with pytest.raises(BeingPaidError):
        waive_at(at(IN_TIME), By("operator:ada", IN_TIME - MINUTE, "they stand at the door"))
    late = By("operator:ada", IN_TIME, "they stand at the door")
    assert standing_of(waive_at(at(IN_TIME), late)).status is PaymentStatus.WAIVED
