"""The Chalice application: registers routes and middleware, and holds the scheduled handlers. Nothing else.

Scheduled handlers stand here since Chalice deploys one that is registered in a blueprint by its own module's name, and
then it never passes through this file.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from chalice.app import Chalice, CloudWatchEvent, Cron, Rate

from chalicelib.flows.nightly import NIGHTLY_SECONDS, reconcile_nightly
from chalicelib.flows.sweep import SWEEP_SECONDS
from chalicelib.flows.sweep import sweep as sweep_due
from chalicelib.http import (
    about_routes,
    connect_routes,
    link_routes,
    money_routes,
    participant_routes,
    payment_routes,
    session_routes,
    team_routes,
    token_routes,
    webhook_routes,
)
from chalicelib.http.logs import configure_logs
from chalicelib.http.routing import Routes, remember_request
from chalicelib.wiring import context

configure_logs()
app = Chalice(app_name="anteroom", configure_logs=False)
app.register_middleware(remember_request, "http")

routes = Routes()
token_routes.add_routes(routes)
session_routes.add_routes(routes)
participant_routes.add_routes(routes)
money_routes.add_routes(routes)
payment_routes.add_routes(routes)
team_routes.add_routes(routes)
connect_routes.add_routes(routes)
link_routes.add_routes(routes)
webhook_routes.add_routes(routes)
about_routes.add_routes(routes)
routes.register(app, context)


@app.schedule(Rate(1, unit=Rate.MINUTES))
def sweep(event: CloudWatchEvent) -> dict[str, Any]:
    """Every minute: carry out what is due."""
    del event
    return asdict(sweep_due(context().within(SWEEP_SECONDS)))


@app.schedule(Cron(17, 3, "*", "*", "?", "*"))
def reconcile(event: CloudWatchEvent) -> dict[str, Any]:
    """At 03:17 UTC: hold Stripe's lists of the last three days against what is kept, and repair what differs."""
    del event
    return asdict(reconcile_nightly(context().within(NIGHTLY_SECONDS)))
