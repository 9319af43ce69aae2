"""Disconnect a clinic's Stripe account: unless forced, not while money on it could not be given back afterwards.

The door closes first (no new offers), then open offers are closed, then the access is given back at Stripe, then the
account may become another team's. Whoever dies in between is finished by the same request again.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import timedelta

from chalicelib.domain.accounts import disconnected
from chalicelib.domain.leaving import Held, held_on
from chalicelib.domain.sessions import InvalidSessionError, Participant, Problem, Session, saw
from chalicelib.domain.teams import PayeeAccount, Team
from chalicelib.flows.accounts import release
from chalicelib.flows.change import change
from chalicelib.flows.change_team import change_team
from chalicelib.flows.context import Context
from chalicelib.gateways.stripe_api import StripeError
from chalicelib.gateways.stripe_connect import StripeConnect
from chalicelib.storage.stores import NotFoundError, Position, Walk

LOOKS_BACK_FOR = timedelta(days=180)
"""Banks take disputes for some 120 days (https://docs.stripe.com/disputes/how-disputes-work)."""

SECONDS_KEPT_BACK = 8
"""No further read is begun with less."""

MOST_TOLD = 10

log = logging.getLogger("anteroom.disconnect")


class MoneyHeldError(Exception):
    """Money on the account would be out of reach. `held`: of whom and why, as many as are told."""

    def __init__(self, held: tuple[Held, ...]) -> None:
        super().__init__(f"{len(held)} reason(s) not to disconnect the account")
        self.held = held


class TooManySessionsError(Exception):
    """There was no time to look through all sessions."""


class NotOursToDisconnectError(Exception):
    """It is the deployment's own account, which nobody connected."""


def disconnect(ctx: Context, team_id: str, account_id: str | None, *, force: bool) -> Team:
    """The team without that account; None: the only one that is connected. Again is silent.

    Raises NotFoundError, NotOursToDisconnectError, InvalidSessionError where one must be named; MoneyHeldError,
    TooManySessionsError unless forced; StripeError (again is right), ContendedError, StoreError.
    """
    team = ctx.teams.newest(team_id)
    account = _meant(team, account_id)
    leaving = str(account.stripe_account_id)
    if account.is_connected and not force:
        held = _held(ctx, team_id, leaving)
        if held:
            raise MoneyHeldError(held)
    now = ctx.clock()
    changed = change_team(ctx, team_id, lambda newest: disconnected(newest, leaving, now))
    if force:
        _close_offers(ctx, team_id, leaving)
    client_id = ctx.settings.secrets.stripe_client_id
    if client_id is not None:
        StripeConnect(ctx.stripe).deauthorize(client_id, leaving, ctx.deadline)
    release(ctx, leaving, team_id, now)
    return changed


def _meant(team: Team, account_id: str | None) -> PayeeAccount:
    named = [one for one in team.accounts if one.stripe_account_id == account_id] if account_id else []
    theirs = [one for one in team.accounts if one.is_connected and one.stripe_account_id is not None]
    if named or (not account_id and len(theirs) == 1):
        return (named or theirs)[0]
    if account_id or not theirs:
        if not account_id and team.has_account(None):
            raise NotOursToDisconnectError
        message = "no such Stripe account of this team"
        raise NotFoundError(message)
    names = ", ".join(str(one.stripe_account_id) for one in theirs)
    raise InvalidSessionError((Problem("account", f"there is more than one; name the one: {names}"),))


def _held(ctx: Context, team_id: str, account_id: str) -> tuple[Held, ...]:
    """The first that are found, since they are told to people."""
    now, found = ctx.clock(), list[Held]()
    for session in _sessions(ctx, team_id):
        found += held_on(session, account_id, now)
        if len(found) >= MOST_TOLD:
            break
    return tuple(found[:MOST_TOLD])


def _sessions(ctx: Context, team_id: str) -> Iterator[Session]:
    """Those that began in the last half a year, or are to come; what cannot be decoded is for others to tell."""
    walk = Walk(by_start=True, starts_from=ctx.clock() - LOOKS_BACK_FOR)
    after: Position | None = None
    more = True
    while more:
        if ctx.deadline.left() < SECONDS_KEPT_BACK:
            raise TooManySessionsError
        stretch = ctx.sessions.stretch(team_id, walk, after, None)
        yield from (one.session for one in stretch.found if one.session is not None)
        more = stretch.more and bool(stretch.found)
        after = stretch.found[-1].position if stretch.found else None


def _close_offers(ctx: Context, team_id: str, account_id: str) -> None:
    """As far as there is time: the sweep closes none of them any more, once access has ended."""
    try:
        for session in _sessions(ctx, team_id):
            for participant in session.participants:
                _close_offers_to(ctx, session, participant, account_id)
    except (TooManySessionsError, StripeError) as error:
        log.warning("offers_left_open", extra={"team_id": team_id, "error": type(error).__name__})


def _close_offers_to(ctx: Context, session: Session, participant: Participant, account_id: str) -> None:
    seen = [
        one
        for attempt in participant.history.attempts
        if attempt.is_open and attempt.stripe_account_id == account_id
        for one in ctx.stripe.expire_checkout(attempt, ctx.deadline)
    ]
    change(ctx, session, lambda newest: saw(newest, participant.number, *seen))
