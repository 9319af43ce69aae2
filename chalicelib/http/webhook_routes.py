"""Stripe's webhooks, and whether the deployment is up. 200 to Stripe means that the fact is kept."""

from __future__ import annotations

import logging

from chalicelib.flows.context import Context
from chalicelib.flows.settle import settle
from chalicelib.gateways.stripe_events import read_event
from chalicelib.http.exchange import Answer, Request, json_answer
from chalicelib.http.routing import Routes

log = logging.getLogger("anteroom.webhooks")


def add_routes(routes: Routes) -> None:
    routes.add("/stripe/webhook", POST=own_account)
    routes.add("/health", GET=health)


def own_account(ctx: Context, request: Request) -> Answer:
    """An event of the deployment's own account; a forged one costs nothing but this signature check."""
    event = read_event(
        request.body,
        request.header("stripe-signature"),
        ctx.settings.secrets.stripe_webhook_secrets,
        ctx.clock().timestamp(),
    )
    settled = settle(ctx, event)
    log.info("stripe_event", extra={"event_id": event.event_id, "kind": event.kind, "settled": settled.value})
    return json_answer(200, {"settled": settled.value})


def health(ctx: Context, request: Request) -> Answer:
    """Up, and configured; asks nobody."""
    del request
    return json_answer(200, {"status": "ok", "stage": ctx.settings.stage}, {"Cache-Control": "no-store"})
