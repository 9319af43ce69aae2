"""Times as clients write them: RFC 1123 or ISO 8601 in, and out in the form that the request used.

One existing client compares the RFC text that it sent; another can only parse ISO.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from enum import StrEnum

_RFC_1123 = re.compile(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT", re.ASCII)
_ISO_8601 = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?([Zz]|[+-]\d{2}:?\d{2})?", re.ASCII)

EXPECTED = "send a time with its zone, such as 2026-06-08T13:34:00Z or Mon, 08 Jun 2026 13:34:00 GMT"


class TimeFormat(StrEnum):
    RFC_1123 = "rfc1123"
    ISO_8601 = "iso8601"


class InvalidTimeError(ValueError):
    """Not a time as this API takes it. The message says what to send."""


def read(text: str) -> tuple[datetime, TimeFormat]:
    """The moment, in UTC, and the form it was written in. Raises InvalidTimeError, also without a zone."""
    try:
        if _RFC_1123.fullmatch(text):
            return parsedate_to_datetime(text).astimezone(UTC), TimeFormat.RFC_1123
        if _ISO_8601.fullmatch(text):
            moment = datetime.fromisoformat(text.upper())
            if moment.tzinfo is not None:
                return moment.astimezone(UTC), TimeFormat.ISO_8601
    except (ValueError, OverflowError):
        pass
    raise InvalidTimeError(EXPECTED)


def write(moment: datetime, form: TimeFormat) -> str:
    """RFC 1123 exactly as JavaScript's `toUTCString()`, or ISO 8601 in UTC with milliseconds and `Z`."""
    utc = moment.astimezone(UTC)
    if form is TimeFormat.RFC_1123:
        return format_datetime(utc.replace(microsecond=0), usegmt=True)
    return utc.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
