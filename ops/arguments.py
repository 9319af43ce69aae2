"""The commands and their arguments, all but those about teams (`team_arguments.py`)."""

from __future__ import annotations

import argparse

from ops import commands, parking, reconciling, stripe_setup, stuck
from ops.parsing import (
    Commands,
    account,
    an_id,
    by_argument,
    command,
    group,
    key_id,
    moment,
    participant_id,
    session_id,
)
from ops.team_arguments import add_client, add_team

DESCRIPTION = """\
The operator's command line of Anteroom.

It works on the local stack while `make run` is running (from the project's directory, with --local or no ANTEROOM_
variable set), and on a deployed stage with AWS credentials and the variables of README.md: ANTEROOM_PUBLIC_URL,
ANTEROOM_TABLE_PREFIX, ANTEROOM_SECRETS, AWS_REGION.

It ends with 0 when done, 1 when refused, 2 when asked wrongly, 3 when DynamoDB, Stripe or AWS did not answer well.
"""


def parser() -> argparse.ArgumentParser:
    root = argparse.ArgumentParser(
        prog="python -m ops", description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    root.add_argument("--local", action="store_true", help="the local stack, whatever the environment says")
    groups = root.add_subparsers(title="commands", metavar="COMMAND", required=True)
    add_team(
        group(groups, "team", "clinics: create, show, list, change, suspend, resume, allow-origins, export, delete")
    )
    add_client(group(groups, "client", "API clients of a clinic: list, add, disable, rotate-secret, drop-secret"))
    _add_session(group(groups, "session", "a session and its whole payment history: show"))
    _add_participant(group(groups, "participant", "how one participant stands, and what is owed: show"))
    _add_stuck(group(groups, "stuck", "what needs a person: list, retry, settle"))
    _add_link(group(groups, "link", "entry links: revoke"))
    _add_link_key(group(groups, "link-key", "the keys that links are made with: rotate, use, retire"))
    _add_reconcile(groups)
    _add_stripe(group(groups, "stripe", "what the deployment needs at Stripe: setup"))
    _add_parked(group(groups, "parked", "events of Stripe's that failed too often: list, replay"))
    command(groups, "sweep", commands.sweep, "carry out what is due, as the scheduled function does every minute")
    return root


def _add_session(group: Commands[argparse.ArgumentParser]) -> None:
    show = command(
        group, "show", commands.show_session, "show a session: who stands how, what is owed, and all that happened"
    )
    show.add_argument("team_id", type=an_id, metavar="TEAM", help="the clinic's id")
    show.add_argument("session_id", type=session_id, metavar="SESSION", help="the session's id, or a participant's")


def _add_participant(group: Commands[argparse.ArgumentParser]) -> None:
    show = command(
        group, "show", commands.show_participant, "show how a participant stands, what is owed and what needs a person"
    )
    _participant_arguments(show)


def _add_stuck(group: Commands[argparse.ArgumentParser]) -> None:
    shown = command(group, "list", stuck.list_stuck, "list what needs a person at a clinic; reads all its sessions")
    shown.add_argument("team_id", type=an_id, metavar="TEAM", help="the clinic's id")
    retry = command(group, "retry", stuck.retry, "try something again at once; a failed refund as another one")
    settle = command(group, "settle", stuck.settle, "note that you have seen to something yourself: it is owed no more")
    settle.add_argument(
        "--not-given", action="store_true", help="no money went back by you, nor need it: it counts as kept"
    )
    for one in (retry, settle):
        _participant_arguments(one)
        one.add_argument("key", metavar="KEY", help="as the list shows it")
        one.add_argument("--why", required=True, help="kept with the decision, for whoever reads the audit")
        by_argument(one)


def _add_link(group: Commands[argparse.ArgumentParser]) -> None:
    revoke = command(
        group, "revoke", commands.revoke_link, "make a participant's link void and print the new one, to be passed on"
    )
    _participant_arguments(revoke)
    by_argument(revoke)


def _participant_arguments(one: argparse.ArgumentParser) -> None:
    one.add_argument("team_id", type=an_id, metavar="TEAM", help="the clinic's id")
    one.add_argument("participant", type=participant_id, metavar="PARTICIPANT", help="the participant's id")


def _add_link_key(group: Commands[argparse.ArgumentParser]) -> None:
    rotate = command(
        group,
        "rotate",
        commands.rotate_link_key,
        "make a new key for links, in two steps or at once; old links stay good",
    )
    rotate.add_argument(
        "--at-once",
        action="store_true",
        help="use it from now on: until every function has restarted, some refuse links that others make",
    )
    use = command(group, "use", commands.use_link_key, "make new links with this key from now on")
    use.add_argument("key_id", type=key_id, metavar="KEY", help="the key's id")
    retire = command(group, "retire", commands.retire_link_key, "forget an old key: every link made with it dies")
    retire.add_argument("key_id", type=key_id, metavar="KEY", help="the key's id")
    retire.add_argument("--yes", action="store_true", help="I know that sessions scheduled under it lose their links")


def _add_reconcile(groups: Commands[argparse.ArgumentParser]) -> None:
    one = command(
        groups,
        "reconcile",
        reconciling.reconcile_account,
        "hold Stripe's lists of payments, refunds and disputes against what is kept here, and the ledger against both",
    )
    one.add_argument(
        "--from", type=moment, required=True, dest="start", metavar="TIME", help="a date, or a time in ISO 8601 (UTC)"
    )
    one.add_argument("--to", type=moment, dest="end", metavar="TIME", help="without it itself; default: now")
    one.add_argument("--account", type=account, help="a connected account, acct_...; default: our own")
    one.add_argument("--repair", action="store_true", help="fold in what Stripe says, and write ledger rows again")
    by_argument(one)


def _add_stripe(groups: Commands[argparse.ArgumentParser]) -> None:
    one = command(
        groups,
        "setup",
        stripe_setup.set_up_stripe,
        "make the webhook endpoints that are needed at Stripe, or mend them",
    )
    one.add_argument("--check", action="store_true", help="change nothing; exit code 1 if anything is missing")


def _add_parked(group: Commands[argparse.ArgumentParser]) -> None:
    command(group, "list", parking.list_parked, "list events that failed, by how often and with which error")
    again = command(
        group,
        "replay",
        parking.replay_parked,
        "fetch events from Stripe again (it gives them for 30 days), settle them",
    )
    again.add_argument("events", nargs="*", metavar="EVENT", help="the event's id, evt_...")
    again.add_argument("--all", action="store_true", help="every event that is listed")
