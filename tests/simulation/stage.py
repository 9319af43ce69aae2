"""The stage of one history: a platform with two clinics, and everything that can go wrong.

Riverside (`r1`, `r2`) is paid on the deployment's own Stripe account; Hill Street (`h1`, `h2`) on one that it has
connected, or on a second one of the same owner, under which it may come back. What the product believes is never asked
here, but by the invariants that compare it with Stripe. A deed names people and pages by fixed places (`Guest`, the
n-th Checkout Session), so that a history still runs when deeds are left out.
"""

from __future__ import annotations

import random
from collections import ChainMap, Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NamedTuple

from typing_extensions import override

from chalicelib.config import Settings
from chalicelib.domain import ids
from chalicelib.domain.accounts import connected
from chalicelib.domain.api_clients import ApiClient
from chalicelib.domain.sessions import Participant, Session
from chalicelib.domain.teams import PayeeAccount, Team
from chalicelib.flows.accounts import claim
from chalicelib.flows.context import Context
from chalicelib.gateways.stripe_api import StripeApi
from chalicelib.gateways.stripe_connect import StripeConnect
from chalicelib.gateways.stripe_events import CONNECT_EVENTS, DEAUTHORIZED, EVENTS
from chalicelib.storage.cached import CachedTeams
from sandbox.stripe_standin.deliveries import Delivery, DeliveryState
from sandbox.stripe_standin.errors import JsonObject
from sandbox.stripe_standin.world import Books
from tests.simulation.canaries import CANARY, Recorder
from tests.simulation.faults import Faults
from tests.simulation.lean_stores import LeanSessions, LeanTeams
from tests.simulation.lean_stripe import Asked, DirectClient, LeanStandIn
from tests.support.platform import CONNECT_WEBHOOK_SECRET, CONNECT_WEBHOOK_URL, OAUTH_ID, platform_settings
from tests.support.world import STRIPE_KEY, WEBHOOK_SECRET, WEBHOOK_URL, World, no_sleep

CONNECTED = "acct_hillstreet000001"
SECOND = "acct_hillstreet000002"
"""Of the same owner: the clinic may come back under another id."""

STRANGER = "acct_nobodys0000000001"
"""Connected to the platform, and no team's."""

ACCOUNTS = (CONNECTED, SECOND)
API_CLIENT = "hill-street-front-end"
DEBITS = ("au_becs_debit", "sepa_debit", "us_bank_account")
CURRENCIES = ("aud", "eur", "usd")
"""What both clinics take; by each of the debits, one of them."""

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
    missed: set[str] = field(default_factory=set)
    """Accounts that were away, so that what happened on them meanwhile was never told."""
    barred: set[str] = field(default_factory=set)
    """Accounts that at some time Stripe let nobody be charged on, or not by us."""
    feeless: set[str] = field(default_factory=set)
    """Accounts of which, at some time, Stripe gave the platform no fees."""
    emptied: set[str] = field(default_factory=set)
    """Accounts whose balance, at some time, did not cover refunds."""
    left_at: dict[str, datetime] = field(default_factory=dict)
    """Since when accounts are away."""
    rates: dict[str, frozenset[int]] = field(default_factory=dict)
    """By attempt, the platform's rates in basis points that were in force while it was planned."""


class Stage(World):
    """One deployment with two clinics; `library`: through Stripe's own library instead of past it."""

    stripe: LeanStandIn
    sessions: LeanSessions
    teams: LeanTeams
    make_sessions = LeanSessions
    make_teams = LeanTeams

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
            _SETTINGS.append(platform_settings())
        super().__init__(_SETTINGS[0], seed)
        self.library = library
        self.stripe = self._at_stripe(seed)
        self._own, *self._connected = (self.books_named(one) for one in (self.stripe.account_id, *ACCOUNTS))
        self._things = ChainMap(*(one.objects for one in self._connected))
        self.sessions = self.make_sessions(self.random.randbytes)
        self.ledger, self.audit = self.sessions.books.ledger(), self.sessions.books.audit()
        self.teams = self.make_teams(self.sessions.books)
        self.context = self.elsewhere = self._context(_SETTINGS[0])
        """`elsewhere`: of other processes."""
        self._open_for_business()
        self.faults = Faults(self.clock, self.seam, self.stripe, self.sessions)

    def _at_stripe(self, seed: int) -> LeanStandIn:
        """The platform, Hill Street's two accounts, and the two endpoints, to which nothing goes by itself."""
        stripe = LeanStandIn(self.clock, random.Random(seed), "https://pay.example", STRIPE_KEY)
        stripe.add_webhook_endpoint(WEBHOOK_URL, WEBHOOK_SECRET, events=EVENTS)
        stripe.add_webhook_endpoint(CONNECT_WEBHOOK_URL, CONNECT_WEBHOOK_SECRET, connect=True, events=CONNECT_EVENTS)
        stripe.world.application_id = OAUTH_ID
        stripe.create_account("Hill Street Clinic", account_id=CONNECTED)
        stripe.create_account("Hill Street Clinic", account_id=SECOND, connected=False)
        stripe.set_webhooks("hold")
        return stripe

    @override
    def _context(self, settings: Settings) -> Context:
        made = super()._context(settings)
        if getattr(self, "library", True):
            return made
        self.stripe.on_request = lambda _method, _path: None
        client = DirectClient(self.stripe, self.seam, self.notes.asked.append)
        return replace(made, stripe=StripeApi(client, no_sleep))  # type: ignore[arg-type] # it has what is called

    def _open_for_business(self) -> None:
        for team in (self.team, self.other_team):
            own = PayeeAccount(None, reconciled_until=self.clock())
            chosen = replace(team, delayed_methods=DEBITS, more_currencies=CURRENCIES[1:], accounts=(own,))
            self.teams.create(chosen)
        before = self.teams.newest(self.other_team.team_id)
        claim(self.ctx, CONNECTED, before.team_id)
        seen = StripeConnect(self.context.stripe).account(CONNECTED, self.ctx.deadline)
        self.teams.save(before, connected(replace(before, accounts=()), seen, self.clock()))
        self.api_clients.create(ApiClient(API_CLIENT, before.team_id, (), self.clock()))
        self.notes.asked.clear()

    def remember_teams(self) -> None:
        """From now on requests know teams from a memory of 60 s; webhooks and operators are other processes."""
        self.context = replace(self.context, teams=CachedTeams(self.elsewhere.teams, self.clock.ticks))

    @override
    def receive(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        here, self.context = self.context, self.elsewhere
        try:
            return super().receive(url, headers, body)
        finally:
            self.context = here

    @override
    def webhook_secrets(self, url: str) -> tuple[str, ...]:
        settings = self.context.settings
        return settings.connect_webhook_secrets if url == CONNECT_WEBHOOK_URL else super().webhook_secrets(url)

    # --- who and what -------------------------------------------------------------------------------------------------

    def team_at(self, place: str) -> Team:
        """As it is stored; the same object until somebody writes it."""
        return self.teams.newest((self.team if place.startswith("r") else self.other_team).team_id)

    def team_of(self, account_id: str) -> str | None:
        """Whose account it is; None: nobody's."""
        if account_id == self.stripe.account_id:
            return self.team.team_id
        return self.other_team.team_id if account_id in ACCOUNTS else None

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
        things = len(self._own.objects) + sum(len(one.objects) for one in self._connected)
        return self.stripe.world.changes, things, len(self.notes.forged)

    def _checkouts_of(self, guest: Guest) -> list[JsonObject]:
        key = self.sessions_at.get(guest.place)
        if key is None:
            return []
        mine = participant_id(key[1], guest.number)
        return [
            one
            for one in self.of_kind(guest.place, "checkout.session")
            if one["metadata"].get("anteroom_participant") == mine
            and one["metadata"].get("anteroom_team") == key[0]
            and one["id"] not in self.notes.forged
        ]

    def of_kind(self, place: str, kind: str) -> list[JsonObject]:
        """What the clinic's accounts at Stripe hold of that kind, the oldest first."""
        if place.startswith("r"):
            return self._own.kinds.get(kind, [])
        first, second = (one.kinds.get(kind, []) for one in self._connected)
        return sorted([*first, *second], key=lambda one: int(one["created"])) if second else first

    def books_at(self, place: str) -> Mapping[str, JsonObject]:
        """All that they hold, by id."""
        return self._own.objects if place.startswith("r") else self._things

    def books_named(self, account_id: str) -> Books:
        return self.stripe.world.books[account_id]

    def account_of(self, object_id: str) -> str:
        """The account that holds it."""
        return next(one.account_id for one in (self._own, *self._connected) if object_id in one.objects)

    def is_away(self, account_id: str) -> bool:
        """Whether nobody of ours can see anything on it now, be it at Stripe or here."""
        known = account_id == self.stripe.account_id or self.team_at("h").has_account(account_id)
        return not (known and self.books_named(account_id).authorized)

    def knows_all(self, account_id: str) -> bool:
        """Whether by now the product has been told of all that happened on that account."""
        return self.notes.knows_all and account_id not in self.notes.missed

    def undelivered(self) -> list[Delivery]:
        return [one for one in self.stripe.mailroom.deliveries if one.state is DeliveryState.HELD]

    def send(self, delivery: Delivery) -> int:
        """Bring one webhook to the product, whatever became of it before; its answer."""
        headers = self.stripe.mailroom.headers(delivery)
        if delivery.event_type == DEAUTHORIZED:
            self._note_goodbye(delivery)
        status = self.receive(delivery.endpoint.url, headers, delivery.body)
        if 200 <= status < 300:
            delivery.state = DeliveryState.DELIVERED
            self.heard += 1
        return status

    def event_of(self, delivery: Delivery) -> tuple[str, JsonObject]:
        """The event behind it, and the account that it is of."""
        books = next(one for one in self.stripe.all_books if delivery.event_id in one.objects)
        return books.account_id, books.objects[delivery.event_id]

    def _note_goodbye(self, delivery: Delivery) -> None:
        account_id, event = self.event_of(delivery)
        account = self.team_at("h").account(account_id)
        since = account.connected_at if account is not None and account.is_connected else None
        if since is not None and int(since.timestamp()) > event["created"]:
            self.reach("a late goodbye after a newer connection")

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
