"""Checkout Sessions: what may be sold, how a session is made, and how it ends. Paying is in payments.py.

https://docs.stripe.com/api/checkout/sessions
"""

from datetime import timedelta
from typing import Any

from sandbox.stripe_standin import accounts, currencies, errors, methods
from sandbox.stripe_standin.errors import JsonObject, StripeError
from sandbox.stripe_standin.world import Books, Order, World

# Null in every new session.
NOT_USED = (
    "after_expiration", "allow_promotion_codes", "client_secret", "collected_information", "consent",
    "consent_collection", "currency_conversion", "customer", "customer_account", "customer_details", "invoice",
    "invoice_creation", "payment_link", "payment_method_configuration_details", "recovered_from",
    "saved_payment_method_options", "setup_intent", "shipping_address_collection", "shipping_cost", "subscription",
    "wallet_options",
)  # fmt: skip
CUSTOM_TEXTS = ("after_submit", "shipping_address", "submit", "terms_of_service_acceptance")
SHORTEST_LIFE = int(timedelta(minutes=30).total_seconds())
LONGEST_LIFE = int(timedelta(hours=24).total_seconds())


def create(world: World, books: Books, params: dict[str, Any]) -> JsonObject:
    """Make an open Checkout Session; raises StripeError for whatever Stripe refuses."""
    if params["mode"] != "payment":
        raise errors.parameter_not_simulated(f"mode={params['mode']}")
    if not params["line_items"]:
        raise errors.parameter_missing("line_items")
    accounts.require_charges(books)
    currency = single_currency(params["line_items"])
    total = sum(item["price_data"]["unit_amount"] * item["quantity"] for item in params["line_items"])
    require_chargeable(world, total, currency)
    methods.require(books, params, currency)
    require_application_fee(world, books, params.get("payment_intent_data", {}), total, currency)
    expires_at = expiry(world, params)
    session = books.add(new_session(world, params, currency, total, expires_at))
    items = [line_item(world, item, currency) for item in params["line_items"]]
    books.orders[session["id"]] = Order(items, params.get("payment_intent_data", {}))
    return session


def single_currency(line_items: list[JsonObject]) -> str:
    codes = [item["price_data"]["currency"].lower() for item in line_items]
    for index, code in enumerate(codes):
        name = f"line_items[{index}][price_data][currency]"
        if code not in currencies.SUPPORTED:
            raise errors.invalid_currency(code, currencies.SUPPORTED, name)
        if code != codes[0]:
            raise StripeError(400, "All line items must have the same currency.", param=name)
    return str(codes[0])


def require_chargeable(world: World, total: int, currency: str) -> None:
    """Hold a total of minor units against Stripe's limits: https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts."""
    minimum = world.minimum_charges.get(currency, 1)
    if total < minimum:
        raise errors.amount_too_small(minimum, currency)
    if total > currencies.largest_charge(currency):
        raise errors.amount_too_large(currencies.largest_charge(currency), currency)
    require_step(total, currency, "line_items[0][price_data][unit_amount]")


def require_step(amount: int, currency: str, param: str) -> None:
    if amount % currencies.step(currency):
        raise errors.amount_not_a_multiple(currencies.step(currency), currency, param)


def require_application_fee(world: World, books: Books, payment_intent: JsonObject, total: int, currency: str) -> None:
    fee = payment_intent.get("application_fee_amount")
    if fee is None:
        return
    if books.is_platform:
        raise errors.application_fee_without_connect()
    accounts.require_fees_from(world, books)
    if fee > total:
        raise errors.application_fee_too_large()
    require_step(fee, currency, "payment_intent_data[application_fee_amount]")


def expiry(world: World, params: JsonObject) -> int:
    """Give when the session expires: 30 minutes to 24 hours from now, 24 hours when not said."""
    now = world.timestamp()
    expires_at = int(params.get("expires_at", now + LONGEST_LIFE))
    if expires_at < now + SHORTEST_LIFE:
        raise errors.expires_too_soon()
    if expires_at > now + LONGEST_LIFE:
        raise errors.expires_too_late()
    return expires_at


def new_session(world: World, params: JsonObject, currency: str, total: int, expires_at: int) -> JsonObject:
    session_id = world.new_id("cs_live" if world.livemode else "cs_test", 58)
    return {
        "id": session_id,
        "object": "checkout.session",
        **dict.fromkeys(NOT_USED),
        "adaptive_pricing": {"enabled": params.get("adaptive_pricing", {}).get("enabled", True)},
        "amount_subtotal": total,
        "amount_total": total,
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "billing_address_collection": params.get("billing_address_collection"),
        "cancel_url": params.get("cancel_url"),
        "client_reference_id": params.get("client_reference_id"),
        "created": world.timestamp(),
        "currency": currency,
        "custom_fields": [],
        "custom_text": dict.fromkeys(CUSTOM_TEXTS),
        "customer_creation": params.get("customer_creation", "if_required"),
        "customer_email": params.get("customer_email"),
        "discounts": [],
        "expires_at": expires_at,
        "integration_identifier": params.get("integration_identifier"),
        "livemode": world.livemode,
        "locale": params.get("locale"),
        "metadata": params.get("metadata", {}),
        "mode": "payment",
        "payment_intent": None,
        "payment_method_collection": "if_required",
        "payment_method_options": params.get("payment_method_options", {}),
        "payment_method_types": params.get("payment_method_types", ["card"]),
        "payment_status": "unpaid",
        "phone_number_collection": params.get("phone_number_collection", {"enabled": False}),
        "shipping_options": [],
        "status": "open",
        "submit_type": params.get("submit_type"),
        "success_url": params["success_url"],
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        "ui_mode": "hosted_page",
        "url": f"{world.public_url}/c/pay/{session_id}",
    }  # fmt: skip


def line_item(world: World, item: JsonObject, currency: str) -> JsonObject:
    price_data = item["price_data"]
    amount = price_data["unit_amount"] * item["quantity"]
    return {
        "id": world.new_id("li"),
        "object": "item",
        "amount_discount": 0,
        "amount_subtotal": amount,
        "amount_tax": 0,
        "amount_total": amount,
        "currency": currency,
        "description": price_data["product_data"]["name"],
        "metadata": item.get("metadata", {}),
        "price": price(world, price_data, currency),
        "quantity": item["quantity"],
    }


def price(world: World, price_data: JsonObject, currency: str) -> JsonObject:
    return {
        "id": world.new_id("price"),
        "object": "price",
        "active": False,
        "billing_scheme": "per_unit",
        "created": world.timestamp(),
        "currency": currency,
        "custom_unit_amount": None,
        "livemode": world.livemode,
        "lookup_key": None,
        "metadata": {},
        "nickname": None,
        "product": world.new_id("prod", 14),
        "recurring": None,
        "tax_behavior": price_data.get("tax_behavior", "unspecified"),
        "tiers_mode": None,
        "transform_quantity": None,
        "type": "one_time",
        "unit_amount": price_data["unit_amount"],
        "unit_amount_decimal": str(price_data["unit_amount"]),
    }


def expire(world: World, books: Books, session: JsonObject, created: int | None = None) -> JsonObject:
    """End an open session unpaid, and its PaymentIntent with it; raises StripeError 400 when it isn't open."""
    if session["status"] != "open":
        raise errors.checkout_not_open(session["status"])
    session["status"] = "expired"
    session["url"] = None
    if session["payment_intent"] is not None:
        cancel_payment_intent(world, books, books.objects[session["payment_intent"]])
    world.announce(books, "checkout.session.expired", session, created=created)
    return session


def cancel_payment_intent(world: World, books: Books, payment_intent: JsonObject) -> None:
    payment_intent.update(status="canceled", canceled_at=world.timestamp(), cancellation_reason="expired")
    world.announce(books, "payment_intent.canceled", payment_intent)


def expire_overdue(world: World) -> None:
    """Expire what the clock has passed by, as of its own `expires_at`."""
    now = world.timestamp()
    for books, session in list(world.everywhere("checkout.session")):
        if session["status"] == "open" and session["expires_at"] <= now:
            expire(world, books, session, created=session["expires_at"])
