"""Everything the stand-in holds: accounts with their objects, the clock, ids, and the record of events.

Objects are kept as the JSON that Stripe would answer, unexpanded. The world knows how to find, add and announce them;
what may happen to them is decided in the modules named after them.
"""

import random
import string
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar, cast

from sandbox.stripe_standin.cards import Afterwards
from sandbox.stripe_standin.currencies import MINIMUM_CHARGE
from sandbox.stripe_standin.deliveries import Mailroom
from sandbox.stripe_standin.errors import JsonObject, resource_missing

ALPHABET = string.ascii_letters + string.digits
APPLICATION_ID_PREFIX = "ca"

Json = TypeVar("Json")


class ControlError(ValueError):
    """A control call that makes no sense: an unknown id or card, or an object in the wrong state."""


@dataclass(frozen=True)
class Order:
    """What a Checkout Session sells, and how its PaymentIntent is to be made once paying starts."""

    line_items: list[JsonObject]
    payment_intent: JsonObject


@dataclass
class Grant:
    """An owner's consent to connect an account, which a code stands for until it is exchanged. Unix seconds."""

    account_id: str
    expires_at: int
    used: bool = False


@dataclass
class Setup:
    """A link to the hosted onboarding of an account: opened once, and left once. Unix seconds."""

    account_id: str
    refresh_url: str
    return_url: str
    expires_at: int
    opened: bool = False
    left: bool = False


@dataclass
class Books:
    """One account and all that belongs to it."""

    account: JsonObject
    is_platform: bool
    authorized: bool = True
    takes_fees: bool = True
    """Whether the platform may ask for application fees, as far as no border bars them."""
    objects: dict[str, JsonObject] = field(default_factory=dict)
    kinds: dict[str, list[JsonObject]] = field(default_factory=dict)
    """The same, by kind; `add` keeps both."""
    orders: dict[str, Order] = field(default_factory=dict)
    refunded_with_fee: dict[str, int] = field(default_factory=dict)
    """By application fee, at the platform: how much was refunded with it."""

    @property
    def account_id(self) -> str:
        return str(self.account["id"])

    def of_kind(self, kind: str) -> list[JsonObject]:
        """Give all objects of a kind, oldest first."""
        return list(self.kinds.get(kind, ()))

    def find(self, kind: str, object_id: str) -> JsonObject | None:
        found = self.objects.get(object_id)
        return found if found is not None and found["object"] == kind else None

    def get(self, kind: str, object_id: str, param: str) -> JsonObject:
        """Give an object of this account; raises StripeError 404 `resource_missing` that blames `param`."""
        found = self.find(kind, object_id)
        if found is None:
            raise resource_missing(kind, object_id, param)
        return found

    def add(self, new: JsonObject) -> JsonObject:
        self.objects[new["id"]] = new
        self.kinds.setdefault(new["object"], []).append(new)
        return new


@dataclass(frozen=True)
class Cause:
    """The API request that an event comes from; both None when it comes from a person or from time."""

    request_id: str | None = None
    idempotency_key: str | None = None


def copied(thing: Json) -> Json:
    """A copy of JSON that shares nothing with it; `copy.deepcopy` takes five times as long."""
    if isinstance(thing, dict):
        return cast("Json", {name: copied(one) for name, one in thing.items()})
    return cast("Json", [copied(one) for one in thing]) if isinstance(thing, list) else thing


class World:
    def __init__(
        self,
        clock: Callable[[], datetime],
        entropy: random.Random,
        *,
        public_url: str,
        livemode: bool,
        api_version: str,
    ) -> None:
        self.clock = clock
        self.entropy = entropy
        self.public_url = public_url.rstrip("/")
        self.livemode = livemode
        self.api_version = api_version
        self.books: dict[str, Books] = {}
        self.mailroom = Mailroom(clock)
        self.cause = Cause()
        self.minimum_charges = dict(MINIMUM_CHARGE)
        self.refunds_held_for: str | None = None
        """Why refunds from now on are not made at once; None: they are."""
        self.next_refunds_held: dict[str, str] = {}
        """By charge: why its next refund is not made at once."""
        self.fates_of_refunds: dict[str, Afterwards] = {}
        """By charge: what its card does to refunds."""
        self.maturing: list[tuple[int, str]] = []
        """When (a timestamp) which refund ends by itself."""
        self.empty_balances: set[str] = set()
        """The accounts whose balance covers no refund."""
        self.grants: dict[str, Grant] = {}
        """By code."""
        self.setups: dict[str, Setup] = {}
        """By the token in the link."""
        self.application_id = self.new_id(APPLICATION_ID_PREFIX, 32)

    def timestamp(self) -> int:
        """Give the clock's time in whole Unix seconds, as all of Stripe's times are."""
        return int(self.clock().timestamp())

    def new_id(self, prefix: str, length: int = 24) -> str:
        return f"{prefix}_{''.join(self.entropy.choices(ALPHABET, k=length))}"

    @property
    def platform(self) -> Books:
        return next(books for books in self.books.values() if books.is_platform)

    def everywhere(self, kind: str) -> Iterator[tuple[Books, JsonObject]]:
        for books in self.books.values():
            for found in books.of_kind(kind):
                yield books, found

    def locate(self, kind: str, object_id: str) -> tuple[Books, JsonObject]:
        """Find an object in whatever account holds it; raises ControlError: only controls look across accounts."""
        for books in self.books.values():
            if (found := books.find(kind, object_id)) is not None:
                return books, found
        message = f"there is no {kind} {object_id!r} in the Stripe stand-in"
        raise ControlError(message)

    def announce(
        self,
        books: Books,
        event_type: str,
        about: JsonObject,
        *,
        previous: JsonObject | None = None,
        created: int | None = None,
    ) -> JsonObject:
        """Record an event with a snapshot of `about`, and hand it to the mailroom for every endpoint that wants it."""
        snapshot: JsonObject = {"object": copied(about)}
        if previous is not None:
            snapshot["previous_attributes"] = previous
        event = books.add(
            {
                "id": self.new_id("evt"),
                "object": "event",
                **({} if books.is_platform else {"account": books.account_id}),
                "api_version": self.api_version,
                "created": self.timestamp() if created is None else created,
                "data": snapshot,
                "livemode": self.livemode,
                "pending_webhooks": 0,
                "request": {"id": self.cause.request_id, "idempotency_key": self.cause.idempotency_key},
                "type": event_type,
            }
        )
        if books.authorized:
            self.mailroom.post(event, connect=not books.is_platform)
        return event
