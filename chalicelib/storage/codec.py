"""The text in which a session, a team or a row of the books is kept: one JSON document, beside keys and indexes.

Measured against nested maps in `bench/session_body.py`; see docs/decisions.md. Decoding ignores fields it does not
know, which is why an item of a newer schema is never written by older code.
"""

from __future__ import annotations

import zlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import msgspec

from chalicelib.domain.api_clients import ApiClient
from chalicelib.domain.books import AuditRow, LedgerRow
from chalicelib.domain.sessions import Revision, Session
from chalicelib.domain.teams import Team
from chalicelib.storage.stores import DUE_SHARDS, NewerSchemaError, ParkedEvent, StripeAccount, UnreadableError

SCHEMA = 1
"""Of the session's document. A field ships one release before it is written."""

LONGEST_UNPACKED = 64 * 1024
"""Characters. An ordinary session has 2,000, and is kept as a text that people and other programs can read."""

WRITE_IDS_KEPT = 16

Kept = TypeVar("Kept")

_sessions = msgspec.json.Decoder(Session)
_teams = msgspec.json.Decoder(Team)
_clients = msgspec.json.Decoder(ApiClient)
_accounts = msgspec.json.Decoder(StripeAccount)
_ledger = msgspec.json.Decoder(LedgerRow)
_audit = msgspec.json.Decoder(AuditRow)
_parked = msgspec.json.Decoder(ParkedEvent)
_encoder = msgspec.json.Encoder()


def session_text(session: Session) -> str:
    return _encoder.encode(replace(session, revision=Revision())).decode()


def session_from(text: str, revision: Revision) -> Session:
    """Raises UnreadableError."""
    return replace(_decoded(_sessions, text, "a session"), revision=revision)


def packed(text: str) -> bytes | None:
    """A long text as it is kept: deflated, so that 400 KB hold the facts of any session. None: it is kept as it is."""
    return zlib.compress(text.encode()) if len(text) > LONGEST_UNPACKED else None


def unpacked(deflated: bytes) -> str:
    """Raises UnreadableError."""
    try:
        return zlib.decompress(deflated).decode()
    except (zlib.error, UnicodeError) as error:
        message = f"a session does not unpack: {type(error).__name__}"
        raise UnreadableError(message) from None


def session_size(session: Session) -> int:
    """Bytes of the document."""
    return len(_encoder.encode(session))


def stored_size(session: Session) -> int:
    """Bytes of the document as it is kept, packed if it is long."""
    text = session_text(session)
    return len(packed(text) or text.encode())


def team_text(team: Team) -> str:
    return _encoder.encode(team).decode()


def team_from(text: str) -> Team:
    """Raises UnreadableError."""
    return _decoded(_teams, text, "a team")


def account_text(account: StripeAccount) -> str:
    return _encoder.encode(account).decode()


def account_from(text: str) -> StripeAccount:
    """Raises UnreadableError."""
    return _decoded(_accounts, text, "a Stripe account")


def ledger_text(row: LedgerRow) -> str:
    return _encoder.encode(row).decode()


def ledger_from(text: str) -> LedgerRow:
    """Raises UnreadableError."""
    return _decoded(_ledger, text, "a ledger row")


def audit_text(row: AuditRow) -> str:
    return _encoder.encode(row).decode()


def audit_from(text: str) -> AuditRow:
    """Raises UnreadableError."""
    return _decoded(_audit, text, "an audit row")


def parked_text(event: ParkedEvent) -> str:
    return _encoder.encode(event).decode()


def parked_from(text: str) -> ParkedEvent:
    """Raises UnreadableError."""
    return _decoded(_parked, text, "a parked event")


def client_text(client: ApiClient) -> str:
    return _encoder.encode(client).decode()


def client_from(text: str) -> ApiClient:
    """Raises UnreadableError."""
    return _decoded(_clients, text, "an API client")


def _decoded(decoder: msgspec.json.Decoder[Kept], text: str, what: str) -> Kept:
    try:
        return decoder.decode(text)
    except (msgspec.DecodeError, UnicodeError) as error:
        # The cause may quote what people wrote.
        message = f"{what} does not decode: {type(error).__name__}"
        raise UnreadableError(message) from None


def due_shard(session_id: str) -> int:
    return zlib.crc32(session_id.encode()) % DUE_SHARDS


def milliseconds(moment: datetime) -> int:
    """Since 1970."""
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def from_milliseconds(since_1970: int) -> datetime:
    """Raises OverflowError for what no calendar has."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=since_1970)


def sortable(moment: datetime) -> str:
    """ISO 8601 in UTC with milliseconds: text order is the order of time.

    Not by `strftime`, whose `%Y` writes the year 500 as `500`, which stands behind 2026 as text.
    """
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def with_revision(session: Session, revision: Revision) -> Session:
    return replace(session, revision=revision)


def check_writable(session: Session) -> None:
    """Raises NewerSchemaError: nothing may be done for such a session either, by rules that do not know all of it."""
    if session.revision.schema > SCHEMA:
        message = f"session {session.session_id} was written by a newer version"
        raise NewerSchemaError(message)


def next_revision(revision: Revision, write_id: str) -> Revision:
    return Revision(revision.version + 1, (*revision.write_ids, write_id)[-WRITE_IDS_KEPT:], SCHEMA)
