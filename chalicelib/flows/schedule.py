"""Schedule a session: one write. Refuses what cannot be, before anything is stored."""

from __future__ import annotations

from chalicelib.domain import ids
from chalicelib.domain.sessions import InvalidSessionError, Problem, Session, SessionWish, schedule
from chalicelib.domain.teams import Team
from chalicelib.flows.context import Context
from chalicelib.storage.codec import session_size

LARGEST_REQUEST = 150 * 1024
"""Bytes of a session as a clinic asks for it; the rest up to DynamoDB's 400 KB is kept for attempts and facts."""


class NotEntitledError(Exception):
    """The team's plan has no scheduled sessions."""


class SuspendedError(Exception):
    """The team is suspended and schedules nothing."""


def schedule_session(ctx: Context, team: Team, client_id: str, wish: SessionWish) -> Session:
    """Raises NotEntitledError, SuspendedError, InvalidSessionError, FeeNotPossibleError."""
    if team.suspended:
        raise SuspendedError
    if not team.may_schedule:
        raise NotEntitledError
    now = ctx.clock()
    session = schedule(
        wish,
        team,
        client_id=client_id,
        session_id=ids.session_id_at(now, ctx.entropy(ids.ENTROPY_BYTES)),
        key_id=ctx.settings.link_keys.current,
        now=now,
    )
    _check_size(session)
    return ctx.sessions.create(session)


def _check_size(session: Session) -> None:
    size = session_size(session)
    if size > LARGEST_REQUEST:
        message = f"the session takes {size} bytes; at most {LARGEST_REQUEST} are kept, so send shorter texts"
        raise InvalidSessionError((Problem("participants", message),))
