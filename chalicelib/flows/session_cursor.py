"""The cursor of a list of sessions: where the list goes on, as opaque text; reads and keeps nothing.

base64url without padding (RFC 4648, section 5) of

    version (1) | hash of the filters (8) | page (4) | session id (16) | start, in ms since 1970 (8)

where the start is there in lists by start only. Every cursor has one spelling. The team is not in it: the caller's own
is used, so that a cursor of another team's is no more than a place between the caller's own sessions. Nothing about it
is secret, so it is not signed.
"""

from __future__ import annotations

import hashlib
import json
import struct
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from chalicelib.flows.cursors import InvalidCursorError, from_text, to_text
from chalicelib.storage.codec import from_milliseconds, milliseconds
from chalicelib.storage.stores import Position

MOST_ON_A_PAGE = 200

_VERSION = 1
_BY_CREATION = struct.Struct(">B8sI16s")
_BY_START = struct.Struct(">B8sI16sq")
_LAST_PAGE = 2**32 - 1
_FILTERS = ("start_time", "end_time", "order", "include_canceled", "state")


@dataclass(frozen=True, slots=True)
class SessionQuery:
    """Which sessions, and which page of them. Raises ValueError for a page or page size that cannot be.

    `starts_from`: starting then or later; `ends_until`: ending then or before; with either, the order is by start, else
    by creation. `state`: a participant who was not removed has it. With a `cursor`, `page` is not looked at.
    """

    page: int = 0
    page_size: int = MOST_ON_A_PAGE
    starts_from: datetime | None = None
    ends_until: datetime | None = None
    reverse: bool = False
    include_canceled: bool = False
    state: str | None = None
    cursor: str | None = None

    def __post_init__(self) -> None:
        if self.page < 0 or not 1 <= self.page_size <= MOST_ON_A_PAGE:
            message = f"page counts from 0, page_size from 1 to {MOST_ON_A_PAGE}"
            raise ValueError(message)

    @property
    def is_by_start(self) -> bool:
        return self.starts_from is not None or self.ends_until is not None

    @property
    def is_filtered(self) -> bool:
        """Whether sessions may be read that are not listed."""
        return not self.include_canceled or self.state is not None or self.ends_until is not None


@dataclass(frozen=True, slots=True)
class Cursor:
    """`page` begins behind `position`."""

    position: Position
    page: int


def write_cursor(query: SessionQuery, cursor: Cursor) -> str:
    session_id, page = UUID(cursor.position.session_id).bytes, min(cursor.page, _LAST_PAGE)
    fields = (_VERSION, _filters(query), page, session_id)
    starts = cursor.position.start_time
    return to_text(_BY_START.pack(*fields, milliseconds(starts)) if starts else _BY_CREATION.pack(*fields))


def read_cursor(query: SessionQuery, text: str) -> Cursor:
    """Raises InvalidCursorError, also for one that was made with other filters."""
    layout = _BY_START if query.is_by_start else _BY_CREATION
    try:
        version, filters, page, session_id, *starts = layout.unpack(from_text(text))
        position = Position(str(UUID(bytes=session_id)), from_milliseconds(starts[0]) if starts else None)
    except (ValueError, struct.error, OverflowError):
        raise InvalidCursorError(*_FILTERS) from None
    if (version, filters) != (_VERSION, _filters(query)) or not _is_on_the_way(query, position.start_time):
        raise InvalidCursorError(*_FILTERS)
    return Cursor(position, page)


def _is_on_the_way(query: SessionQuery, starts: datetime | None) -> bool:
    """Made up by hand: DynamoDB refuses a place outside of the times that are asked for."""
    if starts is None:
        return True
    at, first, last = milliseconds(starts), query.starts_from, query.ends_until
    return (first is None or milliseconds(first) <= at) and (last is None or at <= milliseconds(last))


def _filters(query: SessionQuery) -> bytes:
    """A hash of all that decides which sessions are listed in which order; the page's size may change on the way."""
    times = [moment.astimezone(UTC).isoformat() if moment else None for moment in (query.starts_from, query.ends_until)]
    text = json.dumps([*times, query.reverse, query.include_canceled, query.state])
    return hashlib.sha256(text.encode()).digest()[:8]
