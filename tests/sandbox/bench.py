"""The sandbox's web application by itself, with real clock, counters and stand-in, and no sockets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from flask.testing import FlaskClient

from chalicelib.flows.enrol import Enrolled
from sandbox import web
from sandbox.background import SweepFailedError
from sandbox.clinic_software import DemoFailedError
from sandbox.clinics import Clinics
from sandbox.clock import Clock
from sandbox.controls import Controls, StripeControls
from sandbox.faults import DatabaseFaults, StripeFaults
from sandbox.meter import Meter
from sandbox.start_page import Demo
from tests.support.world import World

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ROOM_KEY = "a key of the room, of at least 32 bytes"
AS_PERSON = {"Accept": "text/html"}


DEMO = Demo(
    clinic="Riverside <Clinic>",
    team_id="team-1",
    client_id="client-1",
    client_secret="secret-1",
    app_url="http://127.0.0.1:8000",
    links={"pay_now": "http://127.0.0.1:8000/session/x"},
    today_ends_at=NOON + timedelta(minutes=45),
    tomorrow_starts_at=NOON + timedelta(days=1),
)


@dataclass
class Sweeps:
    """Stands in for the scheduled function."""

    fails: bool = False
    postponed: int = 0

    def sweep(self) -> dict[str, Any]:
        if self.fails:
            message = "the scheduled function failed: StoreUnavailableError"
            raise SweepFailedError(message)
        return {"sessions": 1, "acts": 2, "failed": 0, "unfinished": False}

    def postpone(self) -> None:
        self.postponed += 1


@dataclass
class Product:
    """Stands in for the product's API: answers each clinic's software, unless it `refuses`."""

    refuses: str = ""

    def software(self, clinic: Enrolled) -> SoftwareOf:
        return SoftwareOf(self, clinic)


@dataclass
class SoftwareOf:
    product: Product
    clinic: Enrolled

    def connect(self, account: str | None = None) -> str:
        self._refuse()
        return f"https://stripe.example/{self.clinic.client_id}/{account}"

    def schedule(self, name: str, start: datetime, *participants: Mapping[str, Any]) -> list[str]:
        self._refuse()
        who = [f"{one['display_name']}, {one.get('fee')}" for one in participants]
        return [f"https://anteroom.example/{name}/{start:%H:%M}/{one}" for one in who]

    def _refuse(self) -> None:
        if self.product.refuses:
            raise DemoFailedError(self.product.refuses)


@dataclass
class Bench:
    """The web application, and what it works on."""

    controls: Controls
    sweeps: Sweeps
    product: Product
    http: FlaskClient

    def post(self, path: str, fields: Mapping[str, Any] | None = None, status: int = 200) -> dict[str, Any]:
        answer = self.http.post(path, json=fields or {})
        assert answer.status_code == status, answer.text
        content: dict[str, Any] = answer.get_json()
        return content

    def state(self) -> dict[str, Any]:
        content: dict[str, Any] = self.http.get("/state").get_json()
        return content


def bench_on(world: World, *, real: bool = False) -> Bench:
    """On this deployment, at noon; `real`: as with Stripe itself."""
    faults = StripeFaults(world.stripe)
    stripe = None if real else StripeControls(world.stripe, faults, lambda: (world.stripe.flush(), 0))
    sweeps, product = Sweeps(), Product()
    clinics = Clinics(world.context, product.software)
    controls = Controls(Clock(lambda: NOON), Meter(), DatabaseFaults(), sweeps, clinics, stripe)
    application = web.application(controls, lambda: DEMO, ROOM_KEY)
    return Bench(controls, sweeps, product, application.test_client())
