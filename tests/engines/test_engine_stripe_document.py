"""What the Stripe stand-in answers and sends is what Stripe's own OpenAPI document says, field by field."""

from __future__ import annotations

import ast
import inspect
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chalicelib.gateways.stripe_api import API_VERSION
from sandbox import stripe_standin
from sandbox.stripe_standin import errors
from sandbox.stripe_standin.parameters import Boolean, Choice, Integer, Kind, ListOf, Metadata, Record, Text, TimeRange
from sandbox.stripe_standin.routes import ROUTES, Route, find_route
from tests.engines.engines import STRIPE_DOCUMENT
from tests.engines.stripe_document import Json, StripeDocument, UnlikeStripeError
from tests.engines.stripe_tour import Answered, Tour
from tests.support.watched_objects import UNDOCUMENTED

pytestmark = pytest.mark.engine

SAMPLES: dict[str, Any] = {
    "account_id": "acct_1",
    "asked": 9000,
    "charge": {"id": "ch_1", "status": "failed", "amount": 8000, "amount_refunded": 0, "currency": "aud"},
    "charge_id": "ch_1",
    "country": "BR",
    "currency": "aud",
    "key": "sk_test_0123456789",
    "kind": "refund",
    "maximum": 99_999_999,
    "message": "No.",
    "method": "sepa_debit",
    "minimum": 50,
    "name": "customer",
    "object_id": "re_1",
    "param": "amount",
    "params": ["nonsense"],
    "path": "/v1/nothing",
    "paths": ("/v1/refunds", "/v1/charges"),
    "payment_intent_id": "pi_1",
    "platform": "US",
    "played": API_VERSION,
    "status": "expired",
    "step": 100,
    "supported": ["aud", "usd"],
    "version": "2026-10-28.endive",
}
"""An argument for each parameter of the errors' factories, by its name."""


@pytest.fixture(scope="module")
def document(stripe_document: None) -> StripeDocument:
    return StripeDocument(STRIPE_DOCUMENT)


@pytest.fixture(scope="module")
def tour(stripe_document: None) -> Tour:
    tour = Tour()
    tour.walk()
    return tour


def answers(tour: Tour) -> Iterator[tuple[Answered, int, Any]]:
    for one in tour.standin.answered:
        if one.answer is not None:
            yield one, one.answer.status, one.answer.json()


def test_the_document_is_of_the_version_that_is_pinned(document: StripeDocument) -> None:
    """Without exceptions: tests/gateways says the same of the library and of the stand-in."""
    assert document.version == API_VERSION


# --- answers --------------------------------------------------------------------------------------------------------


def test_every_answer_is_one_that_stripe_could_give(tour: Tour, document: StripeDocument) -> None:
    unlike = set()
    for one, status, body in answers(tour):
        if find_route(one.method, one.path) is not None:
            try:
                document.check_answer(one.method, one.path, status, body)
            except UnlikeStripeError as error:
                unlike.add(str(error))
    assert unlike == set()


def test_every_endpoint_of_the_stand_in_answered_well(tour: Tour) -> None:
    found = [find_route(one.method, one.path) for one, status, _ in answers(tour) if status == 200]
    assert {route.pattern for route, _ in filter(None, found)} == {route.pattern for route in ROUTES}


def test_every_status_was_answered(tour: Tour) -> None:
    assert {status for _, status, _ in answers(tour)} == {200, 400, 401, 403, 404, 429, 500}


def test_every_error_of_the_stand_in_has_stripes_shape(document: StripeDocument) -> None:
    made = [one for one in vars(errors).values() if inspect.isfunction(one) and makes_an_error(one)]
    assert len(made) >= 34
    for factory in made:
        refusal = factory(**{name: SAMPLES[name] for name in needed(factory)})
        told = {name: value for name, value in refusal.body()["error"].items() if name not in UNDOCUMENTED}
        document.check_answer("POST", "/v1/refunds", refusal.status, {"error": told})


def makes_an_error(factory: Any) -> bool:  # noqa: ANN401 (any function)
    return inspect.signature(factory).return_annotation is errors.StripeError


def needed(factory: Any) -> list[str]:  # noqa: ANN401 (any function)
    parameters = inspect.signature(factory).parameters.values()
    return [one.name for one in parameters if one.default is inspect.Parameter.empty]


# --- requests -------------------------------------------------------------------------------------------------------


MADE_APART = {
    ("POST /v1/accounts", "[bank_account]"),  # in the document alone: refused as unknown, else as not simulated
    ("POST /v1/checkout/sessions", "[ui_mode]=form"),  # in the library alone: refused as not simulated
}
"""Where the library and the document of one version differ; nothing of it can be sent, since all of it is refused."""

STRICTER = {
    # One of the ways to say the same is not simulated, so that the other is required.
    ("POST /v1/checkout/sessions", "[line_items][][price_data] requires product_data"),
    ("POST /v1/checkout/sessions", "[line_items][][price_data] requires unit_amount"),
    ("POST /v1/checkout/sessions", "[line_items][] requires price_data"),
    # Required for a payment on a hosted page, says the prose (https://docs.stripe.com/api/checkout/sessions/create).
    ("POST /v1/checkout/sessions", "[line_items][] requires quantity"),
    ("POST /v1/checkout/sessions", " requires line_items"),
    ("POST /v1/checkout/sessions", " requires mode"),
    ("POST /v1/checkout/sessions", " requires success_url"),
    # Required for every type of link that is simulated (https://docs.stripe.com/api/account_links/create).
    ("POST /v1/account_links", " requires refresh_url"),
    ("POST /v1/account_links", " requires return_url"),
}
"""What the stand-in requires and the document does not, each with its reason."""


def test_every_endpoint_knows_what_stripe_knows(document: StripeDocument) -> None:
    """Names, what is required, the values of enumerations, lengths: both ways."""
    found = {
        (f"{route.method} {route.pattern}", difference)
        for route in ROUTES
        for difference in differences(route.parameters, form_of(document, route), "")
    }
    assert found == MADE_APART | STRICTER


def form_of(document: StripeDocument, route: Route) -> Json:
    return document.form(route.method, route.pattern.replace("{id}", "x"))


def differences(ours: Kind, theirs: Json, name: str) -> Iterator[str]:
    """What one knows and the other does not, however deep."""
    match ours:
        case Record():
            theirs = alternative(theirs, "properties")
            named = set(ours.fields) | ours.not_simulated
            yield from (f"{name}[{one}]" for one in named ^ set(theirs["properties"]))
            yield from (f"{name} requires {one}" for one in set(ours.required) ^ set(theirs.get("required", ())))
            for one in set(ours.fields) & set(theirs["properties"]):
                yield from differences(ours.fields[one], theirs["properties"][one], f"{name}[{one}]")
        case ListOf():
            yield from differences(ours.item, alternative(theirs, "items")["items"], f"{name}[]")
        case Choice():
            yield from (f"{name}={one}" for one in set(ours.known) ^ set(alternative(theirs, "enum")["enum"]))
        case Text():
            longest = {one.get("maxLength", ours.longest) for one in alternatives(theirs) if "enum" not in one}
            yield from (f"{name} up to {one}" for one in longest ^ {ours.longest})
        case _:
            found = {one.get("type") for one in alternatives(theirs)}
            yield from (f"{name} is {one}" for one in {TYPES[type(ours)]} - found)


TYPES: dict[type, str] = {Boolean: "boolean", Integer: "integer", Metadata: "object", TimeRange: "object"}


def alternatives(schema: Json) -> list[Json]:
    found: list[Json] = schema.get("anyOf", [schema])
    return found


def alternative(schema: Json, having: str) -> Json:
    """Where Stripe takes an empty text to unset something, the other thing that it takes."""
    return next(one for one in alternatives(schema) if having in one)


# --- events ---------------------------------------------------------------------------------------------------------


def test_every_event_is_one_that_stripe_could_send(tour: Tour, document: StripeDocument) -> None:
    unlike = set()
    for delivery in tour.standin.deliveries:
        try:
            document.check_event(json.loads(delivery.body))
        except UnlikeStripeError as error:
            unlike.add(str(error))
    assert unlike == set()


def test_every_event_that_the_stand_in_knows_was_sent(tour: Tour) -> None:
    assert {delivery.event_type for delivery in tour.standin.deliveries} == set(announced())


def announced() -> Iterator[str]:
    """The types of events that stand in the stand-in's source."""
    for source in Path(stripe_standin.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "announce":
                assert isinstance(node.args[1], ast.Constant), f"{source.name} does not write an event's type out"
                yield str(node.args[1].value)


def test_what_was_kept_is_read_back_as_it_was_sent(tour: Tour, document: StripeDocument) -> None:
    events = [body for one, status, body in answers(tour) if status == 200 and one.path.startswith("/v1/events/")]
    assert len(events) >= 40
    for event in events:
        document.check_event(event)


# --- the judge ------------------------------------------------------------------------------------------------------


def test_the_judge_finds_what_is_missing_unknown_or_of_another_type(tour: Tour, document: StripeDocument) -> None:
    refund = next(body for one, _, body in answers(tour) if one.path.startswith("/v1/refunds/re_"))
    document.check_object(refund)
    for wrong in (
        {**refund, "amount": "8000"},
        {**refund, "colour": "red"},
        {**refund, "metadata": {"a": {"b": "c"}}},
        {name: value for name, value in refund.items() if name != "charge"} | {"charge": 1},
        {name: value for name, value in refund.items() if name != "created"},
        {**refund, "object": "refunds"},
    ):
        with pytest.raises(UnlikeStripeError):
            document.check_object(wrong)
    with pytest.raises(UnlikeStripeError, match="no GET /v1/nothing"):
        document.check_answer("GET", "/v1/nothing", 200, {})
