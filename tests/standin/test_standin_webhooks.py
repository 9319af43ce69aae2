"""Webhooks: signatures, retries by the clock, and every way of not delivering properly."""

import json

import pytest
import stripe

from sandbox.stripe_standin import ControlError, StripeStandIn
from tests.standin.shop import NOON_TIMESTAMP, Clock, Inbox, Shop

pytestmark = pytest.mark.controls
EXPIRED = ["checkout.session.expired"]


def types(inbox: Inbox) -> list[str]:
    return [json.loads(body)["type"] for _, _, body in inbox.received]


def expire(shop: Shop) -> None:
    """Cause exactly one event."""
    shop.post(f"/v1/checkout/sessions/{shop.offer()['id']}/expire", {})


def test_a_delivery_carries_stripes_signature(shop: Shop, standin: StripeStandIn, inbox: Inbox, clock: Clock) -> None:
    expire(shop)
    clock.advance(seconds=5)
    assert standin.pump(inbox) == 1
    url, headers, body = inbox.received[0]
    assert url == "https://app.example/stripe/webhook"
    signature = headers["Stripe-Signature"]
    assert signature.startswith(f"t={NOON_TIMESTAMP + 5},v1=")
    assert stripe.WebhookSignature.verify_header(body.decode(), signature, "whsec_own", tolerance=None)
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.WebhookSignature.verify_header(body.decode(), signature, "whsec_other", tolerance=None)


def test_the_body_is_the_event_that_the_api_shows(shop: Shop, standin: StripeStandIn, inbox: Inbox) -> None:
    expire(shop)
    standin.pump(inbox)
    assert json.loads(inbox.received[0][2]) == shop.get("/v1/events")["data"][0]


def test_an_endpoint_gets_only_the_events_it_asked_for(shop: Shop, standin: StripeStandIn) -> None:
    standin.add_webhook_endpoint("https://app.example/hook", "whsec", events=["charge.succeeded"])
    inbox = Inbox()
    standin.pay(shop.offer()["id"])
    standin.pump(inbox)
    assert types(inbox) == ["charge.succeeded"]


def test_a_refused_delivery_is_tried_again_with_growing_pauses(
    shop: Shop, standin: StripeStandIn, inbox: Inbox, clock: Clock
) -> None:
    inbox.status = 500
    expire(shop)
    assert standin.pump(inbox) == 0
    clock.advance(seconds=59)
    assert standin.pump(inbox) == 0
    assert len(inbox.received) == 1
    clock.advance(seconds=1)
    standin.pump(inbox)
    inbox.status = 204
    clock.advance(minutes=4)
    assert standin.pump(inbox) == 1
    (delivery,) = standin.deliveries
    assert [attempt.status for attempt in delivery.attempts] == [500, 500, 204]
    assert delivery.state == "delivered"
    clock.advance(days=1)
    assert standin.pump(inbox) == 0


def test_a_receiver_that_cannot_be_reached_is_tried_again(
    shop: Shop, standin: StripeStandIn, inbox: Inbox, clock: Clock
) -> None:
    def unreachable(*_request: object) -> int:
        raise ConnectionRefusedError

    expire(shop)
    assert standin.pump(unreachable) == 0
    assert [attempt.status for attempt in standin.deliveries[0].attempts] == [None]
    clock.advance(minutes=1)
    assert standin.pump(inbox) == 1


def test_a_delivery_is_given_up_after_three_days(
    shop: Shop, standin: StripeStandIn, inbox: Inbox, clock: Clock
) -> None:
    inbox.status = 404
    expire(shop)
    for _ in range(24 * 4):
        standin.pump(inbox)
        clock.advance(hours=1)
    (delivery,) = standin.deliveries
    assert delivery.state == "failed"
    assert 5 < len(delivery.attempts) < 20
    assert (delivery.attempts[-1].at - delivery.attempts[0].at).days < 3


def test_held_deliveries_come_when_flushed(shop: Shop, standin: StripeStandIn, inbox: Inbox, clock: Clock) -> None:
    standin.set_webhooks("hold")
    expire(shop)
    clock.advance(days=2)
    assert standin.pump(inbox) == 0
    assert standin.flush() == 1
    assert standin.pump(inbox) == 1
    assert types(inbox) == EXPIRED


def test_delayed_deliveries_come_late_or_when_flushed(
    shop: Shop, standin: StripeStandIn, inbox: Inbox, clock: Clock
) -> None:
    standin.set_webhooks("deliver", delay=90)
    expire(shop)
    clock.advance(seconds=89)
    assert standin.pump(inbox) == 0
    clock.advance(seconds=1)
    assert standin.pump(inbox) == 1
    expire(shop)
    standin.flush()
    assert standin.pump(inbox) == 1


def test_dropped_deliveries_never_come_but_the_events_are_kept(
    shop: Shop, standin: StripeStandIn, inbox: Inbox, clock: Clock
) -> None:
    standin.set_webhooks("drop")
    expire(shop)
    standin.set_webhooks("deliver")
    clock.advance(days=3)
    standin.flush()
    assert standin.pump(inbox) == 0
    (event,) = shop.get("/v1/events")["data"]
    standin.resend(event["id"])
    assert standin.pump(inbox) == 1
    assert json.loads(inbox.received[0][2])["id"] == event["id"]


def test_duplicated_deliveries_come_twice_as_one_event(shop: Shop, standin: StripeStandIn, inbox: Inbox) -> None:
    standin.set_webhooks("duplicate")
    expire(shop)
    assert standin.pump(inbox) == 2
    assert inbox.received[0][2] == inbox.received[1][2]


def test_reordered_deliveries_come_newest_first(shop: Shop, standin: StripeStandIn, inbox: Inbox) -> None:
    standin.set_webhooks("reorder")
    standin.pay(shop.offer()["id"])
    standin.pump(inbox)
    assert types(inbox) == [
        "charge.updated",
        "checkout.session.completed",
        "payment_intent.succeeded",
        "charge.succeeded",
        "payment_intent.created",
    ]


def test_what_a_delivery_causes_is_delivered_by_the_same_pump(shop: Shop, standin: StripeStandIn) -> None:
    standin.add_webhook_endpoint("https://app.example/hook", "whsec")
    seen = []

    def refund_what_is_paid(_url: str, _headers: object, body: bytes) -> int:
        event = json.loads(body)
        seen.append(event["type"])
        if event["type"] == "charge.updated":
            shop.post("/v1/refunds", {"charge": event["data"]["object"]["id"]})
        return 200

    standin.pay(shop.offer()["id"])
    assert standin.pump(refund_what_is_paid) == 7
    assert seen[-2:] == ["refund.created", "charge.refunded"]


def test_the_state_tells_what_became_of_each_delivery(shop: Shop, standin: StripeStandIn, inbox: Inbox) -> None:
    expire(shop)
    standin.pump(inbox)
    state = standin.snapshot()
    assert state["webhooks"] == {"mode": "deliver", "delay": 0.0}
    assert state["deliveries"] == [
        {
            "event": shop.get("/v1/events")["data"][0]["id"],
            "type": "checkout.session.expired",
            "url": "https://app.example/stripe/webhook",
            "state": "delivered",
            "due_at": "2026-03-02T12:00:00+00:00",
            "attempts": [{"at": "2026-03-02T12:00:00+00:00", "status": 200}],
        }
    ]


def test_an_unknown_mode_is_refused(standin: StripeStandIn) -> None:
    with pytest.raises(ControlError, match="the modes are deliver, hold, drop, duplicate, reorder"):
        standin.set_webhooks("lose")


def test_the_api_gives_an_event_for_thirty_days(shop: Shop, clock: Clock) -> None:
    expire(shop)
    [event] = shop.get("/v1/events")["data"]
    clock.advance(days=30)
    assert shop.get(f"/v1/events/{event['id']}") == event
    clock.advance(seconds=1)
    assert shop.get("/v1/events")["data"] == []
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.get(f"/v1/events/{event['id']}")
    assert refused.value.code == "resource_missing"
