"""Open a link: whose it is, and what they find. One read, no write, no call to Stripe, however often it is opened."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from chalicelib.domain.admission import Admission, admit
from chalicelib.domain.links import InvalidLinkError, LinkClaims, verify
from chalicelib.domain.payments import Standing, standing
from chalicelib.domain.sessions import Participant, Session, owing
from chalicelib.domain.teams import Team
from chalicelib.flows.context import Context
from chalicelib.storage.stores import NotFoundError


@dataclass(frozen=True, slots=True)
class OpenedLink:
    """A link that is good, and what it finds at `now`."""

    session: Session
    participant: Participant
    team: Team
    admission: Admission
    standing: Standing
    now: datetime


def open_link(ctx: Context, token: str) -> OpenedLink:
    """Raises InvalidLinkError, also for any link of a deleted team; a forged one is refused before anything is read."""
    claims = verify(ctx.settings.link_keys, token)
    try:
        session = ctx.sessions.get(claims.team_id, claims.session_id)
        team = ctx.teams.get(claims.team_id)
    except NotFoundError:
        raise InvalidLinkError from None
    check_is_living(team)
    return opened(ctx, session, bearer(session, claims), team)


def check_is_living(team: Team) -> None:
    """What is kept of a deleted team's sessions is for the books alone. Raises InvalidLinkError."""
    if team.deleted_at is not None:
        raise InvalidLinkError


def bearer(session: Session, claims: LinkClaims) -> Participant:
    """The participant whose present link this is. Raises InvalidLinkError for a revoked one."""
    participant = session.participant(claims.number)
    if participant is None or participant.generation != claims.generation:
        raise InvalidLinkError
    return participant


def opened(ctx: Context, session: Session, participant: Participant, team: Team) -> OpenedLink:
    """What the participant finds now."""
    now = ctx.clock()
    return OpenedLink(
        session=session,
        participant=participant,
        team=team,
        admission=admit(session, participant, team, now),
        standing=standing(owing(session, participant), participant.history),
        now=now,
    )
