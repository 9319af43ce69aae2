"""All that is read of Stripe's objects is a field of the installed library's classes.

One walk past every method of the gateways and every event, at the stand-in; a field that a gateway names and the walk
does not come to turns a test red, so that a new one is seen.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import cast, get_args

import pytest
import stripe

from chalicelib.domain.facts import Attempt, CheckoutOrder, Payment
from chalicelib.gateways import stripe_api
from chalicelib.gateways.stripe_api import StripeApi, stripe_client
from chalicelib.gateways.stripe_connect import StripeConnect
from chalicelib.gateways.stripe_endpoints import StripeEndpoints
from chalicelib.gateways.stripe_events import EVENTS, event_of
from chalicelib.gateways.stripe_listings import Span, StripeListings
from chalicelib.gateways.stripe_objects import StripeObject
from sandbox.stripe_standin import StripeStandIn
from sandbox.stripe_standin.client import InProcessHTTPClient
from tests.standin.shop import Clock, new_standin
from tests.support.stripe_calls import DISPUTE, ENDPOINT, IDS, NOON, OWN, REFUND, TEAM, WANTED, read, soon
from tests.support.watched_objects import UNDOCUMENTED, Reads, Watched, WatchingClient, fields_of, watched
from tests.support.world import no_sleep

GATEWAYS = ("stripe_api", "stripe_connect", "stripe_endpoints", "stripe_events", "stripe_listings", "stripe_objects")
READERS = {"text", "flag", "_whole", "_whole_or_none", "_moment", "_required"}
"""Functions of stripe_objects whose second argument is a field's name."""

OURS = (
    ("anteroom_team", TEAM),
    ("anteroom_participant", "33333333-3333-4333-8333-333333333302"),
    (IDS[2][0], OWN.attempt_id),
)


class Walk:
    """Everything that a gateway can read, once."""

    def __init__(self) -> None:
        self.reads = Reads()
        self.standin: StripeStandIn = new_standin(Clock(NOON))
        self.standin.add_webhook_endpoint("https://a.example/own", "whsec_own")
        self.standin.add_webhook_endpoint("https://a.example/connect", "whsec_connect", connect=True)
        client = stripe_client(self.standin.secret_key, "https://api.example", InProcessHTTPClient(self.standin))
        self.api = StripeApi(cast("stripe.StripeClient", WatchingClient(client, self.reads)), no_sleep)

    def go(self) -> Reads:
        self._debits()
        self.api.expire_checkout(self._offered("link"), soon())
        self._payment(self._offered("card"))
        self._lists()
        self._accounts()
        self._endpoints()
        for delivery in self.standin.deliveries:
            event_of(watched(json.loads(delivery.body), stripe.StripeObject, self.reads))
        return self.reads

    def _offered(self, method: str) -> Attempt:
        self._number = getattr(self, "_number", 0) + 1
        order = cast("CheckoutOrder", OWN.order)
        order = replace(order, metadata=OURS, payment_method_types=("card", method))
        number = f"22222222-2222-4222-8222-22222222222{self._number}"
        attempt = replace(OWN, attempt_id=number, order=order, checkout_session_id=None)
        return replace(attempt, checkout_session_id=self.api.create_checkout(attempt, soon()).checkout_session_id)

    def _debits(self) -> None:
        for succeeded in (False, True):
            attempt = self._offered("au_becs_debit")
            paid = self.standin.pay(str(attempt.checkout_session_id), "au_becs_debit")
            self.standin.settle_delayed(paid.payment_intent_id, succeeded=succeeded)
            self.api.look_at_checkout(attempt, soon())

    def _payment(self, attempt: Attempt) -> None:
        paid = self.standin.pay(str(attempt.checkout_session_id))
        payment = Payment(paid.payment_intent_id, attempt.attempt_id, None)
        self.api.look_at_checkout(attempt, soon())
        self.api.expire_checkout(attempt, soon())
        self.api.find_checkout(attempt, soon())
        self.api.find_checkouts_of(paid.payment_intent_id, None, soon())
        self.api.fetch_payment(paid.payment_intent_id, None, soon())
        made = self.api.refund(replace(REFUND, payment=payment), 1, soon())
        self.standin.fail_refund(made.refund.refund_id)
        self.api.list_refunds(payment, soon())
        disputed = self.standin.dispute(paid.charge_id)
        self.api.fetch_dispute(replace(DISPUTE, dispute_id=disputed), None, soon())
        self.standin.dispute_update(disputed, "under_review")
        self.standin.dispute_close(disputed, "won")
        self.api.fetch_event(self.standin.deliveries[-1].event_id, None, soon())

    def _lists(self) -> None:
        lists = StripeListings(self.api, None, Span(NOON - timedelta(days=1), NOON + timedelta(days=1)), soon())
        for pages in (lists.charges(), lists.refunds(), lists.disputes(), lists.later_changes()):
            read(pages)

    def _accounts(self) -> None:
        connect = StripeConnect(self.api)
        connect.account(None, soon())
        made = str(connect.create_account(TEAM, "account-1", soon()).stripe_account_id)
        back = "https://a.example/back"
        connect.onboarding_url(made, return_url=back, refresh_url=back, deadline=soon())
        self.standin.finish_onboarding(made)
        connect.account(made, soon())
        granted = connect.exchange(self.standin.grant(self.standin.create_account("Bay Road Clinic")), soon())
        connect.deauthorize(self.standin.client_id, granted.account_id, soon())

    def _endpoints(self) -> None:
        endpoints = StripeEndpoints(self.api)
        made = endpoints.create(WANTED[0], soon()).endpoint
        endpoints.mend(replace(ENDPOINT, endpoint_id=made.endpoint_id), WANTED[0], soon())
        endpoints.all(soon())


@pytest.fixture(scope="module")
def reads() -> Reads:
    return Walk().go()


def test_every_field_that_is_read_is_one_of_the_librarys_classes(reads: Reads) -> None:
    assert reads.strange == set()


def test_the_walk_comes_past_every_field_that_a_gateway_names(reads: Reads) -> None:
    read_names = {one.rpartition(".")[2] for one in reads.known}
    named = set(named_fields())
    assert {"amount_total", "previous_attributes", "disabled_reason", "stripe_user_id", "secret", "has_more"} <= named
    assert named <= read_names


def named_fields() -> Iterator[str]:
    """As the gateways' source reads them: `thing.get(NAME)`, `thing[NAME]`, `NAME in thing`, `text(thing, NAME)`."""
    for module in GATEWAYS:
        source = Path(stripe_api.__file__).with_name(f"{module}.py").read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(source)):
            name = name_read(node)
            if isinstance(name, ast.Constant) and isinstance(name.value, str) and name.value.isidentifier():
                yield name.value


def name_read(node: ast.AST) -> ast.expr | None:
    match node:
        case ast.Call(func=ast.Attribute(attr="get"), args=[name, *_]):
            return name
        case ast.Call(func=ast.Attribute(attr=reader) | ast.Name(id=reader), args=[_, name, *_]) if reader in READERS:
            return name
        case ast.Subscript(slice=name, ctx=ast.Load()) | ast.Compare(left=name, ops=[ast.In() | ast.NotIn()]):
            return name
        case _:
            return None


@pytest.mark.parametrize(
    ("field", "owner"),
    [
        ("checkout.session.payment_status", "a Checkout Session"),
        ("payment_intent.latest_charge", "its PaymentIntent"),
        ("charge.amount_captured", "its charge"),
        ("charge.metadata.anteroom_attempt", "what we noted there"),
        ("refund.status", "a refund"),
        ("dispute.amount", "a dispute"),
        ("account.charges_enabled", "an account"),
        ("Account.Requirements.disabled_reason", "what is asked of it"),
        ("Account.Controller.is_controller", "who controls it"),
        ("account_link.url", "the page for its owner"),
        ("OAuth.OAuthToken.stripe_user_id", "what an owner granted"),
        ("webhook_endpoint.enabled_events", "an endpoint"),
        ("Event.Data.previous_attributes", "an event"),
        ("list.has_more", "a list"),
    ],
)
def test_the_walk_reads(reads: Reads, field: str, owner: str) -> None:
    assert field in reads.known, owner


def test_every_event_that_is_asked_for_is_read_on_the_walk() -> None:
    walk = Walk()
    walk.go()
    sent = {delivery.event_type for delivery in walk.standin.deliveries}
    assert set(EVENTS) <= sent


@pytest.mark.parametrize(
    ("thing", "name", "strange"),
    [
        ({"object": "charge"}, "paid", set()),
        ({"object": "charge"}, "colour", {"charge.colour"}),
        ({"object": "account", "requirements": {}}, "colour", {"account.colour"}),
        ({"colour": "red"}, "colour", {"StripeObject.colour"}),
    ],
)
def test_the_judge_finds_a_field_that_no_class_has(thing: StripeObject, name: str, strange: set[str]) -> None:
    for look in (lambda one: one.get(name), lambda one: name in one):
        reads = Reads()
        look(watched(dict(thing), stripe.StripeObject, reads))
        assert reads.strange == strange


def test_the_judge_goes_into_what_is_nested() -> None:
    reads = Reads()
    account = watched({"object": "account", "requirements": {"x": 1}, "metadata": {"x": "1"}}, object, reads)
    assert isinstance(account, Watched)
    assert account["requirements"]["x"] == 1
    assert account["metadata"]["x"] == "1"
    assert reads.strange == {"Account.Requirements.x"}


def test_what_is_read_of_an_error_is_a_field_of_the_librarys() -> None:
    source = Path(stripe_api.__file__).read_text(encoding="utf-8")
    asked = {
        node.args[1].value
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "getattr"
        if isinstance(node.args[1], ast.Constant)
    }
    assert {"code", "param", "type"} <= asked <= set(stripe.ErrorObject.__annotations__) | UNDOCUMENTED


@pytest.mark.parametrize(
    ("owner", "name", "values"),
    [
        (stripe.checkout.Session, "status", {"complete", "expired", "open"}),
        (stripe.checkout.Session, "payment_status", {"no_payment_required", "paid", "unpaid"}),
        (
            stripe.Dispute,
            "status",
            {
                "lost",
                "needs_response",
                "prevented",
                "under_review",
                "warning_closed",
                "warning_needs_response",
                "warning_under_review",
                "won",
            },
        ),
        (stripe.Charge, "status", {"failed", "pending", "succeeded"}),
    ],
)
def test_a_status_can_be_what_is_told_apart_and_no_more(owner: type, name: str, values: set[str]) -> None:
    """One that a newer version adds is seen here, before Stripe sends it."""
    assert {one for one in literals(fields_of(owner)[name]) if isinstance(one, str)} == values


def literals(annotation: object) -> Iterator[object]:
    inner = get_args(annotation)
    yield from (one for part in inner for one in literals(part)) if inner else [annotation]
