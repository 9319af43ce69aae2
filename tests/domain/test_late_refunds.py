"""When Stripe is asked how a refund ended, and what is kept of having asked."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from chalicelib.domain.concerns import attention
from chalicelib.domain.erasure import Hindrance, hindrance
from chalicelib.domain.facts import AttemptState, RefundAsked, RefundSeen, RefundStatus, Seen
from chalicelib.domain.folding import fold
from chalicelib.domain.obligations import AskAboutRefund, due_at
from chalicelib.domain.refunds import asked_next
from tests.support.histories import NOON, charge, checkout, folded, guest_of, owed, paid, refund, session_of

DAY, TICK = timedelta(days=1), timedelta(microseconds=1)
PENDING = RefundStatus.PENDING


def pending(**changes: Any) -> RefundSeen:
    return RefundSeen(replace(refund(amount=8000, status=PENDING).refund, **{"created_at": NOON, **changes}))


@pytest.mark.parametrize(
    ("changes", "moment"),
    [
        ({}, NOON + 10 * DAY),
        ({"asked_at": NOON + 11 * DAY}, NOON + 12 * DAY),
        ({"asked_at": NOON + 89 * DAY}, NOON + 90 * DAY),
        ({"asked_at": NOON + 89 * DAY + TICK}, None),
        ({"created_at": None}, None),
        ({"status": RefundStatus.SUCCEEDED}, None),
        ({"status": RefundStatus.FAILED}, None),
    ],
    ids=["late", "a day later", "the last time", "no more", "nobody knows since when", "arrived", "failed"],
)
def test_it_is_asked_for_once_it_is_late_then_daily_until_ninety_days_are_over(
    changes: dict[str, Any], moment: datetime | None
) -> None:
    assert asked_next(pending(**changes).refund) == moment


def test_it_is_owed_of_each_payment_also_of_one_that_is_not_what_was_asked_for() -> None:
    for history in (folded(*paid(), pending()), folded(charge(), pending()), folded(checkout(), pending())):
        [one] = [one for one in owed(session_of(history)) if isinstance(one, AskAboutRefund)]
        assert (one.key, one.due_at) == ("ask:re_1", NOON + 10 * DAY)
        assert (one.refund, one.payment) == (history.refunds[0], history.payments[0])
    assert due_at(session_of(folded(*paid(), pending()))) == NOON + 10 * DAY


def test_waiting_for_a_refund_needs_nobody_after_the_end_and_is_no_more_than_on_its_way() -> None:
    session = session_of(folded(*paid(), pending()))
    long_after = session.end_time + DAY
    assert attention(session, guest_of(session), long_after) is None
    assert hindrance(session, long_after) is Hindrance.ON_ITS_WAY


def test_an_offer_that_is_looked_at_is_owed() -> None:
    session = session_of(folded(checkout(AttemptState.OPEN)))
    assert hindrance(session, session.end_time) is Hindrance.OWED


def test_when_stripe_was_asked_adds_up_alike_in_any_order_while_it_is_pending() -> None:
    known = folded(*paid(), pending())
    tellings: tuple[Seen, ...] = (RefundAsked("re_1", NOON + DAY), RefundAsked("re_1", NOON + 2 * DAY), pending())
    for order in itertools.permutations(tellings):
        history = folded(*order, history=known)
        assert [one.asked_at for one in history.refunds] == [NOON + 2 * DAY]
        assert all(fold(history, one) == history for one in tellings)
    merged = folded(pending(asked_at=NOON + DAY), pending(asked_at=NOON + 3 * DAY), pending())
    assert [one.asked_at for one in merged.refunds] == [NOON + 3 * DAY]


def test_of_one_that_has_ended_and_of_another_it_is_not_kept() -> None:
    asked = RefundAsked("re_1", NOON + DAY)
    known = folded(*paid(), pending())
    ended = RefundSeen(replace(pending().refund, status=RefundStatus.SUCCEEDED))
    assert [one.asked_at for one in folded(asked, ended, history=known).refunds] == [None]
    assert folded(ended, asked, history=known) == folded(ended, history=known)
    assert fold(known, RefundAsked("re_2", NOON)) == known
