"""Refunds that Stripe refuses for want of balance, or holds, each in Stripe's own shape."""

from typing import Any

import pytest
import stripe

from sandbox.stripe_standin import ControlError, StripeStandIn
from tests.standin.shop import Shop

pytestmark = pytest.mark.controls


@pytest.fixture
def charge_id(shop: Shop, standin: StripeStandIn) -> str:
    return standin.pay(shop.offer()["id"]).charge_id


def body_of(error: stripe.StripeError) -> dict[str, Any]:
    body = error.json_body
    assert isinstance(body, dict)
    return dict(body["error"])


def test_an_empty_balance_refuses_refunds_until_it_is_topped_up(
    shop: Shop, standin: StripeStandIn, charge_id: str
) -> None:
    standin.set_balance(None, enough=False)
    with pytest.raises(stripe.InvalidRequestError) as caught:
        shop.post("/v1/refunds", {"charge": charge_id}, key="refund-1")
    assert caught.value.http_status == 400
    assert body_of(caught.value) == {
        "message": "Insufficient funds in your Stripe balance to refund this amount.",
        "message_code": "insufficient_balance_for_refund",
        "type": "invalid_request_error",
    }
    standin.set_balance(None, enough=True)
    assert shop.post("/v1/refunds", {"charge": charge_id}, key="refund-2")["status"] == "succeeded"


def test_a_refusal_is_kept_under_its_idempotency_key(shop: Shop, standin: StripeStandIn, charge_id: str) -> None:
    standin.set_balance(None, enough=False)
    for enough in (False, True):
        standin.set_balance(None, enough=enough)
        with pytest.raises(stripe.InvalidRequestError, match="Insufficient funds"):
            shop.post("/v1/refunds", {"charge": charge_id}, key="refund-1")


def test_each_account_has_its_own_balance(shop: Shop, standin: StripeStandIn, charge_id: str) -> None:
    other = standin.create_account("Another clinic")
    standin.set_balance(other, enough=False)
    assert shop.post("/v1/refunds", {"charge": charge_id})["status"] == "succeeded"
    with pytest.raises(ControlError, match="there is no account"):
        standin.set_balance("acct_unknown", enough=False)


@pytest.mark.parametrize("reason", ["processing", "insufficient_funds", "charge_pending"])
def test_a_refund_is_held_for_each_of_stripes_reasons(
    shop: Shop, standin: StripeStandIn, charge_id: str, reason: str
) -> None:
    standin.set_refunds_pending(pending=True, reason=reason)
    refund = shop.post("/v1/refunds", {"charge": charge_id})
    assert (refund["status"], refund["pending_reason"]) == ("pending", reason)
    standin.settle_refund(refund["id"])
    assert "pending_reason" not in shop.get(f"/v1/refunds/{refund['id']}")


def test_a_refund_waits_for_the_payer(shop: Shop, standin: StripeStandIn, charge_id: str) -> None:
    standin.set_refunds_pending(pending=True, reason="requires_action")
    refund = shop.post("/v1/refunds", {"charge": charge_id})
    assert (refund["status"], refund["next_action"]["type"]) == ("requires_action", "display_details")
    standin.settle_refund(refund["id"])
    settled = shop.get(f"/v1/refunds/{refund['id']}")
    assert (settled["status"], "next_action" in settled) == ("succeeded", False)


def test_a_refund_is_held_for_no_other_reason(standin: StripeStandIn) -> None:
    with pytest.raises(ControlError, match="not held for 'weather'"):
        standin.set_refunds_pending(pending=True, reason="weather")
