"""The DynamoDB tables as PynamoDB models, and where they are. The same tables, for deploying, are in `infra/`.

PynamoDB keeps a connection on the model class, so a process talks to one set of tables; `connect` says which.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pynamodb.attributes import BinaryAttribute, ListAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex, KeysOnlyProjection
from pynamodb.models import Model

CONNECT_TIMEOUT: Final = 1
READ_TIMEOUT: Final = 2
RETRIES: Final = 1
"""PynamoDB's own (15 s, 30 s, 3) outlive API Gateway's 29 s."""


@dataclass(frozen=True, slots=True)
class TableSettings:
    """`endpoint` None: DynamoDB itself."""

    prefix: str
    region: str
    endpoint: str | None = None


class ByStart(GlobalSecondaryIndex["SessionItem"]):
    """A team's sessions by the time they start."""

    class Meta:
        index_name = "by_start"
        projection = AllProjection()
        billing_mode = "PAY_PER_REQUEST"

    team_id = UnicodeAttribute(hash_key=True)
    start_time = UnicodeAttribute(range_key=True)


class Due(GlobalSecondaryIndex["SessionItem"]):
    """Sessions at which something must be done, by when; sparse."""

    class Meta:
        index_name = "due"
        projection = KeysOnlyProjection()
        billing_mode = "PAY_PER_REQUEST"

    due_shard = NumberAttribute(hash_key=True)
    due_at = NumberAttribute(range_key=True)


class SessionItem(Model):
    """`due_at` in milliseconds since 1970; the document of `codec.py` is `body`, or `packed` when it is long."""

    class Meta:
        table_name = "sessions"
        billing_mode = "PAY_PER_REQUEST"

    team_id = UnicodeAttribute(hash_key=True)
    session_id = UnicodeAttribute(range_key=True)
    start_time = UnicodeAttribute()
    due_shard = NumberAttribute(null=True)
    due_at = NumberAttribute(null=True)
    schema = NumberAttribute()
    version = NumberAttribute()
    write_ids = ListAttribute(of=UnicodeAttribute)
    expires_at_epoch = NumberAttribute()
    body = UnicodeAttribute(null=True)
    packed = BinaryAttribute(null=True, legacy_encoding=False)
    by_start = ByStart()
    due = Due()


class TeamItem(Model):
    class Meta:
        table_name = "teams"
        billing_mode = "PAY_PER_REQUEST"

    team_id = UnicodeAttribute(hash_key=True)
    body = UnicodeAttribute()


class ApiClientItem(Model):
    class Meta:
        table_name = "api_clients"
        billing_mode = "PAY_PER_REQUEST"

    client_id = UnicodeAttribute(hash_key=True)
    body = UnicodeAttribute()


class StripeAccountItem(Model):
    class Meta:
        table_name = "stripe_accounts"
        billing_mode = "PAY_PER_REQUEST"

    account_id = UnicodeAttribute(hash_key=True)
    body = UnicodeAttribute()


class SubdomainItem(Model):
    class Meta:
        table_name = "subdomains"
        billing_mode = "PAY_PER_REQUEST"

    subdomain = UnicodeAttribute(hash_key=True)
    team_id = UnicodeAttribute()


class EntryItem(Model):
    """`session_key` is team_id#session_id; `entry_key` is the time (sortable) # the participant's number."""

    class Meta:
        table_name = "entries"
        billing_mode = "PAY_PER_REQUEST"

    session_key = UnicodeAttribute(hash_key=True)
    entry_key = UnicodeAttribute(range_key=True)
    expires_at_epoch = NumberAttribute()


class IdempotencyItem(Model):
    """`record_key` is client_id#hash of route and key; `lease_until` and `created_at` in milliseconds since 1970."""

    class Meta:
        table_name = "idempotency"
        billing_mode = "PAY_PER_REQUEST"

    record_key = UnicodeAttribute(hash_key=True)
    body_hash = UnicodeAttribute()
    planned_id = UnicodeAttribute()
    lease_until = NumberAttribute()
    created_at = NumberAttribute()
    expires_at_epoch = NumberAttribute()
    write_id = UnicodeAttribute()


class LedgerItem(Model):
    """`paid_key` is the time paid (sortable) # the charge's id; `body` is the row."""

    class Meta:
        table_name = "ledger"
        billing_mode = "PAY_PER_REQUEST"

    team_id = UnicodeAttribute(hash_key=True)
    paid_key = UnicodeAttribute(range_key=True)
    expires_at_epoch = NumberAttribute()
    body = UnicodeAttribute()


class AuditItem(Model):
    """`audit_key` is the time (sortable) # an id; `body` is the row."""

    class Meta:
        table_name = "audit"
        billing_mode = "PAY_PER_REQUEST"

    team_id = UnicodeAttribute(hash_key=True)
    audit_key = UnicodeAttribute(range_key=True)
    expires_at_epoch = NumberAttribute()
    body = UnicodeAttribute()


class ParkedEventItem(Model):
    class Meta:
        table_name = "parked_events"
        billing_mode = "PAY_PER_REQUEST"

    account_id = UnicodeAttribute(hash_key=True)
    event_id = UnicodeAttribute(range_key=True)
    expires_at_epoch = NumberAttribute()
    body = UnicodeAttribute()


TABLES: Final[dict[str, type[Model]]] = {
    "sessions": SessionItem,
    "teams": TeamItem,
    "api_clients": ApiClientItem,
    "stripe_accounts": StripeAccountItem,
    "subdomains": SubdomainItem,
    "entries": EntryItem,
    "idempotency": IdempotencyItem,
    "ledger": LedgerItem,
    "audit": AuditItem,
    "parked_events": ParkedEventItem,
}


def connect(settings: TableSettings) -> None:
    """Point every model at its table. Makes no request; the first one makes the connection (about 50 ms)."""
    for name, model in TABLES.items():
        meta = model.Meta
        meta.table_name = settings.prefix + name
        meta.region = settings.region
        meta.host = settings.endpoint
        meta.connect_timeout_seconds = CONNECT_TIMEOUT
        meta.read_timeout_seconds = READ_TIMEOUT
        meta.max_retry_attempts = RETRIES
        model._connection = None  # noqa: SLF001 (PynamoDB offers no other way to forget the former connection)


def create_tables() -> None:
    """Create those that are missing: for stand-ins; deployed tables come from `infra/`."""
    for model in TABLES.values():
        if not model.exists():
            model.create_table(wait=True)
