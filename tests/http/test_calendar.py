"""The calendar file: a golden one, and the rules of RFC 5545 that break calendars when they are broken."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.sessions import Revision
from chalicelib.flows.open_link import OpenedLink
from chalicelib.http.calendar import appointment_of, calendar_text
from tests.http.opened_links import CANCELED, CANCELED_AT, GUEST, SESSION, TEAM, opened

URL = "https://clinic.example/session/AbC-_123"
APPOINTMENT = appointment_of(opened(session=replace(SESSION, revision=Revision(version=7))), URL)


def unfolded(text: str) -> list[str]:
    """The content lines as RFC 5545, section 3.1, reads them."""
    return text.replace("\r\n ", "").split("\r\n")


def test_the_file_says_where_and_when_and_nothing_else() -> None:
    assert calendar_text(APPOINTMENT).split("\r\n") == [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Anteroom//Anteroom//EN",
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
        "BEGIN:VEVENT",
        "UID:0197b3c4-d5e6-7788-99aa-bbccddeeff02",
        "DTSTAMP:20300108T200000Z",
        "DTSTART:20300108T220000Z",
        "DTEND:20300108T223000Z",
        "SEQUENCE:7",
        "SUMMARY:Appointment with Harbour Street Clinic",
        "DESCRIPTION:To go in\\, open your link: https://clinic.example/session/AbC-_",
        " 123",
        "URL:https://clinic.example/session/AbC-_123",
        "STATUS:CONFIRMED",
        "CLASS:PRIVATE",
        "END:VEVENT",
        "END:VCALENDAR",
        "",
    ]


@pytest.mark.parametrize(
    "link", [opened(session=CANCELED), opened(replace(GUEST, deleted_at=CANCELED_AT))], ids=["canceled", "removed"]
)
def test_what_will_not_take_place_is_cancelled_in_the_calendar_too(link: OpenedLink) -> None:
    assert "STATUS:CANCELLED" in unfolded(calendar_text(appointment_of(link, URL)))


def test_signs_with_a_meaning_in_calendars_are_escaped() -> None:
    link = opened(team=replace(TEAM, name="Eyes, ears; and \\ more\r\nEND:VCALENDAR"))
    lines = unfolded(calendar_text(appointment_of(link, URL)))
    assert "SUMMARY:Appointment with Eyes\\, ears\\; and \\\\ more END:VCALENDAR" in lines
    assert lines.count("END:VCALENDAR") == 1


@given(st.text(max_size=300))
def test_lines_are_folded_between_characters_and_read_back_whole(name: str) -> None:
    appointment = appointment_of(opened(team=replace(TEAM, name=name)), URL)
    raw = calendar_text(appointment).encode()
    assert all(len(line) <= 75 for line in raw.split(b"\r\n"))
    assert all(line.decode() == line.decode("utf-8", "ignore") for line in raw.split(b"\r\n"))
    assert raw.count(b"\n") == raw.count(b"\r") == raw.count(b"\r\n")
    summary = next(line for line in unfolded(raw.decode()) if line.startswith("SUMMARY:"))
    escaped = appointment.clinic.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    assert summary == f"SUMMARY:Appointment with {escaped}"


@pytest.mark.parametrize(
    "url", ["", "https://clinic.example/a b", "https://clinic.example/\r\nSTATUS:CANCELLED", "https://é"]
)
def test_an_address_that_could_add_a_line_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="ASCII"):
        replace(APPOINTMENT, entry_url=url)


def test_a_time_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        replace(APPOINTMENT, start_time=datetime(2030, 1, 8, 22, 0))  # noqa: DTZ001  (the case itself)


def test_the_link_does_not_appear_when_an_appointment_is_printed() -> None:
    assert "AbC-_123" not in repr(APPOINTMENT)
