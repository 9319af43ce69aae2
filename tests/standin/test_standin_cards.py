"""Stripe's documented test cards: what becomes of a payment with each. https://docs.stripe.com/testing"""

from typing import Any

import pytest
from flask.testing import FlaskClient

from sandbox.stripe_standin import StripeStandIn
from tests.standin.shop import Clock, Shop

pytestmark = pytest.mark.controls

DECLINES = {
    "4000000000000002": ("card_declined", "generic_decline"),
    "4000000000009995": ("card_declined", "insufficient_funds"),
    "4000000000009987": ("card_declined", "lost_card"),
    "4000000000009979": ("card_declined", "stolen_card"),
    "4000000000000069": ("expired_card", None),
    "4000000000000127": ("incorrect_cvc", None),
    "4000000000000119": ("processing_error", None),
    "4000000000006975": ("card_declined", "card_velocity_exceeded"),
    "4000000000000341": ("card_declined", "generic_decline"),
    "4000008400001280": ("card_declined", "generic_decline"),
    "4100000000000019": ("card_declined", "fraudulent"),
    "4000000000004954": ("card_declined", "fraudulent"),
}
ASKING = ("4000002760003184", "4000002500003155", "4000003800000446", "4000000000003220", "4000008400000027")


def intent_of(shop: Shop, session: dict[str, Any]) -> dict[str, Any]:
    return shop.get(f"/v1/payment_intents/{shop.session(session['id'])['payment_intent']}")


@pytest.mark.parametrize("card", DECLINES)
def test_a_declining_card_says_its_code_and_leaves_the_page_open(shop: Shop, standin: StripeStandIn, card: str) -> None:
    session = shop.offer()
    assert standin.pay(session["id"], card).status == "declined"
    error = intent_of(shop, session)["last_payment_error"]
    assert (error["code"], error.get("decline_code")) == DECLINES[card]
    assert shop.session(session["id"])["status"] == "open"


@pytest.mark.parametrize("card", ["4000056655665556", "5555555555554444", "378282246310005"])
def test_other_brands_pay_too(shop: Shop, standin: StripeStandIn, card: str) -> None:
    session = shop.offer()
    assert standin.pay(session["id"], card).status == "paid"
    details = shop.get("/v1/charges")["data"][0]["payment_method_details"]["card"]
    assert (details["last4"], details["brand"]) == (
        card[-4:],
        {"4": "visa", "5": "mastercard", "3": "amex"}[card[0]],
    )


# --- 3-D Secure -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("card", ASKING)
def test_a_card_that_asks_charges_nothing_before_the_payer_confirms(
    browser: FlaskClient, shop: Shop, card: str
) -> None:
    session = shop.offer()
    asked = browser.post(f"/c/pay/{session['id']}", data={"card": card})
    assert (asked.status_code, "Your bank asks you to confirm" in asked.text) == (200, True)
    assert intent_of(shop, session)["status"] == "requires_action"
    assert shop.get("/v1/charges")["data"] == []
    assert shop.session(session["id"])["status"] == "open"
    confirmed = browser.post(f"/c/pay/{session['id']}", data={"card": card, "authentication": "complete"})
    assert confirmed.status_code == 303
    assert shop.session(session["id"])["payment_status"] == "paid"
    assert intent_of(shop, session)["next_action"] is None


def test_a_check_that_fails_charges_nothing_and_another_card_can_be_tried(browser: FlaskClient, shop: Shop) -> None:
    session, page = shop.offer(), "/c/pay/"
    browser.post(page + session["id"], data={"card": ASKING[0]})
    failed = browser.post(page + session["id"], data={"card": ASKING[0], "authentication": "fail"})
    assert (failed.status_code, "unable to authenticate" in failed.text) == (402, True)
    intent = intent_of(shop, session)
    assert (intent["status"], intent["last_payment_error"]["code"]) == (
        "requires_payment_method",
        "payment_intent_authentication_failure",
    )
    assert shop.get("/v1/charges")["data"] == []
    assert browser.post(page + session["id"], data={"card": "4242424242424242"}).status_code == 303


@pytest.mark.parametrize("card", ["4000008400001629", "4000008260003178"])
def test_a_card_can_be_declined_after_the_check(browser: FlaskClient, shop: Shop, card: str) -> None:
    session = shop.offer()
    answer = browser.post(f"/c/pay/{session['id']}", data={"card": card, "authentication": "complete"})
    assert answer.status_code == 402
    assert shop.get("/v1/charges")["data"][0]["status"] == "failed"


def test_a_closed_page_asks_nobody(browser: FlaskClient, shop: Shop, standin: StripeStandIn) -> None:
    session = shop.offer()
    standin.pay(session["id"])
    assert browser.post(f"/c/pay/{session['id']}", data={"card": ASKING[0]}).status_code == 410


# --- afterwards -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("card", "status", "reason"),
    [
        ("4000000000000259", "needs_response", "fraudulent"),
        ("4000000404000038", "needs_response", "fraudulent"),
        ("4000000001000043", "needs_response", "fraudulent"),
        ("4000008400000779", "needs_response", "noncompliant"),
        ("4000000000002685", "needs_response", "product_not_received"),
        ("4000000000001976", "warning_needs_response", "fraudulent"),
    ],
)
def test_a_disputing_card_pays_and_is_disputed(
    shop: Shop, standin: StripeStandIn, card: str, status: str, reason: str
) -> None:
    paid = standin.pay(shop.offer()["id"], card)
    assert paid.status == "paid"
    dispute = shop.get("/v1/disputes")["data"][0]
    assert (dispute["charge"], dispute["status"], dispute["reason"]) == (paid.charge_id, status, reason)


def test_a_refund_of_one_card_pends_for_a_minute(shop: Shop, standin: StripeStandIn, clock: Clock) -> None:
    paid = standin.pay(shop.offer()["id"], "4000000000007726")
    refund = shop.post("/v1/refunds", {"charge": paid.charge_id})
    assert (refund["status"], refund["pending_reason"]) == ("pending", "processing")
    clock.advance(seconds=59)
    assert shop.get(f"/v1/refunds/{refund['id']}")["status"] == "pending"
    clock.advance(seconds=1)
    assert shop.get(f"/v1/refunds/{refund['id']}")["status"] == "succeeded"


def test_a_refund_of_another_card_fails_after_a_minute(shop: Shop, standin: StripeStandIn, clock: Clock) -> None:
    paid = standin.pay(shop.offer()["id"], "4000000000005126")
    refund = shop.post("/v1/refunds", {"charge": paid.charge_id})
    assert refund["status"] == "succeeded"
    clock.advance(seconds=60)
    failed = shop.get(f"/v1/refunds/{refund['id']}")
    assert (failed["status"], failed["failure_reason"]) == ("failed", "expired_or_canceled_card")
    assert shop.get(f"/v1/charges/{paid.charge_id}")["amount_refunded"] == 0


def test_a_refund_that_somebody_ended_before_is_left_alone(shop: Shop, standin: StripeStandIn, clock: Clock) -> None:
    paid = standin.pay(shop.offer()["id"], "4000000000007726")
    refund = shop.post("/v1/refunds", {"charge": paid.charge_id})
    standin.fail_refund(refund["id"])
    clock.advance(minutes=2)
    assert shop.get(f"/v1/refunds/{refund['id']}")["status"] == "failed"
