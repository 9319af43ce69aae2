"""The books on DynamoDB: ledger, audit and parked events. Rows of the first two are written with their session only."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from pynamodb.attributes import UnicodeAttribute
from pynamodb.expressions.condition import Condition

from chalicelib.domain.books import AuditRow, LedgerRow
from chalicelib.storage import codec
from chalicelib.storage.answers import translated
from chalicelib.storage.stores import ConflictError, LedgerPlace, NotFoundError, ParkedEvent
from chalicelib.storage.tables import AuditItem, LedgerItem, ParkedEventItem

PARKED_FOR = timedelta(days=90)
"""Stripe gives an event for 30 days; after that its id is only of use to whoever asks their support."""


def ledger_item(row: LedgerRow, retention: timedelta) -> LedgerItem:
    return LedgerItem(
        row.team_id,
        _paid_key(row.paid_at, row.charge_id),
        expires_at_epoch=int((row.paid_at + retention).timestamp()),
        body=codec.ledger_text(row),
    )


def audit_item(row: AuditRow, retention: timedelta) -> AuditItem:
    return AuditItem(
        row.team_id,
        f"{codec.sortable(row.at)}#{row.audit_id}",
        expires_at_epoch=int((row.at + retention).timestamp()),
        body=codec.audit_text(row),
    )


class DynamoLedger:
    """The charges of a team, by the time they were paid."""

    def between(
        self,
        team_id: str,
        start: datetime,
        end: datetime,
        after: LedgerPlace | None = None,
        at_most: int | None = None,
    ) -> Iterator[LedgerRow]:
        place = _start_key(team_id, after) if after else None
        keys = _between(LedgerItem.paid_key, start, end)
        with translated(f"ledger of team {team_id}"):
            found = LedgerItem.query(team_id, keys, consistent_read=True, last_evaluated_key=place, limit=at_most)
            for item in found:
                yield codec.ledger_from(item.body)


class DynamoAudit:
    """What was decided for a team, by when."""

    def between(self, team_id: str, start: datetime, end: datetime) -> Iterator[AuditRow]:
        with translated(f"audit of team {team_id}"):
            for item in AuditItem.query(team_id, _between(AuditItem.audit_key, start, end), consistent_read=True):
                yield codec.audit_from(item.body)


class DynamoParkedEvents:
    """Events that failed, each one document."""

    def find(self, account: str, event_id: str) -> ParkedEvent | None:
        try:
            with translated(f"event {event_id}"):
                return codec.parked_from(ParkedEventItem.get(account, event_id, consistent_read=True).body)
        except NotFoundError:
            return None

    def save(self, before: ParkedEvent | None, after: ParkedEvent) -> None:
        was: Condition = ParkedEventItem.event_id.does_not_exist()
        if before is not None:
            was = ParkedEventItem.body == codec.parked_text(before)
        item = ParkedEventItem(
            after.account,
            after.event_id,
            expires_at_epoch=int((after.last_failed_at + PARKED_FOR).timestamp()),
            body=codec.parked_text(after),
        )
        try:
            with translated(f"event {after.event_id}"):
                item.save(condition=was)
        except ConflictError:
            if self.find(after.account, after.event_id) != after:
                raise

    def remove(self, event: ParkedEvent) -> None:
        with translated(f"event {event.event_id}"):
            ParkedEventItem(event.account, event.event_id).delete()

    def all(self) -> Iterator[ParkedEvent]:
        with translated("parked events"):
            yield from (codec.parked_from(item.body) for item in ParkedEventItem.scan(consistent_read=True))


def _start_key(team_id: str, after: LedgerPlace) -> dict[str, dict[str, str]]:
    """As DynamoDB names a place: it need not be that of an item."""
    return {"team_id": {"S": team_id}, "paid_key": {"S": _paid_key(after.paid_at, after.charge_id)}}


def _paid_key(paid_at: datetime, charge_id: str) -> str:
    return f"{codec.sortable(paid_at)}#{charge_id}"


def _between(key: UnicodeAttribute, start: datetime, end: datetime) -> Condition:
    """Keys that begin with a time of [start, end), to the millisecond."""
    return key.between(codec.sortable(start), codec.sortable(end))
