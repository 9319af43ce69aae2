"""Calls of every method of the gateways to Stripe, in all the ways that change what is sent.

A new method, or a parameter that is sent under a condition, belongs here: what is sent is then held against Stripe's
own document (tests/engines) and against the types of Stripe's library (tests/gateways).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import cast

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
from chalicelib.gateways.stripe_api import StripeApi
from chalicelib.gateways.stripe_connect import StripeConnect
from chalicelib.gateways.stripe_endpoints import Endpoint, EndpointKind, StripeEndpoints, Wanted
from chalicelib.gateways.stripe_events import CONNECT_EVENTS, EVENTS
from chalicelib.gateways.stripe_listings import Span, StripeListings
from sandbox.stripe_standin.parameter_tables import BANK_DEBITS

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
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
WANTED = [
    Wanted(kind, f"https://anteroom.example/{kind}", events, kind, has_secret=True)
    for kind, events in ((EndpointKind.OWN, EVENTS), (EndpointKind.CONNECTED, CONNECT_EVENTS))
]
ENDPOINT = Endpoint("we_1", WANTED[0].url, ("charge.succeeded",), is_enabled=False, api_version=None, kind=None)
REFUNDS = [
    replace(REFUND, payment=payment, with_application_fee=with_fee, reason=reason)
    for payment in PAYMENTS
    for with_fee in (False, True)
    for reason in RefundReason
]


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

OAUTH: dict[str, Calls] = {
    "exchange": lambda api: [partial(StripeConnect(api).exchange, "ac_1", soon())],
    "deauthorize": lambda api: [partial(StripeConnect(api).deauthorize, "ca_1", "acct_1", soon())],
}
"""The same of StripeConnect, asked of another host: stripe-mock is not it, and the document does not describe it."""

ENDPOINTS: dict[str, Calls] = {
    "all": lambda api: [partial(StripeEndpoints(api).all, soon())],
    "create": lambda api: [partial(StripeEndpoints(api).create, one, soon()) for one in WANTED],
    "mend": lambda api: [partial(StripeEndpoints(api).mend, ENDPOINT, one, soon()) for one in WANTED],
}
"""The same of StripeEndpoints."""

EVERY = {**CALLS, **LISTINGS, **CONNECTING, **ENDPOINTS}
"""All that is asked of Stripe's API."""
