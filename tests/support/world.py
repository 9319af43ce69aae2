"""A whole deployment in one process: the product on stores in memory and the Stripe stand-in, and the test owns the rest.

Everything outside the product is real as far as it goes: Stripe's own library talks to the stand-in, webhooks are signed
and delivered through the HTTP edge, requests go through Chalice as Lambda hands them over.
"""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from chalicelib.config import Settings, load
from chalicelib.domain.links import LinkClaims, mint
from chalicelib.domain.sessions import Fee, Participant, ParticipantWish, Role, Session, SessionWish
from chalicelib.domain.teams import PayeeAccount, Plan, Team
from chalicelib.flows.context import REQUEST_SECONDS, Context
from chalicelib.flows.open_link import OpenedLink, open_link
from chalicelib.flows.schedule import schedule_session
from chalicelib.flows.sweep import SWEEP_SECONDS, Swept, sweep
from chalicelib.gateways.deadline import Deadline
from chalicelib.gateways.stripe_api import StripeApi, stripe_client
from sandbox.stripe_standin import StripeStandIn
from sandbox.stripe_standin.client import InProcessHTTPClient
from tests.fakes.memory import MemoryApiClients, MemoryEntries, MemorySessions, MemoryTeams

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
        self.teams = MemoryTeams()
        self.api_clients = MemoryApiClients()
        self.entries = MemoryEntries()
        self.context = self._context(settings or settings_of())
        self.team = self.add_team(TEAM_ID, "Riverside Clinic")
        self.other_team = self.add_team(OTHER_TEAM_ID, "Hill Street Clinic")

    def _context(self, settings: Settings) -> Context:
        client = stripe_client(STRIPE_KEY, settings.stripe_api, InProcessHTTPClient(self.stripe))
        return Context(
            settings=settings,
            clock=self.clock,
            entropy=self.random.randbytes,
            sleep=lambda _seconds: None,
            ticks=self.clock.ticks,
            sessions=self.sessions,
            teams=self.teams,
            api_clients=self.api_clients,
            entries=self.entries,
            stripe=StripeApi(client),
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
        self.teams.save(self.team, changed)
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
        return self.sessions.get(session.team_id, session.session_id)

    def participant(self, session: Session, number: int = 2) -> Participant:
        participant = self.session(session).participant(number)
        assert participant is not None
        return participant

    # --- the client -----------------------------------------------------------------------------------------------

    def token(self, session: Session, number: int = 2) -> str:
        participant = self.participant(session, number)
        claims = LinkClaims(session.team_id, session.session_id, number, participant.generation)
        return mint(self.context.settings.link_keys, claims, participant.key_id)

    def open(self, session: Session, number: int = 2) -> OpenedLink:
        return open_link(self.ctx, self.token(session, number))

    # --- the clock ------------------------------------------------------------------------------------------------

    def sweep(self) -> Swept:
        return sweep(self.context.within(SWEEP_SECONDS))


def host(name: str = "Dr Who") -> ParticipantWish:
    return ParticipantWish(Role.HOST, name)


def guest(fee: Fee | None = None, name: str = "Mary Smith") -> ParticipantWish:
    return ParticipantWish(Role.GUEST, name, fee=fee)
