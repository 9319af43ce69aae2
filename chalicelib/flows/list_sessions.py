"""List a team's sessions, a page at a time: reads, filters and cuts; changes nothing.

A page ends when it is full, or before the session with which the answer would pass LARGEST_ANSWER. `page=N` counts
pages from the beginning by this very rule, so no session is skipped when pages end early, and reads all that lies
before; a cursor begins where the page before ended, and costs the same however far that is.

Filters that are no part of an index's key are applied to what was read, so a page may take several reads of 1 MB. When
time is short the page ends with what there is: `more` says that there may be more, and `next` where to go on. Otherwise
`more` is exact, since one session further is looked for.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace

from chalicelib.domain.facts import NOTHING_YET
from chalicelib.domain.sessions import Session
from chalicelib.flows.context import Context
from chalicelib.flows.session_cursor import Cursor, SessionQuery, read_cursor, write_cursor
from chalicelib.storage.codec import session_text
from chalicelib.storage.stores import Position, Walk

LARGEST_ANSWER = 5_000_000
"""Bytes; Lambda refuses answers over 6 MB (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html)."""

ADDED_BYTES = 1_500
"""What an answer holds for a session, and for each participant, beyond what is kept: links, ids, names of fields."""

SECONDS_KEPT_BACK = 10
"""No further read is begun with less: one may take 6 s (connect 1 s, read 2 s, twice), then the answer is written."""

log = logging.getLogger("anteroom.list_sessions")


class PageTooFarError(Exception):
    """There was no time to count to the page that was asked for."""

    def __init__(self) -> None:
        super().__init__("is too far to be counted to; send `next` of the answer before as `cursor` instead")


@dataclass(frozen=True, slots=True)
class SessionPage:
    """`next`: the cursor of the page that follows; None on the last."""

    sessions: tuple[Session, ...]
    page: int
    page_size: int
    next: str | None

    @property
    def more(self) -> bool:
        return self.next is not None


@dataclass(frozen=True, slots=True)
class _Match:
    """A session to be listed, and where the walk stood before it. `session` None: there was no time to look for it."""

    session: Session | None
    before: Position | None


def list_sessions(ctx: Context, team_id: str, query: SessionQuery) -> SessionPage:
    """One page. Raises InvalidCursorError, PageTooFarError, StoreUnavailableError."""
    start = read_cursor(query, query.cursor) if query.cursor is not None else None
    page = start.page if start else 0
    wanted = start.page if start else query.page
    sessions, size = list[Session](), 0
    for match in _matches(ctx, team_id, query, start.position if start else None, wanted - page + 1):
        if match.session is None:
            if page < wanted:
                raise PageTooFarError
            return _page(query, sessions, page, match.before)
        added = answer_size(match.session)
        if len(sessions) == query.page_size or (sessions and size + added > LARGEST_ANSWER):
            if page == wanted:
                return _page(query, sessions, page, match.before)
            page, sessions, size = page + 1, [], 0
        sessions.append(match.session)
        size += added
    return _page(query, sessions if page == wanted else [], wanted, None)


def _page(query: SessionQuery, sessions: list[Session], page: int, end: Position | None) -> SessionPage:
    following = write_cursor(query, Cursor(end, page + 1)) if end else None
    return SessionPage(tuple(sessions), page, query.page_size, following)


def _matches(ctx: Context, team_id: str, query: SessionQuery, after: Position | None, pages: int) -> Iterator[_Match]:
    """What matches from there on. The first read is always made, so that whoever follows the cursor gets on."""
    walk, ahead = _walk(query), _read_ahead(query, pages)
    while True:
        stretch = ctx.sessions.stretch(team_id, walk, after, ahead if ahead > 0 else None)
        for found in stretch.found:
            if found.session is None:
                log.error("unreadable_session", extra={"session_id": found.position.session_id})
            elif is_listed(found.session, query):
                yield _Match(found.session, after)
            after = found.position
        if not stretch.more:
            return
        if ctx.deadline.left() < SECONDS_KEPT_BACK:
            yield _Match(None, after)
            return
        ahead -= len(stretch.found)


def _walk(query: SessionQuery) -> Walk:
    """What ends by then starts by then, too, and that is a condition on the index's key."""
    return Walk(query.is_by_start, query.reverse, query.starts_from, query.ends_until)


def _read_ahead(query: SessionQuery, pages: int) -> int:
    """How many sessions to read before reading by the megabyte: these pages and one, a quarter more if some drop."""
    sessions = pages * query.page_size + 1
    return min(sessions + sessions // 4 if query.is_filtered else sessions, 1_000_000)


def is_listed(session: Session, query: SessionQuery) -> bool:
    """Whether the session is one of those that are asked for."""
    return (
        (query.include_canceled or session.canceled_at is None)
        and (query.starts_from is None or session.start_time >= query.starts_from)
        and (query.ends_until is None or session.end_time <= query.ends_until)
        and (query.state is None or _has_state(session, query.state))
    )


def _has_state(session: Session, state: str) -> bool:
    return any(one.state == state and one.deleted_at is None for one in session.participants)


def answer_size(session: Session) -> int:
    """Bytes, rather too many, that a session takes in an answer as Lambda sends it: JSON in a JSON string, in ASCII."""
    told = replace(session, participants=tuple(replace(one, history=NOTHING_YET) for one in session.participants))
    return len(json.dumps(session_text(told))) + ADDED_BYTES * (1 + len(session.participants))
