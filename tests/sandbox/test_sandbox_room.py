"""The sandbox's room judges a token's times as strictly as a real one: no leeway, `iat` too."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import jwt
import pytest

from chalicelib.domain.sessions import Role
from chalicelib.domain.teams import RoomSettings
from chalicelib.gateways.rooms import RoomEntry, rooms_of
from sandbox.room_page import RoomClosedError, visitor

KEY = "a room key of at least 32 characters"
ROOM = "0197b3c4-d5e6-7788-99aa-bbccddeeff00"
START = datetime(2030, 1, 8, 9, 0, tzinfo=UTC)
END = START + timedelta(minutes=30)
SECOND = timedelta(seconds=1)


def token(now: datetime) -> str:
    """The product's own, for who enters at that moment."""
    entry = RoomEntry("team", ROOM, f"{ROOM}-2", "Mary", Role.GUEST, START, END, now, bytes(16))
    settings = RoomSettings(kind="template", url="https://video.example/{room}?token={token}", key=KEY)
    return rooms_of(settings).entry(entry).partition("token=")[2]


def claims(**changes: object) -> str:
    """A token of anybody's making."""
    at = int(START.timestamp())
    said = {"iat": at, "nbf": at, "exp": at + 60, "jti": "1", "sub": "s", "name": "Mary", "role": "GUEST", "room": ROOM}
    return jwt.encode({**said, **changes}, KEY, algorithm="HS256")


@pytest.mark.parametrize("behind", [0, 1, 10])
def test_a_room_whose_clock_is_behind_takes_who_enters_in_the_first_moment(behind: int) -> None:
    assert visitor(token(START), ROOM, KEY, START - behind * SECOND).closes_at == END


@pytest.mark.parametrize(("before", "taken"), [(SECOND, True), (SECOND / 1000, True), (0 * SECOND, False)])
def test_a_token_of_the_last_second_is_good_until_the_end(before: timedelta, *, taken: bool) -> None:
    made = token(END - SECOND / 2)
    if taken:
        assert visitor(made, ROOM, KEY, END - before).closes_at == END
    else:
        with pytest.raises(RoomClosedError, match="ended"):
            visitor(made, ROOM, KEY, END - before)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"iat": int(START.timestamp()) + 1}, "made in the future"),
        ({"nbf": int(START.timestamp()) + 1}, "opens this room"),
        ({"exp": int(START.timestamp())}, "ended"),
        ({"iat": "soon"}, "no times"),
        ({"iat": True}, "no times"),
        ({"nbf": "soon"}, "no times"),
    ],
)
def test_a_token_whose_times_are_not_those_of_now_opens_nothing(changes: dict[str, object], why: str) -> None:
    with pytest.raises(RoomClosedError, match=why):
        visitor(claims(**changes), ROOM, KEY, START)


def test_a_token_that_is_good_from_this_very_second_on_is_taken() -> None:
    assert visitor(claims(), ROOM, KEY, START).opened_at == START
