"""The commands about the API clients of a team: call one flow or load one thing, and say it in lines."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator

from chalicelib.flows import enrol
from chalicelib.flows.export_team import clients_of
from ops.environment import Deployment
from ops.team_pictures import client_rows
from ops.writing import columns, moment

SHOWN_ONCE = "The secret is shown this once and kept nowhere: pass it on now, by a way that keeps secrets."


def list_clients(deployment: Deployment, asked: Namespace) -> Iterator[str]:
    ctx = deployment.ctx
    ctx.teams.get(asked.team_id)
    rows = list(client_rows(clients_of(ctx, asked.team_id)))
    yield from columns(rows, indent="") if rows else ["the team has no API client"]


def add_client(deployment: Deployment, asked: Namespace) -> Iterator[str]:
    made = enrol.add_client(deployment.ctx, asked.team_id, asked.name)
    yield from credentials(made.client_id, made.client_secret)


def credentials(client_id: str, client_secret: str) -> Iterator[str]:
    yield f"client_id      {client_id}"
    yield f"client_secret  {client_secret}"
    yield SHOWN_ONCE


def disable_client(deployment: Deployment, asked: Namespace) -> Iterator[str]:
    client = enrol.disable_client(deployment.ctx, asked.client_id)
    yield f"client {client.client_id} of team {client.team_id} is disabled since {moment(client.disabled_at)}"
    yield "Running functions refuse it, and its tokens, within 60 s."


def rotate_secret(deployment: Deployment, asked: Namespace) -> Iterator[str]:
    made = enrol.rotate_secret(deployment.ctx, asked.client_id)
    yield from credentials(made.client_id, made.client_secret)
    yield "The former secret stays good, and the refresh tokens given for it. Once the new one is in use everywhere:"
    yield f"  python -m ops client drop-secret {made.client_id}"


def drop_secret(deployment: Deployment, asked: Namespace) -> Iterator[str]:
    dropped = enrol.drop_secret(deployment.ctx, asked.client_id)
    if not dropped:
        yield f"client {asked.client_id} has one secret; nothing was dropped"
        return
    yield f"client {asked.client_id} has its newest secret alone; dropped: {dropped}"
    yield "Running functions refuse the former one, and the refresh tokens given for it, within 60 s."
