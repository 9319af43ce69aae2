"""I4, I5: the eight events of a payment that was partly refunded and then disputed, in all of their 40,320 orders.

Through the flow that the webhooks end in, on Stripe's own bytes. Orders that begin alike share their beginning, and
those that meet in one stored state go on as one, too, since what follows depends on nothing else. The longer form takes
that for granted in none, and goes on from each.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from chalicelib.domain.admission import Door
from chalicelib.domain.books import LedgerRow
from chalicelib.domain.obligations import MakeRefund, due_at, obligations
from chalicelib.domain.payments import PaymentStatus
from chalicelib.domain.sessions import Revision, Session
from chalicelib.flows.settle import Settled, settle
from chalicelib.gateways.stripe_events import Event
from tests.support.examples import IS_LONG
from tests.support.invariants import settled_in_the_end
from tests.support.world import TEAM_ID, World

KINDS = (
    "checkout.session.completed",
    "charge.succeeded",
    "charge.refunded",
    "refund.created",
    "refund.updated",
    "charge.dispute.created",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.closed",
)
ALL_ORDERS = 40_320

Ending = tuple[Session, tuple[LedgerRow, ...]]


@dataclass(frozen=True, slots=True)
class Life:
    """A payment of 80.00 of which 30.00 went back and 50.00 was disputed; nothing of it was told yet."""

    world: World
    session: Session
    events: tuple[Event, ...]


def _lived(verdict: str) -> Life:
    world = World()
    world.stripe.set_webhooks("drop")
    session = world.schedule(starts_in=timedelta(days=1))
    world.pay(session)
    charge_id = world.charges()[0]["id"]
    world.clock.advance(minutes=1)
    world.stripe.set_refunds_pending(pending=True)
    refund_id = world.stripe.refund_in_dashboard(charge_id, 3000)
    world.clock.advance(minutes=1)
    world.stripe.settle_refund(refund_id)
    dispute_id = world.stripe.dispute(charge_id, amount=5000)
    world.clock.advance(minutes=1)
    world.stripe.dispute_close(dispute_id, verdict)
    return Life(world, session, tuple(world.event(kind) for kind in KINDS))


def _told(life: Life, event: Event) -> None:
    """One event arrives. Whatever came before it, nothing of it obliges us to give money back."""
    assert settle(life.world.ctx, event) in {Settled.KEPT, Settled.KNOWN}
    owed = [one for _, one in obligations(life.world.session(life.session)) if isinstance(one, MakeRefund)]
    assert owed == [], f"after {event.kind}"


def _stored(life: Life) -> Ending:
    return stored(life.world, life.session)


def stored(world: World, session: Session) -> Ending:
    """What is kept, apart from how often it was written."""
    rows = world.ledger.between(TEAM_ID, world.clock() - timedelta(days=1), world.clock() + timedelta(days=1))
    return replace(world.session(session), revision=Revision()), tuple(rows)


@contextmanager
def put_back(world: World) -> Iterator[None]:
    """What is stored when the block ends is what was stored when it began."""
    items, ledger = dict(world.sessions._items), dict(world.ledger.texts)
    yield
    world.sessions._items.clear()
    world.sessions._items.update(items)
    world.ledger.texts.clear()
    world.ledger.texts.update(ledger)


Walked = tuple[int, frozenset[Ending]]
"""How many orders, and how they ended."""


@dataclass(slots=True)
class Walk:
    """Through every order of the events. `met`: what is known to follow from a stored state; None: go everywhere."""

    life: Life
    met: dict[tuple[Ending, tuple[Event, ...]], Walked] | None

    def on(self, left: tuple[Event, ...]) -> Walked:
        """Through every order of what is left to tell."""
        if not left:
            return 1, frozenset({_stored(self.life)})
        if self.met is None:
            return self._onwards(left)
        here = _stored(self.life)
        if (here, left) not in self.met:
            self._tell_again(left)
            self.met[here, left] = self._onwards(left)
        return self.met[here, left]

    def _onwards(self, left: tuple[Event, ...]) -> Walked:
        orders, endings = 0, set[Ending]()
        for event in left:
            with put_back(self.life.world):
                _told(self.life, event)
                more, ends = self.on(tuple(one for one in left if one is not event))
            orders, endings = orders + more, endings | ends
        return orders, frozenset(endings)

    def _tell_again(self, left: tuple[Event, ...]) -> None:
        """Whatever was told already changes nothing now."""
        for event in self.life.events:
            if event not in left:
                assert settle(self.life.world.ctx, event) is Settled.KNOWN, f"{event.kind} again"


@pytest.mark.long
@pytest.mark.parametrize(
    ("verdict", "status", "door", "kept"),
    [("lost", PaymentStatus.REFUNDED, Door.REFUNDED, 0), ("won", PaymentStatus.PARTIALLY_REFUNDED, Door.EARLY, 5000)],
)
def test_every_order_of_a_payments_eight_events_ends_in_one_state(
    verdict: str, status: PaymentStatus, door: Door, kept: int
) -> None:
    life = _lived(verdict)
    world, session = life.world, life.session
    # The bank's verdict changes none of the paths, so one life is walked without meeting.
    orders, endings = Walk(life, None if IS_LONG and verdict == "lost" else {}).on(life.events)
    assert orders == ALL_ORDERS
    for event in life.events:
        _told(life, event)
    (ending,) = endings
    assert _stored(life) == ending
    assert due_at(ending[0]) is None, "nothing is left to be asked"
    assert (world.status(session), world.open(session).admission.door) == (status, door)
    (row,) = ending[1]
    assert row.amount - row.refunded - row.charged_back == kept
    settled_in_the_end(world, session, owed=kept)
