"""All that can be sent to Stripe is known to the installed library: each parameter, nested ones too, and each value.

A second witness beside Stripe's document (tests/engines), and one that is always there: the library is installed.
`raw_request` hides what the library's types would show, so that they are asked here.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast, get_args

import pytest
import stripe
from stripe import params
from stripe.params import checkout

from chalicelib.gateways import stripe_events
from chalicelib.gateways.stripe_api import API_VERSION, StripeApi, checkout_parameters
from chalicelib.gateways.stripe_connect import OAuthSettings, StripeConnect
from chalicelib.gateways.stripe_endpoints import StripeEndpoints, Wanted
from chalicelib.gateways.stripe_listings import LATER_CHANGES, StripeListings
from chalicelib.gateways.stripe_objects import StrangeObjectError
from sandbox.stripe_standin.library_types import alternatives, parameter_types
from sandbox.stripe_standin.parameter_tables import EVENT_TYPES
from sandbox.stripe_standin.standin import API_VERSION as PLAYED_VERSION
from tests.support.library_judge import unlike
from tests.support.stripe_calls import CALLS, CONNECTING, ENDPOINTS, EVERY, LISTINGS, OAUTH, OWN
from tests.support.world import no_sleep

OPTIONS = frozenset({"stripe_account", "idempotency_key", "base"})
"""Of the library: none is sent as a parameter."""

TYPES: Mapping[tuple[str, str], type] = {
    ("post", "/v1/checkout/sessions"): checkout.SessionCreateParams,
    ("get", "/v1/checkout/sessions"): checkout.SessionListParams,
    ("get", "/v1/checkout/sessions/*"): checkout.SessionRetrieveParams,
    ("post", "/v1/checkout/sessions/*/expire"): checkout.SessionExpireParams,
    ("get", "/v1/payment_intents/*"): params.PaymentIntentRetrieveParams,
    ("get", "/v1/charges"): params.ChargeListParams,
    ("post", "/v1/refunds"): params.RefundCreateParams,
    ("get", "/v1/refunds"): params.RefundListParams,
    ("get", "/v1/disputes"): params.DisputeListParams,
    ("get", "/v1/disputes/*"): params.DisputeRetrieveParams,
    ("get", "/v1/events"): params.EventListParams,
    ("get", "/v1/events/*"): params.EventRetrieveParams,
    ("get", "/v1/account"): params.AccountRetrieveCurrentParams,
    ("get", "/v1/accounts/*"): params.AccountRetrieveParams,
    ("post", "/v1/accounts"): params.AccountCreateParams,
    ("post", "/v1/account_links"): params.AccountLinkCreateParams,
    ("get", "/v1/webhook_endpoints"): params.WebhookEndpointListParams,
    ("post", "/v1/webhook_endpoints"): params.WebhookEndpointCreateParams,
    ("post", "/v1/webhook_endpoints/*"): params.WebhookEndpointUpdateParams,
    ("post", "/oauth/token"): stripe.OAuth.OAuthTokenParams,
    ("post", "/oauth/deauthorize"): stripe.OAuth.OAuthDeauthorizeParams,
}
"""The library's type for each request of ours."""

PREFIXES = ("cs_", "pi_", "du_", "evt_", "acct_", "we_")


@dataclass
class Listener:
    """In the place of the library's client: keeps what was asked, and answers with nothing."""

    asked: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)

    def raw_request(self, method: str, path: str, **given: Any) -> object:
        form = {name: value for name, value in given.items() if name not in OPTIONS}
        self.asked.append((method, path, form))
        return SimpleNamespace(data={"data": [], "has_more": False})


def sent(name: str) -> list[tuple[str, str, dict[str, Any]]]:
    listener = Listener()
    api = StripeApi(cast("stripe.StripeClient", listener), no_sleep)
    for call in {**EVERY, **OAUTH}[name](api):
        with suppress(StrangeObjectError):
            call()
    return listener.asked


def pattern(path: str) -> str:
    return "/".join("*" if one.startswith(PREFIXES) else one for one in path.split("/"))


@pytest.mark.parametrize("name", [*EVERY, *OAUTH])
def test_the_library_knows_every_parameter_and_value_that_is_sent(name: str) -> None:
    asked = sent(name)
    assert asked
    for method, path, form in asked:
        assert list(unlike(form, TYPES[method, pattern(path)])) == [], f"{method} {path}"


def test_every_type_that_is_held_against_was_asked_for() -> None:
    found = {(method, pattern(path)) for name in [*EVERY, *OAUTH] for method, path, _ in sent(name)}
    assert found == set(TYPES)


def test_the_library_knows_the_address_where_an_owner_is_asked() -> None:
    url = OAuthSettings("https://connect.stripe.com", "ca_1").authorize_url("state", "https://a.example/back")
    query = dict(one.split("=") for one in url.partition("?")[2].split("&"))
    assert list(query) == ["response_type", "client_id", "scope", "redirect_uri", "state"]
    assert list(unlike(query, stripe.OAuth.OAuthAuthorizeUrlParams)) == []


@pytest.mark.parametrize(
    ("gateway", "calls"),
    [
        (StripeApi, {*CALLS, "call"}),
        (StripeListings, {*LISTINGS}),
        (StripeConnect, {*CONNECTING, *OAUTH}),
        (StripeEndpoints, {*ENDPOINTS}),
    ],
)
def test_every_method_of_the_gateway_is_among_them(gateway: type, calls: set[str]) -> None:
    methods = inspect.getmembers(gateway, inspect.isfunction)
    assert {name for name, _ in methods if not name.startswith("_")} == calls


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({}, []),
        ({"colour": "red"}, ["[colour] is unknown"]),
        ({"allowed_payment_method_types": ["card"]}, ["[allowed_payment_method_types] is unknown"]),
        ({"adaptive_pricing": {"colour": "red"}}, ["[adaptive_pricing][colour] is unknown"]),
        ({"line_items": [{"price_data": {}}]}, ["[line_items][][price_data][currency] is missing"]),
        ({"payment_method_types": ["nonsense"]}, ["[payment_method_types][] cannot be 'nonsense'"]),
        ({"mode": "nonsense"}, ["[mode] cannot be 'nonsense'"]),
        ({"expires_at": "noon"}, ["[expires_at] cannot be 'noon'"]),
        ({"adaptive_pricing": {"enabled": 1}}, ["[adaptive_pricing][enabled] cannot be 1"]),
        ({"metadata": {"a": 1}}, ["[metadata][a] is no text"]),
        ({"success_url": {"a": "b"}}, ["[success_url] cannot be an object"]),
        ({"success_url": ["a"]}, ["[success_url]"]),
    ],
)
def test_the_judge_finds_what_the_library_does_not_know(changes: dict[str, Any], found: list[str]) -> None:
    form = {**checkout_parameters(OWN), **changes}
    assert list(unlike(form, checkout.SessionCreateParams)) == found


# --- events ---------------------------------------------------------------------------------------------------------


def known_to(typed: type, name: str) -> set[str]:
    """The values of an enumeration, or of a list of them."""
    return set(values(parameter_types(typed)[name]))


def values(annotation: Any) -> Iterator[str]:  # noqa: ANN401 - any type
    for one in alternatives(annotation):
        for inner in get_args(one):
            if isinstance(inner, str):
                yield inner
            else:
                yield from values(inner)


@pytest.mark.parametrize(
    "names",
    [stripe_events.EVENTS, stripe_events.CONNECT_EVENTS, LATER_CHANGES, EVENT_TYPES],
    ids=["own", "connected", "later changes", "of the stand-in"],
)
def test_every_event_is_one_of_the_librarys(names: tuple[str, ...]) -> None:
    known = known_to(params.WebhookEndpointCreateParams, "enabled_events")
    assert len(known) > 200
    assert set(names) <= known


# --- one version ----------------------------------------------------------------------------------------------------


def test_the_version_that_is_pinned_is_the_librarys_the_stand_ins_and_that_of_webhook_endpoints() -> None:
    """Of Stripe's document too, says tests/engines. Without exceptions: CONTRIBUTING.md says how to move on."""
    assert API_VERSION == "2026-08-26.dahlia"
    assert stripe.api_version == API_VERSION
    assert PLAYED_VERSION == API_VERSION
    assert Wanted.__dataclass_fields__["api_version"].default == API_VERSION
    assert [form["api_version"] for _, _, form in sent("create")] == [API_VERSION, API_VERSION]


def test_the_newest_version_that_the_library_knows_is_the_one_that_is_pinned() -> None:
    dated = known_to(params.WebhookEndpointCreateParams, "api_version")
    assert max(dated) == API_VERSION
