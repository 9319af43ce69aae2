"""The appointment as a calendar file (RFC 5545), for the client's own calendar. Says nothing of why or how much.

Their link stands in the file, since it is theirs; whoever writes the response must not log it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from chalicelib.flows.open_link import OpenedLink
from chalicelib.http.pages.view import clinic_name

CONTENT_TYPE: Final = "text/calendar; charset=utf-8"
FILE_NAME: Final = "appointment.ics"

_LINE_OCTETS: Final = 75
"""RFC 5545, section 3.1: a line's length in octets, its break not counted."""

_TEXT_ESCAPES: Final = str.maketrans({"\\": "\\\\", ";": "\\;", ",": "\\,"})
"""RFC 5545, section 3.3.11; there is no line end to escape, since all text here is on one line."""

_URI: Final = re.compile(r"[!-~]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Appointment:
    """One calendar entry. `sequence` only grows, so that a calendar knows the newer of two files.

    `clinic` is on one line and `entry_url` a URI (RFC 3986). Times are aware.
    """

    participant_id: str
    clinic: str
    entry_url: str = field(repr=False)
    start_time: datetime
    end_time: datetime
    written_at: datetime
    sequence: int = 0
    canceled: bool = False

    def __post_init__(self) -> None:
        if not _URI.fullmatch(self.entry_url):
            message = "an address in a calendar is ASCII without spaces or line ends"
            raise ValueError(message)
        if any(at.tzinfo is None for at in (self.start_time, self.end_time, self.written_at)):
            message = "a calendar takes aware times"
            raise ValueError(message)


def appointment_of(link: OpenedLink, entry_url: str) -> Appointment:
    """The appointment of whoever holds the link."""
    session, participant = link.session, link.participant
    return Appointment(
        participant_id=session.participant_id(participant.number),
        clinic=clinic_name(link.team.name),
        entry_url=entry_url,
        start_time=session.start_time,
        end_time=session.end_time,
        written_at=link.now,
        sequence=session.revision.version,
        canceled=session.canceled_at is not None or participant.deleted_at is not None,
    )


def calendar_text(appointment: Appointment) -> str:
    """The file, in lines that end with CR LF; to be sent in UTF-8."""
    return "".join(f"{piece}\r\n" for line in _lines(appointment) for piece in _folded(line))


def _lines(appointment: Appointment) -> Iterator[str]:
    yield from ("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Anteroom//Anteroom//EN", "CALSCALE:GREGORIAN")
    yield from ("METHOD:PUBLISH", "BEGIN:VEVENT")
    yield f"UID:{appointment.participant_id}"
    yield f"DTSTAMP:{_utc(appointment.written_at)}"
    yield f"DTSTART:{_utc(appointment.start_time)}"
    yield f"DTEND:{_utc(appointment.end_time)}"
    yield f"SEQUENCE:{appointment.sequence}"
    yield f"SUMMARY:{_text('Appointment with ' + appointment.clinic)}"
    # Several calendars show no URL, but all show a description.
    yield f"DESCRIPTION:{_text('To go in, open your link: ' + appointment.entry_url)}"
    yield f"URL:{appointment.entry_url}"
    yield f"STATUS:{'CANCELLED' if appointment.canceled else 'CONFIRMED'}"
    yield from ("CLASS:PRIVATE", "END:VEVENT", "END:VCALENDAR")


def _utc(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def _text(text: str) -> str:
    return text.translate(_TEXT_ESCAPES)


def _folded(line: str) -> Iterator[str]:
    """Cut between characters, never inside one; each piece after the first begins with a space that counts."""
    piece = ""
    for character in line:
        if len((piece + character).encode()) > _LINE_OCTETS:
            yield piece
            piece = " "
        piece += character
    yield piece
