"""What an answer shows of a charge: every refund, and what people saw to where there is none."""

from __future__ import annotations

import pytest

from chalicelib.domain.facts import DisputeStatus, PaymentHistory, RefundReason, RefundStatus
from chalicelib.http.shape_charges import charges_out
from chalicelib.http.times import TimeFormat
from tests.support.histories import (
    CANCELED,
    checkout,
    decided,
    dispute,
    folded,
    guest_of,
    noon,
    paid,
    refund,
    session_of,
    settled,
    with_decisions,
)

PAID = folded(*paid())
FAILED = folded(refund("1", 3000, RefundStatus.FAILED), history=PAID)
AUTO = "refund:auto-ch_1"
Row = tuple[str | None, int, str, str | None]


def rows(history: PaymentHistory) -> list[Row]:
    session = session_of(history)
    [charge] = charges_out(session, guest_of(session), TimeFormat.ISO_8601)
    return [(one.refund_id, one.amount, one.status, one.reason) for one in charge.refunds]


@pytest.mark.parametrize(
    ("history", "expected"),
    [
        (PAID, []),
        (FAILED, [("re_1", 3000, "failed", None)]),
        (with_decisions(PAID, decided("1", 3000)), [(None, 3000, "decided", "requested")]),
        (
            with_decisions(FAILED, decided("1", 9000)),
            [("re_1", 3000, "failed", None), (None, 8000, "decided", "requested")],
        ),
        (
            settled(FAILED, "refund:re_1", amount=2000),
            [("re_1", 3000, "failed", None), (None, 2000, "given_by_hand", None)],
        ),
        (settled(FAILED, "refund:re_1", amount=2000, is_given=False), [("re_1", 3000, "failed", None)]),
        (settled(FAILED, "refund:re_1"), [("re_1", 3000, "failed", None)]),
        (
            settled(PAID, AUTO, amount=8000, because=RefundReason.CANCELED),
            [(None, 8000, "given_by_hand", "canceled")],
        ),
    ],
)
def test_each_refund_is_shown_and_what_people_saw_to(history: PaymentHistory, expected: list[Row]) -> None:
    assert rows(history) == expected


def test_what_stays_though_it_would_go_back_is_shown_once() -> None:
    because = RefundReason.CANCELED
    history = settled(FAILED, "refund:re_1", amount=2000, is_given=False, because=because)
    history = settled(history, AUTO, amount=9000, is_given=False, because=because)
    session = session_of(history, canceled_at=noon(plus=30))
    [charge] = charges_out(session, guest_of(session), TimeFormat.ISO_8601)
    assert [(one.amount, one.status, one.reason) for one in charge.refunds] == [
        (3000, "failed", None),
        (8000, "not_given", "canceled"),
    ]


def test_charges_come_in_the_order_that_they_were_paid_in_and_say_why_they_go_back() -> None:
    history = folded(*paid(1, noon(plus=9)), *paid(2, noon(plus=5)), dispute(DisputeStatus.WON), count=2)
    session = session_of(history)
    shown = charges_out(session, guest_of(session), TimeFormat.ISO_8601)
    assert [(one.charge_id, one.goes_back, one.dispute) for one in shown] == [
        ("ch_2", None, None),
        ("ch_1", "duplicate", "won"),
    ]
    canceled = session_of(history, **CANCELED)
    assert [one.goes_back for one in charges_out(canceled, guest_of(canceled), TimeFormat.ISO_8601)] == ["canceled"] * 2


def test_a_payment_that_is_not_for_an_offer_of_ours_or_has_no_charge_yet_is_not_shown() -> None:
    for history in (folded(checkout()), folded(checkout(amount=1), paid()[1])):
        session = session_of(history)
        assert charges_out(session, guest_of(session), TimeFormat.ISO_8601) == []
