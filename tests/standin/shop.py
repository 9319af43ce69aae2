"""What the tests of the Stripe stand-in share: a clock to move, a shop that sells one appointment, and an inbox."""

import json
import os
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import stripe
from flask import Flask
from flask.testing import FlaskClient

from chalicelib.gateways.stripe_api import API_VERSION
from sandbox.stripe_standin import StripeStandIn
from sandbox.stripe_standin.client import InProcessHTTPClient
from sandbox.stripe_standin.web import blueprint

OF_STRIPE = "ANTEROOM_STRIPE_CHECK"
"""Set (to the address of Stripe's API): the contract is held against Stripe, with the key of the environment."""

NOON = datetime.now(UTC).replace(microsecond=0) if OF_STRIPE in os.environ else datetime(2026, 3, 2, 12, tzinfo=UTC)
"""Stripe's own time, where Stripe itself is asked."""

NOON_TIMESTAMP = int(NOON.timestamp())


class Clock:
    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **duration: float) -> None:
        self.now += timedelta(**duration)


def client_of(standin: StripeStandIn, retries: int = 0) -> stripe.StripeClient:
    http_client = InProcessHTTPClient(standin)
    return stripe.StripeClient(standin.secret_key, http_client=http_client, max_network_retries=retries)


def client_of_stripe() -> stripe.StripeClient:
    """Stripe's test mode itself, in the version that the product pins."""
    addresses: Any = {"api": os.environ[OF_STRIPE]}
    key = os.environ["STRIPE_SECRET_KEY"]
    return stripe.StripeClient(key, stripe_version=API_VERSION, base_addresses=addresses, max_network_retries=2)


def code_of(error: stripe.StripeError) -> str | None:
    """Give the code in an error's body: the library's own `code` is None for 403, 409 and 429."""
    return error.error.code if error.error else None


def new_standin(clock: Clock, seed: int = 1, *, livemode: bool = False) -> StripeStandIn:
    chance, name = random.Random(seed), "Hill Street Clinic"
    return StripeStandIn(clock, chance, "https://pay.example", livemode=livemode, account_name=name)


def browser_of(standin: StripeStandIn) -> FlaskClient:
    app = Flask("stripe")
    app.register_blueprint(blueprint(standin))
    return app.test_client()


def appointment(**changes: object) -> dict[str, Any]:
    """The parameters of a Checkout Session for one appointment at A$80.00; `changes` replace or (None) remove."""
    params: dict[str, Any] = {
        "mode": "payment",
        "client_reference_id": "attempt-1",
        "success_url": "https://clinic.example/paid/{CHECKOUT_SESSION_ID}",
        "cancel_url": "https://clinic.example/back",
        "line_items": [item()],
        "metadata": {"session": "s1"},
        "payment_intent_data": {"metadata": {"session": "s1"}},
        "payment_method_types": ["card"],
        "adaptive_pricing": {"enabled": False},
        **changes,
    }
    return {name: value for name, value in params.items() if value is not None}


def item(amount: object = 8000, currency: str = "aud", **changes: object) -> dict[str, Any]:
    product = {"name": "Appointment with Hill Street Clinic"}
    price = {"currency": currency, "unit_amount": amount, "product_data": product}
    return {"price_data": price, "quantity": 1, **changes}


HOMES = {"acss_debit": "CA", "nz_bank_account": "NZ", "us_bank_account": "US"}
"""A country whose accounts can have the bank debit; the others can be had in Australia."""


def options_of(method: str) -> dict[str, Any]:
    """What Checkout must be told beside the name of a bank debit."""
    mandate = {"payment_schedule": "sporadic", "transaction_type": "personal"}
    return {"payment_method_options": {method: {"mandate_options": mandate}}} if method == "acss_debit" else {}


LONG_KEY = 100


@dataclass
class Shop:
    """One account of the stand-in (or of Stripe), seen through Stripe's own library."""

    client: stripe.StripeClient
    account: str | None = None
    keys: str = ""
    """Before every idempotency key, where Stripe keeps those of other tests and days."""

    def post(self, path: str, params: Mapping[str, Any], key: str | None = None) -> dict[str, Any]:
        """Send any parameters, also ones that the library's types forbid."""
        options = {"stripe_account": self.account, "idempotency_key": key and self.key(key)}
        given = {name: value for name, value in options.items() if value is not None}
        response = self.client.raw_request("post", path, **params, **given)
        return dict(response.data)

    def key(self, name: str) -> str:
        """An idempotency key as it is sent; a long one keeps its length."""
        key = self.keys + name
        return key[: len(name)] if len(name) > LONG_KEY else key

    def get(self, path: str, **params: object) -> dict[str, Any]:
        given = {} if self.account is None else {"stripe_account": self.account}
        return dict(self.client.raw_request("get", path, **params, **given).data)

    def offer(self, key: str | None = None, **changes: object) -> dict[str, Any]:
        return self.post("/v1/checkout/sessions", appointment(**changes), key)

    def session(self, session_id: str, **params: object) -> dict[str, Any]:
        return self.get(f"/v1/checkout/sessions/{session_id}", **params)


@dataclass
class Inbox:
    """A receiver of webhooks that answers what it is told to."""

    status: int = 200
    received: list[tuple[str, Mapping[str, str], bytes]] = field(default_factory=list)

    def __call__(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        self.received.append((url, headers, body))
        return self.status

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, _, body in self.received]
