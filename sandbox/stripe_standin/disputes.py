"""Disputes of charges, from the bank's first word to its last. https://docs.stripe.com/disputes/how-disputes-work."""

from datetime import timedelta

from sandbox.stripe_standin import balance
from sandbox.stripe_standin.currencies import SUPPORTED
from sandbox.stripe_standin.errors import JsonObject
from sandbox.stripe_standin.world import Books, ControlError, World

TIME_TO_ANSWER = int(timedelta(days=7).total_seconds())
BLOCKING = frozenset({"needs_response", "under_review", "lost"})
CLOSINGS = {
    "won": frozenset({"needs_response", "under_review"}),
    "lost": frozenset({"needs_response", "under_review"}),
    "warning_closed": frozenset({"warning_needs_response", "warning_under_review"}),
}
UPDATES = {
    "under_review": frozenset({"needs_response"}),
    "warning_under_review": frozenset({"warning_needs_response"}),
    "needs_response": frozenset({"warning_needs_response", "warning_under_review"}),
}


def blocks_refunds(books: Books, charge: JsonObject) -> bool:
    """Tell whether the money of this charge is with the bank; an inquiry, or a dispute that was won, does not block."""
    found = [one for one in books.of_kind("dispute") if one["charge"] == charge["id"]]
    return any(one["status"] in BLOCKING for one in found)


def start(
    world: World,
    books: Books,
    charge: JsonObject,
    *,
    amount: int | None,
    reason: str,
    inquiry: bool,
    currency: str | None = None,
) -> JsonObject:
    """Dispute a succeeded charge, or `amount` of it; an inquiry takes no money yet.

    `currency`: what the bank tells it in, if not the charge's own.
    """
    taken = charge["amount"] - charge["amount_refunded"]
    if charge["status"] != "succeeded" or charge["disputed"] or taken == 0:
        message = f"charge {charge['id']} cannot be disputed: {charge['status']}, disputed {charge['disputed']}"
        raise ControlError(message)
    if amount is not None and (amount < 1 or (currency in {None, charge["currency"]} and amount > taken)):
        message = f"amount is 1 to {taken}, what is left of charge {charge['id']}"
        raise ControlError(message)
    if currency is not None and currency not in SUPPORTED:
        message = "currency is a lower-case code that Stripe knows"
        raise ControlError(message)
    dispute = books.add(new_dispute(world, charge, amount or taken, reason, inquiry=inquiry))
    dispute["currency"] = currency or charge["currency"]
    charge["disputed"] = True
    world.announce(books, "charge.dispute.created", dispute)
    if not inquiry:
        withdraw(world, books, dispute)
    return dispute


def new_dispute(world: World, charge: JsonObject, amount: int, reason: str, *, inquiry: bool) -> JsonObject:
    now = world.timestamp()
    return {
        "id": world.new_id("du" if charge["id"].startswith("py_") else "dp"),
        "object": "dispute",
        "amount": amount,
        "balance_transactions": [],
        "charge": charge["id"],
        "created": now,
        "currency": charge["currency"],
        "enhanced_eligibility_types": [],
        "evidence": {"enhanced_evidence": {}},
        "evidence_details": {
            "due_by": now + TIME_TO_ANSWER, "enhanced_eligibility": {}, "has_evidence": False, "past_due": False,
            "submission_count": 0,
        },
        "is_charge_refundable": inquiry,
        "livemode": world.livemode,
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "reason": reason,
        "status": "warning_needs_response" if inquiry else "needs_response",
    }  # fmt: skip


def withdraw(world: World, books: Books, dispute: JsonObject) -> None:
    fees = [balance.fee_detail("stripe_fee", balance.DISPUTE_FEE, dispute["currency"])]
    move_funds(world, books, dispute, -dispute["amount"], fees)
    world.announce(books, "charge.dispute.funds_withdrawn", dispute)


def reinstate(world: World, books: Books, dispute: JsonObject) -> None:
    fees = [balance.fee_detail("stripe_fee", -balance.DISPUTE_FEE, dispute["currency"])]
    move_funds(world, books, dispute, dispute["amount"], fees)
    world.announce(books, "charge.dispute.funds_reinstated", dispute)


def move_funds(world: World, books: Books, dispute: JsonObject, amount: int, fees: list[JsonObject]) -> None:
    dispute["balance_transactions"].append(balance.record(world, books, "adjustment", dispute, amount, fees))


def update(world: World, books: Books, dispute: JsonObject, status: str) -> None:
    """Move an open dispute on: to review, or from an inquiry to a real dispute (which takes the money)."""
    require(dispute, status, UPDATES)
    was_inquiry = dispute["is_charge_refundable"]
    previous = {"status": dispute["status"]}
    dispute.update(status=status, is_charge_refundable=status.startswith("warning_"))
    world.announce(books, "charge.dispute.updated", dispute, previous=previous)
    if was_inquiry and not dispute["is_charge_refundable"]:
        withdraw(world, books, dispute)


def close(world: World, books: Books, dispute: JsonObject, status: str) -> None:
    """End a dispute: won (the money comes back), lost, or an inquiry that came to nothing."""
    require(dispute, status, CLOSINGS)
    dispute.update(status=status, is_charge_refundable=status != "lost")
    world.announce(books, "charge.dispute.closed", dispute)
    if status == "won":
        reinstate(world, books, dispute)


def end_inquiry(world: World, books: Books, charge: JsonObject) -> None:
    """A full refund resolves an inquiry: https://docs.stripe.com/disputes/how-disputes-work#inquiries."""
    for dispute in books.of_kind("dispute"):
        if dispute["charge"] == charge["id"] and dispute["status"] in CLOSINGS["warning_closed"]:
            close(world, books, dispute, "warning_closed")


def require(dispute: JsonObject, status: str, moves: dict[str, frozenset[str]]) -> None:
    if status not in moves:
        message = f"{status!r} is not one of {', '.join(moves)}"
        raise ControlError(message)
    if dispute["status"] not in moves[status]:
        message = f"dispute {dispute['id']} is {dispute['status']}; it cannot become {status}"
        raise ControlError(message)
