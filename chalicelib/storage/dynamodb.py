"""Sessions, entries and idempotency records on DynamoDB, through PynamoDB. Writes are conditional, reads of items
strongly consistent.

A conditional write whose response was lost is retried by the SDK and then fails its own condition
(https://github.com/aws/aws-sdk-java/issues/2667). So each write carries an id, the item keeps its last 16, and a failed
condition whose read-back holds ours was ours, with the records of its transaction. An idempotency record is recognised
by its last write id alone, since nobody else writes it while its lease runs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from pynamodb.expressions.condition import Condition
from pynamodb.transactions import TransactWrite

from chalicelib.domain.books import NO_RECORDS, Records
from chalicelib.domain.obligations import due_at
from chalicelib.domain.sessions import Revision, Session
from chalicelib.storage import codec
from chalicelib.storage.answers import readable, translated
from chalicelib.storage.dynamodb_books import audit_item, ledger_item
from chalicelib.storage.stores import (
    Begun,
    ConflictError,
    Entry,
    Found,
    IdempotencyRecord,
    NotFoundError,
    Position,
    Stretch,
    UnreadableError,
    Walk,
)
from chalicelib.storage.tables import EntryItem, IdempotencyItem, SessionItem

_WRITE_ID_BYTES = 6
_RECORD = "idempotency record"
_KEY_TAKEN = "the idempotency record was written by somebody else"


class DynamoSessions:
    """Sessions. `entropy(n)` gives n random bytes; `retention` is counted from a session's end.

    `books_retention` is that of ledger and audit rows, counted from their own time.
    """

    def __init__(self, entropy: Callable[[int], bytes], retention: timedelta, books_retention: timedelta) -> None:
        self._entropy = entropy
        self._retention = retention
        self._books_retention = books_retention

    def get(self, team_id: str, session_id: str) -> Session:
        with translated(f"session {session_id}"), readable(f"session {session_id}"):
            item = SessionItem.get(team_id, session_id, consistent_read=True)
            return _session(item)

    def create(self, session: Session) -> Session:
        return self._put(session, SessionItem.session_id.does_not_exist())

    def save(self, session: Session, records: Records = NO_RECORDS) -> Session:
        codec.check_writable(session)
        return self._put(session, SessionItem.version == session.revision.version, records)

    def _put(self, session: Session, condition: Condition, records: Records = NO_RECORDS) -> Session:
        write_id = self._entropy(_WRITE_ID_BYTES).hex()
        saved = codec.with_revision(session, codec.next_revision(session.revision, write_id))
        try:
            with translated(f"session {session.session_id}"):
                if records.is_empty:
                    self._item(saved).save(condition=condition)
                else:
                    self._transact(self._item(saved), condition, records, write_id)
        except ConflictError:
            if not self._was_ours(session, write_id):
                raise
        return saved

    def _transact(self, item: SessionItem, condition: Condition, records: Records, write_id: str) -> None:
        """One transaction of at most 100 items; its token makes the SDK's own retries harmless."""
        connection = SessionItem._get_connection().connection  # noqa: SLF001 (that of the models, with their limits)
        with TransactWrite(connection=connection, client_request_token=write_id) as transaction:
            transaction.save(item, condition=condition)
            for row in records.ledger:
                transaction.save(ledger_item(row, self._books_retention))
            if records.audit:
                transaction.save(audit_item(records.audit, self._books_retention))

    def _was_ours(self, session: Session, write_id: str) -> bool:
        try:
            with translated(f"session {session.session_id}"):
                item = SessionItem.get(session.team_id, session.session_id, consistent_read=True)
        except NotFoundError:
            return False
        return write_id in item.write_ids

    def _item(self, session: Session) -> SessionItem:
        due, text = due_at(session), codec.session_text(session)
        deflated = codec.packed(text)
        return SessionItem(
            team_id=session.team_id,
            session_id=session.session_id,
            start_time=codec.sortable(session.start_time),
            due_shard=codec.due_shard(session.session_id) if due else None,
            due_at=codec.milliseconds(due) if due else None,
            schema=session.revision.schema,
            version=session.revision.version,
            write_ids=list(session.revision.write_ids),
            expires_at_epoch=int((session.end_time + self._retention).timestamp()),
            body=None if deflated else text,
            packed=deflated,
        )

    def due(self, shard: int, until: datetime, limit: int) -> list[tuple[str, str]]:
        with translated(f"shard {shard}"):
            items = SessionItem.due.query(shard, SessionItem.due_at <= codec.milliseconds(until), limit=limit)
            return [(item.team_id, item.session_id) for item in items]

    def remove(self, session: Session) -> None:
        is_gone = SessionItem.session_id.does_not_exist()
        with translated(f"session {session.session_id}"):
            SessionItem(session.team_id, session.session_id).delete(
                condition=is_gone | (SessionItem.version == session.revision.version)
            )

    def push_back(self, team_id: str, session_id: str, until: datetime) -> None:
        try:
            with translated(f"session {session_id}"):
                SessionItem(team_id, session_id).update(
                    actions=[SessionItem.due_at.set(codec.milliseconds(until))],
                    condition=SessionItem.session_id.exists(),
                )
        except ConflictError:
            return

    def stretch(self, team_id: str, walk: Walk, after: Position | None, at_most: int | None) -> Stretch:
        if walk.starts_from and walk.starts_until and walk.starts_until < walk.starts_from:
            # DynamoDB takes no BETWEEN that is upside down.
            return Stretch()
        named: dict[str, Any] = {
            "scan_index_forward": not walk.reverse,
            "last_evaluated_key": _start_key(team_id, after) if after else None,
            "page_size": at_most,
        }
        with translated(f"list of team {team_id}"):
            if walk.by_start:
                pages = SessionItem.by_start.query(team_id, _start_between(walk), **named).page_iter
            else:
                pages = SessionItem.query(team_id, consistent_read=True, **named).page_iter
            items = next(pages)["Items"]
        return Stretch(tuple(_found(item, walk) for item in items), more=pages.last_evaluated_key is not None)


class DynamoEntries:
    """Who entered when."""

    def __init__(self, retention: timedelta) -> None:
        self._retention = retention

    def add(self, entry: Entry) -> None:
        item = EntryItem(
            _session_key(entry.team_id, entry.session_id),
            _entry_key(entry),
            expires_at_epoch=int((entry.entered_at + self._retention).timestamp()),
        )
        try:
            with translated(f"session {entry.session_id}"):
                item.save(condition=EntryItem.entry_key.does_not_exist())
        except ConflictError:
            return

    def of(self, team_id: str, session_id: str) -> list[Entry]:
        with translated(f"session {session_id}"):
            keys = [i.entry_key for i in EntryItem.query(_session_key(team_id, session_id), consistent_read=True)]
        found = (key.split("#") for key in keys)
        return [Entry(team_id, session_id, int(number), datetime.fromisoformat(at)) for at, number in found]

    def remove(self, entry: Entry) -> None:
        with translated(f"session {entry.session_id}"):
            EntryItem(_session_key(entry.team_id, entry.session_id), _entry_key(entry)).delete()


class DynamoIdempotency:
    """What keys were used for. `entropy(n)` gives n random bytes."""

    def __init__(self, entropy: Callable[[int], bytes]) -> None:
        self._entropy = entropy

    def begin(self, record: IdempotencyRecord, now: datetime) -> Begun:
        is_free = IdempotencyItem.record_key.does_not_exist()
        has_expired = IdempotencyItem.expires_at_epoch <= int(now.timestamp())
        return self._put(record, is_free | has_expired)

    def save(self, before: IdempotencyRecord, after: IdempotencyRecord) -> IdempotencyRecord:
        saved = self._put(after, IdempotencyItem.write_id == before.write_id)
        if not saved.is_new:
            raise ConflictError(_KEY_TAKEN)
        return saved.record

    def _put(self, record: IdempotencyRecord, condition: Condition) -> Begun:
        written = replace(record, write_id=self._entropy(_WRITE_ID_BYTES).hex())
        try:
            with translated(_RECORD):
                _idempotency_item(written).save(condition=condition)
        except ConflictError:
            standing = self._standing(record.record_key)
            return Begun(standing, is_new=standing.write_id == written.write_id)
        return Begun(written, is_new=True)

    def _standing(self, record_key: str) -> IdempotencyRecord:
        try:
            with translated(_RECORD), readable(_RECORD):
                return _idempotency_record(IdempotencyItem.get(record_key, consistent_read=True))
        except NotFoundError:
            raise ConflictError(_KEY_TAKEN) from None


def _session_key(team_id: str, session_id: str) -> str:
    return f"{team_id}#{session_id}"


def _entry_key(entry: Entry) -> str:
    return f"{codec.sortable(entry.entered_at)}#{entry.number}"


def _start_between(walk: Walk) -> Condition | None:
    first = codec.sortable(walk.starts_from) if walk.starts_from else None
    last = codec.sortable(walk.starts_until) if walk.starts_until else None
    if first and last:
        return SessionItem.start_time.between(first, last)
    if first:
        return SessionItem.start_time >= first
    return SessionItem.start_time <= last if last else None


def _start_key(team_id: str, after: Position) -> dict[str, dict[str, str]]:
    """As DynamoDB names a place: it need not be that of an item."""
    key = {"team_id": {"S": team_id}, "session_id": {"S": after.session_id}}
    return key | ({"start_time": {"S": codec.sortable(after.start_time)}} if after.start_time else {})


def _found(raw: dict[str, dict[str, Any]], walk: Walk) -> Found:
    starts = datetime.fromisoformat(raw["start_time"]["S"]) if walk.by_start else None
    position = Position(raw["session_id"]["S"], starts)
    try:
        with readable(f"session {position.session_id}"):
            item = SessionItem.from_raw_data(raw)
            return Found(position, _session(item))
    except UnreadableError:
        return Found(position, None)


def _idempotency_item(record: IdempotencyRecord) -> IdempotencyItem:
    return IdempotencyItem(
        record.record_key,
        body_hash=record.body_hash,
        planned_id=record.planned_id,
        lease_until=codec.milliseconds(record.lease_until),
        created_at=codec.milliseconds(record.created_at),
        expires_at_epoch=int(record.expires_at.timestamp()),
        write_id=record.write_id,
    )


def _idempotency_record(item: IdempotencyItem) -> IdempotencyRecord:
    return IdempotencyRecord(
        record_key=item.record_key,
        body_hash=item.body_hash,
        planned_id=item.planned_id,
        lease_until=codec.from_milliseconds(int(item.lease_until)),
        created_at=codec.from_milliseconds(int(item.created_at)),
        expires_at=codec.from_milliseconds(int(item.expires_at_epoch) * 1000),
        write_id=item.write_id,
    )


def _session(item: SessionItem) -> Session:
    """Raises UnreadableError."""
    text: str | None = codec.unpacked(item.packed) if item.packed else item.body
    if text is None:
        message = f"session {item.session_id} has no body"
        raise UnreadableError(message)
    return codec.session_from(text, _revision(item))


def _revision(item: SessionItem) -> Revision:
    return Revision(int(item.version), tuple(map(str, item.write_ids)), int(item.schema))
