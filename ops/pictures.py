"""What the command line shows of sessions and participants: lines of text, made of what was loaded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from chalicelib.domain.admission import admit
from chalicelib.domain.concerns import concerns
from chalicelib.domain.obligations import (
    AskAboutRefund,
    ExpireCheckout,
    FetchCharge,
    FetchDispute,
    ListRefunds,
    LookAtCheckout,
    MakeRefund,
    Obligation,
    due_at,
    obligations,
)
from chalicelib.domain.payments import standing
from chalicelib.domain.sessions import Participant, Session, owing
from chalicelib.domain.teams import Team
from chalicelib.storage.stores import Entry
from ops.timeline import timeline
from ops.writing import columns, moment, money


@dataclass(frozen=True, slots=True)
class Scene:
    """A session and what is needed to speak of it at `now`."""

    session: Session
    team: Team
    entries: list[Entry]
    now: datetime


def session_lines(scene: Scene) -> Iterator[str]:
    session = scene.session
    yield f"session  {session.session_id}"
    yield f"team     {session.team_id}"
    yield f"window   {moment(session.start_time)} to {moment(session.end_time)}"
    yield f"state    {_state(session, scene.now)}, written {session.revision.version} x, now {moment(scene.now)}"
    yield f"next     {_next(session, scene.now)}"
    for participant in session.participants:
        yield ""
        yield from participant_lines(scene, participant)


def _state(session: Session, now: datetime) -> str:
    if session.canceled_at:
        return "cancelled"
    if now >= session.end_time:
        return "over"
    return "scheduled" if now < session.start_time else "under way"


def _next(session: Session, now: datetime) -> str:
    due = due_at(session)
    return f"something is due {_due(due, now)}" if due else "nothing is left to do"


def participant_lines(scene: Scene, participant: Participant) -> Iterator[str]:
    session = scene.session
    status = standing(owing(session, participant), participant.history)
    yield f"participant {session.participant_id(participant.number)}  ({participant.role} {participant.number})"
    yield f"  fee        {_fee(participant)}"
    yield f"  stands     {status.status}{_amounts(participant, status.amount_paid, status.amount_refunded)}"
    yield f"  at door    {_door(scene, participant)}"
    yield f"  link       generation {participant.generation}, key {participant.key_id}"
    yield from _attention(scene, participant)
    yield from _owed(scene, participant)
    yield "  timeline"
    if participant.history.closed_attempts:
        yield f"    (and {participant.history.closed_attempts} older offers, proven dead at Stripe and dropped)"
    rows = timeline(session, participant, scene.entries)
    yield from columns((row.cells for row in rows), indent="    ")


def _fee(participant: Participant) -> str:
    fee = participant.fee
    if fee is None:
        return "none"
    return money(fee.amount, fee.currency) + (f", paid to {fee.payee}" if fee.payee else "")


def _amounts(participant: Participant, paid: int, refunded: int) -> str:
    """The counted payment is in the currency of the fee as it stands."""
    if not paid or participant.fee is None:
        return ""
    currency = participant.fee.currency
    back = f", {money(refunded, currency)} went back" if refunded else ""
    return f": {money(paid, currency)} paid{back}"


def _door(scene: Scene, participant: Participant) -> str:
    admission = admit(scene.session, participant, scene.team, scene.now)
    return f"{admission.door} (opens {moment(admission.opens_at)})"


def _attention(scene: Scene, participant: Participant) -> Iterator[str]:
    """Each with the key by which it is retried or settled by hand."""
    found = concerns(scene.session, participant, scene.now)
    if not found:
        yield "  attention  none"
        return
    yield "  attention"
    yield from columns(((one.key, one.sentence) for one in found), indent="    ")


def _owed(scene: Scene, participant: Participant) -> Iterator[str]:
    owed = [one for number, one in obligations(scene.session) if number == participant.number]
    if not owed:
        yield "  owed       nothing"
        return
    yield "  owed"
    owed.sort(key=lambda one: one.due_at)
    yield from columns(((_due(one.due_at, scene.now), _act(one)) for one in owed), indent="    ")


def _due(due: datetime, now: datetime) -> str:
    return f"{moment(due)} ({'now' if due <= now else 'later'})"


def _act(obligation: Obligation) -> str:
    match obligation:
        case LookAtCheckout(attempt=attempt):
            return f"ask Stripe about offer {attempt.attempt_id}"
        case ExpireCheckout(attempt=attempt):
            return f"expire offer {attempt.attempt_id} at Stripe"
        case FetchCharge(payment=payment):
            return f"fetch the charge of {payment.payment_intent_id}"
        case ListRefunds(payment=payment):
            return f"list the refunds of {payment.payment_intent_id}"
        case AskAboutRefund(refund=refund):
            return f"ask Stripe how refund {refund.refund_id} ended"
        case FetchDispute(dispute=dispute):
            return f"fetch dispute {dispute.dispute_id}"
        case MakeRefund(payment=payment, amount=amount, reason=reason):
            currency = payment.charge.currency if payment.charge else "a currency not known"
            return f"refund {money(amount, currency)} of {payment.payment_intent_id} ({reason})"
        case _:
            assert_never(obligation)
