"""The composition root: makes the one context of this process, lazily, from its environment.

The only module that reads clocks, chance and the environment, and that knows which store and gateway is behind which
protocol. Tests and the sandbox make contexts of their own and hand them to `use`.
"""

from __future__ import annotations

import os
import secrets
import time
from datetime import UTC, datetime

from chalicelib.config import Settings, fetch_secrets, load
from chalicelib.flows.context import REQUEST_SECONDS, Context
from chalicelib.gateways.deadline import Deadline
from chalicelib.gateways.stripe_api import StripeApi, stripe_client
from chalicelib.storage import tables
from chalicelib.storage.cached import CachedApiClients, CachedTeams
from chalicelib.storage.dynamodb import DynamoEntries, DynamoIdempotency, DynamoSessions
from chalicelib.storage.dynamodb_books import DynamoAudit, DynamoLedger, DynamoParkedEvents
from chalicelib.storage.dynamodb_teams import DynamoApiClients, DynamoStripeAccounts, DynamoSubdomains, DynamoTeams

_contexts: list[Context] = []


def context() -> Context:
    """The context of this process; made at the first call. Raises SettingsError."""
    if not _contexts:
        _contexts.append(make_context(load(os.environ, fetch_secrets)))
    return _contexts[-1]


def use(made: Context) -> None:
    """From now on, this is the context of this process."""
    _contexts[:] = [made]


def make_context(settings: Settings) -> Context:
    """Everything real: DynamoDB, Stripe, this machine's clock and chance."""
    tables.connect(tables.TableSettings(settings.table_prefix, settings.region, settings.dynamodb_endpoint))
    return Context(
        settings=settings,
        clock=_now,
        entropy=secrets.token_bytes,
        sleep=time.sleep,
        ticks=time.monotonic,
        sessions=DynamoSessions(secrets.token_bytes, settings.retention, settings.books_retention),
        teams=CachedTeams(DynamoTeams(settings.books_retention), time.monotonic),
        api_clients=CachedApiClients(DynamoApiClients(), time.monotonic),
        stripe_accounts=DynamoStripeAccounts(),
        subdomains=DynamoSubdomains(),
        entries=DynamoEntries(settings.retention),
        idempotency=DynamoIdempotency(secrets.token_bytes),
        ledger=DynamoLedger(),
        audit=DynamoAudit(),
        parked_events=DynamoParkedEvents(),
        stripe=StripeApi(
            stripe_client(settings.secrets.stripe_secret_key, settings.stripe_api, connect=settings.stripe_connect),
            time.sleep,
        ),
        deadline=Deadline(time.monotonic, time.monotonic() + REQUEST_SECONDS),
    )


def _now() -> datetime:
    return datetime.now(UTC)
