"""One client's appointment, met through the deployed application by everybody: client, clinic and Stripe.

What the tests of the museum act with. It asserts nothing.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

from chalicelib.domain.ids import split_participant_id
from chalicelib.domain.sessions import Session
from chalicelib.gateways.stripe_events import Event, read_event
from sandbox.stripe_standin.deliveries import signature
from tests.http.doors import Visitor
from tests.support.clinic import Clinic
from tests.support.edge import Edge, Reply
from tests.support.seam import Io, Kind
from tests.support.world import WEBHOOK_SECRET, World

FEE = 8000
DEBIT = "au_becs_debit"
DECLINED = "4000000000000002"
COMPLETED = "checkout.session.completed"
CHARGED = "charge.succeeded"
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@dataclass
class Appointment(Visitor):
    """A guest with a fee (number 2, beside a host), in a browser of their own; and the clinic that asked for it."""

    clinic: Clinic = field(kw_only=True)

    @property
    def world(self) -> World:
        return self.edge.world

    # --- the client -----------------------------------------------------------------------------------------------

    def look(self) -> dict[str, Any]:
        """What the link says, as data."""
        return dict(self.open("application/json").json())

    def door(self) -> str:
        return str(self.look()["status"])

    def press_pay(self) -> str:
        """Press "Pay"; the Checkout Session that it leads to."""
        return self.pay().headers["location"].rpartition("/")[2]

    def pay_at_stripe(self, card: str = "4242424242424242") -> str:
        """Press "Pay" and pay; the PaymentIntent. What the product hears of it is another matter."""
        return self.world.stripe.pay(self.press_pay(), card).payment_intent_id

    def come_back(self) -> Reply:
        return self.edge.get(self.return_path())

    # --- the clinic -----------------------------------------------------------------------------------------------

    def ask(self, method: str, path: str = "", content: object = None) -> Reply:
        return self._asked(method, f"/v1/sessions/{self.session.session_id}{path}", content)

    def ask_of_guest(self, method: str, content: object = None) -> Reply:
        return self._asked(method, self._guest_path, content)

    def refund(self, wish: Mapping[str, Any] | None = None) -> Reply:
        """The clinic gives the money back: all that is left, or as it wishes."""
        return self._asked("POST", f"{self._guest_path}/refund", wish)

    @property
    def _guest_path(self) -> str:
        return f"/v1/participants/{self.session.participant_id(self.number)}"

    def _asked(self, method: str, path: str, content: object) -> Reply:
        """With a new access token where the old one has run out, as a front-end that works for days does."""
        reply = self.clinic.ask(method, path, content)
        if reply.status != HTTPStatus.UNAUTHORIZED:
            return reply
        self.clinic.access_token = str(self.clinic.ask_token().json()["access_token"])
        return self.clinic.ask(method, path, content)

    def move(self, start: datetime, lasts: timedelta = HOUR) -> Reply:
        return self.ask("PUT", content={"start_time": start.isoformat(), "end_time": (start + lasts).isoformat()})

    def payment(self) -> dict[str, Any]:
        """Where the money stands, as the clinic reads it."""
        return dict(self._asked("GET", f"{self._guest_path}?include_canceled=true", None).json()["payment"])


def in_ledger(world: World, session: Session) -> list[int]:
    """The amounts of all charges in the clinic's ledger."""
    start, end = session.created_at - DAY, session.end_time + 1000 * DAY
    return [row.amount for row in world.ledger.between(session.team_id, start, end)]


def fee_of(amount: int = FEE, currency: str = "aud") -> dict[str, Any]:
    return {"role": "GUEST", "display_name": "Mary Smith", "fee": {"amount": amount, "currency": currency}}


def book(
    edge: Edge,
    clinic: Clinic | None = None,
    *,
    starts_in: timedelta = HOUR,
    lasts: timedelta = HOUR,
    guest: dict[str, Any] | None = None,
    **times: str,
) -> Appointment:
    """The clinic schedules it through the API; `start_time` and `end_time` as they are to be written."""
    clinic = clinic or Clinic(edge)
    start = edge.world.clock() + starts_in
    written = {"start_time": start.isoformat(), "end_time": (start + lasts).isoformat(), **times}
    made = clinic.schedule({"role": "HOST", "display_name": "Dr Who"}, guest or fee_of(), **written).json()
    session_id, number = split_participant_id(made["participants"][1]["participant_id"])
    return Appointment(edge, edge.world.sessions.get(made["team_id"], session_id), number, clinic=clinic)


def with_debits(clinic: Clinic) -> Clinic:
    """A clinic that takes a delayed method, of which the bank says days later whether it was paid."""
    clinic.change_team(delayed_methods=(DEBIT,))
    return clinic


# --- Stripe's events, one by one ------------------------------------------------------------------------------------


def events(world: World, *kinds: str) -> list[Event]:
    """Those that Stripe has made, the oldest first, proven and read; whatever became of their delivery."""
    bodies = [one.body for one in world.stripe.deliveries if one.event_type in kinds]
    return [_event(world.clock(), body) for body in bodies]


def _event(now: datetime, body: bytes) -> Event:
    return read_event(body, signature(WEBHOOK_SECRET, body, now), [WEBHOOK_SECRET], now.timestamp())


def deliver_one(edge: Edge, kind: str) -> Reply:
    """The newest event of that kind, posted to the webhook."""
    body = next(one.body for one in reversed(edge.world.stripe.deliveries) if one.event_type == kind)
    headers = {"Stripe-Signature": signature(WEBHOOK_SECRET, body, edge.world.clock())}
    return edge.request("POST", "/stripe/webhook", body, headers)


def rewinder(world: World) -> Callable[[], None]:
    """A function that puts what our database holds back to what it holds now; Stripe is not touched."""
    kept = copy.copy(world.sessions._items)

    def rewind() -> None:
        world.sessions._items.clear()
        world.sessions._items.update(kept)

    return rewind


# --- faults ---------------------------------------------------------------------------------------------------------


@contextmanager
def unanswered(world: World) -> Iterator[None]:
    """Stripe hears nothing for the time of a block."""
    world.stripe.fail_next("timeout_before", 100)
    yield
    world.stripe.clear_faults()


def client_pays(world: World) -> Callable[[], object]:
    """At Stripe, on whatever page is open there: one step of a race."""

    def pay() -> object:
        world.seam.begin(Io(Kind.STRIPE, "the client pays"))
        page = next(iter(world.open_checkouts()), None)
        return world.stripe.pay(page["id"]) if page else None

    return pay
