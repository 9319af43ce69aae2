"""A refund whose end nobody told: Stripe is asked once it is late, and then once a day, until it has ended."""

from __future__ import annotations

from datetime import timedelta

import pytest

from chalicelib.domain.facts import RefundStatus
from chalicelib.domain.obligations import due_at
from chalicelib.domain.payments import PaymentStatus
from chalicelib.domain.sessions import Session
from tests.support.platform import Platform
from tests.support.seam import NOTHING_SPENT
from tests.support.world import World

LATE = "The refund of 80.00 AUD is pending for more than ten days: the clinic asks Stripe about it."


@pytest.fixture
def session(world: World) -> Session:
    """Paid, given back in the dashboard, and over; the refund is pending."""
    session = world.schedule(starts_in=timedelta(hours=1))
    world.pay(session)
    world.deliver()
    world.stripe.set_refunds_pending(pending=True)
    world.stripe.refund_in_dashboard(world.charges()[0]["id"])
    world.deliver()
    world.stripe.set_webhooks("drop")
    assert world.status(session) is PaymentStatus.REFUNDED
    return session


def refund_of(world: World) -> str:
    return str(world.refunds()[0]["id"])


def days_pass(world: World, number: int) -> None:
    """The sweep comes round in each."""
    for _ in range(number):
        world.clock.advance(days=1)
        world.sweep()


def kept(world: World, session: Session) -> RefundStatus:
    [refund] = world.participant(session).history.refunds
    return refund.status


def test_while_it_may_be_on_its_way_nobody_is_asked_and_nobody_told(world: World, session: Session) -> None:
    days_pass(world, 1)
    with world.seam.counted() as spent:
        days_pass(world, 8)
    assert (spent().stripe, spent().writes) == (NOTHING_SPENT.stripe, NOTHING_SPENT.writes)
    assert world.attention(session) is None


def test_that_it_arrived_is_learnt_and_nobody_is_told_any_more(world: World, session: Session) -> None:
    days_pass(world, 9)
    world.clock.advance(days=1, seconds=1)
    assert world.attention(session) == LATE
    world.stripe.settle_refund(refund_of(world))
    world.sweep()
    assert (kept(world, session), world.attention(session)) == (RefundStatus.SUCCEEDED, None)
    assert due_at(world.session(session)) is None


def test_that_it_failed_is_learnt_and_told(world: World, session: Session) -> None:
    days_pass(world, 9)
    world.stripe.fail_refund(refund_of(world))
    days_pass(world, 2)
    assert kept(world, session) is RefundStatus.FAILED
    assert world.status(session) is PaymentStatus.PAID
    assert "failed at the bank" in str(world.attention(session))


def test_while_it_is_pending_stripe_is_asked_once_a_day(world: World, session: Session) -> None:
    days_pass(world, 10)
    with world.seam.counted() as spent:
        for _ in range(24 * 5):
            world.clock.advance(hours=1)
            world.sweep()
    assert (spent().stripe, spent().writes) == (5, 5)
    assert world.attention(session) == LATE


def test_after_ninety_days_nobody_asks_any_more(world: World, session: Session) -> None:
    days_pass(world, 95)
    assert due_at(world.session(session)) is None
    assert world.attention(session) == LATE


def test_a_stripe_that_does_not_answer_is_asked_again(world: World, session: Session) -> None:
    days_pass(world, 9)
    world.stripe.settle_refund(refund_of(world))
    world.stripe.fail_next("timeout_before", 2)
    world.clock.advance(days=1)
    world.sweep()
    assert kept(world, session) is RefundStatus.PENDING
    world.clock.advance(minutes=2)
    world.sweep()
    assert kept(world, session) is RefundStatus.SUCCEEDED
    assert world.attention(session) is None


def test_what_failed_more_than_thirty_days_before_an_account_came_back_is_asked_for_itself() -> None:
    """Beside what the night looks up: what was pending as the account left is asked about once it can be seen."""
    world = Platform()
    session = world.schedule(starts_in=timedelta(hours=1))
    world.pay(session)
    world.stripe.set_refunds_pending(pending=True)
    world.stripe.refund_in_dashboard(str(world.books_of(world.account)["charges"][0]["id"]))
    world.deliver()
    world.stripe.deauthorize(world.account)
    world.deliver()
    world.stripe.fail_refund(str(world.books_of(world.account)["refunds"][0]["id"]))
    days_pass(world, 40)
    assert kept(world, session) is RefundStatus.PENDING
    world.stripe.authorize(world.account)
    world.team = world.connect(world.newest(), world.account)
    days_pass(world, 2)
    assert kept(world, session) is RefundStatus.FAILED
