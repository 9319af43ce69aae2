"""What needs a person: which part of the money the product cannot settle by itself, in plain words.

Each concern has the key by which an operator has the act tried again, or takes it on themselves (`by_hand.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from chalicelib.domain.bounds import may_be_offered
from chalicelib.domain.debits import debit_key, late_debits
from chalicelib.domain.disputes import foreign_key, foreign_losses, is_disputed, is_undecided
from chalicelib.domain.facts import (
    NOTHING_YET,
    Payment,
    PaymentHistory,
    Refund,
    RefundReason,
    RefundStatus,
    Trouble,
)
from chalicelib.domain.money import Money, display_any
from chalicelib.domain.obligations import (
    AskAboutRefund,
    ExpireCheckout,
    MakeRefund,
    Obligation,
    strange_payments,
    whatever_is_owed,
)
from chalicelib.domain.payments import (
    Owing,
    PaymentStatus,
    money_of,
    standing,
    was_charged_again,
)
from chalicelib.domain.refunds import (
    failure_key,
    is_by_rule,
    is_failed,
    is_held,
    is_late,
    is_open_failure,
    open_failures,
    pending_key,
    refunds_of,
    settled_keys,
)
from chalicelib.domain.refusals import sentence
from chalicelib.domain.returns import Returning, excess_key, returnings
from chalicelib.domain.sessions import Participant, Session, owing
from chalicelib.domain.troubles import OFFER_KEY, offer_trouble, trouble_with

FAILURES_UNTIL_ATTENTION = 3
ATTENTION_AFTER_END = timedelta(hours=1)
STILL_PENDING = "A payment of this session is not settled with Stripe yet; it is being retried."
OVERFLOW_KEY = "overflow"
OVERFLOWED = "There are more payments, refunds or disputes than are kept here; see to them in Stripe."
LATE_DEBIT = (
    "A bank debit is under way, and the bank may answer too late for the session: waive the fee to let them in "
    "all the same (what arrives then goes back), or move the session."
)
AGAIN_KEY = "again"
PAID_TOO_OFTEN = (
    "The fee was paid and given back as often as can be kept, so it is not offered again; "
    "let them in by a waiver, or schedule another session."
)
LOST_ABROAD = (
    "A dispute was lost in another currency than the payment's, and counts as all of it; look in Stripe, and if it was "
    "a part only, waive the fee to let the client in."
)
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
    goings = returnings(claim, history)
    found = [concern for going in goings for concern in _of_returning(history, going)]
    found += _failures_elsewhere(history, {going.payment.payment_intent_id for going in goings})
    found += [Concern(key, STRANGE) for key in strange_payments(history)]
    if history.overflowed and OVERFLOW_KEY not in settled_keys(history):
        found.append(Concern(OVERFLOW_KEY, OVERFLOWED))
    found += _pending(claim, history, now)
    found += _refused_offer(claim, history, now)
    found += _late_debits(session, participant, now)
    everybody = [one.history for one in session.participants]
    is_offered = _is_wanted(claim, history, now)
    if is_offered and not may_be_offered(history, everybody) and AGAIN_KEY not in settled_keys(history):
        found.append(Concern(AGAIN_KEY, PAID_TOO_OFTEN))
    found += _held_refunds(history, now)
    return found


# --- what we owe, and did not succeed ----------------------------------------------------------------------------


def _pending(claim: Owing, history: PaymentHistory, now: datetime) -> Iterator[Concern]:
    """What is in lasting trouble at Stripe, and long after the end whatever is still owed."""
    long_over = now >= claim.end_time + ATTENTION_AFTER_END
    for one in sorted(whatever_is_owed(claim, history), key=lambda one: one.key):
        if _matters_no_more(one, now):
            continue
        trouble = trouble_with(history, one.key)
        if trouble is not None and (long_over or _is_lasting(trouble)):
            tries = "tried again" if trouble.retry_at else "no longer tried: see to it in Stripe"
            yield Concern(one.key, f"{_still_to_go(one)}{why_of(trouble)} It is {tries}.")
        elif long_over and not isinstance(one, AskAboutRefund):
            yield Concern(one.key, f"{_still_to_go(one)}{STILL_PENDING}")


def _matters_no_more(one: Obligation, now: datetime) -> bool:
    """Whether nobody could pay an offer any more that we failed to close: Stripe itself closes it when it expires.

    Whether it was paid before that is for the look at it to find out, which goes on mattering. Source:
    https://docs.stripe.com/api/checkout/sessions/object#checkout_session_object-expires_at
    """
    return isinstance(one, ExpireCheckout) and now >= one.attempt.expires_at


def _is_lasting(trouble: Trouble) -> bool:
    """What Stripe refused is told at once: time alone does not mend it."""
    is_final = trouble.retry_at is None or trouble.out_of_reach or trouble.refusal is not None
    return is_final or trouble.failures >= FAILURES_UNTIL_ATTENTION


def why_of(trouble: Trouble) -> str:
    """What did not succeed and, where Stripe refused it, who must do what."""
    if trouble.refusal is None or trouble.out_of_reach:
        return trouble.reason
    return f"{trouble.reason} {sentence(trouble.refusal)}"


def _still_to_go(one: Obligation) -> str:
    """Whoever sees to a refund themselves must know of how much."""
    if not isinstance(one, MakeRefund):
        return ""
    return f"{display_any(replace(money_of(one.payment), amount=one.amount))} is still to go back. "


def _refused_offer(claim: Owing, history: PaymentHistory, now: datetime) -> Iterator[Concern]:
    """That Stripe refuses to take a payment, while it is still to be made."""
    refused = offer_trouble(history)
    if refused is not None and _is_wanted(claim, history, now):
        yield Concern(OFFER_KEY, why_of(refused))


def _is_wanted(claim: Owing, history: PaymentHistory, now: datetime) -> bool:
    """From the end on nobody is asked to pay, so what Stripe refuses keeps nobody out; moved ahead, it does again."""
    if claim.closed_at is not None or now >= claim.end_time:
        return False
    return standing(claim, history).status is PaymentStatus.UNPAID


def _late_debits(session: Session, participant: Participant, now: datetime) -> Iterator[Concern]:
    keys = (debit_key(session, debit) for debit in late_debits(session, participant, now))
    return (Concern(key, LATE_DEBIT) for key in keys if key not in settled_keys(participant.history))


# --- money that we do not or cannot give back ourselves ----------------------------------------------------------


def _of_returning(history: PaymentHistory, going: Returning) -> Iterator[Concern]:
    """What a dispute bars us from giving back; what failed or fell short; and what went too far."""
    payment, failed = going.payment, {failure_key(refund): refund for refund, _ in going.failed}
    barred = going.ours() if going.is_barred else {}
    for key, amount in (barred | going.peoples()).items():
        text = display_any(going.money(amount))
        if key in failed:
            yield Concern(key, f"The refund of {text} {_went(failed[key])}; {_instead(history, going, failed[key])}.")
        elif is_undecided(history, payment):
            yield Concern(key, f"{text} of a disputed payment is to go back; {_BANK_DECIDES}.")
        elif is_disputed(history, payment):
            yield Concern(key, f"{text} is to go back beside what the bank took back; see to it in Stripe.")
        elif key in barred:
            yield Concern(key, f"{text} is to go back of a payment whose charge is not known; see to it in Stripe.")
        else:
            yield Concern(key, f"A payment went back in part only; give the rest back in Stripe: {text}.")
    yield from _lost_abroad(history, payment)
    key = excess_key(payment)
    if going.excess > sum(one.amount for one in history.settled if one.key == key):
        paid, beyond = display_any(going.money(going.amount)), display_any(going.money(going.excess))
        yield Concern(key, f"{beyond} of a payment of {paid} went back twice; ask for it, or let it be.")
    yield from _counting_again(history, going)


def _lost_abroad(history: PaymentHistory, payment: Payment) -> Iterator[Concern]:
    """Stripe does not say of which part of the payment they are. Once the fee was charged again, it does not matter."""
    if was_charged_again(history, payment):
        return
    for dispute in foreign_losses(history, payment):
        if foreign_key(dispute) not in settled_keys(history):
            yield Concern(foreign_key(dispute), LOST_ABROAD)


def _counting_again(history: PaymentHistory, going: Returning) -> Iterator[Concern]:
    """Refunds that the rules wanted and that failed, where the rule is over: the payer may still wait for the money."""
    held = going.left - sum(amount for _, amount in going.failed)
    if going.because is not None or held <= 0:
        return
    for refund in open_failures(history, going.payment, by_rule=True):
        if is_by_rule(history, going.payment, refund):
            text = display_any(going.money(min(refund.amount, held)))
            yield Concern(failure_key(refund), f"The refund of {text} {_went(refund)}; {_COUNTS}.")


_COUNTS = "the payment counts for the fee again, so tell the payer that it does not go back"
_BANK_DECIDES = "the bank decides first, unless you accept it in Stripe"
_OTHERWISE = "give the money back another way"
"""A failed refund is never repeated by itself; it needs nobody once its money went back otherwise."""


def _went(refund: Refund) -> str:
    return "was cancelled" if refund.status is RefundStatus.CANCELED else "failed at the bank"


def _instead(history: PaymentHistory, going: Returning, refund: Refund) -> str:
    if is_undecided(history, going.payment):
        return "wait for the bank, which decides a dispute of it"
    standing = [one.amount for one in refunds_of(history, going.payment) if not is_failed(one)]
    to_come = [decision.amount for decision, _ in going.decided]
    if going.because in {None, RefundReason.DUPLICATE} and refund.amount in {*standing, *to_come}:
        return f"{_OTHERWISE}, unless the other refund of as much was made for it"
    return _OTHERWISE


def _failures_elsewhere(history: PaymentHistory, ours: AbstractSet[str]) -> Iterator[Concern]:
    """Refunds that failed and lead to no payment of ours, or to one that is not what was asked for."""
    for refund in history.refunds:
        if refund.payment_intent_id not in ours and is_open_failure(history, refund):
            yield Concern(failure_key(refund), f"The refund of a payment {_went(refund)}; {_OTHERWISE}.")


def _held_refunds(history: PaymentHistory, now: datetime) -> Iterator[Concern]:
    """Refunds that were made and do not arrive by themselves, or are late."""
    for refund in history.refunds:
        held = _held(refund, now)
        if held is not None and pending_key(refund) not in settled_keys(history):
            yield Concern(pending_key(refund), f"The refund of {_amount(history, refund)} {held}")


def _held(refund: Refund, now: datetime) -> str | None:
    """What is asked of whom; None also for a refund that is pending no more, of which the fold keeps no reason."""
    if refund.requires_action:
        return "waits for the payer, whom Stripe asked by e-mail where to send it: the clinic asks them to answer."
    if is_held(refund):
        return "is held: the clinic adds funds to the balance of its Stripe account, which did not cover it."
    return "is pending for more than ten days: the clinic asks Stripe about it." if is_late(refund, now) else None


def _amount(history: PaymentHistory, refund: Refund) -> str:
    """In the currency of its payment, where that is known."""
    paid = [one.paid for one in history.payments if one.payment_intent_id == refund.payment_intent_id]
    return next((display_any(Money(refund.amount, one.currency)) for one in paid if one), "a payment")
