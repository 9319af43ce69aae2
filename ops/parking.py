"""The commands `parked list` and `parked replay`: events of Stripe's that failed too often, and another try of them."""

from __future__ import annotations

import logging
from argparse import Namespace
from collections.abc import Iterator

from chalicelib.flows.context import REQUEST_SECONDS
from chalicelib.flows.park import PASSING, replay
from chalicelib.flows.settle import UNKNOWN
from chalicelib.gateways.stripe_api import StripeRefusedError
from chalicelib.storage.stores import NotFoundError, ParkedEvent
from ops.commands import AskedWronglyError, RefusedError
from ops.environment import Deployment
from ops.writing import columns, moment, plain

TOO_OLD = "Stripe gives events for 30 days; `reconcile` finds what it told"

log = logging.getLogger("anteroom.ops")


def list_parked(deployment: Deployment, _asked: Namespace) -> Iterator[str]:
    events = _all(deployment)
    if not events:
        yield "no event is parked, and none has failed"
        return
    head = ("EVENT", "ACCOUNT", "KIND", "STATE", "FAILURES", "FIRST", "LAST", "ERROR")
    yield from columns([head, *map(_row, events)], indent="")


def _row(event: ParkedEvent) -> tuple[str, ...]:
    state = "parked" if event.is_parked else "retried"
    times = moment(event.first_failed_at), moment(event.last_failed_at)
    return (plain(event.event_id), event.account, plain(event.kind), state, str(event.failures), *times, event.error)


def replay_parked(deployment: Deployment, asked: Namespace) -> Iterator[str]:
    """Each by itself; whatever is wrong with one stays with it."""
    events, failed = _wanted(deployment, asked), 0
    if not events:
        yield "no event is parked, and none has failed"
    for event in events:
        outcome, is_settled = _replayed(deployment, event)
        failed += not is_settled
        yield f"{plain(event.event_id)}  {plain(event.kind)}  {outcome}"
    if failed:
        message = f"{failed} of {len(events)} could not be settled, and stay where they are"
        raise RefusedError(message)


def _wanted(deployment: Deployment, asked: Namespace) -> list[ParkedEvent]:
    events = _all(deployment)
    if asked.all:
        return events
    if not asked.events:
        message = "name the events to replay, or --all"
        raise AskedWronglyError(message)
    missing = sorted(set(asked.events) - {event.event_id for event in events})
    if missing:
        message = f"no such parked event: {', '.join(map(plain, missing))}"
        raise NotFoundError(message)
    return [event for event in events if event.event_id in asked.events]


def _replayed(deployment: Deployment, event: ParkedEvent) -> tuple[str, bool]:
    """What came of it. The class of an error is said and its text is not, since that may quote what people wrote."""
    try:
        return f"settled: {replay(deployment.ctx.within(REQUEST_SECONDS), event)}", True
    except PASSING:
        raise
    except StripeRefusedError as error:
        return f"not settled: {TOO_OLD if error.code == UNKNOWN else error}", False
    except Exception as error:
        # The next event must have its turn.
        log.exception("replay_failed", extra={"event_id": event.event_id, "error": type(error).__name__})
        return f"not settled: {type(error).__name__}", False


def _all(deployment: Deployment) -> list[ParkedEvent]:
    return sorted(deployment.ctx.parked_events.all(), key=lambda event: (event.first_failed_at, event.event_id))
