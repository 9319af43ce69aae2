"""Refunds: through the API or the dashboard, whole or in part, settled at once or later, or failed in the end.

https://docs.stripe.com/refunds
"""

from sandbox.stripe_standin import balance, disputes, errors
from sandbox.stripe_standin.cards import Afterwards
from sandbox.stripe_standin.errors import JsonObject
from sandbox.stripe_standin.world import Books, ControlError, World

SETTLED = frozenset({"failed", "canceled"})
OPEN = frozenset({"pending", "requires_action"})
PENDING_REASONS = frozenset({"charge_pending", "insufficient_funds", "processing"})
"""https://docs.stripe.com/changelog/basil/2025-04-30/refund-pending-reason"""

REQUIRES_ACTION = "requires_action"
"""The payer is asked by mail where the money should go: https://docs.stripe.com/refunds#refund-object-statuses."""

MATURES_AFTER = 60
"""Seconds until a test card's refund ends by itself; Stripe says "some time later"."""

ACTION_SECONDS = 90 * 86_400


def create(world: World, books: Books, params: JsonObject) -> JsonObject:
    """Refund a charge or a PaymentIntent's charge; raises StripeError for whatever Stripe refuses."""
    charge = charge_to_refund(books, params)
    amount = refundable_amount(books, charge, params.get("amount"))
    if params.get("refund_application_fee") and not charge["application_fee"]:
        raise errors.no_application_fee(charge["id"])
    if params.get("reverse_transfer"):
        raise errors.no_transfer_to_reverse(charge["id"])
    if books.account_id in world.empty_balances:
        raise errors.balance_insufficient()
    return make(world, books, charge, amount, params)


def charge_to_refund(books: Books, params: JsonObject) -> JsonObject:
    if "charge" in params:
        return books.get("charge", params["charge"], "charge")
    if "payment_intent" not in params:
        raise errors.refund_of_nothing()
    payment_intent = books.get("payment_intent", params["payment_intent"], "payment_intent")
    if payment_intent["status"] != "succeeded":
        raise errors.no_successful_charge(payment_intent["id"])
    return books.objects[payment_intent["latest_charge"]]


def refundable_amount(books: Books, charge: JsonObject, asked: int | None) -> int:
    """Give what would be refunded, in minor units: what was asked, or all that is left."""
    if charge["status"] != "succeeded":
        raise errors.charge_not_refundable(charge)
    if disputes.blocks_refunds(books, charge):
        raise errors.charge_disputed(charge["id"])
    left = charge["amount"] - charge["amount_refunded"]
    if left == 0:
        raise errors.charge_already_refunded(charge["id"])
    if asked is not None and asked > left:
        raise errors.refund_too_large(asked, charge)
    return int(left if asked is None else asked)


def make(world: World, books: Books, charge: JsonObject, amount: int, params: JsonObject) -> JsonObject:
    refund = books.add(new_refund(world, charge, amount, params))
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount"]
    fee_back = balance.give_back_application_fee(world, charge, amount) if params.get("refund_application_fee") else 0
    fees = [balance.fee_detail("application_fee", -fee_back, charge["currency"], world.application_id)]
    refund["balance_transaction"] = balance.record(world, books, "refund", refund, -amount, fees)["id"]
    world.announce(books, "refund.created", refund)
    world.announce(books, "charge.refunded", charge)
    if charge["refunded"]:
        disputes.end_inquiry(world, books, charge)
    if charge["id"] in world.fates_of_refunds:
        world.maturing.append((world.timestamp() + MATURES_AFTER, refund["id"]))
    return refund


def mature(world: World) -> None:
    """End those refunds that their cards end by themselves, once their time has come."""
    now = world.timestamp()
    ripe = [refund_id for at, refund_id in world.maturing if at <= now]
    world.maturing = [(at, refund_id) for at, refund_id in world.maturing if at > now]
    for refund_id in ripe:
        books, refund = world.locate("refund", refund_id)
        if world.fates_of_refunds[refund["charge"]] is Afterwards.REFUND_FAILS and refund["status"] == "succeeded":
            fail(world, books, refund, "expired_or_canceled_card")
        elif refund["status"] in OPEN:
            settle(world, books, refund)


def new_refund(world: World, charge: JsonObject, amount: int, params: JsonObject) -> JsonObject:
    method = charge["payment_method_details"]["type"]
    return {
        "id": world.new_id("re" if method == "card" else "pyr"),
        "object": "refund",
        "amount": amount,
        "balance_transaction": None,
        "charge": charge["id"],
        "created": world.timestamp(),
        "currency": charge["currency"],
        "destination_details": {"type": method, **({"card": {"type": "refund"}} if method == "card" else {})},
        "metadata": params.get("metadata", {}),
        "payment_intent": charge["payment_intent"],
        "reason": params.get("reason"),
        "receipt_number": None,
        "source_transfer_reversal": None,
        "transfer_reversal": None,
        **how_far(world, charge),
    }


def hold_next(world: World, charge: JsonObject, reason: str) -> None:
    """Let the next refund of this charge wait; raises ControlError for a reason that Stripe has not."""
    require_reason(reason)
    world.next_refunds_held[charge["id"]] = reason


def require_reason(reason: str) -> None:
    known = sorted(PENDING_REASONS | {REQUIRES_ACTION})
    if reason not in known:
        message = f"a refund is not held for {reason!r}; the reasons are {', '.join(known)}"
        raise ControlError(message)


def how_far(world: World, charge: JsonObject) -> JsonObject:
    pends = world.fates_of_refunds.get(charge["id"]) is Afterwards.REFUND_PENDS
    held_for = world.next_refunds_held.pop(charge["id"], "processing" if pends else world.refunds_held_for)
    if held_for is None:
        return {"status": "succeeded"}
    if held_for in PENDING_REASONS:
        return {"status": "pending", "pending_reason": held_for}
    sent = {"email_sent_at": world.timestamp(), "email_sent_to": "payer@example.com"}
    details = {"email_sent": sent, "expires_at": world.timestamp() + ACTION_SECONDS}
    return {"status": REQUIRES_ACTION, "next_action": {"type": "display_details", "display_details": details}}


def settle(world: World, books: Books, refund: JsonObject) -> None:
    """Let a pending refund succeed."""
    require(refund, OPEN)
    change(world, books, refund, status="succeeded")


def fail(world: World, books: Books, refund: JsonObject, reason: str) -> None:
    """Let a refund fail, also days after it succeeded: the money is back in the account's balance."""
    require(refund, OPEN | {"succeeded"})
    give_money_back(world, books, refund)
    change(world, books, refund, status="failed", failure_reason=reason)
    world.announce(books, "refund.failed", refund)


def cancel(world: World, books: Books, refund: JsonObject) -> None:
    require(refund, OPEN)
    give_money_back(world, books, refund)
    change(world, books, refund, status="canceled")


def require(refund: JsonObject, statuses: frozenset[str]) -> None:
    if refund["status"] not in statuses:
        message = f"refund {refund['id']} is {refund['status']}, not {' or '.join(sorted(statuses))}"
        raise ControlError(message)


def give_money_back(world: World, books: Books, refund: JsonObject) -> None:
    charge = books.objects[refund["charge"]]
    charge["amount_refunded"] -= refund["amount"]
    charge["refunded"] = False
    returned = balance.record(world, books, "refund_failure", refund, refund["amount"], [])
    refund["failure_balance_transaction"] = returned["id"]


def change(world: World, books: Books, refund: JsonObject, **changes: str) -> None:
    previous = {name: refund.get(name) for name in changes}
    refund.pop("pending_reason", None)
    refund.pop("next_action", None)
    refund.update(changes)
    world.announce(books, "refund.updated", refund, previous=previous)
    world.announce(books, "charge.refund.updated", refund, previous=previous)
