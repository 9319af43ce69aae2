"""Whether a participant may enter now, and if not, why and what next: the one place that decides it.

The rows, top first; the first that applies wins (a host skips the rows about the fee):

    removed, or the session cancelled        REMOVED, CANCELED
    now >= end, cut to the second            ENDED
    unpaid, and no offer can be made         CANNOT_CHARGE, OFFER_REFUSED
    unpaid                                   PAY
    the bank is at work                      PROCESSING
    refunded in full, or a dispute lost      REFUNDED
    paid, waived or free, now < start - lead EARLY
    the same, in the window                  JOIN
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import assert_never

from chalicelib.domain.bounds import may_be_offered
from chalicelib.domain.facts import AttemptState, OfferedTerms, PaymentHistory, Trouble
from chalicelib.domain.obligations import has_strange_payment
from chalicelib.domain.offer_terms import terms_now
from chalicelib.domain.payments import PaymentStatus, standing
from chalicelib.domain.reach import out_of_reach
from chalicelib.domain.sessions import Participant, Session, owing
from chalicelib.domain.teams import Team
from chalicelib.domain.troubles import offer_trouble


class Door(StrEnum):
    """What the participant finds when they try the door."""

    REMOVED = "removed"
    CANCELED = "canceled"
    ENDED = "ended"
    CANNOT_CHARGE = "cannot_charge"
    """The clinic cannot take payments just now."""
    OFFER_REFUSED = "offer_refused"
    """Something about this payment needs the clinic, and the clinic has been told."""
    PAY = "pay"
    PROCESSING = "processing"
    REFUNDED = "refunded"
    EARLY = "early"
    JOIN = "join"


CLOSED = frozenset({Door.REMOVED, Door.CANCELED, Door.ENDED})
"""Doors that never open again."""


@dataclass(frozen=True, slots=True)
class Admission:
    """`opens_at` is the first moment at which this participant may enter, if they otherwise may."""

    door: Door
    opens_at: datetime

    @property
    def may_join(self) -> bool:
        return self.door is Door.JOIN

    @property
    def may_pay(self) -> bool:
        return self.door is Door.PAY


def admit(session: Session, participant: Participant, team: Team, now: datetime) -> Admission:
    """Decide for this participant at this moment (the server's clock; nobody else's counts)."""
    opens_at = session.start_time - (team.host_lead if participant.is_host else team.guest_lead)
    return Admission(_door(session, participant, team, now, opens_at), opens_at)


def closes_at(session: Session) -> datetime:
    """When the door closes: as the second begins in which the session ends.

    A room's token ends on a whole second and may not outlive the session, so nobody could enter after that; and what
    is paid in that second goes back (`payments.py`).
    """
    return session.end_time.replace(microsecond=0)


def _door(session: Session, participant: Participant, team: Team, now: datetime, opens_at: datetime) -> Door:
    if participant.deleted_at is not None:
        return Door.REMOVED
    if session.canceled_at is not None:
        return Door.CANCELED
    if now >= closes_at(session):
        return Door.ENDED
    barred = None if participant.is_host else _door_of_fee(session, participant, team, now)
    if barred is not None:
        return barred
    return Door.EARLY if now < opens_at else Door.JOIN


def _door_of_fee(session: Session, participant: Participant, team: Team, now: datetime) -> Door | None:
    """The rows about the fee; None when it bars nobody."""
    status = standing(owing(session, participant), participant.history).status
    match status:
        case PaymentStatus.UNPAID:
            return _offer(session, participant, team, now)
        case PaymentStatus.PROCESSING:
            return Door.PROCESSING
        case PaymentStatus.REFUNDED:
            return Door.REFUNDED
        case (
            PaymentStatus.PAID
            | PaymentStatus.PARTIALLY_REFUNDED
            | PaymentStatus.DISPUTED
            | PaymentStatus.WAIVED
            | PaymentStatus.NOT_REQUIRED
        ):
            return None
        case _:
            assert_never(status)


def _offer(session: Session, participant: Participant, team: Team, now: datetime) -> Door:
    """An unpaid fee: pay it, unless the clinic cannot charge, or this payment needs a person first."""
    payee = participant.fee.payee if participant.fee else None
    if not team.can_charge(payee):
        return Door.CANNOT_CHARGE
    trouble = offer_trouble(participant.history)
    offered = terms_now(session, participant, team, now)
    waiting = trouble is not None and _bars(trouble, participant.history, offered, team.charged_on(payee), now)
    # Money that came in a shape we do not accept, or that we cannot see, must not be asked for a second time.
    unclear = has_strange_payment(participant.history) or any(out_of_reach(participant.history))
    has_room = may_be_offered(participant.history, [one.history for one in session.participants])
    return Door.PAY if has_room and not (waiting or unclear) else Door.OFFER_REFUSED


def _bars(
    trouble: Trouble, history: PaymentHistory, offered: OfferedTerms | None, charged_on: str | None, now: datetime
) -> bool:
    """Whether this offer would be the one that Stripe refused, and it is not time to ask again."""
    if trouble.retry_at is not None and now >= trouble.retry_at:
        return False
    if trouble.terms is not None:
        return trouble.terms == offered
    # Kept before terms were: what Stripe refused on one account, another one may take.
    refused = [one for one in history.attempts if one.state is AttemptState.VOID]
    return not refused or refused[-1].stripe_account_id == charged_on
