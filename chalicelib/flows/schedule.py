"""Schedule a session: one write, or two with an idempotency key. Refuses what cannot be, before anything is stored."""

from __future__ import annotations

from chalicelib.domain import ids
from chalicelib.domain.sessions import Fee, FeeNotPossibleError, InvalidSessionError, Session, SessionWish, schedule
from chalicelib.domain.teams import Team
from chalicelib.flows.context import Context
from chalicelib.flows.idempotent import Effect
from chalicelib.flows.size_limit import check_size
from chalicelib.storage.stores import NotFoundError


class NotEntitledError(Exception):
    """The team's plan has no scheduled sessions."""


class SuspendedError(Exception):
    """The team is suspended and schedules nothing."""


def schedule_session(
    ctx: Context, team: Team, client_id: str, wish: SessionWish, session_id: str | None = None
) -> Session:
    """A new session, under a new id unless one was drawn before.

    Raises NotEntitledError, SuspendedError, InvalidSessionError, FeeNotPossibleError; ConflictError for an id in use.
    """
    if team.suspended:
        raise SuspendedError
    if not team.may_schedule:
        raise NotEntitledError
    session = schedule(
        wish,
        team,
        client_id=client_id,
        session_id=session_id or _new_id(ctx),
        key_id=ctx.settings.link_keys.current,
        now=ctx.clock(),
    )
    for one in wish.participants:
        check_fee_abroad(ctx, team, one.fee)
    check_size(session)
    return ctx.sessions.create(session)


def check_fee_abroad(ctx: Context, team: Team, fee: Fee | None) -> None:
    """Refuse a new fee that pays the platform nothing, where the operator wants none. Raises FeeNotPossibleError."""
    if fee is None or not ctx.settings.refuses_fees_abroad:
        return
    bar = team.scheduling_bar(fee.payee, ctx.settings.basis_points(team))
    if bar is not None:
        raise FeeNotPossibleError(bar)


def scheduling(ctx: Context, team: Team, client_id: str, wish: SessionWish) -> Effect[Session]:
    """The same, to be done once (`idempotent.py`). A replay answers the session as it is by then, cancelled or not."""
    return Effect(
        plan=lambda: _new_id(ctx),
        find=lambda session_id: _found(ctx, team.team_id, session_id),
        make=lambda session_id: schedule_session(ctx, team, client_id, wish, session_id),
        refusals=(NotEntitledError, SuspendedError, InvalidSessionError, FeeNotPossibleError),
    )


def _new_id(ctx: Context) -> str:
    return ids.session_id_at(ctx.clock(), ctx.entropy(ids.ENTROPY_BYTES))


def _found(ctx: Context, team_id: str, session_id: str) -> Session | None:
    try:
        return ctx.sessions.get(team_id, session_id)
    except NotFoundError:
        return None
