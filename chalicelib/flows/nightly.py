"""The nightly reconciliation: every account that a team is paid on, the last three days, what differs folded in.

Then what no night has compared yet (`catch_up.py`), so that a long absence holds up no other account. What Stripe says
of each account itself is kept anew, too: `account.updated` may be lost like any event. It begins with another account
by chance, so that no account is always the one for which there was no time.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

from chalicelib.domain.teams import Team
from chalicelib.flows.accounts import learn_platform, refresh_of
from chalicelib.flows.catch_up import Payee, caught_up, keep_compared
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
    payees, whole = _payees(ctx), list[Payee]()
    for payee in payees:
        _refresh(ctx, payee)
        tally = _reconciled(ctx, Scope(payee.account, span, repairs=True))
        night = replace(_with(night, tally), accounts=night.accounts + 1)
        if tally.is_whole:
            whole.append(payee)
    for payee in payees:
        for tally in caught_up(ctx, payee, span.start, partial(_reconciled, ctx)):
            night = _with(night, tally)
        if payee in whole:
            keep_compared(ctx, payee.account, payee.teams, span)
    return night


def _with(night: Night, tally: Tally) -> Night:
    return replace(
        night,
        found=night.found + tally.found,
        left=night.left + tally.left,
        failed=night.failed + tally.failed,
        unfinished=night.unfinished or tally.unfinished,
    )


def _payees(ctx: Context) -> list[Payee]:
    """The accounts that are connected, each with its teams."""
    teams: dict[str | None, list[Team]] = {}
    for team in ctx.teams.all():
        for account in team.accounts:
            if account.is_connected:
                teams.setdefault(account.stripe_account_id, []).append(team)
    payees = [Payee(account, tuple(teams[account])) for account in sorted(teams, key=account_name)]
    first = int(ctx.jitter() * len(payees))
    return payees[first:] + payees[:first]


def _learn_platform(ctx: Context) -> None:
    try:
        learn_platform(ctx)
    except (StoreError, ContendedError, OutOfTimeError) as error:
        log.warning("account_not_read", extra={"account": account_name(None), "error": type(error).__name__})


def _refresh(ctx: Context, payee: Payee) -> None:
    """A failure is told by the lists that are read next, which fail then, too."""
    fields = {"account": account_name(payee.account)}
    try:
        if any([refresh_of(ctx, team.team_id, payee.account) for team in payee.teams]):  # noqa: C419 (each of them)
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
