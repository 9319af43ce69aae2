"""One participant's history as rows for people: what happened when, to what, and what became of it. Decides nothing.

What has no time of its own (Stripe tells of refunds and disputes without one that we keep) stands with its payment.
Names, addresses and other personal texts stay out; reasons that staff gave are shown, since they are the why.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter

from chalicelib.domain.concerns import why_of
from chalicelib.domain.disputes import disputes_of
from chalicelib.domain.facts import Attempt, Dispute, Payment, PaymentHistory, Refund
from chalicelib.domain.payments import Judged, judge, standing
from chalicelib.domain.refunds import refunds_of, settled_payment
from chalicelib.domain.sessions import Participant, Session, owing
from chalicelib.storage.stores import Entry
from ops.writing import moment, money, plain


@dataclass(frozen=True, slots=True)
class Row:
    """`sorted_at` places it; `at` is shown, and None where no time is kept."""

    sorted_at: datetime
    at: datetime | None
    what: str
    about: str
    note: str

    @property
    def cells(self) -> tuple[str, str, str, str]:
        return moment(self.at), self.what, self.about, self.note


def timeline(session: Session, participant: Participant, entries: list[Entry]) -> list[Row]:
    """Everything that is kept about this participant, the oldest first."""
    rows = [
        *_of_session(session),
        *_of_participant(participant),
        *_of_money(session, participant),
        *_of_people(participant.history),
        *(_row(entry.entered_at, "entered", "", "") for entry in entries if entry.number == participant.number),
    ]
    return sorted(rows, key=attrgetter("sorted_at"))


def _row(at: datetime, what: str, about: str, note: str) -> Row:
    return Row(at, at, what, about, note)


def _of_session(session: Session) -> Iterator[Row]:
    yield _row(session.created_at, "scheduled", "", f"by API client {session.client_id}")
    if session.canceled_at:
        note = "payments are kept" if session.keeps_payments else "payments go back"
        yield _row(session.canceled_at, "cancelled", "", note)


def _of_participant(participant: Participant) -> Iterator[Row]:
    if participant.deleted_at:
        note = "the payment is kept" if participant.keeps_payment else "the payment goes back"
        yield _row(participant.deleted_at, "removed", "", note)


# --- money ----------------------------------------------------------------------------------------------------------


def _of_money(session: Session, participant: Participant) -> Iterator[Row]:
    history = participant.history
    yield from map(_attempt, history.attempts)
    claim = owing(session, participant)
    counted = standing(claim, history).counted
    for judged in judge(claim, history):
        began_at = _began_at(session, history, judged.payment)
        yield _payment(judged, began_at, counts=judged.payment == counted)
        for refund in refunds_of(history, judged.payment):
            yield _refund(refund, judged.payment, began_at)
        for dispute in disputes_of(history, judged.payment):
            yield _dispute(dispute, judged.payment, began_at)
    known = {payment.payment_intent_id for payment in history.payments}
    for refund in history.refunds:
        if refund.payment_intent_id not in known:
            yield _refund(refund, None, session.created_at)
    for dispute in history.disputes:
        if dispute.payment_intent_id not in known:
            yield _dispute(dispute, None, session.created_at)


def _attempt(attempt: Attempt) -> Row:
    notes = [
        f"{money(attempt.amount, attempt.currency)}, {attempt.state}",
        f"Checkout {attempt.checkout_session_id or 'not known'}",
        f"on {attempt.stripe_account_id or 'our own account'}{'' if attempt.livemode else ' (test mode)'}",
        f"expires {moment(attempt.expires_at)}",
    ]
    if attempt.application_fee:
        notes.insert(1, f"application fee {money(attempt.application_fee, attempt.currency)}")
    if attempt.looked_at:
        notes.append(f"last look {moment(attempt.looked_at)}")
    return _row(attempt.made_at, "offer", attempt.attempt_id, ", ".join(notes))


def _began_at(session: Session, history: PaymentHistory, payment: Payment) -> datetime:
    if payment.charge:
        return payment.charge.created_at
    made = (attempt.made_at for attempt in history.attempts if attempt.attempt_id == payment.attempt_id)
    return next(made, session.created_at)


def _payment(judged: Judged, began_at: datetime, *, counts: bool) -> Row:
    payment, charge = judged.payment, judged.payment.charge
    notes = [_amount(payment), _judgement(judged, counts=counts), f"for offer {payment.attempt_id}"]
    if charge:
        notes.append(f"charge {charge.charge_id}")
    if charge and charge.application_fee:
        notes.append(f"application fee {money(charge.application_fee, charge.currency)}")
    if not charge:
        notes.append("its charge is not known yet")
    at = charge.created_at if charge else None
    return Row(began_at, at, "payment", payment.payment_intent_id, ", ".join(notes))


def _amount(payment: Payment) -> str:
    known = payment.paid or payment.charge
    return money(known.amount, known.currency) if known else "amount not known"


def _judgement(judged: Judged, *, counts: bool) -> str:
    if judged.payment.paid is None:
        return "not proven paid yet"
    if not judged.accepted:
        return "NOT what was asked for: look at it in Stripe"
    if judged.return_because:
        return f"goes back ({judged.return_because})"
    return "counts for the fee" if counts else "does not count for the fee"


def _refund(refund: Refund, payment: Payment | None, began_at: datetime) -> Row:
    currency = _currency(payment)
    origin = f"decision {refund.decision_id}" if refund.decision_id else "made in Stripe's dashboard"
    note = f"{money(refund.amount, currency)}, {_how_far(refund)}, {origin}, of {refund.payment_intent_id}"
    return Row(began_at, None, "refund", refund.refund_id, note)


def _how_far(refund: Refund) -> str:
    """Of one that is pending, why and since when as well."""
    why = "waits for the payer" if refund.requires_action else refund.pending_reason
    since = f"since {moment(refund.created_at)}" if refund.created_at else None
    return " ".join(part for part in (refund.status, f"({why})" if why else None, since) if part)


def _dispute(dispute: Dispute, payment: Payment | None, began_at: datetime) -> Row:
    doubt = ", tellings contradict each other" if dispute.doubted else ""
    told = money(dispute.amount, dispute.currency or _currency(payment))
    asked = " (an inquiry)" if dispute.is_inquiry else ""
    note = f"{told}, {dispute.status}{asked}{doubt}, of {dispute.payment_intent_id}"
    return Row(began_at, None, "dispute", dispute.dispute_id, note)


def _currency(payment: Payment | None) -> str:
    known = (payment.paid or payment.charge) if payment else None
    return known.currency if known else "a currency not known"


# --- people, and what did not work ------------------------------------------------------------------------------------


def _of_people(history: PaymentHistory) -> Iterator[Row]:
    currencies = {payment.payment_intent_id: _currency(payment) for payment in history.payments}
    for decision in history.decisions:
        amount = money(decision.amount, currencies.get(decision.payment_intent_id, "a currency not known"))
        why = f": {plain(decision.reason)}" if decision.reason else ""
        note = f"{amount} of {decision.payment_intent_id}, by {plain(decision.by)}{why}"
        yield _row(decision.decided_at, "refund decided", decision.decision_id, note)
    if history.waiver:
        waiver = history.waiver
        yield _row(waiver.waived_at, "waived", "", f"by {plain(waiver.by)}: {plain(waiver.reason)}")
    if history.charged_again:
        again = history.charged_again
        yield _row(again.at, "charged again", "", f"by {plain(again.by)}: {plain(again.why)}")
    for trouble in history.troubles:
        next_try = f"next try {moment(trouble.retry_at)}" if trouble.retry_at else "no more tries"
        note = f"failed {trouble.failures} x, {next_try}: {plain(why_of(trouble))}"
        yield _row(trouble.first_failed_at, "trouble", trouble.key, note)
    for settled in history.settled:
        payment = settled_payment(history, settled)
        amount = f"{money(settled.amount, _currency(payment))}, " if payment else ""
        note = f"{amount}by {plain(settled.by)}: {plain(settled.why)}"
        what = "settled by hand" if settled.is_given else "settled as kept"
        yield _row(settled.settled_at, what, settled.key, note)
