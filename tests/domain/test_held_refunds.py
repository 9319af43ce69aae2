"""Refunds that Stripe made and that are pending: why, since when, and when a person is told."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from chalicelib.domain.concerns import Concern, concerns
from chalicelib.domain.facts import PendingReason, RefundSeen, RefundStatus
from chalicelib.domain.folding import fold
from chalicelib.domain.refunds import is_on_its_way
from tests.support.histories import NOON, charge, checkout, folded, guest_of, paid, refund, session_of, settled

PENDING, SUCCEEDED = RefundStatus.PENDING, RefundStatus.SUCCEEDED
PROCESSING, UNSETTLED = PendingReason.PROCESSING, PendingReason.CHARGE_PENDING
EMPTY = PendingReason.INSUFFICIENT_FUNDS
TEN_DAYS = timedelta(days=10)
SECOND = timedelta(seconds=1)
WAITS = "waits for the payer, whom Stripe asked by e-mail where to send it: the clinic asks them to answer."
HELD = "is held: the clinic adds funds to the balance of its Stripe account, which did not cover it."
LATE = "is pending for more than ten days: the clinic asks Stripe about it."


def pending(status: RefundStatus = PENDING, *, of: int = 1, **changes: Any) -> RefundSeen:
    return RefundSeen(replace(refund(amount=3000, status=status, of=of).refund, **changes))


def told(seen: RefundSeen, now: datetime = NOON) -> list[str]:
    session = session_of(folded(*paid(), seen))
    return [one.sentence for one in concerns(session, guest_of(session), now) if one.key == "pending:re_1"]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({}, None),
        ({"pending_reason": PROCESSING}, None),
        ({"pending_reason": UNSETTLED}, None),
        ({"pending_reason": EMPTY}, HELD),
        ({"requires_action": True}, WAITS),
        ({"requires_action": True, "pending_reason": EMPTY}, WAITS),
        ({"status": SUCCEEDED, "requires_action": True}, None),
        ({"status": SUCCEEDED, "pending_reason": EMPTY}, None),
        ({"status": RefundStatus.CANCELED, "pending_reason": EMPTY}, None),
    ],
)
def test_what_does_not_arrive_by_itself_is_told_at_once(changes: dict[str, Any], sentence: str | None) -> None:
    assert told(pending(**changes)) == ([f"The refund of 30.00 AUD {sentence}"] if sentence else [])


@pytest.mark.parametrize(("after", "late"), [(TEN_DAYS, False), (TEN_DAYS + SECOND, True)])
def test_a_refund_that_is_pending_beyond_ten_days_is_told(after: timedelta, *, late: bool) -> None:
    expected = [f"The refund of 30.00 AUD {LATE}"] if late else []
    assert told(pending(created_at=NOON), NOON + after) == expected


def test_of_which_it_is_not_known_since_when_it_is_pending_nothing_is_told() -> None:
    assert told(pending(), NOON + timedelta(days=400)) == []
    assert told(pending(SUCCEEDED, created_at=NOON), NOON + timedelta(days=400)) == []


def test_a_person_settles_that_it_does_not_arrive_and_is_told_again_if_it_fails() -> None:
    history = settled(folded(*paid(), pending(pending_reason=EMPTY)), "pending:re_1", amount=0)
    session = session_of(history)
    assert concerns(session, guest_of(session), NOON) == []
    failed = session_of(folded(pending(RefundStatus.FAILED), history=history))
    assert [one.key for one in concerns(failed, guest_of(failed), NOON)] == ["refund:re_1"]


def test_a_held_refund_of_a_payment_that_is_not_known_is_told_without_its_currency() -> None:
    session = session_of(folded(checkout(), pending(of=7, pending_reason=EMPTY)))
    assert Concern("pending:re_1", f"The refund of a payment {HELD}") in concerns(session, guest_of(session), NOON)


def test_a_held_refund_of_a_charge_whose_page_is_not_known_as_paid_is_told_without_its_currency() -> None:
    session = session_of(folded(charge(), pending(pending_reason=EMPTY)))
    assert Concern("pending:re_1", f"The refund of a payment {HELD}") in concerns(session, guest_of(session), NOON)


def test_money_is_on_its_way_while_a_refund_of_the_payment_is_pending() -> None:
    history = folded(*paid(), pending())
    assert is_on_its_way(history, history.payments[0])
    assert not is_on_its_way(folded(pending(SUCCEEDED), history=history), history.payments[0])
    assert not is_on_its_way(folded(*paid(), pending(of=7)), history.payments[0])


# --- in any order -------------------------------------------------------------------------------------------------

TELLINGS = (
    pending(pending_reason=PROCESSING, created_at=NOON),
    pending(pending_reason=EMPTY, created_at=NOON),
    pending(pending_reason=UNSETTLED),
    pending(requires_action=True, created_at=NOON + SECOND),
)


def test_all_that_is_told_of_a_pending_refund_adds_up_alike_in_any_order() -> None:
    for order in itertools.permutations(TELLINGS):
        history = folded(*order)
        (kept,) = history.refunds
        assert (kept.pending_reason, kept.requires_action, kept.created_at) == (EMPTY, True, NOON)
        assert all(fold(history, one) == history for one in TELLINGS)


@pytest.mark.parametrize(
    ("one", "other", "kept"),
    [
        (None, PROCESSING, PROCESSING),
        (PROCESSING, UNSETTLED, UNSETTLED),
        (PROCESSING, EMPTY, EMPTY),
        (UNSETTLED, EMPTY, EMPTY),
        (UNSETTLED, UNSETTLED, UNSETTLED),
    ],
)
def test_the_reason_that_needs_somebody_is_kept(
    one: PendingReason | None, other: PendingReason, kept: PendingReason
) -> None:
    for order in itertools.permutations([pending(pending_reason=one), pending(pending_reason=other)]):
        assert folded(*order).refunds[0].pending_reason is kept


@pytest.mark.parametrize("status", [SUCCEEDED, RefundStatus.FAILED, RefundStatus.CANCELED])
def test_why_it_was_pending_is_dropped_with_that_in_any_order(status: RefundStatus) -> None:
    for order in itertools.permutations([*TELLINGS, pending(status)]):
        (kept,) = folded(*order).refunds
        assert kept == pending(status).refund
