"""Keep what Stripe says of teams' accounts, and whose each connected one is; `domain/accounts.py` decides.

An account is claimed before it is kept with its team, and released after it is gone from it: whoever dies in between
leaves it with the same team, which may connect it again.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime

from chalicelib.domain.accounts import AccountSeen, disconnected, is_later, refreshed, under_platform, with_fee_refused
from chalicelib.domain.books import STRIPE
from chalicelib.domain.teams import Team
from chalicelib.flows.change import TRIES, ContendedError
from chalicelib.flows.change_team import change_team, living_team
from chalicelib.flows.context import Context
from chalicelib.gateways.stripe_api import StripeError
from chalicelib.gateways.stripe_connect import StripeConnect
from chalicelib.gateways.stripe_objects import StrangeObjectError
from chalicelib.storage.stores import ConflictError, NotFoundError, StoreError, StripeAccount

log = logging.getLogger("anteroom.accounts")


class ConnectedElsewhereError(Exception):
    """The account is another team's."""


class UnknownStripeAccountError(Exception):
    """The account is, and was, no team's."""


def claim(ctx: Context, account_id: str, team_id: str) -> None:
    """Let the account be this team's from now on. Raises ConnectedElsewhereError, StoreError, ContendedError."""
    for _ in range(TRIES):
        known = ctx.stripe_accounts.find(account_id)
        if known is not None and _is_anothers(ctx, known, team_id):
            raise ConnectedElsewhereError
        try:
            ctx.stripe_accounts.save(
                known, StripeAccount(account_id, team_id, ctx.settings.livemode, connected_at=ctx.clock())
            )
        except ConflictError:
            continue
        return
    message = f"account {account_id} is being claimed by too many at once"
    raise ContendedError(message)


def _is_anothers(ctx: Context, known: StripeAccount, team_id: str) -> bool:
    """A claim that a deleted team left behind, having died before it kept the account, holds up nobody."""
    if known.team_id == team_id or known.released_at is not None:
        return False
    try:
        living_team(ctx, known.team_id)
    except NotFoundError:
        return False
    return True


def may_give_back(ctx: Context, account_id: str, team_id: str) -> bool:
    """Whether access to the account is this team's to end: nobody else has connected it since."""
    known = ctx.stripe_accounts.find(account_id)
    return known is None or known.team_id == team_id


def was_left(ctx: Context, account_id: str, team_id: str) -> bool:
    """Whether the account is this team's no more, and may be another's."""
    known = ctx.stripe_accounts.find(account_id)
    return known is not None and (known.team_id != team_id or known.released_at is not None)


def release(ctx: Context, account_id: str, team_id: str, at: datetime) -> bool:
    """Let the account be another's, unless it was connected anew since `at`; whether that was news.

    Raises StoreError.
    """
    known = ctx.stripe_accounts.find(account_id)
    if known is None or known.team_id != team_id or known.released_at or is_later(known.connected_at, at):
        return False
    ctx.stripe_accounts.save(known, replace(known, released_at=at))
    return True


def deauthorized(ctx: Context, account_id: str, at: datetime) -> bool:
    """Its owner ended our access at that time; whether that was news. Asks Stripe nothing: no call works any more.

    Raises UnknownStripeAccountError, ContendedError, StoreError.
    """
    before = _team_of(ctx, account_id)
    after = change_team(ctx.acting_for(STRIPE), before.team_id, lambda team: disconnected(team, account_id, at))
    release(ctx, account_id, before.team_id, at)
    return after != before


def refresh(ctx: Context, account_id: str | None) -> bool:
    """Ask Stripe what it says of the account now, and keep it with its teams; whether that was news.

    Raises UnknownStripeAccountError, StripeError (AccountGoneError), StrangeObjectError, ContendedError, StoreError.
    """
    if account_id is not None:
        return refresh_of(ctx, _team_of(ctx, account_id).team_id, account_id)
    on_own = [team.team_id for team in ctx.teams.all() if team.has_account(None)]
    is_news = learn_platform(ctx)
    return sum(refresh_of(ctx, team_id, None) for team_id in on_own) > 0 or is_news


def learn_platform(ctx: Context) -> bool:
    """Keep with every connected account which country its platform is of; whether that was news to any.

    Where Stripe does not say, what is known stays; a team that cannot be kept holds up no other. Raises StoreError.
    """
    country = platform_country(ctx) if ctx.settings.is_platform else None
    if country is None:
        return False
    told = [team for team in ctx.teams.all() if under_platform(team, country) != team and team.deleted_at is None]
    for team in told:
        try:
            change_team(ctx.acting_for(STRIPE), team.team_id, lambda team: under_platform(team, country))
        except (ContendedError, StoreError) as error:
            # The night asks again.
            log.warning("team %s was not told its platform's country: %s", team.team_id, type(error).__name__)
    return bool(told)


def platform_country(ctx: Context) -> str | None:
    """That of the deployment's own account (ISO 3166-1 alpha-2); None where Stripe does not say."""
    try:
        return StripeConnect(ctx.stripe).account(None, ctx.deadline).country
    except (StripeError, StrangeObjectError):
        return None


def beside_platform(ctx: Context, seen: AccountSeen) -> AccountSeen:
    """A connected account, with the country of the platform that it is connected to."""
    return replace(seen, platform_country=platform_country(ctx))


def fee_given_up(ctx: Context, team_id: str, account_id: str) -> None:
    """Ask for no platform fee on this account any more. Raises ContendedError, StoreError."""
    fields = {"team_id": team_id, "account": account_id}
    log.warning("platform_fee_refused", extra=fields)
    change_team(ctx.acting_for(STRIPE), team_id, lambda team: with_fee_refused(team, account_id))


def refresh_of(ctx: Context, team_id: str, account_id: str | None) -> bool:
    """As `refresh`, for one team. After a change it is asked again: what came of two at once may be the older one's."""
    if not _told(ctx, team_id, account_id):
        return False
    for _ in range(TRIES):
        if not _told(ctx, team_id, account_id):
            return True
    message = f"what Stripe says of an account of team {team_id} changes as fast as it is kept"
    raise ContendedError(message)


def _told(ctx: Context, team_id: str, account_id: str | None) -> bool:
    """Whether what Stripe says now is another thing than what is kept, and kept now."""
    seen, is_news = StripeConnect(ctx.stripe).account(account_id, ctx.deadline), False

    def kept(team: Team) -> Team:
        nonlocal is_news
        after = refreshed(team, seen, ctx.clock())
        is_news = after != team
        return after

    change_team(ctx.acting_for(STRIPE), team_id, kept)
    return is_news


def _team_of(ctx: Context, account_id: str) -> Team:
    """As it is now. A deleted team has no accounts any more."""
    known = ctx.stripe_accounts.find(account_id)
    if known is None:
        raise UnknownStripeAccountError
    try:
        return living_team(ctx, known.team_id)
    except NotFoundError:
        raise UnknownStripeAccountError from None
