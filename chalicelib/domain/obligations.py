"""What the facts oblige us to do at Stripe, when, and what of it needs a person.

Obligations are never stored: they are computed from the session whenever somebody asks, so a crash anywhere is repaired
by whoever asks next. Each has a key made of the facts, by which retries, failures and settlements find it again.
`due_at` may lie in the past: then it is due at once. This module decides; `flows/carry_out.py` acts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from chalicelib.domain.facts import (
    Attempt,
    AttemptState,
    Dispute,
    DisputeStatus,
    Payment,
    PaymentHistory,
    RefundReason,
    RefundStatus,
    Trouble,
)
from chalicelib.domain.money import Money, display
from chalicelib.domain.payments import (
    LIVE,
    Judged,
    Owing,
    disputes_of,
    is_accepted,
    judge,
    refunded,
    refunds_of,
    standing,
)
from chalicelib.domain.sessions import Participant, Session, owing

LOOKS_AFTER = (timedelta(minutes=2), timedelta(minutes=15), timedelta(hours=1))
LOOKS_EVERY = timedelta(hours=6)
LOOKS_AFTER_EXPIRY = timedelta(minutes=1)
FAILURES_UNTIL_ATTENTION = 3
ATTENTION_AFTER_END = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class LookAtCheckout:
    """Ask Stripe how far this attempt has come; one whose outcome is unknown is looked for by its own id."""

    key: str
    due_at: datetime
    attempt: Attempt


@dataclass(frozen=True, slots=True)
class ExpireCheckout:
    """Close this offer at Stripe: nobody may pay it any more."""

    key: str
    due_at: datetime
    attempt: Attempt


@dataclass(frozen=True, slots=True)
class FetchCharge:
    """Ask Stripe for the charge of a payment known to be paid."""

    key: str
    due_at: datetime
    payment: Payment


@dataclass(frozen=True, slots=True)
class ListRefunds:
    """The charge speaks of refunds that we have not seen: list them."""

    key: str
    due_at: datetime
    payment: Payment


@dataclass(frozen=True, slots=True)
class MakeRefund:
    """Give `amount` minor units of this payment back. `decision_id` travels in the refund's metadata."""

    key: str
    due_at: datetime
    payment: Payment
    decision_id: str
    amount: int
    reason: RefundReason
    with_application_fee: bool


@dataclass(frozen=True, slots=True)
class FetchDispute:
    """Two tellings of a dispute contradict each other: ask Stripe."""

    key: str
    due_at: datetime
    dispute: Dispute
    payment: Payment


Obligation = LookAtCheckout | ExpireCheckout | FetchCharge | ListRefunds | MakeRefund | FetchDispute


def due_at(session: Session) -> datetime | None:
    """The next moment at which anything must be done for this session; None when nothing is left."""
    return min((one.due_at for _, one in obligations(session)), default=None)


def due(session: Session, now: datetime) -> list[tuple[int, Obligation]]:
    """What must be done by now, with the participant's number, the longest due first."""
    ready = [(number, one) for number, one in obligations(session) if one.due_at <= now]
    return sorted(ready, key=lambda pair: pair[1].due_at)


def obligations(session: Session) -> Iterator[tuple[int, Obligation]]:
    """Everything owed at Stripe for this session, with the participant's number; retries already put off."""
    for participant in session.participants:
        for one in _of_participant(owing(session, participant), participant.history):
            put_off = _put_off(one, participant.history)
            if put_off is not None:
                yield participant.number, put_off


def attention(session: Session, participant: Participant, now: datetime) -> str | None:
    """What needs a person, in sentences; None when nothing does."""
    claim = owing(session, participant)
    sentences = list(_failed_refunds(claim, participant.history))
    if has_strange_payment(participant.history):
        sentences.append("A payment arrived that is not the one that was asked for; look at it in Stripe.")
    long_over = now >= session.end_time + ATTENTION_AFTER_END
    sentences += [
        trouble.reason
        for trouble in participant.history.troubles
        if trouble.failures >= FAILURES_UNTIL_ATTENTION or long_over or trouble.key == OFFER_KEY
    ]
    if long_over and not sentences and any(_of_participant(claim, participant.history)):
        sentences.append("A payment of this session is not settled with Stripe yet; it is being retried.")
    return " ".join(dict.fromkeys(sentences)) or None


OFFER_KEY = "offer"
"""The trouble's key when Stripe refuses to make a Checkout Session: kept until one is made."""


def _of_participant(claim: Owing, history: PaymentHistory) -> Iterator[Obligation]:
    for attempt in history.attempts:
        yield from _of_attempt(claim, history, attempt)
    for judged in judge(claim, history):
        yield from _of_payment(history, judged)


def _put_off(one: Obligation, history: PaymentHistory) -> Obligation | None:
    """The obligation at its next try; None when a person settled it, or it was tried for seven days."""
    if any(settled.key == one.key for settled in history.settled):
        return None
    trouble = trouble_with(history, one.key)
    if trouble is None:
        return one
    return replace(one, due_at=max(one.due_at, trouble.retry_at)) if trouble.retry_at else None


def trouble_with(history: PaymentHistory, key: str) -> Trouble | None:
    """What went wrong with the act of that key, if it did."""
    return next((trouble for trouble in history.troubles if trouble.key == key), None)


# --- attempts -----------------------------------------------------------------------------------------------------


def _of_attempt(claim: Owing, history: PaymentHistory, attempt: Attempt) -> Iterator[Obligation]:
    if _has_unproven_charge(history, attempt):
        yield LookAtCheckout(f"look:{attempt.attempt_id}", attempt.made_at, attempt)
    elif attempt.state in LIVE:
        yield LookAtCheckout(f"look:{attempt.attempt_id}", _next_look(claim, attempt), attempt)
    if attempt.state is AttemptState.OPEN:
        closes_at = claim.end_time if is_wanted(claim, history, attempt) else attempt.made_at
        yield ExpireCheckout(f"expire:{attempt.attempt_id}", closes_at, attempt)


def is_wanted(claim: Owing, history: PaymentHistory, attempt: Attempt) -> bool:
    """Whether this offer is still the one to pay: the newest, for the fee as it stands, and nothing has paid it."""
    if claim.closed_at is not None or history.waiver is not None or claim.fee is None:
        return False
    if standing(claim, history).counted is not None or attempt != history.attempts[-1]:
        return False
    return (attempt.amount, attempt.currency) == (claim.fee.amount, claim.fee.currency)


def _has_unproven_charge(history: PaymentHistory, attempt: Attempt) -> bool:
    return attempt.state is not AttemptState.PAID and any(
        payment.attempt_id == attempt.attempt_id and payment.charge and not payment.paid for payment in history.payments
    )


def _next_look(claim: Owing, attempt: Attempt) -> datetime:
    """2 min, 15 min and 1 h after it was made, then every 6 h, when it expires, and when the window opens."""
    last = attempt.looked_at or attempt.made_at
    steady = attempt.made_at + LOOKS_AFTER[-1]
    periods = max(0, (last - steady) // LOOKS_EVERY + 1)
    moments = [
        *(attempt.made_at + after for after in LOOKS_AFTER),
        steady + periods * LOOKS_EVERY,
        attempt.expires_at + LOOKS_AFTER_EXPIRY,
        claim.start_time,
    ]
    return min((moment for moment in moments if moment > last), default=steady + (periods + 1) * LOOKS_EVERY)


# --- payments -----------------------------------------------------------------------------------------------------


def _of_payment(history: PaymentHistory, judged: Judged) -> Iterator[Obligation]:
    payment = judged.payment
    if not judged.accepted:
        return
    made_at = next(a.made_at for a in history.attempts if a.attempt_id == payment.attempt_id)
    if payment.charge is None:
        yield FetchCharge(f"charge:{payment.payment_intent_id}", made_at, payment)
        return
    seen = sum(refund.amount for refund in refunds_of(history, payment))
    if payment.refunded_hint > seen:
        yield ListRefunds(f"refunds:{payment.payment_intent_id}", payment.charge.created_at, payment)
    for dispute in disputes_of(history, payment):
        if dispute.doubted:
            yield FetchDispute(f"dispute:{dispute.dispute_id}", payment.charge.created_at, dispute, payment)
    if not _is_disputed(history, payment):
        yield from _refunds_due(history, judged)


def _is_disputed(history: PaymentHistory, payment: Payment) -> bool:
    """A disputed charge is not refunded: the bank decides first, and what it takes is not owed again."""
    return any(dispute.status is not DisputeStatus.WON for dispute in disputes_of(history, payment))


def _refunds_due(history: PaymentHistory, judged: Judged) -> Iterator[MakeRefund]:
    """What the clinic decided, each once; then, if the payment goes back, all that is left of it."""
    payment = judged.payment
    if payment.charge is None:
        return
    left = payment.charge.amount - refunded(history, payment)
    known = {refund.decision_id for refund in refunds_of(history, payment)}
    for decision in history.decisions:
        if decision.payment_intent_id == payment.payment_intent_id and decision.decision_id not in known:
            amount = min(decision.amount, left)
            left -= amount
            if amount > 0:
                yield _refund(payment, decision.decision_id, amount, RefundReason.REQUESTED, decision.decided_at)
    returning = automatic_refund_id(payment.charge.charge_id)
    if judged.return_because and left > 0 and returning not in known:
        yield _refund(payment, returning, left, judged.return_because, payment.charge.created_at)


def automatic_refund_id(charge_id: str) -> str:
    """The decision id of the one refund that the rules, not a person, make of a charge."""
    return f"auto-{charge_id}"


def _refund(payment: Payment, decision_id: str, amount: int, reason: RefundReason, since: datetime) -> MakeRefund:
    with_fee = payment.charge is not None and payment.charge.application_fee > 0
    return MakeRefund(f"refund:{decision_id}", since, payment, decision_id, amount, reason, with_fee)


# --- what needs a person ------------------------------------------------------------------------------------------


def _failed_refunds(claim: Owing, history: PaymentHistory) -> Iterator[str]:
    """A failed refund is never repeated by itself."""
    settled = {one.key for one in history.settled}
    for refund in history.refunds:
        failed = refund.status in {RefundStatus.FAILED, RefundStatus.CANCELED}
        if failed and f"refund:{refund.decision_id}" not in settled and f"refund:{refund.refund_id}" not in settled:
            currency = claim.fee.currency if claim.fee else ""
            text = display(Money(refund.amount, currency)) if currency else "a payment"
            yield f"The refund of {text} failed at the bank; give the money back another way."


def has_strange_payment(history: PaymentHistory) -> bool:
    """Whether money came that is not what one of our attempts asked for, and nobody has settled it."""
    settled = {one.key for one in history.settled}
    return any(
        payment.paid and not is_accepted(payment, history) and f"payment:{payment.payment_intent_id}" not in settled
        for payment in history.payments
    )
