"""Ledger, audit and parked events in memory, for tests: what they promise is in `tests/storage/books_contract.py`."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from chalicelib.domain.books import AuditRow, LedgerRow, Records
from chalicelib.storage import codec
from chalicelib.storage.stores import ConflictError, LedgerPlace, ParkedEvent

Texts = dict[tuple[str, str, str], str]
"""By team, time and id."""


class MemoryBooks:
    """What sessions wrote into ledger and audit, together with themselves."""

    def __init__(self) -> None:
        self._ledger: Texts = {}
        self._audit: Texts = {}

    def write(self, records: Records) -> None:
        for row in records.ledger:
            self._ledger[row.team_id, codec.sortable(row.paid_at), row.charge_id] = codec.ledger_text(row)
        if decided := records.audit:
            key = (decided.team_id, codec.sortable(decided.at), decided.audit_id)
            self._audit[key] = codec.audit_text(decided)

    def ledger(self) -> MemoryLedger:
        return MemoryLedger(self._ledger)

    def audit(self) -> MemoryAudit:
        return MemoryAudit(self._audit)


@dataclass(frozen=True, slots=True)
class MemoryLedger:
    texts: Texts

    def between(
        self,
        team_id: str,
        start: datetime,
        end: datetime,
        after: LedgerPlace | None = None,
        at_most: int | None = None,
    ) -> Iterator[LedgerRow]:
        rows = map(codec.ledger_from, texts_between(self.texts, team_id, start, end))
        place = (codec.sortable(after.paid_at), after.charge_id) if after else ("", "")
        yield from islice((row for row in rows if (codec.sortable(row.paid_at), row.charge_id) > place), at_most)


@dataclass(frozen=True, slots=True)
class MemoryAudit:
    texts: Texts

    def between(self, team_id: str, start: datetime, end: datetime) -> Iterator[AuditRow]:
        yield from map(codec.audit_from, texts_between(self.texts, team_id, start, end))


def texts_between(texts: Texts, team_id: str, start: datetime, end: datetime) -> list[str]:
    first, last = codec.sortable(start), codec.sortable(end)
    return [text for (team, at, _), text in sorted(texts.items()) if team == team_id and first <= at < last]


class MemoryParkedEvents:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._texts: dict[tuple[str, str], str] = {}

    def find(self, account: str, event_id: str) -> ParkedEvent | None:
        text = self._texts.get((account, event_id))
        return codec.parked_from(text) if text else None

    def save(self, before: ParkedEvent | None, after: ParkedEvent) -> None:
        with self._lock:
            if self.find(after.account, after.event_id) != before:
                message = f"event {after.event_id} was written by somebody else"
                raise ConflictError(message)
            self._texts[after.account, after.event_id] = codec.parked_text(after)

    def remove(self, event: ParkedEvent) -> None:
        self._texts.pop((event.account, event.event_id), None)

    def all(self) -> Iterator[ParkedEvent]:
        yield from [codec.parked_from(text) for _, text in sorted(self._texts.items())]
