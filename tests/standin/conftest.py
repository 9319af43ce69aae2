"""Fixtures of the stand-in's tests.

`shop` speaks to Stripe's API alone: the tests that use nothing else are the contract, and hold for any Stripe that a
client can be built for. Tests marked `controls` reach behind it, as no one can at Stripe.
"""

import inspect
import os
import uuid

import pytest
import stripe
from flask.testing import FlaskClient

from sandbox.stripe_standin import StripeStandIn
from tests.standin.shop import OF_STRIPE, Clock, Inbox, Shop, browser_of, client_of, client_of_stripe, new_standin


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "controls: needs the stand-in's own controls, not only Stripe's API")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def standin(clock: Clock) -> StripeStandIn:
    return new_standin(clock)


BEHIND_STRIPE = {"standin", "clock", "clinic", "inbox", "connect_inbox", "browser"}
"""Fixtures that nobody has at Stripe."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Against Stripe itself, what speaks to its API alone."""
    if OF_STRIPE not in os.environ:
        return
    left_out = [one for one in items if not is_contract(one)]
    items[:] = [one for one in items if is_contract(one)]
    config.hook.pytest_deselected(items=left_out)


def is_contract(item: pytest.Item) -> bool:
    """It asks, and reaches behind nothing; a clock that it only wants to be right is, at Stripe."""
    used, named = set(getattr(item, "fixturenames", ())), inspect.signature(getattr(item, "obj", int)).parameters
    behind = (used - {"clock"} | set(named)) & BEHIND_STRIPE
    return "client" in used and not behind and item.get_closest_marker("controls") is None


@pytest.fixture
def client(request: pytest.FixtureRequest) -> stripe.StripeClient:
    if OF_STRIPE in os.environ:
        return client_of_stripe()
    return client_of(request.getfixturevalue("standin"))


@pytest.fixture
def shop(client: stripe.StripeClient) -> Shop:
    return Shop(client, keys=f"{uuid.uuid4().hex}-" if OF_STRIPE in os.environ else "")


@pytest.fixture
def clinic(standin: StripeStandIn, client: stripe.StripeClient) -> Shop:
    """A connected account, reached with `Stripe-Account`."""
    return Shop(client, standin.create_account("Bay Road Clinic"))


@pytest.fixture
def inbox(standin: StripeStandIn) -> Inbox:
    """Gets every event of the own account, once pumped."""
    standin.add_webhook_endpoint("https://app.example/stripe/webhook", "whsec_own")
    return Inbox()


@pytest.fixture
def connect_inbox(standin: StripeStandIn) -> Inbox:
    """Gets every event of connected accounts, once pumped."""
    standin.add_webhook_endpoint("https://app.example/stripe/connect/webhook", "whsec_connect", connect=True)
    return Inbox()


@pytest.fixture
def browser(standin: StripeStandIn) -> FlaskClient:
    """Somebody before the hosted pages, without sockets."""
    return browser_of(standin)
