"""Connect a clinic's own Stripe account: say where its owner goes, and take what they come back with.

By OAuth an account that it has; by onboarding one that the platform makes for it. Either is bound by a signed state to
the team and the API client that asked. What is refused changes nothing here.

    the state is not ours, of another team, or its client is gone    InvalidStateError
    it is older than an hour (of onboarding: a day)                  StateExpiredError
    it was used already                                              StateUsedError
    the owner said no                                                AccessDeniedError
    Stripe does not take the code, or grants too little              NotGrantedError
    the account is another team's                                    ConnectedElsewhereError
    it is of Stripe's other mode                                     OtherModeError
    clinics of this deployment connect none                          NoPlatformError, NoOAuthError
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from chalicelib.domain.accounts import AccountSeen, TooManyAccountsError, check_room, connected, unfinished
from chalicelib.domain.books import api_client
from chalicelib.domain.links import derive_key
from chalicelib.domain.teams import PayeeAccount, Team
from chalicelib.flows.accounts import beside_platform, claim, refresh_of, release
from chalicelib.flows.change_team import TeamDeletedError, change_team, living_team
from chalicelib.flows.context import Context
from chalicelib.flows.idempotent import Effect
from chalicelib.gateways.connect_states import (
    ConnectState,
    mint_state,
    verified_onboarding,
    verified_state,
)
from chalicelib.gateways.signed_tokens import InvalidTokenError
from chalicelib.gateways.stripe_api import StripeRefusedError
from chalicelib.gateways.stripe_connect import SCOPE, Granted, OAuthSettings, StripeConnect
from chalicelib.storage.stores import IdempotencyRecord, NotFoundError

OAUTH_WITHIN = timedelta(hours=1)
ONBOARDING_WITHIN = timedelta(hours=24)
"""There are forms to fill in, and papers to look for."""

_STATE_ID_BYTES = 16
_Verify = Callable[[Sequence[bytes], str, datetime], ConnectState]


class ConnectError(Exception):
    """The account is not connected, and nothing was changed."""


class InvalidStateError(ConnectError):
    """Nobody of ours began this."""


class StateExpiredError(ConnectError):
    pass


class StateUsedError(ConnectError):
    """Or somebody loads the page again that told them of their success."""


class AccessDeniedError(ConnectError):
    """The owner of the account said no."""


class NotGrantedError(ConnectError):
    """Stripe grants nothing for what came back, or less than is needed."""


class OtherModeError(ConnectError):
    """The account was opened in test mode on a live deployment, or the other way round."""


class NoPlatformError(Exception):
    """The deployment is one clinic's own; there is nothing to connect."""


class NoOAuthError(Exception):
    """The platform has no OAuth; it makes new accounts alone."""


class How(StrEnum):
    """Which account is to be connected: one that the clinic has at Stripe already, or a new one."""

    EXISTING = "existing"
    NEW = "new"


@dataclass(frozen=True, slots=True)
class Connected:
    """Whose account it is now, and what Stripe says of it. `refresh_url`: where a new one is filled in further."""

    team: Team
    account: PayeeAccount
    refresh_url: str | None = None


# --- going --------------------------------------------------------------------------------------------------------


def start_connecting(ctx: Context, team: Team, client_id: str, how: How | None) -> str:
    """Where the clinic's staff connect its account; good for an hour at most. `how` None: as the deployment can.

    Raises NoPlatformError, NoOAuthError, TooManyAccountsError, StripeError, ContendedError, StoreError.
    """
    if not ctx.settings.is_platform:
        raise NoPlatformError
    team = ctx.teams.newest(team.team_id)
    if how is None:
        how = How.EXISTING if ctx.settings.has_oauth else How.NEW
    if how is How.EXISTING:
        return _authorize_url(ctx, team, client_id)
    return _onboarding_url(ctx, _state(ctx, team, client_id, _account_to_fill_in(ctx, team, client_id)))


def connecting(ctx: Context, team: Team, client_id: str, how: How | None) -> Effect[str]:
    """The same under a key (`idempotent.py`). Nothing is made that could be made twice: again, it is another way."""

    def address(_planned: str) -> str:
        return start_connecting(ctx, team, client_id, how)

    refusals = (NoPlatformError, NoOAuthError, TooManyAccountsError)
    return Effect(plan=lambda: "connect", find=address, make=address, refusals=refusals, finds_only=False)


def _authorize_url(ctx: Context, team: Team, client_id: str) -> str:
    oauth_id = ctx.settings.secrets.stripe_client_id
    if oauth_id is None:
        raise NoOAuthError
    state = mint_state(_keys(ctx)[0], _state(ctx, team, client_id, None), ctx.clock())
    return OAuthSettings(ctx.settings.stripe_connect, oauth_id).authorize_url(state, callback_url(ctx))


def callback_url(ctx: Context) -> str:
    """Where Stripe sends people back to; it must be among the platform's redirect URIs at Stripe."""
    return f"{ctx.settings.public_url}/stripe/connect/callback"


def _state(ctx: Context, team: Team, client_id: str, account_id: str | None) -> ConnectState:
    expires_at = ctx.clock() + (ONBOARDING_WITHIN if account_id else OAUTH_WITHIN)
    return ConnectState(team.team_id, client_id, ctx.entropy(_STATE_ID_BYTES).hex(), expires_at, account_id)


def _keys(ctx: Context) -> tuple[bytes, ...]:
    return tuple(derive_key(key, "connect states") for key in ctx.settings.secrets.api_keys)


# --- an account that the clinic has -------------------------------------------------------------------------------


def finish_connecting(ctx: Context, query: Mapping[str, str]) -> Connected:
    """What a clinic's staff come back from Stripe with. Raises ConnectError, ConnectedElsewhereError,
    TooManyAccountsError; StripeError where it does not answer (begin anew), ContendedError, StoreError.
    """
    state, _ = _verified(ctx, query.get("state", ""), verified_state)
    if "error" in query:
        raise AccessDeniedError if query["error"] == "access_denied" else NotGrantedError
    code = query.get("code", "")
    if not code:
        raise InvalidStateError
    _use_once(ctx, state)
    granted = _exchanged(ctx, code)
    try:
        seen = StripeConnect(ctx.stripe).account(granted.account_id, ctx.deadline)
        return _kept(ctx, state, beside_platform(ctx, seen))
    except TeamDeletedError:
        raise InvalidStateError from None


def _verified(ctx: Context, token: str, verify: _Verify) -> tuple[ConnectState, Team]:
    """Who began this, if they may still act for that team."""
    try:
        state = verify(_keys(ctx), token, ctx.clock())
    except InvalidTokenError as error:
        raise (StateExpiredError if error.expired else InvalidStateError) from None
    client = ctx.api_clients.find(state.client_id)
    if client is None or not client.is_enabled or client.team_id != state.team_id:
        raise InvalidStateError
    try:
        return state, living_team(ctx, state.team_id)
    except NotFoundError:
        raise InvalidStateError from None


def _use_once(ctx: Context, state: ConnectState) -> None:
    now = ctx.clock()
    used = IdempotencyRecord(
        record_key=f"connect-state#{state.state_id}",
        body_hash="",
        planned_id=state.team_id,
        lease_until=now,
        created_at=now,
        expires_at=state.expires_at + OAUTH_WITHIN,
    )
    if not ctx.idempotency.begin(used, now).is_new:
        raise StateUsedError


def _exchanged(ctx: Context, code: str) -> Granted:
    try:
        granted = StripeConnect(ctx.stripe).exchange(code, ctx.deadline)
    except StripeRefusedError:
        raise NotGrantedError from None
    if granted.livemode != ctx.settings.livemode:
        raise OtherModeError
    if granted.scope != SCOPE:
        raise NotGrantedError
    return granted


def _kept(ctx: Context, state: ConnectState, seen: AccountSeen) -> Connected:
    """The account is this team's, and Stripe is asked no more about it than it was already."""
    account_id, now = str(seen.stripe_account_id), ctx.clock()
    connected(ctx.teams.newest(state.team_id), seen, now)  # is there room for it? before it is claimed
    claim(ctx, account_id, state.team_id)
    by = ctx.acting_for(api_client(state.client_id))
    try:
        team = change_team(by, state.team_id, lambda team: connected(team, seen, now))
    except (TooManyAccountsError, TeamDeletedError):
        release(ctx, account_id, state.team_id, now)
        raise
    return _shown(team, account_id)


def _shown(team: Team, account_id: str) -> Connected:
    account = team.account(account_id)
    if account is None or not account.is_connected:
        raise InvalidStateError
    return Connected(team, account)


# --- an account that the platform makes ---------------------------------------------------------------------------


def _account_to_fill_in(ctx: Context, team: Team, client_id: str) -> str:
    """The one that was begun before, else a new one: under a key, so that who died asking gets the same.

    A key is for one hour: Stripe replays its own 500 under it for a day.
    """
    begun = unfinished(team)
    if begun is not None:
        return str(begun.stripe_account_id)
    check_room(team)
    key = f"account-{team.team_id}-{len(team.accounts)}-{ctx.clock():%Y%m%d%H}"
    seen = StripeConnect(ctx.stripe).create_account(team.team_id, key, ctx.deadline)
    _kept(ctx, _state(ctx, team, client_id, None), beside_platform(ctx, seen))
    return str(seen.stripe_account_id)


def come_back_from_onboarding(ctx: Context, query: Mapping[str, str]) -> Connected:
    """The owner left Stripe's pages, done or not: Stripe says which.

    Raises ConnectError, StripeError, StrangeObjectError, ContendedError, StoreError.
    """
    state, team = _of_onboarding(ctx, query)
    account_id = str(state.account_id)
    refresh_of(ctx, team.team_id, account_id)
    shown = _shown(ctx.teams.newest(team.team_id), account_id)
    return replace(shown, refresh_url=_address(ctx, "refresh", state))


def onboarding_again(ctx: Context, query: Mapping[str, str]) -> str:
    """Stripe's page for the same account anew: each is good once, for minutes.

    Raises ConnectError, StripeError, StoreError.
    """
    state, _ = _of_onboarding(ctx, query)
    return _onboarding_url(ctx, state)


def _of_onboarding(ctx: Context, query: Mapping[str, str]) -> tuple[ConnectState, Team]:
    state, team = _verified(ctx, query.get("state", ""), verified_onboarding)
    if not team.has_account(state.account_id):
        raise InvalidStateError
    return state, team


def _onboarding_url(ctx: Context, state: ConnectState) -> str:
    return StripeConnect(ctx.stripe).onboarding_url(
        str(state.account_id),
        return_url=_address(ctx, "return", state),
        refresh_url=_address(ctx, "refresh", state),
        deadline=ctx.deadline,
    )


def _address(ctx: Context, page: str, state: ConnectState) -> str:
    token = mint_state(_keys(ctx)[0], state, ctx.clock())
    return f"{ctx.settings.public_url}/stripe/connect/{page}?state={token}"
