"""Cursors of payments come back as they were written, for the team they were written for, and in no other way."""

from __future__ import annotations

import base64
import struct
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.flows.cursors import InvalidCursorError
from chalicelib.flows.payment_cursor import PaymentQuery, read_cursor, write_cursor
from chalicelib.storage.stores import LedgerPlace
from tests.support.examples import examples
from tests.support.world import NOON, OTHER_TEAM_ID, TEAM_ID

MILLISECOND = timedelta(milliseconds=1)
DAY = PaymentQuery(NOON, NOON + timedelta(days=1))
PLACE = LedgerPlace(NOON + timedelta(hours=1), "ch_3Q")
CURSOR = write_cursor(TEAM_ID, DAY, PLACE)


def test_a_cursor_is_read_as_it_was_written_and_brings_its_span_along() -> None:
    assert read_cursor(TEAM_ID, CURSOR) == replace(DAY, place=PLACE)


def test_a_cursor_needs_no_escaping_and_has_the_usual_limit() -> None:
    assert CURSOR == "Ab12YqXutBYUAAABnK5rZgAAAAGcs5HCAAAAAZyuolSAY2hfM1E"
    assert read_cursor(TEAM_ID, write_cursor(TEAM_ID, replace(DAY, limit=7), PLACE)).limit == 200


def test_another_teams_cursor_is_refused() -> None:
    with pytest.raises(InvalidCursorError, match=r"with the same filters \(from, to\)"):
        read_cursor(OTHER_TEAM_ID, CURSOR)


@pytest.mark.parametrize(
    "place",
    [
        LedgerPlace(NOON, "c"),
        LedgerPlace(NOON + timedelta(days=1) - MILLISECOND, "ch_3Q"),
        LedgerPlace(NOON, "\N{FULLWIDTH EQUALS SIGN}\n,"),
        LedgerPlace(NOON, "x" * 999),
    ],
)
def test_any_place_that_a_ledger_can_have_within_the_span_comes_back(place: LedgerPlace) -> None:
    assert read_cursor(TEAM_ID, write_cursor(TEAM_ID, DAY, place)).place == place


@pytest.mark.parametrize(
    "place",
    [
        LedgerPlace(NOON - MILLISECOND, "ch_3Q"),
        LedgerPlace(NOON + timedelta(days=1), "ch_3Q"),
        LedgerPlace(NOON, ""),
        LedgerPlace(NOON, "x" * 1000),
        LedgerPlace(NOON, "\N{FULLWIDTH EQUALS SIGN}" * 334),
    ],
)
def test_a_place_that_the_database_would_not_take_is_refused(place: LedgerPlace) -> None:
    """Made up by hand."""
    with pytest.raises(InvalidCursorError):
        read_cursor(TEAM_ID, write_cursor(TEAM_ID, DAY, place))


HEAD = struct.Struct(">B8sqqq")
RAW = base64.urlsafe_b64decode(CURSOR + "=" * (-len(CURSOR) % 4))
VERSION, TEAM, *TIMES = HEAD.unpack(RAW[: HEAD.size])


def as_text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "AA",
        "!",
        "\N{GRINNING FACE}",
        "\ud800",
        "x" * 100_000,
        CURSOR + "=",
        CURSOR + "\n",
        CURSOR[:-1],
        as_text(HEAD.pack(VERSION + 1, TEAM, *TIMES) + b"ch_3Q"),
        as_text(HEAD.pack(VERSION, b"otherone", *TIMES) + b"ch_3Q"),
        as_text(HEAD.pack(VERSION, TEAM, *TIMES) + b"\xff"),
        as_text(HEAD.pack(VERSION, TEAM, TIMES[1], TIMES[0], TIMES[2]) + b"ch_3Q"),
        as_text(HEAD.pack(VERSION, TEAM, TIMES[0], TIMES[0], TIMES[0]) + b"ch_3Q"),
        as_text(HEAD.pack(VERSION, TEAM, -(2**63), 2**63 - 1, 0) + b"ch_3Q"),
    ],
)
def test_what_is_no_cursor_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(InvalidCursorError) as refused:
        read_cursor(TEAM_ID, text)
    assert str(refused.value).startswith("is not a cursor of this list; send `next`")


@pytest.mark.parametrize(
    ("limit", "lasts"), [(0, timedelta(1)), (1001, timedelta(1)), (-1, timedelta(1)), (1, timedelta(0))]
)
def test_a_page_or_a_span_that_cannot_be_is_no_query(limit: int, lasts: timedelta) -> None:
    with pytest.raises(ValueError, match="1 to 1000 payments"):
        PaymentQuery(NOON, NOON + lasts, limit)


@examples(200, 5000)
@given(st.text(max_size=60) | st.binary(max_size=80).map(as_text))
def test_any_text_is_refused(text: str) -> None:
    with pytest.raises(InvalidCursorError):
        read_cursor(TEAM_ID, text)


@examples(100, 2000)
@given(st.integers(0, 86_399_999), st.text(st.characters(codec="utf-8"), min_size=1, max_size=60))
def test_any_place_within_the_span_is_read_back(after: int, charge_id: str) -> None:
    place = LedgerPlace(NOON + after * MILLISECOND, charge_id)
    assert read_cursor(TEAM_ID, write_cursor(TEAM_ID, DAY, place)) == replace(DAY, place=place)
