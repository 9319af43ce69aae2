"""Change one team: load, decide, save as it was read; on a conflict load and decide again, a few times.

What the change means for the team's money or access is audited in the same transaction.
"""

from __future__ import annotations

from collections.abc import Callable

from chalicelib.domain.team_audit import team_audit
from chalicelib.domain.teams import Team
from chalicelib.flows.change import FIRST_WAIT_SECONDS, TRIES, ContendedError
from chalicelib.flows.context import Context
from chalicelib.storage.stores import ConflictError

_AUDIT_ID_BYTES = 6


def change_team(ctx: Context, team_id: str, decide: Callable[[Team], Team]) -> Team:
    """The team as `decide` makes it of the newest one, saved; not written when that changes nothing.

    `decide` may run several times; what it raises ends the change. Raises NotFoundError, ContendedError, StoreError.
    Other processes know it within 60 s.
    """
    for tries in range(TRIES):
        team = ctx.teams.newest(team_id)
        decided = decide(team)
        if decided == team:
            return team
        try:
            _save(ctx, team, decided)
        except ConflictError:
            ctx.sleep(ctx.deadline.at_most(ctx.jitter() * FIRST_WAIT_SECONDS * 2**tries))
        else:
            return decided
    message = f"team {team_id} is being written by too many at once"
    raise ContendedError(message)


def _save(ctx: Context, before: Team, after: Team) -> None:
    audit_id = ctx.entropy(_AUDIT_ID_BYTES).hex()
    ctx.teams.save(before, after, team_audit(before, after, by=ctx.by, at=ctx.clock(), audit_id=audit_id))
