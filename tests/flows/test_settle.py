"""Webhooks: in any order, any number of times, three days late or never, the same facts end in the same state."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain.admission import Door
from chalicelib.domain.facts import AttemptState, PaymentHistory
from chalicelib.domain.payments import PaymentStatus
from chalicelib.domain.sessions import Session
from chalicelib.flows.settle import Settled, settle
from chalicelib.gateways.stripe_api import stripe_client
from chalicelib.gateways.stripe_events import EVENTS, Event
from chalicelib.storage.stores import ConflictError, StoreUnavailableError
from sandbox.stripe_standin.client import InProcessHTTPClient
from tests.support.edge import Edge
from tests.support.examples import IS_LONG
from tests.support.invariants import FEE, settled_in_the_end
from tests.support.seam import Io, Kind, Spent
from tests.support.world import STRIPE_KEY, World


def _kinds(world: World) -> list[str]:
    """The kinds of events that have happened and that we ask for, in their order, each once."""
    return list(dict.fromkeys(one.event_type for one in world.stripe.deliveries if one.event_type in EVENTS))


def _refund_all(world: World, session: Session) -> None:
    world.pay(session)
    world.stripe.refund_in_dashboard(world.charges()[0]["id"])


def _refund_part_and_fail(world: World, session: Session) -> None:
    world.pay(session)
    world.stripe.set_refunds_pending(pending=True)
    refund_id = world.stripe.refund_in_dashboard(world.charges()[0]["id"], 3000)
    world.stripe.fail_refund(refund_id)


def _dispute_and_win(world: World, session: Session) -> None:
    world.pay(session)
    dispute_id = world.stripe.dispute(world.charges()[0]["id"])
    world.stripe.dispute_update(dispute_id)
    world.stripe.dispute_close(dispute_id, "won")


def _dispute_and_lose(world: World, session: Session) -> None:
    world.pay(session)
    world.stripe.dispute_close(world.stripe.dispute(world.charges()[0]["id"]), "lost")


def _just_pay(world: World, session: Session) -> None:
    world.pay(session)


def _debit(world: World, session: Session, *, succeeded: bool) -> None:
    payment = world.pay(session, "au_becs_debit")
    world.stripe.settle_delayed(payment.payment_intent_id, succeeded=succeeded)


def _debit_succeeds(world: World, session: Session) -> None:
    _debit(world, session, succeeded=True)


def _debit_fails(world: World, session: Session) -> None:
    _debit(world, session, succeeded=False)


HISTORIES: dict[str, tuple[Callable[[World, Session], None], PaymentStatus]] = {
    "paid": (_just_pay, PaymentStatus.PAID),
    "refunded": (_refund_all, PaymentStatus.REFUNDED),
    "a partial refund that failed": (_refund_part_and_fail, PaymentStatus.PAID),
    "a dispute won": (_dispute_and_win, PaymentStatus.PAID),
    "a dispute lost": (_dispute_and_lose, PaymentStatus.REFUNDED),
    "a debit that succeeded": (_debit_succeeds, PaymentStatus.PAID),
    "a debit that failed": (_debit_fails, PaymentStatus.UNPAID),
}


def _stage(happened: Callable[[World, Session], None]) -> tuple[World, Session, list[Event]]:
    """A payment in a world where no webhook has arrived yet, and every event of it."""
    world = World()
    world.change_team(delayed_methods=("au_becs_debit",))
    session = world.schedule(starts_in=timedelta(days=14))
    world.stripe.set_webhooks("drop")
    happened(world, session)
    return world, session, [world.event(kind) for kind in _kinds(world)]


def _orders(events: list[Event]) -> list[Sequence[Event]]:
    """All of them, if they are few or if there is time; else a seeded sample."""
    if IS_LONG or len(events) <= 4:
        return list(itertools.permutations(events))
    chance = random.Random(1)
    return [chance.sample(events, len(events)) for _ in range(60)]


@pytest.mark.long
@pytest.mark.parametrize(("happened", "status"), HISTORIES.values(), ids=HISTORIES)
def test_any_order_of_the_events_ends_in_the_same_state(
    happened: Callable[[World, Session], None], status: PaymentStatus
) -> None:
    """polarsource/polar#14274 and pretix/pretix#343: late tellings changed what was settled."""
    world, session, events = _stage(happened)
    before = world.session(session)
    ends = set[PaymentHistory]()
    for order in _orders(events):
        world.context.sessions.save(replace(before, revision=world.session(session).revision))
        for event in order:
            settle(world.ctx, event)
        world.sweep()
        ends.add(world.participant(session).history)
        assert world.status(session) is status, [event.kind for event in order]
    assert len(ends) == 1


@pytest.mark.parametrize(("happened", "status"), HISTORIES.values(), ids=HISTORIES)
def test_every_event_again_and_three_days_late_changes_nothing(
    happened: Callable[[World, Session], None], status: PaymentStatus
) -> None:
    world, session, events = _stage(happened)
    world.clock.advance(days=3)
    for event in events:
        settle(world.ctx, event)
    world.sweep()
    before = world.session(session)
    for event in events * 2:
        assert settle(world.ctx, event) in {Settled.KNOWN, Settled.NOT_OURS}
    assert world.session(session) == before
    assert world.status(session) is status


def test_an_event_resent_by_hand_after_29_days_is_taken(world: World) -> None:
    session = world.schedule(starts_in=timedelta(days=60))
    world.stripe.set_webhooks("drop")
    world.pay(session)
    event = world.event("checkout.session.completed")
    world.clock.advance(days=29)
    world.stripe.set_webhooks("deliver")
    world.stripe.resend(event.event_id)
    assert world.deliver() == 1
    assert world.status(session) is PaymentStatus.PAID


@pytest.mark.parametrize("mode", ["deliver", "duplicate", "reorder"])
def test_however_stripe_delivers_through_the_edge_the_client_gets_in(world: World, mode: str) -> None:
    edge, session = Edge(world), world.schedule()
    world.stripe.set_webhooks(mode)
    world.pay(session)
    assert edge.deliver_webhooks() >= 3
    assert world.open(session).admission.door is Door.JOIN
    settled_in_the_end(world, session, owed=FEE)


def test_a_payment_in_time_whose_webhook_is_72_hours_late_is_honoured(world: World) -> None:
    """elizaOS/eliza#18862: judged by the time of the webhook."""
    session = world.schedule(lasts=timedelta(hours=1))
    world.stripe.set_webhooks("deliver", delay=72 * 3600)
    world.pay(session)
    world.clock.advance(hours=72)
    world.deliver()
    world.sweep()
    assert (world.status(session), world.refunds()) == (PaymentStatus.PAID, [])


# --- a charge and its checkout ------------------------------------------------------------------------------------


def test_a_charge_without_its_checkout_is_not_paid_yet_but_looked_at_at_once(world: World) -> None:
    session = world.schedule()
    world.stripe.set_webhooks("drop")
    world.pay(session)
    world.settle("charge.succeeded")
    assert world.open(session).admission.door is Door.PROCESSING
    world.sweep()
    assert world.open(session).admission.door is Door.JOIN


def test_a_debit_is_processing_until_the_bank_says_so(world: World) -> None:
    world.change_team(delayed_methods=("au_becs_debit",))
    session = world.schedule(starts_in=timedelta(days=14))
    payment = world.pay(session, "au_becs_debit")
    world.deliver()
    assert world.open(session).admission.door is Door.PROCESSING
    world.stripe.settle_delayed(payment.payment_intent_id, succeeded=True)
    world.deliver()
    assert world.open(session).admission.door is Door.EARLY


def test_a_debit_that_fails_is_offered_anew(world: World) -> None:
    world.change_team(delayed_methods=("au_becs_debit",))
    session = world.schedule(starts_in=timedelta(days=14))
    payment = world.pay(session, "au_becs_debit")
    world.deliver()
    world.stripe.settle_delayed(payment.payment_intent_id, succeeded=False)
    world.deliver()
    assert world.open(session).admission.door is Door.PAY
    world.pay(session)
    world.deliver()
    states = [attempt.state for attempt in world.participant(session).history.attempts]
    assert states == [AttemptState.FAILED, AttemptState.PAID]
    assert world.open(session).admission.door is Door.EARLY


# --- what is not ours ---------------------------------------------------------------------------------------------


def test_the_clinics_other_sales_are_ignored(world: World) -> None:
    """On the same Stripe account, without our metadata; a refund or dispute of one costs one look at most."""
    before = world.session(world.schedule())
    world.stripe.set_webhooks("drop")
    price = {"currency": "aud", "unit_amount": FEE, "product_data": {"name": "A book"}}
    shop = stripe_client(STRIPE_KEY, "https://api.stripe.com", InProcessHTTPClient(world.stripe))
    sale = shop.raw_request(
        "post",
        "/v1/checkout/sessions",
        mode="payment",
        client_reference_id="order-17",
        success_url="https://shop.example",
        line_items=[{"quantity": 1, "price_data": price}],
    )
    charge_id = world.stripe.pay(sale.data["id"]).charge_id
    world.stripe.refund_in_dashboard(charge_id, 1000)
    world.stripe.dispute(charge_id)
    calls = {}
    for kind in _kinds(world):
        with world.seam.counted() as spent:
            assert world.settle(kind) is Settled.NOT_OURS
            calls[kind] = spent()
    assert {kind for kind, spent in calls.items() if spent == Spent()} == {
        "charge.succeeded",
        "checkout.session.completed",
        "charge.refunded",
    }
    assert {kind for kind, spent in calls.items() if spent == Spent(stripe=1)} == {
        "refund.created",
        "charge.dispute.created",
        "charge.dispute.funds_withdrawn",
    }
    assert world.session(before) == before


def test_an_event_of_the_other_mode_is_ignored_and_costs_nothing(world: World) -> None:
    session = world.schedule()
    world.stripe.set_webhooks("drop")
    world.pay(session)
    event = replace(world.event("checkout.session.completed"), livemode=True)
    with world.seam.counted() as spent:
        assert settle(world.ctx, event) is Settled.OTHER_MODE
        assert spent() == Spent()
    assert world.status(session) is PaymentStatus.UNPAID


def test_an_event_of_an_unknown_session_is_ignored(world: World) -> None:
    session = world.schedule()
    world.stripe.set_webhooks("drop")
    world.pay(session)
    event = world.event("checkout.session.completed")
    assert event.place is not None
    elsewhere = replace(event, place=replace(event.place, team_id=world.other_team.team_id))
    assert settle(world.ctx, elsewhere) is Settled.NO_SESSION
    assert world.status(session) is PaymentStatus.UNPAID


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"amount": FEE - 1}, "amount"),
        ({"currency": "usd"}, "currency"),
        ({"livemode": True}, "livemode"),
        ({"stripe_account_id": "acct_of_another"}, "account"),
        ({"checkout_session_id": "cs_of_another"}, "checkout"),
    ],
)
def test_money_that_is_not_what_was_asked_for_lets_nobody_in(
    world: World, change: dict[str, object], field: str
) -> None:
    """I7, each field in turn; the clinic is told, and the client is not asked a second time."""
    session = world.schedule()
    world.stripe.set_webhooks("drop")
    world.pay(session)
    event = world.event("checkout.session.completed")
    strange = replace(event, seen=(replace(event.seen[0], **change),))  # type: ignore[arg-type] # by the table above
    settle(world.ctx, strange)
    assert not world.open(session).admission.may_join, field
    assert not world.open(session).admission.may_pay, field
    assert "look at it in Stripe" in (world.attention(session) or "")


# --- our own trouble ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("call", ["sessions.get", "sessions.save"])
def test_a_database_that_does_not_answer_makes_stripe_deliver_again(world: World, call: str) -> None:
    """payloadcms/payload#10890: 200 was answered before the fact was kept."""
    edge, session = Edge(world), world.schedule()
    world.pay(session)

    def throttled(io: Io) -> None:
        if io.name == call:
            raise StoreUnavailableError(call)

    with world.seam.armed(before=throttled):
        assert edge.deliver_webhooks() == 3  # of kinds that tell us nothing
    assert world.status(session) is PaymentStatus.UNPAID
    world.clock.advance(minutes=1)
    assert edge.deliver_webhooks() == 2
    assert world.status(session) is PaymentStatus.PAID


def test_a_session_that_others_keep_writing_is_tried_eight_times_and_then_delivered_again(world: World) -> None:
    session = world.schedule()
    world.stripe.set_webhooks("drop")
    world.pay(session)
    tries: list[Io] = []

    def taken(io: Io) -> None:
        if io.name == "sessions.save":
            tries.append(io)
            raise ConflictError(io.name)

    world.stripe.set_webhooks("deliver")
    world.stripe.resend(world.event("checkout.session.completed").event_id)
    with world.seam.armed(before=taken):
        assert world.deliver() == 0
    assert len(tries) == 8
    world.clock.advance(minutes=1)
    assert world.deliver() == 1


def test_when_stripe_does_not_say_whose_a_refund_is_it_is_delivered_again(world: World) -> None:
    session = world.schedule()
    world.pay(session)
    world.deliver()
    world.stripe.refund_in_dashboard(world.charges()[0]["id"])
    world.stripe.fail_next("timeout_before", 2, path_prefix="/v1/payment_intents")
    world.deliver()
    assert any(one.kind is Kind.STRIPE for one in world.seam.done)
    world.clock.advance(minutes=1)
    world.deliver()
    assert world.status(session) is PaymentStatus.REFUNDED
