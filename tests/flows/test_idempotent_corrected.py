"""A request that failed and made nothing leaves its key to a corrected body; one that made something does not."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import islice

import pytest

from chalicelib.domain.sessions import InvalidSessionError, Session, SessionWish
from chalicelib.flows.idempotent import IdempotencyMismatchError, IdempotencyScope, InProgressError, Once, once
from chalicelib.flows.schedule import scheduling
from chalicelib.storage.stores import ConflictError, StoreError, StoreUnavailableError
from tests.fakes.failing import Failing
from tests.fakes.memory import MemorySessions
from tests.support.crashes import Crash, Side, die, every_crash
from tests.support.interleaving import Ended, Judge, Race, every_order
from tests.support.seam import Seam
from tests.support.world import NOON, World, guest, host

SCOPE = IdempotencyScope("client-1", "POST /v1/sessions", "key-1")
FIRST = SessionWish(NOON, NOON + timedelta(hours=1), "First", participants=(host(), guest()))
CORRECTED = replace(FIRST, name="Corrected")


def ask(world: World, wish: SessionWish) -> Once[Session]:
    """A request to schedule a session; its body is its name."""
    ctx = world.ctx
    return once(ctx, SCOPE, wish.name.encode() if wish.name else b"", scheduling(ctx, world.team, "client-1", wish))


def names(world: World) -> list[str | None]:
    return [world.sessions.get(*key).name for key in world.sessions.ids()]


@dataclass
class TimesOut:
    """Sessions whose next creation takes effect, and whose answer never comes."""

    inner: MemorySessions
    left: int = 1

    def get(self, team_id: str, session_id: str) -> Session:
        return self.inner.get(team_id, session_id)

    def create(self, session: Session) -> Session:
        made = self.inner.create(session)
        self.left -= 1
        if self.left >= 0:
            message = "timed out"
            raise StoreUnavailableError(message)
        return made


def times_out_after_the_effect(world: World) -> None:
    late = TimesOut(world.sessions)
    world.context = replace(world.context, sessions=late)  # type: ignore[arg-type]
    with pytest.raises(StoreUnavailableError):
        ask(world, FIRST)


def fails_before_the_effect(world: World, error: StoreError) -> None:
    down = Failing(world.sessions, error, left=1)
    world.context = replace(world.context, sessions=world.seam.watched(down, "sessions"))  # type: ignore[arg-type]
    with pytest.raises(type(error)):
        ask(world, FIRST)


@pytest.mark.parametrize("error", [StoreUnavailableError("throttled"), StoreUnavailableError("timed out")])
def test_a_create_that_failed_leaves_its_key_to_a_corrected_body(world: World, error: StoreError) -> None:
    fails_before_the_effect(world, error)
    corrected = ask(world, CORRECTED)
    assert (corrected.result.name, corrected.replayed) == ("Corrected", False)
    assert ask(world, CORRECTED) == Once(corrected.result, replayed=True)
    with pytest.raises(IdempotencyMismatchError):
        ask(world, FIRST)
    assert names(world) == ["Corrected"]


def test_a_create_that_met_a_conflict_and_made_nothing_leaves_its_key_to_a_corrected_body(world: World) -> None:
    taken = Failing(world.sessions, ConflictError("taken"), left=1)
    world.context = replace(world.context, sessions=world.seam.watched(taken, "sessions"))  # type: ignore[arg-type]
    with pytest.raises(ConflictError):
        ask(world, FIRST)
    assert ask(world, CORRECTED).result.name == "Corrected"


def test_a_create_whose_answer_was_lost_keeps_its_key(world: World) -> None:
    times_out_after_the_effect(world)
    with pytest.raises(IdempotencyMismatchError):
        ask(world, CORRECTED)
    answer = ask(world, FIRST)
    assert (answer.result.name, answer.replayed) == ("First", True)
    assert names(world) == ["First"]


def test_where_the_key_could_not_be_let_go_it_is_free_when_the_lease_is_over(world: World) -> None:
    die(world.seam, lambda: ask(world, FIRST), Crash(0, Side.AFTER))
    world.clock.advance(seconds=29, milliseconds=999)
    with pytest.raises(IdempotencyMismatchError):
        ask(world, CORRECTED)
    world.clock.advance(milliseconds=1)
    assert ask(world, CORRECTED).replayed is False
    assert names(world) == ["Corrected"]


def test_while_it_cannot_be_known_whether_it_was_made_the_key_is_not_taken_over(world: World) -> None:
    times_out_after_the_effect(world)
    down = Failing(world.sessions, StoreUnavailableError("down"), left=1)
    world.context = replace(world.context, sessions=world.seam.watched(down, "sessions"))  # type: ignore[arg-type]
    with pytest.raises(StoreUnavailableError):
        ask(world, CORRECTED)
    assert ask(world, FIRST).replayed is True
    assert names(world) == ["First"]


@dataclass
class WritesLate(TimesOut):
    """Sessions whose next creation fails now, and takes effect when `land` is called."""

    late: Session | None = None

    def create(self, session: Session) -> Session:
        self.left -= 1
        if self.left >= 0:
            self.late = session
            message = "timed out"
            raise StoreUnavailableError(message)
        return self.inner.create(session)

    def land(self) -> None:
        assert self.late is not None
        with suppress(ConflictError):
            self.inner.create(self.late)


def test_a_write_that_comes_after_a_refused_and_a_corrected_request_makes_no_second_session(world: World) -> None:
    late = WritesLate(world.sessions)
    world.context = replace(world.context, sessions=late)  # type: ignore[arg-type]
    with pytest.raises(StoreUnavailableError):
        ask(world, FIRST)
    with pytest.raises(InvalidSessionError):
        ask(world, replace(FIRST, name="Wrong", end_time=NOON - timedelta(hours=1)))
    assert ask(world, CORRECTED).result.name == "Corrected"
    late.land()
    assert names(world) == ["Corrected"]


def test_whatever_a_corrected_request_dies_at_it_can_be_repeated_and_makes_one_session() -> None:
    def prepared() -> tuple[World, Callable[[], object]]:
        world = World()
        fails_before_the_effect(world, StoreUnavailableError("throttled"))
        return world, lambda: ask(world, CORRECTED)

    def seamed() -> tuple[Seam, Callable[[], object]]:
        world, act = prepared()
        return world.seam, act

    for crash in islice(every_crash(seamed), 7):
        world, act = prepared()
        die(world.seam, act, crash)
        world.clock.advance(seconds=30)
        assert ask(world, CORRECTED).result.name == "Corrected"
        assert ask(world, CORRECTED).replayed is True
        assert names(world) == ["Corrected"], str(crash)


def test_a_frozen_first_request_and_a_corrected_one_make_one_session_in_every_order() -> None:
    """The first one's lease is over before it has made anything. Whoever is answered is answered their own session."""

    def prepare() -> tuple[Race, Judge]:
        world = World()
        leaseless = replace(world.context, deadline=replace(world.context.deadline, ends_at=0))

        def frozen() -> Once[Session]:
            earlier = NOON - timedelta(hours=1)
            ctx = replace(leaseless, clock=lambda: earlier)
            return once(ctx, SCOPE, b"First", scheduling(ctx, world.team, "client-1", FIRST))

        def judge(ended: list[Ended]) -> None:
            assert len(names(world)) == 1
            for asked, one in zip(("First", "Corrected"), ended, strict=True):
                assert one.error is None or isinstance(one.error, IdempotencyMismatchError | InProgressError)
                assert one.error is not None or isinstance(one.result, Once)
                assert not isinstance(one.result, Once) or one.result.result.name == asked
            kept = {"First": FIRST, "Corrected": CORRECTED}[str(names(world)[0])]
            world.clock.advance(minutes=1)
            assert ask(world, kept).replayed is True

        return Race(world.seam, [frozen, lambda: ask(world, CORRECTED)]), judge

    assert every_order(prepare) > 5
