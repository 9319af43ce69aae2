"""Revoke a participant's link: the old one is dead at once, a new one takes its place."""

from __future__ import annotations

from chalicelib.domain.links import LAST_GENERATION, LinkClaims, mint
from chalicelib.domain.sessions import Participant, Session, revoke_link
from chalicelib.flows.change import change
from chalicelib.flows.context import Context
from chalicelib.flows.idempotent import Effect
from chalicelib.storage.stores import NotFoundError


class NoMoreLinksError(Exception):
    """Every generation of this participant's link is used up."""


def revoke(ctx: Context, team_id: str, session_id: str, number: int) -> str:
    """The address of the participant's new link, under the current key.

    Raises NotFoundError (also for a participant who was removed), NoMoreLinksError, ContendedError, StoreError.
    """
    session = ctx.sessions.get(team_id, session_id)
    revoked = _revoked(ctx, session, number, _present(session, number).generation + 1)
    participant, keys = _present(revoked, number), ctx.settings.link_keys
    claims = LinkClaims(team_id, session_id, number, participant.generation)
    return f"{ctx.settings.public_url}/session/{mint(keys, claims, participant.key_id)}"


def revoking(ctx: Context, team_id: str, session_id: str, number: int) -> Effect[Session]:
    """The same, to be done once (`idempotent.py`): planned is the generation that makes the present link void.

    So a repetition makes no further link void, however often it comes, and answers the link as it is by then.
    """

    def found(planned: str) -> Session | None:
        session = ctx.sessions.get(team_id, session_id)
        return session if _present(session, number).generation >= int(planned) else None

    return Effect(
        plan=lambda: str(_present(ctx.sessions.get(team_id, session_id), number).generation + 1),
        find=found,
        make=lambda planned: _revoked(ctx, ctx.sessions.get(team_id, session_id), number, int(planned)),
        refusals=(NotFoundError, NoMoreLinksError),
    )


def _revoked(ctx: Context, loaded: Session, number: int, generation: int) -> Session:
    """The session, in which no link of the participant opens that is older than that generation."""

    def revoked(session: Session) -> Session:
        if _present(session, number).generation >= generation:
            return session
        if generation > LAST_GENERATION:
            raise NoMoreLinksError
        return revoke_link(session, number, key_id=ctx.settings.link_keys.current)

    return change(ctx, loaded, revoked)


def _present(session: Session, number: int) -> Participant:
    participant = session.participant(number)
    if participant is None or participant.deleted_at is not None:
        message = f"no such participant in session {session.session_id}"
        raise NotFoundError(message)
    return participant
