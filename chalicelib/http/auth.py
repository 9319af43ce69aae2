"""Who calls the API: the token endpoint (RFC 6749, client credentials), and the bearer tokens it gives.

Disabling a client ends its tokens when this process forgets the client, within 60 s.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import NoReturn
from urllib.parse import parse_qs

from chalicelib.domain.api_clients import ApiClient, is_secret_of
from chalicelib.domain.links import derive_key
from chalicelib.domain.teams import Team
from chalicelib.flows.context import Context
from chalicelib.flows.enrol import secrets_pepper
from chalicelib.gateways.access_tokens import (
    LIVES_FOR,
    SCOPE,
    InvalidTokenError,
    mint_access_token,
    verified_client_id,
)
from chalicelib.http.exchange import Answer, Request, json_answer
from chalicelib.http.json_body import json_object
from chalicelib.http.problems import HttpError, Trouble
from chalicelib.http.schemas import TokenOut
from chalicelib.storage.stores import StoreUnavailableError

LARGEST_TOKEN_REQUEST = 8 * 1024
READS = 3
WAIT_SECONDS = 0.2
_CLIENT_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""As we make them; a longer one than DynamoDB's keys (2 KB) would be an error of ours instead of theirs."""

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
    client = _found(ctx, client_id)
    if client is None or not is_secret_of(client, secrets_pepper(ctx.settings.secrets.api_key), secret):
        raise TokenError(401, "invalid_client", "the client id or the secret is wrong")
    if not client.is_enabled:
        raise TokenError(401, "invalid_client", "this API client is disabled")
    return client


def _found(ctx: Context, client_id: str) -> ApiClient | None:
    """An existing client that gets one 503 here never asks again, so a read that fails is repeated."""
    for _ in range(READS - 1):
        try:
            return ctx.api_clients.find(client_id)
        except StoreUnavailableError:
            ctx.sleep(ctx.deadline.at_most(ctx.jitter() * WAIT_SECONDS))
    return ctx.api_clients.find(client_id)


def _basic(request: Request) -> tuple[str, str]:
    """RFC 7617. Ids and secrets hold only characters that percent-encoding leaves alone."""
    scheme, _, encoded = request.header("authorization").partition(" ")
    if scheme.lower() != "basic":
        raise TokenError(401, "invalid_client", "send the client id and secret with HTTP Basic")
    try:
        client_id, colon, secret = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        raise TokenError(401, "invalid_client", "the Basic credentials are not base64 of id:secret") from None
    if not colon or not _CLIENT_ID.fullmatch(client_id):
        raise TokenError(401, "invalid_client", "the Basic credentials are not base64 of id:secret")
    return client_id, secret


def _parameters(request: Request) -> dict[str, str]:
    """The form of the body, or the JSON object that some clients send instead. None may stand there twice (3.2)."""
    if len(request.body) > LARGEST_TOKEN_REQUEST:
        raise TokenError(400, "invalid_request", f"the body may have {LARGEST_TOKEN_REQUEST} bytes at most")
    try:
        if "json" in request.header("content-type").lower():
            return {name: value for name, value in json_object(request).items() if isinstance(value, str)}
        form = parse_qs(request.body.decode(), max_num_fields=20)
    except HttpError as error:
        raise TokenError(400, "invalid_request", error.detail) from None
    except ValueError:
        raise TokenError(400, "invalid_request", "the body is neither a form nor JSON") from None
    if any(len(values) > 1 for values in form.values()):
        raise TokenError(400, "invalid_request", "a parameter stands twice in the body")
    return {name: values[0] for name, values in form.items()}


def _token_error(error: TokenError) -> Answer:
    challenge = {"WWW-Authenticate": 'Basic realm="anteroom"'} if error.status == HTTPStatus.UNAUTHORIZED else {}
    content = {"error": error.code, "error_description": error.description}
    return json_answer(error.status, content, {**_NO_STORE, **challenge})


def token_trouble(ctx: Context, request: Request, trouble: Trouble) -> Answer:
    """Any other trouble of the token endpoint, in the shape of RFC 6749: there, `error` is a string."""
    del ctx, request
    code = "invalid_request"
    if trouble.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        again = trouble.status == HTTPStatus.SERVICE_UNAVAILABLE
        code = "temporarily_unavailable" if again else "server_error"  # the codes of section 4.1.2.1
    content = {"error": code, "error_description": trouble.detail}
    return json_answer(trouble.status, content, {**_NO_STORE, **trouble.headers})
