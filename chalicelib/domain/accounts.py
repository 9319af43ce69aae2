"""The Stripe accounts of a team: how it gets one, what Stripe says of it, and how it loses it. Never asks Stripe.

An account that was disconnected stays with the team, without being one to charge on: attempts keep the account that
they were made with. The default account stays the default while it is away, since money must not go to another
practitioner by itself; the next one that is connected takes its place.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from chalicelib.domain.absences import known_until
from chalicelib.domain.currencies import CURRENCIES
from chalicelib.domain.teams import PayeeAccount, RefusedMethod, Team

MOST_ACCOUNTS = 50
"""Of one team, those disconnected among them."""


class TooManyAccountsError(Exception):
    """The team has as many accounts as are kept."""

    def __init__(self) -> None:
        super().__init__(f"at most {MOST_ACCOUNTS} Stripe accounts of one clinic, with those disconnected")


class UnknownAccountError(Exception):
    """The team has no such account, or it is connected no more."""


@dataclass(frozen=True, slots=True)
class AccountSeen:
    """An account as Stripe shows it; `stripe_account_id` None is the deployment's own."""

    stripe_account_id: str | None
    charges_enabled: bool
    details_submitted: bool
    is_controlled: bool
    disabled_reason: str | None
    country: str | None
    default_currency: str | None
    active_methods: tuple[str, ...] = ()
    platform_country: str | None = None
    """That of the deployment's own account; None where it was not asked."""


def connected(team: Team, seen: AccountSeen, now: datetime) -> Team:
    """The team with this account, the default where it has no other connected one. Raises TooManyAccountsError."""
    known = team.account(seen.stripe_account_id)
    default = team.payee(None)
    is_default = default is None or default == known or not default.is_connected
    account = _as_seen(
        PayeeAccount(
            seen.stripe_account_id,
            is_default=is_default,
            connected_at=now,
            reconciled_until=known_until(known, now),
        ),
        seen,
    )
    others = tuple(
        replace(one, is_default=one.is_default and not is_default) for one in team.accounts if one is not known
    )
    if len(others) >= MOST_ACCOUNTS:
        raise TooManyAccountsError
    return _with_currency(replace(team, accounts=(*others, account)))


def unfinished(team: Team) -> PayeeAccount | None:
    """An account that the platform made for this team, and that its owner has not filled in."""
    return next((one for one in team.accounts if one.is_connected and _is_to_fill_in(one)), None)


def _is_to_fill_in(account: PayeeAccount) -> bool:
    return account.is_controlled and not account.details_submitted


def check_room(team: Team) -> None:
    """Refuse one account more than are kept. Raises TooManyAccountsError."""
    if len(team.accounts) >= MOST_ACCOUNTS:
        raise TooManyAccountsError


def refreshed(team: Team, seen: AccountSeen, now: datetime) -> Team:
    """The team, with what Stripe says of this account now; as it was, where it has no such account."""
    accounts = (
        _told(one, seen, now) if one.stripe_account_id == seen.stripe_account_id else one for one in team.accounts
    )
    return _with_currency(replace(team, accounts=tuple(accounts)))


def _told(account: PayeeAccount, seen: AccountSeen, now: datetime) -> PayeeAccount:
    """The account since it is as seen: what it is already is no news."""
    told = _as_seen(account, seen)
    return account if told == account else replace(told, changed_at=now)


def methods_refused(team: Team, stripe_account_id: str | None, methods: Iterable[str], now: datetime) -> Team:
    """The team, whose offers on this account leave these out; as it was, where it has no such account."""
    known = team.account(stripe_account_id)
    if known is None:
        return team
    before = {one.method for one in known.refused_methods}
    news = tuple(RefusedMethod(method, now) for method in methods if method not in before)
    return _with(team, known, replace(known, refused_methods=(*known.refused_methods, *news)))


def methods_tried_again(team: Team) -> Team:
    """The team, whose offers leave out nothing that was refused before."""
    return replace(team, accounts=tuple(replace(one, refused_methods=()) for one in team.accounts))


def fee_tried_again(team: Team) -> Team:
    """The team, whose offers have the platform's fee again also where Stripe refused it, unless our table bars it."""
    return replace(team, accounts=tuple(replace(one, fee_refused=False) for one in team.accounts))


def _with(team: Team, known: PayeeAccount, changed: PayeeAccount) -> Team:
    return replace(team, accounts=tuple(changed if one is known else one for one in team.accounts))


def disconnected(team: Team, stripe_account_id: str | None, at: datetime) -> Team:
    """The team without access to this account since then; as it was, where it had none, or got it later than that."""
    known = team.account(stripe_account_id)
    if known is None or not known.is_connected or is_later(known.connected_at, at):
        return team
    return _with(team, known, replace(known, disconnected_at=at))


def made_default(team: Team, stripe_account_id: str | None) -> Team:
    """The team whose fees without a payee are paid on this account. Raises UnknownAccountError."""
    if not team.has_account(stripe_account_id):
        raise UnknownAccountError
    accounts = tuple(replace(one, is_default=one.stripe_account_id == stripe_account_id) for one in team.accounts)
    return _with_currency(replace(team, accounts=accounts))


def is_later(connected_at: datetime | None, at: datetime) -> bool:
    """Whether it was connected later than at that time of Stripe's, which is in whole seconds.

    What happened in the very second of the connection came after it.
    """
    return connected_at is not None and connected_at.replace(microsecond=0) > at


def under_platform(team: Team, country: str) -> Team:
    """The team, with its own accounts under a platform of that country."""
    return replace(team, accounts=tuple(_under(one, country) for one in team.accounts))


def _under(account: PayeeAccount, country: str) -> PayeeAccount:
    if account.stripe_account_id is None or account.platform_country == country:
        return account
    return replace(account, platform_country=country, fee_refused=False)


def with_fee_refused(team: Team, stripe_account_id: str) -> Team:
    """The team, of which Stripe refused the platform's fee on this account: until a border moves, the account is
    connected anew, or the operator sets the team's rate.
    """
    return replace(
        team,
        accounts=tuple(
            replace(one, fee_refused=True) if one.stripe_account_id == stripe_account_id else one
            for one in team.accounts
        ),
    )


def _as_seen(account: PayeeAccount, seen: AccountSeen) -> PayeeAccount:
    """A refusal of the platform's fee is forgotten once a border has moved: then it is tried again."""
    platform = seen.platform_country or account.platform_country
    # What was active when it was refused is told to be so with every word of the account: that is no news.
    news = set(seen.active_methods) - set(account.active_methods)
    is_as_before = (account.platform_country, account.country) == (platform, seen.country)
    return replace(
        account,
        charges_enabled=seen.charges_enabled,
        details_submitted=seen.details_submitted,
        is_controlled=seen.is_controlled,
        disabled_reason=seen.disabled_reason,
        country=seen.country,
        default_currency=seen.default_currency,
        active_methods=seen.active_methods,
        refused_methods=tuple(one for one in account.refused_methods if one.method not in news),
        platform_country=platform,
        fee_refused=account.fee_refused and is_as_before,
    )


def _with_currency(team: Team) -> Team:
    """A clinic's fees are in the currency of its default account, if it is one that we know."""
    account = team.payee(None)
    code = account.default_currency if account else None
    return replace(team, default_currency=str(code)) if code in CURRENCIES else team
