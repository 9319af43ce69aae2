"""What a change of a session writes into the books: the ledger's rows, and the audit's entries. Decides nothing.

Both follow from the session before and after the change, so no flow can forget them. A ledger row is what the facts
say of one charge, whole, so it is written over whenever that changes. An audit entry says who decided what about whose
money or access, and why; it is never written over.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain

from chalicelib.domain.disputes import charged_back, currency_of, disputes_of
from chalicelib.domain.facts import Dispute, DisputeStatus, Payment, PaymentHistory, Refund
from chalicelib.domain.payments import Judged, judge
from chalicelib.domain.refunds import fee_given_back, refunded, refunds_of, settled_payment
from chalicelib.domain.sessions import Fee, Participant, Session, owing

STRIPE, RULE, CLOCK, PAYER = "stripe", "rule", "clock", "payer"
"""Who decides, where it is no person: Stripe told it, our own rules follow from it, time passed, the client pressed."""


def api_client(client_id: str) -> str:
    """The clinic's front-end, as who decided."""
    return f"api_client:{client_id}"


def operator(name: str) -> str:
    """Somebody at the command line, as who decided."""
    return f"operator:{name}"


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """One charge. Amounts in the minor unit; `refunded` also counts what is on its way.

    `application_fee_refunded`: of the platform's fee, what our refunds gave back (None: kept before this was).

    `is_accepted`: it is money for an offer of ours, as that was made. `client_id`: who scheduled the session. All of it
    is told by Stripe, so that no change of a clinic's makes more rows than fit one transaction.
    """

    team_id: str
    charge_id: str
    paid_at: datetime
    session_id: str
    participant_id: str
    client_id: str
    attempt_id: str
    payment_intent_id: str
    stripe_account_id: str | None
    amount: int
    currency: str
    application_fee: int
    refunded: int
    charged_back: int
    is_disputed: bool
    is_accepted: bool
    application_fee_refunded: int | None = None


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One thing decided or learnt. `number`: the participant's; `about`: the id of what it is about."""

    what: str
    who: str
    number: int | None = None
    about: str | None = None
    amount: int | None = None
    currency: str | None = None
    why: str | None = None


@dataclass(frozen=True, slots=True)
class AuditRow:
    """All that one change of a session, or of the team itself (`session_id` None), decided."""

    team_id: str
    session_id: str | None
    at: datetime
    audit_id: str
    entries: tuple[AuditEntry, ...]


@dataclass(frozen=True, slots=True)
class Records:
    """What is written together with a session."""

    ledger: tuple[LedgerRow, ...] = ()
    audit: AuditRow | None = None

    @property
    def is_empty(self) -> bool:
        return not self.ledger and self.audit is None


NO_RECORDS = Records()


def records(before: Session, after: Session, *, by: str, at: datetime, audit_id: str) -> Records:
    """What this change writes into the books; `by` made it, at that time."""
    known = set(ledger_rows(before))
    entries = tuple(_entries(before, after, by))
    return Records(
        ledger=tuple(row for row in ledger_rows(after) if row not in known),
        audit=AuditRow(after.team_id, after.session_id, at, audit_id, entries) if entries else None,
    )


def rewritten(session: Session, charge_ids: AbstractSet[str], *, by: str, at: datetime, audit_id: str) -> Records:
    """The rows of these charges once more, by the facts as they stand: for a ledger that lacks or belies them."""
    rows = tuple(row for row in ledger_rows(session) if row.charge_id in charge_ids)
    entries = tuple(AuditEntry("ledger_row_rewritten", by, about=row.charge_id) for row in rows)
    return Records(rows, AuditRow(session.team_id, session.session_id, at, audit_id, entries) if entries else None)


# --- the ledger ---------------------------------------------------------------------------------------------------


def ledger_rows(session: Session) -> Iterator[LedgerRow]:
    """One for each charge that is known, as the facts stand."""
    for participant in session.participants:
        if participant.history.payments:
            for judged in judge(owing(session, participant), participant.history):
                yield from _rows(session, participant, judged)


def _rows(session: Session, participant: Participant, judged: Judged) -> Iterator[LedgerRow]:
    payment, history = judged.payment, participant.history
    charge, disputes = payment.charge, disputes_of(history, payment)
    if charge is None:
        return
    yield LedgerRow(
        team_id=session.team_id,
        charge_id=charge.charge_id,
        paid_at=charge.created_at,
        session_id=session.session_id,
        participant_id=session.participant_id(participant.number),
        client_id=session.client_id,
        attempt_id=payment.attempt_id,
        payment_intent_id=payment.payment_intent_id,
        stripe_account_id=payment.stripe_account_id,
        amount=charge.amount,
        currency=charge.currency,
        application_fee=charge.application_fee,
        refunded=refunded(history, payment),
        charged_back=charged_back(history, payment),
        is_disputed=any(one.status is DisputeStatus.OPEN for one in disputes),
        is_accepted=judged.accepted,
        application_fee_refunded=fee_given_back(history, payment),
    )


# --- the audit ----------------------------------------------------------------------------------------------------


def _entries(before: Session, after: Session, by: str) -> Iterator[AuditEntry]:
    yield from _of_session(before, after, by)
    for participant in after.participants:
        former = before.participant(participant.number)
        if former is None:
            yield AuditEntry("added", by, participant.number)
        yield from _of_access(former, participant, by)
        yield from _of_people(former, participant)
        yield from _of_money(before, former, after, participant)


def _of_session(before: Session, after: Session, by: str) -> Iterator[AuditEntry]:
    if after.canceled_at and not before.canceled_at:
        yield AuditEntry("canceled", by, why="payments are kept" if after.keeps_payments else "payments go back")
    window = (after.start_time, after.end_time)
    if window != (before.start_time, before.end_time):
        yield AuditEntry("rescheduled", by, why=f"to {window[0].isoformat()} until {window[1].isoformat()}")


def _of_access(former: Participant | None, participant: Participant, by: str) -> Iterator[AuditEntry]:
    number, fee = participant.number, participant.fee
    if former is not None and participant.generation != former.generation:
        yield AuditEntry("link_revoked", by, number)
    if participant.deleted_at and not (former and former.deleted_at):
        why = "the payment is kept" if participant.keeps_payment else "the payment goes back"
        yield AuditEntry("removed", by, number, why=why)
    if fee is not None and _terms(fee) != _terms(former.fee if former else None):
        yield AuditEntry("fee_set", by, number, fee.payee, fee.amount, fee.currency)


def _terms(fee: Fee | None) -> tuple[int, str, str | None] | None:
    return (fee.amount, fee.currency, fee.payee) if fee else None


def _of_people(former: Participant | None, participant: Participant) -> Iterator[AuditEntry]:
    """What people decided about the money; each carries who and why itself."""
    known, history, number = _history(former), participant.history, participant.number
    currencies = {one.payment_intent_id: one.charge.currency for one in history.payments if one.charge}
    for decision in history.decisions:
        if decision not in known.decisions:
            currency = currencies.get(decision.payment_intent_id)
            about, why = decision.decision_id, decision.reason
            yield AuditEntry("refund_decided", decision.by, number, about, decision.amount, currency, why)
    if history.waiver and not known.waiver:
        yield AuditEntry("waived", history.waiver.by, number, why=history.waiver.reason)
    again = history.charged_again
    if again and (known.charged_again is None or known.charged_again.at != again.at):
        yield AuditEntry("charged_again", again.by, number, why=again.why)
    for settled in history.settled:
        if settled not in known.settled:
            what = "settled_by_hand" if settled.is_given else "settled_as_kept"
            entry = AuditEntry(what, settled.by, number, settled.key, why=settled.why)
            payment = settled_payment(history, settled)
            paid = payment.paid if payment else None
            yield replace(entry, amount=settled.amount, currency=paid.currency) if paid else entry
    for retried in history.retried:
        if retried not in known.retried:
            yield AuditEntry("retried_by_hand", retried.by, number, retried.key, why=retried.why)


def _of_money(
    before: Session, former: Participant | None, after: Session, participant: Participant
) -> Iterator[AuditEntry]:
    history = participant.history
    if not (history.payments or history.refunds or history.disputes):
        return
    known = _history(former)
    was = {one.payment.payment_intent_id: one for one in judge(owing(before, former), known)} if former else {}
    number = participant.number
    for judged in judge(owing(after, participant), history):
        yield from _of_payment(number, was.get(judged.payment.payment_intent_id), judged)
    yield from chain(_of_refunds(number, known, history), _of_disputes(number, known, history))


def _of_payment(number: int, former: Judged | None, judged: Judged) -> Iterator[AuditEntry]:
    payment, about = judged.payment, judged.payment.payment_intent_id
    known = former.payment if former else None
    if payment.paid and not (known and known.paid):
        yield AuditEntry("paid", STRIPE, number, about, payment.paid.amount, payment.paid.currency)
    if payment.charge and not (known and known.charge):
        charge = payment.charge
        yield AuditEntry("charged", STRIPE, number, charge.charge_id, charge.amount, charge.currency)
    because = judged.return_because
    if because is not None and because is not (former.return_because if former else None):
        yield AuditEntry("goes_back", RULE, number, about, why=because.value)
    was_strange = former is not None and former.payment.paid and not former.accepted
    if payment.paid and not judged.accepted and not was_strange:
        yield AuditEntry("not_accepted", RULE, number, about, why="it is not what was asked for")


def _of_refunds(number: int, known: PaymentHistory, history: PaymentHistory) -> Iterator[AuditEntry]:
    statuses = {one.refund_id: one.status for one in known.refunds}
    for refund in history.refunds:
        if refund.status is not statuses.get(refund.refund_id):
            payment = _payment_of(refund, history)
            currency = payment.charge.currency if payment and payment.charge else None
            why = refund.reason.value if refund.reason else None
            what = f"refund_{refund.status.value}"
            yield AuditEntry(what, STRIPE, number, refund.refund_id, refund.amount, currency, why)


def _payment_of(refund: Refund, history: PaymentHistory) -> Payment | None:
    return next((one for one in history.payments if refund in refunds_of(history, one)), None)


def _of_disputes(number: int, known: PaymentHistory, history: PaymentHistory) -> Iterator[AuditEntry]:
    statuses = {one.dispute_id: one.status for one in known.disputes}
    for dispute in history.disputes:
        if dispute.status is not statuses.get(dispute.dispute_id):
            what, about, currency = f"dispute_{dispute.status.value}", dispute.dispute_id, _currency(dispute, history)
            yield AuditEntry(what, STRIPE, number, about, dispute.amount, currency)


def _currency(dispute: Dispute, history: PaymentHistory) -> str | None:
    """As the bank told it; of one kept before that was kept, the payment's."""
    payments = [one for one in history.payments if one.payment_intent_id == dispute.payment_intent_id]
    return dispute.currency or next(map(currency_of, payments), None)


def _history(participant: Participant | None) -> PaymentHistory:
    return participant.history if participant else PaymentHistory()
