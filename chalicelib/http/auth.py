"""Who calls the API, by the bearer token of the request (RFC 6750): no read, but for a cache of 60 s.

Disabling a client ends its tokens when this process forgets the client, within 60 s.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn

from chalicelib.domain.books import api_client
from chalicelib.domain.links import derive_key
from chalicelib.domain.teams import Team
from chalicelib.flows.context import Context
from chalicelib.gateways.access_tokens import verified_client_id
from chalicelib.gateways.signed_tokens import InvalidTokenError
from chalicelib.http.exchange import Request
from chalicelib.http.problems import HttpError


@dataclass(frozen=True, slots=True)
class Caller:
    """The API client behind a request, and its team."""

    client_id: str
    team: Team

    @property
    def who(self) -> str:
        """As the audit names them."""
        return api_client(self.client_id)


def caller_of(ctx: Context, request: Request) -> Caller:
    """The caller by their bearer token (RFC 6750). Raises HttpError 401."""
    scheme, _, token = request.header("authorization").partition(" ")
    if scheme.lower() != "bearer" or not token:
        _unauthorized("send an access token: Authorization: Bearer …, from POST /v1/auth/token", "")
    client = ctx.api_clients.find(_client_id(ctx, token.strip()))
    if client is None or not client.is_enabled:
        _unauthorized("this API client is disabled", ', error="invalid_token"')
    return Caller(client.client_id, ctx.teams.get(client.team_id))


def access_token_keys(ctx: Context) -> tuple[bytes, ...]:
    """The keys that sign access tokens, the one for new ones first."""
    return tuple(derive_key(key, "access tokens") for key in ctx.settings.secrets.api_keys)


def _client_id(ctx: Context, token: str) -> str:
    try:
        return verified_client_id(access_token_keys(ctx), token, ctx.clock())
    except InvalidTokenError as error:
        wrong = "has expired" if error.expired else "is not valid"
        _unauthorized(f"this access token {wrong}; get a new one", ', error="invalid_token"')


def _unauthorized(detail: str, parameter: str) -> NoReturn:
    raise HttpError(401, detail, headers={"WWW-Authenticate": f'Bearer realm="anteroom"{parameter}'})
