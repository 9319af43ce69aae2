"""The commands about teams and their API clients: call one flow or load one thing, and say it in lines."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator

from chalicelib.flows import enrol
from ops import pictures
from ops.environment import Deployment
from ops.writing import columns, moment, plain

SHOWN_ONCE = "The secret is shown this once and kept nowhere: pass it on now, by a way that keeps secrets."


def create_team(deployment: Deployment, asked: Namespace) -> Iterator[str]:
    made = enrol.enrol_team(
        deployment.ctx,
        asked.name,
        plan=asked.plan,
        scheduling_add_on=asked.scheduling_add_on,
        default_currency=asked.currency,
        more_currencies=tuple(asked.also_takes),
    )
    yield from pictures.team_lines(made.team)
    yield ""
    yield from _credentials(made.client_id, made.client_secret)


def add_client(deployment: Deployment, asked: Namespace) -> Iterator[str]:
    made = enrol.add_client(deployment.ctx, asked.team_id, asked.name)
    yield from _credentials(made.client_id, made.client_secret)


def _credentials(client_id: str, client_secret: str) -> Iterator[str]:
    yield f"client_id      {client_id}"
    yield f"client_secret  {client_secret}"
    yield SHOWN_ONCE


def disable_client(deployment: Deployment, asked: Namespace) -> Iterator[str]:
    client = enrol.disable_client(deployment.ctx, asked.client_id)
    yield f"client {client.client_id} of team {client.team_id} is disabled since {moment(client.disabled_at)}"
    yield "Running functions refuse it, and its tokens, within 60 s."


def rotate_secret(deployment: Deployment, asked: Namespace) -> Iterator[str]:
    made = enrol.rotate_secret(deployment.ctx, asked.client_id)
    yield from _credentials(made.client_id, made.client_secret)
    yield "The former secret stays good, and the refresh tokens given for it. Once the new one is in use everywhere:"
    yield f"  python -m ops client drop-secret {made.client_id}"


def drop_secret(deployment: Deployment, asked: Namespace) -> Iterator[str]:
    dropped = enrol.drop_secret(deployment.ctx, asked.client_id)
    if not dropped:
        yield f"client {asked.client_id} has one secret; nothing was dropped"
        return
    yield f"client {asked.client_id} has its newest secret alone; dropped: {dropped}"
    yield "Running functions refuse the former one, and the refresh tokens given for it, within 60 s."


def allow_origins(deployment: Deployment, asked: Namespace) -> Iterator[str]:
    team = enrol.set_allowed_origins(deployment.ctx, asked.team_id, asked.origins)
    yield f"team {team.team_id} is called by pages of: {', '.join(team.allowed_origins) or 'no origin'}"
    yield "Running functions know it within 60 s."


def show_team(deployment: Deployment, asked: Namespace) -> Iterator[str]:
    yield from pictures.team_lines(deployment.ctx.teams.get(asked.team_id))


def list_teams(deployment: Deployment, _asked: Namespace) -> Iterator[str]:
    teams = sorted(deployment.ctx.teams.all(), key=lambda team: (team.created_at, team.team_id))
    rows = [(t.team_id, moment(t.created_at), t.plan, "suspended" if t.suspended else "active", t.name) for t in teams]
    yield from columns(((*row[:-1], plain(row[-1])) for row in rows), indent="") if rows else ["there are no teams yet"]
