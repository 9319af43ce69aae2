"""What became of money that was to go back: what did, what failed, what a person took on themselves. Decides nothing."""

from __future__ import annotations

from chalicelib.domain.facts import Payment, PaymentHistory, Refund, RefundStatus


def refunded(history: PaymentHistory, payment: Payment) -> int:
    """What went back or is on its way, in minor units; by Stripe's own sum where not every refund is kept."""
    standing = {RefundStatus.PENDING, RefundStatus.SUCCEEDED}
    known = sum(refund.amount for refund in refunds_of(history, payment) if refund.status in standing)
    return max(known, payment.refunded_hint) if history.overflowed else known


def given_by_hand(history: PaymentHistory, payment: Payment) -> int:
    """What failed as a refund and a person has settled: it is not owed a second time."""
    return sum(
        refund.amount for refund in refunds_of(history, payment) if is_failed(refund) and is_settled(history, refund)
    )


def refunds_of(history: PaymentHistory, payment: Payment) -> tuple[Refund, ...]:
    return tuple(r for r in history.refunds if r.payment_intent_id == payment.payment_intent_id)


def is_failed(refund: Refund) -> bool:
    return refund.status in {RefundStatus.FAILED, RefundStatus.CANCELED}


def is_settled(history: PaymentHistory, refund: Refund) -> bool:
    return not settled_keys(history).isdisjoint({f"refund:{refund.decision_id}", f"refund:{refund.refund_id}"})


def is_retried(history: PaymentHistory, refund: Refund) -> bool:
    """Somebody decided another refund in its place."""
    return any(one.key == f"refund:{refund.refund_id}" for one in history.retried)


def settled_keys(history: PaymentHistory) -> set[str]:
    """The keys that a person took on themselves."""
    return {one.key for one in history.settled}
