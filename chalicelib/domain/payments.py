"""The payment machine of one participant: folds what was seen into what is kept, and says what it adds up to.

The law:

* Facts only accumulate. Every merge below is idempotent and commutes, so that any order and number of deliveries ends
  the same. Nothing here looks at a clock: whether money came in time is judged by Stripe's time of payment.
* Each field of a payment has one source: that money came, how much and for which offer is told by the Checkout
  Session; when, under which charge and with which application fee is told by the charge.
* Evidence beats inference: an attempt held to be void that turns up open or paid is open or paid.
* One payment counts for the fee: the first by Stripe's time that is still held. Every other is returned in full.
* Paid is admitted at once; a return is decided only once the charges that compete are known.

How far an attempt has come, later rows absorbing earlier ones (`_RANK`):

    planned < void < open < processing < expired < failed < paid

Source: https://docs.stripe.com/payments/checkout/fulfill-orders (fulfil on `payment_status`, never on `status`) and
https://docs.stripe.com/webhooks#event-ordering (no order is promised).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import assert_never

from chalicelib.domain.bounds import bounded
from chalicelib.domain.facts import (
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
    Refund,
    RefundReason,
    RefundSeen,
    RefundStatus,
    Seen,
)
from chalicelib.domain.money import Money
from chalicelib.domain.refunds import promised, settled_keys, went_back
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
LIVE = frozenset({AttemptState.PLANNED, AttemptState.OPEN, AttemptState.PROCESSING})
"""Attempts that money may still come from in the ordinary way."""

PROVEN_WITHIN = timedelta(hours=1)
"""A charge whose Checkout Session is not paid when Stripe is asked this long afterwards is not money for it."""

DEAD_ATTEMPTS_KEPT = 2
"""Per participant; older ones proven dead at Stripe are dropped to a count, so that an item cannot be filled."""


class PaymentStatus(StrEnum):
    NOT_REQUIRED = "not_required"
    UNPAID = "unpaid"
    PROCESSING = "processing"
    PAID = "paid"
    WAIVED = "waived"
    PARTIALLY_REFUNDED = "partially_refunded"
    REFUNDED = "refunded"
    DISPUTED = "disputed"


@dataclass(frozen=True, slots=True)
class Owing:
    """What one participant owes, and until when: the part of the session that money is judged by.

    `closed_at` is when the session was cancelled or the participant removed (`closed_because`), whichever came first;
    `returns` says whether money paid before that goes back. Money paid after it always does.
    """

    fee: Money | None
    start_time: datetime
    end_time: datetime
    closed_at: datetime | None
    closed_because: RefundReason
    returns: bool


@dataclass(frozen=True, slots=True)
class Judged:
    """One payment and what is to become of it. `accepted`: it is money for an offer of ours, as that was made."""

    payment: Payment
    accepted: bool
    return_because: RefundReason | None


@dataclass(frozen=True, slots=True)
class Standing:
    """What the facts add up to. Amounts are those of the payment that counts; 0 where none does."""

    status: PaymentStatus
    counted: Payment | None
    amount_paid: int = 0
    amount_refunded: int = 0


# --- folding ------------------------------------------------------------------------------------------------------


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
    """Change one; keep every attempt that money may come from, and the newest of the dead ones.

    One that a person says is dead is no proof: what was paid for it must be known as such when it is seen.
    """
    attempts = tuple(change(a) if a.attempt_id == attempt_id else a for a in history.attempts)
    kept, by_hand = {payment.attempt_id for payment in history.payments}, settled_keys(history)
    kept |= {a.attempt_id for a in attempts if a.state in LIVE | {AttemptState.PAID} or look_key(a) in by_hand}
    dead = [a for a in attempts if a.attempt_id not in kept]
    dropped = dead[:-DEAD_ATTEMPTS_KEPT]
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
            further = max(known, seen, key=lambda refund: _REFUND_RANK[refund.status])
            merged = replace(
                further, decision_id=known.decision_id or seen.decision_id, reason=known.reason or seen.reason
            )
    others = [refund for refund in history.refunds if refund.refund_id != seen.refund_id]
    return replace(history, refunds=tuple(sorted([*others, merged], key=lambda refund: refund.refund_id)))


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
    if told.status in {DisputeStatus.OPEN, known.status}:
        return known
    if known.status is DisputeStatus.OPEN:
        return told
    return replace(known, status=DisputeStatus.WON, doubted=True)


# --- judging ------------------------------------------------------------------------------------------------------


def judge(owing: Owing, history: PaymentHistory) -> tuple[Judged, ...]:
    """What is to become of each payment."""
    accepted = [payment for payment in history.payments if is_accepted(payment, history)]
    counted = _counted(owing, history, accepted)
    charges_known = all(payment.charge for payment in accepted)
    judged = []
    for payment in history.payments:
        because = _return_because(owing, history, payment)
        if because is None and payment != counted and charges_known:
            because = RefundReason.DUPLICATE
        taken = payment in accepted
        judged.append(Judged(payment, taken, because if taken and payment.charge else None))
    return tuple(judged)


def is_accepted(payment: Payment, history: PaymentHistory) -> bool:
    """Paid, and amount, currency, mode, account and Checkout Session are those of one of our attempts (I7)."""
    attempt = attempt_of(payment, history)
    if attempt is None or not _fits(payment, attempt):
        return False
    offered = CheckoutPaid(attempt.checkout_session_id or "", attempt.amount, attempt.currency, attempt.livemode)
    return payment.paid == offered


def is_unproven(payment: Payment, history: PaymentHistory) -> bool:
    """A charge that may well be for an attempt of ours, whose Checkout Session Stripe must be asked about.

    Of one that is over, and that a person has looked at instead, nobody asks any more: its charge is theirs, too.
    """
    attempt = attempt_of(payment, history)
    if attempt is None or attempt.state is AttemptState.PAID:
        return False
    if attempt.state not in LIVE and look_key(attempt) in settled_keys(history):
        return False
    if payment.paid is not None or payment.charge is None or not _fits(payment, attempt):
        return False
    return attempt.looked_at is None or attempt.looked_at < payment.charge.created_at + PROVEN_WITHIN


def attempt_of(payment: Payment, history: PaymentHistory) -> Attempt | None:
    return next((attempt for attempt in history.attempts if attempt.attempt_id == payment.attempt_id), None)


def _fits(payment: Payment, attempt: Attempt) -> bool:
    """The account, and the charge as far as it is known, are the attempt's."""
    charge = payment.charge
    if charge is not None and (charge.amount, charge.currency) != (attempt.amount, attempt.currency):
        return False
    return payment.stripe_account_id == attempt.stripe_account_id


def _counted(owing: Owing, history: PaymentHistory, accepted: list[Payment]) -> Payment | None:
    """The first that the clinic holds and means to keep; when there is none such, the first of all."""
    candidates = [payment for payment in accepted if is_for_the_fee(owing, history, payment)]
    candidates.sort(key=_first_paid)
    kept = [payment for payment in candidates if not is_returned(history, payment, also=promised(history, payment))]
    return next(iter(kept or candidates), None)


def _first_paid(payment: Payment) -> tuple[bool, float, str]:
    if payment.charge is None:
        return True, 0.0, payment.payment_intent_id
    return False, payment.charge.created_at.timestamp(), payment.payment_intent_id


def is_for_the_fee(owing: Owing, history: PaymentHistory, payment: Payment) -> bool:
    """It is the fee as it stands now, and the fee was not waived."""
    if history.waiver is not None or owing.fee is None or payment.paid is None:
        return False
    return (payment.paid.amount, payment.paid.currency) == (owing.fee.amount, owing.fee.currency)


def is_returned(history: PaymentHistory, payment: Payment, also: int = 0) -> bool:
    """Given back in full, or charged back by a lost dispute; `also`: minor units to be counted as given back."""
    amount = payment.paid.amount if payment.paid else 0
    lost = any(dispute.status is DisputeStatus.LOST for dispute in disputes_of(history, payment))
    return lost or went_back(history, payment) + also >= amount > 0


def disputes_of(history: PaymentHistory, payment: Payment) -> tuple[Dispute, ...]:
    return tuple(d for d in history.disputes if d.payment_intent_id == payment.payment_intent_id)


def _return_because(owing: Owing, history: PaymentHistory, payment: Payment) -> RefundReason | None:
    """Why this payment goes back whatever else was paid; the first rule that holds."""
    if history.waiver is not None:
        return RefundReason.WAIVED
    if not is_for_the_fee(owing, history, payment):
        return RefundReason.FEE_CHANGED
    if payment.charge is None:
        return None
    paid_at = payment.charge.created_at
    if owing.closed_at is not None and (owing.returns or paid_at >= _in_seconds(owing.closed_at)):
        return owing.closed_because
    return RefundReason.AFTER_END if paid_at >= _in_seconds(owing.end_time) else None


def _in_seconds(moment: datetime) -> datetime:
    """As Stripe writes times. What was paid in the same second was perhaps too late, and goes back."""
    return moment.replace(microsecond=0)


# --- standing -----------------------------------------------------------------------------------------------------


def standing(owing: Owing, history: PaymentHistory) -> Standing:
    """What the facts add up to for this participant."""
    accepted = [payment for payment in history.payments if is_accepted(payment, history)]
    counted = _counted(owing, history, accepted)
    if counted is not None and counted.paid is not None:
        return _standing_of(history, counted, counted.paid.amount)
    if history.waiver is not None:
        return Standing(PaymentStatus.WAIVED, None)
    if owing.fee is None:
        return Standing(PaymentStatus.NOT_REQUIRED, None)
    return Standing(PaymentStatus.PROCESSING if _is_coming(history) else PaymentStatus.UNPAID, None)


def _standing_of(history: PaymentHistory, counted: Payment, paid: int) -> Standing:
    back = went_back(history, counted)
    disputes = {dispute.status for dispute in disputes_of(history, counted)}
    if is_returned(history, counted):
        status = PaymentStatus.REFUNDED
    elif DisputeStatus.OPEN in disputes:
        status = PaymentStatus.DISPUTED
    else:
        status = PaymentStatus.PARTIALLY_REFUNDED if back else PaymentStatus.PAID
    return Standing(status, counted, paid, back)


def _is_coming(history: PaymentHistory) -> bool:
    """A bank is at work, or a charge was seen whose Checkout Session we still have to ask about."""
    processing = any(attempt.state is AttemptState.PROCESSING for attempt in history.attempts)
    return processing or any(is_unproven(payment, history) for payment in history.payments)
