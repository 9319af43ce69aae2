"""The stand-in refuses the parameters that its version of Stripe's API refuses, however deep, and no other version."""

from __future__ import annotations

from typing import Any

import pytest
import stripe
from stripe import params
from stripe.params import checkout

from sandbox.stripe_standin import StripeStandIn
from sandbox.stripe_standin.library_types import AS_TYPED, Fields, Only, table
from sandbox.stripe_standin.parameter_tables import BANK_DEBITS, CHECKOUT_SESSION_CREATE
from sandbox.stripe_standin.parameters import (
    Boolean,
    Choice,
    Integer,
    Kind,
    ListOf,
    Metadata,
    Record,
    Text,
    TimeRange,
    Url,
)
from sandbox.stripe_standin.standin import API_VERSION
from tests.standin.shop import Shop, appointment, client_of, item

PRICE = item()["price_data"]
EMPTY = "parameter_invalid_empty"


def priced(**changes: object) -> list[dict[str, Any]]:
    """One line item; a change to None removes."""
    price = {name: value for name, value in {**PRICE, **changes}.items() if value is not None}
    return [{"price_data": price, "quantity": 1}]


def refusal(shop: Shop, path: str, form: dict[str, Any]) -> tuple[int | None, str | None, str | None]:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        shop.post(path, form)
    return caught.value.http_status, caught.value.code, caught.value.param


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"colour": "red"}, "colour"),
        ({"allowed_payment_method_types": ["card"]}, "allowed_payment_method_types"),
        ({"adaptive_pricing": {"colour": "red"}}, "adaptive_pricing[colour]"),
        ({"payment_intent_data": {"colour": "red"}}, "payment_intent_data[colour]"),
        ({"line_items": [{**item(), "colour": "red"}]}, "line_items[0][colour]"),
        ({"line_items": [item(), *priced(colour="red")]}, "line_items[1][price_data][colour]"),
        (
            {"line_items": priced(product_data={"name": "Appointment", "colour": "red"})},
            "line_items[0][price_data][product_data][colour]",
        ),
    ],
)
def test_an_unknown_parameter_is_refused_however_deep(shop: Shop, changes: dict[str, Any], param: str) -> None:
    assert refusal(shop, "/v1/checkout/sessions", appointment(**changes)) == (400, "parameter_unknown", param)


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"mode": "nonsense"}, "mode"),
        ({"locale": "xx"}, "locale"),
        ({"payment_method_types": ["nonsense"]}, "payment_method_types[0]"),
        ({"payment_method_types": ["card", "nonsense"]}, "payment_method_types[1]"),
        ({"line_items": priced(tax_behavior="nonsense")}, "line_items[0][price_data][tax_behavior]"),
    ],
)
def test_a_value_that_an_enumeration_lacks_is_refused(shop: Shop, changes: dict[str, Any], param: str) -> None:
    assert refusal(shop, "/v1/checkout/sessions", appointment(**changes)) == (400, None, param)


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"mode": None}, "mode"),
        ({"line_items": None}, "line_items"),
        ({"line_items": priced(currency=None)}, "line_items[0][price_data][currency]"),
        ({"line_items": priced(product_data={})}, "line_items[0][price_data][product_data]"),
        (
            {"line_items": priced(product_data={"description": "One"})},
            "line_items[0][price_data][product_data][name]",
        ),
    ],
)
def test_a_parameter_that_is_required_and_missing_is_refused(shop: Shop, changes: dict[str, Any], param: str) -> None:
    assert refusal(shop, "/v1/checkout/sessions", appointment(**changes)) == (400, "parameter_missing", param)


@pytest.mark.parametrize(
    ("path", "form", "expected"),
    [
        ("/v1/refunds", {"charge": "ch_1", "reason": "regret"}, (400, None, "reason")),
        ("/v1/checkout/sessions", appointment(metadata=""), (400, None, "metadata")),
        ("/v1/checkout/sessions", appointment(client_reference_id=""), (400, EMPTY, "client_reference_id")),
        ("/v1/refunds", {"charge": "ch_1", "metadata": {"a": {"b": "c"}}}, (400, None, "metadata[a]")),
        ("/v1/accounts", {"controller": {"fees": {"payer": "nobody"}}}, (400, None, "controller[fees][payer]")),
        (
            "/v1/accounts",
            {"controller": {"fees": {"colour": "red"}}},
            (400, "parameter_unknown", "controller[fees][colour]"),
        ),
        ("/v1/account_links", {"account": "acct_1"}, (400, "parameter_missing", "refresh_url")),
        ("/v1/account_links", {"type": "account_update"}, (400, "parameter_missing", "account")),
        ("/v1/webhook_endpoints", {"url": "https://app.example"}, (400, "parameter_missing", "enabled_events")),
    ],
)
def test_every_endpoint_refuses_alike(
    shop: Shop, path: str, form: dict[str, Any], expected: tuple[int, str | None, str]
) -> None:
    assert refusal(shop, path, form) == expected


@pytest.mark.controls
@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"after_expiration": {"recovery": {"enabled": True}}}, "after_expiration"),
        ({"payment_method_types": ["card", "klarna"]}, "payment_method_types[1]=klarna"),
        ({"ui_mode": "embedded_page"}, "ui_mode=embedded_page"),
        ({"line_items": priced(recurring={"interval": "day"})}, "line_items[0][price_data][recurring]"),
    ],
)
def test_what_stripe_knows_and_the_stand_in_does_not_is_refused_as_not_simulated(
    shop: Shop, changes: dict[str, Any], param: str
) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="The Stripe stand-in does not simulate") as caught:
        shop.offer(**changes)
    assert (caught.value.http_status, caught.value.code, caught.value.param) == (400, None, param)


# --- the version ----------------------------------------------------------------------------------------------------


@pytest.mark.controls
def test_what_an_empty_text_would_unset_at_stripe_is_refused_as_not_simulated(shop: Shop) -> None:
    form = {"url": "https://app.example", "enabled_events": ["*"], "description": ""}
    assert refusal(shop, "/v1/webhook_endpoints", form) == (400, None, "description=")


@pytest.mark.controls
@pytest.mark.parametrize("path", ["/v1/checkout/sessions", "/v1/nothing"])
def test_a_request_of_another_version_is_refused_since_only_one_is_played(shop: Shop, path: str) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        shop.client.raw_request("post", path, **appointment(), stripe_version="2026-10-28.endive")
    assert caught.value.http_status == 400
    assert caught.value.user_message == (
        "The Stripe stand-in plays version 2026-08-26.dahlia of Stripe's API alone, and this request asks for "
        "2026-10-28.endive (Stripe-Version). Stripe would serve it."
    )


@pytest.mark.controls
def test_a_refused_version_leaves_its_idempotency_key_free(shop: Shop) -> None:
    with pytest.raises(stripe.InvalidRequestError):
        shop.client.raw_request(
            "post",
            "/v1/checkout/sessions",
            **appointment(),
            idempotency_key="key-1",
            stripe_version="2020-08-27",
        )
    assert shop.offer(key="key-1")["status"] == "open"


@pytest.mark.controls
def test_a_request_without_a_version_is_served_in_the_one_that_is_played(standin: StripeStandIn) -> None:
    answer = standin.request("GET", "/v1/refunds", {"Authorization": f"Bearer {standin.secret_key}"}, b"")
    assert (answer.status, answer.headers["Stripe-Version"]) == (200, API_VERSION)


def test_answers_carry_a_request_id_and_the_version_that_was_asked_for(standin: StripeStandIn) -> None:
    response = client_of(standin).raw_request("get", "/v1/checkout/sessions", stripe_version=API_VERSION)
    assert response.headers["Request-Id"].startswith("req_")
    assert response.headers["stripe-version"] == API_VERSION


# --- tables of types ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("created", TimeRange()),
        ("payment_intent", Text()),
        ("limit", Integer()),
        ("expand", ListOf(Text())),
        ("status", Choice(("complete", "expired", "open"))),
    ],
)
def test_a_parameter_is_read_as_the_librarys_type_has_it(name: str, kind: Kind) -> None:
    made = table(checkout.SessionListParams, {name: AS_TYPED})
    assert made.fields == {name: kind}


def test_a_table_knows_what_is_simulated_what_is_not_and_what_is_required() -> None:
    made = table(
        params.WebhookEndpointCreateParams,
        {"enabled_events": Only(("*",)), "url": Url(), "metadata": AS_TYPED, "connect": AS_TYPED},
    )
    assert (made.required, made.not_simulated) == (
        ("enabled_events", "url"),
        frozenset({"api_version", "description", "expand"}),
    )
    assert (made.fields["url"], made.fields["connect"]) == (Url(), Boolean())
    events = made.fields["enabled_events"]
    assert isinstance(events, ListOf)
    assert isinstance(events.item, Choice)
    assert events.item.values == ("*",)
    assert "charge.captured" in events.item.not_simulated


def test_a_record_in_a_list_keeps_what_its_type_requires() -> None:
    price = Fields({"currency": Text(3)})
    made = table(checkout.SessionCreateParams, {"line_items": Fields({"price_data": price}, required=("price_data",))})
    items = made.fields["line_items"]
    assert isinstance(items, ListOf)
    assert isinstance(items.item, Record)
    assert items.item.required == ("price_data",)
    inner = items.item.fields["price_data"]
    assert isinstance(inner, Record)
    assert (inner.fields, inner.required) == ({"currency": Text(3)}, ("currency",))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"url": AS_TYPED}, "requires \\['enabled_events'\\], which must be simulated"),
        ({"url": AS_TYPED, "enabled_events": AS_TYPED, "colour": AS_TYPED}, "has no \\['colour'\\]"),
        ({"url": AS_TYPED, "enabled_events": Only(("nonsense",))}, "cannot be simulated by Only"),
        ({"url": Integer(), "enabled_events": AS_TYPED}, "cannot be simulated by Integer"),
    ],
)
def test_a_table_that_is_unlike_the_librarys_type_cannot_be_made(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        table(params.WebhookEndpointCreateParams, fields)


def test_what_an_empty_text_unsets_at_stripe_is_known_to_the_table() -> None:
    made = table(
        params.WebhookEndpointUpdateParams,
        {"description": AS_TYPED, "url": Url(), "metadata": Metadata(unsets=True)},
    )
    assert made.fields == {
        "description": Text(emptyable=True),
        "url": Url(),
        "metadata": Metadata(unsets=True, emptyable=True),
    }


def test_the_methods_of_the_librarys_enumeration_are_simulated_or_known() -> None:
    methods = CHECKOUT_SESSION_CREATE.fields["payment_method_types"]
    assert isinstance(methods, ListOf)
    assert isinstance(methods.item, Choice)
    assert methods.item.values == ("card", "link", *BANK_DEBITS)
    assert {"alipay", "klarna", "paypal"} <= set(methods.item.not_simulated)
