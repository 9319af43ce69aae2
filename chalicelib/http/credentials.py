"""The client id and secret of a token request (HTTP Basic): are they right; and how often they may be wrong.

The secret is looked at first: whoever has the right one is never throttled, whatever others tried before.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import NoReturn

from chalicelib.domain.api_clients import ApiClient, kept_hash
from chalicelib.flows.context import Context
from chalicelib.flows.enrol import secrets_pepper
from chalicelib.flows.failed_attempts import Allowance
from chalicelib.http.exchange import Request
from chalicelib.storage.stores import StoreUnavailableError

READS = 3
WAIT_SECONDS = 0.2
_CLIENT_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""As we make them; a longer one than DynamoDB's keys (2 KB) would be an error of ours instead of theirs."""

_CHALLENGE = {"WWW-Authenticate": 'Basic realm="anteroom"'}


class TokenError(Exception):
    """RFC 6749, section 5.2: `code` is one of its error codes."""

    def __init__(self, status: int, code: str, description: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.description = description
        self.headers = headers or {}


@dataclass(frozen=True, slots=True)
class Authenticated:
    """A client, and the hash of the secret that it came with."""

    client: ApiClient
    secret_hash: str


def authenticated(ctx: Context, request: Request) -> Authenticated:
    """Whose id and secret these are. Raises TokenError 401, or 429 after too many wrong ones."""
    client_id, secret = _basic(request)
    found = _known(ctx, client_id, secret)
    if found is None:
        _refuse(ctx.failed_attempts.count(client_id, request.source, ctx.ticks()))
    if not found.client.is_enabled:
        raise TokenError(401, "invalid_client", "this API client is disabled", _CHALLENGE)
    return found


def _known(ctx: Context, client_id: str, secret: str) -> Authenticated | None:
    client = _found(ctx, client_id)
    if client is None:
        return None
    peppers = [secrets_pepper(key) for key in ctx.settings.secrets.api_keys]
    secret_hash = kept_hash(client, peppers, secret)
    return Authenticated(client, secret_hash) if secret_hash else None


def _refuse(allowance: Allowance) -> NoReturn:
    """With the headers of https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/."""
    limit, name = allowance.limit, f'"failed-{allowance.limit.name}"'
    told = {
        "RateLimit-Policy": f"{name};q={limit.burst};w={limit.burst * limit.refill_seconds}",
        "RateLimit": f"{name};r={allowance.remaining};t={allowance.next_in}",
    }
    if allowance.is_within:
        raise TokenError(401, "invalid_client", "the client id or the secret is wrong", {**_CHALLENGE, **told})
    again = {"Retry-After": str(allowance.next_in)}
    raise TokenError(
        429, "invalid_client", "too many wrong secrets; the right one is let in at any time", {**told, **again}
    )


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
        raise TokenError(401, "invalid_client", "send the client id and secret with HTTP Basic", _CHALLENGE)
    try:
        client_id, colon, secret = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        client_id, colon, secret = "", "", ""
    if not colon or not _CLIENT_ID.fullmatch(client_id):
        raise TokenError(401, "invalid_client", "the Basic credentials are not base64 of id:secret", _CHALLENGE)
    return client_id, secret
