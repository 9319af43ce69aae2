"""Times in and out, character by character, as existing clients write and compare them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.http import times
from chalicelib.http.times import InvalidTimeError, TimeFormat

AFTERNOON = datetime(2016, 6, 8, 13, 34, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment", "form"),
    [
        ("Wed, 08 Jun 2016 13:34:00 GMT", AFTERNOON, TimeFormat.RFC_1123),
        ("2016-06-08T13:34:00Z", AFTERNOON, TimeFormat.ISO_8601),
        ("2016-06-08T13:34Z", AFTERNOON, TimeFormat.ISO_8601),
        ("2016-06-08t13:34:00z", AFTERNOON, TimeFormat.ISO_8601),
        ("2016-06-08 13:34:00Z", AFTERNOON, TimeFormat.ISO_8601),
        ("2016-06-08T13:34:00.000Z", AFTERNOON, TimeFormat.ISO_8601),
        ("2016-06-08T13:34:00+00:00", AFTERNOON, TimeFormat.ISO_8601),
        ("2016-06-08T13:34:00-00:00", AFTERNOON, TimeFormat.ISO_8601),
        ("2016-06-08T23:04:00+09:30", AFTERNOON, TimeFormat.ISO_8601),
        ("2016-06-08T23:04:00+0930", AFTERNOON, TimeFormat.ISO_8601),
        ("2016-06-08T05:34:00-08:00", AFTERNOON, TimeFormat.ISO_8601),
        ("2016-06-08T13:34:00.25Z", AFTERNOON + timedelta(milliseconds=250), TimeFormat.ISO_8601),
        ("2016-06-08T13:34:00.123456789Z", AFTERNOON + timedelta(microseconds=123456), TimeFormat.ISO_8601),
        ("2016-02-29T00:00:00Z", datetime(2016, 2, 29, tzinfo=UTC), TimeFormat.ISO_8601),
    ],
)
def test_a_time_with_its_zone_is_read(text: str, moment: datetime, form: TimeFormat) -> None:
    assert times.read(text) == (moment, form)
    assert times.read(text)[0].tzinfo is UTC


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2016-06-08T13:34:00",  # no zone
        "2016-06-08 13:34:00",
        "2016-06-08",
        "1465392840",
        "Wed, 08 Jun 2016 13:34:00",
        "Wed, 08 Jun 2016 13:34:00 +0000",
        "Wed, 08 Jun 2016 13:34:00 PST",
        "Wed, 8 Jun 2016 13:34:00 GMT",
        "wed, 08 jun 2016 13:34:00 gmt",
        "Wed, 08 Foo 2016 13:34:00 GMT",
        "Wed, 31 Jun 2016 13:34:00 GMT",
        "Wed, 08 Jun 2016 25:34:00 GMT",
        "2016-06-31T13:34:00Z",
        "2015-02-29T00:00:00Z",
        "2016-06-08T24:34:00Z",
        "2016-06-08T13:34:60Z",
        "2016-06-08T13:34:00+24:00",
        "2016-06-08T13:34:00.1234567890Z",
        "0001-01-01T00:00:00+10:00",
        "9999-12-31T23:59:59-10:00",
        " 2016-06-08T13:34:00Z",
        "2016-06-08T13:34:00Z\n",
        "2016-06-08T13:34:00Z\x00",
        "2016-W23-3T13:34:00Z",
        "\u0662\u0660\u0661\u0666-\u0660\u0666-\u0660\u0668T13:34:00Z",
        "Wed, \u0660\u0668 Jun 2016 13:34:00 GMT",
        "2016-06-08T13:34:00Z" * 1000,
    ],
)
def test_anything_else_is_refused_with_what_to_send(text: str) -> None:
    with pytest.raises(InvalidTimeError, match="send a time with its zone, such as 2026-06-08T13:34:00Z"):
        times.read(text)


def test_rfc_1123_is_written_as_javascript_prints_it() -> None:
    """`new Date(Date.UTC(2016, 5, 8, 13, 34)).toUTCString()`: two digits for the day, GMT."""
    assert times.write(AFTERNOON, TimeFormat.RFC_1123) == "Wed, 08 Jun 2016 13:34:00 GMT"


def test_rfc_1123_cuts_what_it_cannot_hold() -> None:
    assert times.write(AFTERNOON + timedelta(milliseconds=999), TimeFormat.RFC_1123) == "Wed, 08 Jun 2016 13:34:00 GMT"


@pytest.mark.parametrize(
    ("microseconds", "text"),
    [(0, "2016-06-08T13:34:00.000Z"), (999, "2016-06-08T13:34:00.000Z"), (250_000, "2016-06-08T13:34:00.250Z")],
)
def test_iso_8601_is_written_in_utc_with_milliseconds(microseconds: int, text: str) -> None:
    adelaide = timezone(timedelta(hours=9, minutes=30))
    moment = (AFTERNOON + timedelta(microseconds=microseconds)).astimezone(adelaide)
    assert times.write(moment, TimeFormat.ISO_8601) == text


@pytest.mark.parametrize("form", TimeFormat)
def test_a_year_has_four_digits_in_every_century(form: TimeFormat) -> None:
    early = datetime(500, 1, 1, tzinfo=UTC)
    assert "0500" in times.write(early, form)
    assert times.read(times.write(early, form)) == (early, form)


_seconds = st.integers(0, 4_102_444_800).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))


@given(_seconds, st.sampled_from(TimeFormat))
def test_what_is_written_is_read_back_the_same(moment: datetime, form: TimeFormat) -> None:
    assert times.read(times.write(moment, form)) == (moment, form)


@given(st.text(max_size=40))
def test_no_text_breaks_the_reader(text: str) -> None:
    try:
        moment, _ = times.read(text)
    except InvalidTimeError:
        return
    assert moment.tzinfo is UTC
