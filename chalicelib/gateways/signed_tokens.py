"""Signed tokens: JWTs (RFC 7519, HS256) that say something and cost no read. What each kind says is its module's.

Each says in `kid` which key signed it, so that keys can be changed with an overlap, and in `aud` of which kind it is.
PyJWT is imported where it is used: it costs 55 ms, which a client's page need not pay.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

_ALGORITHM = "HS256"


class InvalidTokenError(Exception):
    """Not one of ours, or expired (`expired`). The token is never repeated."""

    def __init__(self, *, expired: bool = False) -> None:
        super().__init__("the token is not valid")
        self.expired = expired


def key_id(key: bytes) -> str:
    """The `kid` of a signing key: 32 bits of its hash, so that no key needs a name of its own."""
    return hashlib.sha256(b"key id" + key).hexdigest()[:8]


def minted(key: bytes, audience: str, claims: Mapping[str, Any], client_id: str, now: datetime) -> str:
    """A token of that kind for an API client."""
    import jwt  # noqa: PLC0415 (see above)

    written = {"aud": audience, "sub": client_id, **claims, "iat": int(now.timestamp())}
    return jwt.encode(written, key, algorithm=_ALGORITHM, headers={"kid": key_id(key)})


def verified(keys: Sequence[bytes], token: str, audience: str, required: list[str]) -> dict[str, Any]:
    """What a token of that kind says; any of the keys may have signed it. Raises InvalidTokenError."""
    import jwt  # noqa: PLC0415 (see above)

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
