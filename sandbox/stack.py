"""The whole sandbox in one process: puts the stand-ins and the product together, starts them, and ends them."""

from __future__ import annotations

import random
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from app import app as product
from app import sweep as scheduled_sweep
from chalicelib import wiring
from chalicelib.config import Settings, fetch_secrets, load
from chalicelib.flows.context import Context
from chalicelib.flows.enrol import Enrolled
from chalicelib.gateways.stripe_api import StripeApi, deadline_client, stripe_client
from chalicelib.gateways.stripe_endpoints import EndpointKind, wanted_endpoints
from chalicelib.storage import tables
from sandbox import web
from sandbox.background import Postman, Sweeper
from sandbox.clinic_software import ClinicSoftware
from sandbox.clinics import Clinics, Software
from sandbox.clock import Clock
from sandbox.controls import Controls, StripeControls
from sandbox.demo import CLINIC, PLATFORM, Scene, make_demo, open_accounts
from sandbox.dynamodb import Line, database_server
from sandbox.environment import Addresses, StripeChoice, settings_environment
from sandbox.faults import DatabaseFaults, StripeFaults
from sandbox.gateway import Gateway
from sandbox.meter import Meter
from sandbox.metered_stripe import MeteredHTTPClient
from sandbox.server import HOST, Server
from sandbox.start_page import Demo
from sandbox.stripe_standin import StripeStandIn

JOIN_WITHIN = 1.0
"""Seconds that a thread may take to end; all are daemons, so none can hold the process."""


@dataclass(frozen=True, slots=True)
class Running:
    """The sandbox while it runs. `environment` is what reaches the product's tables from another process."""

    addresses: Addresses
    stripe: StripeChoice
    demo: Demo
    now: datetime
    environment: Mapping[str, str] = field(repr=False)


@dataclass
class Parts:
    """What is shared: the clock, the counters, the faults, and the demo once it is there."""

    clock: Clock = field(default_factory=lambda: Clock(_now))
    meter: Meter = field(default_factory=Meter)
    database_faults: DatabaseFaults = field(default_factory=DatabaseFaults)
    demo: Demo | None = None


@contextmanager
def running(port: int, choice: StripeChoice) -> Iterator[Running]:
    """Everything up, with the demo clinic in it; down again at the end. Raises PortTakenError, DemoFailedError."""
    parts = Parts()
    room_key = secrets.token_urlsafe(32)
    with ExitStack() as closing:
        gateway, database = Gateway(product, port, parts.meter), database_server()
        closing.callback(gateway.stop)
        closing.callback(database.stop)
        addresses = Addresses(gateway.url, f"http://{HOST}:{port + 1}", database.url)
        standin = None if choice.is_real else _stand_in(addresses, choice, parts.clock)
        choice = choice.with_application(standin.client_id) if standin else choice
        environment = settings_environment(addresses, choice, room_key, secrets.token_bytes)
        ctx = _context(environment, parts)
        stripe, postman = _line_to(standin, ctx.settings) if standin else (None, None)
        sweeper = Sweeper(scheduled_sweep, parts.meter, _faults_waiting(parts, stripe))
        clinics = Clinics(ctx, _software_at(gateway.url))
        controls = Controls(parts.clock, parts.meter, parts.database_faults, sweeper, clinics, stripe)
        control = Server(web.application(controls, lambda: parts.demo, room_key), port + 1)
        closing.callback(control.stop)
        for server in (database, gateway, control):
            server.start()
        _fill_database(parts)
        owners = open_accounts(standin) if standin and choice.platform else None
        parts.demo = make_demo(clinics, Scene(gateway.url, parts.clock.now(), owners))
        parts.meter.reset()
        closing.callback(_started(sweeper.run, *([postman.run] if postman else [])))
        yield Running(addresses, choice, parts.demo, parts.clock.now(), environment)


def _now() -> datetime:
    return datetime.now(UTC)


def _context(environment: Mapping[str, str], parts: Parts) -> Context:
    """The product's context, as a deployment makes it, but for the clock and the counters on its way out."""
    settings = load(environment, fetch_secrets)
    http = MeteredHTTPClient(deadline_client(), parts.meter)
    key = settings.secrets.stripe_secret_key
    client = stripe_client(key, settings.stripe_api, http, connect=settings.stripe_connect)
    stripe = StripeApi(client, time.sleep)
    made = replace(wiring.make_context(settings), clock=parts.clock.now, stripe=stripe)
    wiring.use(made)
    return made


def _fill_database(parts: Parts) -> None:
    tables.create_tables()
    Line(parts.meter, parts.database_faults).tap()


def _software_at(app_url: str) -> Callable[[Enrolled], Software]:
    return lambda clinic: ClinicSoftware(f"{app_url}/v1", clinic.client_id, clinic.client_secret)


def _stand_in(addresses: Addresses, choice: StripeChoice, clock: Clock) -> StripeStandIn:
    return StripeStandIn(
        clock.now,
        random.Random(secrets.token_bytes(16)),  # noqa: S311 (ids of a stand-in are no secrets)
        addresses.control,
        secret_key=choice.secret_key,
        account_name=PLATFORM if choice.platform else CLINIC,
    )


def _line_to(standin: StripeStandIn, settings: Settings) -> tuple[StripeControls, Postman]:
    """The stand-in with the endpoints that `python -m ops stripe setup` would make, and who carries its webhooks."""
    for wanted in wanted_endpoints(settings):
        is_connect = wanted.kind is EndpointKind.CONNECTED
        known = settings.connect_webhook_secrets if is_connect else settings.secrets.stripe_webhook_secrets
        endpoint = standin.add_webhook_endpoint(wanted.url, known[0], connect=is_connect, events=wanted.events)
        endpoint.api_version, endpoint.metadata = wanted.api_version, {"anteroom_endpoint": wanted.kind.value}
    postman = Postman(standin)
    return StripeControls(standin, StripeFaults(standin), postman.flush), postman


def _faults_waiting(parts: Parts, stripe: StripeControls | None) -> Callable[[], int]:
    return lambda: parts.database_faults.waiting + (stripe.faults.waiting if stripe else 0)


def _started(*loops: Callable[[threading.Event], None]) -> Callable[[], None]:
    """Run each loop in a thread; gives what ends them."""
    stopping = threading.Event()
    threads = [threading.Thread(target=loop, args=(stopping,), daemon=True) for loop in loops]
    for thread in threads:
        thread.start()

    def stop() -> None:
        stopping.set()
        for thread in threads:
            thread.join(JOIN_WITHIN)

    return stop
