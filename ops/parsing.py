"""What the commands' arguments are made of: groups, commands, and what a value looks like; not whether it is there."""

from __future__ import annotations

import argparse
import getpass
import re
from datetime import UTC, datetime, timedelta
from typing import NoReturn

from chalicelib.domain.by_hand import MAX_REASON
from chalicelib.domain.ids import InvalidIdError, split_participant_id, uuid_bytes
from chalicelib.domain.links import LAST_KEY_ID
from chalicelib.domain.money import UnknownCurrencyError
from chalicelib.domain.money import currency as currency_of
from chalicelib.domain.sessions import MAX_NAME
from chalicelib.domain.subdomains import SubdomainError, checked_subdomain
from chalicelib.domain.team_audit import OWN_ACCOUNT
from chalicelib.domain.teams import InvalidOriginError, Plan, UnknownPlanError, frame_ancestor, plan_named, web_origin
from ops.commands import Command

Commands = argparse._SubParsersAction  # noqa: SLF001 (argparse has no public name for it)


def group(groups: Commands[argparse.ArgumentParser], name: str, text: str) -> Commands[argparse.ArgumentParser]:
    one = groups.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
    return one.add_subparsers(title="commands", metavar="COMMAND", required=True)


def command(group: Commands[argparse.ArgumentParser], name: str, run: Command, text: str) -> argparse.ArgumentParser:
    one = group.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
    one.set_defaults(run=run)
    return one


def by_argument(one: argparse.ArgumentParser) -> None:
    one.add_argument("--by", type=who, default=_me(), help="who decides, for the audit; default: %(default)s")


def _me() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a user without a name, as containers have them
        return "unnamed"


# --- what values look like -------------------------------------------------------------------------------------------


def an_id(text: str) -> str:
    try:
        uuid_bytes(text)
    except InvalidIdError as error:
        refuse(error)
    return text


def session_id(text: str) -> str:
    """A session's id as it is; a participant's leads to their session."""
    an_id(text)
    try:
        return split_participant_id(text)[0]
    except InvalidIdError:
        return text


def participant_id(text: str) -> tuple[str, int]:
    try:
        return split_participant_id(text)
    except InvalidIdError as error:
        refuse(error)


def who(text: str) -> str:
    if not text.strip() or len(text) > MAX_NAME or not text.isprintable():
        refuse(f"1 to {MAX_NAME} printable characters")
    return text.strip()


def plan(text: str) -> Plan:
    try:
        return plan_named(text)
    except UnknownPlanError as error:
        refuse(error)


def currency(text: str) -> str:
    try:
        return currency_of(text.lower()).code
    except UnknownCurrencyError as error:
        refuse(error)


def ancestor(text: str) -> str:
    try:
        return frame_ancestor(text)
    except InvalidOriginError as error:
        refuse(error)


def subdomain(text: str) -> str:
    try:
        return checked_subdomain(text)
    except SubdomainError as error:
        refuse(error)


def reason(text: str) -> str:
    if not text.strip() or len(text) > MAX_REASON or not text.isprintable():
        refuse(f"1 to {MAX_REASON} printable characters")
    return text.strip()


def number(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", text):
        refuse("a whole number")
    return int(text)


def minutes(text: str) -> timedelta:
    return timedelta(minutes=number(text))


def own_or_account(text: str) -> str | None:
    """None is the deployment's own."""
    return None if text == OWN_ACCOUNT else account(text)


def origin(text: str) -> str:
    try:
        return web_origin(text)
    except InvalidOriginError as error:
        refuse(error)


def moment(text: str) -> datetime:
    """A date is its first moment; without a zone it is UTC."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        refuse("a date such as 2026-11-01, or a time such as 2026-11-01T09:30:00Z")
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def account(text: str) -> str:
    if not re.fullmatch(r"acct_[A-Za-z0-9]{1,100}", text):
        refuse("a Stripe account's id looks like acct_1A2b3C4d5E6f7G8h")
    return text


def key_id(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > LAST_KEY_ID:
        refuse(f"a key id is a number from 0 to {LAST_KEY_ID}")
    return int(text)


def refuse(why: object) -> NoReturn:
    raise argparse.ArgumentTypeError(str(why))
