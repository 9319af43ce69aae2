"""Parked events at the desk: what there is, another try, and what to do when Stripe has forgotten one."""

from __future__ import annotations

from datetime import timedelta

import pytest

from chalicelib.domain.payments import PaymentStatus
from chalicelib.domain.sessions import Session
from chalicelib.flows.park import settle_or_park
from tests.ops.desk import Desk
from tests.support.seam import Io
from tests.support.world import World

COMPLETED, SUCCEEDED = "checkout.session.completed", "charge.succeeded"


def broken(io: Io) -> None:
    """A fault of ours."""
    if io.name == "sessions.get":
        raise ZeroDivisionError


@pytest.fixture
def session(world: World) -> Session:
    session = world.schedule(starts_in=timedelta(days=60))
    world.stripe.set_webhooks("drop")
    world.pay(session)
    return session


def fail(world: World, kind: str, times: int) -> str:
    """The event's id."""
    event = world.event(kind)
    with world.seam.armed(before=broken):
        for number in range(1, times + 1):
            if number < 5:
                with pytest.raises(ZeroDivisionError):
                    settle_or_park(world.ctx, event)
            else:
                settle_or_park(world.ctx, event)
            world.clock.advance(minutes=1)
    return event.event_id


def test_where_nothing_failed_it_says_so(desk: Desk) -> None:
    for command in (("list",), ("replay", "--all")):
        assert desk.run("parked", *command) == 0
        assert desk.printed == "no event is parked, and none has failed\n"


def test_events_are_listed_with_how_often_and_why(desk: Desk, world: World, session: Session) -> None:
    parked = fail(world, COMPLETED, 5)
    retried = fail(world, SUCCEEDED, 1)
    assert desk.run("parked", "list") == 0
    head, first, second = desk.printed.splitlines()
    assert head.split() == ["EVENT", "ACCOUNT", "KIND", "STATE", "FAILURES", "FIRST", "LAST", "ERROR"]
    times = ["2026-03-02T12:00:00Z", "2026-03-02T12:04:00Z"]
    assert first.split() == [parked, "own", COMPLETED, "parked", "5", *times, "ZeroDivisionError"]
    assert second.split()[:5] == [retried, "own", SUCCEEDED, "retried", "1"]


def test_a_replay_settles_an_event_and_it_is_gone(desk: Desk, world: World, session: Session) -> None:
    parked, other = fail(world, COMPLETED, 5), fail(world, SUCCEEDED, 5)
    assert desk.run("parked", "replay", parked) == 0
    assert desk.printed == f"{parked}  {COMPLETED}  settled: kept\n"
    assert world.status(session) is PaymentStatus.PAID
    assert [one.event_id for one in world.parked_events.all()] == [other]


def test_all_are_replayed_and_one_that_still_fails_holds_up_nobody(desk: Desk, world: World, session: Session) -> None:
    first, second = fail(world, COMPLETED, 5), fail(world, SUCCEEDED, 5)
    met: list[str] = []

    def broken_once(io: Io) -> None:
        if io.name == "sessions.get" and not met:
            met.append(io.name)
            raise KeyError("Mary Smith")

    with world.seam.armed(before=broken_once):
        assert desk.run("parked", "replay", "--all") == 1
    assert desk.printed.splitlines() == [
        f"{first}  {COMPLETED}  not settled: KeyError",
        f"{second}  {SUCCEEDED}  settled: kept",
    ]
    assert desk.complained == "1 of 2 could not be settled, and stay where they are\n"
    assert [(one.event_id, one.failures) for one in world.parked_events.all()] == [(first, 6)]


def test_after_thirty_days_reconcile_is_the_way(desk: Desk, world: World, session: Session) -> None:
    parked = fail(world, COMPLETED, 5)
    world.clock.advance(days=31)
    assert desk.run("parked", "replay", parked) == 1
    assert "Stripe gives events for 30 days; `reconcile` finds what it told" in desk.printed
    assert len(list(world.parked_events.all())) == 1


def test_a_stripe_that_does_not_answer_changes_nothing(desk: Desk, world: World, session: Session) -> None:
    parked = fail(world, COMPLETED, 5)
    world.stripe.fail_next("timeout_before", 10)
    assert desk.run("parked", "replay", parked) == 3
    assert [one.failures for one in world.parked_events.all()] == [5]


def test_an_event_that_is_not_there_is_said(desk: Desk) -> None:
    assert desk.run("parked", "replay", "evt_none") == 1
    assert "no such parked event: evt_none" in desk.complained


def test_a_replay_of_nothing_asks_for_names(desk: Desk) -> None:
    assert desk.run("parked", "replay") == 2
    assert desk.complained == "name the events to replay, or --all\n"
