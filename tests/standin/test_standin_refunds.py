"""Refunds and disputes, as Stripe's library shows and refuses them."""

from typing import Any

import pytest
import stripe

from sandbox.stripe_standin import ControlError, StripeError, StripeStandIn
from tests.standin.shop import Shop

pytestmark = pytest.mark.controls


@pytest.fixture
def charge_id(shop: Shop, standin: StripeStandIn) -> str:
    return standin.pay(shop.offer()["id"]).charge_id


def charge(shop: Shop, charge_id: str) -> dict[str, Any]:
    return shop.get(f"/v1/charges/{charge_id}", expand=["refunds"])


def refused(shop: Shop, **params: object) -> stripe.InvalidRequestError:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        shop.post("/v1/refunds", params)
    return caught.value


def event_types(shop: Shop) -> list[str]:
    return [event["type"] for event in reversed(shop.get("/v1/events", limit=100)["data"])]


def test_a_refund_without_an_amount_gives_everything_back(shop: Shop, charge_id: str) -> None:
    asked = {"charge": charge_id, "reason": "requested_by_customer", "metadata": {"decision": "d1"}}
    refund = shop.post("/v1/refunds", asked)
    assert (refund["amount"], refund["status"], refund["charge"]) == (8000, "succeeded", charge_id)
    assert (refund["reason"], refund["metadata"]) == ("requested_by_customer", {"decision": "d1"})
    refunded = charge(shop, charge_id)
    assert (refunded["amount_refunded"], refunded["refunded"], refunded["status"]) == (8000, True, "succeeded")
    assert [one["id"] for one in refunded["refunds"]["data"]] == [refund["id"]]
    assert event_types(shop)[-2:] == ["refund.created", "charge.refunded"]


def test_a_refund_is_found_by_id_charge_and_payment_intent(shop: Shop, charge_id: str) -> None:
    intent_id = charge(shop, charge_id)["payment_intent"]
    refund = shop.post("/v1/refunds", {"payment_intent": intent_id})
    assert shop.get(f"/v1/refunds/{refund['id']}") == refund
    for found in ({"charge": charge_id}, {"payment_intent": intent_id}):
        assert shop.get("/v1/refunds", **found)["data"] == [refund]
    assert shop.get("/v1/refunds", charge="ch_other")["data"] == []


def test_the_event_of_an_api_refund_names_its_request(shop: Shop, charge_id: str) -> None:
    shop.post("/v1/refunds", {"charge": charge_id}, key="refund-1")
    event = shop.get("/v1/events", type="refund.created")["data"][0]
    assert event["request"]["id"].startswith("req_")
    assert event["request"]["idempotency_key"] == "refund-1"


def test_partial_refunds_add_up(shop: Shop, charge_id: str) -> None:
    shop.post("/v1/refunds", {"charge": charge_id, "amount": 3000})
    assert (charge(shop, charge_id)["amount_refunded"], charge(shop, charge_id)["refunded"]) == (3000, False)
    assert shop.post("/v1/refunds", {"charge": charge_id})["amount"] == 5000
    assert charge(shop, charge_id)["refunded"] is True


def test_more_than_was_charged_is_refused(shop: Shop, charge_id: str) -> None:
    error = refused(shop, charge=charge_id, amount=8001)
    assert (error.http_status, error.param) == (400, "amount")
    assert error.user_message == "Refund amount (A$80.01) is greater than charge amount (A$80.00)"


def test_more_than_is_left_is_refused(shop: Shop, charge_id: str) -> None:
    shop.post("/v1/refunds", {"charge": charge_id, "amount": 3000})
    assert refused(shop, charge=charge_id, amount=5001).user_message == (
        "Refund amount (A$50.01) is greater than unrefunded amount on charge (A$50.00)"
    )


def test_a_second_full_refund_is_refused(shop: Shop, charge_id: str) -> None:
    shop.post("/v1/refunds", {"charge": charge_id})
    error = refused(shop, charge=charge_id)
    assert (error.code, error.user_message) == (
        "charge_already_refunded",
        f"Charge {charge_id} has already been refunded.",
    )


def test_an_application_fee_that_was_not_taken_cannot_be_refunded(shop: Shop, charge_id: str) -> None:
    assert refused(shop, charge=charge_id, refund_application_fee=True).user_message == (
        f"Attempting to refund_application_fee on {charge_id}, but it has no application fee"
    )


@pytest.mark.parametrize(
    ("params", "param", "code"),
    [
        ({}, "charge", "parameter_missing"),
        ({"charge": "ch_none"}, "charge", "resource_missing"),
        ({"payment_intent": "pi_none"}, "payment_intent", "resource_missing"),
        ({"charge": "ch_none", "amount": 0}, "amount", "parameter_invalid_integer"),
        ({"charge": "ch_none", "reason": "other"}, "reason", None),
        ({"charge": "ch_none", "colour": "red"}, "colour", "parameter_unknown"),
    ],
)
def test_a_refund_of_nothing_known_is_refused(shop: Shop, params: dict[str, Any], param: str, code: str | None) -> None:
    error = refused(shop, **params)
    assert (error.param, error.code) == (param, code)


def test_a_declined_charge_cannot_be_refunded(shop: Shop, standin: StripeStandIn) -> None:
    declined = standin.pay(shop.offer()["id"], "4000000000000002")
    assert refused(shop, charge=declined.charge_id).param == "charge"
    assert refused(shop, payment_intent=declined.payment_intent_id).code == "payment_intent_unexpected_state"


def test_a_refund_in_the_dashboard_is_announced_without_a_request(
    shop: Shop, standin: StripeStandIn, charge_id: str
) -> None:
    refund_id = standin.refund_in_dashboard(charge_id, 3000)
    event = shop.get("/v1/events", type="refund.created")["data"][0]
    assert (event["data"]["object"]["id"], event["request"]["id"]) == (refund_id, None)
    assert charge(shop, charge_id)["amount_refunded"] == 3000
    with pytest.raises(StripeError, match="is greater than unrefunded amount"):
        standin.refund_in_dashboard(charge_id, 6000)


def test_a_pending_refund_succeeds_later(shop: Shop, standin: StripeStandIn, charge_id: str) -> None:
    standin.set_refunds_pending(pending=True)
    refund = shop.post("/v1/refunds", {"charge": charge_id})
    assert (refund["status"], charge(shop, charge_id)["amount_refunded"]) == ("pending", 8000)
    standin.settle_refund(refund["id"])
    assert shop.get(f"/v1/refunds/{refund['id']}")["status"] == "succeeded"
    assert event_types(shop)[-2:] == ["refund.updated", "charge.refund.updated"]
    with pytest.raises(ControlError, match="is succeeded, not pending"):
        standin.settle_refund(refund["id"])


def test_a_refund_that_fails_days_later_is_money_to_refund_again(
    shop: Shop, standin: StripeStandIn, charge_id: str
) -> None:
    refund = shop.post("/v1/refunds", {"charge": charge_id})
    standin.fail_refund(refund["id"])
    failed = shop.get(f"/v1/refunds/{refund['id']}", expand=["failure_balance_transaction"])
    assert (failed["status"], failed["failure_reason"]) == ("failed", "expired_or_canceled_card")
    assert failed["failure_balance_transaction"]["amount"] == 8000
    assert (charge(shop, charge_id)["amount_refunded"], charge(shop, charge_id)["refunded"]) == (0, False)
    assert event_types(shop)[-3:] == ["refund.updated", "charge.refund.updated", "refund.failed"]
    assert shop.post("/v1/refunds", {"charge": charge_id})["status"] == "succeeded"


def test_a_pending_refund_can_be_cancelled(shop: Shop, standin: StripeStandIn, charge_id: str) -> None:
    standin.set_refunds_pending(pending=True)
    refund = shop.post("/v1/refunds", {"charge": charge_id, "amount": 3000})
    standin.cancel_refund(refund["id"])
    assert shop.get(f"/v1/refunds/{refund['id']}")["status"] == "canceled"
    assert charge(shop, charge_id)["amount_refunded"] == 0


def test_a_dispute_takes_the_money_and_blocks_refunds(shop: Shop, standin: StripeStandIn, charge_id: str) -> None:
    dispute_id = standin.dispute(charge_id)
    dispute = shop.get(f"/v1/disputes/{dispute_id}")
    assert (dispute["status"], dispute["amount"], dispute["charge"]) == ("needs_response", 8000, charge_id)
    assert dispute["payment_intent"] == charge(shop, charge_id)["payment_intent"]
    assert dispute["metadata"] == {}
    assert dispute["is_charge_refundable"] is False
    assert [(one["amount"], one["fee"], one["net"]) for one in dispute["balance_transactions"]] == [
        (-8000, 2500, -10500)
    ]
    assert charge(shop, charge_id)["disputed"] is True
    assert event_types(shop)[-2:] == ["charge.dispute.created", "charge.dispute.funds_withdrawn"]
    error = refused(shop, charge=charge_id)
    assert (error.code, error.user_message) == (
        "charge_disputed",
        f"Charge {charge_id} has been charged back; cannot issue a refund.",
    )


def test_a_dispute_that_is_won_brings_the_money_back(shop: Shop, standin: StripeStandIn, charge_id: str) -> None:
    dispute_id = standin.dispute(charge_id)
    standin.dispute_update(dispute_id)
    assert shop.get(f"/v1/disputes/{dispute_id}")["status"] == "under_review"
    standin.dispute_close(dispute_id, "won")
    dispute = shop.get(f"/v1/disputes/{dispute_id}")
    assert (dispute["status"], [one["net"] for one in dispute["balance_transactions"]]) == ("won", [-10500, 10500])
    assert event_types(shop)[-3:] == [
        "charge.dispute.updated",
        "charge.dispute.closed",
        "charge.dispute.funds_reinstated",
    ]
    assert shop.post("/v1/refunds", {"charge": charge_id})["status"] == "succeeded"


def test_a_dispute_that_is_lost_stays_lost(shop: Shop, standin: StripeStandIn, charge_id: str) -> None:
    dispute_id = standin.dispute(charge_id)
    standin.dispute_close(dispute_id, "lost")
    dispute = shop.get(f"/v1/disputes/{dispute_id}")
    assert (dispute["status"], len(dispute["balance_transactions"])) == ("lost", 1)
    assert event_types(shop)[-1] == "charge.dispute.closed"
    assert refused(shop, charge=charge_id).code == "charge_disputed"
    with pytest.raises(ControlError, match="is lost; it cannot become won"):
        standin.dispute_close(dispute_id, "won")


def test_an_inquiry_takes_no_money_until_it_becomes_a_dispute(
    shop: Shop, standin: StripeStandIn, charge_id: str
) -> None:
    dispute_id = standin.dispute(charge_id, inquiry=True)
    dispute = shop.get(f"/v1/disputes/{dispute_id}")
    assert (dispute["status"], dispute["balance_transactions"]) == ("warning_needs_response", [])
    standin.dispute_update(dispute_id, "needs_response")
    assert len(shop.get(f"/v1/disputes/{dispute_id}")["balance_transactions"]) == 1


def test_a_full_refund_ends_an_inquiry_and_a_part_does_not(shop: Shop, standin: StripeStandIn, charge_id: str) -> None:
    dispute_id = standin.dispute(charge_id, inquiry=True)
    shop.post("/v1/refunds", {"charge": charge_id, "amount": 3000})
    assert shop.get(f"/v1/disputes/{dispute_id}")["status"] == "warning_needs_response"
    shop.post("/v1/refunds", {"charge": charge_id})
    dispute = shop.get(f"/v1/disputes/{dispute_id}")
    assert (dispute["status"], dispute["is_charge_refundable"]) == ("warning_closed", True)


def test_disputes_are_listed_by_charge_and_payment_intent(shop: Shop, standin: StripeStandIn, charge_id: str) -> None:
    dispute_id = standin.dispute(charge_id)
    intent_id = charge(shop, charge_id)["payment_intent"]
    assert [one["id"] for one in shop.get("/v1/disputes", payment_intent=intent_id)["data"]] == [dispute_id]
    assert shop.get("/v1/disputes", charge="ch_other")["data"] == []


def test_a_charge_is_disputed_once_and_only_for_what_is_left(
    shop: Shop, standin: StripeStandIn, charge_id: str
) -> None:
    shop.post("/v1/refunds", {"charge": charge_id, "amount": 3000})
    dispute_id = standin.dispute(charge_id)
    assert shop.get(f"/v1/disputes/{dispute_id}")["amount"] == 5000
    with pytest.raises(ControlError, match="cannot be disputed"):
        standin.dispute(charge_id)


def test_the_books_add_up(shop: Shop, standin: StripeStandIn, charge_id: str) -> None:
    shop.post("/v1/refunds", {"charge": charge_id, "amount": 3000})
    standin.dispute_close(standin.dispute(charge_id), "won")
    money = shop.get("/v1/balance_transactions")["data"]
    assert [one["amount"] for one in reversed(money)] == [8000, -3000, -5000, 5000]
    assert sum(one["net"] for one in money) == 8000 - 170 - 3000
