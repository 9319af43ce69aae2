"""What happens at Stripe without us: banks, the dashboard, webhooks, and promises that Stripe breaks."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass

from typing_extensions import override

from chalicelib.gateways.stripe_events import ACCOUNT_EVENTS
from sandbox.stripe_standin import checkout as standin_checkout
from sandbox.stripe_standin.deliveries import Delivery
from sandbox.stripe_standin.errors import JsonObject
from tests.simulation.client_deeds import CARD, OfGuest
from tests.simulation.deeds import NOTHING, nth
from tests.simulation.stage import ACCOUNTS, CONNECTED, Guest, Stage

Touched = frozenset[tuple[str, str]] | None


def charges_of(stage: Stage, guest: Guest) -> list[JsonObject]:
    """Those of this guest that took money, the oldest first."""
    intents = [one["payment_intent"] for one in stage.checkouts_of(guest)]
    found = [one for one in stage.of_kind(guest.place, "charge") if one["payment_intent"] in intents]
    return [one for one in found if one["status"] == "succeeded"]


def about_charges(stage: Stage, guest: Guest, kind: str) -> list[JsonObject]:
    """The refunds or disputes of this guest's charges."""
    charges = {one["id"] for one in charges_of(stage, guest)}
    return [one for one in stage.of_kind(guest.place, kind) if one["charge"] in charges]


def is_at_the_bank(page: JsonObject) -> bool:
    """Whether it is paid by a debit that no bank has answered yet."""
    return bool(page["status"] == "complete" and page["payment_status"] == "unpaid")


def note_bank(stage: Stage, place: str, *, succeeded: bool) -> None:
    """For the table of states: what the bank said, and whether in time."""
    session = stage.session_at(place)
    when = "after the end" if session is None or stage.now() >= session.end_time else "in time"
    stage.reach(f"processing, then {'paid' if succeeded else 'failed'} {when}")


def is_asked_about(stage: Stage, charge: JsonObject) -> bool:
    """Whether a bank inquires about it, which takes no money yet."""
    found = (one for books in stage.stripe.all_books for one in books.of_kind("dispute"))
    return any(one["charge"] == charge["id"] and one["status"].startswith("warning_n") for one in found)


def note_if_away(stage: Stage, charge: JsonObject, what: str) -> None:
    """For the table of states: what happens on an account that nobody can see is told by nobody."""
    if stage.is_away(stage.account_of(charge["id"])):
        stage.reach(f"{what} while the account was away")


class AtStripeOnly:
    """Changes nothing of ours."""

    __slots__ = ()

    def touches(self, stage: Stage) -> Touched:
        return frozenset()


@dataclass(frozen=True, slots=True)
class BankAnswers(AtStripeOnly, OfGuest):
    succeeded: bool

    @override
    def __str__(self) -> str:
        return f"the bank debit of {self.guest} {'succeeds' if self.succeeded else 'fails'}"

    def do(self, stage: Stage) -> str:
        books = stage.books_at(self.guest.place)
        intents = [books.get(one["payment_intent"] or "") for one in stage.checkouts_of(self.guest)]
        waiting = [one for one in intents if one and one["status"] == "processing"]
        if not waiting:
            return NOTHING
        stage.stripe.settle_delayed(waiting[0]["id"], succeeded=self.succeeded)
        if self.succeeded and stage.is_away(stage.account_of(waiting[0]["id"])):
            stage.reach("a page paid that nobody can see")
        note_bank(stage, self.guest.place, succeeded=self.succeeded)
        return "done"


@dataclass(frozen=True, slots=True)
class DashboardRefund(AtStripeOnly, OfGuest):
    charge: int = 0
    amount: int | None = None

    @override
    def __str__(self) -> str:
        return (
            f"the clinic refunds {self.amount or 'the rest'} of charge {self.charge} of {self.guest} in the dashboard"
        )

    def do(self, stage: Stage) -> str:
        charge = nth(charges_of(stage, self.guest), self.charge)
        if charge is None:
            return NOTHING
        inquiry = is_asked_about(stage, charge)
        stage.stripe.refund_in_dashboard(charge["id"], self.amount)
        stage.reach("refunded in the dashboard")
        note_if_away(stage, charge, "refunded in the dashboard")
        if inquiry:
            stage.reach("refunded in the dashboard in an inquiry")
        return "done"


@dataclass(frozen=True, slots=True)
class RefundsTakeTime(AtStripeOnly):
    pending: bool

    @override
    def __str__(self) -> str:
        return f"refunds from now on {'are pending at first' if self.pending else 'succeed at once'}"

    def do(self, stage: Stage) -> str:
        stage.stripe.set_refunds_pending(pending=self.pending)
        return "done"


@dataclass(frozen=True, slots=True)
class RefundEnds(AtStripeOnly, OfGuest):
    """`end`: settle, fail or cancel."""

    refund: int
    end: str

    @override
    def __str__(self) -> str:
        return f"refund {self.refund} of {self.guest} comes to its end: {self.end}"

    def do(self, stage: Stage) -> str:
        refund = nth(about_charges(stage, self.guest, "refund"), self.refund)
        if refund is None:
            return NOTHING
        stripe = stage.stripe
        {"settle": stripe.settle_refund, "fail": stripe.fail_refund, "cancel": stripe.cancel_refund}[self.end](
            refund["id"]
        )
        if self.end == "fail":
            stage.reach("a refund failed")
            note_if_away(stage, refund, "a refund failed")
            self._note(stage, refund)
        return "done"

    def _note(self, stage: Stage, refund: JsonObject) -> None:
        newer = [one for one in charges_of(stage, self.guest) if one["created"] > refund["created"]]
        if str(refund["metadata"].get("anteroom_refund", "")).startswith("auto-") and newer:
            stage.reach("a refund by rule failed after another payment")


@dataclass(frozen=True, slots=True)
class RefundForged(AtStripeOnly, OfGuest):
    """The clinic gives back itself, in full, what somebody paid that was not asked for."""

    @override
    def __str__(self) -> str:
        return f"the clinic refunds in the dashboard what was paid under the ids of {self.guest}"

    def do(self, stage: Stage) -> str:
        pages = [one for one in stage.of_kind(self.guest.place, "checkout.session") if one["id"] in stage.notes.forged]
        forged = {one["payment_intent"] for one in pages}
        charges = [one for one in stage.of_kind(self.guest.place, "charge") if one["payment_intent"] in forged]
        left = [one for one in charges if one["amount_refunded"] < one["amount"] and one["status"] == "succeeded"]
        if not left:
            return NOTHING
        stage.stripe.refund_in_dashboard(left[-1]["id"], None)
        stage.reach("a payment that is not ours refunded in full")
        return "done"


@dataclass(frozen=True, slots=True)
class PayDespiteExpiry(AtStripeOnly, OfGuest):
    """Stripe breaks a promise: an expired Checkout Session is paid."""

    page: int = 0

    @override
    def __str__(self) -> str:
        return f"Stripe lets {self.guest} pay on page {self.page}, although it has expired"

    def do(self, stage: Stage) -> str:
        page = nth(stage.checkouts_of(self.guest), self.page)
        if page is None or page["status"] != "expired":
            return NOTHING
        stage.notes.promise_broken.add(self.guest)
        outcome = stage.stripe.force_pay(page["id"], CARD)
        stage.reach("paid although expired")
        return outcome.status


@dataclass(frozen=True, slots=True)
class StaysOpen(AtStripeOnly, OfGuest):
    """Stripe breaks a promise: an expired Checkout Session is open again, beside the newer one."""

    page: int = 0

    @override
    def __str__(self) -> str:
        return f"Stripe opens the expired page {self.page} of {self.guest} again"

    def do(self, stage: Stage) -> str:
        page = nth(stage.checkouts_of(self.guest), self.page)
        if page is None or page["status"] != "expired" or page["expires_at"] <= stage.now().timestamp():
            return NOTHING
        stage.notes.promise_broken.add(self.guest)
        page.update(status="open", url=f"https://pay.example/c/pay/{page['id']}")
        stage.stripe.world.changes += 1
        stage.reach("two pages could be paid at once")
        return "done"


@dataclass(frozen=True, slots=True)
class Forge(AtStripeOnly, OfGuest):
    """Somebody writes our ids into a Checkout Session of their own, for another amount or on another account."""

    amount: int
    elsewhere: bool

    @override
    def __str__(self) -> str:
        where = "on the other clinic's account" if self.elsewhere else "on the clinic's own account"
        return f"somebody pays {self.amount} under the ids of {self.guest} {where}"

    def do(self, stage: Stage) -> str:
        model, participant = nth(stage.checkouts_of(self.guest), -1), stage.participant_at(self.guest)
        if model is None or participant is None:
            return NOTHING
        if any(attempt.checkout_session_id is None for attempt in participant.history.attempts):
            # Before ours is known by its own id, nothing tells it from one with the same reference on the same account.
            return NOTHING
        account = stage.account_of(model["id"])
        if self.elsewhere:
            account = stage.stripe.account_id if account in ACCOUNTS else CONNECTED
        books = stage.books_named(account)
        price = {"currency": "aud", "unit_amount": self.amount, "product_data": {"name": "x"}}
        made = standin_checkout.create(
            stage.stripe.world,
            books,
            {
                "mode": "payment",
                "line_items": [{"quantity": 1, "price_data": price}],
                "success_url": "https://elsewhere.example",
                "metadata": dict(model["metadata"]),
                "client_reference_id": model["client_reference_id"],
                "payment_intent_data": {"metadata": dict(model["metadata"])},
            },
        )
        stage.notes.forged.add(made["id"])
        stage.stripe.pay(made["id"], CARD)
        stage.reach("a payment that is not ours")
        return "done"


READ = ("amount", "amount_total", "amount_captured")
"""What every event's object must say in one of these fields."""


@dataclass(frozen=True, slots=True)
class Poison(AtStripeOnly):
    """A webhook that is waiting turns out to be written as the product cannot read it."""

    which: int

    @override
    def __str__(self) -> str:
        return f"webhook {self.which} cannot be read"

    def do(self, stage: Stage) -> str:
        delivery = nth(stage.undelivered(), self.which)
        if delivery is None or delivery.event_type in ACCOUNT_EVENTS:
            return NOTHING
        written = json.loads(delivery.body)
        thing = written["data"]["object"]
        for name in READ:
            thing.pop(name, None)
        delivery.body = json.dumps(written).encode()
        stage.notes.poisoned.add(delivery.event_id)
        return delivery.event_type


# --- webhooks -----------------------------------------------------------------------------------------------------


def owner_of(stage: Stage, delivery: Delivery) -> frozenset[tuple[str, str]]:
    """Whose item an event may change: told by the ids in the metadata of the payment behind it."""
    if delivery.event_type in ACCOUNT_EVENTS:
        return frozenset()
    account_id, event = stage.event_of(delivery)
    thing, objects = event["data"]["object"], stage.books_named(account_id).objects
    bearer = thing if thing["object"] in {"checkout.session", "charge"} else objects[thing["payment_intent"]]
    metadata = bearer["metadata"]
    key = (metadata.get("anteroom_team"), metadata.get("anteroom_participant", "")[:-2] + "00")
    return frozenset({key}) if key[0] else frozenset()


def team_told(stage: Stage, delivery: Delivery | None) -> frozenset[str]:
    """The team that an event may change: whose account it is about, if it is about an account at all."""
    if delivery is None or delivery.event_type not in ACCOUNT_EVENTS:
        return frozenset()
    team_id = stage.team_of(stage.event_of(delivery)[0])
    return frozenset({team_id}) if team_id else frozenset()


@dataclass(frozen=True, slots=True)
class Deliver:
    """One webhook that is waiting; `again`: one that was delivered already, perhaps days ago."""

    which: int
    again: bool = False

    @override
    def __str__(self) -> str:
        return f"webhook {self.which} arrives{' once more' if self.again else ''}"

    def found(self, stage: Stage) -> Delivery | None:
        return nth(stage.stripe.mailroom.deliveries if self.again else stage.undelivered(), self.which)

    def touches(self, stage: Stage) -> Touched:
        delivery = self.found(stage)
        return owner_of(stage, delivery) if delivery else frozenset()

    def teams(self, stage: Stage) -> frozenset[str]:
        return team_told(stage, self.found(stage))

    def do(self, stage: Stage) -> str:
        delivery = self.found(stage)
        if delivery is None:
            return NOTHING
        return f"{delivery.event_type}: {stage.send(delivery)}"


@dataclass(frozen=True, slots=True)
class DeliverAll:
    """Everything that is waiting, in an order drawn from `order` (0: as it happened)."""

    order: int = 0

    @override
    def __str__(self) -> str:
        return f"all webhooks arrive{f', shuffled ({self.order})' if self.order else ''}"

    def touches(self, stage: Stage) -> Touched:
        return None

    def teams(self, stage: Stage) -> frozenset[str]:
        return frozenset().union(*(team_told(stage, one) for one in stage.undelivered()))

    def do(self, stage: Stage) -> str:
        waiting = stage.undelivered()
        if self.order:
            random.Random(self.order).shuffle(waiting)
        told = [f"{one.event_type}: {stage.send(one)}" for one in waiting]
        return ", ".join(told) or NOTHING
