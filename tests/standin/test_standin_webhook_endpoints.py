"""Webhook endpoints through the API: one list with those of the controls, and what disabling one ends."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import stripe

from chalicelib.gateways.stripe_events import EVENTS
from sandbox import stripe_standin
from sandbox.stripe_standin import StripeStandIn
from sandbox.stripe_standin.parameter_tables import EVENT_TYPES
from sandbox.stripe_standin.standin import API_VERSION
from tests.standin.shop import NOON_TIMESTAMP, Clock, Inbox, Shop

pytestmark = pytest.mark.controls
URL = "https://app.example/stripe/webhook"
PATH = "/v1/webhook_endpoints"


def make(shop: Shop, **changes: object) -> dict[str, Any]:
    return shop.post(PATH, {"url": URL, "enabled_events": ["checkout.session.expired"], **changes})


def expire(shop: Shop) -> None:
    """Cause exactly one event."""
    shop.post(f"/v1/checkout/sessions/{shop.offer()['id']}/expire", {})


# --- making and reading ---------------------------------------------------------------------------------------------


def test_only_the_answer_to_the_creation_shows_the_secret(shop: Shop) -> None:
    made = make(shop)
    secret = made.pop("secret")
    assert secret.startswith("whsec_")
    assert made == {
        "id": made["id"],
        "object": "webhook_endpoint",
        "api_version": None,
        "application": None,
        "created": NOON_TIMESTAMP,
        "description": None,
        "enabled_events": ["checkout.session.expired"],
        "livemode": False,
        "metadata": {},
        "status": "enabled",
        "url": URL,
    }
    assert made["id"].startswith("we_")
    assert shop.get(f"{PATH}/{made['id']}") == made
    assert shop.get(PATH)["data"] == [made]
    assert shop.post(f"{PATH}/{made['id']}", {}) == made


def test_an_endpoint_is_what_it_was_said_to_be(shop: Shop, standin: StripeStandIn) -> None:
    made = make(
        shop,
        connect=True,
        api_version=API_VERSION,
        description="Anteroom",
        metadata={"by": "ops"},
        enabled_events=["*"],
    )
    assert (made["application"], made["api_version"]) == (standin.client_id, API_VERSION)
    assert (made["description"], made["metadata"], made["enabled_events"]) == ("Anteroom", {"by": "ops"}, ["*"])


def test_what_is_delivered_is_signed_with_the_secret(shop: Shop, standin: StripeStandIn) -> None:
    secret, inbox = make(shop)["secret"], Inbox()
    expire(shop)
    standin.pump(inbox)
    [(url, headers, body)] = inbox.received
    assert url == URL
    assert stripe.WebhookSignature.verify_header(body.decode(), headers["Stripe-Signature"], secret, tolerance=None)


def test_connect_endpoints_get_the_events_of_connected_accounts_alone(
    shop: Shop, clinic: Shop, standin: StripeStandIn
) -> None:
    make(shop, url="https://app.example/own")
    make(shop, url="https://app.example/connect", connect=True)
    inbox = Inbox()
    expire(shop)
    expire(clinic)
    standin.pump(inbox)
    assert {(url, json.get("account")) for (url, _, _), json in zip(inbox.received, inbox.events, strict=True)} == {
        ("https://app.example/own", None),
        ("https://app.example/connect", clinic.account),
    }


def test_endpoints_of_the_controls_are_in_the_same_list(shop: Shop, standin: StripeStandIn) -> None:
    own = standin.add_webhook_endpoint("https://app.example/own", "whsec_own")
    connect = standin.add_webhook_endpoint("https://app.example/connect", "whsec_connect", connect=True, events=EVENTS)
    made = make(shop)
    listed = shop.get(PATH)["data"]
    assert [one["id"] for one in listed] == [made["id"], connect.endpoint_id, own.endpoint_id]
    assert [one["application"] for one in listed] == [None, standin.client_id, None]
    assert (listed[1]["enabled_events"], listed[2]["enabled_events"]) == (list(EVENTS), ["*"])
    assert (listed[2]["created"], listed[2]["status"]) == (NOON_TIMESTAMP, "enabled")
    assert "secret" not in listed[2]
    assert shop.post(f"{PATH}/{own.endpoint_id}", {"disabled": True})["status"] == "disabled"


def test_a_long_list_comes_in_pages(shop: Shop) -> None:
    made = [make(shop)["id"] for _ in range(3)]
    first = shop.get(PATH, limit=2)
    assert ([one["id"] for one in first["data"]], first["has_more"]) == ([made[2], made[1]], True)
    rest = shop.get(PATH, limit=2, starting_after=made[1])
    assert ([one["id"] for one in rest["data"]], rest["has_more"], rest["url"]) == ([made[0]], False, PATH)
    with pytest.raises(stripe.InvalidRequestError, match="unknown parameter: created"):
        shop.get(PATH, created={"gte": 1})


def test_the_same_key_makes_one_endpoint(shop: Shop) -> None:
    asked = {"url": URL, "enabled_events": ["*"]}
    assert shop.post(PATH, asked, key="k1") == shop.post(PATH, asked, key="k1")
    assert len(shop.get(PATH)["data"]) == 1


# --- names of events ------------------------------------------------------------------------------------------------


def test_every_event_that_the_stand_in_sends_can_be_asked_for() -> None:
    sent = set()
    for source in Path(stripe_standin.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "announce":
                assert isinstance(node.args[1], ast.Constant)
                sent.add(node.args[1].value)
    assert set(EVENT_TYPES) == sent


def test_every_event_that_the_product_needs_can_be_asked_for(shop: Shop) -> None:
    accounts = ["account.updated", "account.application.authorized", "account.application.deauthorized"]
    assert make(shop, enabled_events=[*EVENTS, *accounts])["enabled_events"] == [*EVENTS, *accounts]


@pytest.mark.parametrize("name", ["checkout.session.paid", "charge.*", "", "ACCOUNT.UPDATED"])
def test_an_unknown_event_is_refused_by_its_place(shop: Shop, name: str) -> None:
    made = make(shop)
    for path in (PATH, f"{PATH}/{made['id']}"):
        with pytest.raises(stripe.InvalidRequestError) as caught:
            shop.post(path, {"url": URL, "enabled_events": ["account.updated", name]})
        assert (caught.value.http_status, caught.value.param) == (400, "enabled_events[1]")
    assert len(shop.get(PATH)["data"]) == 1


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"url": "app.example"}, "url"),
        ({"url": "ftp://app.example"}, "url"),
        ({"connect": "perhaps"}, "connect"),
        ({"colour": "red"}, "colour"),
        ({"disabled": True}, "disabled"),
        ({"enabled_events": "*"}, "enabled_events"),
        ({"api_version": "2020-01-01"}, "api_version"),
        ({"api_version": "2020-03-02"}, "api_version=2020-03-02"),
        ({"enabled_events": ["charge.captured"]}, "enabled_events[0]=charge.captured"),
    ],
)
def test_a_malformed_endpoint_is_refused(shop: Shop, changes: dict[str, object], param: str) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        make(shop, **changes)
    assert caught.value.param == param
    assert shop.get(PATH)["data"] == []


@pytest.mark.parametrize("missing", ["url", "enabled_events"])
def test_an_endpoint_needs_an_address_and_events(shop: Shop, missing: str) -> None:
    asked = {"url": URL, "enabled_events": ["*"]}
    with pytest.raises(stripe.InvalidRequestError, match=f"Missing required param: {missing}"):
        shop.post(PATH, {name: value for name, value in asked.items() if name != missing})


# --- changing -------------------------------------------------------------------------------------------------------


def test_what_is_given_is_changed_and_the_rest_stays(shop: Shop) -> None:
    made = make(shop, description="Anteroom", metadata={"by": "ops", "of": "1"})
    changed = shop.post(
        f"{PATH}/{made['id']}",
        {"url": f"{URL}/2", "enabled_events": ["refund.failed"], "metadata": {"by": "", "for": "2"}},
    )
    assert (changed["url"], changed["enabled_events"]) == (f"{URL}/2", ["refund.failed"])
    assert (changed["description"], changed["status"]) == ("Anteroom", "enabled")
    assert changed["metadata"] == {"of": "1", "for": "2"}
    assert shop.get(f"{PATH}/{made['id']}") == changed


def test_one_endpoint_of_several_is_changed(shop: Shop) -> None:
    first, second, third = (make(shop)["id"] for _ in range(3))
    shop.post(f"{PATH}/{second}", {"disabled": True})
    assert {one["id"]: one["status"] for one in shop.get(PATH)["data"]} == {
        first: "enabled",
        second: "disabled",
        third: "enabled",
    }


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"connect": True}, "connect"),
        ({"api_version": API_VERSION}, "api_version"),
        ({"url": "app.example"}, "url"),
        ({"metadata": ""}, "metadata="),
    ],
)
def test_what_cannot_be_changed_is_refused(shop: Shop, changes: dict[str, object], param: str) -> None:
    made = make(shop)
    with pytest.raises(stripe.InvalidRequestError) as caught:
        shop.post(f"{PATH}/{made['id']}", changes)
    assert caught.value.param == param


def test_an_unknown_endpoint_is_a_404(shop: Shop) -> None:
    attempts: list[Callable[[], object]] = [
        lambda: shop.get(f"{PATH}/we_none"),
        lambda: shop.post(f"{PATH}/we_none", {"disabled": True}),
    ]
    for attempt in attempts:
        with pytest.raises(stripe.InvalidRequestError, match="No such webhook endpoint: 'we_none'") as caught:
            attempt()
        assert (caught.value.http_status, caught.value.code) == (404, "resource_missing")


def test_connected_accounts_have_no_endpoints_here(shop: Shop, clinic: Shop) -> None:
    made = make(shop)
    attempts: list[Callable[[], object]] = [
        lambda: make(clinic),
        lambda: clinic.get(PATH),
        lambda: clinic.get(f"{PATH}/{made['id']}"),
        lambda: clinic.post(f"{PATH}/{made['id']}", {"disabled": True}),
    ]
    for attempt in attempts:
        with pytest.raises(stripe.InvalidRequestError, match="of the platform's own account alone"):
            attempt()


# --- disabling ------------------------------------------------------------------------------------------------------


def test_a_disabled_endpoint_gets_nothing_until_it_is_enabled(shop: Shop, standin: StripeStandIn) -> None:
    made, inbox = make(shop), Inbox()
    assert shop.post(f"{PATH}/{made['id']}", {"disabled": True})["status"] == "disabled"
    expire(shop)
    assert standin.pump(inbox) == 0
    assert shop.post(f"{PATH}/{made['id']}", {"disabled": False})["status"] == "enabled"
    assert standin.pump(inbox) == 0
    expire(shop)
    assert standin.pump(inbox) == 1


def test_what_comes_due_while_an_endpoint_is_disabled_is_given_up(
    shop: Shop, standin: StripeStandIn, clock: Clock
) -> None:
    made, inbox = make(shop), Inbox(status=500)
    expire(shop)
    standin.pump(inbox)
    shop.post(f"{PATH}/{made['id']}", {"disabled": True})
    clock.advance(minutes=1)
    standin.pump(inbox)
    shop.post(f"{PATH}/{made['id']}", {"disabled": False})
    clock.advance(days=1)
    assert standin.pump(inbox) == 0
    assert (len(inbox.received), [one.state for one in standin.deliveries]) == (1, ["failed"])


def test_what_waits_for_an_endpoint_outlives_a_short_pause(shop: Shop, standin: StripeStandIn, clock: Clock) -> None:
    made, inbox = make(shop), Inbox(status=500)
    expire(shop)
    standin.pump(inbox)
    shop.post(f"{PATH}/{made['id']}", {"disabled": True})
    shop.post(f"{PATH}/{made['id']}", {"disabled": False, "url": f"{URL}/2"})
    inbox.status = 200
    clock.advance(minutes=1)
    assert standin.pump(inbox) == 1
    assert [url for url, _, _ in inbox.received] == [URL, f"{URL}/2"]


# --- the own account ------------------------------------------------------------------------------------------------


def test_a_change_of_the_own_account_goes_to_the_own_endpoint(
    shop: Shop, standin: StripeStandIn, inbox: Inbox, connect_inbox: Inbox
) -> None:
    standin.set_charges_enabled(standin.account_id, enabled=False)
    standin.pump(inbox)
    [event] = inbox.events
    assert inbox.received[0][0] == "https://app.example/stripe/webhook"
    assert event["type"] == "account.updated"
    assert "account" not in event
    assert (event["data"]["object"]["id"], event["data"]["object"]["charges_enabled"]) == (standin.account_id, False)
    assert event["data"]["previous_attributes"] == {"charges_enabled": True}
    assert shop.get("/v1/account")["charges_enabled"] is False
