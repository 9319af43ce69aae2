"""Park the events that fail whatever Stripe does: count their failures, answer 200 in the end, replay them on demand.

A payload is never kept: an event is fetched from Stripe again, which gives it for 30 days. Until then nothing waits for
it, since the sweep's looks and `reconcile.py` learn the same from Stripe.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import timedelta

from chalicelib.flows.change import ContendedError
from chalicelib.flows.context import Context
from chalicelib.flows.settle import Settled, settle
from chalicelib.gateways.deadline import OutOfTimeError
from chalicelib.gateways.stripe_api import StripeBrokenError, StripeUncertainError
from chalicelib.gateways.stripe_events import Event
from chalicelib.storage.stores import (
    ConflictError,
    NewerSchemaError,
    ParkedEvent,
    StoreError,
    StoreUnavailableError,
)

FAILURES_UNTIL_PARKED = 5
"""Stripe delivers an event for three days, with growing pauses; five failures are hours of them."""

PROMPT = timedelta(seconds=30)
"""An event that arrives sooner than this after it happened has not failed before, so nothing is looked up for it."""

OWN_ACCOUNT = "own"
"""The deployment's Stripe account in the store, whose keys cannot be empty."""

PASSING = (
    StoreUnavailableError,
    ConflictError,
    NewerSchemaError,
    ContendedError,
    OutOfTimeError,
    StripeUncertainError,
    StripeBrokenError,
)
"""What another delivery will mend, however often it fails: never counted."""

log = logging.getLogger("anteroom.park")


def settle_or_park(ctx: Context, event: Event) -> Settled:
    """As `settle`; what fails for reasons of its own is PARKED at its fifth failure, and raises until then."""
    try:
        settled = settle(ctx, event)
    except PASSING:
        raise
    except Exception as error:
        if not _failed(ctx, event, error):
            raise
        return Settled.PARKED
    if event.created_at is None or ctx.clock() - event.created_at > PROMPT:
        _forget(ctx, event)
    return settled


def replay(ctx: Context, parked: ParkedEvent) -> Settled:
    """Fetch the event from Stripe and settle it; then it is parked no more.

    A failure is counted and raised. Raises StripeRefusedError, code `resource_missing`, after Stripe's 30 days.
    """
    account = None if parked.account == OWN_ACCOUNT else parked.account
    event = ctx.stripe.fetch_event(parked.event_id, account, ctx.deadline)
    try:
        settled = settle(ctx, event)
    except PASSING:
        raise
    except Exception as error:
        _counted(ctx, event, error)
        raise
    ctx.parked_events.remove(parked)
    return settled


def account_name(stripe_account_id: str | None) -> str:
    """The account as it is called in the store and the log."""
    return stripe_account_id or OWN_ACCOUNT


def _failed(ctx: Context, event: Event, error: Exception) -> bool:
    """Count it; whether it is parked now. Where it cannot be counted, Stripe delivers it again."""
    try:
        kept = _counted(ctx, event, error)
    except StoreError:
        return False
    if kept.is_parked:
        # The alarm is on this line.
        fields = {"event_id": kept.event_id, "account": kept.account, "kind": kept.kind}
        log.error("event_parked", extra={**fields, "error": kept.error, "failures": kept.failures})
    return kept.is_parked


def _counted(ctx: Context, event: Event, error: Exception) -> ParkedEvent:
    account, now = account_name(event.stripe_account_id), ctx.clock()
    known = ctx.parked_events.find(account, event.event_id)
    first = ParkedEvent(account, event.event_id, event.kind, 0, type(error).__name__, now, now)
    kept = replace(known or first, error=type(error).__name__, last_failed_at=now)
    kept = replace(kept, failures=kept.failures + 1, is_parked=kept.failures + 1 >= FAILURES_UNTIL_PARKED)
    ctx.parked_events.save(known, kept)
    return kept


def _forget(ctx: Context, event: Event) -> None:
    """What it told is kept, whatever becomes of this: an entry that stays is found at the next replay."""
    try:
        known = ctx.parked_events.find(account_name(event.stripe_account_id), event.event_id)
        if known is not None:
            ctx.parked_events.remove(known)
    except StoreError as error:
        log.warning("still_parked", extra={"event_id": event.event_id, "error": type(error).__name__})
