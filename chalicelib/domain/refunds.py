"""What became of money that was to go back: what did, what failed, what people took on themselves. Decides nothing."""

from __future__ import annotations

from chalicelib.domain.facts import Payment, PaymentHistory, Refund, RefundDecision, RefundStatus


def refunded(history: PaymentHistory, payment: Payment) -> int:
    """What went back or is on its way, in minor units; by Stripe's own sum where not every refund is kept."""
    standing = {RefundStatus.PENDING, RefundStatus.SUCCEEDED}
    known = sum(refund.amount for refund in refunds_of(history, payment) if refund.status in standing)
    return max(known, payment.refunded_hint) if history.overflowed else known


def went_back(history: PaymentHistory, payment: Payment) -> int:
    """What the payer has back, or is about to: by refunds, and by hand."""
    return refunded(history, payment) + given_by_hand(history, payment)


def given_by_hand(history: PaymentHistory, payment: Payment) -> int:
    """What people gave back another way, in minor units: refunds that failed or were not made, and they settled."""
    given = {one.key for one in history.settled if one.is_given}
    if payment.charge is not None and refund_key(automatic_refund_id(payment.charge.charge_id)) in given:
        return max(0, payment.charge.amount - refunded(history, payment))
    refunds, unmade = refunds_of(history, payment), unmade_of(history, payment)
    failed = [one.amount for one in refunds if is_failed(one) and not given.isdisjoint(_keys(one))]
    return sum(failed) + sum(one.amount for one in unmade if refund_key(one.decision_id) in given)


def unmade_of(history: PaymentHistory, payment: Payment) -> tuple[RefundDecision, ...]:
    """What people decided to give back of this payment, and no refund at Stripe was seen to carry."""
    made = {refund.decision_id for refund in refunds_of(history, payment)}
    mine = (one for one in history.decisions if one.payment_intent_id == payment.payment_intent_id)
    return tuple(one for one in mine if one.decision_id not in made)


def still_to_make(history: PaymentHistory, payment: Payment) -> tuple[RefundDecision, ...]:
    """Those of them that nobody has taken on themselves."""
    settled = settled_keys(history)
    return tuple(one for one in unmade_of(history, payment) if refund_key(one.decision_id) not in settled)


def awaiting_a_person(history: PaymentHistory, payment: Payment) -> int:
    """What failed as a refund and nobody has seen to, in minor units: the machine keeps its hands off it."""
    return sum(one.amount for one in refunds_of(history, payment) if is_open_failure(history, one))


def automatic_refund_id(charge_id: str) -> str:
    """The decision id of the one refund that the rules, not a person, make of a charge."""
    return f"auto-{charge_id}"


def refund_key(decision_id: str) -> str:
    """The key of the obligation to make this refund."""
    return f"refund:{decision_id}"


def failure_key(refund: Refund) -> str:
    """The key of a refund that failed, by which a person retries or settles it."""
    return f"refund:{refund.refund_id}"


def refunds_of(history: PaymentHistory, payment: Payment) -> tuple[Refund, ...]:
    return tuple(r for r in history.refunds if r.payment_intent_id == payment.payment_intent_id)


def is_failed(refund: Refund) -> bool:
    return refund.status in {RefundStatus.FAILED, RefundStatus.CANCELED}


def is_open_failure(history: PaymentHistory, refund: Refund) -> bool:
    """It failed, and nobody has retried or settled it."""
    return is_failed(refund) and not is_settled(history, refund) and not is_retried(history, refund)


def is_settled(history: PaymentHistory, refund: Refund) -> bool:
    return not settled_keys(history).isdisjoint(_keys(refund))


def _keys(refund: Refund) -> set[str]:
    """By which a person may have settled it: as what was owed, or as what failed."""
    return {f"refund:{refund.decision_id}", failure_key(refund)}


def is_retried(history: PaymentHistory, refund: Refund) -> bool:
    """Somebody decided another refund in its place."""
    return any(one.key == failure_key(refund) for one in history.retried)


def settled_keys(history: PaymentHistory) -> set[str]:
    """The keys that a person took on themselves."""
    return {one.key for one in history.settled}
