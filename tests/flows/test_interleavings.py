"""Flows beside each other, in every possible order of their steps; after each step the invariants hold.

The museum's reports are named where a race is theirs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain.admission import Admission, Door
from chalicelib.domain.facts import AttemptState
from chalicelib.domain.payments import PaymentStatus, standing
from chalicelib.domain.sessions import Session, cancel, owing
from chalicelib.flows.change import change
from chalicelib.flows.checkout import PaymentStarted
from chalicelib.flows.settle import Settled
from chalicelib.flows.sweep import sweep_session
from chalicelib.gateways.stripe_api import StripeUncertainError
from sandbox.stripe_standin.payments import CheckoutClosedError
from tests.support.examples import IS_LONG
from tests.support.interleaving import Ended, Judge, Race, every_order, some_orders
from tests.support.invariants import FEE, holds, settled_in_the_end
from tests.support.seam import Io, Kind
from tests.support.world import World, checkout_id

Case = tuple[Race, Judge]


def _world(lasts: timedelta = timedelta(minutes=50)) -> tuple[World, Session]:
    """Webhooks do not come by themselves: each is a flow of its own here."""
    world = World()
    session = world.schedule(lasts=lasts)
    world.stripe.set_webhooks("drop")
    return world, session


def _race(world: World, session: Session, *flows: Callable[[], object]) -> Race:
    return Race(world.seam, flows, always=lambda: holds(world, session))


def _client_pays(world: World) -> Callable[[], object]:
    """At Stripe, on whatever page is open there: one step."""

    def pay() -> object:
        world.seam.begin(Io(Kind.STRIPE, "the client pays"))
        page = next(iter(world.open_checkouts()), None)
        return world.stripe.pay(page["id"]) if page else None

    return pay


def _clinic_cancels(world: World, session: Session) -> Callable[[], object]:
    ctx = world.ctx
    return lambda: change(
        ctx, ctx.sessions.get(session.team_id, session.session_id), lambda one: cancel(one, now=world.clock())
    )


def _urls(world: World, session: Session, ended: list[Ended]) -> set[str]:
    """The pages handed out; whoever was told to come again comes again."""
    urls = set()
    for one in ended:
        if isinstance(one.error, StripeUncertainError):
            urls.add(world.pay_page(session).url)
        else:
            assert isinstance(one.result, PaymentStarted)
            urls.add(one.result.url)
    return urls


# --- pay, pay -----------------------------------------------------------------------------------------------------


def _two_presses(world: World, session: Session) -> Case:
    def judge(ended: list[Ended]) -> None:
        page = world.open_checkouts()[0]["url"]
        assert _urls(world, session, ended) == {page}
        assert len(world.open_checkouts()) == 1
        world.stripe.pay(checkout_id(page))
        world.clock.advance(seconds=31)
        assert world.press_pay(session) == Admission(Door.JOIN, session.start_time)
        settled_in_the_end(world, session, owed=FEE)

    def press() -> object:
        return world.press_pay(session)

    return _race(world, session, press, press), judge


def test_two_first_presses_get_one_page() -> None:
    assert every_order(lambda: _two_presses(*_world())) > 250


def test_two_presses_on_an_older_offer_get_one_page() -> None:
    def prepare() -> Case:
        world, session = _world()
        world.pay_page(session)
        world.clock.advance(minutes=1)
        return _two_presses(world, session)

    assert every_order(prepare) > 5


@pytest.mark.long
def test_two_presses_on_an_offer_about_to_expire_get_one_new_page() -> None:
    def prepare() -> Case:
        world, session = _world(lasts=timedelta(hours=3))
        world.change(session, lambda one: replace(one, end_time=one.start_time + timedelta(minutes=20)))
        world.pay_page(session)
        world.change(session, lambda one: replace(one, end_time=session.end_time))
        world.clock.advance(minutes=27)
        return _two_presses(world, session)

    if IS_LONG:
        assert every_order(prepare) > 1000
    else:
        some_orders(prepare, 150)


def test_two_presses_after_an_answer_was_lost_get_one_page() -> None:
    def prepare() -> Case:
        world, session = _world()
        world.stripe.fail_next("timeout_after", 2)
        with pytest.raises(StripeUncertainError):
            world.press_pay(session)
        return _two_presses(world, session)

    assert every_order(prepare) > 30


@pytest.mark.long
def test_two_presses_while_stripe_breaks_under_one_key_get_one_page() -> None:
    def prepare() -> Case:
        world, session = _world()
        world.stripe.fail_next("500", 1, method="POST")
        return _two_presses(world, session)

    some_orders(prepare, 5000 if IS_LONG else 150)


# --- webhook, webhook ---------------------------------------------------------------------------------------------


def _two_events(first: str, second: str) -> Case:
    world, session = _world()
    world.pay(session)
    flows = [lambda kind=kind: world.settle(kind) for kind in (first, second)]

    def judge(ended: list[Ended]) -> None:
        assert all(one.result in {Settled.KEPT, Settled.KNOWN} for one in ended)
        assert world.status(session) is PaymentStatus.PAID
        before = world.session(session)
        assert (world.settle(first), world.settle(second)) == (Settled.KNOWN, Settled.KNOWN)
        assert world.session(session) == before
        settled_in_the_end(world, session, owed=FEE)

    return _race(world, session, *flows), judge


def test_one_event_delivered_twice_at_once_is_one_fact() -> None:
    """dj-stripe/dj-stripe#1239: a duplicate event ended in an error."""
    assert every_order(lambda: _two_events("checkout.session.completed", "checkout.session.completed")) >= 6


def test_a_checkout_and_its_charge_delivered_at_once_end_the_same() -> None:
    assert every_order(lambda: _two_events("checkout.session.completed", "charge.succeeded")) >= 6


# --- pay, settle --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["checkout.session.completed", "charge.succeeded"])
def test_pressing_pay_while_the_webhook_of_the_payment_arrives_offers_nothing_more(kind: str) -> None:
    def prepare() -> Case:
        world, session = _world()
        world.pay(session)
        world.clock.advance(minutes=1)

        def judge(ended: list[Ended]) -> None:
            assert isinstance(ended[0].result, Admission)
            assert len(world.checkouts()) == 1
            settled_in_the_end(world, session, owed=FEE)

        return _race(world, session, lambda: world.press_pay(session), lambda: world.settle(kind)), judge

    assert every_order(prepare) >= 6


def test_return_page_beside_the_webhook_counts_the_money_once() -> None:
    """saleor/saleor#14648: the captured amount was counted twice."""

    def prepare() -> Case:
        world, session = _world()
        started = world.pay_page(session)
        world.stripe.pay(checkout_id(started.url))

        def judge(ended: list[Ended]) -> None:
            assert not any(one.error for one in ended)
            participant = world.participant(session)
            stands = standing(owing(world.session(session), participant), participant.history)
            assert (stands.status, stands.amount_paid) == (PaymentStatus.PAID, FEE)
            settled_in_the_end(world, session, owed=FEE)

        flows = (lambda: world.come_back(started), lambda: world.settle("checkout.session.completed"))
        return _race(world, session, *flows), judge

    assert every_order(prepare) >= 6


# --- the sweep beside others --------------------------------------------------------------------------------------


def test_sweep_beside_the_webhook_of_a_payment() -> None:
    def prepare() -> Case:
        world, session = _world()
        world.pay(session)
        world.clock.advance(minutes=2)

        def judge(ended: list[Ended]) -> None:
            assert not any(one.error for one in ended)
            assert world.status(session) is PaymentStatus.PAID
            settled_in_the_end(world, session, owed=FEE)

        return _race(world, session, _swept(world, session), lambda: world.settle("charge.succeeded")), judge

    assert every_order(prepare) >= 10


def _swept(world: World, session: Session) -> Callable[[], object]:
    """The sweep of this session; the other shards are empty, and would only be steps that touch nothing."""
    return lambda: sweep_session(world.ctx, session.team_id, session.session_id)


def test_sweep_looking_for_a_lost_attempt_beside_the_client_who_sends_it_again() -> None:
    def prepare() -> Case:
        world, session = _world()
        world.stripe.fail_next("timeout_before", 2)
        with pytest.raises(StripeUncertainError):
            world.press_pay(session)
        world.clock.advance(minutes=2)

        def judge(ended: list[Ended]) -> None:
            assert isinstance(ended[1].result, PaymentStarted)
            assert [page["url"] for page in world.open_checkouts()] == [ended[1].result.url]
            world.stripe.pay(checkout_id(ended[1].result.url))
            settled_in_the_end(world, session, owed=FEE)

        return _race(world, session, _swept(world, session), lambda: world.press_pay(session)), judge

    assert every_order(prepare) >= 30


def test_sweep_closing_an_ended_offer_beside_the_client_who_pays_it() -> None:
    """Whoever is first: the offer is closed, or the money goes back, since the consultation is over."""
    outcomes = set()

    def prepare() -> Case:
        world, session = _world(lasts=timedelta(minutes=20))
        world.pay_page(session)
        world.clock.advance(minutes=20)

        def judge(_ended: list[Ended]) -> None:
            outcomes.add(len(world.charges()))
            settled_in_the_end(world, session, owed=0)

        return _race(world, session, _swept(world, session), _client_pays(world)), judge

    assert every_order(prepare) >= 4
    assert outcomes == {0, 1}


def test_two_sweeps_beside_each_other_refund_once() -> None:
    def prepare() -> Case:
        world, session = _world()
        world.pay(session)
        world.settle("checkout.session.completed")
        world.settle("charge.succeeded")
        world.change(session, lambda one: cancel(one, now=world.clock()))

        def judge(_ended: list[Ended]) -> None:
            world.clock.advance(minutes=2)
            world.sweep()
            assert [refund["amount"] for refund in world.refunds()] == [FEE]
            settled_in_the_end(world, session, owed=0)

        return _race(world, session, _swept(world, session), _swept(world, session)), judge

    assert every_order(prepare) >= 20


# --- cancel beside others -----------------------------------------------------------------------------------------


def test_cancelling_beside_the_webhook_of_a_payment_gives_the_money_back() -> None:
    """calcom/cal.diy#14040: a rejected appointment was charged all the same."""

    def prepare() -> Case:
        world, session = _world()
        world.pay(session)

        def judge(_ended: list[Ended]) -> None:
            assert world.open(session).admission.door is Door.CANCELED
            settled_in_the_end(world, session, owed=0)
            assert [refund["amount"] for refund in world.refunds()] == [FEE]

        flows = (_clinic_cancels(world, session), lambda: world.settle("checkout.session.completed"))
        return _race(world, session, *flows), judge

    assert every_order(prepare) >= 6


def test_cancelling_beside_a_client_who_presses_and_pays() -> None:
    """woocommerce/woocommerce-gateway-stripe#5362: cancelled while the client was paying, and the capture orphaned."""
    outcomes = set()

    def prepare() -> Case:
        world, session = _world()

        def judge(_ended: list[Ended]) -> None:
            outcomes.add(len(world.charges()))
            settled_in_the_end(world, session, owed=0)

        flows = (lambda: world.press_pay(session), _clinic_cancels(world, session), _client_pays(world))
        return _race(world, session, *flows), judge

    assert every_order(prepare) > 400
    assert outcomes == {0, 1}


def test_press_sweep_and_payment_all_at_once() -> None:
    """An offer of two minutes ago is pressed again, paid, and swept."""

    def prepare() -> Case:
        world, session = _world()
        world.pay_page(session)
        world.clock.advance(minutes=2)

        def judge(_ended: list[Ended]) -> None:
            attempts = world.participant(session).history.attempts
            assert [attempt.state for attempt in attempts] in ([AttemptState.PAID], [AttemptState.OPEN])
            settled_in_the_end(world, session, owed=FEE)

        flows = (_client_pays(world), lambda: world.press_pay(session), _swept(world, session))
        return _race(world, session, *flows), judge

    assert every_order(prepare) > 200


def test_only_a_closed_page_refuses_the_client() -> None:
    """The stand-in's own promise, on which the races above rest."""
    world, session = _world()
    url = world.pay_page(session).url
    world.stripe.pay(checkout_id(url))
    with pytest.raises(CheckoutClosedError):
        world.stripe.pay(checkout_id(url))
