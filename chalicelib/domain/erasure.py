"""What is left of a deleted team: its books, what late money needs, and nothing that people wrote. Deletes nothing.

Erased: names, pictures, states, e-mail addresses, telephone numbers, descriptions, feature flags, reasons; settings and
rooms. Kept, by its ids: whatever a refund or a dispute that comes later is judged by, since the ledger must show it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from enum import StrEnum

from chalicelib.domain.concerns import concerns
from chalicelib.domain.facts import LIVE, NOTHING_YET, PaymentHistory, RefundStatus
from chalicelib.domain.obligations import AskAboutRefund, obligations
from chalicelib.domain.sessions import Participant, Session, cancel
from chalicelib.domain.teams import PayeeAccount, Team


class Hindrance(StrEnum):
    """Why a session forbids that its team is deleted now."""

    TO_COME = "to_come"
    UNDER_WAY = "under_way"
    NEEDS_PERSON = "needs_person"
    OWED = "owed"
    """Something is to be done at Stripe, or an offer there may still be paid."""
    ON_ITS_WAY = "on_its_way"
    """A refund was made, and its bank has not said how it ended."""
    UNREADABLE = "unreadable"
    """It is kept, and nobody can tell what it holds."""
    NEWER = "newer"
    """Newer code wrote it, whose rules this code does not know."""


def hindrance(session: Session, now: datetime) -> Hindrance | None:
    """The first that applies, as far as its facts tell; None where all is over and settled."""
    if not _is_over(session, now):
        return Hindrance.TO_COME if now < session.start_time else Hindrance.UNDER_WAY
    if any(concerns(session, one, now) for one in session.participants):
        return Hindrance.NEEDS_PERSON
    if _is_owed(session) or any(map(_may_be_paid, session.participants)):
        return Hindrance.OWED
    refunds = (refund for one in session.participants for refund in one.history.refunds)
    return Hindrance.ON_ITS_WAY if any(one.status is RefundStatus.PENDING for one in refunds) else None


def _is_owed(session: Session) -> bool:
    """Asking how a refund ended is no more than waiting for it."""
    return any(not isinstance(one, AskAboutRefund) for _, one in obligations(session))


def _is_over(session: Session, now: datetime) -> bool:
    return session.canceled_at is not None or now >= session.end_time


def is_of_money(session: Session) -> bool:
    """Whether money came, may come, or was given back: the session is kept then, without what people wrote."""
    return any(_is_of_money(one.history) or _may_be_paid(one) for one in session.participants)


def _is_of_money(history: PaymentHistory) -> bool:
    """Also where a person settled something, as an offer that they gave up: it may turn out paid."""
    return bool(history.payments or history.refunds or history.disputes or history.settled)


def _may_be_paid(participant: Participant) -> bool:
    return any(attempt.state in LIVE for attempt in participant.history.attempts)


def erased(session: Session, now: datetime) -> Session:
    """The session without what people wrote; again changes nothing.

    One that is not over is cancelled: nobody can enter any more, so what was paid for it goes back.
    """
    over = session if _is_over(session, now) else cancel(session, now=now)
    participants = tuple(map(_erased, over.participants))
    return replace(over, name=None, picture=None, feature_flags=(), participants=participants)


def _erased(participant: Participant) -> Participant:
    return replace(
        participant,
        display_name=None,
        picture=None,
        state=None,
        email=None,
        phone=None,
        fee=replace(participant.fee, description=None) if participant.fee else None,
        planned_id=None,
        history=_without_reasons(participant.history),
    )


def _without_reasons(history: PaymentHistory) -> PaymentHistory:
    """Who decided stays with what they decided; why, in their words, is in the audit for as long as that is kept."""
    if history == NOTHING_YET:
        return history
    return replace(
        history,
        decisions=tuple(replace(one, reason=None) for one in history.decisions),
        waiver=replace(history.waiver, reason="") if history.waiver else None,
        charged_again=replace(history.charged_again, why="") if history.charged_again else None,
        settled=tuple(replace(one, why="") for one in history.settled),
        retried=tuple(replace(one, why="") for one in history.retried),
    )


def tombstone(team: Team, now: datetime) -> Team:
    """What is kept of the team: that it was there, its plan and terms, and which accounts it was paid on; no settings.

    It is made anew and not emptied, so that what a team is given later is erased, too, unless it is named here.
    """
    return Team(
        team_id=team.team_id,
        name="",
        created_at=team.created_at,
        plan=team.plan,
        scheduling_add_on=team.scheduling_add_on,
        suspended=True,
        fee_basis_points=team.fee_basis_points,
        default_currency=team.default_currency,
        more_currencies=team.more_currencies,
        accounts=tuple(_left_of(one, now) for one in team.accounts),
        deleted_at=team.deleted_at or now,
    )


def _left_of(account: PayeeAccount, now: datetime) -> PayeeAccount:
    return PayeeAccount(
        account.stripe_account_id,
        charges_enabled=account.charges_enabled,
        is_default=account.is_default,
        disconnected_at=account.disconnected_at or now,
    )
