"""Sessions, participants and payments as the API shows them."""

from __future__ import annotations

from datetime import datetime

from chalicelib.config import Settings
from chalicelib.domain.links import LinkClaims, UnknownKeyError, mint
from chalicelib.domain.obligations import attention
from chalicelib.domain.payments import Standing, standing
from chalicelib.domain.sessions import Participant, Session, owing
from chalicelib.flows.open_link import OpenedLink
from chalicelib.http import times
from chalicelib.http.schemas import FeeOut, LinkOut, ParticipantOut, PaymentOut, SessionOut
from chalicelib.http.times import TimeFormat


def session_out(session: Session, settings: Settings, form: TimeFormat, now: datetime) -> SessionOut:
    """A session; participants that were removed are left out."""
    canceled_at = _written(session.canceled_at, form)
    return SessionOut(
        session_id=session.session_id,
        team_id=session.team_id,
        client_id=session.client_id,
        session_name=session.name,
        start_time=times.write(session.start_time, form),
        end_time=times.write(session.end_time, form),
        picture=session.picture,
        feature_flags=list(session.feature_flags),
        canceled_at=canceled_at,
        canceled_time=canceled_at,
        actual_end_time=_written(session.actual_end_time, form),
        participants=[
            participant_out(session, participant, settings, form, now)
            for participant in session.participants
            if participant.deleted_at is None
        ],
    )


def participant_out(
    session: Session, participant: Participant, settings: Settings, form: TimeFormat, now: datetime
) -> ParticipantOut:
    return ParticipantOut(
        participant_id=session.participant_id(participant.number),
        session_id=session.session_id,
        client_id=session.client_id,
        display_name=participant.display_name,
        role=participant.role.value,
        picture=participant.picture,
        state=participant.state,
        email=participant.email,
        phone=participant.phone,
        entry_url=_entry_url(session, participant, settings),
        created=times.write(participant.created_at, form),
        deleted_at=_written(participant.deleted_at, form),
        fee=fee_out(participant),
        payment=payment_out(session, participant, form, now),
    )


def payment_out(session: Session, participant: Participant, form: TimeFormat, now: datetime) -> PaymentOut:
    stands = standing(owing(session, participant), participant.history)
    charge = stands.counted.charge if stands.counted else None
    return PaymentOut(
        status=stands.status.value,
        amount_paid=stands.amount_paid,
        amount_refunded=stands.amount_refunded,
        currency=_currency(participant, stands),
        paid_at=_written(charge.created_at if charge else None, form),
        receipt_url=charge.receipt_url if charge else None,
        attention=attention(session, participant, now),
    )


def fee_out(participant: Participant) -> FeeOut | None:
    fee = participant.fee
    return FeeOut(fee.amount, fee.currency, fee.description, fee.payee) if fee else None


def link_out(link: OpenedLink) -> LinkOut:
    """What the client's page says, as data, without the participant's own details."""
    form, session = TimeFormat.ISO_8601, link.session
    payment = payment_out(session, link.participant, form, link.now)
    payment.attention = None  # what needs a person is for the clinic
    return LinkOut(
        status=link.admission.door.value,
        now=times.write(link.now, form),
        start_time=times.write(session.start_time, form),
        end_time=times.write(session.end_time, form),
        opens_at=times.write(link.admission.opens_at, form),
        clinic=link.team.name,
        session_name=session.name,
        role=link.participant.role.value,
        fee=fee_out(link.participant),
        payment=payment,
        can_pay=link.admission.may_pay,
        can_join=link.admission.may_join,
    )


def _currency(participant: Participant, stands: Standing) -> str | None:
    if stands.counted and stands.counted.paid:
        return stands.counted.paid.currency
    return participant.fee.currency if participant.fee else None


def _entry_url(session: Session, participant: Participant, settings: Settings) -> str | None:
    """None once the key of an old link is retired: no link of it opens any more."""
    claims = LinkClaims(session.team_id, session.session_id, participant.number, participant.generation)
    try:
        return f"{settings.public_url}/session/{mint(settings.link_keys, claims, participant.key_id)}"
    except UnknownKeyError:
        return None


def _written(moment: datetime | None, form: TimeFormat) -> str | None:
    return times.write(moment, form) if moment else None
