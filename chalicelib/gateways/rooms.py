"""Rooms: the address of the video room, for one person and one click; knows nothing of fees, and keeps no token.

Two kinds: any provider whose address fits a URL template and that checks an HS256 JWT (RFC 7519), and Jitsi Meet with
its token authentication. The token holds the person's name and works until the session's end at the latest. It is good
some seconds before it is made, so that a room whose clock is a little behind takes it at once.
Making one asks nobody over the network, so what can fail is the configuration: RoomUnavailableError.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias
from urllib.parse import quote, urlsplit

from chalicelib.domain.sessions import Role

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from urllib.parse import SplitResult

    from chalicelib.domain.teams import RoomSettings

Claim: TypeAlias = "str | int | bool | Mapping[str, Claim]"

LEAST_ENTROPY_BYTES: Final = 16
"""Random bytes behind a token's `jti`."""

_LEAST_KEY_BYTES: Final = 32
"""HS256 demands a key as long as its hash: RFC 7518, section 3.2."""

_CLOCKS_DIFFER_BY: Final = 10
"""Seconds by which a room's clock may be behind ours. A reader of tokens may allow for that (RFC 7519, section 4.1.5:
"some small leeway"), and Jitsi's does not: https://github.com/jitsi/luajwtjitsi/blob/master/luajwtjitsi.lua."""

_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class RoomUnavailableError(Exception):
    """No room can be entered just now; nothing was changed, and trying again later is right (503).

    `reason` is one of a few fixed sentences for the operator, without a name, key, address or token.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class RoomEntry:
    """One person's click: who enters which room, and from when to when. Times are aware.

    `now` and `entropy` (at least 16 random bytes) make the token one of its kind.
    """

    team_id: str
    session_id: str
    participant_id: str
    display_name: str = field(repr=False)
    role: Role
    not_before: datetime
    expires_at: datetime
    now: datetime
    entropy: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.entropy) < LEAST_ENTROPY_BYTES:
            message = f"a room token takes {LEAST_ENTROPY_BYTES} random bytes"
            raise ValueError(message)
        if any(moment.tzinfo is None for moment in (self.not_before, self.expires_at, self.now)):
            message = "a room token takes aware times"
            raise ValueError(message)


class Rooms(Protocol):
    """The rooms of one provider."""

    def entry(self, request: RoomEntry) -> str:
        """Return the URL that lets this person in, once. Raises RoomUnavailableError."""


def rooms_of(settings: RoomSettings) -> Rooms:
    """Return the rooms that these settings describe. Raises RoomUnavailableError for a kind that does not exist."""
    match settings.kind:
        case "template":
            return TemplateRooms(settings)
        case "jitsi":
            return JitsiRooms(settings)
        case _:
            reason = "the kind of room is neither template nor jitsi"
            raise RoomUnavailableError(reason)


def room_origin(settings: RoomSettings) -> str:
    """Return `https://host[:port]` of the rooms, for a Content-Security-Policy. Raises RoomUnavailableError."""
    parts = _address(settings.url)
    return f"{parts.scheme}://{parts.netloc}"


@dataclass(frozen=True, slots=True)
class TemplateRooms:
    """Rooms whose address is a template such as `https://video.example/rooms/{room}?token={token}`.

    The token's claims: `sub` (the participant's id), `name`, `role`, `room`, `iat`, `nbf`, `exp`, `jti`.
    """

    settings: RoomSettings

    def entry(self, request: RoomEntry) -> str:
        """Return the URL that lets this person in, once. Raises RoomUnavailableError."""
        template = _template(self.settings.url)
        claims: dict[str, Claim] = {
            **_when(request),
            "sub": request.participant_id,
            "name": request.display_name,
            "role": request.role.value,
            "room": _room(request),
        }
        if self.settings.app_id:
            claims["iss"] = self.settings.app_id
        token = _signed(claims, self.settings.key)
        return template.replace("{room}", quote(_room(request), safe="")).replace("{token}", token)


@dataclass(frozen=True, slots=True)
class JitsiRooms:
    """Rooms of a Jitsi Meet with token authentication: `https://domain/room?jwt=…`.

    Claims and address as in https://github.com/jitsi/lib-jitsi-meet/blob/master/doc/tokens.md. Jitsi itself promotes
    nobody by token, its plugins do: token_moderation reads `moderator`, token_affiliation `context.user.affiliation`
    (https://github.com/jitsi-contrib/prosody-plugins), 8x8's service `context.user.moderator`.
    """

    settings: RoomSettings

    def entry(self, request: RoomEntry) -> str:
        """Return the URL that lets this person in, once. Raises RoomUnavailableError."""
        parts = _jitsi_address(self.settings)
        claims: dict[str, Claim] = {
            **_when(request),
            "aud": self.settings.audience,
            "iss": self.settings.app_id,
            "sub": _jitsi_subject(parts),
            "room": _room(request),
            "context": {"user": _jitsi_user(request)},
            "moderator": request.role is Role.HOST,
        }
        token = _signed(claims, self.settings.key)
        path = f"{parts.path.rstrip('/')}/{quote(_room(request), safe='')}"
        return f"{parts.scheme}://{parts.netloc}{path}?jwt={token}"


def _jitsi_user(request: RoomEntry) -> dict[str, Claim]:
    """Describe the person in strings only: at a boolean or null here, Jitsi's plugin raises an exception."""
    host = request.role is Role.HOST
    user: dict[str, Claim] = {
        "id": request.participant_id,
        "moderator": "true" if host else "false",
        "affiliation": "owner" if host else "member",
    }
    if request.display_name:
        user["name"] = request.display_name
    return user


def _jitsi_subject(parts: SplitResult) -> str:
    """Return the tenant in lower case for an address with one, else the domain (tokens.md, `sub`)."""
    return (parts.path.strip("/") or parts.hostname or "").lower()


def _jitsi_address(settings: RoomSettings) -> SplitResult:
    parts = _address(settings.url)
    if parts.query or parts.fragment or "/" in parts.path.strip("/") or "{" in settings.url:
        reason = "the Jitsi address is more than https://domain/tenant"
        raise RoomUnavailableError(reason)
    if not settings.app_id or not settings.audience:
        reason = "the Jitsi application id or audience is missing"
        raise RoomUnavailableError(reason)
    return parts


def _template(url: str) -> str:
    """Return the template, once it is an address with its token and no placeholder but ours."""
    filled = url.replace("{room}", "").replace("{token}", "")
    if "{token}" not in url or "{" in filled or "}" in filled:
        reason = "the room template needs {token}, may have {room}, and nothing else in braces"
        raise RoomUnavailableError(reason)
    _address(url)
    return url


def _address(url: str) -> SplitResult:
    """Split an address that is safe to send a browser to: https (http on loopback only), a plain host, no user."""
    reason = "the room address is not an https URL"
    if not (url.isascii() and url.isprintable()) or " " in url:
        raise RoomUnavailableError(reason)
    try:
        parts = urlsplit(url)
        host = parts.hostname
        _ = parts.port
    except ValueError:
        raise RoomUnavailableError(reason) from None
    secure = parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK)
    # A plain host, since browsers read "\\" as "/", and a policy header reads ";" as its end.
    plain = host in _LOOPBACK or (host or "").replace(".", "").replace("-", "").isalnum()
    if not plain or not secure or "@" in parts.netloc:
        raise RoomUnavailableError(reason)
    return parts


def _room(request: RoomEntry) -> str:
    """Name one room for each session: its id, in the lower case that Jitsi compares, the same for everybody."""
    return request.session_id


def _when(request: RoomEntry) -> dict[str, Claim]:
    """Return the token's times in whole seconds (NumericDate), cut, so that it never outlives the session.

    No room asks how long a token lives; those that read `iat` ask that it is not in the future, as of `nbf`.
    """
    issued, start, end = (int(at.timestamp()) for at in (request.now, request.not_before, request.expires_at))
    if end <= max(issued, start):
        reason = "there is no time left for a room token"
        raise RoomUnavailableError(reason)
    return {
        "iat": issued - _CLOCKS_DIFFER_BY,
        "nbf": start - _CLOCKS_DIFFER_BY,
        "exp": end,
        "jti": request.entropy.hex(),
    }


def _signed(claims: dict[str, Claim], key: str) -> str:
    """Return the JWT: three parts of base64url and dots, so it stands in a URL as it is (RFC 3986, section 2.3)."""
    import jwt  # noqa: PLC0415  55 ms at import, and only who joins needs it

    reason = "the room key is not a secret of at least 32 bytes"
    if len(key.encode()) < _LEAST_KEY_BYTES:
        raise RoomUnavailableError(reason)
    try:
        return jwt.encode(claims, key, algorithm="HS256")
    except jwt.PyJWTError:  # a public key, say
        raise RoomUnavailableError(reason) from None
