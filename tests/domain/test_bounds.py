"""Nobody fills a participant's history: what is kept is bounded, in any order, and what is dropped is told."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain.bounds import may_be_offered, was_offered
from chalicelib.domain.concerns import OVERFLOWED
from chalicelib.domain.edits import ParticipantEdit, add_participant, edit_participant
from chalicelib.domain.facts import (
    NOTHING_YET,
    AttemptState,
    ChargeSeen,
    Dispute,
    DisputeSeen,
    DisputeStatus,
    PaymentHistory,
    RefundStatus,
    Seen,
)
from chalicelib.domain.payments import PaymentStatus
from chalicelib.domain.sessions import InvalidSessionError, Participant, ParticipantWish, Problem, Role, Session
from tests.support.histories import (
    FEE,
    NOON,
    TEAM,
    attempt,
    charge,
    checkout,
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
    summed = folded(charge(refunded=8000), history=history)
    assert (standing_of(session_of(summed)).amount_refunded, keys(session_of(summed))) == (20, {"refunds:pi_1"})
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


def test_of_each_offer_that_was_paid_its_payment_is_kept() -> None:
    nine = [fact for number in range(1, 10) for fact in paid(number)]
    history = folded(*nine, count=9)
    assert (len(history.attempts), len(history.payments), history.overflowed) == (9, 9, False)


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


def stray(number: int, of: str = "attempt-1") -> ChargeSeen:
    """A charge that is for no offer of ours, or for one that another payment has paid."""
    return replace(charge(), payment_intent_id=f"pi_0{number}", attempt_id=of)


@pytest.mark.parametrize("of", ["attempt-2", "nobody"])
def test_two_payments_beside_those_of_our_offers_are_kept(of: str) -> None:
    first = folded(*paid(1), checkout(AttemptState.EXPIRED, 2), stray(1, of), stray(2, of), count=2)
    assert (len(first.payments), first.overflowed) == (3, False)
    more = folded(stray(3, of), history=first)
    assert [one.payment_intent_id for one in more.payments] == ["pi_01", "pi_02", "pi_1"]
    assert more.overflowed


@pytest.mark.parametrize("change", [{"amount": 8800}, {"currency": "usd"}])
def test_what_pays_an_offer_is_pushed_out_by_no_other_money_in_any_order(change: dict[str, Any]) -> None:
    others = [stray(number) for number in range(1, 5)]
    facts = [*paid(1), *(replace(one, charge=replace(one.charge, **change)) for one in others)]
    histories = set()
    for seed in range(50):
        random.Random(seed).shuffle(facts)
        histories.add(folded(*facts))
    (history,) = histories
    assert [one.payment_intent_id for one in history.payments] == ["pi_01", "pi_02", "pi_1"]
    assert standing_of(session_of(history)).status is PaymentStatus.PAID


def test_nor_by_another_page_of_another_amount() -> None:
    others = [
        replace(checkout(), checkout_session_id=f"cs_0{number}", payment_intent_id=f"pi_0{number}", amount=8800)
        for number in range(1, 5)
    ]
    history = folded(*others, *paid(1))
    assert "pi_1" in {one.payment_intent_id for one in history.payments}


def test_a_refund_that_failed_is_known_as_such_though_not_every_payment_is_kept() -> None:
    others = [stray(number) for number in range(1, 5)]
    forged = [replace(one, charge=replace(one.charge, amount=8800)) for one in others]
    failed = folded(*paid(), *forged, refund(), charge(refunded=8000), refund(status=RefundStatus.FAILED))
    assert failed.overflowed
    assert standing_of(session_of(failed)).status is PaymentStatus.PAID


def test_of_two_payments_of_one_offer_that_are_not_proven_the_first_by_id_is_its_own() -> None:
    history = folded(checkout(AttemptState.OPEN), *(stray(number) for number in range(1, 5)))
    assert [one.payment_intent_id for one in history.payments] == ["pi_01", "pi_02", "pi_03"]


def test_a_payment_of_an_offer_that_may_still_be_paid_is_no_stray() -> None:
    history = folded(*paid(1), checkout(AttemptState.OPEN, 2), charge(2), stray(1, "x"), stray(2, "x"), count=2)
    assert (len(history.payments), history.overflowed) == (4, False)


def test_strays_for_offers_of_ours_are_kept_before_those_for_nobodys() -> None:
    dead = [stray(8, "attempt-2"), stray(9, "attempt-2")]
    expired = folded(*paid(1), checkout(AttemptState.EXPIRED, 2), count=2)
    history = folded(stray(1, "nobody"), *dead, stray(2, "nobody"), history=expired)
    assert [one.payment_intent_id for one in history.payments] == ["pi_08", "pi_09", "pi_1"]


def test_payments_for_offers_we_never_made_push_out_none_for_those_we_made() -> None:
    forged = [replace(charge(), payment_intent_id=f"pi_0{number}", attempt_id="nobody") for number in range(100)]
    history = folded(*forged, *paid(9), count=9)
    assert len(history.payments) == 3
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


# --- who may be offered to pay again ----------------------------------------------------------------------------------


def with_attempts(*states: AttemptState) -> PaymentHistory:
    return replace(NOTHING_YET, attempts=tuple(attempt(number, state=one) for number, one in enumerate(states)))


PAID, DEAD = AttemptState.PAID, (AttemptState.VOID, AttemptState.EXPIRED, AttemptState.FAILED)
LIVE = (AttemptState.PLANNED, AttemptState.OPEN, AttemptState.PROCESSING)


@pytest.mark.parametrize(("count", "expected"), [(0, True), (1, True), (7, True), (8, False), (9, False)])
def test_who_paid_eight_offers_is_offered_no_other(count: int, expected: bool) -> None:  # noqa: FBT001 (a row)
    history = with_attempts(*(count * [PAID]), *DEAD)
    assert may_be_offered(history, [history]) is expected


@pytest.mark.parametrize("state", LIVE)
def test_what_is_offered_already_may_be_paid(state: AttemptState) -> None:
    history = with_attempts(*(9 * [PAID]), state)
    assert may_be_offered(history, 9 * [history])


@pytest.mark.parametrize(
    ("others", "expected"),
    [
        # Seven beside the first, of each.
        ([with_attempts(*(8 * [PAID]))] * 2, True),
        ([with_attempts(*(8 * [PAID]))] * 2 + [with_attempts(*(6 * [PAID]))], True),
        ([with_attempts(*(8 * [PAID]))] * 2 + [with_attempts(*(7 * [PAID]))], False),
        ([with_attempts(*(8 * [PAID]))] * 2 + [with_attempts(*(6 * [PAID]), *DEAD, *DEAD)], True),
        *(([with_attempts(*(8 * [PAID]))] * 2 + [with_attempts(*(6 * [PAID]), one)], False) for one in LIVE),
        # Of whom nobody has paid twice.
        ([with_attempts(PAID, *DEAD)] * 59, True),
        ([with_attempts(AttemptState.OPEN)] * 59, True),
        ([with_attempts(*(8 * [PAID]))] * 2 + [with_attempts(*(7 * [PAID])), NOTHING_YET], False),
    ],
)
def test_a_session_has_room_for_twenty_payments_beside_the_first_of_each(
    others: list[PaymentHistory],
    expected: bool,  # noqa: FBT001 (a row)
) -> None:
    history = with_attempts(PAID)
    assert may_be_offered(history, [history, *others]) is expected
    assert may_be_offered(with_attempts(*DEAD), [NOTHING_YET, *others])
