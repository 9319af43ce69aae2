"""Refunds: what goes back, once, never beyond the amount, and what of it needs a person (I3)."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.facts import (
    DisputeStatus,
    PaymentHistory,
    RefundStatus,
    Seen,
)
from chalicelib.domain.obligations import due_at
from chalicelib.domain.payments import PaymentStatus
from chalicelib.domain.sessions import Session
from tests.support.examples import examples
from tests.support.histories import (
    CANCELED,
    END,
    HOUR,
    attempt,
    charge,
    checkout,
    decided,
    dispute,
    folded,
    guest_of,
    keys,
    makes_refund,
    needs,
    noon,
    owed,
    paid,
    refund,
    refunds_owed,
    session_of,
    settled,
    standing_of,
    with_decisions,
)

# --- disputed -----------------------------------------------------------------------------------------------------


def test_a_disputed_charge_is_not_refunded_and_says_so() -> None:
    session = session_of(folded(*paid(), dispute(DisputeStatus.OPEN)), **CANCELED)
    assert keys(session) == set()
    assert needs(session) == (
        "80.00 AUD of a disputed payment is to go back; the bank decides first, unless you accept it in Stripe."
    )


def test_once_the_dispute_is_won_the_money_goes_back() -> None:
    session = session_of(folded(*paid(), dispute(DisputeStatus.OPEN), dispute(DisputeStatus.WON)), **CANCELED)
    assert refunds_owed(session) == [("auto-ch_1", 8000, "canceled")]
    assert needs(session) is None


def test_once_the_dispute_is_lost_the_obligation_ends() -> None:
    session = session_of(folded(*paid(), dispute(DisputeStatus.LOST)), **CANCELED)
    assert keys(session) == set()
    assert needs(session, END + 2 * HOUR) is None
    assert standing_of(session).status == "refunded"


def test_when_the_bank_took_back_only_a_part_a_person_sees_to_the_rest() -> None:
    session = session_of(folded(*paid(), dispute(DisputeStatus.LOST, amount=3000)), **CANCELED)
    assert keys(session) == set()
    assert needs(session) == "50.00 AUD is to go back beside what the bank took back; see to it in Stripe."
    assert needs(session_of(folded(refund(amount=5000), history=guest_of(session).history), **CANCELED)) is None


def test_when_the_one_automatic_refund_was_too_small_a_person_sees_to_the_rest() -> None:
    session = session_of(folded(*paid(), refund(amount=5000, decision_id="auto-ch_1")), **CANCELED)
    assert refunds_owed(session) == []
    assert needs(session) == "A payment went back in part only; give the rest back in Stripe: 30.00 AUD."
    by_hand = session_of(settled(guest_of(session).history, "refund:rest-ch_1", amount=3000), **CANCELED)
    assert needs(by_hand) is None


def test_a_dispute_of_money_that_stays_needs_nobody_here() -> None:
    assert needs(session_of(folded(*paid(), dispute(DisputeStatus.OPEN)))) is None


# --- refunds ------------------------------------------------------------------------------------------------------


def test_what_the_clinic_decided_is_refunded_once() -> None:
    asked = with_decisions(folded(*paid()), decided("1", 3000))
    assert refunds_owed(session_of(asked)) == [("decision-1", 3000, "requested")]
    made = folded(refund("1", 3000, RefundStatus.PENDING, decision_id="decision-1"), history=asked)
    assert refunds_owed(session_of(made)) == []


def test_a_refund_is_due_at_once_with_the_time_it_was_decided() -> None:
    (one,) = makes_refund(owed(session_of(with_decisions(folded(*paid()), decided("1", 3000)))))
    assert (one.key, one.due_at, one.payment.payment_intent_id) == ("refund:decision-1", noon(plus=30), "pi_1")


def test_an_equal_refund_in_the_dashboard_is_not_ours() -> None:
    history = with_decisions(folded(*paid(), refund("theirs", 3000)), decided("1", 3000))
    assert refunds_owed(session_of(history)) == [("decision-1", 3000, "requested")]


def test_two_equal_decisions_are_two_refunds() -> None:
    history = with_decisions(folded(*paid()), decided("1", 3000), decided("2", 3000))
    assert refunds_owed(session_of(history)) == [("decision-1", 3000, "requested"), ("decision-2", 3000, "requested")]


def test_never_more_than_is_left_is_refunded() -> None:
    history = with_decisions(folded(*paid(), refund("theirs", 4000)), decided("1", 3000), decided("2", 3000))
    assert refunds_owed(session_of(history)) == [("decision-1", 3000, "requested"), ("decision-2", 1000, "requested")]
    assert refunds_owed(session_of(with_decisions(folded(*paid(), refund()), decided("1", 1)))) == []


def test_after_a_cancellation_the_decision_is_kept_and_the_rest_goes_back() -> None:
    history = with_decisions(folded(*paid()), decided("1", 3000))
    assert refunds_owed(session_of(history, **CANCELED)) == [
        ("decision-1", 3000, "requested"),
        ("auto-ch_1", 5000, "canceled"),
    ]


def test_what_went_back_in_part_already_is_not_given_twice() -> None:
    history = folded(*paid(), refund("theirs", 3000, RefundStatus.PENDING))
    assert refunds_owed(session_of(history, **CANCELED)) == [("auto-ch_1", 5000, "canceled")]


def test_the_last_cent_goes_back_too() -> None:
    assert refunds_owed(session_of(folded(*paid(), refund("1", 7999)), **CANCELED)) == [("auto-ch_1", 1, "canceled")]


def test_a_refund_that_arrived_is_not_counted_again_when_somebody_settles_it() -> None:
    history = settled(folded(*paid(), refund("1", 3000)), "refund:re_1")
    assert refunds_owed(session_of(history, **CANCELED)) == [("auto-ch_1", 5000, "canceled")]


def test_decisions_concern_their_own_payment() -> None:
    facts = [*paid(1), *paid(2, noon(plus=9)), refund("2", of=2, decision_id="auto-ch_2")]
    history = with_decisions(folded(*facts, count=2), decided("1", 3000, of=2))
    assert refunds_owed(session_of(history)) == []


@pytest.mark.parametrize(("fee", "with_fee"), [(0, False), (1, True), (120, True)])
def test_alf_io_739_the_application_fee_goes_back_only_where_the_charge_carried_one(
    fee: int, *, with_fee: bool
) -> None:
    (one,) = makes_refund(owed(session_of(folded(*paid(application_fee=fee)), **CANCELED)))
    assert one.with_application_fee is with_fee


@pytest.mark.parametrize("status", [RefundStatus.FAILED, RefundStatus.CANCELED])
@pytest.mark.parametrize("decision_id", ["auto-ch_1", "decision-1"])
def test_a_failed_refund_is_never_repeated_and_is_shown(status: RefundStatus, decision_id: str) -> None:
    failed = folded(*paid(), refund(status=status, decision_id=decision_id))
    closing = CANCELED if decision_id == "auto-ch_1" else {}
    session = session_of(with_decisions(failed, decided("1", 8000)) if not closing else failed, **closing)
    assert refunds_owed(session) == []
    went = "failed at the bank" if status is RefundStatus.FAILED else "was cancelled"
    assert needs(session) == f"The refund of 80.00 AUD {went}; give the money back another way."


def test_a_failed_refund_is_told_in_the_currency_it_was_paid_in() -> None:
    made = PaymentHistory(attempts=(attempt(amount=5000, currency="jpy"),))
    facts = checkout(amount=5000, currency="jpy"), charge(amount=5000, currency="jpy")
    history = folded(*facts, refund(amount=5000, status=RefundStatus.FAILED), history=made)
    assert needs(session_of(history, fee=None)) == (
        "The refund of 5000 JPY failed at the bank; give the money back another way."
    )


def test_a_failed_refund_of_an_unknown_payment_is_told_without_an_amount() -> None:
    assert needs(session_of(folded(refund(status=RefundStatus.FAILED)))) == (
        "The refund of a payment failed at the bank; give the money back another way."
    )


@pytest.mark.parametrize("key", ["refund:auto-ch_1", "refund:re_1"])
def test_a_failed_refund_that_a_person_settled_needs_nobody(key: str) -> None:
    history = settled(folded(*paid(), refund(status=RefundStatus.FAILED, decision_id="auto-ch_1")), key, amount=8000)
    assert needs(session_of(history, **CANCELED), END + 2 * HOUR) is None


def test_what_a_person_is_to_give_or_gave_for_a_failed_refund_does_not_go_back_again_with_the_rest() -> None:
    asked = with_decisions(folded(*paid()), decided("1", 3000))
    failed = folded(refund("1", 3000, RefundStatus.FAILED, decision_id="decision-1"), history=asked)
    assert refunds_owed(session_of(failed, **CANCELED)) == [("auto-ch_1", 5000, "canceled")]
    for key in ("refund:decision-1", "refund:re_1"):
        assert refunds_owed(session_of(settled(failed, key, amount=3000), **CANCELED)) == [
            ("auto-ch_1", 5000, "canceled")
        ]


def test_a_refund_that_a_person_took_on_themselves_is_owed_no_more() -> None:
    history = settled(folded(*paid()), "refund:auto-ch_1", amount=8000)
    assert due_at(session_of(history, **CANCELED)) is None
    assert needs(session_of(history, **CANCELED), END + 2 * HOUR) is None


# --- never beyond the amount --------------------------------------------------------------------------------------


@st.composite
def refunded_charges(draw: st.DrawFn) -> tuple[Session, int]:
    """A charge with refunds of every kind, decisions of every size, cancelled or not; and what stands as refunded."""
    amounts, left = [], 8000
    for share in draw(st.lists(st.integers(1, 4000), max_size=4)):
        amounts.append(min(share, left))
        left -= amounts[-1]
    facts: list[Seen] = []
    standing = 0
    for number, amount in enumerate(amounts):
        status = draw(st.sampled_from(RefundStatus))
        ours = draw(st.sampled_from([None, f"decision-{number}", "auto-ch_1"]))
        facts.append(refund(f"{number}", amount, status, decision_id=ours))
        standing += amount if status in {RefundStatus.PENDING, RefundStatus.SUCCEEDED} else 0
    sizes = draw(st.lists(st.integers(1, 9000), max_size=4))
    decisions = [decided(f"{number}", size) for number, size in enumerate(sizes)]
    history = with_decisions(folded(*draw(st.permutations([*paid(), *facts]))), *decisions)
    return session_of(history, canceled_at=draw(st.sampled_from([None, noon(plus=60)]))), standing


@examples(100, 5000)
@given(refunded_charges())
def test_what_is_owed_and_what_went_back_are_never_more_than_the_charge(made: tuple[Session, int]) -> None:
    session, standing = made
    amounts = [amount for _, amount, _ in refunds_owed(session)]
    assert all(amount > 0 for amount in amounts)
    assert standing + sum(amounts) <= 8000


@examples(60, 3000)
@given(refunded_charges(), st.randoms(use_true_random=False))
def test_at_rest_a_cancelled_payment_is_given_back_whole_or_a_person_is_told(
    made: tuple[Session, int], chance: Random
) -> None:
    session, standing = made
    for number in range(20):
        owing_now = refunds_owed(session)
        if not owing_now:
            break
        decision_id, amount, _ = chance.choice(owing_now)
        standing += amount
        made_now = refund(f"made-{number}", amount, decision_id=decision_id)
        history = folded(made_now, history=guest_of(session).history)
        session = session_of(history, canceled_at=session.canceled_at)
    assert refunds_owed(session) == []
    assert standing <= 8000
    if session.canceled_at is not None:
        assert standing == 8000 or needs(session) is not None


# --- two charges ----------------------------------------------------------------------------------------------------

TWICE = [*paid(1, noon(plus=9)), *paid(2, noon(plus=5))]
"""The second is the first by Stripe's time, so it counts, and the other goes back by itself."""

GIVEN_BACK: dict[str, tuple[list[int], list[Seen]]] = {
    "at once": ([8000], []),
    "in two parts": ([3000, 5000], []),
    "after a part that is back": ([5000], [refund("0", 3000, of=2)]),
}
"""What the clinic has decided to give back of the charge that counts, and what of it is done: all of it, together."""


@pytest.mark.parametrize(("decisions", "done"), GIVEN_BACK.values(), ids=GIVEN_BACK)
def test_pretix_343_of_two_charges_the_one_that_the_clinic_gives_back_leaves_the_other_to_pay(
    decisions: list[int], done: list[Seen]
) -> None:
    """Found when the clinic named the charge that counted before the other had gone back: both went back."""
    twice = folded(*TWICE, *done, count=2)
    history = with_decisions(twice, *(decided(str(amount), amount, of=2) for amount in decisions))
    session = session_of(history)
    assert refunds_owed(session) == [(f"decision-{amount}", amount, "requested") for amount in decisions]
    assert standing_of(session).status is PaymentStatus.PAID
    made = [refund(str(amount), amount, of=2, decision_id=f"decision-{amount}") for amount in decisions]
    assert refunds_owed(session_of(folded(*made, history=history))) == []


def test_of_two_charges_the_first_counts_while_a_cent_of_it_is_to_be_kept() -> None:
    part = with_decisions(folded(*TWICE, count=2), decided("a", 7999, of=2))
    assert refunds_owed(session_of(part)) == [("auto-ch_1", 8000, "duplicate"), ("decision-a", 7999, "requested")]
    failed = folded(refund("1", 7999, RefundStatus.FAILED, of=2, decision_id="decision-a"), history=part)
    assert refunds_owed(session_of(failed)) == [("auto-ch_1", 8000, "duplicate")]
