"""The start page: the links, everything that happened, and a button for each control call. Decides nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Blueprint, Response

from sandbox.controls import Controls
from sandbox.faults import FaultKind
from sandbox.journal import Journal
from sandbox.pages import page
from sandbox.stripe_standin.currencies import format_amount

NEWEST = 25
JUST_AFTER = timedelta(seconds=1)
CARDS = (
    ("4242 4242 4242 4242", "pays"),
    ("4000 0000 0000 0002", "is declined, and can be tried again"),
)


@dataclass(frozen=True, slots=True)
class Demo:
    """The demo clinic: how its software signs in, and the links of its people."""

    clinic: str
    team_id: str
    client_id: str
    client_secret: str = field(repr=False)
    app_url: str
    links: Mapping[str, str]
    today_ends_at: datetime
    tomorrow_starts_at: datetime


@dataclass(frozen=True, slots=True)
class Link:
    name: str
    says: str
    url: str


SAYS = {
    "pay_now": ("Client who owes A$80.00", "The session runs now. Pay, then join."),
    "pay_tomorrow": ("Client of tomorrow", "The session is tomorrow. Pay today, and see the countdown."),
    "free": ("Client without a fee", "The session runs now. Join straight away."),
    "host": ("Clinician", "The host of the first session. Joins without paying."),
}


def blueprint(controls: Controls, demo: Callable[[], Demo | None], journal: Journal) -> Blueprint:
    """The page, and the part of it that is fetched again while it is open."""
    routes = Blueprint("start_page", __name__)

    @routes.get("/")
    def start() -> Response:
        made = demo()
        return page(
            "start.html",
            demo=made,
            links=links_of(made),
            jumps=jumps(made, controls.clock.now()),
            cards=CARDS,
            modes=controls.modes,
            kinds=list(FaultKind),
            journal=journal.lines,
            real=controls.stripe is None,
            **shown(controls.state()),
        )

    @routes.get("/live")
    def live() -> Response:
        return page("live.html", real=controls.stripe is None, **shown(controls.state()))

    return routes


def links_of(demo: Demo | None) -> list[Link]:
    return [Link(*SAYS[name], url) for name, url in demo.links.items()] if demo else []


def jumps(demo: Demo | None, now: datetime) -> list[tuple[str, int]]:
    """Where the clock may go: what the button says, and how many seconds ahead. Only what lies ahead."""
    if demo is None:
        return []
    ends, starts = demo.today_ends_at + JUST_AFTER, demo.tomorrow_starts_at + JUST_AFTER
    ahead = [("After today’s session", ends - now), ("Start of tomorrow’s session", starts - now)]
    return [(says, int(wait.total_seconds()) + 1) for says, wait in ahead if wait > timedelta(0)]


def shown(state: Mapping[str, Any]) -> dict[str, Any]:
    """The state as the page shows it: newest first, times and amounts as text."""
    accounts = (state["stripe"] or {}).get("accounts", [])
    return {
        "clock": datetime.fromisoformat(state["clock"]),
        "counters": state["counters"],
        "faults": state["faults"],
        "webhooks": state["webhooks"],
        "checkouts": _newest(accounts, "checkout_sessions", _checkout),
        "charges": _newest(accounts, "charges", _charge),
        "refunds": _newest(accounts, "refunds", _refund),
        "deliveries": [_delivery(one) for one in reversed(state["deliveries"][-NEWEST:])],
    }


def _newest(
    accounts: list[Mapping[str, Any]], kind: str, row: Callable[[Mapping[str, Any]], dict[str, Any]]
) -> list[dict[str, Any]]:
    found = sorted((one for account in accounts for one in account[kind]), key=lambda one: int(one["created"]))
    return [row(one) for one in reversed(found[-NEWEST:])]


def _checkout(session: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": session["id"],
        "created": _moment(session["created"]),
        "amount": format_amount(session["amount_total"], session["currency"]),
        "status": session["status"],
        "payment": session["payment_status"],
        "expires": _moment(session["expires_at"]),
        "url": session["url"],
    }


def _charge(charge: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": charge["id"],
        "created": _moment(charge["created"]),
        "amount": format_amount(charge["amount"], charge["currency"]),
        "status": charge["status"],
        "refunded": format_amount(charge["amount_refunded"], charge["currency"]),
        "receipt": charge["receipt_url"],
    }


def _refund(refund: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": refund["id"],
        "created": _moment(refund["created"]),
        "amount": format_amount(refund["amount"], refund["currency"]),
        "status": refund["status"],
    }


def _delivery(delivery: Mapping[str, Any]) -> dict[str, Any]:
    answers = [str(attempt["status"] or "no answer") for attempt in delivery["attempts"]]
    return {
        "event": delivery["event"],
        "type": delivery["type"],
        "state": delivery["state"],
        "due": datetime.fromisoformat(delivery["due_at"]),
        "answers": ", ".join(answers) or "–",
    }


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
