"""Who calls the API: the token endpoint (RFC 6749, client credentials), and the bearer tokens it gives.

Disabling a client ends its tokens when this process forgets the client, within 60 s.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any, NoReturn
from urllib.parse import parse_qs

from chalicelib.domain.api_clients import ApiClient, is_secret_of
from chalicelib.domain.links import derive_key
from chalicelib.domain.teams import Team
from chalicelib.flows.context import Context
from chalicelib.gateways.access_tokens import (
    LIVES_FOR,
    SCOPE,
    InvalidTokenError,
    mint_access_token,
    verified_client_id,
)
from chalicelib.http.exchange import Answer, Request, json_answer
from chalicelib.http.problems import HttpError
from chalicelib.http.schemas import TokenOut

LARGEST_TOKEN_REQUEST = 8 * 1024
_NO_STORE = {"Cache-Control": "no-store"}


@dataclass(frozen=True, slots=True)
class Caller:
    """The API client behind a request, and its team."""

    client_id: str
    team: Team


class TokenError(Exception):
    """RFC 6749, section 5.2: `code` is one of its error codes."""

    def __init__(self, status: int, code: str, description: str) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.description = description


def secrets_pepper(api_key: bytes) -> bytes:
    """The key under which clients' secrets are hashed."""
    return derive_key(api_key, "api client secrets")


def caller_of(ctx: Context, request: Request) -> Caller:
    """The caller by their bearer token (RFC 6750). Raises HttpError 401."""
    scheme, _, token = request.header("authorization").partition(" ")
    if scheme.lower() != "bearer" or not token:
        _unauthorized("send an access token: Authorization: Bearer …, from POST /v1/auth/token", "")
    client = ctx.api_clients.find(_client_id(ctx, token.strip()))
    if client is None or not client.is_enabled:
        _unauthorized("this API client is disabled", ', error="invalid_token"')
    return Caller(client.client_id, ctx.teams.get(client.team_id))


def _client_id(ctx: Context, token: str) -> str:
    try:
        return verified_client_id(_signing_key(ctx), token, ctx.clock())
    except InvalidTokenError as error:
        wrong = "has expired" if error.expired else "is not valid"
        _unauthorized(f"this access token {wrong}; get a new one", ', error="invalid_token"')


def _unauthorized(detail: str, parameter: str) -> NoReturn:
    raise HttpError(401, detail, headers={"WWW-Authenticate": f'Bearer realm="anteroom"{parameter}'})


def _signing_key(ctx: Context) -> bytes:
    return derive_key(ctx.settings.secrets.api_key, "access tokens")


# --- POST /v1/auth/token ------------------------------------------------------------------------------------------


def give_token(ctx: Context, request: Request) -> Answer:
    """An access token for a client's id and secret."""
    try:
        client = _authenticated(ctx, request)
        _check_grant(_parameters(request).get("grant_type"))
    except TokenError as error:
        return _token_error(error)
    return json_answer(200, _token(ctx, client), _NO_STORE)


def _check_grant(grant: str | None) -> None:
    if grant is None:
        raise TokenError(400, "invalid_request", "send grant_type=client_credentials")
    if grant != "client_credentials":
        raise TokenError(400, "unsupported_grant_type", "send grant_type=client_credentials")


def _token(ctx: Context, client: ApiClient) -> TokenOut:
    token = mint_access_token(_signing_key(ctx), client.client_id, client.team_id, ctx.clock())
    return TokenOut(token, int(LIVES_FOR.total_seconds()), "Bearer", SCOPE)


def _authenticated(ctx: Context, request: Request) -> ApiClient:
    client_id, secret = _basic(request)
    client = ctx.api_clients.find(client_id)
    if client is None or not is_secret_of(client, secrets_pepper(ctx.settings.secrets.api_key), secret):
        raise TokenError(401, "invalid_client", "the client id or the secret is wrong")
    if not client.is_enabled:
        raise TokenError(401, "invalid_client", "this API client is disabled")
    return client


def _basic(request: Request) -> tuple[str, str]:
    """RFC 7617. Ids and secrets hold only characters that percent-encoding leaves alone."""
    scheme, _, encoded = request.header("authorization").partition(" ")
    if scheme.lower() != "basic":
        raise TokenError(401, "invalid_client", "send the client id and secret with HTTP Basic")
    try:
        client_id, colon, secret = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        raise TokenError(401, "invalid_client", "the Basic credentials are not base64 of id:secret") from None
    if not colon or not client_id.isascii() or not client_id:
        raise TokenError(401, "invalid_client", "the Basic credentials are not base64 of id:secret")
    return client_id, secret


def _parameters(request: Request) -> dict[str, str]:
    """The form of the body, or the JSON object that some clients send instead."""
    try:
        text = request.body[: LARGEST_TOKEN_REQUEST + 1].decode()
        if "json" in request.header("content-type"):
            content = json.loads(text)
            return {name: value for name, value in _items(content) if isinstance(value, str)}
        return {name: values[-1] for name, values in parse_qs(text, max_num_fields=20).items()}
    except (ValueError, RecursionError):
        raise TokenError(400, "invalid_request", "the body is neither a form nor JSON") from None


def _items(content: Any) -> list[tuple[str, Any]]:  # noqa: ANN401 (any JSON)
    return list(content.items()) if isinstance(content, dict) else []


def _token_error(error: TokenError) -> Answer:
    headers = dict(_NO_STORE)
    if error.status == 401:
        headers["WWW-Authenticate"] = 'Basic realm="anteroom"'
    return json_answer(error.status, {"error": error.code, "error_description": error.description}, headers)
