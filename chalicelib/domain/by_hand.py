"""What people decide about somebody's money: give it back, let them in without it, retry or settle what is stuck.

Each decision is a fact with who and why, kept before anything is done about it; `obligations.py` says what follows.

    nothing was paid that could go back              NothingPaidError
    all of it went back, or is on its way            NothingLeftError
    it is disputed, or was charged back              DisputedError
    more than is left, no such charge                InvalidSessionError, with the field
    held, or on its way, by whom it would be waived  AlreadyPaidError, BeingPaidError; OpenOffersError: close it first
    no fee to waive                                  NothingToWaiveError
    not what is stuck, nothing to try again          UnknownKeyError

The same decision again (a refund of the same id, a waiver, a settled key) changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from chalicelib.domain.bounds import DECISIONS_KEPT
from chalicelib.domain.concerns import concerns
from chalicelib.domain.edits import (
    AlreadyPaidError,
    BeingPaidError,
    CanceledError,
    EndedError,
    OpenOffersError,
    live_attempts,
)
from chalicelib.domain.facts import (
    Payment,
    PaymentHistory,
    RefundDecision,
    RetriedByHand,
    SettledByHand,
    Waiver,
)
from chalicelib.domain.money import Money, currency, display
from chalicelib.domain.obligations import is_disputed, refunds_due, whatever_is_owed
from chalicelib.domain.payments import Judged, PaymentStatus, judge, standing
from chalicelib.domain.refunds import (
    automatic_refund_id,
    failure_key,
    is_failed,
    refund_key,
    refunds_of,
    settled_keys,
    still_to_make,
    went_back,
)
from chalicelib.domain.sessions import InvalidSessionError, Participant, Problem, Session, owing, with_participant
from chalicelib.domain.troubles import tried_anew, trouble_with

MAX_REASON = 255


class NothingPaidError(Exception):
    """There is no payment of this participant's that could go back."""


class NothingLeftError(Exception):
    """All of the payment went back, or is on its way."""


class DisputedError(Exception):
    """The payer disputes the payment with their bank, which decides; what the bank took is not given back by us."""


class NothingToWaiveError(Exception):
    """There is no fee."""


class UnknownKeyError(Exception):
    """Nothing of that key is stuck. `keys`: what is."""

    def __init__(self, keys: tuple[str, ...]) -> None:
        super().__init__(f"nothing of that key needs a person; what does: {', '.join(keys) or 'nothing'}")
        self.keys = keys


@dataclass(frozen=True, slots=True)
class RefundWish:
    """What to give back: `amount` in minor units (None: all that is left), of the charge named (None: the fee's)."""

    amount: int | None = None
    reason: str | None = None
    charge: str | None = None


@dataclass(frozen=True, slots=True)
class By:
    """Who decides, when, and why."""

    who: str
    at: datetime
    why: str


# --- refunds ------------------------------------------------------------------------------------------------------


def decide_refund(
    session: Session, participant: Participant, wish: RefundWish, *, decision_id: str, who: str, now: datetime
) -> Session:
    """The session with that refund decided. Of the amounts, Stripe's step for the currency is asked, no minimum.

    Raises NothingPaidError, NothingLeftError, DisputedError, InvalidSessionError. Source of what Stripe refuses:
    https://docs.stripe.com/refunds and https://docs.stripe.com/disputes/how-disputes-work (a disputed charge).
    """
    history = participant.history
    if any(one.decision_id == decision_id for one in history.decisions):
        return session
    payment = _to_refund(session, participant, wish)
    left = _left(session, participant, payment)
    if left <= 0:
        raise NothingLeftError
    problems = _refund_problems(wish, Money(left, _paid(payment).currency), history)
    if problems:
        raise InvalidSessionError(problems)
    amount = left if wish.amount is None else wish.amount
    decision = RefundDecision(decision_id, payment.payment_intent_id, amount, now, who, wish.reason)
    return _with_history(session, participant, replace(history, decisions=(*history.decisions, decision)))


def _to_refund(session: Session, participant: Participant, wish: RefundWish) -> Payment:
    claim, history = owing(session, participant), participant.history
    accepted = [one.payment for one in judge(claim, history) if one.accepted]
    if wish.charge is None:
        payment = standing(claim, history).counted or next(iter(accepted), None)
    else:
        payment = next((one for one in accepted if one.charge and one.charge.charge_id == wish.charge), None)
        if accepted and payment is None:
            raise InvalidSessionError((Problem("charge", "is no charge of this participant; leave it out"),))
    if payment is None:
        raise NothingPaidError
    if is_disputed(history, payment):
        raise DisputedError
    return payment


def _left(session: Session, participant: Participant, payment: Payment) -> int:
    """What nobody has given back or decided to give back yet, in minor units."""
    history = participant.history
    owed = sum(one.amount for one in refunds_due(history, _judged(session, participant, payment)))
    if payment.charge is None:
        # Nothing is made before it is known.
        owed = sum(one.amount for one in still_to_make(history, payment))
    return _paid(payment).amount - went_back(history, payment) - owed


def _judged(session: Session, participant: Participant, payment: Payment) -> Judged:
    judged = judge(owing(session, participant), participant.history)
    return next(one for one in judged if one.payment == payment)


def _refund_problems(wish: RefundWish, left: Money, history: PaymentHistory) -> tuple[Problem, ...]:
    problems = list(_reason_problems(wish.reason))
    if len(history.decisions) >= DECISIONS_KEPT:
        problems.append(
            Problem("amount", f"at most {DECISIONS_KEPT} refunds of one participant; use Stripe's dashboard")
        )
    if wish.amount is None:
        return tuple(problems)
    step = currency(left.currency).step
    if wish.amount < 1:
        problems.append(Problem("amount", "must be 1 or more, in the currency's minor unit; leave it out for all"))
    elif wish.amount > left.amount:
        problems.append(Problem("amount", f"at most {display(left)} ({left.amount}) is left of this payment"))
    elif wish.amount % step:
        problems.append(Problem("amount", f"must be a multiple of {step} in {left.currency.upper()}"))
    return tuple(problems)


def _reason_problems(reason: str | None) -> tuple[Problem, ...]:
    if reason is None or len(reason) <= MAX_REASON:
        return ()
    return (Problem("reason", f"at most {MAX_REASON} characters; {len(reason)} were sent"),)


def _paid(payment: Payment) -> Money:
    assert payment.paid is not None, "an accepted payment is one that was paid"
    return Money(payment.paid.amount, payment.paid.currency)


# --- the waiver ---------------------------------------------------------------------------------------------------


def waive(session: Session, participant: Participant, by: By) -> Session:
    """The session with the fee waived: admitted without paying; what is paid later goes back.

    Who was refunded in full may be let in by it. Raises CanceledError, EndedError, NothingToWaiveError,
    AlreadyPaidError, BeingPaidError, InvalidSessionError; OpenOffersError while it may still be paid.
    """
    if participant.history.waiver is not None:
        return session
    if session.canceled_at is not None:
        raise CanceledError
    if by.at >= session.end_time:
        raise EndedError
    _check_reason(by)
    _check_unpaid(session, participant)
    attempts = live_attempts(participant)
    if attempts:
        raise OpenOffersError(attempts)
    waiver = Waiver(by.at, by.who, by.why)
    return _with_history(session, participant, replace(participant.history, waiver=waiver))


def _check_unpaid(session: Session, participant: Participant) -> None:
    match standing(owing(session, participant), participant.history).status:
        case PaymentStatus.NOT_REQUIRED:
            raise NothingToWaiveError
        case PaymentStatus.PROCESSING:
            raise BeingPaidError
        case PaymentStatus.PAID | PaymentStatus.PARTIALLY_REFUNDED | PaymentStatus.DISPUTED:
            raise AlreadyPaidError
        case PaymentStatus.UNPAID | PaymentStatus.REFUNDED | PaymentStatus.WAIVED:
            return


# --- what is stuck ------------------------------------------------------------------------------------------------


def settle_by_hand(session: Session, participant: Participant, key: str, by: By, *, is_given: bool = True) -> Session:
    """The session in which a person has taken what has that key on themselves: it is owed by us no more.

    `is_given`: money that was to go back did, another way; else it need not any more, and counts as kept.

    Raises UnknownKeyError, InvalidSessionError.
    """
    history = participant.history
    if key in settled_keys(history):
        return session
    _check_reason(by)
    stuck = stuck_keys(session, participant, by.at)
    if key not in stuck:
        raise UnknownKeyError(stuck)
    settled = SettledByHand(key, by.at, by.who, by.why, is_given)
    return _with_history(session, participant, replace(history, settled=(*history.settled, settled)))


def retry_by_hand(session: Session, participant: Participant, key: str, by: By, *, decision_id: str) -> Session:
    """The session in which what has that key is tried anew: after trouble at once, a failed refund as another one.

    `decision_id`: that of the other refund. Raises UnknownKeyError, InvalidSessionError, DisputedError.
    """
    _check_reason(by)
    history = participant.history
    retried = RetriedByHand(key, by.at, by.who, by.why)
    noted = replace(history, retried=(*history.retried, retried))
    if key in stuck_keys(session, participant, by.at):
        if trouble_with(history, key) is not None:
            return _with_history(session, participant, tried_anew(noted, key, by.at))
        again = _refunded_again(session, participant, key)
        if again is not None:
            decision = RefundDecision(decision_id, again[0].payment_intent_id, again[1], by.at, by.who, by.why)
            return _with_history(session, participant, replace(noted, decisions=(*history.decisions, decision)))
    raise UnknownKeyError(stuck_keys(session, participant, by.at))


def stuck_keys(session: Session, participant: Participant, now: datetime) -> tuple[str, ...]:
    """What a person may retry or settle: what needs one, and what did not succeed so far."""
    history = participant.history
    owed = {one.key for one in whatever_is_owed(owing(session, participant), history)}
    failing = {trouble.key for trouble in history.troubles if trouble.key in owed}
    return tuple(sorted({one.key for one in concerns(session, participant, now)} | failing - settled_keys(history)))


def _refunded_again(session: Session, participant: Participant, key: str) -> tuple[Payment, int] | None:
    """The payment of a refund that did not arrive, and how much of it to send again; None when it is no such key."""
    history = participant.history
    for judged in judge(owing(session, participant), history):
        payment = judged.payment
        if not judged.accepted:
            continue
        amount = min(_did_not_arrive(history, payment, key), _left(session, participant, payment))
        if amount > 0:
            if is_disputed(history, payment):
                raise DisputedError
            return payment, amount
    return None


def _did_not_arrive(history: PaymentHistory, payment: Payment, key: str) -> int:
    """How much of this payment the refund of that key should have brought back: a failed one's amount, or all."""
    if payment.charge is not None and key == refund_key(automatic_refund_id(payment.charge.charge_id)):
        return payment.charge.amount
    failed = [one for one in refunds_of(history, payment) if is_failed(one)]
    return sum(one.amount for one in failed if key == failure_key(one))


def _check_reason(by: By) -> None:
    if not by.why.strip():
        raise InvalidSessionError((Problem("reason", "say why"),))
    problems = _reason_problems(by.why)
    if problems:
        raise InvalidSessionError(problems)


def _with_history(session: Session, participant: Participant, history: PaymentHistory) -> Session:
    return with_participant(session, participant.number, lambda one: replace(one, history=history))
