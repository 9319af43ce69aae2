"""The room at the end of a link: in place of a video service, a page that shows who entered as what.

Trusts the token alone, and judges its times by the sandbox's clock as the strictest room would: without leeway, and
`iat` too (as https://pyjwt.readthedocs.io does; Jitsi reads `nbf` and `exp`, without leeway either).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

import jwt
from flask import Blueprint, Response, request

from sandbox.pages import page

NEEDED = ["exp", "nbf", "iat", "jti", "sub", "name", "role", "room"]
ROLES = {"HOST": "host", "GUEST": "guest", "PARTICIPANT": "participant"}


class RoomClosedError(Exception):
    """This token does not open this room now. The message is for the page."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who entered."""

    name: str
    role: str
    participant_id: str
    token_id: str
    opened_at: datetime
    closes_at: datetime


def visitor(token: str, room: str, key: str, now: datetime) -> Visitor:
    """Whoever the token lets into this room now. Raises RoomClosedError."""
    claims = _claims(token, key)
    opens, closes, made = (_moment(claims[name]) for name in ("nbf", "exp", "iat"))
    if claims["room"] != room:
        raise RoomClosedError("The token is for another room.")
    if now < made:
        raise RoomClosedError("The token was made in the future, by this room's clock.")
    if now < opens:
        raise RoomClosedError(f"The token opens this room at {opens:%H:%M} UTC on {opens:%-d %B %Y}, not before.")
    if now >= closes:
        raise RoomClosedError(f"The token ended at {closes:%H:%M} UTC on {closes:%-d %B %Y}. Open your link again.")
    role = ROLES.get(str(claims["role"]), "unknown role")
    return Visitor(str(claims["name"]), role, str(claims["sub"]), str(claims["jti"]), opens, closes)


def _moment(claim: object) -> datetime:
    """A NumericDate (RFC 7519, section 2)."""
    try:
        if isinstance(claim, int | float) and not isinstance(claim, bool):
            return datetime.fromtimestamp(claim, UTC)
    except (ValueError, OverflowError, OSError):
        pass
    raise RoomClosedError("The token's times are no times.")


def _claims(token: str, key: str) -> dict[str, Any]:
    """What a token says that was signed with our key; its times are judged elsewhere, since PyJWT has its own clock."""
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=["HS256"],
            options={"verify_exp": False, "verify_nbf": False, "verify_iat": False, "require": NEEDED},
        )
    except jwt.PyJWTError:
        raise RoomClosedError("The token is missing, damaged, or was not made by this sandbox.") from None
    return claims


def blueprint(clock: Callable[[], datetime], key: str) -> Blueprint:
    """The rooms, each at `/room/{room}?token=…`."""
    routes = Blueprint("room_page", __name__)

    @routes.get("/room/<room>")
    def enter(room: str) -> Response:
        try:
            entered = visitor(request.args.get("token", ""), room, key, clock())
        except RoomClosedError as error:
            return page("room_closed.html", HTTPStatus.FORBIDDEN, reason=str(error))
        return page("room.html", visitor=entered, room=room)

    return routes
