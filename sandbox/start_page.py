"""The start page: the links, everything that happened, and a button for each control call. Decides nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from flask import Blueprint, Response

from sandbox import seen
from sandbox.controls import Controls
from sandbox.environment import STRIPE_OAUTH
from sandbox.faults import FaultKind
from sandbox.journal import Journal
from sandbox.pages import leading_to, page

JUST_AFTER = timedelta(seconds=1)
CARDS = (
    ("4242 4242 4242 4242", "pays"),
    ("4000 0000 0000 0002", "is declined, and can be tried again"),
)


@dataclass(frozen=True, slots=True)
class Demo:
    """The demo clinic: how its software signs in, and the links of its people.

    On a platform: its default Stripe account, who else is paid there, and the clinic beside it.
    """

    clinic: str
    team_id: str
    client_id: str
    client_secret: str = field(repr=False)
    app_url: str
    links: Mapping[str, str]
    today_ends_at: datetime
    tomorrow_starts_at: datetime
    stripe_account_id: str | None = None
    payee: str | None = None
    other: OtherClinic | None = None


@dataclass(frozen=True, slots=True)
class OtherClinic:
    """A platform's second clinic. `stripe_account_id`: what its owner has at the stand-in, to be connected yet."""

    clinic: str
    team_id: str
    client_id: str
    client_secret: str = field(repr=False)
    stripe_account_id: str | None


@dataclass(frozen=True, slots=True)
class Link:
    name: str
    says: str
    url: str


SAYS = {
    "pay_now": ("Client who owes A$80.00", "The session runs now. Pay, then join."),
    "pay_tomorrow": ("Client of tomorrow", "The session is tomorrow. Pay today, and see the countdown."),
    "pay_later": ("Client in two weeks", "There is time for a bank debit, which ends as you say below."),
    "free": ("Client without a fee", "The session runs now. Join straight away."),
    "host": ("Clinician", "The host of the first session. Joins without paying."),
}


def blueprint(controls: Controls, demo: Callable[[], Demo | None], journal: Journal) -> Blueprint:
    """The page, and the part of it that is fetched again while it is open."""
    routes = Blueprint("start_page", __name__)

    @routes.get("/")
    def start() -> Response:
        made = demo()
        shown = page(
            "start.html",
            demo=made,
            links=links_of(made),
            jumps=jumps(made, controls.clock.now()),
            cards=CARDS,
            modes=controls.modes,
            kinds=list(FaultKind),
            journal=journal.lines,
            **live_parts(controls),
        )
        return leading_to(STRIPE_OAUTH, shown) if controls.stripe is None else shown

    @routes.get("/live")
    def live() -> Response:
        return page("live.html", **live_parts(controls))

    return routes


def links_of(demo: Demo | None) -> list[Link]:
    if demo is None:
        return []
    says = dict(SAYS)
    if demo.payee:
        title, sentence = says["pay_tomorrow"]
        says["pay_tomorrow"] = (title, f"{sentence} Paid to {demo.payee}’s own account.")
    return [Link(*says[name], url) for name, url in demo.links.items()]


def live_parts(controls: Controls) -> dict[str, Any]:
    """What may be another thing a moment later."""
    state, clinics = controls.state(), controls.clinics.seen()
    return {
        **seen.shown(state, controls.deeds_of),
        "accounts": seen.accounts(state["stripe"], clinics),
        "clinics": [seen.clinic(one) for one in clinics],
        "has_oauth": controls.clinics.has_oauth,
        "platform": controls.clinics.is_platform,
        "real": controls.stripe is None,
    }


def jumps(demo: Demo | None, now: datetime) -> list[tuple[str, int]]:
    """Where the clock may go: what the button says, and how many seconds ahead. Only what lies ahead."""
    if demo is None:
        return []
    ends, starts = demo.today_ends_at + JUST_AFTER, demo.tomorrow_starts_at + JUST_AFTER
    ahead = [("After today’s session", ends - now), ("Start of tomorrow’s session", starts - now)]
    return [(says, int(wait.total_seconds()) + 1) for says, wait in ahead if wait > timedelta(0)]
