"""Disconnect a clinic's Stripe account: unless forced, not while money on it could not be given back afterwards.

The door closes first (no new offers), then open offers are closed, then the access is given back at Stripe, then the
account may become another team's. Whoever dies in between is finished by the same request again.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta

from chalicelib.domain.accounts import disconnected
from chalicelib.domain.edits import OpenOffersError
from chalicelib.domain.leaving import Held, held_on, without_offers
from chalicelib.domain.sessions import InvalidSessionError, Problem, Session
from chalicelib.domain.teams import Team
from chalicelib.flows.accounts import may_give_back, release, was_left
from chalicelib.flows.change import ContendedError
from chalicelib.flows.change_team import change_team
from chalicelib.flows.checkout import UnsettledError
from chalicelib.flows.close_offers import OfferOutOfReachError, change_without_offers
from chalicelib.flows.context import Context
from chalicelib.gateways.deadline import OutOfTimeError
from chalicelib.gateways.stripe_api import StripeError
from chalicelib.gateways.stripe_connect import StripeConnect
from chalicelib.gateways.stripe_objects import StrangeObjectError
from chalicelib.storage.stores import NotFoundError, Position, Walk

OFFERS_LIVE_FOR = timedelta(days=2)
"""Since a session began: it lasts a day at most, and a page of Stripe's another."""

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
    TooManySessionsError unless forced; StripeError (again is right), ContendedError, StoreError. Where a client paid
    while the door was being closed, it stays closed beside a MoneyHeldError, and what was paid can be given back.
    """
    leaving = _meant(ctx, ctx.teams.newest(team_id), account_id)
    is_first = not was_left(ctx, leaving, team_id)
    if is_first and not force:
        _check_held(ctx, team_id, leaving)
    now = ctx.clock()
    changed = change_team(ctx, team_id, lambda newest: disconnected(newest, leaving, now))
    if is_first and _close_offers(ctx, team_id, leaving, force=force) and not force:
        _check_held(ctx, team_id, leaving)
    _give_back(ctx, team_id, leaving, now)
    return changed


def _give_back(ctx: Context, team_id: str, account_id: str, now: datetime) -> None:
    """The account may be another team's by now, whose access it would be."""
    if not may_give_back(ctx, account_id, team_id):
        return
    client_id = ctx.settings.secrets.stripe_client_id
    if client_id is not None:
        StripeConnect(ctx.stripe).deauthorize(client_id, account_id, ctx.deadline)
    release(ctx, account_id, team_id, now)


def _meant(ctx: Context, team: Team, account_id: str | None) -> str:
    """Of an account that was claimed, and then not kept with the team, the claim alone tells."""
    if account_id:
        claimed = ctx.stripe_accounts.find(account_id)
        if team.account(account_id) or (claimed and claimed.team_id == team.team_id and claimed.released_at is None):
            return account_id
    theirs = [str(one.stripe_account_id) for one in team.accounts if one.is_connected and one.stripe_account_id]
    if account_id or not theirs:
        if not account_id and team.has_account(None):
            raise NotOursToDisconnectError
        message = "no such Stripe account of this team"
        raise NotFoundError(message)
    if len(theirs) > 1:
        raise InvalidSessionError((Problem("account", f"there is more than one; name the one: {', '.join(theirs)}"),))
    return theirs[0]


def _check_held(ctx: Context, team_id: str, account_id: str) -> None:
    held = _held(ctx, team_id, account_id)
    if held:
        raise MoneyHeldError(held)


def _held(ctx: Context, team_id: str, account_id: str) -> tuple[Held, ...]:
    """The first that are found, since they are told to people."""
    now, found = ctx.clock(), list[Held]()
    for session in _sessions(ctx, team_id, LOOKS_BACK_FOR):
        found += held_on(session, account_id, now)
        if len(found) >= MOST_TOLD:
            break
    return tuple(found[:MOST_TOLD])


def _sessions(ctx: Context, team_id: str, back: timedelta) -> Iterator[Session]:
    """Those that began since then, or are to come; what cannot be decoded is for others to tell."""
    walk = Walk(by_start=True, starts_from=ctx.clock() - back)
    after: Position | None = None
    more = True
    while more:
        if ctx.deadline.left() < SECONDS_KEPT_BACK:
            raise TooManySessionsError
        stretch = ctx.sessions.stretch(team_id, walk, after, None)
        yield from (one.session for one in stretch.found if one.session is not None)
        more = stretch.more and bool(stretch.found)
        after = stretch.found[-1].position if stretch.found else None


# --- closing what is open -----------------------------------------------------------------------------------------


def _close_offers(ctx: Context, team_id: str, account_id: str, *, force: bool) -> int:
    """How many there were. One that stays open is told: the sweep closes none any more, once access has ended."""
    found, left = 0, 0
    try:
        for session, number in _with_offers(ctx, team_id, account_id):
            found += 1
            left += not _is_closed(ctx, session, number, account_id)
    except TooManySessionsError:
        if not force:
            raise
        left += 1
    if left:
        log.warning("offers_left_open", extra={"team_id": team_id, "account": account_id, "left": left})
    return found


def _with_offers(ctx: Context, team_id: str, account_id: str) -> Iterator[tuple[Session, int]]:
    for session in _sessions(ctx, team_id, OFFERS_LIVE_FOR):
        for participant in session.participants:
            try:
                without_offers(session, participant.number, account_id)
            except OpenOffersError:
                yield session, participant.number


def _is_closed(ctx: Context, session: Session, number: int, account_id: str) -> bool:
    """Whatever is wrong with one must not leave the others open."""
    try:
        change_without_offers(ctx, session, number, lambda newest: without_offers(newest, number, account_id))
    except (StripeError, StrangeObjectError, OfferOutOfReachError, UnsettledError, ContendedError, OutOfTimeError):
        return False
    return True
