"""Enrol a clinic and its API clients: for operators and the sandbox, never for a request from outside.

A client's secret exists in the clear only in the answer: what is kept is its hash, under a key of the deployment.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from uuid import UUID

from chalicelib.domain.api_clients import (
    CLIENT_ID_BYTES,
    MOST_SECRETS,
    SECRET_BYTES,
    ApiClient,
    hash_secret,
    text_key,
)
from chalicelib.domain.links import derive_key
from chalicelib.domain.money import currency as currency_of
from chalicelib.domain.subdomains import checked_subdomain
from chalicelib.domain.team_audit import created_audit
from chalicelib.domain.teams import PayeeAccount, Plan, Team, checked_name, web_origin
from chalicelib.flows.change_team import AUDIT_ID_BYTES, change_team, living_team
from chalicelib.flows.context import Context
from chalicelib.flows.subdomains import claim, claim_any, release
from chalicelib.storage.stores import NotFoundError, StoreError, StoreUnavailableError


class TooManySecretsError(Exception):
    """The client has as many secrets as it may have. The message says how many."""

    def __init__(self) -> None:
        super().__init__(f"the client has {MOST_SECRETS} secrets; drop the older one first")


@dataclass(frozen=True, slots=True)
class NewClient:
    """`client_secret` is to be shown once and kept nowhere."""

    client_id: str
    client_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A new team, and the first API client to act for it."""

    team: Team
    client_id: str
    client_secret: str = field(repr=False)


def enrol_team(  # noqa: PLR0913 (what an operator may say of a new team, each by name)
    ctx: Context,
    name: str,
    *,
    plan: Plan = Plan.STANDARD,
    scheduling_add_on: bool = False,
    default_currency: str = "aud",
    more_currencies: tuple[str, ...] = (),
    on_own_account: bool | None = None,
    subdomain: str | None = None,
) -> Enrolled:
    """A team, and its first client. `on_own_account`: it charges on the deployment's own Stripe account.

    None: as clinics of this deployment do; those of a platform connect an account of their own first.

    `subdomain` None: one made of the name.

    Raises TeamNameError, SubdomainError, SubdomainTakenError, UnknownCurrencyError, StoreError, ContendedError.
    Should the client fail after the team was kept, `add_client` completes it.
    """
    if on_own_account is None:
        on_own_account = not ctx.settings.is_platform
    team = Team(
        team_id=str(UUID(bytes=ctx.entropy(16), version=4)),
        name=checked_name(name),
        created_at=ctx.clock(),
        plan=plan,
        scheduling_add_on=scheduling_add_on,
        default_currency=currency_of(default_currency).code,
        more_currencies=tuple(currency_of(code).code for code in more_currencies),
        accounts=(PayeeAccount(None, reconciled_until=ctx.clock()),) if on_own_account else (),
    )
    team = replace(team, subdomain=_claimed(ctx, team, subdomain))
    audit_id = ctx.entropy(AUDIT_ID_BYTES).hex()
    try:
        ctx.teams.create(team, created_audit(team, by=ctx.by, at=ctx.clock(), audit_id=audit_id))
    except StoreError:
        _unclaimed(ctx, team)
        raise
    client = add_client(ctx, team.team_id)
    return Enrolled(team, client.client_id, client.client_secret)


def _claimed(ctx: Context, team: Team, subdomain: str | None) -> str:
    if subdomain is None:
        return claim_any(ctx, team.name, team.team_id)
    checked = checked_subdomain(subdomain)
    claim(ctx, checked, team.team_id)
    return checked


def _unclaimed(ctx: Context, team: Team) -> None:
    """If the team was not kept, its subdomain is free for the next try. Best effort."""
    with suppress(StoreUnavailableError):
        try:
            ctx.teams.newest(team.team_id)
        except NotFoundError:
            release(ctx, team.subdomain, team.team_id)


def add_client(ctx: Context, team_id: str, name: str | None = None) -> NewClient:
    """One more API client of a team. Raises NotFoundError for an unknown team, TeamDeletedError."""
    team = living_team(ctx, team_id)
    secret = text_key(ctx.entropy(SECRET_BYTES))
    client = ApiClient(
        # Hexadecimal, since it is typed in command lines, where a leading "-" would mean an option.
        client_id=ctx.entropy(CLIENT_ID_BYTES).hex(),
        team_id=team.team_id,
        secret_hashes=(hash_secret(secrets_pepper(ctx.settings.secrets.api_key), secret),),
        created_at=ctx.clock(),
        name=name,
    )
    ctx.api_clients.create(client)
    return NewClient(client.client_id, secret)


def disable_client(ctx: Context, client_id: str) -> ApiClient:
    """The client, disabled; one that was disabled before stays so since then. Raises NotFoundError, ConflictError.

    Other processes forget the client within 60 s; its tokens end with it.
    """
    client = _client(ctx, client_id)
    if client.disabled_at is not None:
        return client
    disabled = replace(client, disabled_at=ctx.clock())
    ctx.api_clients.save(client, disabled)
    return disabled


def rotate_secret(ctx: Context, client_id: str) -> NewClient:
    """A new secret beside the one in use: both are good, until `drop_secret`.

    Raises NotFoundError, TooManySecretsError, ConflictError. Other processes know it within 60 s.
    """
    client = _client(ctx, client_id)
    if len(client.secret_hashes) >= MOST_SECRETS:
        raise TooManySecretsError
    secret = text_key(ctx.entropy(SECRET_BYTES))
    made = hash_secret(secrets_pepper(ctx.settings.secrets.api_key), secret)
    ctx.api_clients.save(client, replace(client, secret_hashes=(*client.secret_hashes, made)))
    return NewClient(client.client_id, secret)


def drop_secret(ctx: Context, client_id: str) -> int:
    """Drop every secret but the newest; how many were dropped. Their refresh tokens end with them, within 60 s.

    Raises NotFoundError, ConflictError.
    """
    client = _client(ctx, client_id)
    older = len(client.secret_hashes) - 1
    if older > 0:
        ctx.api_clients.save(client, replace(client, secret_hashes=client.secret_hashes[-1:]))
    return max(older, 0)


def set_allowed_origins(ctx: Context, team_id: str, origins: Sequence[str]) -> Team:
    """The team, with exactly these origins whose pages may call the API. Raises InvalidOriginError, NotFoundError."""
    written = tuple(dict.fromkeys(web_origin(one) for one in origins))
    return change_team(ctx, team_id, lambda team: replace(team, allowed_origins=written))


def _client(ctx: Context, client_id: str) -> ApiClient:
    client = ctx.api_clients.find(client_id)
    if client is None:
        message = "no such API client"
        raise NotFoundError(message)
    return client


def secrets_pepper(api_key: bytes) -> bytes:
    """The key under which clients' secrets are hashed."""
    return derive_key(api_key, "api client secrets")
