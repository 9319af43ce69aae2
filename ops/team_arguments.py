"""The arguments of the commands about teams and their API clients."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from chalicelib.domain.edits import ABSENT
from chalicelib.domain.teams import DELAYED_METHODS, LONGEST_LEAD, MOST_BASIS_POINTS, Plan
from ops import clients, deleting, exporting, teams
from ops.parsing import (
    Commands,
    an_id,
    ancestor,
    by_argument,
    command,
    currency,
    minutes,
    number,
    origin,
    own_or_account,
    plan,
    reason,
    subdomain,
)

_PLANS = f"{', '.join(Plan)}, or an older name"


def add_team(group: Commands[argparse.ArgumentParser]) -> None:
    _add_create(group)
    _add_change(group)
    _add_suspend_and_resume(group)
    show = command(group, "show", teams.show_team, "show all of a clinic: plan, fee, accounts, settings, API clients")
    _team_argument(show)
    find = command(group, "find", teams.find_team, "show the clinic that has a subdomain")
    find.add_argument("subdomain", type=subdomain, metavar="SUBDOMAIN", help="the clinic's own name in addresses")
    shown = command(group, "list", teams.list_teams, "list clinics with their state; reads the whole table")
    shown.add_argument("--state", choices=teams.STATES, help="cannot-charge: active, and no fee can be paid to it")
    origins = command(
        group, "allow-origins", teams.allow_origins, "let pages of exactly these origins call the API (CORS)"
    )
    _team_argument(origins)
    origins.add_argument(
        "origins", type=origin, nargs="*", metavar="ORIGIN", help="https://host[:port]; without any: no page at all"
    )
    _add_export_and_delete(group)


def _team_argument(one: argparse.ArgumentParser) -> None:
    one.add_argument("team_id", type=an_id, metavar="TEAM", help="the clinic's id")


def _add_create(group: Commands[argparse.ArgumentParser]) -> None:
    create = command(group, "create", teams.create_team, "create a clinic and its first API client")
    create.add_argument("name", metavar="NAME", help="as clients read it: on their page and at Checkout")
    create.add_argument("--subdomain", type=subdomain, help="its own name in addresses; default: made of its name")
    create.add_argument("--plan", type=plan, default=Plan.STANDARD, help=f"{_PLANS}; default: standard")
    create.add_argument("--scheduling-add-on", action="store_true", help="for the essentials plan: may schedule")
    create.add_argument("--currency", type=currency, default="aud", help="of its Stripe account; default: aud")
    create.add_argument(
        "--also-takes", type=currency, action="append", default=[], metavar="CURRENCY", help="may be given again"
    )
    account = create.add_mutually_exclusive_group()
    account.add_argument(
        "--own-account",
        action="store_const",
        const=True,
        dest="on_own_account",
        help="it is paid on this deployment's own Stripe account; the default, unless clinics connect their own",
    )
    account.add_argument(
        "--no-account",
        action="store_const",
        const=False,
        dest="on_own_account",
        help="it connects one itself; the default on a platform",
    )
    by_argument(create)


def _add_change(group: Commands[argparse.ArgumentParser]) -> None:
    change = command(group, "change", teams.change_team, "change what is named of a clinic, and nothing else")
    _team_argument(change)
    change.add_argument("--name", default=ABSENT, help="as clients read it")
    change.add_argument("--subdomain", type=subdomain, default=ABSENT, help="its own name in addresses")
    change.add_argument("--plan", type=plan, default=ABSENT, help=_PLANS)
    change.add_argument(
        "--scheduling-add-on", action=argparse.BooleanOptionalAction, default=ABSENT, help="bought or not"
    )
    fee = change.add_mutually_exclusive_group()
    fee.add_argument(
        "--fee-basis-points",
        type=number,
        default=ABSENT,
        metavar="N",
        help=f"the platform fee as agreed, 0 to {MOST_BASIS_POINTS}; of offers made from now on, "
        "also on accounts where Stripe refused it",
    )
    fee.add_argument(
        "--plan-fee", action="store_const", const=None, dest="fee_basis_points", help="the plan's rate again"
    )
    change.add_argument(
        "--currency", type=currency, default=ABSENT, metavar="CODE", help="of fees, where it has no account"
    )
    _list_arguments(change, "--also-takes", "--no-other-currencies", currency, "CODE", "besides its currency")
    change.add_argument(
        "--default-account",
        type=own_or_account,
        default=ABSENT,
        metavar="ACCT|own",
        help="where fees without a payee go",
    )
    _lead_arguments(change)
    _list_arguments(
        change, "--delayed-method", "--no-delayed-methods", str, "METHOD", f"of {', '.join(DELAYED_METHODS)}"
    )
    _list_arguments(
        change, "--frame-ancestor", "--no-frame-ancestors", ancestor, "ORIGIN", "a site that may show links in a frame"
    )
    by_argument(change)


def _lead_arguments(change: argparse.ArgumentParser) -> None:
    most = f"0 to {LONGEST_LEAD // minutes('1')}"
    for side in ("host", "guest"):
        change.add_argument(
            f"--{side}-lead",
            type=minutes,
            default=ABSENT,
            metavar="MINUTES",
            help=f"how long before the start a {side} may enter, {most}",
        )


def _list_arguments(
    change: argparse.ArgumentParser, each: str, none: str, kind: Callable[[str], str], metavar: str, text: str
) -> None:
    """One option that is given for each, and replaces them all; and one for none of them."""
    dest = {"--delayed-method": "delayed_methods", "--frame-ancestor": "frame_ancestors"}.get(each, "also_takes")
    either = change.add_mutually_exclusive_group()
    help_ = f"{text}; once for each, instead of those there are"
    either.add_argument(each, type=kind, action="append", dest=dest, metavar=metavar, help=help_)
    either.add_argument(none, action="store_const", const=(), dest=dest, help="none at all")


def _add_suspend_and_resume(group: Commands[argparse.ArgumentParser]) -> None:
    suspend = command(
        group, "suspend", teams.suspend_team, "let a clinic schedule nothing and offer nothing to pay; who paid enters"
    )
    resume = command(group, "resume", teams.resume_team, "end a clinic's suspension")
    for one, is_required in ((suspend, True), (resume, False)):
        _team_argument(one)
        one.add_argument("--why", type=reason, required=is_required, help="kept in the audit")
        by_argument(one)


def _add_export_and_delete(group: Commands[argparse.ArgumentParser]) -> None:
    export = command(group, "export", exporting.export, "write everything of a clinic into a new file, as JSON lines")
    _team_argument(export)
    export.add_argument("file", type=Path, metavar="FILE", help="must not be there; its owner alone may read it")
    delete = command(
        group,
        "delete",
        deleting.delete_team,
        "export a clinic, then erase it; ledger and audit are kept as the law wants",
    )
    _team_argument(delete)
    delete.add_argument("--export", type=Path, required=True, metavar="FILE", help="where to: a new file")
    delete.add_argument(
        "--cancel-sessions", action="store_true", help="first cancel what is to come; what was paid goes back"
    )
    delete.add_argument("--yes", action="store_true", help="I mean it; without, only say what would be done")
    by_argument(delete)


def add_client(group: Commands[argparse.ArgumentParser]) -> None:
    add = command(group, "add", clients.add_client, "add an API client; its secret is shown once")
    _team_argument(add)
    add.add_argument("--name", help="to tell it from the clinic's others")
    shown = command(group, "list", clients.list_clients, "list a clinic's API clients; reads the whole table")
    _team_argument(shown)
    disable = command(
        group, "disable", clients.disable_client, "disable an API client and its tokens for good, within 60 s"
    )
    disable.add_argument("client_id", metavar="CLIENT", help="the API client's id")
    rotate = command(
        group, "rotate-secret", clients.rotate_secret, "give an API client a second secret, shown once; both are good"
    )
    rotate.add_argument("client_id", metavar="CLIENT", help="the API client's id")
    drop = command(
        group, "drop-secret", clients.drop_secret, "drop every secret of an API client but the newest, within 60 s"
    )
    drop.add_argument("client_id", metavar="CLIENT", help="the API client's id")
