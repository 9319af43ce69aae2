"""What needs a person: which part of the money the product cannot settle by itself, in plain words.

Each concern has the key by which an operator has the act tried again, or takes it on themselves (`by_hand.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.domain.facts import NOTHING_YET, Dispute, DisputeStatus, Payment, PaymentHistory, Trouble
from chalicelib.domain.money import Money, display
from chalicelib.domain.obligations import refunds_due, strange_payments, whatever_is_owed
from chalicelib.domain.payments import Judged, Owing, PaymentStatus, attempt_of, disputes_of, judge, standing
from chalicelib.domain.refunds import (
    automatic_refund_id,
    failure_key,
    given_by_hand,
    is_failed,
    is_open_failure,
    is_settled,
    refund_key,
    refunded,
    refunds_of,
    settled_keys,
    went_back,
)
from chalicelib.domain.sessions import Participant, Session, owing
from chalicelib.domain.troubles import OFFER_KEY

FAILURES_UNTIL_ATTENTION = 3
ATTENTION_AFTER_END = timedelta(hours=1)
STILL_PENDING = "A payment of this session is not settled with Stripe yet; it is being retried."
OVERFLOW_KEY = "overflow"
OVERFLOWED = "There are more payments, refunds or disputes than are kept here; see to them in Stripe."
OTHERWISE = "give the money back another way"
"""What to do about a refund that failed."""

STRANGE = "A payment arrived that is not the one that was asked for; look at it in Stripe."


@dataclass(frozen=True, slots=True)
class Concern:
    """What needs a person: the key by which they retry or settle it, and the reason in a sentence."""

    key: str
    sentence: str


def attention(session: Session, participant: Participant, now: datetime) -> str | None:
    """What needs a person, in sentences; None when nothing does."""
    return " ".join(dict.fromkeys(one.sentence for one in concerns(session, participant, now))) or None


def concerns(session: Session, participant: Participant, now: datetime) -> list[Concern]:
    """What needs a person, and under which key."""
    claim, history = owing(session, participant), participant.history
    if history == NOTHING_YET:
        return []
    pending = {one.key for one in whatever_is_owed(claim, history)} - settled_keys(history)
    long_over = now >= session.end_time + ATTENTION_AFTER_END
    found = [*_failed_refunds(claim, history), *_not_going_back(claim, history)]
    found += [Concern(key, STRANGE) for key in strange_payments(history)]
    if history.overflowed and OVERFLOW_KEY not in settled_keys(history):
        found.append(Concern(OVERFLOW_KEY, OVERFLOWED))
    found += [
        Concern(trouble.key, _told(trouble))
        for trouble in history.troubles
        if (trouble.key in pending and (long_over or _is_lasting(trouble))) or _bars_offers(claim, history, trouble)
    ]
    if long_over and not found:
        found += [Concern(key, STILL_PENDING) for key in sorted(pending)]
    return found


def _told(trouble: Trouble) -> str:
    if trouble.key == OFFER_KEY:
        return trouble.reason
    return f"{trouble.reason} It is {'tried again' if trouble.retry_at else 'no longer tried: see to it in Stripe'}."


def _is_lasting(trouble: Trouble) -> bool:
    return trouble.failures >= FAILURES_UNTIL_ATTENTION or trouble.retry_at is None


def _bars_offers(claim: Owing, history: PaymentHistory, trouble: Trouble) -> bool:
    """Stripe refuses to take this payment, and it is still wanted."""
    if trouble.key != OFFER_KEY or OFFER_KEY in settled_keys(history) or claim.closed_at is not None:
        return False
    return standing(claim, history).status is PaymentStatus.UNPAID


def _failed_refunds(claim: Owing, history: PaymentHistory) -> Iterator[Concern]:
    """A failed refund is never repeated by itself; it needs nobody once its money went back otherwise."""
    missing = {one.payment.payment_intent_id: _missing(history, one) for one in judge(claim, history)}
    attempts = {payment.payment_intent_id: attempt_of(payment, history) for payment in history.payments}
    for refund in history.refunds:
        left = min(refund.amount, missing.get(refund.payment_intent_id, refund.amount))
        if left > 0 and is_open_failure(history, refund):
            attempt = attempts.get(refund.payment_intent_id)
            text = display(Money(left, attempt.currency)) if attempt else "a payment"
            disputes = [one for one in history.disputes if one.payment_intent_id == refund.payment_intent_id]
            then = "wait for the bank, which decides a dispute of it" if _is_undecided(disputes) else OTHERWISE
            yield Concern(failure_key(refund), f"The refund of {text} failed at the bank; {then}.")


def _is_undecided(disputes: Iterable[Dispute]) -> bool:
    return any(dispute.status is DisputeStatus.OPEN or dispute.doubted for dispute in disputes)


def _missing(history: PaymentHistory, judged: Judged) -> int:
    """What ought to go back, by rule or as people asked, and neither did, by whomever, nor is about to; minor units."""
    payment = judged.payment
    amount = payment.charge.amount if payment.charge else sum(one.amount for one in refunds_of(history, payment))
    asked = [one.amount for one in history.decisions if one.payment_intent_id == payment.payment_intent_id]
    in_dashboard = [one.amount for one in refunds_of(history, payment) if one.decision_id is None]
    wanted = amount if judged.return_because else min(amount, sum(asked) + sum(in_dashboard))
    back = went_back(history, payment) + _charged_back(history, payment)
    return wanted - back - sum(one.amount for one in refunds_due(history, judged))


def _not_going_back(claim: Owing, history: PaymentHistory) -> Iterator[Concern]:
    """Money that is to go back, and that we do not or cannot give back ourselves."""
    for judged in judge(claim, history):
        owed = sorted(one.key for one in refunds_due(history, judged))
        undecided = _is_undecided(disputes_of(history, judged.payment))
        if judged.accepted and owed and undecided:
            sentence = (
                "A payment that is to go back is disputed; the bank decides first, unless you accept it in Stripe."
            )
            yield Concern(owed[0], sentence)
        elif judged.return_because and judged.payment.charge and not undecided and _is_short(history, judged):
            sentence = "Only a part of a payment that is to go back went back; give the rest back in Stripe."
            yield Concern(refund_key(automatic_refund_id(judged.payment.charge.charge_id)), sentence)
        elif judged.accepted and owed and _charged_back_in_part(history, judged.payment):
            sentence = "A refund was not made, since the bank took a part of the payment back; see to it in Stripe."
            yield Concern(owed[0], sentence)


def _is_short(history: PaymentHistory, judged: Judged) -> bool:
    """We have done what we can, the bank what it wanted, and something is left that no other sentence speaks of."""
    payment = judged.payment
    refunds = refunds_of(history, payment)
    if payment.charge is None or any(is_open_failure(history, refund) for refund in refunds):
        return False
    returning, lost = automatic_refund_id(payment.charge.charge_id), _charged_back(history, payment)
    done = bool(lost) or returning in {refund.decision_id for refund in refunds}
    owed = 0 if lost else sum(one.amount for one in refunds_due(history, judged))
    seen_to = sum(refund.amount for refund in refunds if is_failed(refund) and is_settled(history, refund))
    back = refunded(history, payment) + max(given_by_hand(history, payment), seen_to) + lost + owed
    return done and back < payment.charge.amount and refund_key(returning) not in settled_keys(history)


def _charged_back(history: PaymentHistory, payment: Payment) -> int:
    lost = [dispute for dispute in disputes_of(history, payment) if dispute.status is DisputeStatus.LOST]
    return sum(dispute.amount for dispute in lost)


def _charged_back_in_part(history: PaymentHistory, payment: Payment) -> bool:
    """Then what is left is given back by nobody: Stripe refuses refunds of a disputed charge."""
    lost = _charged_back(history, payment)
    return bool(lost) and payment.charge is not None and lost + refunded(history, payment) < payment.charge.amount
