"""A refund that fails at the bank: a person or the machine gives the money back, never both, and nobody loses any.

Each story was shown by a reader who looked for ways to pay twice, to lose money, or to enter without paying.
"""

from __future__ import annotations

import pytest

from chalicelib.domain.admission import Door
from chalicelib.domain.by_hand import RefundWish, UnknownKeyError
from chalicelib.domain.payments import PaymentStatus
from chalicelib.domain.sessions import Session
from chalicelib.flows.by_hand import retry_by_hand, settle_by_hand
from chalicelib.flows.refund import refund
from chalicelib.flows.waive import waive
from chalicelib.http.shape_charges import charges_out
from chalicelib.http.times import TimeFormat
from tests.support.editing import cancel, paid_ahead
from tests.support.world import TEAM_ID, World

FEE = 8000


@pytest.fixture
def world() -> World:
    world = World()
    world.stripe.set_refunds_pending(pending=True)
    return world


@pytest.fixture
def session(world: World) -> Session:
    session = paid_ahead(world)
    world.clock.advance(minutes=1)
    return session


def asked(world: World, session: Session, amount: int | None = None) -> str:
    """The clinic asks for a refund; its id at Stripe, where it is pending."""
    refund(world.ctx, TEAM_ID, session.participant_id(2), RefundWish(amount))
    return str(world.refunds()[-1]["id"])


def fails(world: World, refund_id: str) -> None:
    world.stripe.fail_refund(refund_id)
    world.deliver()


def failed(world: World, session: Session, amount: int | None = None) -> str:
    refund_id = asked(world, session, amount)
    fails(world, refund_id)
    return refund_id


def settle(world: World, session: Session, refund_id: str, *, is_given: bool = True) -> None:
    ctx, participant_id = world.ctx, session.participant_id(2)
    settle_by_hand(ctx, TEAM_ID, participant_id, f"refund:{refund_id}", "a bank transfer", is_given=is_given)


def at_stripe(world: World) -> list[tuple[int, str]]:
    return [(one["amount"], one["status"]) for one in world.refunds()]


def test_who_asks_again_after_a_failure_is_not_told_to_give_the_money_back_another_way(
    world: World, session: Session
) -> None:
    failed(world, session)
    assert world.attention(session) == "The refund of 80.00 AUD failed at the bank; give the money back another way."
    asked(world, session)
    assert world.attention(session) is None
    assert at_stripe(world) == [(FEE, "failed"), (FEE, "pending")]


def test_a_cancellation_leaves_a_failed_refund_to_the_person_who_was_told(world: World, session: Session) -> None:
    failed(world, session)
    cancel(world, session)
    world.clock.advance(minutes=5)
    world.sweep()
    assert at_stripe(world) == [(FEE, "failed")]
    assert world.attention(session) == "The refund of 80.00 AUD failed at the bank; give the money back another way."


def test_a_cancellation_gives_back_all_but_what_failed(world: World, session: Session) -> None:
    failed(world, session, 3000)
    cancel(world, session)
    assert at_stripe(world) == [(3000, "failed"), (5000, "pending")]
    assert world.attention(session) == "The refund of 30.00 AUD failed at the bank; give the money back another way."


def test_a_refund_that_fails_after_the_waiver_is_not_repeated_by_itself(world: World, session: Session) -> None:
    refund_id = asked(world, session)
    waive(world.ctx, TEAM_ID, session.participant_id(2), "insured after all")
    fails(world, refund_id)
    world.sweep()
    assert at_stripe(world) == [(FEE, "failed")]
    assert "give the money back" in (world.attention(session) or "")


def test_what_was_made_again_counts_once_on_a_later_cancellation(world: World, session: Session) -> None:
    first = failed(world, session, 3000)
    asked(world, session, 3000)
    settle(world, session, first, is_given=False)
    assert world.attention(session) is None
    cancel(world, session)
    assert at_stripe(world) == [(3000, "failed"), (3000, "pending"), (5000, "pending")]
    assert world.attention(session) is None


def test_what_was_given_by_hand_is_not_given_back_a_second_time(world: World, session: Session) -> None:
    settle(world, session, failed(world, session, 3000))
    assert world.status(session) is PaymentStatus.PARTIALLY_REFUNDED
    cancel(world, session)
    assert at_stripe(world) == [(3000, "failed"), (5000, "pending")]


def test_of_a_failure_that_another_refund_covers_only_the_other_can_be_tried_again(
    world: World, session: Session
) -> None:
    first, second = failed(world, session), asked(world, session)
    with pytest.raises(UnknownKeyError):
        retry_by_hand(world.ctx, TEAM_ID, session.participant_id(2), f"refund:{first}", "a new card")
    fails(world, second)
    retry_by_hand(world.ctx, TEAM_ID, session.participant_id(2), f"refund:{first}", "a new card")
    assert at_stripe(world) == [(FEE, "failed"), (FEE, "failed"), (FEE, "pending")]
    assert world.attention(session) is None


def test_who_gave_by_hand_what_another_refund_covers_as_well_is_told_that_it_is_too_much(
    world: World, session: Session
) -> None:
    first, _ = failed(world, session), asked(world, session)
    settle(world, session, first)
    assert world.attention(session) == "80.00 AUD of a payment of 80.00 AUD went back twice; ask for it, or let it be."


def test_whose_money_was_given_back_by_hand_is_not_let_in(world: World, session: Session) -> None:
    settle(world, session, failed(world, session))
    world.clock.set(session.start_time)
    assert world.status(session) is PaymentStatus.REFUNDED
    assert world.open(session).admission.door is Door.REFUNDED
    assert world.attention(session) is None


def test_whose_money_stays_after_all_is_let_in(world: World, session: Session) -> None:
    settle(world, session, failed(world, session), is_given=False)
    world.clock.set(session.start_time)
    assert world.open(session).admission.door is Door.JOIN
    assert world.attention(session) is None


def test_a_refund_that_was_never_made_and_is_given_by_hand_counts_too(world: World, session: Session) -> None:
    world.stripe.fail_next("timeout_before", 100, path_prefix="/v1/refunds")
    refund(world.ctx, TEAM_ID, session.participant_id(2), RefundWish())
    [decision] = world.participant(session).history.decisions
    settle(world, session, decision.decision_id)
    world.stripe.clear_faults()
    world.clock.advance(minutes=5)
    world.sweep()
    assert at_stripe(world) == []
    assert world.status(session) is PaymentStatus.REFUNDED
    participant = world.participant(session)
    [charge] = charges_out(world.session(session), participant, TimeFormat.ISO_8601)
    assert [(one.refund_id, one.amount, one.status) for one in charge.refunds] == [(None, FEE, "given_by_hand")]
