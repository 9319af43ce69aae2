"""An API client: the key and secret with which a team's front-end calls the API.

A secret is 256 random bits, so a keyed SHA-256 compared in constant time keeps it: a slow hash protects guessable
passwords, and would only slow every token request here.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import datetime

CLIENT_ID_BYTES = 12
SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class ApiClient:
    """`secret_hashes` holds several while a secret is being changed; any of them is good."""

    client_id: str
    team_id: str
    secret_hashes: tuple[str, ...] = field(repr=False)
    created_at: datetime
    name: str | None = None
    disabled_at: datetime | None = None

    @property
    def is_enabled(self) -> bool:
        return self.disabled_at is None


def text_key(entropy: bytes) -> str:
    """Random bytes as text of `[A-Za-z0-9_-]` only, since clients do not percent-encode Basic credentials."""
    return base64.urlsafe_b64encode(entropy).rstrip(b"=").decode()


def hash_secret(pepper: bytes, secret: str) -> str:
    """The hash under which a secret is kept: HMAC-SHA-256 under the deployment's own key."""
    return hmac.digest(pepper, secret.encode("utf-8", "surrogatepass"), hashlib.sha256).hex()


def is_secret_of(client: ApiClient, pepper: bytes, secret: str) -> bool:
    """Whether this is one of the client's secrets; each is compared in constant time."""
    offered = hash_secret(pepper, secret)
    return any(hmac.compare_digest(offered, kept) for kept in client.secret_hashes)
