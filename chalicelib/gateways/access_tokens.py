"""Access tokens: JWTs (RFC 7519, HS256) that name an API client and cost no read. The caller tells the time.

PyJWT is imported where it is used: it costs 55 ms, which a client's page need not pay.
"""

from __future__ import annotations

from datetime import datetime, timedelta

LIVES_FOR = timedelta(hours=1)
SCOPE = "sessions"
_AUDIENCE = "anteroom"
_ALGORITHM = "HS256"


class InvalidTokenError(Exception):
    """Not one of ours, or expired (`expired`). The token is never repeated."""

    def __init__(self, *, expired: bool = False) -> None:
        super().__init__("the access token is not valid")
        self.expired = expired


def mint_access_token(key: bytes, client_id: str, team_id: str, now: datetime) -> str:
    """A token for this client, good for an hour. Existing clients decode it without verifying."""
    import jwt  # noqa: PLC0415 (55 ms, see above)

    claims = {
        "aud": _AUDIENCE,
        "sub": client_id,
        "team_id": team_id,
        "scope": SCOPE,
        "iat": int(now.timestamp()),
        "exp": int((now + LIVES_FOR).timestamp()),
    }
    return jwt.encode(claims, key, algorithm=_ALGORITHM)


def verified_client_id(key: bytes, token: str, now: datetime) -> str:
    """The client a token was given to. Raises InvalidTokenError."""
    import jwt  # noqa: PLC0415 (55 ms, see above)

    options: jwt.types.Options = {
        "require": ["exp", "sub"],
        "verify_exp": False,
        "verify_iat": False,
        "verify_nbf": False,
    }
    try:
        claims = jwt.decode(token, key, algorithms=[_ALGORITHM], audience=_AUDIENCE, options=options)
    except jwt.InvalidTokenError:
        raise InvalidTokenError from None
    expires, client_id = claims["exp"], claims["sub"]
    if not isinstance(expires, int) or expires <= now.timestamp():
        raise InvalidTokenError(expired=True)
    return str(client_id)
