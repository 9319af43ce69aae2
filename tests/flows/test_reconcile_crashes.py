"""The process dies at any call of a reconciliation, or of the parking of an event: the next one ends it (I10)."""

from __future__ import annotations

import json
from datetime import timedelta

from chalicelib.domain.books import LedgerRow
from chalicelib.domain.payments import PaymentStatus
from chalicelib.domain.sessions import Session
from chalicelib.flows.park import settle_or_park
from chalicelib.flows.settle import Settled
from chalicelib.gateways.stripe_events import Event, read_event
from chalicelib.gateways.stripe_objects import StrangeObjectError
from sandbox.stripe_standin.deliveries import signature
from tests.support.crashes import Act, die, every_crash
from tests.support.reconciling import reconciled
from tests.support.seam import Seam
from tests.support.world import WEBHOOK_SECRET, World

LATER = timedelta(days=9)
COMPLETED = "checkout.session.completed"


def lost(world: World) -> tuple[Session, Session]:
    """One payment that nobody told us of, partly refunded and disputed; one whose row the ledger has lost."""
    world.stripe.set_webhooks("drop")
    unknown, bookless = world.schedule(starts_in=LATER), world.schedule(starts_in=LATER)
    world.pay(bookless)
    for kind in (COMPLETED, "charge.succeeded"):
        world.settle(kind)
    world.sessions.books._ledger.clear()
    charge_id = world.pay(unknown).charge_id
    world.stripe.refund_in_dashboard(charge_id, 3000)
    world.stripe.dispute(charge_id)
    world.clock.advance(hours=1)
    return unknown, bookless


def rows(world: World) -> list[LedgerRow]:
    return list(world.ledger.between(world.team.team_id, world.clock() - timedelta(days=1), world.clock()))


def test_a_reconciliation_that_dies_is_ended_by_the_next_one() -> None:
    undisturbed = World()
    lost(undisturbed)
    reconciled(undisturbed, repairs=True)

    def prepare() -> tuple[Seam, Act]:
        world = World()
        lost(world)
        return world.seam, lambda: reconciled(world, repairs=True)

    died = 0
    for crash in every_crash(prepare):
        world = World()
        unknown, bookless = lost(world)
        die(world.seam, lambda world=world: reconciled(world, repairs=True), crash)  # type: ignore[misc]
        assert reconciled(world, repairs=True).tally.is_clean, crash
        assert (world.status(unknown), world.status(bookless)) == (PaymentStatus.DISPUTED, PaymentStatus.PAID), crash
        assert rows(world) == rows(undisturbed), crash
        assert reconciled(world).sentences == [], crash
        died += 1
    assert died > 30


def poison(world: World) -> Event:
    """An event that cannot be read, after four failures."""
    world.stripe.set_webhooks("drop")
    world.pay(world.schedule(starts_in=LATER))
    [body] = [one.body for one in world.stripe.deliveries if one.event_type == COMPLETED]
    written = json.loads(body)
    written["data"]["object"]["amount_total"] = "80.00"
    bad = json.dumps(written).encode()
    header = signature(WEBHOOK_SECRET, bad, world.clock())
    event = read_event(bad, header, [WEBHOOK_SECRET], world.clock().timestamp())
    for _ in range(4):
        try:
            settle_or_park(world.ctx, event)
        except StrangeObjectError:
            world.clock.advance(hours=1)
    return event


def test_a_parking_that_dies_is_ended_by_the_next_delivery() -> None:
    def prepare() -> tuple[Seam, Act]:
        world = World()
        event = poison(world)
        return world.seam, lambda: settle_or_park(world.ctx, event)

    for crash in every_crash(prepare):
        world = World()
        event = poison(world)
        die(world.seam, lambda world=world, event=event: settle_or_park(world.ctx, event), crash)  # type: ignore[misc]
        assert settle_or_park(world.ctx, event) is Settled.PARKED, crash
        [kept] = world.parked_events.all()
        assert kept.is_parked
        assert kept.failures in {5, 6}
