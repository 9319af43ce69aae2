"""Every request that the gateway can send, taken by Stripe's own stripe-mock, and held to Stripe's document in full.

stripe-mock refuses unknown parameters and wrong types at the top of a form; the document is held
against what is nested.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
import stripe

from chalicelib.gateways.stripe_api import StripeApi, StripeRefusedError, checkout_parameters, stripe_client
from chalicelib.gateways.stripe_objects import StrangeObjectError
from sandbox.stripe_standin.routes import find_route
from tests.engines.engines import STRIPE_DOCUMENT
from tests.engines.stripe_document import StripeDocument, UnlikeStripeError
from tests.support.stripe_calls import EVERY, OWN, read, soon
from tests.support.world import no_sleep

pytestmark = [pytest.mark.engine, pytest.mark.allow_hosts(["127.0.0.1"])]

OPTIONS = frozenset({"stripe_account", "idempotency_key"})
"""Of the library: sent as headers."""


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
