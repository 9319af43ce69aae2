"""Stripe's webhooks. 200 to Stripe means that the fact is kept."""

from __future__ import annotations

import logging
from typing import Any

from msgspec import Struct

from chalicelib.flows.context import Context
from chalicelib.flows.park import settle_or_park
from chalicelib.flows.settle import Settled
from chalicelib.gateways.stripe_events import read_event
from chalicelib.http.exchange import Answer, Request, json_answer
from chalicelib.http.operations import Access, Parameter, operation
from chalicelib.http.routing import Routes

log = logging.getLogger("anteroom.webhooks")


class SettledOut(Struct):
    """What became of the event: a fact of ours, a replay, the account's other business, or parked for a person."""

    settled: str


_SIGNATURE = Parameter("Stripe-Signature", "Proves that Stripe sent it.", {"type": "string"}, "header", required=True)


def add_routes(routes: Routes) -> None:
    routes.add("/stripe/webhook", POST=own_account)
    routes.add("/stripe/connect/webhook", POST=connected_accounts)


@operation(
    "Take an event of the deployment's Stripe account",
    tag="Stripe",
    access=Access.OPEN,
    body=dict[str, Any],
    answers={200: SettledOut},
    errors=(400, 409),
    parameters=(_SIGNATURE,),
)
def own_account(ctx: Context, request: Request) -> Answer:
    """For Stripe alone. 200 means that what the event tells is kept; anything else, and Stripe delivers it again.

    One that failed five times for reasons of its own is answered 200 and parked, so that Stripe stops.
    """
    return _settled(ctx, request, ctx.settings.secrets.stripe_webhook_secrets, of_connected=False)


@operation(
    "Take an event of a connected Stripe account",
    tag="Stripe",
    access=Access.OPEN,
    body=dict[str, Any],
    answers={200: SettledOut},
    errors=(400, 409),
    parameters=(_SIGNATURE,),
)
def connected_accounts(ctx: Context, request: Request) -> Answer:
    """For Stripe alone, as the other one, with its own secrets. Events of accounts that are no clinic's are ignored."""
    return _settled(ctx, request, ctx.settings.connect_webhook_secrets, of_connected=True)


def _settled(ctx: Context, request: Request, secrets: tuple[str, ...], *, of_connected: bool) -> Answer:
    """An event that came to the other endpoint's address was sent by an endpoint that is set up wrongly."""
    event = read_event(request.body, request.header("stripe-signature"), secrets, ctx.clock().timestamp())
    is_right = (event.stripe_account_id is not None) is of_connected
    settled = settle_or_park(ctx, event) if is_right else Settled.WRONG_ENDPOINT
    log.info("stripe_event", extra={"event_id": event.event_id, "kind": event.kind, "settled": settled.value})
    return json_answer(200, SettledOut(settled.value))
