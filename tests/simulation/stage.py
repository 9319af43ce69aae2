"""The stage of one history: two clinics, each with a Stripe account of its own, and everything that can go wrong.

What the product believes is never asked here, but by the invariants that compare it with Stripe. A deed names people
and pages by fixed places (`Guest`, the n-th Checkout Session), so that a history still runs when deeds are left out.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NamedTuple

from typing_extensions import override

from chalicelib.config import Settings
from chalicelib.domain import ids
from chalicelib.domain.sessions import Participant, Session
from chalicelib.domain.teams import PayeeAccount, Team
from chalicelib.flows.context import Context
from chalicelib.gateways.stripe_api import StripeApi
from chalicelib.gateways.stripe_events import EVENTS
from sandbox.stripe_standin.deliveries import Delivery, DeliveryState
from sandbox.stripe_standin.errors import JsonObject
from sandbox.stripe_standin.world import Books
from tests.simulation.canaries import CANARY, Recorder
from tests.simulation.faults import Faults
from tests.simulation.lean_stores import LeanSessions
from tests.simulation.lean_stripe import Asked, DirectClient, LeanStandIn
from tests.support.world import STRIPE_KEY, WEBHOOK_SECRET, WEBHOOK_URL, World, no_sleep, settings_of

CONNECTED = "acct_hillstreet000001"
CONNECT_URL = "https://anteroom.example/stripe/connect/webhook"
PLACES = ("r1", "r2", "h1", "h2")
"""Sessions: two of Riverside Clinic, two of Hill Street Clinic."""

Moment = tuple[int, int, int]

_SETTINGS: list[Settings] = []


class Guest(NamedTuple):
    """A participant of the session at a place."""

    place: str
    number: int

    def __str__(self) -> str:
        return f"{self.place}/{self.number}"


@dataclass
class Notes:
    """What was noticed on the way, for the table of states and for the invariants."""

    reached: Counter[str] = field(default_factory=Counter)
    asked: list[Asked] = field(default_factory=list)
    forged: set[str] = field(default_factory=set)
    """Checkout Sessions that the product never made."""
    rescheduled: set[str] = field(default_factory=set)
    decided: set[str] = field(default_factory=set)
    """Refunds that the product has told the clinic it will make."""
    poisoned: set[str] = field(default_factory=set)
    """Events that arrive as the product cannot read them, and were not replayed."""
    given: Counter[str] = field(default_factory=Counter)
    """What operators gave back another way, by charge: as much as they were told is missing."""
    let_be: set[str] = field(default_factory=set)
    """Charges of which operators said that some need not go back."""
    knows_all: bool = False
    """Whether by now the product has been told of all that happened at Stripe."""
    promise_broken: set[Guest] = field(default_factory=set)
    """Guests for whom Stripe let two Checkout Sessions be paid."""


class Stage(World):
    """One deployment with two clinics; `library`: through Stripe's own library instead of past it."""

    stripe: LeanStandIn
    sessions: LeanSessions
    make_sessions = LeanSessions

    def __init__(self, seed: int, *, library: bool = False) -> None:
        self.seed = seed
        self.notes = Notes()
        self.sessions_at: dict[str, tuple[str, str]] = {}
        self.recorder = Recorder()
        self._pages: dict[Guest, tuple[object, list[JsonObject]]] = {}
        self.known: dict[Guest, tuple[Session, Moment, Any]] = {}
        """What `truth.py` found for each guest, and of when that is."""
        self.heard = 0
        """Webhooks that the product took."""
        if not _SETTINGS:
            _SETTINGS.append(settings_of())
        super().__init__(_SETTINGS[0], seed)
        self.library = library
        self.stripe = LeanStandIn(self.clock, random.Random(seed), "https://pay.example", STRIPE_KEY)
        self.stripe.add_webhook_endpoint(WEBHOOK_URL, WEBHOOK_SECRET, events=EVENTS)
        self.stripe.add_webhook_endpoint(CONNECT_URL, WEBHOOK_SECRET, connect=True, events=EVENTS)
        self.sessions = self.make_sessions(self.random.randbytes)
        self.ledger, self.audit = self.sessions.books.ledger(), self.sessions.books.audit()
        self.stripe.create_account("Hill Street Clinic", account_id=CONNECTED)
        self.stripe.set_webhooks("hold")
        self._books = tuple(self.stripe.world.books[one] for one in (self.stripe.account_id, CONNECTED))
        self.context = self._context(_SETTINGS[0])
        self._open_for_business()
        self.faults = Faults(self.clock, self.seam, self.stripe, self.sessions)

    @override
    def _context(self, settings: Settings) -> Context:
        made = super()._context(settings)
        if getattr(self, "library", True):
            return made
        self.stripe.on_request = lambda _method, _path: None
        client = DirectClient(self.stripe, self.seam, self.notes.asked.append)
        return replace(made, stripe=StripeApi(client, no_sleep))  # type: ignore[arg-type] # it has what is called

    def _open_for_business(self) -> None:
        self.change_team(delayed_methods=("au_becs_debit",))
        before = self.other_team
        account = PayeeAccount(CONNECTED)
        self.other_team = replace(before, accounts=(account,), delayed_methods=("au_becs_debit",))
        self.teams.save(before, self.other_team)

    # --- who and what -------------------------------------------------------------------------------------------------

    def team_at(self, place: str) -> Team:
        return self.team if place.startswith("r") else self.other_team

    def account_at(self, place: str) -> str:
        return self.stripe.account_id if place.startswith("r") else CONNECTED

    def new_session_id(self, place: str) -> str:
        """Of its own, or that of the other clinic's session with the same number: an id is a clinic's own affair."""
        twin = self.sessions_at.get({"r": "h", "h": "r"}[place[0]] + place[1])
        if twin is not None and place.endswith("1"):
            return twin[1]
        return ids.session_id_at(self.clock(), self.random.randbytes(ids.ENTROPY_BYTES))

    def session_at(self, place: str) -> Session | None:
        """As it is stored; None while nothing is scheduled there."""
        key = self.sessions_at.get(place)
        return self.sessions.find(*key) if key else None

    def participant_at(self, guest: Guest) -> Participant | None:
        session = self.session_at(guest.place)
        return session.participant(guest.number) if session else None

    def places(self) -> Iterator[tuple[str, Session]]:
        """Those that are scheduled."""
        for place in self.sessions_at:
            session = self.session_at(place)
            if session is not None:
                yield place, session

    def guests(self) -> Iterator[tuple[Guest, Session, Participant]]:
        for place, session in self.places():
            for participant in session.participants:
                if not participant.is_host:
                    yield Guest(place, participant.number), session, participant

    # --- at Stripe --------------------------------------------------------------------------------------------------

    def checkouts_of(self, guest: Guest) -> list[JsonObject]:
        """Those that the product made for this guest, the oldest first."""
        moment = (self.sessions_at.get(guest.place), self.moment)
        known = self._pages.get(guest)
        if known is None or known[0] != moment:
            known = self._pages[guest] = (moment, self._checkouts_of(guest))
        return known[1]

    @property
    def moment(self) -> Moment:
        """Another whenever something is new at Stripe, or has changed."""
        own, connected = self._books
        return self.stripe.world.changes, len(own.objects) + len(connected.objects), len(self.notes.forged)

    def _checkouts_of(self, guest: Guest) -> list[JsonObject]:
        key = self.sessions_at.get(guest.place)
        if key is None:
            return []
        mine = participant_id(key[1], guest.number)
        return [
            one
            for one in self.account_books(guest.place).kinds.get("checkout.session", ())
            if one["metadata"].get("anteroom_participant") == mine
            and one["metadata"].get("anteroom_team") == key[0]
            and one["id"] not in self.notes.forged
        ]

    def account_books(self, place: str) -> Books:
        """All that the clinic's account at Stripe holds."""
        return self._books[0 if place.startswith("r") else 1]

    def books_at(self, place: str) -> dict[str, JsonObject]:
        """The same by id."""
        return self.account_books(place).objects

    def undelivered(self) -> list[Delivery]:
        return [one for one in self.stripe.mailroom.deliveries if one.state is DeliveryState.HELD]

    def send(self, delivery: Delivery) -> int:
        """Bring one webhook to the product, whatever became of it before; its answer."""
        headers = self.stripe.mailroom.headers(delivery)
        status = self.receive(delivery.endpoint.url, headers, delivery.body)
        if 200 <= status < 300:
            delivery.state = DeliveryState.DELIVERED
            self.heard += 1
        return status

    # --- for the story ------------------------------------------------------------------------------------------------

    def reach(self, state: str) -> None:
        """Note that the history came by this."""
        self.notes.reached[state] += 1

    def now(self) -> datetime:
        return self.clock.now

    @contextmanager
    def recorded(self) -> Iterator[None]:
        with self.recorder.listening():
            yield


def participant_id(session_id: str, number: int) -> str:
    """The product's rule (`ids.py`), for ids that are known to be good."""
    return f"{session_id[:-2]}{number:02x}"


def name_of(guest: Guest) -> str:
    """A name that must not be seen anywhere outside."""
    return f"{CANARY}-name-{guest.place}-{guest.number}"
