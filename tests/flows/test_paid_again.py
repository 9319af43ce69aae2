"""Whoever got all of their money back and may still come is asked again: late payments, other amounts, another fee."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

import pytest

from chalicelib.domain.admission import Door
from chalicelib.domain.by_hand import RefundWish, UnnamedPaymentError
from chalicelib.domain.edits import AlreadyPaidError, SessionEdit, StrangePaymentError, UnprovenPaymentError
from chalicelib.domain.facts import AttemptState
from chalicelib.domain.payments import PaymentStatus
from chalicelib.domain.sessions import Session
from chalicelib.flows.by_hand import settle_by_hand
from chalicelib.flows.refund import refund
from chalicelib.flows.waive import waive
from chalicelib.gateways.stripe_api import StripeUncertainError
from tests.support.editing import cancel, update
from tests.support.fee_stages import change_fee
from tests.support.invariants import FEE, settled_in_the_end
from tests.support.platform import Platform
from tests.support.world import TEAM_ID, World, checkout_id

MORE = 8800
OTHER_FEE = 9000
COUNTS = (
    "The refund of 80.00 AUD failed at the bank; the payment counts for the fee again, so tell the payer that it does "
    "not go back."
)


def late(world: World) -> Session:
    """Paid some minutes after the end, and given back by rule."""
    session = world.schedule(lasts=timedelta(minutes=20))
    page = world.pay_page(session)
    world.clock.advance(minutes=24)
    world.stripe.pay(checkout_id(page.url))
    world.deliver()
    world.sweep()
    world.deliver()
    return session


def to_tomorrow(world: World, session: Session) -> Session:
    day = timedelta(days=1)
    stored = world.session(session)
    return update(world, session, SessionEdit(start_time=stored.start_time + day, end_time=stored.end_time + day))


def refunds(world: World) -> list[tuple[int, str, str | None]]:
    return [(one["amount"], one["status"], one["metadata"].get("anteroom_reason")) for one in world.refunds()]


def begins(world: World, session: Session) -> None:
    world.clock.set(world.session(session).start_time)


# --- one second late, then moved ----------------------------------------------------------------------------------


def test_whoever_paid_too_late_and_got_it_back_pays_for_the_moved_session_and_enters(world: World) -> None:
    session = late(world)
    assert (world.status(session), world.open(session).admission.door) == (PaymentStatus.REFUNDED, Door.ENDED)
    to_tomorrow(world, session)
    assert (world.status(session), world.open(session).admission.door) == (PaymentStatus.UNPAID, Door.PAY)
    world.pay(session)
    world.deliver()
    assert (world.status(session), world.open(session).admission.door) == (PaymentStatus.PAID, Door.EARLY)
    begins(world, session)
    assert world.open(session).admission.door is Door.JOIN
    assert refunds(world) == [(FEE, "succeeded", "after_end")]
    settled_in_the_end(world, session, owed=FEE)


def test_whoever_does_not_pay_again_owes_nothing_and_holds_nothing(world: World) -> None:
    session = late(world)
    to_tomorrow(world, session)
    world.pay_page(session)
    settled_in_the_end(world, session, owed=0)
    assert world.status(session) is PaymentStatus.UNPAID


@pytest.mark.parametrize("keeps", [False, True])
def test_what_is_cancelled_after_the_move_stays_refunded(world: World, *, keeps: bool) -> None:
    session = late(world)
    to_tomorrow(world, session)
    cancel(world, session, keep_payments=keeps)
    assert (world.status(session), world.open(session).admission.door) == (PaymentStatus.REFUNDED, Door.CANCELED)
    settled_in_the_end(world, session, owed=0)


def test_the_fee_of_whoever_got_it_back_may_be_another_and_is_asked_for(world: World) -> None:
    session = late(world)
    to_tomorrow(world, session)
    change_fee(world, session)
    world.pay(session)
    world.deliver()
    assert (world.status(session), [one["amount"] for one in world.charges()]) == (PaymentStatus.PAID, [FEE, OTHER_FEE])
    settled_in_the_end(world, session, owed=OTHER_FEE)


def test_whoever_is_let_in_free_after_it_went_back_is_not_asked(world: World) -> None:
    session = late(world)
    to_tomorrow(world, session)
    waive(world.ctx, TEAM_ID, session.participant_id(2), "paid at the desk")
    begins(world, session)
    assert world.open(session).admission.door is Door.JOIN
    settled_in_the_end(world, session, owed=0)


def test_what_the_clinic_gave_back_in_the_dashboard_stays_refunded_when_the_session_is_moved(world: World) -> None:
    world.stripe.set_balance(None, enough=False)
    session = late(world)
    assert refunds(world) == []
    world.stripe.set_balance(None, enough=True)
    world.stripe.refund_in_dashboard(world.charges()[0]["id"])
    world.deliver()
    to_tomorrow(world, session)
    assert (world.status(session), world.open(session).admission.door) == (PaymentStatus.REFUNDED, Door.REFUNDED)
    settled_in_the_end(world, session, owed=0)


# --- its refund fails after all -----------------------------------------------------------------------------------


def pending(world: World) -> Session:
    """As `late`, moved to tomorrow, and the refund is still on its way."""
    world.stripe.set_refunds_pending(pending=True)
    session = late(world)
    world.stripe.set_refunds_pending(pending=False)
    world.clock.advance(minutes=1)
    to_tomorrow(world, session)
    assert world.open(session).admission.door is Door.PAY
    return session


def bounces(world: World) -> None:
    world.stripe.fail_refund(world.refunds()[0]["id"])
    world.deliver()


def test_a_return_that_fails_lets_in_again_closes_the_new_page_and_is_told(world: World) -> None:
    session = pending(world)
    world.pay_page(session)
    bounces(world)
    assert (world.status(session), world.open(session).admission.door) == (PaymentStatus.PAID, Door.EARLY)
    assert world.attention(session) == COUNTS
    world.sweep()
    assert world.attempt_states(session) == [AttemptState.PAID, AttemptState.EXPIRED]
    settled_in_the_end(world, session, owed=FEE, alarm=True)


@pytest.mark.parametrize("fails_first", [True, False], ids=["fails, then paid", "paid, then fails"])
def test_of_two_payments_one_is_kept_whenever_the_return_of_the_first_fails(world: World, *, fails_first: bool) -> None:
    session = pending(world)
    page = world.pay_page(session)
    for step in (bounces, lambda one: one.stripe.pay(checkout_id(page.url)))[:: 1 if fails_first else -1]:
        step(world)
    world.deliver()
    world.clock.advance(minutes=5)
    world.sweep()
    world.deliver()
    assert refunds(world) == [(FEE, "failed", "after_end"), (FEE, "succeeded", "duplicate")]
    assert (world.status(session), world.attention(session)) == (PaymentStatus.PAID, COUNTS)
    key = f"refund:{world.refunds()[0]['id']}"
    settle_by_hand(world.ctx, TEAM_ID, session.participant_id(2), key, "the client knows", is_given=False)
    settled_in_the_end(world, session, owed=FEE)


def test_what_is_told_twice_and_in_any_order_ends_the_same(world: World) -> None:
    session = pending(world)
    world.pay(session)
    world.deliver()
    bounces(world)
    world.clock.advance(minutes=5)
    world.sweep()
    world.deliver()
    assert len(world.refunds()) == 2
    kept = world.participant(session)
    for kind in ("refund.failed", "charge.succeeded", "refund.created", "checkout.session.completed"):
        world.settle(kind)
    assert world.participant(session) == kept


# --- 88.00 for 80.00 ----------------------------------------------------------------------------------------------


def paid_more(world: World) -> tuple[Session, str]:
    """Stripe's page took more than was asked for; the id of its charge."""
    session = world.schedule(starts_in=timedelta(hours=1))
    page = checkout_id(world.pay_page(session).url)
    books = next(one for one in world.stripe._world.books.values() if page in one.objects)
    books.objects[page]["amount_total"] = MORE
    charge_id = world.stripe.pay(page).charge_id
    assert charge_id is not None
    world.deliver()
    assert world.open(session).admission.door is Door.OFFER_REFUSED
    assert (world.attention(session) or "").startswith("A payment arrived that is not the one that was asked for")
    return session, charge_id


def test_money_of_another_amount_goes_back_by_its_charge_and_the_fee_is_asked_for_again(world: World) -> None:
    session, charge_id = paid_more(world)
    with pytest.raises(UnnamedPaymentError, match=charge_id):
        refund(world.ctx, TEAM_ID, session.participant_id(2), RefundWish())
    with pytest.raises(StrangePaymentError):
        change_fee(world, session)
    refund(world.ctx, TEAM_ID, session.participant_id(2), RefundWish(charge=charge_id))
    assert refunds(world) == [(MORE, "succeeded", "requested")]
    assert (world.status(session), world.open(session).admission.door) == (PaymentStatus.UNPAID, Door.PAY)
    assert world.attention(session) is None
    world.deliver()
    world.pay(session)
    world.deliver()
    begins(world, session)
    assert world.open(session).admission.door is Door.JOIN
    settled_in_the_end(world, session, owed=FEE)


def test_what_was_given_back_of_it_in_the_dashboard_bars_nobody_either(world: World) -> None:
    session, charge_id = paid_more(world)
    world.stripe.refund_in_dashboard(charge_id, 800)
    world.deliver()
    assert world.open(session).admission.door is Door.OFFER_REFUSED
    world.stripe.refund_in_dashboard(charge_id)
    world.deliver()
    assert (world.open(session).admission.door, world.attention(session)) == (Door.PAY, None)
    change_fee(world, session)
    settled_in_the_end(world, session, owed=0)


def test_a_refund_of_it_that_fails_bars_again_and_is_told(world: World) -> None:
    session, charge_id = paid_more(world)
    world.stripe.set_refunds_pending(pending=True)
    refund(world.ctx, TEAM_ID, session.participant_id(2), RefundWish(charge=charge_id))
    world.pay_page(session)
    bounces(world)
    assert world.open(session).admission.door is Door.OFFER_REFUSED
    told = world.attention(session) or ""
    assert told.startswith("The refund of 88.00 AUD failed at the bank; give the money back another way.")
    world.sweep()
    assert not world.open_checkouts()


def test_a_cancellation_gives_nothing_of_it_back_by_rule(world: World) -> None:
    session, _ = paid_more(world)
    cancel(world, session)
    world.sweep()
    assert refunds(world) == []
    settled_in_the_end(world, session, owed=MORE, alarm=True)


def test_the_platforms_fee_goes_back_with_it() -> None:
    platform = Platform()
    platform.change_team(fee_basis_points=150)
    session, charge_id = paid_more(platform)
    refund(platform.ctx, TEAM_ID, session.participant_id(2), RefundWish(charge=charge_id))
    [fee] = platform.books()["application_fees"]
    assert (fee["amount"], fee["amount_refunded"]) == (120, 120)


# --- a change of fee ----------------------------------------------------------------------------------------------


def test_another_fee_is_asked_for_once_the_former_one_went_back(world: World) -> None:
    session = world.schedule(starts_in=timedelta(hours=1))
    world.pay(session)
    world.deliver()
    with pytest.raises(AlreadyPaidError) as held:
        change_fee(world, session)
    assert type(held.value) is AlreadyPaidError
    refund(world.ctx, TEAM_ID, session.participant_id(2), RefundWish())
    change_fee(world, session)
    assert world.open(session).admission.door is Door.PAY
    world.pay(session)
    world.deliver()
    assert world.status(session) is PaymentStatus.PAID
    settled_in_the_end(world, session, owed=OTHER_FEE)


def test_while_stripe_is_asked_about_a_charge_the_fee_stays_as_it_is_and_then_since_it_is_paid(world: World) -> None:
    session = world.schedule(starts_in=timedelta(hours=1))
    page = world.pay_page(session)
    world.stripe.pay(checkout_id(page.url))
    world.stripe.fail_next("timeout_before", 100, path_prefix="/v1/checkout")
    with suppress(StripeUncertainError):
        world.settle("charge.succeeded")
    with pytest.raises(UnprovenPaymentError):
        change_fee(world, session)
    world.stripe.clear_faults()
    world.settle("checkout.session.completed")
    with pytest.raises(AlreadyPaidError) as held:
        change_fee(world, session)
    assert type(held.value) is AlreadyPaidError
