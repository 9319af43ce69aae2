"""What became of money that was to go back, sum by sum: by refunds, by hand, not at all."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.domain.by_hand import RefundWish, decide_refund, stuck_keys
from chalicelib.domain.facts import (
    NOTHING_YET,
    ActFailed,
    DisputeStatus,
    PaymentHistory,
    RefundStatus,
    RetriedByHand,
    SettledByHand,
)
from chalicelib.domain.payments import PaymentStatus
from chalicelib.domain.refunds import awaiting_a_person, given_by_hand, is_open_failure, refunded, went_back
from tests.support.histories import (
    CANCELED,
    checkout,
    decided,
    dispute,
    folded,
    guest_of,
    keys,
    needs,
    noon,
    paid,
    refund,
    refunds_owed,
    session_of,
    settled,
    standing_of,
    with_decisions,
)

FAILED = RefundStatus.FAILED
PAID = folded(*paid())
[PAYMENT] = PAID.payments


def not_given(history: PaymentHistory, key: str) -> PaymentHistory:
    """A person settled it, and no money went back."""
    return replace(history, settled=(*history.settled, SettledByHand(key, noon(plus=40), "op", "kept", is_given=False)))


def retried(history: PaymentHistory, key: str) -> PaymentHistory:
    return replace(history, retried=(RetriedByHand(key, noon(plus=40), "op", "again"),))


@pytest.mark.parametrize("status", [FAILED, RefundStatus.CANCELED])
@pytest.mark.parametrize("key", ["refund:re_1", "refund:decision-1"])
def test_a_failed_refund_that_was_settled_is_given_by_hand(status: RefundStatus, key: str) -> None:
    failed = folded(refund("1", 3000, status, decision_id="decision-1"), history=PAID)
    assert given_by_hand(failed, PAYMENT) == 0
    assert given_by_hand(settled(failed, key), PAYMENT) == 3000
    assert given_by_hand(settled(failed, "refund:re_2"), PAYMENT) == 0
    assert given_by_hand(not_given(failed, key), PAYMENT) == 0


def test_one_that_arrived_is_not_given_by_hand_whatever_was_settled() -> None:
    made = folded(refund("1", 3000, decision_id="decision-1"), history=PAID)
    assert given_by_hand(settled(made, "refund:re_1"), PAYMENT) == 0
    assert went_back(settled(made, "refund:re_1"), PAYMENT) == 3000


def test_a_decision_that_was_never_made_and_is_settled_is_given_by_hand() -> None:
    asked = with_decisions(PAID, decided("1", 3000), decided("2", 500))
    assert given_by_hand(settled(asked, "refund:decision-1"), PAYMENT) == 3000
    assert refunds_owed(session_of(settled(asked, "refund:decision-1"))) == [("decision-2", 500, "requested")]
    made = folded(refund("1", 3000, decision_id="decision-1"), history=asked)
    assert given_by_hand(settled(made, "refund:decision-1"), PAYMENT) == 0
    elsewhere = with_decisions(PAID, decided("1", 3000, of=2))
    assert given_by_hand(settled(elsewhere, "refund:decision-1"), PAYMENT) == 0


def test_a_decision_settled_as_not_given_is_not_owed_and_takes_nothing_of_what_is_left() -> None:
    asked = not_given(with_decisions(PAID, decided("1", 3000)), "refund:decision-1")
    assert refunds_owed(session_of(asked)) == []
    assert refunds_owed(session_of(asked, **CANCELED)) == [("auto-ch_1", 8000, "canceled")]


def test_the_return_that_a_person_took_over_is_all_that_was_left() -> None:
    part = folded(refund("1", 3000), history=PAID)
    assert given_by_hand(settled(part, "refund:auto-ch_1"), PAYMENT) == 5000
    assert given_by_hand(not_given(part, "refund:auto-ch_1"), PAYMENT) == 0
    whole = folded(refund("1", 8000), history=PAID)
    assert given_by_hand(settled(whole, "refund:auto-ch_1"), PAYMENT) == 0
    beyond = folded(refund("1", 8001), history=PAID)
    assert given_by_hand(settled(beyond, "refund:auto-ch_1"), PAYMENT) == 0


def test_of_a_payment_without_a_charge_what_was_settled_is_given_by_hand_too() -> None:
    history = folded(checkout(), refund("1", 3000, FAILED))
    [payment] = history.payments
    assert payment.charge is None
    assert given_by_hand(settled(history, "refund:re_1"), payment) == 3000


def test_only_a_failure_that_nobody_has_seen_to_waits_for_a_person() -> None:
    history = folded(refund("1", 3000, FAILED), refund("2", 500), refund("3", 40, FAILED, of=2), history=PAID)
    assert awaiting_a_person(history, PAYMENT) == 3000
    assert awaiting_a_person(retried(history, "refund:re_1"), PAYMENT) == 0
    assert awaiting_a_person(settled(history, "refund:re_1"), PAYMENT) == 0
    assert [is_open_failure(history, one) for one in history.refunds] == [True, False, True]


def test_what_went_back_is_what_was_refunded_and_what_was_given() -> None:
    history = settled(folded(refund("1", 3000, FAILED), refund("2", 500), history=PAID), "refund:re_1")
    assert (refunded(history, PAYMENT), went_back(history, PAYMENT)) == (500, 3500)
    stands = standing_of(session_of(history))
    assert (stands.status, stands.amount_refunded) == (PaymentStatus.PARTIALLY_REFUNDED, 3500)


def test_who_has_all_back_by_hand_is_refunded() -> None:
    history = settled(folded(refund("1", 8000, FAILED), history=PAID), "refund:re_1")
    assert standing_of(session_of(history)).status is PaymentStatus.REFUNDED
    a_cent_less = settled(folded(refund("1", 7999, FAILED), history=PAID), "refund:re_1")
    assert standing_of(session_of(a_cent_less)).status is PaymentStatus.PARTIALLY_REFUNDED


# --- what a person is told of a failure ---------------------------------------------------------------------------


def told(amount: str) -> str:
    return f"The refund of {amount} AUD failed at the bank; give the money back another way."


def test_of_a_failure_as_much_is_told_as_is_still_missing() -> None:
    asked = with_decisions(PAID, decided("1", 8000))
    failed = folded(refund("1", 8000, FAILED, decision_id="decision-1"), history=asked)
    assert needs(session_of(failed)) == told("80.00")
    part = folded(refund("2", 5000, decision_id="decision-2"), history=with_decisions(failed, decided("2", 5000)))
    assert needs(session_of(part)) == told("30.00")
    all_but_a_cent = with_decisions(failed, decided("2", 7999))
    assert needs(session_of(all_but_a_cent)) == told("0.01")
    assert needs(session_of(with_decisions(failed, decided("2", 8000)))) is None


def test_a_failed_refund_of_the_dashboard_is_told_until_another_one_covers_it() -> None:
    failed = folded(refund("1", 3000, FAILED), history=PAID)
    assert needs(session_of(failed)) == told("30.00")
    again = folded(refund("2", 8000), history=failed)
    assert needs(session_of(again)) is None


def test_of_two_failures_the_one_that_was_retried_is_not_told() -> None:
    history = folded(refund("1", 3000, FAILED), refund("2", 500, FAILED), history=PAID)
    assert needs(session_of(retried(history, "refund:re_1"))) == told("5.00")


def test_a_return_that_failed_and_was_settled_needs_nobody_whether_given_or_not() -> None:
    failed = folded(refund("1", 8000, FAILED, decision_id="auto-ch_1"), history=PAID)
    assert needs(session_of(failed, **CANCELED)) == told("80.00")
    assert needs(session_of(settled(failed, "refund:re_1"), **CANCELED)) is None
    assert needs(session_of(not_given(failed, "refund:re_1"), **CANCELED)) is None


def test_a_refund_that_leads_to_no_payment_is_told_without_an_amount() -> None:
    history = folded(refund("1", 3000, FAILED), history=NOTHING_YET)
    assert needs(session_of(history)) == "The refund of a payment failed at the bank; give the money back another way."


def test_what_went_back_otherwise_covers_a_failure_and_another_payments_decisions_ask_for_nothing_here() -> None:
    failed = folded(refund("1", 3000, FAILED, decision_id="decision-1"), history=PAID)
    history = with_decisions(failed, decided("1", 3000), decided("9", 5000, of=2))
    by_rule = folded(refund("2", 5000, decision_id="auto-ch_1"), history=history)
    assert needs(session_of(by_rule)) is None


# --- what only went back in part ----------------------------------------------------------------------------------

SHORT = "Only a part of a payment that is to go back went back; give the rest back in Stripe."


def test_a_part_is_short_until_a_person_takes_the_rest_over() -> None:
    part = folded(refund("1", 5000, decision_id="auto-ch_1"), history=PAID)
    assert needs(session_of(part, **CANCELED)) == SHORT
    assert needs(session_of(settled(part, "refund:re_1"), **CANCELED)) == SHORT
    assert needs(session_of(settled(part, "refund:auto-ch_1"), **CANCELED)) is None
    assert needs(session_of(not_given(part, "refund:auto-ch_1"), **CANCELED)) is None


def test_a_failure_that_was_retried_in_part_leaves_the_rest_short() -> None:
    failed = folded(refund("1", 8000, FAILED, decision_id="auto-ch_1"), history=PAID)
    again = folded(refund("2", 3000, decision_id="decision-9"), history=retried(failed, "refund:re_1"))
    assert needs(session_of(again, **CANCELED)) == SHORT


def test_what_was_given_by_hand_of_a_refund_never_made_is_not_short() -> None:
    part = folded(refund("1", 3000, decision_id="auto-ch_1"), history=with_decisions(PAID, decided("1", 5000)))
    assert needs(session_of(settled(part, "refund:decision-1"), **CANCELED)) is None


# --- what is settled is neither owed nor told ---------------------------------------------------------------------


def test_a_return_that_need_not_go_back_is_not_owed() -> None:
    session = session_of(not_given(PAID, "refund:auto-ch_1"), **CANCELED)
    assert refunds_owed(session) == []
    asked = decide_refund(
        session, guest_of(session), RefundWish(), decision_id="decision-9", who="a", now=noon(plus=50)
    )
    assert refunds_owed(asked) == [("decision-9", 8000, "requested")]


def test_a_look_that_was_settled_is_not_owed_told_or_stuck() -> None:
    failures = [ActFailed("look:attempt-1", noon(plus=time), "Stripe is down.", 0.0) for time in range(3)]
    session = session_of(folded(*failures))
    assert "Stripe is down." in (needs(session, noon(plus=5)) or "")
    assert stuck_keys(session, guest_of(session), noon(plus=5)) == ("look:attempt-1",)
    done = session_of(settled(folded(*failures), "look:attempt-1"))
    assert keys(done) == set()
    assert needs(done, noon(plus=5)) is None
    assert stuck_keys(done, guest_of(done), noon(plus=5)) == ()


# --- disputes, and two charges ------------------------------------------------------------------------------------


def test_what_the_bank_took_back_after_a_failed_refund_is_not_to_be_given_once_more() -> None:
    asked = with_decisions(PAID, decided("1", 8000))
    failed = folded(refund("1", 8000, FAILED, decision_id="decision-1"), history=asked)
    assert needs(session_of(folded(dispute(DisputeStatus.LOST), history=failed))) is None
    part = folded(dispute(DisputeStatus.LOST, amount=3000), history=failed)
    assert needs(session_of(part)) == told("50.00")


def test_while_a_bank_decides_a_dispute_nobody_is_told_to_give_the_money_another_way() -> None:
    failed = folded(refund("1", 8000, FAILED), dispute(DisputeStatus.OPEN), history=PAID)
    sentence = "The refund of 80.00 AUD failed at the bank; wait for the bank, which decides a dispute of it."
    assert needs(session_of(failed)) == sentence
    others = folded(refund("1", 8000, FAILED), dispute(DisputeStatus.OPEN, of=2), history=PAID)
    assert needs(session_of(others)) == told("80.00")


def test_of_two_charges_a_refund_settled_by_hand_counts_once_when_it_is_asked_which_is_kept() -> None:
    """Found by reading: what was given by hand counted as still to be given, too, and the wrong charge went back."""
    twice = folded(*paid(1, noon(plus=5)), *paid(2, noon(plus=9)), count=2)
    asked = settled(with_decisions(twice, decided("1", 4000)), "refund:decision-1")
    assert refunds_owed(session_of(asked)) == [("auto-ch_2", 8000, "duplicate")]
    kept = not_given(with_decisions(twice, decided("1", 8000)), "refund:decision-1")
    assert refunds_owed(session_of(kept)) == [("auto-ch_2", 8000, "duplicate")]


def test_of_a_payment_without_a_charge_what_was_settled_is_left_to_ask_for_or_not() -> None:
    history = with_decisions(folded(checkout()), decided("1", 5000))
    given, kept = settled(history, "refund:decision-1"), not_given(history, "refund:decision-1")
    for told_by, left in ((given, 3000), (kept, 8000)):
        session = session_of(told_by)
        asked = decide_refund(session, guest_of(session), RefundWish(), decision_id="d", who="a", now=noon(plus=50))
        assert guest_of(asked).history.decisions[-1].amount == left
