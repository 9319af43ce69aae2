"""What became of money that was to go back, as the facts tell it: refunded, failed, given by hand, let be."""

from __future__ import annotations

import pytest

from chalicelib.domain.facts import PaymentHistory, RefundReason, RefundStatus
from chalicelib.domain.payments import PaymentStatus
from chalicelib.domain.refunds import (
    given_by_hand,
    is_open_failure,
    let_be,
    open_failures,
    refunded,
    settled_of,
    still_to_make,
    went_back,
)
from tests.support.histories import (
    checkout,
    decided,
    folded,
    paid,
    refund,
    retried,
    session_of,
    settled,
    standing_of,
    with_decisions,
)

FAILED = RefundStatus.FAILED
PAID = folded(*paid())
[PAYMENT] = PAID.payments
ASKED = with_decisions(folded(refund("1", 3000, FAILED, decision_id="decision-1"), history=PAID), decided("1", 3000))
OF_OTHERS = with_decisions(folded(refund("9", 3000, FAILED, of=2), history=PAID), decided("9", 3000, of=2))


@pytest.mark.parametrize("key", ["refund:re_1", "refund:decision-1", "refund:auto-ch_1", "refund:rest-ch_1"])
def test_what_people_settled_of_a_payment_counts_by_the_amount_that_they_saw_to(key: str) -> None:
    given, kept = settled(ASKED, key, amount=2000), settled(ASKED, key, amount=2000, is_given=False)
    assert (given_by_hand(given, PAYMENT), given_by_hand(kept, PAYMENT)) == (2000, 0)
    assert (went_back(given, PAYMENT), went_back(kept, PAYMENT)) == (2000, 0)


@pytest.mark.parametrize("key", ["refund:re_9", "refund:decision-9", "refund:auto-ch_2", "refund:rest-ch_2", "offer"])
def test_what_people_settled_elsewhere_is_nothing_of_this_payment(key: str) -> None:
    history = settled(OF_OTHERS, key, amount=2000)
    assert settled_of(history, PAYMENT) == ()
    assert given_by_hand(history, PAYMENT) == 0


def test_of_a_payment_without_a_charge_what_was_settled_counts_too() -> None:
    history = folded(checkout(), refund("1", 3000, FAILED))
    [payment] = history.payments
    assert payment.charge is None
    assert given_by_hand(settled(history, "refund:re_1", amount=3000), payment) == 3000


def test_what_was_let_be_counts_for_the_reason_that_it_would_have_gone_back_for() -> None:
    history = settled(ASKED, "refund:re_1", amount=3000, is_given=False, because=RefundReason.CANCELED)
    assert let_be(history, PAYMENT, RefundReason.CANCELED, None) == 3000
    assert let_be(history, PAYMENT, RefundReason.DUPLICATE, None) == 0
    given = settled(ASKED, "refund:re_1", amount=3000, because=RefundReason.CANCELED)
    assert let_be(given, PAYMENT, RefundReason.CANCELED, None) == 0


def test_what_went_back_is_what_was_refunded_and_what_was_given() -> None:
    history = settled(folded(refund("2", 500), history=ASKED), "refund:re_1", amount=3000)
    assert (refunded(history, PAYMENT), went_back(history, PAYMENT)) == (500, 3500)
    stands = standing_of(session_of(history))
    assert (stands.status, stands.amount_refunded) == (PaymentStatus.PARTIALLY_REFUNDED, 3500)


@pytest.mark.parametrize(
    ("amount", "status"), [(8000, PaymentStatus.REFUNDED), (7999, PaymentStatus.PARTIALLY_REFUNDED)]
)
def test_who_has_all_back_by_hand_is_refunded(amount: int, status: PaymentStatus) -> None:
    history = settled(folded(refund("1", 8000, FAILED), history=PAID), "refund:re_1", amount=amount)
    assert standing_of(session_of(history)).status is status


def test_a_decision_is_to_be_made_until_a_refund_carries_it_or_a_person_settled_it() -> None:
    asked = with_decisions(PAID, decided("1", 3000), decided("2", 500), decided("3", 40, of=2))
    assert [one.decision_id for one in still_to_make(asked, PAYMENT, by_rule=True)] == ["decision-1", "decision-2"]
    made = folded(refund("1", 3000, FAILED, decision_id="decision-1"), history=asked)
    assert [one.decision_id for one in still_to_make(made, PAYMENT, by_rule=True)] == ["decision-2"]
    taken_over = settled(asked, "refund:decision-2", amount=500)
    assert [one.decision_id for one in still_to_make(taken_over, PAYMENT, by_rule=True)] == ["decision-1"]


@pytest.mark.parametrize("status", [FAILED, RefundStatus.CANCELED])
def test_a_failure_is_open_until_a_person_settles_or_retries_it(status: RefundStatus) -> None:
    history = folded(
        refund("1", 3000, status, decision_id="decision-1"),
        refund("2", 500),
        refund("3", 40, status, of=2),
        history=PAID,
    )
    assert [is_open_failure(history, one) for one in history.refunds] == [True, False, True]
    assert [one.refund_id for one in open_failures(history, PAYMENT, by_rule=True)] == ["re_1"]
    closed: list[PaymentHistory] = [
        retried(history, "refund:re_1"),
        settled(history, "refund:re_1"),
        settled(history, "refund:decision-1"),
    ]
    for one in closed:
        assert open_failures(one, PAYMENT, by_rule=True) == ()
    still = retried(settled(history, "refund:re_2"), "refund:re_3")
    assert len(open_failures(still, PAYMENT, by_rule=True)) == 1


def test_the_automatic_refund_that_failed_is_over_with_the_rule() -> None:
    history = folded(refund("1", 8000, FAILED, decision_id="auto-ch_1"), refund("2", 40, FAILED), history=PAID)
    assert [one.refund_id for one in open_failures(history, PAYMENT, by_rule=True)] == ["re_1", "re_2"]
    assert [one.refund_id for one in open_failures(history, PAYMENT, by_rule=False)] == ["re_2"]
    unknown = folded(checkout(), refund("1", 8000, FAILED, decision_id="auto-ch_1"))
    [payment] = unknown.payments
    assert len(open_failures(unknown, payment, by_rule=False)) == 1
