"""Fixtures of the stand-in's tests.

`shop` speaks to Stripe's API alone: the tests that use nothing else are the contract, and hold for any Stripe that a
client can be built for. Tests marked `controls` reach behind it, as no one can at Stripe.
"""

import pytest
import stripe
from flask.testing import FlaskClient

from sandbox.stripe_standin import StripeStandIn
from tests.standin.shop import Clock, Inbox, Shop, browser_of, client_of, new_standin


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "controls: needs the stand-in's own controls, not only Stripe's API")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def standin(clock: Clock) -> StripeStandIn:
    return new_standin(clock)


@pytest.fixture
def client(standin: StripeStandIn) -> stripe.StripeClient:
    return client_of(standin)


@pytest.fixture
def shop(client: stripe.StripeClient) -> Shop:
    return Shop(client)


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
