"""Nobody fills a participant's history: what is kept is bounded, in any order, and what is dropped is told."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from chalicelib.domain.bounds import was_offered
from chalicelib.domain.concerns import OVERFLOWED
from chalicelib.domain.edits import ParticipantEdit, add_participant, edit_participant
from chalicelib.domain.facts import NOTHING_YET, Dispute, DisputeSeen, DisputeStatus, Seen
from chalicelib.domain.payments import PaymentStatus
from chalicelib.domain.sessions import InvalidSessionError, Participant, ParticipantWish, Problem, Role, Session
from tests.support.histories import (
    FEE,
    NOON,
    TEAM,
    charge,
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
)


def cents_back(count: int) -> list[Seen]:
    """So many refunds of a cent, made in the dashboard."""
    return [refund(f"{number:03d}", 1) for number in range(count)]


def test_as_many_refunds_as_are_kept_are_no_overflow() -> None:
    history = folded(*paid(), *cents_back(20))
    assert not history.overflowed
    assert needs(session_of(history)) is None


def test_more_refunds_than_are_kept_are_told_and_counted_by_stripes_own_sum() -> None:
    history = folded(*paid(), *cents_back(500), charge(refunded=500))
    assert len(history.refunds) == 20
    assert standing_of(session_of(history)).amount_refunded == 500
    assert standing_of(session_of(history)).status is PaymentStatus.PARTIALLY_REFUNDED
    assert needs(session_of(history)) == OVERFLOWED


def test_what_is_kept_counts_where_stripe_has_told_no_sum_and_the_rest_is_not_listed_again() -> None:
    history = folded(*paid(), *cents_back(500))
    assert standing_of(session_of(history)).amount_refunded == 20
    told = folded(charge(refunded=500), history=history)
    assert keys(session_of(told)) == set()


def test_paid_attempts_are_kept_also_where_their_payments_are_not() -> None:
    nine = [fact for number in range(1, 10) for fact in paid(number)]
    assert len(folded(*nine, count=9).attempts) == 9


def test_what_overflows_is_not_asked_for_again_and_can_be_settled_by_hand() -> None:
    history = settled(folded(*paid(), *cents_back(500), charge(refunded=500)), "overflow")
    session = session_of(history)
    assert needs(session) is None
    assert refunds_owed(session) == []


def test_any_order_of_too_many_facts_ends_the_same() -> None:
    facts = [*paid(), *cents_back(60), charge(refunded=60)]
    histories = set()
    for seed in range(50):
        random.Random(seed).shuffle(facts)
        histories.add(folded(*facts, *facts[:20]))
    assert len(histories) == 1


def test_our_own_refunds_are_kept_before_those_of_the_dashboard() -> None:
    ours = refund("zzz", 2000, decision_id="decision-1")
    assert ours.refund in folded(*paid(), *cents_back(60), ours).refunds
    assert ours.refund in folded(ours, *paid(), *cents_back(60)).refunds


def test_payments_for_offers_we_never_made_push_out_none_for_those_we_made() -> None:
    forged = [replace(charge(), payment_intent_id=f"pi_0{number}", attempt_id="nobody") for number in range(100)]
    history = folded(*forged, *paid(9), count=9)
    assert len(history.payments) == 4
    assert "pi_9" in {payment.payment_intent_id for payment in history.payments}


def test_disputes_are_bounded_too() -> None:
    disputes = [DisputeSeen(Dispute(f"dp_{n:02d}", "pi_1", 100, DisputeStatus.WON), asked=False) for n in range(30)]
    history = folded(*paid(), *disputes)
    assert len(history.disputes) == 4
    assert needs(session_of(history)) == OVERFLOWED


# --- who may pay --------------------------------------------------------------------------------------------------


def test_who_has_or_had_an_attempt_was_offered_to_pay() -> None:
    assert not was_offered(NOTHING_YET)
    assert was_offered(folded())
    assert was_offered(replace(NOTHING_YET, closed_attempts=1))


def session_with(payers: int) -> Session:
    """So many owe a fee or were offered to pay one: the last thirteen are removed, and two more owe nothing."""
    session = session_of(fee=None)
    owing = [Participant(number, Role.GUEST, NOON, key_id=1, fee=FEE) for number in range(3, payers + 3)]
    gone = [replace(one, deleted_at=noon(plus=1), history=folded()) for one in owing[-13:]]
    free = Participant(100, Role.GUEST, NOON, key_id=1, fee=FEE, deleted_at=noon(plus=1))
    return replace(session, participants=(*session.participants, *owing[:-13], *gone, free))


TOO_MANY = Problem("fee", "at most 60 participants owe or paid a fee, with those removed; schedule another session")


def test_sixty_may_owe_or_have_paid_and_one_more_is_refused() -> None:
    wish = ParticipantWish(fee=FEE)
    sixty = add_participant(session_with(59), wish, TEAM, key_id=1, now=NOON)
    assert sixty.participants[-1].fee == FEE
    with pytest.raises(InvalidSessionError) as refused:
        add_participant(session_with(60), wish, TEAM, key_id=1, now=NOON)
    assert refused.value.problems == (TOO_MANY,)


def test_a_first_fee_for_somebody_who_is_there_counts_too() -> None:
    full = session_with(60)
    with pytest.raises(InvalidSessionError) as refused:
        edit_participant(full, guest_of(full), ParticipantEdit(fee=FEE), TEAM, now=NOON)
    assert refused.value.problems == (TOO_MANY,)
