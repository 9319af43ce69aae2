"""Folds what was seen of one participant's money into what is kept.

* Facts only accumulate. Every merge below is idempotent and commutes, so that any order and number of deliveries ends
  the same. Nothing here looks at a clock: whether money came in time is judged by Stripe's time of payment.
* Each field of a payment has one source: that money came, how much and for which offer is told by the Checkout
  Session; when, under which charge and with which application fee is told by the charge.
* Evidence beats inference: an attempt held to be void that turns up open or paid is open or paid.

How far an attempt has come, later rows absorbing earlier ones (`_RANK`):

    planned < void < open < processing < expired < failed < paid

Source: https://docs.stripe.com/webhooks#event-ordering (no order is promised).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import assert_never

from chalicelib.domain.bounds import bounded
from chalicelib.domain.facts import (
    LIVE,
    ActFailed,
    ActSucceeded,
    Attempt,
    AttemptGivenUp,
    AttemptLooked,
    AttemptState,
    AttemptVoid,
    Charge,
    ChargeSeen,
    CheckoutPaid,
    CheckoutSeen,
    Dispute,
    DisputeSeen,
    DisputeStatus,
    Payment,
    PaymentHistory,
    PendingReason,
    Refund,
    RefundAsked,
    RefundSeen,
    RefundStatus,
    Seen,
)
from chalicelib.domain.refunds import settled_keys
from chalicelib.domain.troubles import expire_key, look_key, with_failure, without_trouble

_RANK = {
    AttemptState.PLANNED: 0,
    AttemptState.VOID: 1,
    AttemptState.OPEN: 2,
    AttemptState.PROCESSING: 3,
    AttemptState.EXPIRED: 4,
    AttemptState.FAILED: 5,
    AttemptState.PAID: 6,
}
_REFUND_RANK = {
    RefundStatus.PENDING: 0,
    RefundStatus.SUCCEEDED: 1,
    RefundStatus.CANCELED: 2,
    RefundStatus.FAILED: 3,
}
_PENDING_ORDER = (None, PendingReason.PROCESSING, PendingReason.CHARGE_PENDING, PendingReason.INSUFFICIENT_FUNDS)
"""Later ones absorb earlier, since deliveries come in any order: what needs somebody stays while it is pending."""

DEAD_ATTEMPTS_KEPT = 2
"""Per participant; older ones proven dead at Stripe are dropped to a count, so that an item cannot be filled."""


def fold(history: PaymentHistory, seen: Seen) -> PaymentHistory:
    """Take one thing seen into the history. Folding it again changes nothing (failures of our own acts apart)."""
    return bounded(_folded(history, seen))


def _folded(history: PaymentHistory, seen: Seen) -> PaymentHistory:
    match seen:
        case CheckoutSeen():
            return _with_checkout(history, seen)
        case ChargeSeen():
            return _with_charge(history, seen)
        case RefundSeen():
            return _with_refund(history, seen.refund)
        case RefundAsked():
            return _with_asked(history, seen)
        case DisputeSeen():
            return _with_dispute(history, seen)
        case AttemptVoid():
            return _with_attempt(history, seen.attempt_id, lambda attempt: _advance(attempt, AttemptState.VOID))
        case AttemptGivenUp():
            return _with_attempt(history, seen.attempt_id, lambda attempt: _advance(attempt, AttemptState.EXPIRED))
        case AttemptLooked():
            return _with_attempt(history, seen.attempt_id, lambda attempt: _looked_at(attempt, seen.looked_at))
        case ActFailed():
            return with_failure(history, seen)
        case ActSucceeded():
            return without_trouble(history, seen.key)
        case _:
            assert_never(seen)


def _with_checkout(history: PaymentHistory, seen: CheckoutSeen) -> PaymentHistory:
    if seen.state is AttemptState.PAID and seen.payment_intent_id is None:
        # Paid, and not said with what: it must not be offered again, and has to be asked about.
        seen = replace(seen, state=AttemptState.PROCESSING)
    history = _with_attempt(history, seen.attempt_id, lambda attempt: _seen_at_stripe(attempt, seen))
    if seen.state is not AttemptState.PAID or seen.payment_intent_id is None:
        return history
    paid = CheckoutPaid(seen.checkout_session_id, seen.amount, seen.currency, seen.livemode)
    known = _payment(history, seen.payment_intent_id, seen.attempt_id, seen.stripe_account_id)
    return _with_payment(history, replace(known, paid=known.paid or paid))


def _seen_at_stripe(attempt: Attempt, seen: CheckoutSeen) -> Attempt:
    """A second Checkout Session of one attempt, or one of another account or mode, never moves it.

    If such a one is paid, its payment is not accepted.
    """
    if attempt.checkout_session_id not in {None, seen.checkout_session_id}:
        return attempt
    if (attempt.stripe_account_id, attempt.livemode) != (seen.stripe_account_id, seen.livemode):
        return attempt
    attempt = replace(
        attempt,
        checkout_session_id=seen.checkout_session_id,
        expires_at=seen.expires_at,
        url=attempt.url or seen.url,
    )
    return _advance(attempt, seen.state)


def _looked_at(attempt: Attempt, looked_at: datetime) -> Attempt:
    return replace(attempt, looked_at=max(attempt.looked_at or looked_at, looked_at))


def _advance(attempt: Attempt, state: AttemptState) -> Attempt:
    if _RANK[state] > _RANK[attempt.state]:
        attempt = replace(attempt, state=state)
    if attempt.state is not AttemptState.PLANNED:
        attempt = replace(attempt, order=None)
    return attempt if attempt.state is AttemptState.OPEN else replace(attempt, url=None)


def _with_attempt(history: PaymentHistory, attempt_id: str, change: Callable[[Attempt], Attempt]) -> PaymentHistory:
    """Change one; keep every attempt that money came or may come from, and with them the newest of the dead ones.

    One that a person says is dead is no proof: what was paid for it must be known as such when it is seen.
    """
    attempts = tuple(change(a) if a.attempt_id == attempt_id else a for a in history.attempts)
    paying, by_hand = {payment.attempt_id for payment in history.payments}, settled_keys(history)
    kept = {a.attempt_id for a in attempts if a.state in LIVE | {AttemptState.PAID} or look_key(a) in by_hand}
    dead = sorted((a for a in attempts if a.attempt_id not in kept), key=lambda a: a.attempt_id in paying)
    dropped = [a for a in dead[:-DEAD_ATTEMPTS_KEPT] if a.attempt_id not in paying]
    over = {key for a in dropped for key in (look_key(a), expire_key(a))}
    return replace(
        history,
        attempts=tuple(a for a in attempts if a not in dropped),
        closed_attempts=history.closed_attempts + len(dropped),
        troubles=tuple(trouble for trouble in history.troubles if trouble.key not in over),
    )


def _with_charge(history: PaymentHistory, seen: ChargeSeen) -> PaymentHistory:
    known = _payment(history, seen.payment_intent_id, seen.attempt_id, seen.stripe_account_id)
    charge = min(filter(None, (known.charge, seen.charge)), key=_by_time)
    hint = max(known.refunded_hint, seen.amount_refunded)
    return _with_payment(history, replace(known, charge=charge, refunded_hint=hint))


def _by_time(charge: Charge) -> tuple[datetime, str, bool]:
    return charge.created_at, charge.charge_id, charge.receipt_url is None


def _payment(history: PaymentHistory, payment_intent_id: str, attempt_id: str, account: str | None) -> Payment:
    for payment in history.payments:
        if payment.payment_intent_id == payment_intent_id:
            return payment
    return Payment(payment_intent_id, attempt_id, account)


def _with_payment(history: PaymentHistory, payment: Payment) -> PaymentHistory:
    others = [p for p in history.payments if p.payment_intent_id != payment.payment_intent_id]
    return replace(history, payments=tuple(sorted([*others, payment], key=lambda p: p.payment_intent_id)))


def _with_refund(history: PaymentHistory, seen: Refund) -> PaymentHistory:
    merged = seen
    for known in history.refunds:
        if known.refund_id == seen.refund_id:
            merged = replace(
                _how_far(known, seen),
                decision_id=known.decision_id or seen.decision_id,
                reason=known.reason or seen.reason,
            )
    merged = merged if merged.status is RefundStatus.PENDING else _pending_no_more(merged)
    others = [refund for refund in history.refunds if refund.refund_id != seen.refund_id]
    return replace(history, refunds=tuple(sorted([*others, merged], key=lambda refund: refund.refund_id)))


def _how_far(known: Refund, seen: Refund) -> Refund:
    """The further of two tellings of one refund; of two that are alike, all that either says."""
    if known.status is not seen.status:
        return max(known, seen, key=lambda refund: _REFUND_RANK[refund.status])
    times = [one.created_at for one in (known, seen) if one.created_at is not None]
    return replace(
        known,
        pending_reason=max(known.pending_reason, seen.pending_reason, key=_PENDING_ORDER.index),
        requires_action=known.requires_action or seen.requires_action,
        created_at=min(times, default=None),
        asked_at=_later(known.asked_at, seen.asked_at),
    )


def _pending_no_more(refund: Refund) -> Refund:
    return replace(refund, pending_reason=None, requires_action=False, created_at=None, asked_at=None)


def _with_asked(history: PaymentHistory, seen: RefundAsked) -> PaymentHistory:
    """Of one that is pending no more it does not matter when Stripe was asked."""
    refunds = tuple(
        replace(one, asked_at=_later(one.asked_at, seen.asked_at))
        if one.refund_id == seen.refund_id and one.status is RefundStatus.PENDING
        else one
        for one in history.refunds
    )
    return replace(history, refunds=refunds)


def _later(*moments: datetime | None) -> datetime | None:
    return max((one for one in moments if one is not None), default=None)


def _with_dispute(history: PaymentHistory, seen: DisputeSeen) -> PaymentHistory:
    merged = seen.dispute
    for known in history.disputes:
        if known.dispute_id == seen.dispute.dispute_id:
            merged = _merged_dispute(known, seen)
    others = [dispute for dispute in history.disputes if dispute.dispute_id != merged.dispute_id]
    return replace(history, disputes=tuple(sorted([*others, merged], key=lambda dispute: dispute.dispute_id)))


def _merged_dispute(known: Dispute, seen: DisputeSeen) -> Dispute:
    """A verdict stands against "open"; two different verdicts are a doubt that only Stripe's own answer ends."""
    told = seen.dispute
    if seen.asked:
        return told
    first, last = sorted((told, known), key=_stage)
    is_later = _stage(first) < _stage(last)
    merged = replace(
        last,
        doubted=known.doubted,
        currency=last.currency or first.currency,
        is_inquiry=_unless_over(first.is_inquiry, last.is_inquiry, is_later=is_later),
        is_refundable=_unless_over(first.is_refundable, last.is_refundable, is_later=is_later),
    )
    if DisputeStatus.OPEN in {known.status, told.status} or known.status is told.status:
        return merged
    return replace(merged, status=DisputeStatus.WON, doubted=True)


def _stage(dispute: Dispute) -> tuple[bool, bool]:
    """An inquiry may become a dispute under the same id, never the other way; the verdict comes last."""
    return dispute.status is not DisputeStatus.OPEN, dispute.is_inquiry is False


def _unless_over(first: bool | None, last: bool | None, *, is_later: bool) -> bool | None:  # noqa: FBT001 (facts)
    """As the later stage tells it; of one stage, what is not so any more is told for good.

    What an older version kept says nothing. So a telling of an earlier stage, heard again, changes nothing.
    """
    told = [one for one in ((last,) if is_later and last is not None else (first, last)) if one is not None]
    return all(told) if told else None
