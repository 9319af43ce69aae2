"""The webhook queue as pure data: which event goes to which endpoint, when next, and what came of it.

Signs as Stripe does (https://docs.stripe.com/webhooks#verify-manually) and retries with backoff for three days. It
sends nothing itself: the caller of `due` sends and reports back.
"""

import hashlib
import hmac
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from sandbox.stripe_standin.errors import JsonObject

FIRST_RETRY = timedelta(minutes=1)
LONGEST_RETRY = timedelta(hours=12)
GIVE_UP_AFTER = timedelta(days=3)  # https://docs.stripe.com/webhooks#automatic-retries
SUCCESS = range(200, 300)


class Mode(StrEnum):
    """What happens to new deliveries: sent, kept until released, lost, sent twice, or sent newest first."""

    DELIVER = "deliver"
    HOLD = "hold"
    DROP = "drop"
    DUPLICATE = "duplicate"
    REORDER = "reorder"


class DeliveryState(StrEnum):
    PENDING = "pending"
    HELD = "held"
    SENDING = "sending"
    DELIVERED = "delivered"
    DROPPED = "dropped"
    FAILED = "failed"


@dataclass
class WebhookEndpoint:
    """Where events go. What waits for it goes where it is then; while it is disabled, nothing does."""

    endpoint_id: str
    url: str
    secret: str
    connect: bool
    events: tuple[str, ...] = ("*",)
    created: int = 0
    api_version: str | None = None
    description: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    disabled: bool = False

    def wants(self, event_type: str, *, connect: bool) -> bool:
        if self.disabled or self.connect != connect:
            return False
        return "*" in self.events or event_type in self.events


@dataclass(frozen=True)
class SendingAttempt:
    at: datetime
    status: int | None  # None: no answer


@dataclass
class Delivery:
    event_id: str
    event_type: str
    endpoint: WebhookEndpoint
    body: bytes
    posted_at: datetime
    due_at: datetime
    state: DeliveryState
    attempts: list[SendingAttempt] = field(default_factory=list)

    def as_json(self) -> JsonObject:
        return {
            "event": self.event_id,
            "type": self.event_type,
            "url": self.endpoint.url,
            "state": self.state.value,
            "due_at": self.due_at.isoformat(),
            "attempts": [{"at": one.at.isoformat(), "status": one.status} for one in self.attempts],
        }


def signature(secret: str, body: bytes, at: datetime) -> str:
    """Give the value of a `Stripe-Signature` header: HMAC-SHA-256 over `timestamp.body`."""
    timestamp = int(at.timestamp())
    digest = hmac.new(secret.encode(), b"%d.%s" % (timestamp, body), hashlib.sha256).hexdigest()
    return f"t={timestamp},v1={digest}"


class Mailroom:
    def __init__(self, clock: Callable[[], datetime]) -> None:
        self.clock = clock
        self.endpoints: list[WebhookEndpoint] = []
        self.deliveries: list[Delivery] = []
        self.mode = Mode.DELIVER
        self.delay = timedelta()

    def add_endpoint(self, url: str, secret: str, *, connect: bool, events: Iterable[str]) -> WebhookEndpoint:
        endpoint_id, created = f"we_standin_{len(self.endpoints) + 1}", int(self.clock().timestamp())
        endpoint = WebhookEndpoint(endpoint_id, url, secret, connect, tuple(events), created)
        self.endpoints.append(endpoint)
        return endpoint

    def post(self, event: JsonObject, *, connect: bool) -> None:
        """Queue an event for every endpoint that wants it, as the present mode says."""
        wanting = [one for one in self.endpoints if one.wants(event["type"], connect=connect)]
        event["pending_webhooks"] = len(wanting)
        body = json.dumps(event, indent=2).encode()
        states = {Mode.HOLD: DeliveryState.HELD, Mode.DROP: DeliveryState.DROPPED}
        now = self.clock()
        for endpoint in wanting:
            for _ in range(2 if self.mode is Mode.DUPLICATE else 1):
                state = states.get(self.mode, DeliveryState.PENDING)
                due_at = now + self.delay
                self.deliveries.append(Delivery(event["id"], event["type"], endpoint, body, now, due_at, state))

    def claim(self) -> Delivery | None:
        """Take the next delivery that is due, marked as being sent; None when nothing is."""
        now = self.clock()
        due = [one for one in self.deliveries if one.state is DeliveryState.PENDING and one.due_at <= now]
        for stopped in [one for one in due if one.endpoint.disabled]:  # enabled again later, it is not tried again
            stopped.state = DeliveryState.FAILED
            due.remove(stopped)
        if not due:
            return None
        claimed = due[-1] if self.mode is Mode.REORDER else min(due, key=lambda one: one.due_at)
        claimed.state = DeliveryState.SENDING
        return claimed

    def headers(self, delivery: Delivery) -> dict[str, str]:
        return {
            "Content-Type": "application/json; charset=utf-8",
            "Stripe-Signature": signature(delivery.endpoint.secret, delivery.body, self.clock()),
            "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        }

    def report(self, delivery: Delivery, status: int | None) -> bool:
        """Record what came of sending; answers whether it is delivered now. Else it is due again, or given up."""
        now = self.clock()
        delivery.attempts.append(SendingAttempt(now, status))
        if status in SUCCESS:
            delivery.state = DeliveryState.DELIVERED
            return True
        delivery.due_at = now + min(FIRST_RETRY * 4 ** (len(delivery.attempts) - 1), LONGEST_RETRY)
        out_of_time = delivery.due_at > delivery.posted_at + GIVE_UP_AFTER
        delivery.state = DeliveryState.FAILED if out_of_time else DeliveryState.PENDING
        return False

    def release(self) -> int:
        """Make everything that is held or waits for its time due now; answers how many."""
        waiting = [one for one in self.deliveries if one.state in {DeliveryState.HELD, DeliveryState.PENDING}]
        for delivery in waiting:
            delivery.state = DeliveryState.PENDING
            delivery.due_at = self.clock()
        return len(waiting)
