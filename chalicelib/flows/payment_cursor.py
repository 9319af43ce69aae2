"""Which payments a list shows, and its cursor: where the list goes on, as opaque text; reads and keeps nothing.

A cursor is opaque text (`cursors.py`) of

    version (1) | hash of the team (8) | from (8) | to (8) | time paid (8) | the charge's id

with times in ms since 1970. It carries the span, so that a list whose end was left out goes on to the end that it began
with, which was "now" then; and whose it is, since another team's cursor can only be a mistake where money is counted.
Nothing about it is secret, so it is not signed.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from datetime import datetime

from chalicelib.flows.cursors import InvalidCursorError, from_text, to_text
from chalicelib.storage.codec import from_milliseconds, milliseconds
from chalicelib.storage.stores import LedgerPlace

USUAL_PAGE = 200
MOST_ON_A_PAGE = 1_000

_VERSION = 1
_HEAD = struct.Struct(">B8sqqq")
_FILTERS = ("from", "to")
_LONGEST_ID = 1024 - len("2026-03-02T12:00:00.000Z#")
"""Bytes; what a sort key of the ledger holds of it (DynamoDB's limit is 1024), so no row is kept that has more."""


@dataclass(frozen=True, slots=True)
class PaymentQuery:
    """Those paid in [start, end), to the millisecond, from behind `place` on, and no more of them than `limit`.

    Raises ValueError for a limit or a span that cannot be.
    """

    start: datetime
    end: datetime
    limit: int = USUAL_PAGE
    place: LedgerPlace | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.limit <= MOST_ON_A_PAGE or self.end <= self.start:
            message = f"a page has 1 to {MOST_ON_A_PAGE} payments, and a span ends after it begins"
            raise ValueError(message)


def write_cursor(team_id: str, query: PaymentQuery, place: LedgerPlace) -> str:
    times = (milliseconds(moment) for moment in (query.start, query.end, place.paid_at))
    return to_text(_HEAD.pack(_VERSION, _hash_of(team_id), *times) + place.charge_id.encode())


def read_cursor(team_id: str, text: str) -> PaymentQuery:
    """What follows there, with the usual limit. Raises InvalidCursorError, also for another team's."""
    try:
        packed = from_text(text)
        version, team, *times = _HEAD.unpack(packed[: _HEAD.size])
        start, end, paid_at = (from_milliseconds(one) for one in times)
        place = LedgerPlace(paid_at, packed[_HEAD.size :].decode())
        query = PaymentQuery(start, end, place=place)
    except (ValueError, struct.error, OverflowError):
        raise invalid_cursor() from None
    if (version, team) != (_VERSION, _hash_of(team_id)) or not _is_on_the_way(query, place):
        raise invalid_cursor()
    return query


def invalid_cursor() -> InvalidCursorError:
    """How a cursor of these lists is refused."""
    return InvalidCursorError(*_FILTERS)


def _is_on_the_way(query: PaymentQuery, place: LedgerPlace) -> bool:
    """Made up by hand: DynamoDB refuses a place outside of the span, and a key that is too long."""
    return query.start <= place.paid_at < query.end and 1 <= len(place.charge_id.encode()) <= _LONGEST_ID


def _hash_of(team_id: str) -> bytes:
    return hashlib.sha256(team_id.encode()).digest()[:8]
