"""Refunds and offers that Stripe refuses: told at once in words that help, and asked again under a new key.

As for the refund without balance: https://github.com/Automattic/woocommerce-payments/issues/10025.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from typing_extensions import override

from chalicelib.domain.by_hand import RefundWish
from chalicelib.domain.facts import Payment, RefundSeen, Trouble
from chalicelib.domain.payments import PaymentStatus
from chalicelib.domain.refusals import Refusal
from chalicelib.domain.sessions import Session
from chalicelib.flows.by_hand import retry_by_hand
from chalicelib.flows.refund import refund
from chalicelib.gateways.deadline import Deadline
from chalicelib.gateways.stripe_api import StripeApi, StripeRefusedError
from chalicelib.gateways.stripe_objects import StripeObject
from chalicelib.storage import codec
from tests.support.editing import paid_ahead
from tests.support.world import TEAM_ID, World, no_sleep

FEE = 8000
BALANCE = (
    "80.00 AUD is still to go back. A refund was refused by Stripe. The balance of the clinic's Stripe account does "
    "not cover it: the clinic adds funds to its balance in Stripe, or waits until payments have come in. It is tried "
    "again."
)


class Listened(StripeApi):
    """Notes what is asked under which idempotency key."""

    asked: list[tuple[str, str | None]]

    @override
    def call(
        self,
        method: str,
        path: str,
        account: str | None,
        deadline: Deadline,
        parameters: Mapping[str, Any],
        **options: Any,
    ) -> StripeObject:
        self.asked.append((f"{method} {path}", options.get("idempotency_key")))
        return super().call(method, path, account, deadline, parameters, **options)


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def session(world: World) -> Session:
    session = paid_ahead(world)
    world.clock.advance(minutes=1)
    return session


@pytest.fixture
def stripe(world: World) -> Listened:
    listened = Listened(world.context.stripe._client, no_sleep)
    listened.asked = []
    world.context = replace(world.context, stripe=listened)
    return listened


def ask(world: World, session: Session, amount: int | None = None) -> None:
    refund(world.ctx, TEAM_ID, session.participant_id(2), RefundWish(amount))


def key_of(world: World, session: Session) -> str:
    [trouble] = world.participant(session).history.troubles
    return trouble.key


def retry(world: World, session: Session) -> None:
    retry_by_hand(world.ctx, TEAM_ID, session.participant_id(2), key_of(world, session), "it was mended")


def rounds(stripe: Listened) -> list[str]:
    """The last part of each key that a refund was asked for under."""
    return [key.rpartition("-")[2] for asked, key in stripe.asked if asked == "post /v1/refunds" and key]


def made(world: World) -> list[int]:
    return [one["amount"] for one in world.refunds()]


# --- refused ------------------------------------------------------------------------------------------------------


def test_want_of_balance_is_told_at_the_first_failure_in_words_that_help(world: World, session: Session) -> None:
    world.stripe.set_balance(None, enough=False)
    ask(world, session)
    assert world.attention(session) == BALANCE
    assert made(world) == []


def test_after_a_top_up_the_money_goes_back_at_the_next_try(world: World, session: Session, stripe: Listened) -> None:
    world.stripe.set_balance(None, enough=False)
    ask(world, session)
    world.clock.advance(minutes=2)
    world.sweep()
    world.stripe.set_balance(None, enough=True)
    world.clock.advance(minutes=3)
    world.sweep()
    assert (made(world), rounds(stripe)) == ([FEE], ["0", "1", "2"])
    assert world.attention(session) is None
    assert world.participant(session).history.troubles == ()


def test_whoever_tries_it_again_by_hand_after_the_top_up_gives_it_back_in_that_command(
    world: World, session: Session, stripe: Listened
) -> None:
    world.stripe.set_balance(None, enough=False)
    ask(world, session)
    world.stripe.set_balance(None, enough=True)
    retry(world, session)
    assert (made(world), rounds(stripe)) == ([FEE], ["0", "1"])
    assert world.status(session) is PaymentStatus.REFUNDED


def test_every_refusal_that_is_asked_about_again_is_a_new_answer(
    world: World, session: Session, stripe: Listened
) -> None:
    world.stripe.set_balance(None, enough=False)
    ask(world, session)
    for _ in range(3):
        retry(world, session)
    assert rounds(stripe) == ["0", "1", "2", "3"]


def test_what_was_refunded_in_the_dashboard_unheard_of_is_looked_for_at_once(
    world: World, session: Session, stripe: Listened
) -> None:
    world.stripe.set_webhooks("drop")
    world.stripe.refund_in_dashboard(world.charges()[0]["id"], FEE)
    ask(world, session)
    assert [asked for asked, _ in stripe.asked] == ["post /v1/refunds", "get /v1/refunds"]
    assert world.status(session) is PaymentStatus.REFUNDED
    assert world.attention(session) is None
    assert made(world) == [FEE]


def test_what_was_refunded_in_part_in_the_dashboard_leaves_the_rest_to_go_back(
    world: World, session: Session, stripe: Listened
) -> None:
    world.stripe.set_webhooks("drop")
    world.stripe.refund_in_dashboard(world.charges()[0]["id"], 3000)
    ask(world, session)
    world.sweep()
    assert made(world) == [3000, 5000]
    assert rounds(stripe) == ["0", "0"], "another amount is another request"
    assert world.attention(session) is None


def test_a_dispute_that_was_not_heard_of_is_told_in_words(world: World, session: Session) -> None:
    world.stripe.set_webhooks("drop")
    world.stripe.dispute(world.charges()[0]["id"])
    ask(world, session)
    told = world.attention(session) or ""
    assert "The payer disputes the payment with their bank, which decides" in told


def test_a_refund_that_is_refused_for_an_unknown_reason_shows_all_that_stripe_says(
    world: World, session: Session
) -> None:
    charge = world.stripe._world.locate("charge", world.charges()[0]["id"])[1]
    charge["status"] = "failed"
    ask(world, session)
    told = world.attention(session) or ""
    assert "Stripe says: code none, type invalid_request_error, parameter charge, request req_" in told


class CannotList(Listened):
    """May make refunds, and may not list them."""

    @override
    def list_refunds(self, payment: Payment, deadline: Deadline) -> list[RefundSeen]:
        raise StripeRefusedError(Refusal("secret_key_required"))


@pytest.fixture
def unlisted(world: World) -> Listened:
    listened = CannotList(world.context.stripe._client, no_sleep)
    listened.asked = []
    world.context = replace(world.context, stripe=listened)
    return listened


def test_a_refused_list_says_nothing_of_the_refund_and_leaves_its_key(
    world: World, session: Session, unlisted: Listened
) -> None:
    world.stripe.fail_next("timeout_before", 2, method="POST", path_prefix="/v1/refunds")
    ask(world, session)
    world.clock.advance(minutes=2)
    world.sweep()
    [trouble] = world.participant(session).history.troubles
    assert (trouble.failures, trouble.refusal, trouble.spent) == (2, None, 0)
    assert "what went back before could not be listed" in trouble.reason


def test_a_refusal_stands_though_what_it_is_for_cannot_be_listed(
    world: World, session: Session, unlisted: Listened
) -> None:
    world.stripe.set_webhooks("drop")
    world.stripe.refund_in_dashboard(world.charges()[0]["id"], FEE)
    ask(world, session)
    assert "Stripe says that all of the payment went back" in (world.attention(session) or "")


# --- perhaps made -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("fault", "times"), [("429", 2), ("timeout_before", 2), ("timeout_after", 2)])
def test_what_may_have_happened_is_asked_again_under_the_same_key(
    world: World, session: Session, stripe: Listened, fault: str, times: int
) -> None:
    for minutes in (1, 2, 3, 6):
        world.stripe.fail_next(fault, times, method="POST", path_prefix="/v1/refunds")
        if minutes == 1:
            ask(world, session)
        else:
            world.sweep()
        world.clock.advance(minutes=minutes)
    world.stripe.clear_faults()
    world.clock.advance(minutes=20)
    world.sweep()
    assert set(rounds(stripe)) == {"0"}
    assert made(world) == [FEE]
    assert world.attention(session) is None


def test_trying_again_by_hand_after_an_error_of_stripes_own_keeps_the_key(
    world: World, session: Session, stripe: Listened
) -> None:
    """A try of the sweep's may be on its way under it: two keys would make two refunds of a part."""
    world.stripe.fail_next("500", 1, method="POST", path_prefix="/v1/refunds")
    ask(world, session, 3000)
    retry(world, session)
    assert set(rounds(stripe)) == {"0"}


def test_a_refund_that_was_made_unheard_of_is_not_made_again_after_a_refusal(
    world: World, session: Session, stripe: Listened
) -> None:
    """Of a part, so that Stripe itself would not refuse a second one."""
    world.stripe.fail_next("timeout_after", 2, method="POST", path_prefix="/v1/refunds")
    ask(world, session, 3000)
    world.stripe.set_balance(None, enough=False)
    world.clock.advance(minutes=2)
    world.sweep()
    world.stripe.set_balance(None, enough=True)
    world.clock.advance(hours=2)
    world.sweep()
    assert made(world) == [3000]
    assert set(rounds(stripe)) == {"0"}
    assert world.attention(session) is None


# --- of before ----------------------------------------------------------------------------------------------------


def test_an_item_of_before_is_read_and_goes_on_under_the_key_that_it_has(
    world: World, session: Session, stripe: Listened
) -> None:
    world.stripe.fail_next("timeout_before", 2, method="POST", path_prefix="/v1/refunds")
    ask(world, session)
    text = codec.session_text(world.session(session))
    old = text.replace(',"refusal":null,"spent":0', "").replace('"failures":1', '"failures":4')
    assert old.count('"spent"') == 0
    [kept] = world.participant(session).history.troubles
    read = codec.session_from(old, world.session(session).revision)
    [trouble] = read.participants[1].history.troubles
    assert trouble == Trouble(kept.key, 4, kept.first_failed_at, kept.retry_at, kept.reason)
    world.change(session, lambda _: read)
    world.clock.advance(minutes=2)
    world.sweep()
    assert (rounds(stripe)[-1], made(world)) == ("1", [FEE])


# --- offers -------------------------------------------------------------------------------------------------------


def test_an_offer_that_was_refused_is_made_anew_under_a_key_of_its_own(world: World, stripe: Listened) -> None:
    session = world.schedule(starts_in=timedelta(hours=2))
    world.stripe.set_minimum_charge("aud", 10_000)
    world.press_pay(session)
    assert "the clinic changes the fee" in (world.attention(session) or "")
    world.stripe.set_minimum_charge("aud", 50)
    world.clock.advance(minutes=2)
    world.pay_page(session)
    keys = [key for asked, key in stripe.asked if asked == "post /v1/checkout/sessions"]
    assert len(set(keys)) == len(keys) == 2
    assert world.attention(session) is None
