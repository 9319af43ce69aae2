"""The token endpoint: `client_credentials` and `refresh_token` (RFC 6749); its errors have that RFC's shape."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from urllib.parse import parse_qs

from chalicelib.domain.api_clients import fingerprint
from chalicelib.domain.links import derive_key
from chalicelib.flows.context import Context
from chalicelib.gateways.access_tokens import (
    LIVES_FOR,
    SCOPE,
    RefreshClaims,
    mint_access_token,
    mint_refresh_token,
    verified_refresh_token,
)
from chalicelib.gateways.signed_tokens import InvalidTokenError
from chalicelib.http.auth import access_token_keys
from chalicelib.http.credentials import Authenticated, TokenError, authenticated
from chalicelib.http.exchange import Answer, Request, json_answer
from chalicelib.http.json_body import json_object
from chalicelib.http.operations import Access, operation
from chalicelib.http.problems import HttpError, Trouble
from chalicelib.http.routing import Routes
from chalicelib.http.schemas import TokenIn, TokenOut

LARGEST_TOKEN_REQUEST = 8 * 1024
_NO_STORE = {"Cache-Control": "no-store"}


def add_routes(routes: Routes) -> None:
    routes.add("/v1/auth/token", shape=token_trouble, POST=give_token)


@operation(
    "Get an access token",
    tag="Authentication",
    access=Access.BASIC,
    body=TokenIn,
    answers={200: TokenOut},
    errors=(400, 401, 429),
)
def give_token(ctx: Context, request: Request) -> Answer:
    """An access token, and a refresh token, for a client's id and secret."""
    try:
        who = authenticated(ctx, request)
        _check_grant(ctx, who, _parameters(request))
    except TokenError as error:
        return _token_error(error)
    return json_answer(200, _token(ctx, who), _NO_STORE)


def _check_grant(ctx: Context, who: Authenticated, parameters: Mapping[str, str]) -> None:
    grant = parameters.get("grant_type")
    if grant is None:
        raise TokenError(400, "invalid_request", "send grant_type=client_credentials or grant_type=refresh_token")
    if grant not in _GRANTS:
        raise TokenError(400, "unsupported_grant_type", f"send one of: {', '.join(_GRANTS)}")
    _GRANTS[grant](ctx, who, parameters)


def _client_credentials(ctx: Context, who: Authenticated, parameters: Mapping[str, str]) -> None:
    """The id and secret are all it takes."""
    del ctx, who, parameters


def _refresh_token(ctx: Context, who: Authenticated, parameters: Mapping[str, str]) -> None:
    """Good again and again, until the secret that it was given for is none any more: clients refresh twice at once."""
    token = parameters.get("refresh_token")
    if token is None:
        raise TokenError(400, "invalid_request", "send refresh_token")
    try:
        claims = verified_refresh_token(_refresh_token_keys(ctx), token)
    except InvalidTokenError:
        raise TokenError(400, "invalid_grant", "this refresh token is not valid") from None
    if claims.client_id != who.client.client_id:
        raise TokenError(400, "invalid_grant", "this refresh token was given to another client")
    if claims.secret_fingerprint not in {fingerprint(kept) for kept in who.client.secret_hashes}:
        raise TokenError(400, "invalid_grant", "the secret that this refresh token was given for has been replaced")


_GRANTS: Mapping[str, Callable[[Context, Authenticated, Mapping[str, str]], None]] = {
    "client_credentials": _client_credentials,
    "refresh_token": _refresh_token,
}


def _token(ctx: Context, who: Authenticated) -> TokenOut:
    now, client = ctx.clock(), who.client
    refresh = RefreshClaims(client.client_id, fingerprint(who.secret_hash))
    return TokenOut(
        access_token=mint_access_token(access_token_keys(ctx)[0], client.client_id, client.team_id, now),
        refresh_token=mint_refresh_token(_refresh_token_keys(ctx)[0], refresh, now),
        expires_in=int(LIVES_FOR.total_seconds()),
        token_type="Bearer",  # noqa: S106 (RFC 6750's name for the kind)
        scope=SCOPE,
    )


def _refresh_token_keys(ctx: Context) -> tuple[bytes, ...]:
    return tuple(derive_key(key, "refresh tokens") for key in ctx.settings.secrets.api_keys)


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
    content = {"error": error.code, "error_description": error.description}
    return json_answer(error.status, content, {**_NO_STORE, **error.headers})


def token_trouble(ctx: Context, request: Request, trouble: Trouble) -> Answer:
    """Any other trouble of the token endpoint, in the shape of RFC 6749: there, `error` is a string."""
    del ctx, request
    code = "invalid_request"
    if trouble.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        again = trouble.status == HTTPStatus.SERVICE_UNAVAILABLE
        code = "temporarily_unavailable" if again else "server_error"  # the codes of section 4.1.2.1
    content = {"error": code, "error_description": trouble.detail}
    return json_answer(trouble.status, content, {**_NO_STORE, **trouble.headers})
