"""What became of money that was to go back: what did, what failed, what people took on themselves. Decides nothing."""

from __future__ import annotations

from datetime import datetime, timedelta

from chalicelib.domain.facts import (
    Payment,
    PaymentHistory,
    PendingReason,
    Refund,
    RefundDecision,
    RefundReason,
    RefundStatus,
    SettledByHand,
)

ARRIVES_WITHIN = timedelta(days=10)
"""Stripe gives 5 to 10 business days: https://docs.stripe.com/refunds."""


ASKED_EVERY = timedelta(days=1)
ASKED_FOR = timedelta(days=90)
"""Since it was made. Stripe says that a refund fails within some 30 days: https://docs.stripe.com/refunds#failed-refunds."""

REFUNDS_KEPT = 20
"""A clinic may give back one charge in any number of parts in Stripe's dashboard."""


def refunded(history: PaymentHistory, payment: Payment) -> int:
    """What went back or is on its way, in minor units; by Stripe's own sum where not every refund is kept."""
    standing = {RefundStatus.PENDING, RefundStatus.SUCCEEDED}
    known = sum(refund.amount for refund in refunds_of(history, payment) if refund.status in standing)
    return max(known, payment.refunded_hint) if lacks_refunds(history) else known


def lacks_refunds(history: PaymentHistory) -> bool:
    """Whether more refunds were told than are kept, as far as that can be said: more of something was."""
    return history.overflowed and len(history.refunds) >= REFUNDS_KEPT


def fee_given_back(history: PaymentHistory, payment: Payment) -> int:
    """What of the platform's fee went back with refunds of ours, in minor units: computed, not told by Stripe.

    Each of ours asks for it (`refund_application_fee`), and Stripe gives it in proportion to what is refunded; those
    made in the dashboard do not: https://docs.stripe.com/connect/direct-charges#issue-refunds. How Stripe rounds it is
    not documented: half up, of all of them together. A refund that fails brings the fee not back to the platform.
    """
    charge = payment.charge
    if charge is None or not charge.amount:
        return 0
    ours = sum(one.amount for one in refunds_of(history, payment) if one.decision_id is not None)
    return min(charge.application_fee, (2 * charge.application_fee * ours + charge.amount) // (2 * charge.amount))


def went_back(history: PaymentHistory, payment: Payment) -> int:
    """What the payer has back, or is about to: by refunds, and by hand."""
    return refunded(history, payment) + given_by_hand(history, payment)


def given_by_hand(history: PaymentHistory, payment: Payment) -> int:
    """What people gave back another way, in minor units."""
    return sum(one.amount for one in settled_of(history, payment) if one.is_given)


def let_be(history: PaymentHistory, payment: Payment, because: RefundReason, since: datetime | None) -> int:
    """What need not go back for this reason, since people said so (and not before `since`), in minor units."""
    mine = [one for one in settled_of(history, payment) if not one.is_given and one.because is because]
    return sum(one.amount for one in mine if since is None or one.settled_at >= since)


def settled_of(history: PaymentHistory, payment: Payment) -> tuple[SettledByHand, ...]:
    """What people took on themselves of this payment's money."""
    keys = {failure_key(refund) for refund in refunds_of(history, payment)}
    keys |= {refund_key(one.decision_id) for one in decisions_of(history, payment)}
    if payment.charge is not None:
        keys |= {refund_key(automatic_refund_id(payment.charge.charge_id)), rest_key(payment.charge.charge_id)}
    return tuple(one for one in history.settled if one.key in keys)


def settled_payment(history: PaymentHistory, settled: SettledByHand) -> Payment | None:
    """The payment whose money that was; None where it was no money."""
    return next((one for one in history.payments if settled in settled_of(history, one)), None)


def promised(history: PaymentHistory, payment: Payment) -> int:
    """What is to go back as people decided, or failed to and waits for one, in minor units."""
    to_make = sum(one.amount for one in still_to_make(history, payment, by_rule=False))
    return to_make + sum(one.amount for one in open_failures(history, payment, by_rule=False))


def still_to_make(history: PaymentHistory, payment: Payment, *, by_rule: bool) -> tuple[RefundDecision, ...]:
    """What people decided, no refund at Stripe was seen to carry, and nobody has taken on themselves.

    Without `by_rule`, as people asked for it alone.
    """
    over = {refund_key(refund.decision_id) for refund in refunds_of(history, payment)} | settled_keys(history)
    mine = [one for one in decisions_of(history, payment) if refund_key(one.decision_id) not in over]
    return tuple(one for one in mine if by_rule or not one.by_rule)


def open_failures(history: PaymentHistory, payment: Payment, *, by_rule: bool) -> tuple[Refund, ...]:
    """What failed as a refund and nobody has seen to: the machine keeps its hands off that money.

    Without `by_rule`, as people asked for it alone: a return that the rules wanted is over with its reason.
    """
    failed = [one for one in refunds_of(history, payment) if is_open_failure(history, one)]
    return tuple(one for one in failed if by_rule or not is_by_rule(history, payment, one))


def is_by_rule(history: PaymentHistory, payment: Payment, refund: Refund) -> bool:
    """Whether the rules, not a person, wanted this refund: the automatic one, and whatever was sent in its place."""
    again = {one.decision_id for one in decisions_of(history, payment) if one.by_rule}
    return is_automatic(payment, refund) or refund.decision_id in again


def is_automatic(payment: Payment, refund: Refund) -> bool:
    """Whether it is the one refund that the rules make of a charge."""
    return payment.charge is not None and refund.decision_id == automatic_refund_id(payment.charge.charge_id)


def made_after_all(history: PaymentHistory, payment: Payment) -> int:
    """What people decided and then gave another way, and a refund brought all the same, in minor units."""
    given = {one.key: one.amount for one in history.settled if one.is_given}
    asked = {one.decision_id for one in decisions_of(history, payment)}
    carried = [one for one in refunds_of(history, payment) if one.decision_id in asked and not is_failed(one)]
    return sum(min(one.amount, given.get(refund_key(one.decision_id), 0)) for one in carried)


def automatic_refund_id(charge_id: str) -> str:
    """The decision id of the one refund that the rules, not a person, make of a charge."""
    return f"auto-{charge_id}"


def refund_key(decision_id: str | None) -> str:
    """The key of the obligation to make the refund of this decision; of none, a key that nothing has."""
    return f"refund:{decision_id}"


def failure_key(refund: Refund) -> str:
    """The key of a refund that failed, by which a person retries or settles it."""
    return f"refund:{refund.refund_id}"


def pending_key(refund: Refund) -> str:
    """The key of a refund that does not arrive, by which a person settles that; whether it fails is another matter."""
    return f"pending:{refund.refund_id}"


def ask_key(refund: Refund) -> str:
    """The key of asking Stripe how a refund ended."""
    return f"ask:{refund.refund_id}"


def rest_key(charge_id: str) -> str:
    """The key of what the automatic refund of a charge fell short of."""
    return f"refund:rest-{charge_id}"


def refunds_of(history: PaymentHistory, payment: Payment) -> tuple[Refund, ...]:
    return tuple(r for r in history.refunds if r.payment_intent_id == payment.payment_intent_id)


def decisions_of(history: PaymentHistory, payment: Payment) -> tuple[RefundDecision, ...]:
    """What people decided to give back of this payment."""
    return tuple(one for one in history.decisions if one.payment_intent_id == payment.payment_intent_id)


def is_failed(refund: Refund) -> bool:
    return refund.status in {RefundStatus.FAILED, RefundStatus.CANCELED}


def is_held(refund: Refund) -> bool:
    """Whether it is pending until somebody adds funds to the account's balance."""
    return refund.pending_reason is PendingReason.INSUFFICIENT_FUNDS


def is_late(refund: Refund, now: datetime) -> bool:
    """Whether it is pending for longer than refunds take; since when is kept of pending ones alone (`folding.py`)."""
    return refund.created_at is not None and now > refund.created_at + ARRIVES_WITHIN


def asked_next(refund: Refund) -> datetime | None:
    """When Stripe is to be asked how a refund ended: its end may never have been told. None: not, or no more."""
    if refund.created_at is None or refund.status is not RefundStatus.PENDING:
        return None
    moment = refund.asked_at + ASKED_EVERY if refund.asked_at else refund.created_at + ARRIVES_WITHIN
    return moment if moment <= refund.created_at + ASKED_FOR else None


def is_on_its_way(history: PaymentHistory, payment: Payment) -> bool:
    """Whether any of its money left the clinic and is not with the payer yet."""
    return any(one.status is RefundStatus.PENDING for one in refunds_of(history, payment))


def is_open_failure(history: PaymentHistory, refund: Refund) -> bool:
    """It failed, and nobody has retried or settled it: neither as what was owed, nor as what failed."""
    keys = {failure_key(refund), refund_key(refund.decision_id)}
    is_settled = not settled_keys(history).isdisjoint(keys)
    return is_failed(refund) and not is_settled and not any(one.key == failure_key(refund) for one in history.retried)


def settled_keys(history: PaymentHistory) -> set[str]:
    """The keys that a person took on themselves."""
    return {one.key for one in history.settled}
