"""Access and refresh tokens: JWTs (RFC 7519, HS256) that name an API client and cost no read. The caller has the time.

The two kinds have keys and audiences of their own: neither is ever taken for the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.gateways.signed_tokens import InvalidTokenError, minted, verified

LIVES_FOR = timedelta(hours=1)
SCOPE = "sessions"
_ACCESS = "anteroom"
_REFRESH = "anteroom refresh"


@dataclass(frozen=True, slots=True)
class RefreshClaims:
    """Whose refresh token, and for which of their secrets (`api_clients.fingerprint`) it was given."""

    client_id: str
    secret_fingerprint: str


def mint_access_token(key: bytes, client_id: str, team_id: str, now: datetime) -> str:
    """A token for this client, good for an hour. Existing clients decode it without verifying."""
    expires = int((now + LIVES_FOR).timestamp())
    return minted(key, _ACCESS, {"team_id": team_id, "scope": SCOPE, "exp": expires}, client_id, now)


def mint_refresh_token(key: bytes, claims: RefreshClaims, now: datetime) -> str:
    """A token without an end of its own: it lives as long as the secret, and is of no use without it."""
    return minted(key, _REFRESH, {"secret": claims.secret_fingerprint}, claims.client_id, now)


def verified_client_id(keys: Sequence[bytes], token: str, now: datetime) -> str:
    """The client an access token was given to; any of the keys may have signed it. Raises InvalidTokenError."""
    claims = verified(keys, token, _ACCESS, ["exp", "sub"])
    expires = claims["exp"]
    if not isinstance(expires, int) or expires <= now.timestamp():
        raise InvalidTokenError(expired=True)
    return str(claims["sub"])


def verified_refresh_token(keys: Sequence[bytes], token: str) -> RefreshClaims:
    """What a refresh token says; whether the secret is still one is for the caller to see. Raises InvalidTokenError."""
    claims = verified(keys, token, _REFRESH, ["sub", "secret"])
    return RefreshClaims(str(claims["sub"]), str(claims["secret"]))
