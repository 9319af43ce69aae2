"""What a bank, a payer or the clinic's own staff do to a payment: each deed finds what it is done to, and does it.

The newest charge that fits is taken; docs/sandbox.md has the table. Raises ControlError for what cannot be.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from sandbox.stripe_standin import disputes, payments, refunds
from sandbox.stripe_standin.errors import JsonObject
from sandbox.stripe_standin.world import Books, ControlError, World

PARTICIPANT = "anteroom_participant"
"""The name under which the product writes whose payment it is into Stripe's metadata."""

CLOSED_DISPUTES = frozenset({"won", "lost", "warning_closed"})


class PaymentDeed(StrEnum):
    SETTLE_DEBIT = "settle_debit"
    FAIL_DEBIT = "fail_debit"
    DISPUTE = "dispute"
    INQUIRY = "inquiry"
    WIN_DISPUTE = "win_dispute"
    LOSE_DISPUTE = "lose_dispute"
    REFUND = "refund"
    HOLD_REFUND = "hold_refund"
    COMPLETE_REFUND = "complete_refund"
    FAIL_REFUND = "fail_refund"


TAKES = {
    PaymentDeed.DISPUTE: frozenset({"amount", "currency", "reason"}),
    PaymentDeed.INQUIRY: frozenset({"amount", "currency", "reason"}),
    PaymentDeed.REFUND: frozenset({"amount"}),
    PaymentDeed.HOLD_REFUND: frozenset({"reason"}),
    PaymentDeed.FAIL_REFUND: frozenset({"reason"}),
}
"""Which details each deed heeds; the others take none."""


REFUNDS_OF = {
    PaymentDeed.COMPLETE_REFUND: refunds.OPEN,
    PaymentDeed.FAIL_REFUND: refunds.OPEN | {"succeeded"},
}
"""The refunds that a deed can be done to, by their status."""


@dataclass(frozen=True)
class Asked:
    """A deed on a charge, or on a participant's newest that fits. `amount` in minor units of `currency`."""

    deed: PaymentDeed
    participant_id: str | None = None
    charge: str | None = None
    amount: int | None = None
    currency: str | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Found:
    """What a deed is done to: a charge, with its newest open dispute and its newest refund."""

    world: World
    books: Books
    charge: JsonObject

    @property
    def dispute(self) -> JsonObject | None:
        open_ones = [one for one in self._of_kind("dispute") if one["status"] not in CLOSED_DISPUTES]
        return open_ones[-1] if open_ones else None

    def refund(self, statuses: frozenset[str]) -> JsonObject | None:
        fitting = [one for one in self._of_kind("refund") if one["status"] in statuses]
        return fitting[-1] if fitting else None

    def _of_kind(self, kind: str) -> list[JsonObject]:
        return [one for one in self.books.of_kind(kind) if one["charge"] == self.charge["id"]]


def fitting(world: World, books: Books, charge: JsonObject) -> tuple[PaymentDeed, ...]:
    """Give what can be done to this charge just now."""
    found = Found(world, books, charge)
    return tuple(deed for deed in PaymentDeed if FITS[deed](found))


def do(world: World, asked: Asked) -> JsonObject:
    """Do it; gives the ids and the status of what it was done to, as they are afterwards."""
    check(asked)
    found = find(world, asked)
    done = DOES[asked.deed](found, asked)
    charge = found.charge
    return {
        "deed": asked.deed.value,
        "charge": charge["id"],
        "payment_intent": charge["payment_intent"],
        "object": done["object"],
        "id": done["id"],
        "status": done["status"],
    }


def check(asked: Asked) -> None:
    if (asked.participant_id is None) == (asked.charge is None):
        message = "say on whom: either participant_id or charge"
        raise ControlError(message)
    if asked.currency is not None and asked.amount is None:
        message = "a dispute in another currency needs its amount, in that currency's minor unit"
        raise ControlError(message)
    given = {name for name in ("amount", "currency", "reason") if getattr(asked, name) is not None}
    taken = TAKES.get(asked.deed, frozenset())
    if extra := sorted(given - taken):
        takes = f"it takes {', '.join(sorted(taken))}" if taken else "it takes none"
        message = f"{asked.deed.value} takes no {', '.join(extra)}; of amount, currency and reason {takes}"
        raise ControlError(message)


def find(world: World, asked: Asked) -> Found:
    """Give the newest charge that fits; raises ControlError, which says what there is instead."""
    mine = [
        Found(world, books, charge)
        for books, charge in world.everywhere("charge")
        if asked.charge in {None, charge["id"]}
        and (asked.participant_id is None or charge["metadata"].get(PARTICIPANT) == asked.participant_id)
    ]
    found = [one for one in mine if FITS[asked.deed](one)]
    if not found:
        there = ", ".join(f"{one.charge['id']} ({state(one)})" for one in mine) or "none at all"
        message = f"no charge fits {asked.deed.value}; there is {there}"
        raise ControlError(message)
    return max(reversed(found), key=lambda one: newest(one, asked.deed))


def newest(found: Found, deed: PaymentDeed) -> int:
    """Give when what the deed is done to was made: the refund, where it is about one, else the charge."""
    refund = found.refund(REFUNDS_OF.get(deed, frozenset()))
    return int((refund or found.charge)["created"])


def state(found: Found) -> str:
    charge, dispute = found.charge, found.dispute
    refunded = f", {charge['amount_refunded']} of {charge['amount']} refunded" if charge["amount_refunded"] else ""
    return f"{charge['status']}{refunded}{', disputed: ' + dispute['status'] if dispute else ''}"


# --- what each fits ---------------------------------------------------------------------------------------------------


def is_processing(found: Found) -> bool:
    return bool(found.charge["status"] == "pending")


def is_paid(found: Found) -> bool:
    return bool(found.charge["status"] == "succeeded")


def has_money_left(found: Found) -> bool:
    return is_paid(found) and bool(found.charge["amount_refunded"] < found.charge["amount"])


def can_be_disputed(found: Found) -> bool:
    return has_money_left(found) and not found.charge["disputed"]


def can_be_refunded(found: Found) -> bool:
    return has_money_left(found) and not disputes.blocks_refunds(found.books, found.charge)


def is_disputed(found: Found) -> bool:
    return found.dispute is not None


def has_open_refund(found: Found) -> bool:
    return found.refund(REFUNDS_OF[PaymentDeed.COMPLETE_REFUND]) is not None


def has_refund_to_fail(found: Found) -> bool:
    return found.refund(REFUNDS_OF[PaymentDeed.FAIL_REFUND]) is not None


FITS: dict[PaymentDeed, Callable[[Found], bool]] = {
    PaymentDeed.SETTLE_DEBIT: is_processing,
    PaymentDeed.FAIL_DEBIT: is_processing,
    PaymentDeed.DISPUTE: can_be_disputed,
    PaymentDeed.INQUIRY: can_be_disputed,
    PaymentDeed.WIN_DISPUTE: is_disputed,
    PaymentDeed.LOSE_DISPUTE: is_disputed,
    PaymentDeed.REFUND: can_be_refunded,
    PaymentDeed.HOLD_REFUND: has_money_left,
    PaymentDeed.COMPLETE_REFUND: has_open_refund,
    PaymentDeed.FAIL_REFUND: has_refund_to_fail,
}

# --- what each does ---------------------------------------------------------------------------------------------------


def end_debit(found: Found, asked: Asked) -> JsonObject:
    intent = found.books.objects[found.charge["payment_intent"]]
    succeeded = asked.deed is PaymentDeed.SETTLE_DEBIT
    payments.settle_delayed(found.world, found.books, intent, succeeded=succeeded)
    return found.charge


def start_dispute(found: Found, asked: Asked) -> JsonObject:
    return disputes.start(
        found.world,
        found.books,
        found.charge,
        amount=asked.amount,
        currency=asked.currency,
        reason=asked.reason or "fraudulent",
        inquiry=asked.deed is PaymentDeed.INQUIRY,
    )


def win_dispute(found: Found, _asked: Asked) -> JsonObject:
    dispute = required(found.dispute)
    status = "warning_closed" if dispute["status"].startswith("warning_") else "won"
    disputes.close(found.world, found.books, dispute, status)
    return dispute


def lose_dispute(found: Found, _asked: Asked) -> JsonObject:
    """An inquiry becomes a dispute first, which takes the money, as at a bank."""
    dispute = required(found.dispute)
    if dispute["status"].startswith("warning_"):
        disputes.update(found.world, found.books, dispute, "needs_response")
    disputes.close(found.world, found.books, dispute, "lost")
    return dispute


def refund_in_dashboard(found: Found, asked: Asked) -> JsonObject:
    amount = {} if asked.amount is None else {"amount": asked.amount}
    return refunds.create(found.world, found.books, {"charge": found.charge["id"], **amount})


def hold_refund(found: Found, asked: Asked) -> JsonObject:
    refunds.hold_next(found.world, found.charge, asked.reason or "processing")
    return found.charge


def complete_refund(found: Found, _asked: Asked) -> JsonObject:
    refund = required(found.refund(REFUNDS_OF[PaymentDeed.COMPLETE_REFUND]))
    refunds.settle(found.world, found.books, refund)
    return refund


def fail_refund(found: Found, asked: Asked) -> JsonObject:
    refund = required(found.refund(REFUNDS_OF[asked.deed]))
    refunds.fail(found.world, found.books, refund, asked.reason or "expired_or_canceled_card")
    return refund


def required(thing: JsonObject | None) -> JsonObject:
    assert thing is not None, "the deed fits the charge"
    return thing


DOES: dict[PaymentDeed, Callable[[Found, Asked], JsonObject]] = {
    PaymentDeed.SETTLE_DEBIT: end_debit,
    PaymentDeed.FAIL_DEBIT: end_debit,
    PaymentDeed.DISPUTE: start_dispute,
    PaymentDeed.INQUIRY: start_dispute,
    PaymentDeed.WIN_DISPUTE: win_dispute,
    PaymentDeed.LOSE_DISPUTE: lose_dispute,
    PaymentDeed.REFUND: refund_in_dashboard,
    PaymentDeed.HOLD_REFUND: hold_refund,
    PaymentDeed.COMPLETE_REFUND: complete_refund,
    PaymentDeed.FAIL_REFUND: fail_refund,
}
