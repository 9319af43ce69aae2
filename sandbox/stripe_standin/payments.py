"""Paying a Checkout Session: test cards and bank debits, PaymentIntents, charges, and the late end of a debit.

Cards: https://docs.stripe.com/testing#cards. A bank debit completes the session at once and pays it later, or never
(https://docs.stripe.com/payments/checkout/fulfill-orders#delayed-notification).
"""

from dataclasses import dataclass
from typing import Literal

from sandbox.stripe_standin import balance, disputes
from sandbox.stripe_standin.cards import CARDS, NOT_AUTHENTICATED, Afterwards, Decline, digits
from sandbox.stripe_standin.errors import JsonObject
from sandbox.stripe_standin.parameter_tables import BANK_DEBITS
from sandbox.stripe_standin.world import Books, ControlError, World

# Null in every new PaymentIntent, and in every new charge.
INTENT_NOT_USED = (
    "automatic_payment_methods", "customer", "customer_account", "next_action", "on_behalf_of",
    "payment_method_configuration_details", "review", "setup_future_usage", "shipping", "transfer_data",
)  # fmt: skip
CHARGE_NOT_USED = (
    "application_fee", "balance_transaction", "calculated_statement_descriptor", "customer",
    "failure_balance_transaction", "failure_code", "failure_message", "on_behalf_of", "outcome", "receipt_number",
    "receipt_url", "review", "shipping", "source_transfer", "transfer_data",
)  # fmt: skip

# What charges of a debit always tell beside the account's last digits.
BANKS = {"nz_bank_account": {"bank_code": "12", "bank_name": "Test Bank", "branch_code": "3456"}}


@dataclass(frozen=True)
class Outcome:
    """What the payer learns: where to go next, or why not. `charge_id` empty: none was made."""

    status: Literal["paid", "declined", "processing"]
    payment_intent_id: str
    charge_id: str
    redirect_url: str | None = None
    message: str | None = None


class CheckoutClosedError(ControlError):
    """The Checkout Session is not open: it was completed, or it expired."""

    def __init__(self, checkout_session_id: str, status: str) -> None:
        super().__init__(f"Checkout Session {checkout_session_id} is {status}; only an open one can be paid")
        self.checkout_session_id = checkout_session_id
        self.status = status


class UnknownCardError(ControlError):
    """Neither a test card of the stand-in nor a payment method that this session takes."""


def pay(
    world: World, books: Books, session: JsonObject, card: str, *, force: bool = False, authenticated: bool = True
) -> Outcome:
    """Try to pay with a test card's number or a bank debit's name; `force` pays an expired session all the same.

    `authenticated`: what the payer answers where the card asks for 3-D Secure.
    """
    require_open(session, force=force)
    method = method_of(session, card)
    payment_intent = payment_intent_for(world, books, session)
    if method == "card" and CARDS[digits(card)].asks and not authenticated:
        return not_authenticated(world, books, payment_intent)
    payment_intent["next_action"] = None
    charge = new_charge(world, books, session, payment_intent, method, card)
    payment_intent["latest_charge"] = charge["id"]
    payment_intent["payment_method"] = charge["payment_method"]
    if method != "card":
        return start_debit(world, books, session, payment_intent, charge)
    kind = CARDS[digits(card)]
    if kind.decline is not None:
        return declined(world, books, payment_intent, charge, kind.decline)
    outcome = paid(world, books, session, payment_intent, charge)
    if kind.afterwards is not None:
        happen(world, books, charge, kind.afterwards)
    return outcome


def require_open(session: JsonObject, *, force: bool = False) -> None:
    if session["status"] != "open" and not (force and session["status"] == "expired"):
        raise CheckoutClosedError(session["id"], session["status"])


def happen(world: World, books: Books, charge: JsonObject, afterwards: Afterwards) -> None:
    """What the card is known for: the bank's word comes at once, a refund's fate when one is made."""
    if afterwards in {Afterwards.REFUND_PENDS, Afterwards.REFUND_FAILS}:
        world.fates_of_refunds[charge["id"]] = afterwards
        return
    inquiry = afterwards is Afterwards.INQUIRY
    disputes.start(world, books, charge, amount=None, reason=_REASONS.get(afterwards, "fraudulent"), inquiry=inquiry)


_REASONS = {Afterwards.NOT_RECEIVED: "product_not_received", Afterwards.NONCOMPLIANT: "noncompliant"}


def ask_to_authenticate(world: World, books: Books, session: JsonObject, card: str) -> None:
    """Let the bank ask the payer (3-D Secure), https://docs.stripe.com/payments/3d-secure: nothing is charged yet."""
    require_open(session)
    method_of(session, card)
    payment_intent = payment_intent_for(world, books, session)
    action = {"type": "use_stripe_sdk", "use_stripe_sdk": {"type": "three_d_secure_redirect"}}
    payment_intent.update(status="requires_action", next_action=action, payment_method=world.new_id("pm"))
    world.announce(books, "payment_intent.requires_action", payment_intent)


def not_authenticated(world: World, books: Books, payment_intent: JsonObject) -> Outcome:
    error = {"code": NOT_AUTHENTICATED.code, "message": NOT_AUTHENTICATED.message, "type": "invalid_request_error"}
    payment_intent.update(
        status="requires_payment_method", next_action=None, payment_method=None, last_payment_error=error
    )
    world.announce(books, "payment_intent.payment_failed", payment_intent)
    return Outcome("declined", payment_intent["id"], "", message=NOT_AUTHENTICATED.message)


def method_of(session: JsonObject, card: str) -> str:
    """Tell card from bank debit; raises UnknownCardError with what would be taken."""
    taken = session["payment_method_types"]
    if digits(card) in CARDS and {"card", "link"} & set(taken):
        return "card"
    if card in BANK_DEBITS and card in taken:
        return card
    known = [*CARDS, *(method for method in taken if method in BANK_DEBITS)]
    message = f"{card[:40]!r} is not a test card of the stand-in; this session takes {', '.join(known)}"
    raise UnknownCardError(message)


def payment_intent_for(world: World, books: Books, session: JsonObject) -> JsonObject:
    """Give the session's PaymentIntent; it is made when paying starts, as Stripe makes it."""
    known = books.objects.get(session["payment_intent"] or "")
    if known is not None and known["status"] != "canceled":
        return known
    made = books.add(new_payment_intent(world, books, session))
    session["payment_intent"] = made["id"]
    world.announce(books, "payment_intent.created", made)
    return made


def new_payment_intent(world: World, books: Books, session: JsonObject) -> JsonObject:
    asked = books.orders[session["id"]].payment_intent
    intent_id = world.new_id("pi")
    return {
        "id": intent_id,
        "object": "payment_intent",
        **dict.fromkeys(INTENT_NOT_USED),
        "amount": session["amount_total"],
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "application": None if books.is_platform else world.application_id,
        "application_fee_amount": asked.get("application_fee_amount"),
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": "automatic_async",
        "client_secret": f"{intent_id}_secret_{world.new_id('s', 16)}",
        "confirmation_method": "automatic",
        "created": world.timestamp(),
        "currency": session["currency"],
        "description": asked.get("description"),
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": world.livemode,
        "metadata": dict(asked.get("metadata", {})),
        "payment_method": None,
        "payment_method_options": {},
        "payment_method_types": list(session["payment_method_types"]),
        "processing": None,
        "receipt_email": asked.get("receipt_email"),
        "statement_descriptor": asked.get("statement_descriptor"),
        "statement_descriptor_suffix": asked.get("statement_descriptor_suffix"),
        "status": "requires_payment_method",
        "transfer_group": asked.get("transfer_group"),
    }


def new_charge(
    world: World, books: Books, session: JsonObject, payment_intent: JsonObject, method: str, card: str
) -> JsonObject:
    """Make a charge that is still pending; what becomes of it is the caller's to say."""
    charge_id = world.new_id("ch" if method == "card" else "py")
    return books.add(
        {
            "id": charge_id,
            "object": "charge",
            **dict.fromkeys(CHARGE_NOT_USED),
            "amount": payment_intent["amount"],
            "amount_captured": 0,
            "amount_refunded": 0,
            "application": payment_intent["application"],
            "application_fee_amount": payment_intent["application_fee_amount"],
            "billing_details": billing_details(session["customer_email"]),
            "captured": True,
            "created": world.timestamp(),
            "currency": payment_intent["currency"],
            "description": payment_intent["description"],
            "disputed": False,
            "fraud_details": {},
            "livemode": world.livemode,
            "metadata": dict(payment_intent["metadata"]),
            "paid": False,
            "payment_intent": payment_intent["id"],
            "payment_method": world.new_id("pm"),
            "payment_method_details": method_details(method, card),
            "receipt_email": payment_intent["receipt_email"],
            "refunded": False,
            "statement_descriptor": payment_intent["statement_descriptor"],
            "statement_descriptor_suffix": payment_intent["statement_descriptor_suffix"],
            "status": "pending",
            "transfer_group": payment_intent["transfer_group"],
        }
    )  # fmt: skip


def billing_details(email: str | None) -> JsonObject:
    address = dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"))
    return {"address": address, "email": email, "name": None, "phone": None, "tax_id": None}


def method_details(method: str, card: str) -> JsonObject:
    if method != "card":
        return {"type": method, method: {"last4": "3456", **BANKS.get(method, {})}}
    number = digits(card)
    brand = CARDS[number].brand
    details = {"brand": brand, "country": "US", "exp_month": 12, "exp_year": 2040, "funding": "credit"}
    return {"type": "card", "card": {**details, "last4": number[-4:], "network": brand, "wallet": None}}


def paid(world: World, books: Books, session: JsonObject, payment_intent: JsonObject, charge: JsonObject) -> Outcome:
    succeed(world, books, payment_intent, charge)
    complete(session, payment_status="paid")
    world.announce(books, "checkout.session.completed", session)
    balance.book_charge(world, books, charge)
    return Outcome("paid", payment_intent["id"], charge["id"], redirect_url=success_url(session))


def succeed(world: World, books: Books, payment_intent: JsonObject, charge: JsonObject) -> None:
    charge.update(
        status="succeeded",
        paid=True,
        amount_captured=charge["amount"],
        outcome=outcome("authorized", "approved_by_network", "Payment complete."),
        receipt_url=f"{world.public_url}/receipts/{charge['id']}",
    )
    payment_intent.update(
        status="succeeded", amount_received=charge["amount"], last_payment_error=None, processing=None
    )
    world.announce(books, "charge.succeeded", charge)
    world.announce(books, "payment_intent.succeeded", payment_intent)


def start_debit(
    world: World, books: Books, session: JsonObject, payment_intent: JsonObject, charge: JsonObject
) -> Outcome:
    charge["outcome"] = outcome("authorized", "approved_by_network", "Payment complete.")
    payment_intent.update(status="processing", last_payment_error=None)
    complete(session, payment_status="unpaid")
    world.announce(books, "charge.pending", charge)
    world.announce(books, "payment_intent.processing", payment_intent)
    world.announce(books, "checkout.session.completed", session)
    return Outcome("processing", payment_intent["id"], charge["id"], redirect_url=success_url(session))


def declined(world: World, books: Books, payment_intent: JsonObject, charge: JsonObject, decline: Decline) -> Outcome:
    fail(world, books, payment_intent, charge, decline)
    return Outcome("declined", payment_intent["id"], charge["id"], message=decline.message)


def fail(world: World, books: Books, payment_intent: JsonObject, charge: JsonObject, decline: Decline) -> None:
    charge.update(
        status="failed",
        captured=False,
        failure_code=decline.code,
        failure_message=decline.message,
        outcome=outcome("issuer_declined", "declined_by_network", "The bank did not approve the payment."),
    )
    payment_intent.update(
        status="requires_payment_method", payment_method=None, last_payment_error=payment_error(charge, decline)
    )
    world.announce(books, "charge.failed", charge)
    world.announce(books, "payment_intent.payment_failed", payment_intent)


def payment_error(charge: JsonObject, decline: Decline) -> JsonObject:
    error = {"charge": charge["id"], "code": decline.code, "message": decline.message, "type": "card_error"}
    return {**error, **({"decline_code": decline.decline_code} if decline.decline_code else {})}


def outcome(kind: str, network_status: str, seller_message: str) -> JsonObject:
    return {
        "advice_code": None, "network_advice_code": None, "network_decline_code": None,
        "network_status": network_status, "reason": None, "seller_message": seller_message, "type": kind,
    }  # fmt: skip


def complete(session: JsonObject, *, payment_status: str) -> None:
    email = session["customer_email"]
    details = {"address": None, "email": email, "name": None, "phone": None, "tax_exempt": "none", "tax_ids": []}
    session.update(status="complete", payment_status=payment_status, url=None, customer_details=details)


def success_url(session: JsonObject) -> str:
    """Give where the payer goes after paying, with Stripe's placeholder filled in."""
    return str(session["success_url"]).replace("{CHECKOUT_SESSION_ID}", session["id"])


def settle_delayed(world: World, books: Books, payment_intent: JsonObject, *, succeeded: bool) -> None:
    """Bring the bank's late answer on a debit; raises ControlError when none is awaited."""
    if payment_intent["status"] != "processing":
        message = f"PaymentIntent {payment_intent['id']} is {payment_intent['status']}, not processing"
        raise ControlError(message)
    charge = books.objects[payment_intent["latest_charge"]]
    session = next(one for one in books.of_kind("checkout.session") if one["payment_intent"] == payment_intent["id"])
    if succeeded:
        succeed(world, books, payment_intent, charge)
        session["payment_status"] = "paid"
        world.announce(books, "checkout.session.async_payment_succeeded", session)
        balance.book_charge(world, books, charge)
    else:
        reason = Decline("insufficient_funds", "The customer's account has insufficient funds to cover this payment.")
        fail(world, books, payment_intent, charge, reason)
        world.announce(books, "checkout.session.async_payment_failed", session)
