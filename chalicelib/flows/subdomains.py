"""Give teams their subdomains, keep each one team's, and find the team by it.

A subdomain is claimed before it is kept with its team, and released after the team has another: whoever dies in between
leaves it with the same team, which may change to it and away from it again. A claim that a deleted team left behind
holds up nobody.
"""

from __future__ import annotations

import logging
from dataclasses import replace

from chalicelib.domain.subdomains import beside, made_of
from chalicelib.domain.teams import Team
from chalicelib.flows.change import TRIES, ContendedError
from chalicelib.flows.change_team import TeamDeletedError, change_team, living_team
from chalicelib.flows.context import Context
from chalicelib.storage.stores import ConflictError, NotFoundError, StoreError

_SUFFIX_BYTES = 3

_log = logging.getLogger("anteroom.flows")


class SubdomainTakenError(Exception):
    """The subdomain is another team's."""


def claim(ctx: Context, subdomain: str | None, team_id: str) -> None:
    """Let the subdomain be this team's from now on. Raises SubdomainTakenError, StoreError, ContendedError."""
    if subdomain is None:
        return
    for _ in range(TRIES):
        holder = ctx.subdomains.find(subdomain)
        if holder == team_id:
            return
        if holder is not None and not _is_deleted(ctx, holder):
            raise SubdomainTakenError
        try:
            ctx.subdomains.save(subdomain, holder, team_id)
        except ConflictError:
            continue
        return
    message = f"subdomain {subdomain} is being claimed by too many at once"
    raise ContendedError(message)


def _is_deleted(ctx: Context, team_id: str) -> bool:
    """One that is not there is being made: its claim comes first."""
    try:
        living_team(ctx, team_id)
    except TeamDeletedError:
        return True
    except NotFoundError:
        return False
    return False


def claim_any(ctx: Context, name: str, team_id: str) -> str:
    """A subdomain made of the name, this team's from now on. Raises StoreError, ContendedError."""
    wanted = subdomain = made_of(name)
    for _ in range(TRIES):
        try:
            claim(ctx, subdomain, team_id)
        except SubdomainTakenError:
            subdomain = beside(wanted, ctx.entropy(_SUFFIX_BYTES).hex())
        else:
            return subdomain
    message = f"no subdomain was free for team {team_id}"
    raise ContendedError(message)


def release(ctx: Context, subdomain: str | None, team_id: str) -> None:
    """Let it be another's; nothing happens where it is this team's no more. Raises StoreError."""
    if subdomain is not None:
        ctx.subdomains.remove(subdomain, team_id)


def with_subdomain(ctx: Context, team: Team) -> Team:
    """The team with its subdomain, given now if it has none; without, should that fail: it must not fail a read."""
    if team.subdomain is not None or team.deleted_at is not None:
        return team
    try:
        return _given(ctx, team.team_id)
    except (StoreError, ContendedError) as error:
        _log.warning("team %s was given no subdomain: %s", team.team_id, type(error).__name__)
        return team


def _given(ctx: Context, team_id: str) -> Team:
    """Of two at once one wins, and both answer what that one gave."""
    newest = living_team(ctx, team_id)
    if newest.subdomain is not None:
        return newest
    claimed = claim_any(ctx, newest.name, team_id)
    team = change_team(ctx, team_id, lambda one: one if one.subdomain else replace(one, subdomain=claimed))
    if team.subdomain != claimed:
        release(ctx, claimed, team_id)
    return team


def team_at(ctx: Context, subdomain: str) -> Team:
    """The team of that subdomain, in any case. Raises NotFoundError, StoreError."""
    holder = ctx.subdomains.find(subdomain.lower())
    team = ctx.teams.get(holder) if holder else None
    if team is None or team.subdomain != subdomain.lower():
        message = "no team has that subdomain"
        raise NotFoundError(message)
    return team
