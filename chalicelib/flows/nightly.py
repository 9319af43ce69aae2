"""The nightly reconciliation: every account that a team is paid on, the last three days, what differs folded in.

What Stripe says of each account itself is kept anew, too: `account.updated` may be lost like any event. It begins with
another account by chance, so that no account is always the one for which there was no time.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import timedelta

from chalicelib.flows.accounts import learn_platform, refresh_of
from chalicelib.flows.change import ContendedError
from chalicelib.flows.context import Context
from chalicelib.flows.park import account_name
from chalicelib.flows.reconcile import Tally, reconcile
from chalicelib.flows.reconcile_session import Finding, Scope
from chalicelib.gateways.deadline import OutOfTimeError
from chalicelib.gateways.stripe_api import StripeError
from chalicelib.gateways.stripe_listings import Span
from chalicelib.gateways.stripe_objects import StrangeObjectError
from chalicelib.storage.stores import StoreError

NIGHTLY_SECONDS = 840
"""One run; the function is given 900, which is all that Lambda gives."""

LOOKS_BACK_FOR = timedelta(days=3)
"""As long as Stripe goes on delivering an event, and long enough for two nights to fail."""

STILL_ON_ITS_WAY_FOR = timedelta(minutes=15)
"""What happened just now is not compared: its webhook, or the sweep's look, is only coming."""

log = logging.getLogger("anteroom.reconcile")


@dataclass(frozen=True, slots=True)
class Night:
    """What one night did. `failed`: accounts and sessions that could not be compared."""

    accounts: int = 0
    found: int = 0
    left: int = 0
    failed: int = 0
    unfinished: bool = False


def reconcile_nightly(ctx: Context) -> Night:
    """Compare and repair every account; whatever is wrong with one stays with it."""
    now, night = ctx.clock(), Night()
    span = Span(now - LOOKS_BACK_FOR, now - STILL_ON_ITS_WAY_FOR)
    _learn_platform(ctx)
    for account, teams in _accounts(ctx):
        _refresh(ctx, account, teams)
        tally = _reconciled(ctx, Scope(account, span, repairs=True))
        night = Night(
            accounts=night.accounts + 1,
            found=night.found + tally.found,
            left=night.left + tally.left,
            failed=night.failed + tally.failed,
            unfinished=night.unfinished or tally.unfinished,
        )
    return night


def _accounts(ctx: Context) -> list[tuple[str | None, list[str]]]:
    """Those that are connected, each with its teams."""
    teams: dict[str | None, list[str]] = {}
    for team in ctx.teams.all():
        for account in team.accounts:
            if account.is_connected:
                teams.setdefault(account.stripe_account_id, []).append(team.team_id)
    accounts = sorted(teams.items(), key=lambda one: account_name(one[0]))
    first = int(ctx.jitter() * len(accounts))
    return accounts[first:] + accounts[:first]


def _learn_platform(ctx: Context) -> None:
    try:
        learn_platform(ctx)
    except (StoreError, ContendedError, OutOfTimeError) as error:
        log.warning("account_not_read", extra={"account": account_name(None), "error": type(error).__name__})


def _refresh(ctx: Context, account: str | None, teams: list[str]) -> None:
    """A failure is told by the lists that are read next, which fail then, too."""
    fields = {"account": account_name(account)}
    try:
        if any([refresh_of(ctx, team_id, account) for team_id in teams]):  # noqa: C419 (each of them)
            log.warning("account_changed", extra=fields)
    except (StripeError, StrangeObjectError, StoreError, ContendedError, OutOfTimeError) as error:
        log.warning("account_not_read", extra={**fields, "error": type(error).__name__})


def _reconciled(ctx: Context, scope: Scope) -> Tally:
    tally = Tally()
    try:
        for one in reconcile(ctx, scope):
            if isinstance(one, Tally):
                tally = one
            else:
                _log(scope, one)
    except (StripeError, StoreError) as error:
        fields = {"account": account_name(scope.account), "error": type(error).__name__}
        log.error("reconcile_failed", extra=fields)
        tally = replace(tally, failed=tally.failed + 1)
    if tally.unfinished:
        log.error("reconcile_unfinished", extra={"account": account_name(scope.account)})
    counted = {"charges": tally.charges, "others": tally.others, "found": tally.found, "left": tally.left}
    log.info("reconciled", extra={"account": account_name(scope.account), **counted})
    return tally


def _log(scope: Scope, finding: Finding) -> None:
    """Ids only; the alarm is on this line. `ops reconcile` says it in sentences."""
    fields = {
        "account": account_name(scope.account),
        "kind": finding.difference.kind.value,
        "about": finding.difference.about,
        "team_id": finding.team_id,
        "session_id": finding.session_id,
        "participant": finding.number,
        "is_mended": finding.is_mended,
    }
    log.warning("reconcile_difference", extra=fields)
