"""What a payer's bank asks about a payment, and takes of it.

* An inquiry has taken nothing, and bars no refund; refunded in full, it is over:
  https://docs.stripe.com/disputes/how-disputes-work#inquiries.
* Whether a disputed charge can be refunded, Stripe itself says (`is_charge_refundable`), and whether it is a part:
  https://docs.stripe.com/api/disputes/object.
* A bank may tell a dispute in another currency than the charge's; minor units of the two are never added up.
"""

from __future__ import annotations

from chalicelib.domain.facts import Dispute, DisputeStatus, Payment, PaymentHistory
from chalicelib.domain.refunds import refunded


def disputes_of(history: PaymentHistory, payment: Payment) -> tuple[Dispute, ...]:
    return tuple(d for d in history.disputes if d.payment_intent_id == payment.payment_intent_id)


def is_disputed(history: PaymentHistory, payment: Payment) -> bool:
    """Whether a dispute bars refunds: the bank decides first, and what it takes is not owed again."""
    return any(_bars_refunds(one) for one in disputes_of(history, payment))


def is_undecided(history: PaymentHistory, payment: Payment) -> bool:
    """Whether a dispute that bars refunds waits for the bank."""
    found = [one for one in disputes_of(history, payment) if _bars_refunds(one)]
    return any(one.status is DisputeStatus.OPEN or one.doubted for one in found)


def _bars_refunds(dispute: Dispute) -> bool:
    return (dispute.status is not DisputeStatus.WON or dispute.doubted) and dispute.is_refundable is not True


def charged_back(history: PaymentHistory, payment: Payment) -> int:
    """What the bank took back by disputes that were lost, in minor units of the payment.

    Of one told in another currency nobody knows which part it is: it counts as all that refunds and the others left.
    """
    lost, foreign = _lost(history, payment), foreign_losses(history, payment)
    told = sum(one.amount for one in lost if one not in foreign)
    if not foreign:
        return told
    whole = payment.charge or payment.paid
    assert whole is not None, "its currency is known"
    return max(told, whole.amount - refunded(history, payment))


def foreign_losses(history: PaymentHistory, payment: Payment) -> tuple[Dispute, ...]:
    """The disputes that were lost and told in another currency than the payment's."""
    return tuple(one for one in _lost(history, payment) if is_foreign(payment, one))


def _lost(history: PaymentHistory, payment: Payment) -> tuple[Dispute, ...]:
    return tuple(one for one in disputes_of(history, payment) if one.status is DisputeStatus.LOST)


def is_foreign(payment: Payment, dispute: Dispute) -> bool:
    """Whether it is told in another currency than the payment's, as far as both are known."""
    return dispute.currency is not None and currency_of(payment) not in {None, dispute.currency}


def currency_of(payment: Payment) -> str | None:
    whole = payment.charge or payment.paid
    return whole.currency if whole else None


def foreign_key(dispute: Dispute) -> str:
    """The key by which a person settles a dispute that was lost in another currency."""
    return f"currency:{dispute.dispute_id}"
