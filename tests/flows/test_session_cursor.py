"""Cursors come back as they were written, with the filters they were written for, and in no other way."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.flows.cursors import InvalidCursorError
from chalicelib.flows.session_cursor import Cursor, SessionQuery, read_cursor, write_cursor
from chalicelib.storage.stores import Position
from tests.support.examples import examples
from tests.support.world import NOON

SESSION_ID = "0197b3c4-d5e6-7788-99aa-bbccddeeff00"
BY_CREATION = SessionQuery()
BY_START = SessionQuery(starts_from=NOON, ends_until=NOON + timedelta(days=1))
CREATED = Cursor(Position(SESSION_ID), page=3)
STARTED = Cursor(Position(SESSION_ID, NOON + timedelta(milliseconds=1)), page=3)


def test_a_cursor_is_read_as_it_was_written() -> None:
    assert read_cursor(BY_CREATION, write_cursor(BY_CREATION, CREATED)) == CREATED
    assert read_cursor(BY_START, write_cursor(BY_START, STARTED)) == STARTED


def test_a_cursor_needs_no_escaping_and_is_short() -> None:
    assert write_cursor(BY_CREATION, CREATED) == "AY-7L-I7BTfYAAAAAwGXs8TV5neImaq7zN3u_wA"
    assert len(write_cursor(BY_START, STARTED)) == 50


@pytest.mark.parametrize(
    "changed",
    [
        {"reverse": True},
        {"include_canceled": True},
        {"state": "ready"},
        {"state": ""},
        {"starts_from": NOON + timedelta(microseconds=1)},
        {"starts_from": None},
        {"ends_until": NOON + timedelta(days=2)},
        {"starts_from": None, "ends_until": None},
    ],
)
def test_a_cursor_is_good_for_its_own_filters_alone(changed: dict[str, Any]) -> None:
    with pytest.raises(InvalidCursorError, match="with the same filters"):
        read_cursor(replace(BY_START, **changed), write_cursor(BY_START, STARTED))


def test_a_list_by_creation_takes_no_cursor_of_one_by_start() -> None:
    with pytest.raises(InvalidCursorError):
        read_cursor(BY_START, write_cursor(BY_CREATION, CREATED))


def test_page_and_page_size_may_change() -> None:
    cursor = write_cursor(BY_CREATION, CREATED)
    assert read_cursor(replace(BY_CREATION, page=7, page_size=5), cursor) == CREATED


def test_the_same_time_in_another_zone_is_the_same_filter() -> None:
    there = replace(BY_START, starts_from=NOON.astimezone(timezone(timedelta(hours=10))))
    assert read_cursor(there, write_cursor(BY_START, STARTED)) == STARTED


@pytest.mark.parametrize(
    "text",
    [
        "",
        "AA",
        "!",
        "\N{GRINNING FACE}",
        "\ud800",
        "x" * 100_000,
        write_cursor(BY_CREATION, CREATED) + "=",
        write_cursor(BY_CREATION, CREATED) + "\n",
        # The same bytes in another spelling: the last character has bits to spare.
        write_cursor(BY_CREATION, CREATED)[:-1] + "B",
        write_cursor(BY_CREATION, CREATED).replace("_", "/").replace("-", "+"),
    ],
)
def test_what_is_no_cursor_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(InvalidCursorError) as refused:
        read_cursor(BY_CREATION, text)
    assert str(refused.value).startswith("is not a cursor of this list; send `next`")


def test_a_cursor_of_another_version_is_refused() -> None:
    raw = base64.urlsafe_b64decode(write_cursor(BY_CREATION, CREATED) + "=")
    other = base64.urlsafe_b64encode(b"\x02" + raw[1:]).rstrip(b"=").decode()
    with pytest.raises(InvalidCursorError):
        read_cursor(BY_CREATION, other)


@pytest.mark.parametrize("starts", [NOON - timedelta(milliseconds=1), NOON + timedelta(days=1, milliseconds=1)])
def test_a_place_beside_the_times_asked_for_is_refused(starts: datetime) -> None:
    beside = write_cursor(BY_START, Cursor(Position(SESSION_ID, starts), page=1))
    with pytest.raises(InvalidCursorError):
        read_cursor(BY_START, beside)


def test_a_start_that_no_calendar_has_is_refused() -> None:
    raw = base64.urlsafe_b64decode(write_cursor(BY_START, STARTED) + "==")
    beyond = base64.urlsafe_b64encode(raw[:-8] + b"\x7f" + b"\xff" * 7).rstrip(b"=").decode()
    with pytest.raises(InvalidCursorError):
        read_cursor(BY_START, beyond)


@examples(200, 5000)
@given(st.text(max_size=60) | st.binary(max_size=40).map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
def test_any_text_is_refused(text: str) -> None:
    for query in (BY_CREATION, BY_START):
        with pytest.raises(InvalidCursorError):
            read_cursor(query, text)
