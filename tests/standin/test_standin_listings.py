"""Lists of charges, PaymentIntents, refunds, disputes and events: newest first, by their own `created`, by cursor."""

from __future__ import annotations

import pytest
import stripe

from sandbox.stripe_standin import StripeStandIn
from tests.standin.shop import NOON_TIMESTAMP, Clock, Shop

pytestmark = pytest.mark.controls
HOUR = 3600
PATHS = ("/v1/charges", "/v1/payment_intents", "/v1/refunds", "/v1/disputes")


@pytest.fixture(autouse=True)
def three_sales(shop: Shop, standin: StripeStandIn, clock: Clock) -> None:
    """One each hour from noon on, each at once refunded in part and disputed."""
    for _ in range(3):
        charge_id = standin.pay(shop.offer()["id"]).charge_id
        standin.refund_in_dashboard(charge_id, 100)
        standin.dispute(charge_id)
        clock.advance(hours=1)


def created(shop: Shop, path: str, **params: object) -> list[int]:
    """Hours after noon."""
    return [(one["created"] - NOON_TIMESTAMP) // HOUR for one in shop.get(path, **params)["data"]]


@pytest.mark.parametrize("path", PATHS)
def test_a_list_is_newest_first_and_ends_before_its_last_second(shop: Shop, path: str) -> None:
    assert created(shop, path) == [2, 1, 0]
    assert created(shop, path, created={"gte": NOON_TIMESTAMP, "lt": NOON_TIMESTAMP + 2 * HOUR}) == [1, 0]
    assert created(shop, path, created={"gte": NOON_TIMESTAMP + 1, "lt": NOON_TIMESTAMP + 2 * HOUR + 1}) == [2, 1]
    assert created(shop, path, created={"gt": NOON_TIMESTAMP, "lte": NOON_TIMESTAMP + HOUR}) == [1]


@pytest.mark.parametrize("path", PATHS)
def test_a_list_goes_on_after_its_cursor(shop: Shop, path: str) -> None:
    span = {"gte": NOON_TIMESTAMP, "lt": NOON_TIMESTAMP + 3 * HOUR}
    first = shop.get(path, created=span, limit=2)
    assert (len(first["data"]), first["has_more"], first["url"]) == (2, True, path)
    rest = shop.get(path, created=span, limit=2, starting_after=first["data"][-1]["id"])
    assert (len(rest["data"]), rest["has_more"]) == (1, False)
    assert not {one["id"] for one in first["data"]} & {one["id"] for one in rest["data"]}


@pytest.mark.parametrize("path", ["/v1/refunds", "/v1/disputes"])
def test_what_goes_back_can_be_listed_with_its_payment(shop: Shop, path: str) -> None:
    for one in shop.get(path, expand=["data.payment_intent"])["data"]:
        assert one["payment_intent"]["object"] == "payment_intent"
        assert one["payment_intent"]["metadata"] == {"session": "s1"}


def test_a_charge_carries_its_payments_metadata(shop: Shop) -> None:
    assert [one["metadata"] for one in shop.get("/v1/charges")["data"]] == [{"session": "s1"}] * 3


def test_events_are_listed_by_several_kinds_and_by_their_time(shop: Shop) -> None:
    kinds = ["charge.succeeded", "refund.created"]
    span = {"gte": NOON_TIMESTAMP + HOUR, "lt": NOON_TIMESTAMP + 2 * HOUR}
    events = shop.get("/v1/events", types=kinds, created=span)["data"]
    assert [one["type"] for one in events] == ["refund.created", "charge.succeeded"]


def test_a_checkout_session_is_found_by_its_payment(shop: Shop) -> None:
    [newest, *_] = shop.get("/v1/payment_intents")["data"]
    [found] = shop.get("/v1/checkout/sessions", payment_intent=newest["id"])["data"]
    assert found["payment_intent"] == newest["id"]
    assert shop.get("/v1/checkout/sessions", payment_intent="pi_none")["data"] == []


@pytest.mark.parametrize("path", PATHS)
def test_an_account_lists_its_own_alone(clinic: Shop, path: str) -> None:
    assert clinic.get(path)["data"] == []


@pytest.mark.parametrize("path", [*PATHS, "/v1/events"])
@pytest.mark.parametrize("params", [{"limit": 101}, {"limit": 0}, {"created": {"since": 1}}, {"until": 1}])
def test_a_list_refuses_what_stripe_does_not_know(shop: Shop, path: str, params: dict[str, object]) -> None:
    with pytest.raises(stripe.InvalidRequestError):
        shop.get(path, **params)
