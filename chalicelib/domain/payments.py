"""What one participant's money adds up to: which payment counts for the fee, and which goes back.

* One payment counts for the fee: the first by Stripe's time that is still held. Every other is returned in full.
* A payment that went back by our own rule is no candidate any more once the rule is over: the fee is unpaid again. What
  went back because people asked for it, or the bank took it, stays an answer: whoever paid so was refunded.
* Paid is admitted at once; a return is decided only once the charges that compete are known.
* Once the clinic charges again, all that was paid until then and went back, or was lost, is a candidate no more.
* Nothing here looks at a clock: whether money came in time is judged by Stripe's time of payment.

Source: https://docs.stripe.com/payments/checkout/fulfill-orders (fulfil on `payment_status`, never on `status`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from chalicelib.domain.disputes import charged_back, disputes_of, is_undecided
from chalicelib.domain.facts import (
    LIVE,
    Attempt,
    AttemptState,
    CheckoutPaid,
    DisputeStatus,
    Payment,
    PaymentHistory,
    RefundReason,
)
from chalicelib.domain.money import Money
from chalicelib.domain.refunds import is_by_rule, is_failed, promised, refunds_of, settled_keys, went_back
from chalicelib.domain.troubles import look_key

PROVEN_WITHIN = timedelta(hours=1)
"""A charge whose Checkout Session is not paid when Stripe is asked this long afterwards is not money for it."""


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


# --- judging ------------------------------------------------------------------------------------------------------


def judge(owing: Owing, history: PaymentHistory) -> tuple[Judged, ...]:
    """What is to become of each payment."""
    accepted = [payment for payment in history.payments if is_accepted(payment, history)]
    counted = _counted(owing, history, accepted)
    charges_known = all(payment.charge for payment in accepted)
    judged = []
    for payment in history.payments:
        because = _return_because(owing, history, payment)
        if because is None and counted not in {None, payment} and charges_known:
            because = None if was_charged_again(history, payment) else RefundReason.DUPLICATE
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


def may_be_accepted(payment: Payment, history: PaymentHistory) -> bool:
    """Whether nothing that is known of it, in whatever order, speaks against its being money for an offer of ours."""
    attempt = attempt_of(payment, history)
    if attempt is None or not _fits(payment, attempt):
        return False
    return payment.paid is None or (payment.paid.amount, payment.paid.currency) == (attempt.amount, attempt.currency)


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
    # A bank debit's charge is as old as its submission, so its time does not say how long Stripe has been asked.
    is_new = attempt.looked_at is None or attempt.looked_at < payment.charge.created_at + PROVEN_WITHIN
    return is_new or attempt.state is AttemptState.PROCESSING


def attempt_of(payment: Payment, history: PaymentHistory) -> Attempt | None:
    return next((attempt for attempt in history.attempts if attempt.attempt_id == payment.attempt_id), None)


def _fits(payment: Payment, attempt: Attempt) -> bool:
    """The account, and the charge as far as it is known, are the attempt's."""
    charge = payment.charge
    if charge is not None and (charge.amount, charge.currency) != (attempt.amount, attempt.currency):
        return False
    return payment.stripe_account_id == attempt.stripe_account_id


def _counted(owing: Owing, history: PaymentHistory, accepted: list[Payment]) -> Payment | None:
    """The first that the clinic holds and means to keep; when there is none such, the first of all.

    What a bank may still take counts only where nothing else does: were another one given back beside it, and the bank
    took this one, nothing would be left.
    """
    candidates = [payment for payment in accepted if _is_candidate(owing, history, payment)]
    candidates.sort(key=_first_paid)
    kept = [payment for payment in candidates if not is_returned(history, payment, also=promised(history, payment))]
    sure = [payment for payment in kept if not is_undecided(history, payment)]
    return next(iter(sure or kept or candidates), None)


def _first_paid(payment: Payment) -> tuple[bool, float, str]:
    """Sorts payments by Stripe's time, those whose charge is not known last."""
    if payment.charge is None:
        return True, 0.0, payment.payment_intent_id
    return False, payment.charge.created_at.timestamp(), payment.payment_intent_id


def _is_candidate(owing: Owing, history: PaymentHistory, payment: Payment) -> bool:
    """Whether it is money for the fee, or was until somebody gave it back. What went back by a rule that is over never
    was; of what is closed it stays the answer.
    """
    if not is_for_the_fee(owing, history, payment) or was_charged_again(history, payment):
        return False
    is_over = owing.closed_at is not None or _return_because(owing, history, payment) is not None
    return is_over or not went_back_by_rule(history, payment)


def is_for_the_fee(owing: Owing, history: PaymentHistory, payment: Payment) -> bool:
    """It is the fee as it stands now, and the fee was not waived."""
    if history.waiver is not None or owing.fee is None or payment.paid is None:
        return False
    return (payment.paid.amount, payment.paid.currency) == (owing.fee.amount, owing.fee.currency)


def is_returned(history: PaymentHistory, payment: Payment, also: int = 0) -> bool:
    """All of it was given back, or taken by the bank; `also`: minor units to be counted as given back."""
    amount = money_of(payment).amount
    return went_back(history, payment) + charged_back(history, payment) + also >= amount > 0


def money_of(payment: Payment) -> Money:
    """How much came, by its charge once that is known; of what is accepted that is what was paid."""
    told = payment.charge or payment.paid
    assert told is not None, "a payment is known by its charge, or since it was paid"
    return Money(told.amount, told.currency)


def went_back_by_rule(history: PaymentHistory, payment: Payment) -> bool:
    """All of it is back, or on its way, a part at least by a refund that the rules wanted; the bank took nothing.

    The refund's decision tells, not its reason: people may ask for a refund for any reason.
    """
    if DisputeStatus.LOST in {dispute.status for dispute in disputes_of(history, payment)}:
        return False
    standing = [refund for refund in refunds_of(history, payment) if not is_failed(refund)]
    is_ours = any(is_by_rule(history, payment, refund) for refund in standing)
    return is_ours and is_returned(history, payment)


def was_charged_again(history: PaymentHistory, payment: Payment) -> bool:
    """It went back, or was lost, and the clinic has asked for the fee once more since it was paid.

    If its refund fails, or its dispute is won after all, it is held again, and counts.
    """
    again, charge = history.charged_again, payment.charge
    return again is not None and charge is not None and charge.created_at <= again.at and is_returned(history, payment)


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
        is_less = back or charged_back(history, counted)
        status = PaymentStatus.PARTIALLY_REFUNDED if is_less else PaymentStatus.PAID
    return Standing(status, counted, paid, back)


def _is_coming(history: PaymentHistory) -> bool:
    """A bank is at work, or a charge was seen whose Checkout Session we still have to ask about."""
    processing = any(attempt.state is AttemptState.PROCESSING for attempt in history.attempts)
    return processing or any(is_unproven(payment, history) for payment in history.payments)
