"""What went back of which payment: the sums that the machine judges by, at their edges."""

from __future__ import annotations

import pytest

from chalicelib.domain.disputes import disputes_of
from chalicelib.domain.facts import DisputeStatus, Payment, PaymentHistory, Seen
from chalicelib.domain.payments import is_returned
from chalicelib.domain.refunds import refunded
from tests.support.histories import charge, checkout, dispute, folded, paid, refund, session_of, standing_of


def the_payment(history: PaymentHistory, number: int = 1) -> Payment:
    (found,) = [one for one in history.payments if one.payment_intent_id == f"pi_{number}"]
    return found


@pytest.mark.parametrize(
    ("facts", "returned"),
    [
        ((*paid(), refund("1", 7999)), False),
        ((*paid(), refund("1", 7999), refund("2", 1)), True),
        ((checkout(amount=1), refund("1", 1)), True),
        ((checkout(amount=0),), False),
        ((charge(),), False),
        ((charge(), refund("1", 1)), False),
        ((*paid(), dispute(DisputeStatus.LOST)), True),
        ((*paid(), dispute(DisputeStatus.LOST, amount=7999)), False),
        ((*paid(), refund("1", 6000), dispute(DisputeStatus.LOST, amount=2000)), True),
        ((*paid(), refund("1", 6000), dispute(DisputeStatus.LOST, amount=1999)), False),
        ((*paid(), dispute(DisputeStatus.LOST, amount=1, currency="usd")), True),
        ((*paid(), dispute(DisputeStatus.OPEN)), False),
    ],
)
def test_returned_is_what_went_back_whole_or_was_lost_to_the_bank(facts: tuple[Seen, ...], *, returned: bool) -> None:
    history = folded(*facts)
    assert is_returned(history, the_payment(history)) is returned


def test_stripes_own_sum_is_a_hint_alone_while_every_refund_is_kept() -> None:
    history = folded(*paid(), charge(refunded=500))
    assert refunded(history, the_payment(history)) == 0


def test_a_dispute_is_of_its_own_payment_alone() -> None:
    history = folded(*paid(1), *paid(2), dispute(DisputeStatus.OPEN, of=2), count=2)
    assert disputes_of(history, the_payment(history, 1)) == ()
    assert [one.dispute_id for one in disputes_of(history, the_payment(history, 2))] == ["dp_2"]


def test_a_payment_whose_charge_is_known_counts_before_one_whose_is_not() -> None:
    counted = standing_of(session_of(folded(checkout(), *paid(2), count=2))).counted
    assert counted is not None
    assert counted.payment_intent_id == "pi_2"
