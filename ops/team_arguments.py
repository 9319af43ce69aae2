"""The arguments of the commands about teams and their API clients."""

from __future__ import annotations

import argparse

from chalicelib.domain.teams import Plan
from ops import teams
from ops.parsing import Commands, an_id, command, currency, origin, plan


def add_team(group: Commands[argparse.ArgumentParser]) -> None:
    create = command(group, "create", teams.create_team, "create a clinic and its first API client")
    create.add_argument("name", metavar="NAME", help="as clients read it: on their page and at Checkout")
    create.add_argument("--plan", type=plan, default=Plan.STANDARD, help=f"{', '.join(Plan)}; default: standard")
    create.add_argument("--scheduling-add-on", action="store_true", help="for the essentials plan: may schedule")
    create.add_argument("--currency", type=currency, default="aud", help="of its Stripe account; default: aud")
    create.add_argument(
        "--also-takes", type=currency, action="append", default=[], metavar="CURRENCY", help="may be given again"
    )
    show = command(group, "show", teams.show_team, "show a clinic's plan, currencies and accounts")
    show.add_argument("team_id", type=an_id, metavar="TEAM", help="the clinic's id")
    command(group, "list", teams.list_teams, "list every clinic; reads the whole table")
    origins = command(
        group, "allow-origins", teams.allow_origins, "let pages of exactly these origins call the API (CORS)"
    )
    origins.add_argument("team_id", type=an_id, metavar="TEAM", help="the clinic's id")
    origins.add_argument(
        "origins", type=origin, nargs="*", metavar="ORIGIN", help="https://host[:port]; without any: no page at all"
    )


def add_client(group: Commands[argparse.ArgumentParser]) -> None:
    add = command(group, "add", teams.add_client, "add an API client; its secret is shown once")
    add.add_argument("team_id", type=an_id, metavar="TEAM", help="the clinic's id")
    add.add_argument("--name", help="to tell it from the clinic's others")
    disable = command(
        group, "disable", teams.disable_client, "disable an API client and its tokens for good, within 60 s"
    )
    disable.add_argument("client_id", metavar="CLIENT", help="the API client's id")
    rotate = command(
        group, "rotate-secret", teams.rotate_secret, "give an API client a second secret, shown once; both are good"
    )
    rotate.add_argument("client_id", metavar="CLIENT", help="the API client's id")
    drop = command(
        group, "drop-secret", teams.drop_secret, "drop every secret of an API client but the newest, within 60 s"
    )
    drop.add_argument("client_id", metavar="CLIENT", help="the API client's id")
