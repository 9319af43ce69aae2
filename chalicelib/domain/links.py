"""Entry links and return links: mint a token, and find out who holds one without reading anything; stores nothing.

An entry token says which participant of which session it lets in; a return token which attempt to pay a browser comes
back from. Both are base64url without padding (RFC 4648, section 5) of

    key id (1) | team id (16) | participant id (16) | generation (2) or attempt id (16) | tag (16 bytes)

where the tag is HMAC-SHA-256 over all that stands before it, cut to 128 bits (RFC 2104, section 5), under a key that is
derived for the purpose. So a token of one kind is never one of the other, and a forged one is refused before any read.
Whether the generation is still the participant's is for the caller to compare: only the session knows it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final
from uuid import UUID

from chalicelib.domain.ids import participant_id, split_participant_id, uuid_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping

MASTER_KEY_BYTES: Final = 32
LAST_KEY_ID: Final = 255
LAST_GENERATION: Final = 65_535

_LINK: Final = "entry link"
_RETURN: Final = "return from checkout"
_TAG_BYTES: Final = 16
_LINK_BYTES: Final = 51
_RETURN_BYTES: Final = 65


class InvalidLinkError(Exception):
    """The token is not one of ours, or no longer. Why is nobody's business, and the token is never repeated."""

    def __init__(self) -> None:
        super().__init__("this link is not valid")


class UnknownKeyError(LookupError):
    """A token was to be minted with a key that is not, or no longer, among the keys."""


@dataclass(frozen=True, slots=True, eq=False)
class LinkKeys:
    """The master keys by key id; `current` is the one for new participants, the others still verify.

    A key id is a number from 0 to 255, a key 32 random bytes. Raises ValueError for anything else.
    """

    keys: Mapping[int, bytes] = field(repr=False)
    current: int

    def __post_init__(self) -> None:
        if any(not 0 <= key_id <= LAST_KEY_ID for key_id in self.keys) or self.current not in self.keys:
            message = f"key ids are 0 to {LAST_KEY_ID}, and the current one must be among them"
            raise ValueError(message)
        if any(len(key) != MASTER_KEY_BYTES for key in self.keys.values()):
            message = f"a master key is {MASTER_KEY_BYTES} bytes"
            raise ValueError(message)
        object.__setattr__(self, "keys", MappingProxyType(dict(self.keys)))


@dataclass(frozen=True, slots=True)
class LinkClaims:
    """What an entry link says. `number` is the participant's, 1 to 255; `generation` 0 to 65535."""

    team_id: str
    session_id: str
    number: int
    generation: int


@dataclass(frozen=True, slots=True)
class ReturnClaims:
    """What a return link says: the attempt (a UUID) of this participant to pay."""

    team_id: str
    session_id: str
    number: int
    attempt_id: str


def mint(keys: LinkKeys, claims: LinkClaims, key_id: int) -> str:
    """Make the entry token, 68 characters, with the key that the participant keeps.

    The same claims and key always give the same token. Raises UnknownKeyError for a retired key, ValueError for claims
    that fit no token.
    """
    if not 0 <= claims.generation <= LAST_GENERATION:
        message = f"a link's generation is 0 to {LAST_GENERATION}"
        raise ValueError(message)
    return _sealed(keys, key_id, _LINK, _place(claims) + claims.generation.to_bytes(2, "big"))


def verify(keys: LinkKeys, token: str) -> LinkClaims:
    """Read an entry token. Raises InvalidLinkError for every other text whatever."""
    body = _opened(keys, token, _LINK, _LINK_BYTES)
    return LinkClaims(*_placed(body), generation=int.from_bytes(body[32:], "big"))


def mint_return(keys: LinkKeys, claims: ReturnClaims, key_id: int) -> str:
    """Make the return token of one attempt, 87 characters. Raises as `mint` does."""
    return _sealed(keys, key_id, _RETURN, _place(claims) + uuid_bytes(claims.attempt_id))


def verify_return(keys: LinkKeys, token: str) -> ReturnClaims:
    """Read a return token. Raises InvalidLinkError for every other text whatever, an entry token included."""
    body = _opened(keys, token, _RETURN, _RETURN_BYTES)
    return ReturnClaims(*_placed(body), attempt_id=str(UUID(bytes=body[32:])))


def derive_key(master: bytes, purpose: str) -> bytes:
    """Derive the 32-byte key for one purpose, by HKDF-Expand with SHA-256 (RFC 5869, section 2.3), info = purpose.

    The extract step is left out, as section 3.3 allows for a key that is uniformly random already.
    """
    if len(master) != MASTER_KEY_BYTES:
        message = f"a master key is {MASTER_KEY_BYTES} bytes"
        raise ValueError(message)
    return hmac.digest(master, purpose.encode() + b"\x01", hashlib.sha256)


def _place(claims: LinkClaims | ReturnClaims) -> bytes:
    return uuid_bytes(claims.team_id) + uuid_bytes(participant_id(claims.session_id, claims.number))


def _placed(body: bytes) -> tuple[str, str, int]:
    return str(UUID(bytes=body[:16])), *split_participant_id(str(UUID(bytes=body[16:32])))


def _sealed(keys: LinkKeys, key_id: int, purpose: str, body: bytes) -> str:
    master = keys.keys.get(key_id)
    if master is None:
        message = "this link key is not among the keys"
        raise UnknownKeyError(message)
    signed = bytes([key_id]) + body
    return _encoded(signed + _tag(master, purpose, signed))


def _opened(keys: LinkKeys, token: str, purpose: str, size: int) -> bytes:
    """Return what stands between the key id and the tag, once the tag is proven."""
    raw = _decoded(token, size)
    signed, tag = raw[:-_TAG_BYTES], raw[-_TAG_BYTES:]
    master = keys.keys.get(signed[0])
    if master is None or not hmac.compare_digest(tag, _tag(master, purpose, signed)):
        raise InvalidLinkError
    return signed[1:]


def _tag(master: bytes, purpose: str, signed: bytes) -> bytes:
    return hmac.digest(derive_key(master, purpose), signed, hashlib.sha256)[:_TAG_BYTES]


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decoded(token: str, size: int) -> bytes:
    """Return the `size` bytes that encode to exactly this token, so that no link has a second spelling."""
    if len(token) != (size * 8 + 5) // 6 or not token.isascii():
        raise InvalidLinkError
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except binascii.Error:
        raise InvalidLinkError from None
    if _encoded(raw) != token:
        raise InvalidLinkError
    return raw
