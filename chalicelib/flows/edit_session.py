"""Change or cancel a session. One read, and one write where something changes; of another team's it knows nothing."""

from __future__ import annotations

from chalicelib.domain import edits
from chalicelib.domain.edits import SessionEdit
from chalicelib.domain.sessions import Session
from chalicelib.flows.at_once import carry_out_at_once
from chalicelib.flows.change import change
from chalicelib.flows.context import Context
from chalicelib.flows.preconditions import check_version
from chalicelib.flows.size_limit import check_size


def update_session(
    ctx: Context, team_id: str, session_id: str, edit: SessionEdit, if_version: int | None = None
) -> Session:
    """The session as edited. Without `if_version` the last writer wins, field by field.

    Raises NotFoundError, PreconditionFailedError, CanceledError, InvalidSessionError, ContendedError, StoreError.
    """

    def edited(session: Session) -> Session:
        check_version(session, if_version)
        changed = edits.edit_session(session, edit, now=ctx.clock())
        check_size(changed)
        return changed

    return change(ctx, ctx.sessions.get(team_id, session_id), edited)


def cancel_session(
    ctx: Context, team_id: str, session_id: str, *, keep_payments: bool = False, if_version: int | None = None
) -> Session:
    """The session, cancelled for good; again is silent, and the first one counts.

    Offers to pay are closed and, unless `keep_payments`, payments given back: begun at once, finished by the sweep.
    Raises NotFoundError, PreconditionFailedError, StartedError, ContendedError, StoreError.
    """

    def canceled(session: Session) -> Session:
        check_version(session, if_version)
        return edits.cancel_session(session, now=ctx.clock(), keep_payments=keep_payments)

    session = change(ctx, ctx.sessions.get(team_id, session_id), canceled)
    return carry_out_at_once(ctx, session, frozenset(one.number for one in session.participants))
