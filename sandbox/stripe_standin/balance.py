"""Money facts: balance transactions, Stripe's own fee, and the platform's application fees. Integers only.

Stripe's fee here is 1.75 % rounded half up, plus 30 minor units: an example of the real thing, not a price list.
"""

from sandbox.stripe_standin.errors import JsonObject
from sandbox.stripe_standin.world import Books, World

STRIPE_FEE_BASIS_POINTS = 175
STRIPE_FEE_FIXED = 30
DISPUTE_FEE = 2500
REPORTING_CATEGORY = {"application_fee": "platform_earning", "application_fee_refund": "platform_earning_refund"}


def share(amount: int, numerator: int, denominator: int) -> int:
    """Give amount * numerator / denominator in minor units, rounded half up; 0 of nothing."""
    return (2 * amount * numerator + denominator) // (2 * denominator) if denominator else 0


def stripe_fee(amount: int) -> int:
    return share(amount, STRIPE_FEE_BASIS_POINTS, 10_000) + STRIPE_FEE_FIXED


def fee_detail(kind: str, amount: int, currency: str, application: str | None = None) -> JsonObject:
    description = {"stripe_fee": "Stripe processing fees", "application_fee": "Application fee"}[kind]
    return {
        "amount": amount, "application": application, "currency": currency, "description": description, "type": kind,
    }  # fmt: skip


def record(
    world: World, books: Books, kind: str, source: JsonObject, amount: int, fees: list[JsonObject]
) -> JsonObject:
    """Add a balance transaction for `source`; amounts in minor units, signed as seen by this account."""
    fee = sum(one["amount"] for one in fees if one["amount"])
    now = world.timestamp()
    return books.add(
        {
            "id": world.new_id("txn"),
            "object": "balance_transaction",
            "amount": amount,
            "available_on": now,
            "balance_type": "payments",
            "created": now,
            "currency": source["currency"],
            "description": source.get("description"),
            "exchange_rate": None,
            "fee": fee,
            "fee_details": [one for one in fees if one["amount"]],
            "net": amount - fee,
            "reporting_category": REPORTING_CATEGORY.get(kind, "dispute" if kind == "adjustment" else kind),
            "source": source["id"],
            "status": "available",
            "type": kind,
        }
    )


def book_charge(world: World, books: Books, charge: JsonObject) -> None:
    """Book a succeeded charge: its balance transaction here, its application fee (if any) at the platform.

    Stripe does this a moment after `charge.succeeded`, which therefore carries neither
    (https://docs.stripe.com/payments/payment-intents/asynchronous-capture); `charge.updated` brings both.
    """
    amount, currency = charge["amount"], charge["currency"]
    for_platform = charge["application_fee_amount"] or 0
    fees = [
        fee_detail("stripe_fee", stripe_fee(amount), currency),
        fee_detail("application_fee", for_platform, currency, world.application_id),
    ]
    kind = "charge" if charge["payment_method_details"]["type"] == "card" else "payment"
    charge["balance_transaction"] = record(world, books, kind, charge, amount, fees)["id"]
    if for_platform:
        charge["application_fee"] = collect_application_fee(world, books, charge)["id"]
    previous = {"balance_transaction": None, **({"application_fee": None} if for_platform else {})}
    world.announce(books, "charge.updated", charge, previous=previous)


def collect_application_fee(world: World, books: Books, charge: JsonObject) -> JsonObject:
    fee = world.platform.add(
        {
            "id": world.new_id("fee"),
            "object": "application_fee",
            "account": books.account_id,
            "amount": charge["application_fee_amount"],
            "amount_refunded": 0,
            "application": world.application_id,
            "balance_transaction": None,
            "charge": charge["id"],
            "created": world.timestamp(),
            "currency": charge["currency"],
            "fee_source": {"charge": charge["id"], "type": "charge"},
            "livemode": world.livemode,
            "originating_transaction": None,
            "refunded": False,
            "refunds": {"object": "list", "data": [], "has_more": False, "url": "/v1/application_fees/refunds"},
        }
    )
    fee["refunds"]["url"] = f"/v1/application_fees/{fee['id']}/refunds"
    fee["balance_transaction"] = record(world, world.platform, "application_fee", fee, fee["amount"], [])["id"]
    world.announce(world.platform, "application_fee.created", fee)
    return fee


def give_back_application_fee(world: World, charge: JsonObject, amount: int) -> int:
    """Refund the application fee in proportion to what is refunded with it; answers how much.

    Believed: refunds made without it do not count, what one that failed gave back stays back, and sums are rounded
    together. https://docs.stripe.com/connect/direct-charges#issue-refunds
    """
    fee = world.platform.objects[charge["application_fee"]]
    known = world.platform.refunded_with_fee
    asked = known[fee["id"]] = known.get(fee["id"], 0) + amount
    due = min(fee["amount"], share(fee["amount"], asked, charge["amount"])) - fee["amount_refunded"]
    if due <= 0:
        return 0
    fee["amount_refunded"] += due
    fee["refunded"] = fee["amount_refunded"] == fee["amount"]
    fee["refunds"]["data"].insert(0, fee_refund(world, fee, due))
    world.announce(world.platform, "application_fee.refunded", fee)
    return int(due)


def fee_refund(world: World, fee: JsonObject, amount: int) -> JsonObject:
    return {
        "id": world.new_id("fr"),
        "object": "fee_refund",
        "amount": amount,
        "balance_transaction": record(world, world.platform, "application_fee_refund", fee, -amount, [])["id"],
        "created": world.timestamp(),
        "currency": fee["currency"],
        "fee": fee["id"],
        "metadata": {},
    }
