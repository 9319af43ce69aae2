"""Change one team: load, decide, save as it was read; on a conflict load and decide again, a few times.

What the change means for the team's money or access is audited in the same transaction. A deleted team is not changed.
"""

from __future__ import annotations

from collections.abc import Callable

from chalicelib.domain.team_audit import team_audit
from chalicelib.domain.teams import Team
from chalicelib.flows.change import FIRST_WAIT_SECONDS, TRIES, ContendedError
from chalicelib.flows.context import Context
from chalicelib.storage.stores import ConflictError, NotFoundError

AUDIT_ID_BYTES = 6


class TeamDeletedError(NotFoundError):
    """Only the books of the team are kept, and nothing about it is changed any more."""

    def __init__(self, team_id: str) -> None:
        super().__init__(f"team {team_id} is deleted; only its books are kept")


def change_team(ctx: Context, team_id: str, decide: Callable[[Team], Team], why: str | None = None) -> Team:
    """The team as `decide` makes it of the newest one, saved; not written when that changes nothing.

    `decide` may run several times; what it raises ends the change. `why` is kept with a suspension and its end.
    Raises NotFoundError, TeamDeletedError, ContendedError, StoreError. Other processes know it within 60 s.
    """
    for tries in range(TRIES):
        team = living_team(ctx, team_id)
        decided = decide(team)
        if decided == team:
            return team
        try:
            _save(ctx, team, decided, why)
        except ConflictError:
            ctx.sleep(ctx.deadline.at_most(ctx.jitter() * FIRST_WAIT_SECONDS * 2**tries))
        else:
            return decided
    message = f"team {team_id} is being written by too many at once"
    raise ContendedError(message)


def living_team(ctx: Context, team_id: str) -> Team:
    """The newest team, if it was not deleted. Raises NotFoundError, TeamDeletedError."""
    team = ctx.teams.newest(team_id)
    if team.deleted_at is not None:
        raise TeamDeletedError(team_id)
    return team


def _save(ctx: Context, before: Team, after: Team, why: str | None) -> None:
    audit_id = ctx.entropy(AUDIT_ID_BYTES).hex()
    audit = team_audit(before, after, by=ctx.by, at=ctx.clock(), audit_id=audit_id, why=why)
    ctx.teams.save(before, after, audit)
