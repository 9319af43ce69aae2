"""The commands and their arguments. Checks what an argument looks like; whether it is there is for the command."""

from __future__ import annotations

import argparse
import getpass
import re
from datetime import UTC, datetime
from typing import NoReturn

from chalicelib.domain.ids import InvalidIdError, split_participant_id, uuid_bytes
from chalicelib.domain.links import LAST_KEY_ID
from chalicelib.domain.money import UnknownCurrencyError, currency
from chalicelib.domain.sessions import MAX_NAME
from chalicelib.domain.teams import InvalidOriginError, Plan, UnknownPlanError, plan_named, web_origin
from ops import commands, parking, reconciling, stripe_setup, stuck

DESCRIPTION = """\
The operator's command line of Anteroom.

It works on the local stack while `make run` is running (from the project's directory, with --local or no ANTEROOM_
variable set), and on a deployed stage with AWS credentials and the variables of README.md: ANTEROOM_PUBLIC_URL,
ANTEROOM_TABLE_PREFIX, ANTEROOM_SECRETS, AWS_REGION.

It ends with 0 when done, 1 when refused, 2 when asked wrongly, 3 when DynamoDB, Stripe or AWS did not answer well.
"""

Commands = argparse._SubParsersAction  # noqa: SLF001 (argparse has no public name for it)


def parser() -> argparse.ArgumentParser:
    root = argparse.ArgumentParser(
        prog="python -m ops", description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    root.add_argument("--local", action="store_true", help="the local stack, whatever the environment says")
    groups = root.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_team(_group(groups, "team", "clinics: create, show, list, allow-origins"))
    _add_client(_group(groups, "client", "API clients of a clinic: add, disable, rotate-secret, drop-secret"))
    _add_session(_group(groups, "session", "a session and its whole payment history: show"))
    _add_participant(_group(groups, "participant", "how one participant stands, and what is owed: show"))
    _add_stuck(_group(groups, "stuck", "what needs a person: list, retry, settle"))
    _add_link(_group(groups, "link", "entry links: revoke"))
    _add_link_key(_group(groups, "link-key", "the keys that links are made with: add, use, retire"))
    _add_reconcile(groups)
    _add_stripe(_group(groups, "stripe", "what the deployment needs at Stripe: setup"))
    _add_parked(_group(groups, "parked", "events of Stripe's that failed too often: list, replay"))
    _command(groups, "sweep", commands.sweep, "carry out what is due, as the scheduled function does every minute")
    return root


def _group(groups: Commands[argparse.ArgumentParser], name: str, text: str) -> Commands[argparse.ArgumentParser]:
    one = groups.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
    return one.add_subparsers(title="commands", metavar="COMMAND", required=True)


def _command(
    group: Commands[argparse.ArgumentParser], name: str, run: commands.Command, text: str
) -> argparse.ArgumentParser:
    one = group.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
    one.set_defaults(run=run)
    return one


def _add_team(group: Commands[argparse.ArgumentParser]) -> None:
    create = _command(group, "create", commands.create_team, "create a clinic and its first API client")
    create.add_argument("name", metavar="NAME", help="as clients read it: on their page and at Checkout")
    create.add_argument("--plan", type=_plan, default=Plan.STANDARD, help=f"{', '.join(Plan)}; default: standard")
    create.add_argument("--scheduling-add-on", action="store_true", help="for the essentials plan: may schedule")
    create.add_argument("--currency", type=_currency, default="aud", help="of its Stripe account; default: aud")
    create.add_argument(
        "--also-takes", type=_currency, action="append", default=[], metavar="CURRENCY", help="may be given again"
    )
    show = _command(group, "show", commands.show_team, "show a clinic's plan, currencies and accounts")
    show.add_argument("team_id", type=_id, metavar="TEAM", help="the clinic's id")
    _command(group, "list", commands.list_teams, "list every clinic; reads the whole table")
    origins = _command(
        group, "allow-origins", commands.allow_origins, "let pages of exactly these origins call the API (CORS)"
    )
    origins.add_argument("team_id", type=_id, metavar="TEAM", help="the clinic's id")
    origins.add_argument(
        "origins", type=_origin, nargs="*", metavar="ORIGIN", help="https://host[:port]; without any: no page at all"
    )


def _add_client(group: Commands[argparse.ArgumentParser]) -> None:
    add = _command(group, "add", commands.add_client, "add an API client; its secret is shown once")
    add.add_argument("team_id", type=_id, metavar="TEAM", help="the clinic's id")
    add.add_argument("--name", help="to tell it from the clinic's others")
    disable = _command(
        group, "disable", commands.disable_client, "disable an API client and its tokens for good, within 60 s"
    )
    disable.add_argument("client_id", metavar="CLIENT", help="the API client's id")
    rotate = _command(
        group, "rotate-secret", commands.rotate_secret, "give an API client a second secret, shown once; both are good"
    )
    rotate.add_argument("client_id", metavar="CLIENT", help="the API client's id")
    drop = _command(
        group, "drop-secret", commands.drop_secret, "drop every secret of an API client but the newest, within 60 s"
    )
    drop.add_argument("client_id", metavar="CLIENT", help="the API client's id")


def _add_session(group: Commands[argparse.ArgumentParser]) -> None:
    show = _command(
        group, "show", commands.show_session, "show a session: who stands how, what is owed, and all that happened"
    )
    show.add_argument("team_id", type=_id, metavar="TEAM", help="the clinic's id")
    show.add_argument("session_id", type=_session_id, metavar="SESSION", help="the session's id, or a participant's")


def _add_participant(group: Commands[argparse.ArgumentParser]) -> None:
    show = _command(
        group, "show", commands.show_participant, "show how a participant stands, what is owed and what needs a person"
    )
    _participant_arguments(show)


def _add_stuck(group: Commands[argparse.ArgumentParser]) -> None:
    shown = _command(group, "list", stuck.list_stuck, "list what needs a person at a clinic; reads all its sessions")
    shown.add_argument("team_id", type=_id, metavar="TEAM", help="the clinic's id")
    retry = _command(group, "retry", stuck.retry, "try something again at once; a failed refund as another one")
    settle = _command(
        group, "settle", stuck.settle, "note that you have seen to something yourself: it is owed no more"
    )
    settle.add_argument(
        "--not-given", action="store_true", help="no money went back by you, nor need it: it counts as kept"
    )
    for one in (retry, settle):
        _participant_arguments(one)
        one.add_argument("key", metavar="KEY", help="as the list shows it")
        one.add_argument("--why", required=True, help="kept with the decision, for whoever reads the audit")
        _by_argument(one)


def _add_link(group: Commands[argparse.ArgumentParser]) -> None:
    revoke = _command(
        group, "revoke", commands.revoke_link, "make a participant's link void and print the new one, to be passed on"
    )
    _participant_arguments(revoke)
    _by_argument(revoke)


def _participant_arguments(one: argparse.ArgumentParser) -> None:
    one.add_argument("team_id", type=_id, metavar="TEAM", help="the clinic's id")
    one.add_argument("participant", type=_participant_id, metavar="PARTICIPANT", help="the participant's id")


def _by_argument(one: argparse.ArgumentParser) -> None:
    one.add_argument("--by", type=_who, default=_me(), help="who decides, for the audit; default: %(default)s")


def _me() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a user without a name, as containers have them
        return "unnamed"


def _add_link_key(group: Commands[argparse.ArgumentParser]) -> None:
    rotate = _command(
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
    use = _command(group, "use", commands.use_link_key, "make new links with this key from now on")
    use.add_argument("key_id", type=_key_id, metavar="KEY", help="the key's id")
    retire = _command(group, "retire", commands.retire_link_key, "forget an old key: every link made with it dies")
    retire.add_argument("key_id", type=_key_id, metavar="KEY", help="the key's id")
    retire.add_argument("--yes", action="store_true", help="I know that sessions scheduled under it lose their links")


def _add_reconcile(groups: Commands[argparse.ArgumentParser]) -> None:
    one = _command(
        groups,
        "reconcile",
        reconciling.reconcile_account,
        "hold Stripe's lists of payments, refunds and disputes against what is kept here, and the ledger against both",
    )
    one.add_argument(
        "--from", type=_moment, required=True, dest="start", metavar="TIME", help="a date, or a time in ISO 8601 (UTC)"
    )
    one.add_argument("--to", type=_moment, dest="end", metavar="TIME", help="without it itself; default: now")
    one.add_argument("--account", type=_account, help="a connected account, acct_...; default: our own")
    one.add_argument("--repair", action="store_true", help="fold in what Stripe says, and write ledger rows again")
    _by_argument(one)


def _add_stripe(group: Commands[argparse.ArgumentParser]) -> None:
    one = _command(
        group, "setup", stripe_setup.set_up_stripe, "make the webhook endpoints that are needed at Stripe, or mend them"
    )
    one.add_argument("--check", action="store_true", help="change nothing; exit code 1 if anything is missing")


def _add_parked(group: Commands[argparse.ArgumentParser]) -> None:
    _command(group, "list", parking.list_parked, "list events that failed, by how often and with which error")
    again = _command(
        group,
        "replay",
        parking.replay_parked,
        "fetch events from Stripe again (it gives them for 30 days), settle them",
    )
    again.add_argument("events", nargs="*", metavar="EVENT", help="the event's id, evt_...")
    again.add_argument("--all", action="store_true", help="every event that is listed")


# --- what arguments look like ----------------------------------------------------------------------------------------


def _id(text: str) -> str:
    try:
        uuid_bytes(text)
    except InvalidIdError as error:
        _refuse(error)
    return text


def _session_id(text: str) -> str:
    """A session's id as it is; a participant's leads to their session."""
    _id(text)
    try:
        return split_participant_id(text)[0]
    except InvalidIdError:
        return text


def _participant_id(text: str) -> tuple[str, int]:
    try:
        return split_participant_id(text)
    except InvalidIdError as error:
        _refuse(error)


def _who(text: str) -> str:
    if not text.strip() or len(text) > MAX_NAME or not text.isprintable():
        _refuse(f"1 to {MAX_NAME} printable characters")
    return text.strip()


def _plan(text: str) -> Plan:
    try:
        return plan_named(text)
    except UnknownPlanError as error:
        _refuse(error)


def _currency(text: str) -> str:
    try:
        return currency(text.lower()).code
    except UnknownCurrencyError as error:
        _refuse(error)


def _origin(text: str) -> str:
    try:
        return web_origin(text)
    except InvalidOriginError as error:
        _refuse(error)


def _moment(text: str) -> datetime:
    """A date is its first moment; without a zone it is UTC."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        _refuse("a date such as 2026-11-01, or a time such as 2026-11-01T09:30:00Z")
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _account(text: str) -> str:
    if not re.fullmatch(r"acct_[A-Za-z0-9]{1,100}", text):
        _refuse("a Stripe account's id looks like acct_1A2b3C4d5E6f7G8h")
    return text


def _key_id(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > LAST_KEY_ID:
        _refuse(f"a key id is a number from 0 to {LAST_KEY_ID}")
    return int(text)


def _refuse(why: object) -> NoReturn:
    raise argparse.ArgumentTypeError(str(why))
