"""What the stand-in once did otherwise than Stripe's OpenAPI document says; found by tests/engines, kept plain."""

from __future__ import annotations

import pytest
import stripe

from sandbox.stripe_standin import StripeStandIn
from sandbox.stripe_standin.parameter_tables import BANK_DEBITS
from tests.standin.shop import HOMES, Shop, item, options_of


def test_expanding_what_there_is_nothing_to_say_about_is_no_error(shop: Shop, standin: StripeStandIn) -> None:
    """A refund that did not fail has no `failure_balance_transaction`, not even an empty one: it was a crash."""
    charge = standin.pay(shop.offer()["id"]).charge_id
    refund = shop.post("/v1/refunds", {"charge": charge, "expand": ["failure_balance_transaction"]})
    assert "failure_balance_transaction" not in refund


def test_line_items_have_no_time_of_their_own(shop: Shop) -> None:
    offered = shop.offer()
    (listed,) = shop.get(f"/v1/checkout/sessions/{offered['id']}/line_items")["data"]
    assert "created" not in listed
    with pytest.raises(stripe.InvalidRequestError, match="unknown parameter: created"):
        shop.get(f"/v1/checkout/sessions/{offered['id']}/line_items", created={"gte": 1})


@pytest.mark.parametrize("method", BANK_DEBITS)
def test_a_refund_of_a_debit_names_its_method_and_nothing_of_it(
    shop: Shop, standin: StripeStandIn, method: str
) -> None:
    price = item(currency=BANK_DEBITS[method][0])
    standin.set_country(None, HOMES.get(method, "AU"))
    offered = shop.offer(payment_method_types=[method], line_items=[price], **options_of(method))
    paid = standin.pay(offered["id"], method)
    standin.settle_delayed(paid.payment_intent_id, succeeded=True)
    refund = shop.post("/v1/refunds", {"payment_intent": paid.payment_intent_id})
    assert refund["destination_details"] == {"type": method}


def test_a_debit_in_new_zealand_names_its_bank(shop: Shop, standin: StripeStandIn) -> None:
    price = item(currency="nzd")
    standin.set_country(None, "NZ")
    offered = shop.offer(payment_method_types=["nz_bank_account"], line_items=[price])
    charge = shop.get(f"/v1/charges/{standin.pay(offered['id'], 'nz_bank_account').charge_id}")
    assert charge["payment_method_details"]["nz_bank_account"] == {
        "last4": "3456",
        "bank_code": "12",
        "bank_name": "Test Bank",
        "branch_code": "3456",
    }


def test_a_language_that_checkout_does_not_speak_is_refused(shop: Shop) -> None:
    assert shop.offer(locale="en-GB")["locale"] == "en-GB"
    with pytest.raises(stripe.InvalidRequestError, match="Invalid locale"):
        shop.offer(locale="en-AU")


def test_a_payment_intents_secret_is_no_unknown_parameter(shop: Shop, standin: StripeStandIn) -> None:
    payment_intent = standin.pay(shop.offer()["id"]).payment_intent_id
    with pytest.raises(stripe.InvalidRequestError, match="does not simulate the parameter client_secret"):
        shop.get(f"/v1/payment_intents/{payment_intent}", client_secret="pi_1_secret")
