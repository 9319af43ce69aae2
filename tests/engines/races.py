"""A deployment that many processes share, as functions of Lambda do: Amazon's engine, and the stand-in behind HTTP."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from flask import Flask

from chalicelib import wiring
from chalicelib.config import load
from chalicelib.domain.books import AuditRow, LedgerRow
from chalicelib.domain.links import LinkClaims, derive_key, mint
from chalicelib.domain.sessions import Fee, ParticipantWish, Session, SessionWish
from chalicelib.flows.context import REQUEST_SECONDS, Context
from chalicelib.flows.enrol import enrol_team
from chalicelib.flows.schedule import schedule_session
from chalicelib.gateways.access_tokens import mint_access_token
from chalicelib.storage.tables import create_tables
from sandbox.clock import Clock
from sandbox.environment import Addresses, StripeChoice, settings_environment
from sandbox.server import Server
from sandbox.stripe_standin import StripeStandIn
from sandbox.stripe_standin.deliveries import signature
from sandbox.stripe_standin.errors import JsonObject
from sandbox.stripe_standin.web import blueprint
from tests.engines.engine_wire import be_patient
from tests.engines.racer import READY, SWEEP, Sent, Work, run
from tests.support.edge import CONFORMANCE, Reply, gateway_event
from tests.support.world import PUBLIC_URL, ROOM_KEY, STRIPE_KEY, WEBHOOK_SECRET, WEBHOOK_URL, guest, host

PROCESSES = 6
PATIENCE_SECONDS = 120
"""For one start, or one race, on a machine that has other things to do."""

MOST_ROUNDS = 20
DAY = timedelta(days=1)
FEE = Fee(8000, "aud")


class Processes:
    """Each has the application and a context of its own; together they send many requests at once."""

    def __init__(self, environment: Mapping[str, str], directory: Path) -> None:
        spawning = multiprocessing.get_context("spawn")
        self._pipes: list[Connection] = []
        self._processes: list[BaseProcess] = []
        for number in range(PROCESSES):
            ours, theirs = spawning.Pipe()
            arguments = (theirs, dict(environment), directory / f"racer-{number}.log")
            process = spawning.Process(target=run, args=arguments, daemon=True)
            process.start()
            theirs.close()
            self._pipes.append(ours)
            self._processes.append(process)
        self._are_ready()

    def _are_ready(self) -> None:
        for pipe in self._pipes:
            assert self._told(pipe) == READY

    def race(self, requests: Sequence[Sent], ahead: timedelta) -> list[Reply]:
        """All of them at once, dealt out to the processes in turn; the answers in the order of the requests."""
        if not requests:
            return []
        hands = [tuple(requests[number::PROCESSES]) for number in range(PROCESSES)]
        for pipe, hand in zip(self._pipes, hands, strict=True):
            pipe.send(Work(hand, ahead))
        self._are_ready()
        for pipe in self._pipes:
            pipe.send("start")
        answers: dict[int, Reply] = {}
        for number, pipe in enumerate(self._pipes):
            answers |= dict(zip(range(number, len(requests), PROCESSES), self._told(pipe), strict=True))
        return [answers[number] for number in range(len(requests))]

    @staticmethod
    def _told(pipe: Connection) -> Any:  # noqa: ANN401 (whatever was sent)
        if not pipe.poll(PATIENCE_SECONDS):
            message = "a process does not answer"
            raise TimeoutError(message)
        return pipe.recv()

    def end(self) -> None:
        """They keep nothing, so nobody waits for them to tidy up."""
        for process in self._processes:
            process.terminate()
        for process, pipe in zip(self._processes, self._pipes, strict=True):
            process.join()
            pipe.close()


class Shared:
    """One deployment with one clinic. What this process reads of it, it reads from the engine, as the others do."""

    def __init__(self, ctx: Context, clock: Clock, stripe: StripeStandIn, processes: Processes) -> None:
        self.clock = clock
        self.stripe = stripe
        self.ctx = ctx
        self._processes = processes
        self._ahead = timedelta()
        self.enrolled = enrol_team(ctx.within(REQUEST_SECONDS), "Bay Road Clinic")
        self.team_id = self.enrolled.team.team_id

    # --- racing -----------------------------------------------------------------------------------------------------

    def race(self, requests: Sequence[Sent]) -> list[Reply]:
        """At once, and each answer is one that the reference describes."""
        answers = self._processes.race(requests, self._ahead)
        for sent, reply in zip(requests, answers, strict=True):
            if sent.method != SWEEP:
                route = gateway_event(sent.method, sent.url, "", {})["resource"]
                CONFORMANCE.check(sent.method, route, reply.status, reply.headers, reply.body)
        return answers

    def race_until_answered(self, requests: Sequence[Sent]) -> list[Reply]:
        """As callers do: what is to be tried again is tried again when it is time, at once with all others that are."""
        answers = dict(enumerate(self.race(requests)))
        for _ in range(MOST_ROUNDS):
            again = [number for number, reply in answers.items() if "retry-after" in reply.headers]
            self._advance(max((int(answers[number].headers["retry-after"]) for number in again), default=0))
            answers |= dict(zip(again, self.race([requests[number] for number in again]), strict=True))
        assert {reply.body for reply in answers.values() if "retry-after" in reply.headers} == set()
        return [answers[number] for number in range(len(requests))]

    def sweep_until_rest(self) -> None:
        """A day of overlapping sweeps."""
        for _ in range(6):
            self._advance(DAY.total_seconds() / 6)
            self.race([Sent(SWEEP)] * PROCESSES)

    def _advance(self, seconds: float) -> None:
        """The clock of the whole deployment: nobody waits here."""
        self.clock.advance(seconds)
        self._ahead += timedelta(seconds=seconds)

    # --- what is sent -----------------------------------------------------------------------------------------------

    def api(self, method: str, url: str, content: object = None, key: str | None = None) -> Sent:
        """A request of the clinic's."""
        signing_key = derive_key(self.ctx.settings.secrets.api_key, "access tokens")
        token = mint_access_token(signing_key, self.enrolled.client_id, self.team_id, self.clock.now())
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        body = b"" if content is None else json.dumps(content).encode()
        return Sent(method, url, body, headers | ({"Idempotency-Key": key} if key else {}))

    def webhook(self, event_type: str) -> Sent:
        """The newest event of that type, signed."""
        body = next(one.body for one in reversed(self.stripe.deliveries) if one.event_type == event_type)
        return Sent("POST", WEBHOOK_URL, body, {"Stripe-Signature": signature(WEBHOOK_SECRET, body, self.clock.now())})

    def link(self, session: Session, number: int) -> str:
        claims = LinkClaims(session.team_id, session.session_id, number, 0)
        keys = self.ctx.settings.link_keys
        return f"/session/{mint(keys, claims, keys.current)}"

    # --- what is there ----------------------------------------------------------------------------------------------

    def schedule(self, guests: int = 1) -> Session:
        """Tomorrow, for an hour: a host (number 1), and guests who owe 80.00 AUD each."""
        people: list[ParticipantWish] = [host(), *(guest(FEE, f"Guest {number}") for number in range(guests))]
        start = self.clock.now().replace(microsecond=0) + DAY
        wish = SessionWish(start, start + timedelta(hours=1), "Consultation", participants=tuple(people))
        ctx = self.ctx.within(REQUEST_SECONDS)
        return schedule_session(ctx, self.enrolled.team, self.enrolled.client_id, wish)

    def session(self, session: Session) -> Session:
        return self.ctx.sessions.get(session.team_id, session.session_id)

    def checkouts(self) -> list[JsonObject]:
        found: list[JsonObject] = self.stripe.snapshot()["accounts"][0]["checkout_sessions"]
        return found

    def refunds(self) -> list[JsonObject]:
        found: list[JsonObject] = self.stripe.snapshot()["accounts"][0]["refunds"]
        return found

    def ledger(self, session: Session) -> list[LedgerRow]:
        now = self.clock.now()
        rows = self.ctx.ledger.between(self.team_id, now - 10 * DAY, now + 10 * DAY)
        return [row for row in rows if row.session_id == session.session_id]

    def decided(self, session: Session, what: str) -> int:
        """How often the audit tells of it."""
        now = self.clock.now()
        rows: Iterator[AuditRow] = self.ctx.audit.between(self.team_id, now - 10 * DAY, now + 10 * DAY)
        entries = [entry for row in rows if row.session_id == session.session_id for entry in row.entries]
        return [entry.what for entry in entries].count(what)


@contextmanager
def shared_deployment(dynamodb_address: str, directory: Path) -> Iterator[Shared]:
    """Up for the block; this process has to have credentials, if made up ones."""
    clock = Clock(lambda: datetime.now(UTC))
    site = Flask(__name__)
    server = Server(site, 0)
    stripe = StripeStandIn(clock.now, random.Random(time.time_ns()), server.url, secret_key=STRIPE_KEY)
    stripe.add_webhook_endpoint(WEBHOOK_URL, WEBHOOK_SECRET)
    stripe.set_webhooks("drop")
    site.register_blueprint(blueprint(stripe))
    server.start()
    addresses = Addresses(PUBLIC_URL, server.url, dynamodb_address)
    choice = StripeChoice(STRIPE_KEY, WEBHOOK_SECRET, is_real=False)
    environment = settings_environment(addresses, choice, ROOM_KEY, os.urandom)
    ctx = replace(wiring.make_context(load(environment, str)), clock=clock.now)
    be_patient()
    create_tables()
    processes = Processes(environment, directory)
    try:
        yield Shared(ctx, clock, stripe, processes)
    finally:
        processes.end()
        server.stop()
