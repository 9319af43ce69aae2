"""An API client: the key and secret with which a team's front-end calls the API.

A secret is 256 random bits, so a keyed SHA-256 compared in constant time keeps it: a slow hash protects guessable
passwords, and would only slow every token request here.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

CLIENT_ID_BYTES = 12
SECRET_BYTES = 32
MOST_SECRETS = 2
"""The one in use, and its successor."""


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
    return kept_hash(client, (pepper,), secret) is not None


def kept_hash(client: ApiClient, peppers: Iterable[bytes], secret: str) -> str | None:
    """The hash that the client keeps of this secret, made under any of these keys; None for a wrong secret."""
    offered = [hash_secret(pepper, secret) for pepper in peppers]
    same = [kept for kept in client.secret_hashes for one in offered if hmac.compare_digest(one, kept)]
    return same[0] if same else None


def fingerprint(secret_hash: str) -> str:
    """What may be told of a secret's hash, to know it again: 128 bits of its own hash."""
    return hashlib.sha256(secret_hash.encode()).hexdigest()[:32]
