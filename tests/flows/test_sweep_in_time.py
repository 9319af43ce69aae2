"""The sweep and its time: many are due, Stripe is slow, and it stops early enough for the next tick to go on."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from typing_extensions import override

from chalicelib.domain.facts import Attempt, AttemptState
from chalicelib.domain.sessions import Fee, Session
from chalicelib.storage import codec
from tests.fakes.memory import MemorySessions
from tests.support.edge import Edge
from tests.support.invariants import FEE
from tests.support.seam import Io, Kind
from tests.support.world import World, guest

# --- time ---------------------------------------------------------------------------------------------------------


def test_more_than_two_pages_of_one_shard_are_done_in_one_run(world: World) -> None:
    """120 due in one shard, and pages of 50."""
    sessions: list[Session] = []
    while len(sessions) < 120:
        session = world.schedule(lasts=timedelta(minutes=20))
        if codec.due_shard(session.session_id) == 3:
            sessions.append(session)
            world.pay_page(session)
    world.clock.advance(minutes=20)
    with world.seam.counted() as spent:
        assert world.sweep().sessions == 120
        assert spent().queries == 16 + 2
    assert not world.open_checkouts()


def test_it_stops_before_its_time_is_up_and_the_next_tick_goes_on(world: World) -> None:
    """Each call to Stripe takes 4 s here; a run has 50, and begins nothing in its last 10."""
    for _ in range(20):
        world.pay_page(world.schedule(lasts=timedelta(minutes=20)))
    world.clock.advance(minutes=20)
    started = world.clock()

    def slow(io: Io) -> None:
        if io.kind is Kind.STRIPE:
            world.clock.advance(seconds=4)

    with world.seam.armed(after=slow):
        first = world.sweep()
        took = (world.clock() - started).total_seconds()
        assert first.unfinished
        assert 0 < first.sessions < 20
        assert took <= 50
        runs = [world.sweep() for _ in range(8)]
    assert not runs[-1].unfinished
    assert not world.open_checkouts()


def test_a_session_with_more_to_do_than_one_run_has_time_for_gets_on_with_every_run(world: World) -> None:
    """Fifty guests to close, 4 s each: what was done is saved in time, and is not begun anew at the next tick."""
    session = world.schedule(*[guest(Fee(FEE, "aud"), f"Guest {n}") for n in range(50)], lasts=timedelta(minutes=20))
    for number in range(1, 51):
        world.pay_page(session, number)
    world.clock.advance(minutes=20)

    def slow(io: Io) -> None:
        if io.kind is Kind.STRIPE:
            world.clock.advance(seconds=4)

    left = []
    with world.seam.armed(after=slow):
        for _ in range(20):
            world.sweep()
            left.append(sum(one.state is AttemptState.OPEN for one in _attempts(world, session)))
    assert left[-1] == 0
    assert sorted(left, reverse=True) == left


def _attempts(world: World, session: Session) -> list[Attempt]:
    return [attempt for one in world.session(session).participants for attempt in one.history.attempts]


class ShardsAsked(MemorySessions):
    """Keeps the order in which shards were asked for what is due."""

    def __init__(self, world: World) -> None:
        super().__init__(world.random.randbytes)
        self.asked: list[int] = []

    @override
    def due(self, shard: int, until: datetime, limit: int) -> list[tuple[str, str]]:
        self.asked.append(shard)
        return super().due(shard, until, limit)


def test_no_shard_is_always_the_one_that_there_was_no_time_for(world: World) -> None:
    store = ShardsAsked(world)
    world.context = replace(world.context, sessions=store)
    first = set()
    for _ in range(200):
        store.asked.clear()
        world.sweep()
        assert sorted(store.asked) == list(range(16))
        first.add(store.asked[0])
    assert first == set(range(16))


def test_the_scheduled_handler_says_what_it_did(world: World) -> None:
    for _ in range(2):
        world.pay_page(world.schedule(lasts=timedelta(minutes=20)))
    world.clock.advance(minutes=20)
    done = Edge(world).run_schedule()
    assert (done["sessions"], done["failed"], done["unfinished"]) == (2, 0, False)
