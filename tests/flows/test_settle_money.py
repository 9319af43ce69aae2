"""Money that goes back: late, twice, refunded or disputed; each cent once, and each with its reason."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain.admission import Door
from chalicelib.domain.payments import PaymentStatus
from chalicelib.domain.sessions import Session, cancel
from tests.support.invariants import FEE, settled_in_the_end
from tests.support.world import World, checkout_id

# --- money that goes back -----------------------------------------------------------------------------------------


def test_a_second_charge_for_one_fee_is_refunded_once_and_the_booking_stays_paid(world: World) -> None:
    """pretix/pretix#343 and Sylius/PayumStripePlugin#31: an old page is paid after the newer one."""
    session = world.schedule(starts_in=timedelta(days=3))
    old = world.pay_page(session)
    world.clock.advance(days=1)
    world.pay(session)
    world.deliver()
    world.clock.advance(minutes=5)
    world.stripe.force_pay(checkout_id(old.url))
    world.deliver()
    for _ in range(3):
        world.sweep()
        world.deliver()
    assert [(one["amount"], one["metadata"]["anteroom_reason"]) for one in world.refunds()] == [(FEE, "duplicate")]
    assert world.refunds()[0]["charge"] == world.charges()[1]["id"]
    assert world.status(session) is PaymentStatus.PAID
    settled_in_the_end(world, session, owed=FEE)


def test_an_old_page_paid_alone_is_honoured(world: World) -> None:
    session = world.schedule(starts_in=timedelta(days=3))
    old = world.pay_page(session)
    world.clock.advance(days=1)
    world.pay_page(session)
    world.stripe.force_pay(checkout_id(old.url))
    world.deliver()
    assert world.status(session) is PaymentStatus.PAID
    world.sweep()
    assert not world.open_checkouts()
    settled_in_the_end(world, session, owed=FEE)


@pytest.mark.parametrize(
    ("minutes", "reason"), [(20, "after_end"), (24, "after_end")], ids=["at the end", "after the end"]
)
def test_money_that_comes_too_late_goes_back_once_with_its_reason(world: World, minutes: int, reason: str) -> None:
    session = world.schedule(lasts=timedelta(minutes=20))
    page = world.pay_page(session)
    world.clock.advance(minutes=minutes)
    world.stripe.pay(checkout_id(page.url))
    world.deliver()
    for _ in range(3):
        world.sweep()
        world.deliver()
    assert [(one["amount"], one["metadata"]["anteroom_reason"]) for one in world.refunds()] == [(FEE, reason)]
    settled_in_the_end(world, session, owed=0)


def test_money_of_the_last_second_is_in_time(world: World) -> None:
    session = world.schedule(lasts=timedelta(minutes=20))
    page = world.pay_page(session)
    world.clock.advance(minutes=19, seconds=59)
    world.stripe.pay(checkout_id(page.url))
    world.clock.advance(hours=1)
    world.deliver()
    settled_in_the_end(world, session, owed=FEE)


@pytest.mark.parametrize(("keeps", "owed"), [(False, 0), (True, FEE)])
def test_cancelling_a_paid_session_gives_the_money_back_unless_the_clinic_keeps_it(
    world: World, *, keeps: bool, owed: int
) -> None:
    session = world.schedule()
    world.pay(session)
    world.deliver()
    world.clock.advance(minutes=1)
    world.change(session, lambda one: cancel(one, now=world.clock(), keep_payments=keeps))
    world.sweep()
    settled_in_the_end(world, session, owed=owed)


def test_the_platform_fee_goes_back_with_the_money(world: World) -> None:
    session, account = _on_a_connected_account(world, basis_points=150)
    world.change(session, lambda one: cancel(one, now=world.clock()))
    world.sweep()
    fees = world.books()["application_fees"]
    assert [(fee["amount"], fee["amount_refunded"]) for fee in fees] == [(120, 120)]
    books = next(one for one in world.stripe.snapshot()["accounts"] if one["account"]["id"] == account)
    assert [one["amount"] for one in books["refunds"]] == [FEE]


def test_a_charge_without_a_platform_fee_is_refunded_all_the_same(world: World) -> None:
    """alf.io#739: the refund failed when the platform's fee was 0."""
    session, account = _on_a_connected_account(world, basis_points=0)
    world.change(session, lambda one: cancel(one, now=world.clock()))
    world.sweep()
    books = next(one for one in world.stripe.snapshot()["accounts"] if one["account"]["id"] == account)
    assert [one["amount"] for one in books["refunds"]] == [FEE]
    assert world.attention(session) is None


def _on_a_connected_account(world: World, basis_points: int) -> tuple[Session, str]:
    """Paid there; the webhooks of connected accounts come with their own endpoint, so the client's press looks."""
    account = world.stripe.create_account()
    payee = replace(world.team.accounts[0], stripe_account_id=account)
    world.change_team(accounts=(payee,), fee_basis_points=basis_points)
    session = world.schedule()
    world.pay(session)
    world.clock.advance(seconds=31)
    world.press_pay(session)
    assert world.open(session).admission.door is Door.JOIN
    return session, account


# --- the dashboard, the bank --------------------------------------------------------------------------------------


def test_a_refund_in_the_dashboard_is_folded_in(world: World) -> None:
    session = world.schedule()
    world.pay(session)
    world.stripe.refund_in_dashboard(world.charges()[0]["id"], 3000)
    world.deliver()
    assert world.status(session) is PaymentStatus.PARTIALLY_REFUNDED
    assert world.open(session).admission.door is Door.JOIN
    world.stripe.refund_in_dashboard(world.charges()[0]["id"])
    world.deliver()
    assert world.open(session).admission.door is Door.REFUNDED
    settled_in_the_end(world, session, owed=0)


def test_a_refund_told_by_its_charge_alone_is_listed(world: World) -> None:
    session = world.schedule()
    world.pay(session)
    world.deliver()
    world.stripe.set_webhooks("drop")
    world.stripe.refund_in_dashboard(world.charges()[0]["id"], 3000)
    world.settle("charge.refunded")
    assert world.status(session) is PaymentStatus.PAID
    world.sweep()
    assert world.status(session) is PaymentStatus.PARTIALLY_REFUNDED


def test_a_refund_that_fails_days_later_needs_a_person_and_is_not_repeated(world: World) -> None:
    session = world.schedule()
    world.pay(session)
    world.deliver()
    world.stripe.set_refunds_pending(pending=True)
    world.change(session, lambda one: cancel(one, now=world.clock()))
    world.sweep()
    world.deliver()
    assert world.attention(session) is None
    world.clock.advance(days=5)
    world.stripe.fail_refund(world.refunds()[0]["id"])
    world.deliver()
    for _ in range(5):
        world.sweep()
        world.clock.advance(hours=1)
    assert world.attention(session) == "The refund of 80.00 AUD failed at the bank; give the money back another way."
    assert len(world.refunds()) == 1


@pytest.mark.parametrize(("verdict", "door"), [("won", Door.JOIN), ("lost", Door.REFUNDED)])
def test_a_dispute_is_found_by_its_payment_and_decided_by_its_verdict(world: World, verdict: str, door: Door) -> None:
    """202-ecommerce/stripe_official#186: a dispute carries no metadata, and was ignored."""
    session = world.schedule()
    world.pay(session)
    dispute_id = world.stripe.dispute(world.charges()[0]["id"])
    world.deliver()
    assert world.status(session) is PaymentStatus.DISPUTED
    assert world.open(session).admission.door is Door.JOIN
    world.stripe.dispute_close(dispute_id, verdict)
    world.deliver()
    assert world.open(session).admission.door is door


def test_a_disputed_payment_of_a_cancelled_session_waits_for_the_bank(world: World) -> None:
    session = world.schedule()
    world.pay(session)
    dispute_id = world.stripe.dispute(world.charges()[0]["id"])
    world.deliver()
    world.change(session, lambda one: cancel(one, now=world.clock()))
    world.sweep()
    assert world.refunds() == []
    world.stripe.dispute_close(dispute_id, "won")
    world.deliver()
    world.sweep()
    assert [one["amount"] for one in world.refunds()] == [FEE]


def test_a_refund_that_stripe_answers_with_a_lasting_500_is_made_under_another_key_within_minutes(world: World) -> None:
    """Stripe replays its 500 under one key for a day; nobody waits that long for their money."""
    session = world.schedule(starts_in=timedelta(days=1))
    world.pay(session)
    world.deliver()
    world.stripe.fail_next("500", 1, method="POST", path_prefix="/v1/refunds")
    world.change(session, lambda newest: cancel(newest, now=world.clock()))
    for _ in range(15):
        world.sweep()
        world.clock.advance(minutes=1)
    assert [refund["amount"] for refund in world.refunds()] == [8000]
    assert world.attention(session) is None
