"""Stripe's webhooks. 200 to Stripe means that the fact is kept."""

from __future__ import annotations

import logging
from typing import Any

from msgspec import Struct

from chalicelib.flows.context import Context
from chalicelib.flows.park import settle_or_park
from chalicelib.gateways.stripe_events import read_event
from chalicelib.http.exchange import Answer, Request, json_answer
from chalicelib.http.operations import Access, Parameter, operation
from chalicelib.http.routing import Routes

log = logging.getLogger("anteroom.webhooks")


class SettledOut(Struct):
    """What became of the event: a fact of ours, a replay, the account's other business, or parked for a person."""

    settled: str


def add_routes(routes: Routes) -> None:
    routes.add("/stripe/webhook", POST=own_account)


@operation(
    "Take an event of the deployment's Stripe account",
    tag="Stripe",
    access=Access.OPEN,
    body=dict[str, Any],
    answers={200: SettledOut},
    errors=(400, 409),
    parameters=(
        Parameter("Stripe-Signature", "Proves that Stripe sent it.", {"type": "string"}, "header", required=True),
    ),
)
def own_account(ctx: Context, request: Request) -> Answer:
    """For Stripe alone. 200 means that what the event tells is kept; anything else, and Stripe delivers it again.

    One that failed five times for reasons of its own is answered 200 and parked, so that Stripe stops.
    """
    event = read_event(
        request.body,
        request.header("stripe-signature"),
        ctx.settings.secrets.stripe_webhook_secrets,
        ctx.clock().timestamp(),
    )
    settled = settle_or_park(ctx, event)
    log.info("stripe_event", extra={"event_id": event.event_id, "kind": event.kind, "settled": settled.value})
    return json_answer(200, SettledOut(settled.value))
