"""Revoke a participant's link: the old one is dead at once, a new one takes its place."""

from __future__ import annotations

from chalicelib.domain.links import LAST_GENERATION, LinkClaims, mint
from chalicelib.domain.sessions import Session, revoke_link
from chalicelib.flows.change import change
from chalicelib.flows.context import Context
from chalicelib.storage.stores import NotFoundError


class NoMoreLinksError(Exception):
    """Every generation of this participant's link is used up."""


def revoke(ctx: Context, team_id: str, session_id: str, number: int) -> str:
    """The address of the participant's new link, under the current key.

    Raises NotFoundError (also for a participant who was removed), NoMoreLinksError, ContendedError, StoreError.
    """

    def revoked(session: Session) -> Session:
        participant = session.participant(number)
        if participant is None or participant.deleted_at is not None:
            message = f"no such participant in session {session_id}"
            raise NotFoundError(message)
        if participant.generation >= LAST_GENERATION:
            raise NoMoreLinksError
        return revoke_link(session, number, key_id=keys.current)

    keys = ctx.settings.link_keys
    session = change(ctx, ctx.sessions.get(team_id, session_id), revoked)
    participant = next(one for one in session.participants if one.number == number)
    claims = LinkClaims(team_id, session_id, number, participant.generation)
    return f"{ctx.settings.public_url}/session/{mint(keys, claims, participant.key_id)}"
