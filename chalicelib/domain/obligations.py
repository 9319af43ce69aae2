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
    Refund,
    RefundReason,
    RefundStatus,
    Trouble,
)
from chalicelib.domain.money import Money, display
from chalicelib.domain.payments import (
    LIVE,
    Judged,
    Owing,
    PaymentStatus,
    attempt_of,
    disputes_of,
    is_accepted,
    is_unproven,
    judge,
    refunded,
    refunds_of,
    standing,
)
from chalicelib.domain.sessions import Participant, Session, owing
from chalicelib.domain.troubles import OFFER_KEY, trouble_with

LOOKS_AFTER = (timedelta(minutes=2), timedelta(minutes=15), timedelta(hours=1))
LOOKS_EVERY = timedelta(hours=6)
LOOKS_AFTER_EXPIRY = timedelta(minutes=1)
LOOKS_FOR_CHARGE_EVERY = timedelta(minutes=2)
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
    claim, history = owing(session, participant), participant.history
    pending = {one.key for one in _of_participant(claim, history)} - _settled(history)
    long_over = now >= session.end_time + ATTENTION_AFTER_END
    sentences = [*_failed_refunds(history), *_not_going_back(claim, history)]
    if has_strange_payment(history):
        sentences.append("A payment arrived that is not the one that was asked for; look at it in Stripe.")
    sentences += [
        _told(trouble)
        for trouble in history.troubles
        if (trouble.key in pending and (long_over or _is_lasting(trouble))) or _bars_offers(claim, history, trouble)
    ]
    if long_over and pending and not sentences:
        sentences.append("A payment of this session is not settled with Stripe yet; it is being retried.")
    return " ".join(dict.fromkeys(sentences)) or None


def _of_participant(claim: Owing, history: PaymentHistory) -> Iterator[Obligation]:
    for attempt in history.attempts:
        yield from _of_attempt(claim, history, attempt)
    for judged in judge(claim, history):
        yield from _of_payment(history, judged)


def _put_off(one: Obligation, history: PaymentHistory) -> Obligation | None:
    """The obligation at its next try; None when a person settled it, or it was tried for seven days."""
    if one.key in _settled(history):
        return None
    trouble = trouble_with(history, one.key)
    if trouble is None:
        return one
    return replace(one, due_at=max(one.due_at, trouble.retry_at)) if trouble.retry_at else None


# --- attempts -----------------------------------------------------------------------------------------------------


def _of_attempt(claim: Owing, history: PaymentHistory, attempt: Attempt) -> Iterator[Obligation]:
    if _has_unproven_charge(history, attempt):
        yield LookAtCheckout(f"look:{attempt.attempt_id}", _look_for_charge(attempt), attempt)
    elif attempt.state in LIVE:
        yield LookAtCheckout(f"look:{attempt.attempt_id}", _next_look(claim, attempt), attempt)
    if attempt.state is AttemptState.OPEN:
        closes_at = claim.end_time if is_wanted(claim, history, attempt) else attempt.made_at
        yield ExpireCheckout(f"expire:{attempt.attempt_id}", closes_at, attempt)


def is_wanted(claim: Owing, history: PaymentHistory, attempt: Attempt) -> bool:
    """Whether this offer is still the one to pay: the newest, for the fee as it stands, and nothing has paid it."""
    if claim.closed_at is not None or history.waiver is not None or claim.fee is None:
        return False
    if has_strange_payment(history):
        return False
    if standing(claim, history).counted is not None or attempt != history.attempts[-1]:
        return False
    return (attempt.amount, attempt.currency) == (claim.fee.amount, claim.fee.currency)


def _has_unproven_charge(history: PaymentHistory, attempt: Attempt) -> bool:
    mine = [payment for payment in history.payments if payment.attempt_id == attempt.attempt_id]
    return any(is_unproven(payment, history) for payment in mine)


def _look_for_charge(attempt: Attempt) -> datetime:
    """At once; and again, since Stripe may show the charge before it shows the Checkout Session paid."""
    return attempt.looked_at + LOOKS_FOR_CHARGE_EVERY if attempt.looked_at else attempt.made_at


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
    return min(moment for moment in moments if moment > last)


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
    return any(one.status is not DisputeStatus.WON or one.doubted for one in disputes_of(history, payment))


def _refunds_due(history: PaymentHistory, judged: Judged) -> Iterator[MakeRefund]:
    """What the clinic decided, each once; then, if the payment goes back, all that is left of it."""
    payment = judged.payment
    if payment.charge is None:
        return
    left = payment.charge.amount - refunded(history, payment) - _given_by_hand(history, payment)
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


def _given_by_hand(history: PaymentHistory, payment: Payment) -> int:
    """What failed as a refund and a person has settled: it is not owed a second time."""
    return sum(
        refund.amount for refund in refunds_of(history, payment) if _is_failed(refund) and _is_settled(history, refund)
    )


def automatic_refund_id(charge_id: str) -> str:
    """The decision id of the one refund that the rules, not a person, make of a charge."""
    return f"auto-{charge_id}"


def _refund(payment: Payment, decision_id: str, amount: int, reason: RefundReason, since: datetime) -> MakeRefund:
    with_fee = payment.charge is not None and payment.charge.application_fee > 0
    return MakeRefund(f"refund:{decision_id}", since, payment, decision_id, amount, reason, with_fee)


# --- what needs a person ------------------------------------------------------------------------------------------


def _settled(history: PaymentHistory) -> set[str]:
    """The keys that a person took on themselves."""
    return {one.key for one in history.settled}


def _told(trouble: Trouble) -> str:
    if trouble.key == OFFER_KEY:
        return trouble.reason
    return f"{trouble.reason} It is {'tried again' if trouble.retry_at else 'no longer tried: see to it in Stripe'}."


def _is_lasting(trouble: Trouble) -> bool:
    return trouble.failures >= FAILURES_UNTIL_ATTENTION or trouble.retry_at is None


def _bars_offers(claim: Owing, history: PaymentHistory, trouble: Trouble) -> bool:
    """Stripe refuses to take this payment, and it is still wanted."""
    if trouble.key != OFFER_KEY or OFFER_KEY in _settled(history) or claim.closed_at is not None:
        return False
    return standing(claim, history).status is PaymentStatus.UNPAID


def _failed_refunds(history: PaymentHistory) -> Iterator[str]:
    """A failed refund is never repeated by itself."""
    attempts = {payment.payment_intent_id: attempt_of(payment, history) for payment in history.payments}
    for refund in history.refunds:
        if _is_failed(refund) and not _is_settled(history, refund):
            attempt = attempts.get(refund.payment_intent_id)
            text = display(Money(refund.amount, attempt.currency)) if attempt else "a payment"
            yield f"The refund of {text} failed at the bank; give the money back another way."


def _is_failed(refund: Refund) -> bool:
    return refund.status in {RefundStatus.FAILED, RefundStatus.CANCELED}


def _is_settled(history: PaymentHistory, refund: Refund) -> bool:
    return not _settled(history).isdisjoint({f"refund:{refund.decision_id}", f"refund:{refund.refund_id}"})


def _not_going_back(claim: Owing, history: PaymentHistory) -> Iterator[str]:
    """Money that is to go back, and that we do not or cannot give back ourselves."""
    for judged in judge(claim, history):
        owed = {one.key for one in _refunds_due(history, judged)} - _settled(history)
        disputes = disputes_of(history, judged.payment)
        undecided = any(dispute.status is DisputeStatus.OPEN or dispute.doubted for dispute in disputes)
        if judged.accepted and owed and undecided:
            yield "A payment that is to go back is disputed; the bank decides first, unless you accept it in Stripe."
        elif judged.return_because and not undecided and _is_short(history, judged.payment):
            yield "Only a part of a payment that is to go back went back; give the rest back in Stripe."


def _is_short(history: PaymentHistory, payment: Payment) -> bool:
    """We have done what we can, the bank what it wanted, and something is left that no other sentence speaks of."""
    refunds = refunds_of(history, payment)
    if payment.charge is None or any(_is_failed(refund) and not _is_settled(history, refund) for refund in refunds):
        return False
    returning = automatic_refund_id(payment.charge.charge_id)
    lost = [dispute.amount for dispute in disputes_of(history, payment) if dispute.status is DisputeStatus.LOST]
    done = bool(lost) or returning in {refund.decision_id for refund in refunds}
    back = refunded(history, payment) + _given_by_hand(history, payment) + sum(lost)
    return done and back < payment.charge.amount and f"refund:{returning}" not in _settled(history)


def has_strange_payment(history: PaymentHistory) -> bool:
    """Whether money came that is not what one of our attempts asked for, and nobody has settled it."""
    return any(
        (payment.paid or payment.charge)
        and not is_accepted(payment, history)
        and not is_unproven(payment, history)
        and f"payment:{payment.payment_intent_id}" not in _settled(history)
        for payment in history.payments
    )
