"""What people decide about somebody's money: give it back, ask for it again, let them in without it, see to the rest.

Each decision is a fact with who and why, kept before anything is done about it; `obligations.py` says what follows.

    nothing was paid that could go back              NothingPaidError
    all of it went back, or is on its way            NothingLeftError
    a dispute bars refunds of it, or took of it      DisputedError
    only what was not asked for, and it is not named UnnamedPaymentError, which is a NothingPaidError
    more than is left, no such charge                InvalidSessionError, with the field
    held, or on its way, by whom it would be waived  AlreadyPaidError, BeingPaidError; OpenOffersError: close it first
    on its way, and the bank may answer too late     waived: what arrives then goes back (`debits.py`)
    no fee to waive                                  NothingToWaiveError
    charged again, and not all of it is back         NotGivenBackError: `status` says how the fee stands
    charged again more often than is kept            PaidTooOftenError
    not what is stuck                                UnknownKeyError
    stuck, and no act of ours mends it               NothingToRetryError: settle it

The same decision again (a refund of the same id, a waiver, a settled key, a fee that is asked for already since it was
charged again) changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from chalicelib.domain.bounds import DECISIONS_KEPT, may_be_offered
from chalicelib.domain.concerns import concerns
from chalicelib.domain.currencies import CURRENCIES
from chalicelib.domain.debits import late_debits
from chalicelib.domain.disputes import is_disputed, is_undecided
from chalicelib.domain.edits import (
    AlreadyPaidError,
    BeingPaidError,
    CanceledError,
    EndedError,
    OpenOffersError,
    live_attempts,
)
from chalicelib.domain.facts import (
    AttemptGivenUp,
    ChargedAgain,
    PaymentHistory,
    RefundDecision,
    RefundReason,
    RetriedByHand,
    SettledByHand,
    Waiver,
)
from chalicelib.domain.folding import fold
from chalicelib.domain.money import display_any
from chalicelib.domain.obligations import refunds_key, whatever_is_owed
from chalicelib.domain.payments import Owing, PaymentStatus, is_returned, standing, was_charged_again
from chalicelib.domain.reach import out_of_reach, within_reach
from chalicelib.domain.refunds import decisions_of, failure_key, is_by_rule, is_open_failure
from chalicelib.domain.returns import Returning, all_returnings, excess_key, returnings
from chalicelib.domain.sessions import InvalidSessionError, Participant, Problem, Session, owing, with_participant
from chalicelib.domain.troubles import OFFER_KEY, look_key, tried_anew, without_trouble

MAX_REASON = 255


class NothingPaidError(Exception):
    """There is no payment of this participant's that could go back."""


class UnnamedPaymentError(NothingPaidError):
    """Only money came that is not what was asked for: by name alone it goes back."""

    def __init__(self, charges: str) -> None:
        super().__init__(f"what was paid is not what was asked for; to give it back, name its charge: {charges}")


class NothingLeftError(Exception):
    """All of the payment went back, or is on its way."""


class DisputedError(Exception):
    """The payer disputes the payment with their bank, which decides; what the bank took is not given back by us."""


class ChargedBackError(DisputedError):
    """The bank took of it, and has decided."""


class NothingToWaiveError(Exception):
    """There is no fee."""


class NotGivenBackError(Exception):
    """The fee is not charged again, since nothing that paid it is wholly back. `status`: how the fee stands instead."""

    def __init__(self, status: PaymentStatus) -> None:
        super().__init__(f"the fee is {status.value}")
        self.status = status


class PaidTooOftenError(Exception):
    """No more offers to pay can be kept of this participant, or of this session."""


class UnknownKeyError(Exception):
    """Nothing of that key is stuck. `keys`: what is."""

    def __init__(self, keys: tuple[str, ...]) -> None:
        super().__init__(f"nothing of that key needs a person; what does: {', '.join(keys) or 'nothing'}")
        self.keys = keys


class NothingToRetryError(Exception):
    """It needs a person, and there is no act to try again."""

    def __init__(self) -> None:
        super().__init__("there is nothing to try again; see to it yourself, and settle it then")


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

    Money that is not what was asked for goes back by the name of its charge. Raises NothingPaidError,
    UnnamedPaymentError, NothingLeftError, DisputedError, InvalidSessionError. Source of what Stripe refuses:
    https://docs.stripe.com/refunds and https://docs.stripe.com/disputes/how-disputes-work (a disputed charge).
    """
    history = participant.history
    if any(one.decision_id == decision_id for one in history.decisions):
        return session
    going = _to_refund(session, participant, wish)
    if going.left <= 0:
        raise NothingLeftError
    problems = _refund_problems(wish, going, history)
    if problems:
        raise InvalidSessionError(problems)
    amount = going.left if wish.amount is None else wish.amount
    decision = RefundDecision(decision_id, going.payment.payment_intent_id, amount, now, who, wish.reason)
    return _with_history(session, participant, replace(history, decisions=(*history.decisions, decision)))


def _to_refund(session: Session, participant: Participant, wish: RefundWish) -> Returning:
    claim, history = owing(session, participant), participant.history
    found = all_returnings(claim, history)
    if not found:
        raise NothingPaidError
    going = _named(found, wish.charge) if wish.charge is not None else _the_one(claim, history, found)
    _check_not_barred(history, going)
    return going


def _check_not_barred(history: PaymentHistory, going: Returning) -> None:
    if is_disputed(history, going.payment):
        raise DisputedError if is_undecided(history, going.payment) else ChargedBackError


def _named(found: tuple[Returning, ...], charge_id: str) -> Returning:
    for going in found:
        if going.payment.charge is not None and going.payment.charge.charge_id == charge_id:
            return going
    raise InvalidSessionError((Problem("charge", "is no charge of this participant; leave it out"),))


def _the_one(claim: Owing, history: PaymentHistory, every: tuple[Returning, ...]) -> Returning:
    """The payment that pays the fee. With another beside it of which money is held, or that people decided about, the
    same request made twice would give back both: then it must be named. So must one that is not what was asked for. One
    that was charged again since is none of them.
    """
    found = tuple(one for one in every if one.is_accepted)
    if not found:
        raise UnnamedPaymentError(_charges(every))
    counted = standing(claim, history).counted
    going = next((one for one in found if one.payment == counted), found[0])
    for other in found:
        is_back = is_returned(history, other.payment) and not decisions_of(history, other.payment)
        if other is not going and not is_back and not was_charged_again(history, other.payment):
            message = f"there is more than one payment; name the one: {_charges(found)}"
            raise InvalidSessionError((Problem("charge", message),))
    return going


def _charges(found: tuple[Returning, ...]) -> str:
    return ", ".join(one.payment.charge.charge_id for one in found if one.payment.charge)


def _refund_problems(wish: RefundWish, going: Returning, history: PaymentHistory) -> tuple[Problem, ...]:
    problems = list(_reason_problems(wish.reason))
    if len(history.decisions) >= DECISIONS_KEPT:
        problems.append(
            Problem("amount", f"at most {DECISIONS_KEPT} refunds of one participant; use Stripe's dashboard")
        )
    if wish.amount is None:
        return tuple(problems)
    left = going.money(going.left)
    step = CURRENCIES[left.currency].step if left.currency in CURRENCIES else 1
    if wish.amount < 1:
        problems.append(Problem("amount", "must be 1 or more, in the currency's minor unit; leave it out for all"))
    elif wish.amount > left.amount:
        problems.append(Problem("amount", f"at most {display_any(left)} ({left.amount}) is left of this payment"))
    elif wish.amount % step:
        problems.append(Problem("amount", f"must be a multiple of {step} in {left.currency.upper()}"))
    return tuple(problems)


def _reason_problems(reason: str | None) -> tuple[Problem, ...]:
    if reason is None or len(reason) <= MAX_REASON:
        return ()
    return (Problem("reason", f"at most {MAX_REASON} characters; {len(reason)} were sent"),)


# --- the waiver ---------------------------------------------------------------------------------------------------


def waive(session: Session, participant: Participant, by: By) -> Session:
    """The session with the fee waived: admitted without paying; what is paid later goes back.

    Who was refunded in full may be let in by it, and whose bank may answer too late. Raises CanceledError, EndedError,
    NothingToWaiveError, AlreadyPaidError, BeingPaidError, InvalidSessionError; OpenOffersError while it may still be
    paid.
    """
    if participant.history.waiver is not None:
        return session
    if session.canceled_at is not None:
        raise CanceledError
    if by.at >= session.end_time:
        raise EndedError
    _check_reason(by)
    # Whatever became of an offer that nobody can see: this lets them in.
    seen = replace(participant, history=within_reach(participant.history))
    # What the bank decides cannot be closed. In time, it is waited for.
    late = late_debits(session, seen, by.at)
    _check_unpaid(session, seen, is_late=bool(late))
    attempts = tuple(one for one in live_attempts(seen) if one not in late)
    if attempts:
        raise OpenOffersError(attempts)
    waiver = Waiver(by.at, by.who, by.why)
    return _with_history(session, participant, replace(participant.history, waiver=waiver))


def _check_unpaid(session: Session, participant: Participant, *, is_late: bool) -> None:
    match standing(owing(session, participant), participant.history).status:
        case PaymentStatus.NOT_REQUIRED:
            raise NothingToWaiveError
        case PaymentStatus.PROCESSING:
            if not is_late:
                raise BeingPaidError
        case PaymentStatus.PAID | PaymentStatus.PARTIALLY_REFUNDED | PaymentStatus.DISPUTED:
            raise AlreadyPaidError
        case PaymentStatus.UNPAID | PaymentStatus.REFUNDED | PaymentStatus.WAIVED:
            return


# --- charging again -----------------------------------------------------------------------------------------------


def charge_again(session: Session, participant: Participant, by: By) -> Session:
    """The session in which the fee is asked for once more, after it was given back or lost in a dispute.

    What was paid until now and is back counts no more (`payments.py`). Raises CanceledError, EndedError,
    NotGivenBackError, PaidTooOftenError, InvalidSessionError.
    """
    history = participant.history
    if session.canceled_at is not None:
        raise CanceledError
    if by.at >= session.end_time:
        raise EndedError
    _check_reason(by)
    if asked_again(session, participant) is not None:
        return session
    status = standing(owing(session, participant), history).status
    if status is not PaymentStatus.REFUNDED:
        raise NotGivenBackError(status)
    if not may_be_offered(history, [one.history for one in session.participants]):
        raise PaidTooOftenError
    again = ChargedAgain(by.at, by.who, by.why)
    return _with_history(session, participant, replace(history, charged_again=again))


def asked_again(session: Session, participant: Participant) -> ChargedAgain | None:
    """That the fee was charged again, while nothing has paid it since."""
    status = standing(owing(session, participant), participant.history).status
    return participant.history.charged_again if status is PaymentStatus.UNPAID else None


# --- what is stuck ------------------------------------------------------------------------------------------------


def settle_by_hand(session: Session, participant: Participant, key: str, by: By, *, is_given: bool = True) -> Session:
    """The session in which a person has taken what has that key on themselves: it is owed by us no more.

    `is_given`: money that was to go back did, another way; else it need not any more, and stays. How much is what is
    missing now. Said otherwise of what is not missing any more, it is corrected. Raises UnknownKeyError,
    InvalidSessionError.
    """
    history = participant.history
    stuck = stuck_keys(session, participant, by.at)
    failed = {failure_key(one): one.amount for one in history.refunds if is_open_failure(history, one)}
    said = next((one for one in reversed(history.settled) if one.key == key), None)
    if key in {*stuck, *failed}:
        others = history.settled
        # What failed and is not missing any more may have been given all the same: all of it.
        amount, because = _at_stake(session, participant, key) or (failed.get(key, 0), None)
    elif said is None:
        raise UnknownKeyError(stuck)
    elif said.is_given is is_given:
        return session
    else:
        others = tuple(one for one in history.settled if one is not said)
        amount, because = said.amount, said.because
    _check_reason(by)
    settled = SettledByHand(key, by.at, by.who, by.why, is_given, amount, because)
    history = _without_lost_offer(replace(history, settled=(*others, settled)), key)
    if key == OFFER_KEY:
        # It may be tried at once; refused again, it needs a person again.
        history = without_trouble(history, OFFER_KEY)
    return _with_history(session, participant, history)


def _without_lost_offer(history: PaymentHistory, key: str) -> PaymentHistory:
    """Whoever settles the look at an offer that is out of our reach has looked themselves: nobody pays it any more."""
    for attempt in out_of_reach(history):
        if key == look_key(attempt):
            return fold(history, AttemptGivenUp(attempt.attempt_id))
    return history


def _at_stake(session: Session, participant: Participant, key: str) -> tuple[int, RefundReason | None] | None:
    """How much of a payment has that key now, in minor units, and why it would go back by rule; None where none has."""
    for going in returnings(owing(session, participant), participant.history):
        payment = going.payment
        amounts = going.parts() | {excess_key(payment): going.excess, refunds_key(payment): payment.refunded_hint}
        if key in amounts:
            return amounts[key], going.because
    return None


def retry_by_hand(session: Session, participant: Participant, key: str, by: By, *, decision_id: str) -> Session:
    """The session in which what has that key is tried anew: after trouble at once, a failed refund as another one.

    `decision_id`: that of the other refund. Raises UnknownKeyError, NothingToRetryError, InvalidSessionError,
    DisputedError.
    """
    _check_reason(by)
    claim, history = owing(session, participant), participant.history
    noted = replace(history, retried=(*history.retried, RetriedByHand(key, by.at, by.who, by.why)))
    stuck = stuck_keys(session, participant, by.at)
    if key in stuck and key in {one.key for one in whatever_is_owed(claim, history)}:
        return _with_history(session, participant, tried_anew(noted, key, by.at))
    for going in returnings(claim, history):
        if key in going.parts():
            _check_not_barred(history, going)
        amount = going.peoples().get(key)
        if amount:
            payment_intent_id, by_rule = going.payment.payment_intent_id, _is_by_rule(history, going, key)
            decision = RefundDecision(decision_id, payment_intent_id, amount, by.at, by.who, by.why, by_rule)
            return _with_history(session, participant, replace(noted, decisions=(*history.decisions, decision)))
    if key in stuck:
        raise NothingToRetryError
    raise UnknownKeyError(stuck)


def _is_by_rule(history: PaymentHistory, going: Returning, key: str) -> bool:
    """Whether what did not go back was to by rule, as nobody asked for it."""
    asked = [one for one, _ in going.failed if not is_by_rule(history, going.payment, one)]
    return key not in {failure_key(one) for one in asked}


def stuck_keys(session: Session, participant: Participant, now: datetime) -> tuple[str, ...]:
    """What a person may retry or settle: what needs one, and what did not succeed so far."""
    history = participant.history
    owed = {one.key for one in whatever_is_owed(owing(session, participant), history)}
    failing = {trouble.key for trouble in history.troubles if trouble.key in owed}
    return tuple(sorted({one.key for one in concerns(session, participant, now)} | failing))


def _check_reason(by: By) -> None:
    if not by.why.strip():
        raise InvalidSessionError((Problem("reason", "say why"),))
    problems = _reason_problems(by.why)
    if problems:
        raise InvalidSessionError(problems)


def _with_history(session: Session, participant: Participant, history: PaymentHistory) -> Session:
    return with_participant(session, participant.number, lambda one: replace(one, history=history))
