"""I4, I5: every order of the events of money that went back, and did not stay back, or was only asked about.

As in `test_permutations.py`, through the flow that webhooks end in. Here the product has acted in between, so that what
it learnt is forgotten first: all that is known is which pages it made.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain.admission import Door
from chalicelib.domain.edits import SessionEdit
from chalicelib.domain.facts import NOTHING_YET, AttemptState, RefundReason
from chalicelib.domain.obligations import MakeRefund, obligations
from chalicelib.domain.payments import PaymentStatus
from chalicelib.domain.sessions import Participant, Session
from chalicelib.flows.settle import Settled, settle
from chalicelib.gateways.stripe_events import Event, read_event
from sandbox.stripe_standin.deliveries import signature
from tests.flows.test_permutations import Ending, Walked, put_back, stored
from tests.support.editing import update
from tests.support.invariants import settled_in_the_end
from tests.support.world import World, checkout_id

FEE = 8000


def events_of(world: World, kinds: frozenset[str]) -> tuple[Event, ...]:
    """All of these kinds, as they were sent."""
    now, read = world.clock(), []
    for sent in world.stripe.deliveries:
        if sent.event_type in kinds:
            secret = sent.endpoint.secret
            read.append(read_event(sent.body, signature(secret, sent.body, now), [secret], now.timestamp()))
    return tuple(read)


def untold(world: World, session: Session) -> None:
    """Forget all that Stripe told, but for which pages there are."""

    def forgotten(participant: Participant) -> Participant:
        attempts = tuple(replace(one, state=AttemptState.OPEN, looked_at=None) for one in participant.history.attempts)
        return replace(participant, history=replace(NOTHING_YET, attempts=attempts))

    world.change(session, lambda one: replace(one, participants=tuple(map(forgotten, one.participants))))


def walked(
    world: World, session: Session, left: tuple[Event, ...], met: dict[tuple[Ending, tuple[Event, ...]], Walked]
) -> Walked:
    """Through every order of what is left to tell; those that meet in one stored state go on as one."""
    if not left:
        return 1, frozenset({stored(world, session)})
    here = (stored(world, session), left)
    if here not in met:
        orders, endings = 0, set[Ending]()
        for event in left:
            with put_back(world):
                assert settle(world.ctx, event) in {Settled.KEPT, Settled.KNOWN}
                more, ends = walked(world, session, tuple(one for one in left if one is not event), met)
            orders, endings = orders + more, endings | ends
        met[here] = orders, frozenset(endings)
    return met[here]


def paid_twice(world: World) -> Session:
    """Too late, so that it went back by rule; then for the session as it was moved, and the first refund fails."""
    session = world.schedule(lasts=timedelta(minutes=20))
    page = world.pay_page(session)
    world.clock.advance(minutes=24)
    world.stripe.pay(checkout_id(page.url))
    world.deliver()
    world.sweep()
    world.deliver()
    world.clock.advance(minutes=1)
    day, kept = timedelta(days=1), world.session(session)
    session = update(world, session, SessionEdit(start_time=kept.start_time + day, end_time=kept.end_time + day))
    world.pay(session)
    world.clock.advance(minutes=1)
    world.stripe.fail_refund(world.refunds()[0]["id"])
    return session


@pytest.mark.long
def test_every_order_of_a_return_by_rule_that_fails_after_another_page_was_paid_ends_in_one_state() -> None:
    world = World()
    session = paid_twice(world)
    told = events_of(world, BY_RULE)
    untold(world, session)
    orders, endings = walked(world, session, told, {})
    assert (len(told), orders) == (8, 40_320)
    for event in told:
        settle(world.ctx, event)
    assert {stored(world, session)} == endings
    owed = [one for _, one in obligations(world.session(session)) if isinstance(one, MakeRefund)]
    first, second = sorted(world.charges(), key=lambda one: one["created"])
    assert [(one.payment.payment_intent_id, one.amount, one.reason) for one in owed] == [
        (second["payment_intent"], FEE, RefundReason.DUPLICATE)
    ]
    assert (world.status(session), world.open(session).admission.door) == (PaymentStatus.PAID, Door.EARLY)
    assert world.attention(session) is not None
    world.sweep()
    assert {one["charge"]: one["status"] for one in world.refunds()} == {
        first["id"]: "failed",
        second["id"]: "succeeded",
    }
    settled_in_the_end(world, session, owed=FEE, alarm=True)


BY_RULE = frozenset(
    {
        "checkout.session.completed",
        "charge.succeeded",
        "refund.created",
        "charge.refunded",
        "refund.updated",
        "refund.failed",
    }
)


@pytest.mark.long
@pytest.mark.parametrize("amount", [FEE, 2000])
def test_every_order_of_an_inquiry_that_ends_with_the_money_given_back_ends_in_one_state(amount: int) -> None:
    """A bank asks about a payment, or a part of it; the clinic gives all of it back, and the bank asks no more."""
    world = World()
    session = world.schedule(starts_in=timedelta(days=1))
    world.pay(session)
    charge_id = world.charges()[0]["id"]
    world.stripe.dispute(charge_id, amount=amount, inquiry=True)
    world.clock.advance(minutes=1)
    world.stripe.set_refunds_pending(pending=True)
    refund_id = world.stripe.refund_in_dashboard(charge_id)
    world.clock.advance(minutes=1)
    world.stripe.settle_refund(refund_id)
    told = events_of(world, INQUIRY)
    orders, endings = walked(world, session, told, {})
    assert (len(told), orders) == (7, 5040)
    for event in told:
        settle(world.ctx, event)
    assert {stored(world, session)} == endings
    assert (world.status(session), world.open(session).admission.door) == (PaymentStatus.REFUNDED, Door.REFUNDED)
    assert world.attention(session) is None
    settled_in_the_end(world, session, owed=0)


INQUIRY = frozenset(
    {
        "checkout.session.completed",
        "charge.succeeded",
        "charge.refunded",
        "refund.created",
        "refund.updated",
        "charge.dispute.created",
        "charge.dispute.closed",
    }
)
