"""What runs by itself beside the product: the schedule that starts the sweep, and the postman of Stripe's webhooks.

Both can be asked for at once, and answer what was done.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import requests

from sandbox.meter import Meter, Origin
from sandbox.stripe_standin import StripeStandIn

SWEEP_EVERY = 5.0
"""Seconds of this machine's time; deployed, it is a minute."""

POST_EVERY = 0.1
"""Seconds: how soon a webhook is on its way."""

ANSWER_WITHIN = 30
"""Seconds that the product may take for a webhook."""

Sweep = Callable[[Mapping[str, Any], object], dict[str, Any]]
log = logging.getLogger("sandbox.background")


@dataclass(frozen=True, slots=True)
class Invocation:
    """What Chalice's handler wants to see of a Lambda context."""

    aws_request_id: str = "sandbox"


class SweepFailedError(Exception):
    """The scheduled function raised. The message names the error's class."""


class Sweeper:
    """Calls the deployed handler as EventBridge does: every few seconds, and whenever asked; never twice at once.

    While a fault waits it runs only when asked, so that faults hit the requests that a script makes.
    """

    def __init__(
        self, handler: Sweep, meter: Meter, faults_waiting: Callable[[], int], every: float = SWEEP_EVERY
    ) -> None:
        self._handler = handler
        self._meter = meter
        self._faults_waiting = faults_waiting
        self._every = every
        self._lock = threading.Lock()
        self._next = time.monotonic() + every

    def sweep(self) -> dict[str, Any]:
        """Run the scheduled function; gives what it did. Raises SweepFailedError."""
        with self._lock, self._meter.request_from(Origin.SWEEP):
            self.postpone()
            try:
                return self._handler(scheduled_event(), Invocation())
            except Exception as error:
                log.exception("sweep_failed")
                raise SweepFailedError(f"the scheduled function failed: {type(error).__name__}") from error

    def postpone(self) -> None:
        """Let the schedule begin anew, so that a script has a few seconds to itself."""
        self._next = time.monotonic() + self._every

    def run(self, stopping: threading.Event) -> None:
        while not stopping.wait(POST_EVERY):
            if time.monotonic() < self._next or self._faults_waiting():
                continue
            try:
                self.sweep()
            except SweepFailedError:
                continue  # it is in the log, and the next tick tries again


def scheduled_event() -> dict[str, Any]:
    """https://docs.aws.amazon.com/eventbridge/latest/ref/events-structure.html"""
    return {
        "version": "0",
        "account": "000000000000",
        "region": "us-east-1",
        "detail": {},
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "id": "sandbox",
        "resources": [],
    }


class Postman:
    """Carries the stand-in's webhooks to the product by HTTP."""

    def __init__(self, standin: StripeStandIn) -> None:
        self._standin = standin
        self._session = requests.Session()
        self._session.trust_env = False  # no proxy on the way to this machine
        self._lock = threading.Lock()

    def flush(self) -> tuple[int, int]:
        """Send what is held or delayed; gives how many deliveries that were, and how many of them were taken."""
        with self._lock:
            return self._standin.flush(), self._standin.pump(self._send)

    def _send(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        with self._session.post(url, data=body, headers=headers, timeout=ANSWER_WITHIN) as answer:
            return answer.status_code

    def run(self, stopping: threading.Event) -> None:
        while not stopping.wait(POST_EVERY):
            with self._lock:
                self._standin.pump(self._send)
