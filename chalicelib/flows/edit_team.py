"""Change, suspend and resume a team: for operators. Offers to pay and sessions that are there are never touched.

A client who is on Stripe's page when their clinic is suspended may still pay there until that page expires, within 24
hours: nothing is closed, and what comes is kept, counts and lets them in. A suspension is about what is new.
"""

from __future__ import annotations

from functools import partial

from chalicelib.domain import team_edits
from chalicelib.domain.edits import Absent
from chalicelib.domain.team_edits import TeamEdit
from chalicelib.domain.teams import Team
from chalicelib.flows.change_team import change_team, living_team
from chalicelib.flows.context import Context
from chalicelib.flows.subdomains import claim, release


def update_team(ctx: Context, team_id: str, edit: TeamEdit) -> Team:
    """The team as edited; what is absent stays.

    Raises NotFoundError, TeamDeletedError, TeamSettingError, UnknownCurrencyError, InvalidOriginError,
    UnknownAccountError, SubdomainTakenError, ContendedError, StoreError.
    """
    if isinstance(edit.subdomain, Absent):
        return change_team(ctx, team_id, partial(team_edits.edit_team, edit=edit))
    return _renamed(ctx, team_id, edit)


def _renamed(ctx: Context, team_id: str, edit: TeamEdit) -> Team:
    former: str | None = None

    def edited(team: Team) -> Team:
        nonlocal former
        former = team.subdomain
        return team_edits.edit_team(team, edit)

    # Before the claim, so that what is refused claims nothing.
    claim(ctx, edited(living_team(ctx, team_id)).subdomain, team_id)
    changed = change_team(ctx, team_id, edited)
    if former != changed.subdomain:
        release(ctx, former, team_id)
        # Another operator may have gone back to the former one meanwhile.
        claim(ctx, living_team(ctx, team_id).subdomain, team_id)
    return changed


def suspend_team(ctx: Context, team_id: str, why: str) -> Team:
    """The team, suspended; again changes nothing.

    Raises NotFoundError, TeamDeletedError, ContendedError, StoreError.
    """
    return change_team(ctx, team_id, team_edits.suspended, why)


def resume_team(ctx: Context, team_id: str, why: str | None = None) -> Team:
    """The team, not suspended any more. Raises as `suspend_team`."""
    return change_team(ctx, team_id, team_edits.resumed, why)
