"""A whole deployment in one process: the product on stores in memory and the Stripe stand-in; the test owns the rest.

What is outside the product is real as far as it goes: Stripe's own library talks to the stand-in, webhooks are signed,
and through `edge.py` requests go through Chalice as Lambda hands them over.
"""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from chalicelib.config import Settings, load
from chalicelib.domain.admission import Admission
from chalicelib.domain.concerns import attention
from chalicelib.domain.facts import AttemptState
from chalicelib.domain.links import LinkClaims, mint
from chalicelib.domain.payments import PaymentStatus, standing
from chalicelib.domain.sessions import Fee, Participant, ParticipantWish, Role, Session, SessionWish, owing
from chalicelib.domain.teams import PayeeAccount, Plan, Team
from chalicelib.flows.change import ContendedError
from chalicelib.flows.checkout import PaymentStarted, start_checkout
from chalicelib.flows.come_back import Returned, come_back
from chalicelib.flows.context import REQUEST_SECONDS, Context
from chalicelib.flows.open_link import OpenedLink, open_link
from chalicelib.flows.park import settle_or_park
from chalicelib.flows.schedule import schedule_session
from chalicelib.flows.settle import Settled, settle
from chalicelib.flows.sweep import SWEEP_SECONDS, Swept, sweep
from chalicelib.gateways.deadline import Deadline
from chalicelib.gateways.stripe_api import StripeApi, StripeError, stripe_client
from chalicelib.gateways.stripe_events import Event, read_event
from chalicelib.gateways.stripe_objects import StrangeObjectError
from chalicelib.storage.stores import StoreError
from sandbox.stripe_standin import StripeStandIn
from sandbox.stripe_standin.deliveries import signature
from sandbox.stripe_standin.errors import JsonObject
from sandbox.stripe_standin.payments import Outcome
from tests.fakes.memory import MemoryEntries, MemoryIdempotency, MemorySessions
from tests.fakes.memory_books import MemoryParkedEvents
from tests.fakes.memory_teams import MemoryApiClients, MemoryStripeAccounts, MemorySubdomains, MemoryTeams
from tests.support.seam import Seam

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
PUBLIC_URL = "https://anteroom.example"
WEBHOOK_URL = f"{PUBLIC_URL}/stripe/webhook"
WEBHOOK_SECRET = "whsec_of_the_world"
STRIPE_KEY = "sk_test_of_the_world"
ROOM_KEY = "r" * 32
TEAM_ID = "11111111-1111-4111-8111-111111111111"
OTHER_TEAM_ID = "22222222-2222-4222-8222-222222222222"


def key_text(byte: int) -> str:
    return base64.b64encode(bytes([byte]) * 32).decode()


SECRETS: dict[str, Any] = {
    "link_keys": {"1": key_text(1), "2": key_text(2)},
    "link_key": 2,
    "api_key": key_text(3),
    "stripe_secret_key": STRIPE_KEY,
    "stripe_webhook_secrets": [WEBHOOK_SECRET],
    "room": {"kind": "template", "url": "https://rooms.example/{room}?token={token}", "key": ROOM_KEY},
}


def settings_of(secrets: Mapping[str, Any] = SECRETS, **changes: str) -> Settings:
    environment = {"ANTEROOM_PUBLIC_URL": PUBLIC_URL, "ANTEROOM_SECRETS_JSON": json.dumps(secrets), **changes}
    return load(environment, lambda name: name)


def no_sleep(_seconds: float) -> None:
    """Nobody waits in tests."""


class Clock:
    """Stands still until the test moves it; `ticks` counts the same seconds for deadlines and caches."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def ticks(self) -> float:
        return self.now.timestamp()

    def advance(self, **duration: float) -> None:
        self.now += timedelta(**duration)

    def set(self, now: datetime) -> None:
        self.now = now


class World:
    """One deployment, one clinic that can charge (`team`), another beside it (`other_team`)."""

    def __init__(self, settings: Settings | None = None, seed: int = 1) -> None:
        self.clock = Clock()
        self.random = random.Random(seed)
        self.stripe = StripeStandIn(self.clock, random.Random(seed), "https://pay.example", secret_key=STRIPE_KEY)
        self.stripe.add_webhook_endpoint(WEBHOOK_URL, WEBHOOK_SECRET)
        self.sessions = MemorySessions(self.random.randbytes)
        self.teams = MemoryTeams(self.sessions.books)
        self.api_clients = MemoryApiClients()
        self.stripe_accounts = MemoryStripeAccounts()
        self.subdomains = MemorySubdomains()
        self.entries = MemoryEntries()
        self.idempotency = MemoryIdempotency(self.random.randbytes)
        self.ledger = self.sessions.books.ledger()
        self.audit = self.sessions.books.audit()
        self.parked_events = MemoryParkedEvents()
        self.seam = Seam()
        self.context = self._context(settings or settings_of())
        self.team = self.add_team(TEAM_ID, "Riverside Clinic")
        self.other_team = self.add_team(OTHER_TEAM_ID, "Hill Street Clinic")

    def _context(self, settings: Settings) -> Context:
        client = stripe_client(STRIPE_KEY, settings.stripe_api, self.seam.stripe_client(self.stripe))
        return Context(
            settings=settings,
            clock=self.clock,
            entropy=self.random.randbytes,
            sleep=no_sleep,
            ticks=self.clock.ticks,
            sessions=self.seam.watched(self.sessions, "sessions"),
            teams=self.seam.watched(self.teams, "teams"),
            api_clients=self.seam.watched(self.api_clients, "api_clients"),
            stripe_accounts=self.seam.watched(self.stripe_accounts, "stripe_accounts"),
            subdomains=self.seam.watched(self.subdomains, "subdomains"),
            entries=self.seam.watched(self.entries, "entries"),
            idempotency=self.seam.watched(self.idempotency, "idempotency"),
            ledger=self.seam.watched(self.ledger, "ledger"),
            audit=self.seam.watched(self.audit, "audit"),
            parked_events=self.seam.watched(self.parked_events, "parked_events"),
            stripe=StripeApi(client, no_sleep),
            deadline=Deadline(self.clock.ticks, self.clock.ticks() + REQUEST_SECONDS),
        )

    @property
    def ctx(self) -> Context:
        """The context of one fresh request."""
        return self.context.within(REQUEST_SECONDS)

    # --- the clinic ---------------------------------------------------------------------------------------------

    def add_team(self, team_id: str, name: str, **changes: Any) -> Team:
        team = replace(Team(team_id, name, self.clock(), Plan.STANDARD, accounts=(PayeeAccount(None),)), **changes)
        self.teams.create(team)
        return team

    def change_team(self, **changes: Any) -> Team:
        changed = replace(self.team, **changes)
        self.context.teams.save(self.team, changed)
        self.team = changed
        return changed

    def schedule(
        self,
        *participants: ParticipantWish,
        starts_in: timedelta = timedelta(0),
        lasts: timedelta = timedelta(minutes=30),
        team: Team | None = None,
    ) -> Session:
        """A session; without participants: a host (number 1) and a guest who owes 80.00 AUD (number 2)."""
        wanted = participants or (host(), guest(Fee(8000, "aud")))
        start = self.clock() + starts_in
        wish = SessionWish(start, start + lasts, "Consultation", participants=wanted)
        return schedule_session(self.ctx, team or self.team, "client-1", wish)

    def session(self, session: Session) -> Session:
        """The session as it is stored now."""
        return self.context.sessions.get(session.team_id, session.session_id)

    def change(self, session: Session, decide: Callable[[Session], Session]) -> Session:
        """The clinic, or anybody else, changes the session."""
        return self.context.sessions.save(decide(self.session(session)))

    def participant(self, session: Session, number: int = 2) -> Participant:
        participant = self.session(session).participant(number)
        assert participant is not None
        return participant

    def status(self, session: Session, number: int = 2) -> PaymentStatus:
        """What the facts kept so far add up to."""
        participant = self.participant(session, number)
        return standing(owing(self.session(session), participant), participant.history).status

    def attention(self, session: Session, number: int = 2) -> str | None:
        """What a person is told to look at."""
        return attention(self.session(session), self.participant(session, number), self.clock())

    def attempt_states(self, session: Session, number: int = 2) -> list[AttemptState]:
        """Of every attempt that is kept, the oldest first."""
        return [attempt.state for attempt in self.participant(session, number).history.attempts]

    # --- the client -----------------------------------------------------------------------------------------------

    def token(self, session: Session, number: int = 2) -> str:
        participant = self.participant(session, number)
        claims = LinkClaims(session.team_id, session.session_id, number, participant.generation)
        return mint(self.context.settings.link_keys, claims, participant.key_id)

    def open(self, session: Session, number: int = 2) -> OpenedLink:
        return open_link(self.ctx, self.token(session, number))

    def press_pay(self, session: Session, number: int = 2) -> PaymentStarted | Admission:
        """The client presses "Pay": the page to pay on, or what the door says."""
        return start_checkout(self.ctx, self.open(session, number))

    def pay_page(self, session: Session, number: int = 2) -> PaymentStarted:
        """As `press_pay`, where there is something to pay."""
        started = self.press_pay(session, number)
        assert isinstance(started, PaymentStarted)
        return started

    def pay(self, session: Session, card: str = "4242424242424242", number: int = 2) -> Outcome:
        """Press "Pay" and pay at Stripe; what the product hears of it is another matter."""
        return self.stripe.pay(checkout_id(self.pay_page(session, number).url), card)

    def return_token(self, started: PaymentStarted) -> str:
        """What Stripe sends the client back with."""
        made = next(one for one in self.checkouts() if one["client_reference_id"] == started.attempt_id)
        return str(made["success_url"]).rpartition("/")[2]

    def come_back(self, started: PaymentStarted) -> Returned:
        return come_back(self.ctx, self.return_token(started))

    # --- Stripe ---------------------------------------------------------------------------------------------------

    def deliver(self) -> int:
        """Every webhook that is due, straight to its flow; how many were taken."""
        return self.stripe.pump(self.receive)

    def webhook_secrets(self, _url: str) -> tuple[str, ...]:
        """Which the endpoint of that address takes."""
        return self.context.settings.secrets.stripe_webhook_secrets

    def receive(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        """One delivery, answered as the edge answers it."""
        secrets, now = self.webhook_secrets(url), self.clock().timestamp()
        try:
            settle_or_park(self.ctx, read_event(body, headers["Stripe-Signature"], secrets, now))
        except (StoreError, StripeError, StrangeObjectError, ContendedError):
            return 503
        return 200

    def event(self, kind: str) -> Event:
        """The newest event of that kind, proven and read, whatever became of its delivery."""
        sent = next(one for one in reversed(self.stripe.deliveries) if one.event_type == kind)
        secret = sent.endpoint.secret
        return read_event(sent.body, signature(secret, sent.body, self.clock()), [secret], self.clock().timestamp())

    def settle(self, kind: str) -> Settled:
        """The newest event of that kind arrives, on its own."""
        return self.settle_event(self.event(kind))

    def settle_event(self, event: Event) -> Settled:
        """This very event arrives."""
        return settle(self.ctx, event)

    def checkouts(self) -> list[JsonObject]:
        """Every Checkout Session of the deployment's own account, oldest first."""
        return list(self.books()["checkout_sessions"])

    def open_checkouts(self) -> list[JsonObject]:
        return [one for one in self.checkouts() if one["status"] == "open"]

    def charges(self) -> list[JsonObject]:
        """Those that took money."""
        return [one for one in self.books()["charges"] if one["status"] == "succeeded"]

    def refunds(self) -> list[JsonObject]:
        return list(self.books()["refunds"])

    def books(self) -> JsonObject:
        """All that Stripe holds for the deployment's own account, by kind."""
        books: JsonObject = self.stripe.snapshot()["accounts"][0]
        return books

    # --- the clock ------------------------------------------------------------------------------------------------

    def sweep(self) -> Swept:
        return sweep(self.context.within(SWEEP_SECONDS))


def checkout_id(url: str) -> str:
    """The Checkout Session behind the page of that address."""
    return url.rpartition("/")[2]


def host(name: str = "Dr Who") -> ParticipantWish:
    return ParticipantWish(Role.HOST, name)


def guest(fee: Fee | None = None, name: str = "Mary Smith") -> ParticipantWish:
    return ParticipantWish(Role.GUEST, name, fee=fee)
