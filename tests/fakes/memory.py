"""The stores in memory, for tests: what they promise is in `tests/storage/contract.py`, as for the ones on DynamoDB.

What is kept is the text that DynamoDB would keep, so nothing mutable is shared, and encoding is exercised. They also
fail on request, in the ways that DynamoDB does and a dictionary does not.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from chalicelib.domain.books import NO_RECORDS, Records
from chalicelib.domain.obligations import due_at
from chalicelib.domain.sessions import Revision, Session
from chalicelib.storage import codec
from chalicelib.storage.stores import (
    Begun,
    ConflictError,
    Entry,
    Found,
    IdempotencyRecord,
    NewerSchemaError,
    NotFoundError,
    Position,
    Stretch,
    UnreadableError,
    Walk,
)
from tests.fakes.memory_books import MemoryBooks

WRITE_ID_BYTES = 6
READ_BYTES = 1024 * 1024
"""What one query reads (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.Pagination.html)."""

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)

Between = Callable[[], object]


def nothing() -> None:
    """What happens between a lost response and the SDK's retry, usually."""


@dataclass(frozen=True, slots=True)
class Kept:
    """One item of the sessions table. It is in the index `due` when it has both a shard and a time."""

    body: str
    revision: Revision
    start_time: str
    due_shard: int | None
    due_at: int | None


class MemorySessions:
    """Sessions. `entropy(n)` gives n random bytes."""

    def __init__(self, entropy: Callable[[int], bytes]) -> None:
        self._entropy = entropy
        self._lock = threading.RLock()
        self._items: dict[tuple[str, str], Kept] = {}
        self._lost: list[Between] = []
        self._read_bytes = READ_BYTES
        self.books = MemoryBooks()

    def get(self, team_id: str, session_id: str) -> Session:
        kept = self._kept(team_id, session_id)
        return codec.session_from(kept.body, kept.revision)

    def create(self, session: Session) -> Session:
        return self._put(session, lambda kept: kept is None)

    def save(self, session: Session, records: Records = NO_RECORDS) -> Session:
        if session.revision.schema > codec.SCHEMA:
            message = f"session {session.session_id} was written by a newer version"
            raise NewerSchemaError(message)
        version = session.revision.version
        return self._put(session, lambda kept: kept is not None and kept.revision.version == version, records)

    def due(self, shard: int, until: datetime, limit: int) -> list[tuple[str, str]]:
        latest = codec.milliseconds(until)
        with self._lock:
            found = [
                (kept.due_at, key)
                for key, kept in self._items.items()
                if kept.due_shard == shard and kept.due_at is not None and kept.due_at <= latest
            ]
        return [key for _, key in sorted(found)[:limit]]

    def remove(self, session: Session) -> None:
        key = (session.team_id, session.session_id)
        with self._lock:
            kept = self._items.get(key)
            if kept is not None and kept.revision.version != session.revision.version:
                message = f"session {session.session_id} was written by somebody else"
                raise ConflictError(message)
            self._items.pop(key, None)

    def push_back(self, team_id: str, session_id: str, until: datetime) -> None:
        with self._lock:
            kept = self._items.get((team_id, session_id))
            if kept is not None:
                self._items[team_id, session_id] = replace(kept, due_at=codec.milliseconds(until))

    def stretch(self, team_id: str, walk: Walk, after: Position | None, at_most: int | None) -> Stretch:
        with self._lock:
            ahead = self._ahead(team_id, walk, after)
            read, size = list[Found](), 0
            for place, kept in ahead:
                size += len(kept.body)
                if size > self._read_bytes or len(read) == at_most:
                    break
                read.append(Found(position_of(place), decoded(kept)))
        return Stretch(tuple(read), more=len(read) < len(ahead) or (len(read) == at_most))

    def _ahead(self, team_id: str, walk: Walk, after: Position | None) -> list[tuple[tuple[str, str], Kept]]:
        """The items not walked by yet, each at its place: (start or nothing, id)."""
        first = codec.sortable(walk.starts_from) if walk.starts_from else ""
        last = codec.sortable(walk.starts_until) if walk.starts_until else "~"
        places = {
            (kept.start_time if walk.by_start else "", session_id): kept
            for (team, session_id), kept in self._items.items()
            if team == team_id and (not walk.by_start or first <= kept.start_time <= last)
        }
        ahead = sorted(places.items(), key=lambda one: one[0], reverse=walk.reverse)
        if after is None:
            return ahead
        here = (codec.sortable(after.start_time) if after.start_time else "", after.session_id)
        return [(place, kept) for place, kept in ahead if (place < here if walk.reverse else place > here)]

    # --- what tests do to it ------------------------------------------------------------------------------------------

    def unreadable(self, team_id: str, session_id: str, due: datetime = LONG_AGO) -> None:
        """Keep an item there that cannot be decoded, due at that time."""
        shard = codec.due_shard(session_id)
        broken = Kept("{", Revision(1, ("00",), codec.SCHEMA), codec.sortable(due), shard, codec.milliseconds(due))
        with self._lock:
            self._items[team_id, session_id] = broken

    def written_by_newer_code(self, team_id: str, session_id: str) -> None:
        """Let the item be of the next schema."""
        with self._lock:
            kept = self._kept(team_id, session_id)
            newer = replace(kept.revision, schema=codec.SCHEMA + 1)
            self._items[team_id, session_id] = replace(kept, revision=newer)

    def lose_next_response(self, between: Between = nothing) -> None:
        """Let the next write take effect, and be tried again since its answer was lost; `between` runs before that."""
        self._lost.append(between)

    def read_at_most(self, size: int) -> None:
        """Let one read of a walk bring that many characters, as if its sessions were long."""
        self._read_bytes = size

    def ids(self) -> list[tuple[str, str]]:
        """(team_id, session_id) of every item."""
        with self._lock:
            return sorted(self._items)

    # --- inside -------------------------------------------------------------------------------------------------------

    def _kept(self, team_id: str, session_id: str) -> Kept:
        with self._lock:
            kept = self._items.get((team_id, session_id))
        if kept is None:
            message = f"no such session {session_id}"
            raise NotFoundError(message)
        return kept

    def _put(
        self, session: Session, condition: Callable[[Kept | None], bool], records: Records = NO_RECORDS
    ) -> Session:
        write_id = self._entropy(WRITE_ID_BYTES).hex()
        saved = codec.with_revision(session, codec.next_revision(session.revision, write_id))
        written = self._written(saved, condition, records)
        if written and self._lost:
            self._lost.pop(0)()
            written = self._written(saved, condition, records)
        if not written and not self._was_ours(session, write_id):
            message = f"session {session.session_id} was written by somebody else"
            raise ConflictError(message)
        return saved

    def _written(self, session: Session, condition: Callable[[Kept | None], bool], records: Records) -> bool:
        key, due = (session.team_id, session.session_id), due_at(session)
        with self._lock:
            if not condition(self._items.get(key)):
                return False
            self._items[key] = Kept(
                body=codec.session_text(session),
                revision=session.revision,
                start_time=codec.sortable(session.start_time),
                due_shard=codec.due_shard(session.session_id) if due else None,
                due_at=codec.milliseconds(due) if due else None,
            )
            self.books.write(records)
        return True

    def _was_ours(self, session: Session, write_id: str) -> bool:
        kept = self._items.get((session.team_id, session.session_id))
        return kept is not None and write_id in kept.revision.write_ids


def position_of(place: tuple[str, str]) -> Position:
    starts, session_id = place
    return Position(session_id, datetime.fromisoformat(starts) if starts else None)


def decoded(kept: Kept) -> Session | None:
    try:
        return codec.session_from(kept.body, kept.revision)
    except UnreadableError:
        return None


class MemoryEntries:
    def __init__(self) -> None:
        self._keys: set[tuple[str, str, str]] = set()

    def add(self, entry: Entry) -> None:
        self._keys.add((entry.team_id, entry.session_id, f"{codec.sortable(entry.entered_at)}#{entry.number}"))

    def of(self, team_id: str, session_id: str) -> list[Entry]:
        mine = sorted(key for team, session, key in self._keys if (team, session) == (team_id, session_id))
        found = (key.split("#") for key in mine)
        return [Entry(team_id, session_id, int(number), datetime.fromisoformat(at)) for at, number in found]

    def remove(self, entry: Entry) -> None:
        key = f"{codec.sortable(entry.entered_at)}#{entry.number}"
        self._keys.discard((entry.team_id, entry.session_id, key))


class MemoryIdempotency:
    """Idempotency records. `entropy(n)` gives n random bytes."""

    def __init__(self, entropy: Callable[[int], bytes]) -> None:
        self._entropy = entropy
        self._lock = threading.Lock()
        self._records: dict[str, IdempotencyRecord] = {}
        self._lost: list[Between] = []

    def begin(self, record: IdempotencyRecord, now: datetime) -> Begun:
        return self._put(record, lambda kept: kept is None or int(kept.expires_at.timestamp()) <= int(now.timestamp()))

    def save(self, before: IdempotencyRecord, after: IdempotencyRecord) -> IdempotencyRecord:
        saved = self._put(after, lambda kept: kept is not None and kept.write_id == before.write_id)
        if not saved.is_new:
            message = "the idempotency record was written by somebody else"
            raise ConflictError(message)
        return saved.record

    def lose_next_response(self, between: Between = nothing) -> None:
        """Let the next write take effect, and be tried again since its answer was lost; `between` runs before that."""
        self._lost.append(between)

    def removed(self, record_key: str) -> None:
        """As DynamoDB does with what has expired, some day."""
        self._records.pop(record_key, None)

    def all(self) -> list[IdempotencyRecord]:
        return sorted(self._records.values(), key=lambda record: record.record_key)

    def _put(self, record: IdempotencyRecord, condition: Callable[[IdempotencyRecord | None], bool]) -> Begun:
        written = replace(record, write_id=self._entropy(WRITE_ID_BYTES).hex())
        done = self._written(written, condition)
        if done and self._lost:
            self._lost.pop(0)()
            done = self._written(written, condition)
        if done:
            return Begun(written, is_new=True)
        standing = self._records.get(record.record_key)
        if standing is None:
            message = "the idempotency record was written by somebody else"
            raise ConflictError(message)
        return Begun(standing, is_new=standing.write_id == written.write_id)

    def _written(self, record: IdempotencyRecord, condition: Callable[[IdempotencyRecord | None], bool]) -> bool:
        with self._lock:
            if not condition(self._records.get(record.record_key)):
                return False
            self._records[record.record_key] = record
        return True
