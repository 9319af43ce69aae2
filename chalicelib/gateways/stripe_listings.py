"""Stripe's own lists of what happened in a stretch of time, page by page: what is ours in them, and what it tells.

Charges are listed, not PaymentIntents: a charge is what moved money, its `created` is the time of payment that the
ledger goes by, and it carries our ids, which Stripe copies to it when the payment is confirmed
(https://support.stripe.com/questions/how-metadata-works-with-related-objects). Refunds and disputes are listed with
their PaymentIntent expanded, which carries them too, so that no call more says whose they are.

What was created before that time and changed in it is told by events alone: a debit that came through, a refund that
failed, a dispute that closed. Stripe lists events of 30 days (https://docs.stripe.com/api/events/list).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from chalicelib.domain.facts import ChargeSeen, CheckoutSeen, DisputeSeen, RefundSeen, Seen
from chalicelib.gateways import stripe_objects as objects
from chalicelib.gateways.deadline import Deadline
from chalicelib.gateways.stripe_api import StripeApi
from chalicelib.gateways.stripe_events import event_of
from chalicelib.gateways.stripe_objects import Place, StrangeObjectError, StripeObject

LATER_CHANGES = (
    "checkout.session.async_payment_succeeded",
    "checkout.session.async_payment_failed",
    "refund.updated",
    "refund.failed",
    "charge.dispute.updated",
    "charge.dispute.closed",
)
"""What may happen to a charge, a refund or a dispute long after it was created."""

Shown = ChargeSeen | RefundSeen | DisputeSeen | CheckoutSeen


@dataclass(frozen=True, slots=True)
class Span:
    """From `start` on, up to and without `end`: whole seconds, as Stripe writes times."""

    start: datetime
    end: datetime

    def until(self, now: datetime) -> Span:
        """What of it has passed: a list of what is still happening would be out of date before it is read."""
        end = max(self.start, min(self.end, now))
        return Span(self.start.replace(microsecond=0), end.replace(microsecond=0))

    def created(self) -> dict[str, int]:
        """Stripe's filter."""
        return {"gte": int(self.start.timestamp()), "lt": int(self.end.timestamp())}


@dataclass(frozen=True, slots=True)
class Listed:
    """One object of a list. `place` None with a `payment_intent_id`: Stripe must be asked; both None: not ours.

    `shown` None: it tells nothing (a charge that took no money), or it cannot be read (`is_strange`).
    `is_current`: as it stands now, not as an event told it.
    """

    object_id: str
    place: Place | None = None
    payment_intent_id: str | None = None
    shown: Shown | None = None
    is_strange: bool = False
    is_current: bool = True

    @property
    def tells(self) -> bool:
        """Whether there is anything to compare: a charge that took no money is none."""
        return self.shown is not None or self.is_strange


class StripeListings:
    """What one account lists of one span; one call for each page of 100 objects, the newest first."""

    def __init__(self, api: StripeApi, account: str | None, span: Span, deadline: Deadline) -> None:
        self._api = api
        self._account = account
        self._span = span
        self._deadline = deadline

    def charges(self) -> Iterator[list[Listed]]:
        """Every charge, also of payments that failed."""
        for page in self._pages("/v1/charges"):
            yield [self._charge(one) for one in page]

    def refunds(self) -> Iterator[list[Listed]]:
        for page in self._pages("/v1/refunds", expand=["data.payment_intent"]):
            yield [_returning(one, objects.refund_seen) for one in page]

    def disputes(self) -> Iterator[list[Listed]]:
        for page in self._pages("/v1/disputes", expand=["data.payment_intent"]):
            yield [_returning(one, partial(objects.dispute_seen, asked=True)) for one in page]

    def later_changes(self) -> Iterator[list[Listed]]:
        """Of each object the newest event, read as a webhook is read."""
        told: set[str] = set()
        for page in self._pages("/v1/events", types=list(LATER_CHANGES)):
            changed = [one for one in map(self._changed, page) if one]
            newest = {one.object_id: one for one in reversed(changed) if one.object_id not in told}
            told |= set(newest)
            yield list(newest.values())

    def _pages(self, path: str, **query: list[str]) -> Iterator[list[StripeObject]]:
        return self._api.pages(path, self._account, self._deadline, {"created": self._span.created(), **query})

    def _charge(self, charge: StripeObject) -> Listed:
        place = objects.place_of(charge)
        listed = Listed(_id(charge), place, objects.id_of(charge.get("payment_intent")) if place else None)
        return _read(listed, charge, partial(objects.charge_seen, account=self._account)) if place else listed

    def _changed(self, written: StripeObject) -> Listed | None:
        event = event_of(written, self._account)
        if not (event.seen or event.strange) or not _may_move(event.kind, written):
            return None
        thing = _thing(written)
        shown = next((one for one in event.seen if isinstance(one, Shown)), None)
        payment_intent_id = event.payment_intent_id or objects.id_of(thing.get("payment_intent"))
        return Listed(_id(thing), event.place, payment_intent_id, shown, shown is None, is_current=False)


def _may_move(kind: str, written: StripeObject) -> bool:
    """Every refund is updated once its bank names a reference, days later: what is no change of status tells nothing.

    https://docs.stripe.com/api/events/object#event_object-data-previous_attributes
    """
    former = written["data"].get("previous_attributes")
    return not kind.endswith(".updated") or not isinstance(former, Mapping) or "status" in former


def _thing(written: StripeObject) -> StripeObject:
    told: StripeObject = written["data"]["object"]
    return told


def _returning(thing: StripeObject, read: Callable[[StripeObject], Seen | None]) -> Listed:
    """A refund or dispute, with its PaymentIntent expanded; of a charge without one it is other business."""
    payment_intent = thing.get("payment_intent")
    place = objects.place_of(payment_intent) if isinstance(payment_intent, Mapping) else None
    listed = Listed(_id(thing), place, objects.id_of(payment_intent) if place else None)
    return _read(listed, thing, read) if place else listed


def _read(listed: Listed, thing: StripeObject, read: Callable[[StripeObject], Seen | None]) -> Listed:
    try:
        shown = read(thing)
    except StrangeObjectError:
        return replace(listed, is_strange=True)
    return replace(listed, shown=shown) if isinstance(shown, Shown) else listed


def _id(thing: StripeObject) -> str:
    return objects.id_of(thing) or "an object without an id"
