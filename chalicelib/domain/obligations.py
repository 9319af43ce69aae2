"""What the facts oblige us to do at Stripe, when, and what of it needs a person.

Obligations are never stored: they are computed from the session whenever somebody asks, so a crash anywhere is repaired
by whoever asks next. Each has a key made of the facts, by which retries, failures and settlements find it again.
`due_at` may lie in the past: then it is due at once. This module decides; `flows/carry_out.py` acts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from chalicelib.domain.disputes import disputes_of
from chalicelib.domain.facts import (
    LIVE,
    Attempt,
    AttemptState,
    Charge,
    Dispute,
    Payment,
    PaymentHistory,
    Refund,
    RefundReason,
)
from chalicelib.domain.payments import (
    Judged,
    Owing,
    is_accepted,
    is_returned,
    is_unproven,
    judge,
    standing,
)
from chalicelib.domain.reach import is_out_of_reach
from chalicelib.domain.refunds import (
    ask_key,
    asked_next,
    automatic_refund_id,
    lacks_refunds,
    refund_key,
    refunds_of,
    settled_keys,
)
from chalicelib.domain.returns import Returning, can_be_asked_for, charge_key, returning
from chalicelib.domain.sessions import Session, owing
from chalicelib.domain.troubles import expire_key, look_key, trouble_with

LOOKS_AFTER = (timedelta(minutes=2), timedelta(minutes=15), timedelta(hours=1))
LOOKS_EVERY = timedelta(hours=6)
LOOKS_AFTER_EXPIRY = timedelta(minutes=1)
LOOKS_FOR_CHARGE_EVERY = timedelta(minutes=2)
LOOKS_FOR_DEBIT_EVERY = timedelta(hours=1)
"""Once a charge of it is known that came through."""


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
class AskAboutRefund:
    """This refund is pending for longer than refunds take: ask Stripe how it ended."""

    key: str
    due_at: datetime
    refund: Refund
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


Obligation = LookAtCheckout | ExpireCheckout | FetchCharge | ListRefunds | AskAboutRefund | MakeRefund | FetchDispute


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
        for one in whatever_is_owed(owing(session, participant), participant.history):
            put_off = _put_off(one, participant.history)
            if put_off is not None:
                yield participant.number, put_off


def whatever_is_owed(claim: Owing, history: PaymentHistory) -> Iterator[Obligation]:
    """All of it, but for what people took on themselves."""
    return (one for one in _owed(claim, history) if not _is_settled(claim, history, one))


def _owed(claim: Owing, history: PaymentHistory) -> Iterator[Obligation]:
    for attempt in history.attempts:
        yield from _of_attempt(claim, history, attempt)
    for judged in judge(claim, history):
        yield from _of_payment(claim, history, judged)
        yield from _late_refunds(history, judged.payment)


def _is_settled(claim: Owing, history: PaymentHistory, one: Obligation) -> bool:
    """Whether a person took it on themselves. Of refunds, the amounts say it.

    A charge is asked for again once it matters: all is to go back since, or another payment waits for it. What is out
    of our reach is looked for until a person has given it up.
    """
    settled = [by_hand for by_hand in history.settled if by_hand.key == one.key]
    if not settled or isinstance(one, MakeRefund):
        return False
    if isinstance(one, LookAtCheckout):
        return not is_out_of_reach(history, one.attempt)
    if isinstance(one, ListRefunds):
        return one.payment.refunded_hint <= settled[-1].amount
    if not isinstance(one, FetchCharge):
        return True
    others = [payment for payment in history.payments if payment != one.payment and is_accepted(payment, history)]
    is_awaited = any(not is_returned(history, payment) for payment in others)
    goes_back_since = claim.closed_at is not None and claim.returns and claim.closed_at > settled[-1].settled_at
    return not is_awaited and not goes_back_since


def _put_off(one: Obligation, history: PaymentHistory) -> Obligation | None:
    """The obligation at its next try, of what is out of reach whenever else it would be due; None for no more."""
    trouble = trouble_with(history, one.key)
    if trouble is None:
        return one
    if trouble.retry_at is None:
        return None
    return replace(one, due_at=trouble.retry_at if trouble.out_of_reach else max(one.due_at, trouble.retry_at))


# --- attempts -----------------------------------------------------------------------------------------------------


def _of_attempt(claim: Owing, history: PaymentHistory, attempt: Attempt) -> Iterator[Obligation]:
    if _has_unproven_charge(history, attempt):
        yield LookAtCheckout(look_key(attempt), _look_for_charge(attempt), attempt)
    elif attempt.state in LIVE:
        yield LookAtCheckout(look_key(attempt), _next_look(claim, attempt), attempt)
    if attempt.state is AttemptState.OPEN and not is_out_of_reach(history, attempt):
        closes_at = claim.end_time if is_wanted(claim, history, attempt) else attempt.made_at
        yield ExpireCheckout(expire_key(attempt), closes_at, attempt)


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
    every = LOOKS_FOR_DEBIT_EVERY if attempt.state is AttemptState.PROCESSING else LOOKS_FOR_CHARGE_EVERY
    return attempt.looked_at + every if attempt.looked_at else attempt.made_at


def _next_look(claim: Owing, attempt: Attempt) -> datetime:
    """2 min, 15 min and 1 h after it was made, then every 6 h, when it expires, and when the window opens."""
    last = attempt.looked_at or attempt.made_at
    steady = attempt.made_at + LOOKS_AFTER[-1]
    periods = (last - steady) // LOOKS_EVERY + 1
    moments = [
        *(attempt.made_at + after for after in LOOKS_AFTER),
        steady + periods * LOOKS_EVERY,
        attempt.expires_at + LOOKS_AFTER_EXPIRY,
        claim.start_time,
    ]
    return min(moment for moment in moments if moment > last)


# --- payments -----------------------------------------------------------------------------------------------------


def _of_payment(claim: Owing, history: PaymentHistory, judged: Judged) -> Iterator[Obligation]:
    payment = judged.payment
    if not judged.accepted and not can_be_asked_for(history, payment):
        return
    if payment.charge is None:
        made_at = next(a.made_at for a in history.attempts if a.attempt_id == payment.attempt_id)
        yield FetchCharge(charge_key(payment), made_at, payment)
        return
    seen = sum(refund.amount for refund in refunds_of(history, payment))
    if payment.refunded_hint > seen and not lacks_refunds(history):
        yield ListRefunds(refunds_key(payment), payment.charge.created_at, payment)
    for dispute in disputes_of(history, payment):
        if dispute.doubted:
            yield FetchDispute(f"dispute:{dispute.dispute_id}", payment.charge.created_at, dispute, payment)
    going = returning(claim, history, judged)
    if not going.is_barred:
        yield from _refunds_due(going, payment.charge)


def _late_refunds(history: PaymentHistory, payment: Payment) -> Iterator[AskAboutRefund]:
    """Also of money that is not what was asked for: a person has given it back, and waits for it, too."""
    for refund in refunds_of(history, payment):
        moment = asked_next(refund)
        if moment is not None:
            yield AskAboutRefund(ask_key(refund), moment, refund, payment)


def refunds_key(payment: Payment) -> str:
    """The key of the obligation to list a payment's refunds."""
    return f"refunds:{payment.payment_intent_id}"


def _refunds_due(going: Returning, charge: Charge) -> Iterator[MakeRefund]:
    """What people decided, each once; then, if the payment goes back by rule, what is left and waits for no person."""
    for decision, amount in going.decided:
        yield _refund(going, charge, decision.decision_id, amount, RefundReason.REQUESTED, decision.decided_at)
    if going.because and going.automatic:
        decision_id = automatic_refund_id(charge.charge_id)
        yield _refund(going, charge, decision_id, going.automatic, going.because, charge.created_at)


def _refund(
    going: Returning, charge: Charge, decision_id: str, amount: int, reason: RefundReason, since: datetime
) -> MakeRefund:
    with_fee = charge.application_fee > 0
    return MakeRefund(refund_key(decision_id), since, going.payment, decision_id, amount, reason, with_fee)


# --- what is strange ------------------------------------------------------------------------------------------------


def has_strange_payment(history: PaymentHistory) -> bool:
    """Whether money is held that is not what one of our attempts asked for, and nobody has settled it."""
    return next(strange_payments(history), None) is not None


def strange_payments(history: PaymentHistory) -> Iterator[str]:
    """The keys, by which a person settles them, of payments that are not what was asked for."""
    return (strange_key(payment) for payment in history.payments if is_strange(history, payment))


def strange_key(payment: Payment) -> str:
    return f"payment:{payment.payment_intent_id}"


def is_strange(history: PaymentHistory, payment: Payment) -> bool:
    """Whether it came, is not what one of our attempts asked for, is not all back, and nobody has settled it."""
    came = (payment.paid or payment.charge) and not is_unproven(payment, history)
    if not came or is_accepted(payment, history):
        return False
    return strange_key(payment) not in settled_keys(history) and not is_returned(history, payment)
