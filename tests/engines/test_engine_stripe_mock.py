"""Every request that the gateway can send, taken by Stripe's own stripe-mock, and held to Stripe's document in full.

stripe-mock refuses unknown parameters and wrong types at the top of a form; the document is held
against what is nested.
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, cast

import pytest
import stripe

from chalicelib.domain.facts import (
    Attempt,
    CheckoutOrder,
    Dispute,
    DisputeStatus,
    Payment,
    RefundReason,
)
from chalicelib.domain.obligations import MakeRefund
from chalicelib.flows.context import REQUEST_SECONDS
from chalicelib.gateways.deadline import Deadline
from chalicelib.gateways.stripe_api import StripeApi, StripeRefusedError, checkout_parameters, stripe_client
from chalicelib.gateways.stripe_connect import StripeConnect
from chalicelib.gateways.stripe_endpoints import Endpoint, EndpointKind, StripeEndpoints, Wanted
from chalicelib.gateways.stripe_events import CONNECT_EVENTS, EVENTS
from chalicelib.gateways.stripe_listings import Span, StripeListings
from chalicelib.gateways.stripe_objects import StrangeObjectError
from sandbox.stripe_standin.parameter_tables import BANK_DEBITS
from sandbox.stripe_standin.routes import find_route
from tests.engines.engines import STRIPE_DOCUMENT
from tests.engines.stripe_document import StripeDocument, UnlikeStripeError
from tests.support.world import no_sleep

pytestmark = [pytest.mark.engine, pytest.mark.allow_hosts(["127.0.0.1"])]

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
OPTIONS = frozenset({"stripe_account", "idempotency_key"})
"""Of the library: sent as headers."""

IDS = (("anteroom_team", "t-1"), ("anteroom_participant", "p-1"), ("anteroom_attempt", "a-1"))
OWN = Attempt(
    attempt_id="22222222-2222-4222-8222-222222222222",
    made_at=NOON,
    amount=8000,
    currency="aud",
    stripe_account_id=None,
    livemode=False,
    application_fee=0,
    expires_at=NOON + timedelta(hours=1),
    order=CheckoutOrder(
        "Appointment with Hill Street Clinic", "https://a.example/x", "https://a.example/x", ("card",), IDS
    ),
    checkout_session_id="cs_test_1",
)
CONNECTED = replace(OWN, stripe_account_id="acct_1", application_fee=120)
DELAYED = replace(OWN, order=replace(cast("CheckoutOrder", OWN.order), payment_method_types=("card", *BANK_DEBITS)))
ATTEMPTS = (OWN, CONNECTED, DELAYED)
PAYMENT = Payment("pi_1", OWN.attempt_id, None)
PAYMENTS = (PAYMENT, replace(PAYMENT, stripe_account_id="acct_1"))
DISPUTE = Dispute("du_1", "pi_1", 8000, DisputeStatus.OPEN)
ACCOUNTS = (None, "acct_1")
SPAN = Span(NOON, NOON + timedelta(days=1))
REFUND = MakeRefund(
    key="refund:decision-1",
    due_at=NOON,
    payment=PAYMENT,
    amount=2000,
    with_application_fee=False,
    decision_id="decision-1",
    reason=RefundReason.CANCELED,
)
TEAM = "11111111-1111-4111-8111-111111111111"
KNOWN_VERSION = "2026-08-26.dahlia"
"""Of the API, in the document of our stripe-mock; the library is ahead of it."""

WANTED = [
    Wanted(kind, f"https://anteroom.example/{kind}", events, kind, has_secret=True, api_version=KNOWN_VERSION)
    for kind, events in ((EndpointKind.OWN, EVENTS), (EndpointKind.CONNECTED, CONNECT_EVENTS))
]
ENDPOINT = Endpoint("we_1", WANTED[0].url, ("charge.succeeded",), is_enabled=False, api_version=None, kind=None)
REFUNDS = [
    replace(REFUND, payment=payment, with_application_fee=with_fee, reason=reason)
    for payment in PAYMENTS
    for with_fee in (False, True)
    for reason in RefundReason
]


@dataclass
class WatchedClient:
    """The library's client, and what was asked of it. stripe-mock refuses with 400, which the library raises."""

    client: stripe.StripeClient
    asked: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)

    def raw_request(self, method: str, path: str, **given: Any) -> object:
        form = {name: value for name, value in given.items() if name not in OPTIONS}
        self.asked.append((method.upper(), path, form))
        return self.client.raw_request(method, path, **given)


@pytest.fixture(scope="module")
def document(stripe_document: None) -> StripeDocument:
    return StripeDocument(STRIPE_DOCUMENT)


@pytest.fixture
def client(stripe_mock_address: str) -> WatchedClient:
    return WatchedClient(stripe_client("sk_test_123", stripe_mock_address))


@pytest.fixture
def api(client: WatchedClient) -> StripeApi:
    return StripeApi(cast("stripe.StripeClient", client), no_sleep)


def soon() -> Deadline:
    return Deadline(time.monotonic, time.monotonic() + REQUEST_SECONDS)


def listings(api: StripeApi) -> Iterator[StripeListings]:
    for account in ACCOUNTS:
        yield StripeListings(api, account, SPAN, soon())


def read(pages: Iterator[object]) -> None:
    """To the end."""
    for _ in pages:
        pass


Calls = Callable[[StripeApi], list[Callable[[], object]]]

CALLS: dict[str, Calls] = {
    "create_checkout": lambda api: [partial(api.create_checkout, one, soon()) for one in ATTEMPTS],
    "look_at_checkout": lambda api: [partial(api.look_at_checkout, one, soon()) for one in ATTEMPTS],
    "expire_checkout": lambda api: [partial(api.expire_checkout, one, soon()) for one in ATTEMPTS],
    "find_checkout": lambda api: [partial(api.find_checkout, one, soon()) for one in ATTEMPTS],
    "find_checkouts_of": lambda api: [partial(api.find_checkouts_of, "pi_1", one, soon()) for one in ACCOUNTS],
    "fetch_payment": lambda api: [partial(api.fetch_payment, "pi_1", one, soon()) for one in ACCOUNTS],
    "fetch_dispute": lambda api: [partial(api.fetch_dispute, DISPUTE, one, soon()) for one in ACCOUNTS],
    "fetch_event": lambda api: [partial(api.fetch_event, "evt_1", one, soon()) for one in ACCOUNTS],
    "refund": lambda api: [partial(api.refund, one, 1, soon()) for one in REFUNDS],
    "list_refunds": lambda api: [partial(api.list_refunds, one, soon()) for one in PAYMENTS],
    "pages": lambda api: [
        partial(read, api.pages("/v1/charges", one, soon(), {"starting_after": "ch_1"})) for one in ACCOUNTS
    ],
}
"""Calls of each public method of StripeApi, in all the ways that change what is sent."""

LISTINGS: dict[str, Calls] = {
    "charges": lambda api: [partial(read, one.charges()) for one in listings(api)],
    "refunds": lambda api: [partial(read, one.refunds()) for one in listings(api)],
    "disputes": lambda api: [partial(read, one.disputes()) for one in listings(api)],
    "later_changes": lambda api: [partial(read, one.later_changes()) for one in listings(api)],
}
"""The same of StripeListings."""


CONNECTING: dict[str, Calls] = {
    "account": lambda api: [partial(StripeConnect(api).account, one, soon()) for one in ACCOUNTS],
    "create_account": lambda api: [partial(StripeConnect(api).create_account, TEAM, "account-1", soon())],
    "onboarding_url": lambda api: [
        partial(
            StripeConnect(api).onboarding_url,
            "acct_1",
            return_url="https://anteroom.example/return",
            refresh_url="https://anteroom.example/refresh",
            deadline=soon(),
        )
    ],
}
"""The same of StripeConnect."""

OAUTH = {"exchange", "deauthorize"}
"""Asked of another host, which stripe-mock is not and the document does not describe."""

ENDPOINTS: dict[str, Calls] = {
    "all": lambda api: [partial(StripeEndpoints(api).all, soon())],
    "create": lambda api: [partial(StripeEndpoints(api).create, one, soon()) for one in WANTED],
    "mend": lambda api: [partial(StripeEndpoints(api).mend, ENDPOINT, one, soon()) for one in WANTED],
}
"""The same of StripeEndpoints."""

EVERY = {**CALLS, **LISTINGS, **CONNECTING, **ENDPOINTS}


@pytest.mark.parametrize("name", EVERY)
def test_stripe_takes_every_request_of_the_gateway(
    api: StripeApi, client: WatchedClient, document: StripeDocument, name: str
) -> None:
    calls = EVERY[name](api)
    for call in calls:
        with suppress(StrangeObjectError):  # what stripe-mock answers are its examples, which are not ours
            call()
    assert len(client.asked) >= len(calls)
    for method, path, form in client.asked:
        document.check_request(method, path, form)
        assert find_route(method, path) is not None, f"the stand-in has no {method} {path}"


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


def test_stripe_mock_and_the_document_refuse_what_stripe_does_not_know(
    api: StripeApi, document: StripeDocument
) -> None:
    for query in ({"colour": "red"}, {"created": "yesterday"}):
        with pytest.raises(StripeRefusedError):
            read(api.pages("/v1/charges", None, soon(), query))
    form = checkout_parameters(OWN)
    document.check_request("POST", "/v1/checkout/sessions", form)
    form["line_items"][0]["price_data"]["colour"] = "red"
    with pytest.raises(UnlikeStripeError, match="'colour' was unexpected"):
        document.check_request("POST", "/v1/checkout/sessions", form)
