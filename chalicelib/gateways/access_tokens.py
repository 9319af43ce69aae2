"""Access and refresh tokens: JWTs (RFC 7519, HS256) that name an API client and cost no read. The caller has the time.

Each says in `kid` which key signed it, so that keys can be changed with an overlap. The two kinds have keys and
audiences of their own: neither is ever taken for the other. PyJWT is imported where it is used: it costs 55 ms, which a
client's page need not pay.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

LIVES_FOR = timedelta(hours=1)
SCOPE = "sessions"
_ACCESS = "anteroom"
_REFRESH = "anteroom refresh"
_ALGORITHM = "HS256"


class InvalidTokenError(Exception):
    """Not one of ours, or expired (`expired`). The token is never repeated."""

    def __init__(self, *, expired: bool = False) -> None:
        super().__init__("the token is not valid")
        self.expired = expired


@dataclass(frozen=True, slots=True)
class RefreshClaims:
    """Whose refresh token, and for which of their secrets (`api_clients.fingerprint`) it was given."""

    client_id: str
    secret_fingerprint: str


def mint_access_token(key: bytes, client_id: str, team_id: str, now: datetime) -> str:
    """A token for this client, good for an hour. Existing clients decode it without verifying."""
    expires = int((now + LIVES_FOR).timestamp())
    return _minted(key, _ACCESS, {"team_id": team_id, "scope": SCOPE, "exp": expires}, client_id, now)


def mint_refresh_token(key: bytes, claims: RefreshClaims, now: datetime) -> str:
    """A token without an end of its own: it lives as long as the secret, and is of no use without it."""
    return _minted(key, _REFRESH, {"secret": claims.secret_fingerprint}, claims.client_id, now)


def verified_client_id(keys: Sequence[bytes], token: str, now: datetime) -> str:
    """The client an access token was given to; any of the keys may have signed it. Raises InvalidTokenError."""
    claims = _verified(keys, token, _ACCESS, ["exp", "sub"])
    expires = claims["exp"]
    if not isinstance(expires, int) or expires <= now.timestamp():
        raise InvalidTokenError(expired=True)
    return str(claims["sub"])


def verified_refresh_token(keys: Sequence[bytes], token: str) -> RefreshClaims:
    """What a refresh token says; whether the secret is still one is for the caller to see. Raises InvalidTokenError."""
    claims = _verified(keys, token, _REFRESH, ["sub", "secret"])
    return RefreshClaims(str(claims["sub"]), str(claims["secret"]))


def key_id(key: bytes) -> str:
    """The `kid` of a signing key: 32 bits of its hash, so that no key needs a name of its own."""
    return hashlib.sha256(b"key id" + key).hexdigest()[:8]


def _minted(key: bytes, audience: str, claims: Mapping[str, Any], client_id: str, now: datetime) -> str:
    import jwt  # noqa: PLC0415 (55 ms, see above)

    written = {"aud": audience, "sub": client_id, **claims, "iat": int(now.timestamp())}
    return jwt.encode(written, key, algorithm=_ALGORITHM, headers={"kid": key_id(key)})


def _verified(keys: Sequence[bytes], token: str, audience: str, required: list[str]) -> dict[str, Any]:
    import jwt  # noqa: PLC0415 (55 ms, see above)

    options: jwt.types.Options = {
        "require": required,
        "verify_exp": False,
        "verify_iat": False,
        "verify_nbf": False,
    }
    try:
        named = jwt.get_unverified_header(token).get("kid")
        key = next((one for one in keys if key_id(one) == named), None)
        if key is None:
            raise InvalidTokenError
        return jwt.decode(token, key, algorithms=[_ALGORITHM], audience=audience, options=options)
    except jwt.InvalidTokenError:
        raise InvalidTokenError from None
