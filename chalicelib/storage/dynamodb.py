"""The stores on DynamoDB, through PynamoDB. Every write is conditional, every item read is strongly consistent.

A conditional write whose response was lost is retried by the SDK and then fails its own condition
(https://github.com/aws/aws-sdk-java/issues/2667). So each write carries an id, the item keeps its last 16, and a failed
condition whose read-back holds ours was ours. A team or client is recognised by its text instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from pynamodb.exceptions import DoesNotExist, PynamoDBException
from pynamodb.expressions.condition import Condition

from chalicelib.domain.api_clients import ApiClient
from chalicelib.domain.obligations import due_at
from chalicelib.domain.sessions import Revision, Session
from chalicelib.domain.teams import Team
from chalicelib.storage import codec
from chalicelib.storage.stores import (
    ConflictError,
    Entry,
    NewerSchemaError,
    NotFoundError,
    StoreUnavailableError,
    UnreadableError,
)
from chalicelib.storage.tables import ApiClientItem, EntryItem, SessionItem, TeamItem

_WRITE_ID_BYTES = 6


class DynamoSessions:
    """Sessions. `entropy(n)` gives n random bytes; `retention` is counted from a session's end."""

    def __init__(self, entropy: Callable[[int], bytes], retention: timedelta) -> None:
        self._entropy = entropy
        self._retention = retention

    def get(self, team_id: str, session_id: str) -> Session:
        with _translated(f"session {session_id}"), _readable(f"session {session_id}"):
            item = SessionItem.get(team_id, session_id, consistent_read=True)
            return codec.session_from(item.body, _revision(item))

    def create(self, session: Session) -> Session:
        return self._put(session, SessionItem.session_id.does_not_exist())

    def save(self, session: Session) -> Session:
        if session.revision.schema > codec.SCHEMA:
            message = f"session {session.session_id} was written by a newer version"
            raise NewerSchemaError(message)
        return self._put(session, SessionItem.version == session.revision.version)

    def _put(self, session: Session, condition: Condition) -> Session:
        write_id = self._entropy(_WRITE_ID_BYTES).hex()
        saved = codec.with_revision(session, codec.next_revision(session.revision, write_id))
        try:
            with _translated(f"session {session.session_id}"):
                self._item(saved).save(condition=condition)
        except ConflictError:
            if not self._was_ours(session, write_id):
                raise
        return saved

    def _was_ours(self, session: Session, write_id: str) -> bool:
        try:
            with _translated(f"session {session.session_id}"):
                item = SessionItem.get(session.team_id, session.session_id, consistent_read=True)
        except NotFoundError:
            return False
        return write_id in item.write_ids

    def _item(self, session: Session) -> SessionItem:
        due = due_at(session)
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
            body=codec.session_text(session),
        )

    def due(self, shard: int, until: datetime, limit: int) -> list[tuple[str, str]]:
        with _translated(f"shard {shard}"):
            items = SessionItem.due.query(shard, SessionItem.due_at <= codec.milliseconds(until), limit=limit)
            return [(item.team_id, item.session_id) for item in items]

    def push_back(self, team_id: str, session_id: str, until: datetime) -> None:
        try:
            with _translated(f"session {session_id}"):
                SessionItem(team_id, session_id).update(
                    actions=[SessionItem.due_at.set(codec.milliseconds(until))],
                    condition=SessionItem.session_id.exists(),
                )
        except ConflictError:
            return


class DynamoTeams:
    """Teams, each one document."""

    def get(self, team_id: str) -> Team:
        return codec.team_from(self._text(team_id))

    def _text(self, team_id: str) -> str:
        with _translated(f"team {team_id}"):
            return TeamItem.get(team_id, consistent_read=True).body

    def create(self, team: Team) -> None:
        self._put(team, TeamItem.team_id.does_not_exist())

    def save(self, before: Team, after: Team) -> None:
        """The condition is on the text as it is kept: an older release may have written it with fewer fields."""
        text = self._text(after.team_id)
        if codec.team_from(text) != before:
            message = f"team {after.team_id} was written by somebody else"
            raise ConflictError(message)
        self._put(after, TeamItem.body == text)

    def _put(self, team: Team, condition: Condition) -> None:
        try:
            with _translated(f"team {team.team_id}"):
                TeamItem(team.team_id, body=codec.team_text(team)).save(condition=condition)
        except ConflictError:
            if self.get(team.team_id) != team:
                raise

    def all(self) -> Iterator[Team]:
        with _translated("teams"):
            yield from (codec.team_from(item.body) for item in TeamItem.scan(consistent_read=True))


class DynamoApiClients:
    """API clients, each one document that holds hashes only."""

    def find(self, client_id: str) -> ApiClient | None:
        text = self._text(client_id)
        return None if text is None else codec.client_from(text)

    def _text(self, client_id: str) -> str | None:
        try:
            with _translated("api client"):
                return ApiClientItem.get(client_id, consistent_read=True).body
        except NotFoundError:
            return None

    def create(self, client: ApiClient) -> None:
        self._put(client, ApiClientItem.client_id.does_not_exist())

    def save(self, before: ApiClient, after: ApiClient) -> None:
        """The condition is on the text as it is kept: an older release may have written it with fewer fields."""
        text = self._text(after.client_id)
        if text is None or codec.client_from(text) != before:
            message = "api client was written by somebody else"
            raise ConflictError(message)
        self._put(after, ApiClientItem.body == text)

    def _put(self, client: ApiClient, condition: Condition) -> None:
        try:
            with _translated("api client"):
                ApiClientItem(client.client_id, body=codec.client_text(client)).save(condition=condition)
        except ConflictError:
            if self.find(client.client_id) != client:
                raise


class DynamoEntries:
    """Who entered when."""

    def __init__(self, retention: timedelta) -> None:
        self._retention = retention

    def add(self, entry: Entry) -> None:
        item = EntryItem(
            _session_key(entry.team_id, entry.session_id),
            f"{codec.sortable(entry.entered_at)}#{entry.number}",
            expires_at_epoch=int((entry.entered_at + self._retention).timestamp()),
        )
        try:
            with _translated(f"session {entry.session_id}"):
                item.save(condition=EntryItem.entry_key.does_not_exist())
        except ConflictError:
            return

    def of(self, team_id: str, session_id: str) -> list[Entry]:
        with _translated(f"session {session_id}"):
            keys = [i.entry_key for i in EntryItem.query(_session_key(team_id, session_id), consistent_read=True)]
        found = (key.split("#") for key in keys)
        return [Entry(team_id, session_id, int(number), datetime.fromisoformat(at)) for at, number in found]


def _session_key(team_id: str, session_id: str) -> str:
    return f"{team_id}#{session_id}"


def _revision(item: SessionItem) -> Revision:
    return Revision(int(item.version), tuple(map(str, item.write_ids)), int(item.schema))


@contextmanager
def _readable(what: str) -> Iterator[None]:
    """An item with an attribute missing, or of another type than it should have, as UnreadableError."""
    try:
        yield
    except TypeError:
        message = f"{what} lacks something, or has something of another type"
        raise UnreadableError(message) from None


@contextmanager
def _translated(what: str) -> Iterator[None]:
    """PynamoDB's errors as ours, naming `what` by its id; the cause is cut off, since it quotes requests."""
    try:
        yield
    except DoesNotExist:
        message = f"no such {what}"
        raise NotFoundError(message) from None
    except PynamoDBException as error:
        code = _answered_code(error)
        if code == "ConditionalCheckFailedException":
            message = f"{what} was written by somebody else"
            raise ConflictError(message) from None
        message = f"{what}: DynamoDB did not answer well ({code or type(error.cause or error).__name__})"
        raise StoreUnavailableError(message) from None


def _answered_code(error: PynamoDBException) -> str | None:
    """DynamoDB's code, if there was an answer. PynamoDB's own way of asking raises after a read that timed out."""
    answer = getattr(error.cause, "response", None)
    return error.cause_response_code if isinstance(answer, dict) else None
