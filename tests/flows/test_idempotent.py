"""What is asked for several times under one key is done once, whatever dies, waits or comes at the same time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import islice

import pytest

from chalicelib.domain.sessions import InvalidSessionError, Session, SessionWish, cancel
from chalicelib.flows.idempotent import (
    Effect,
    IdempotencyMismatchError,
    IdempotencyScope,
    InProgressError,
    InvalidKeyError,
    Once,
    once,
)
from chalicelib.flows.schedule import scheduling
from chalicelib.storage.dynamodb import DynamoIdempotency, DynamoSessions
from chalicelib.storage.stores import ConflictError, StoreUnavailableError
from tests.fakes.failing import Failing
from tests.storage.samples import counted_entropy
from tests.storage.wire import Wire, mocked_dynamodb, tables_on_a_wire
from tests.support.crashes import Crash, Side, die, every_crash
from tests.support.interleaving import Ended, Judge, Race, every_order
from tests.support.seam import Seam, Spent
from tests.support.world import NOON, World, guest, host

BODY = b'{"session_name": "Consultation"}'
SCOPE = IdempotencyScope("client-1", "POST /v1/sessions", "key-1")
WISH = SessionWish(NOON, NOON + timedelta(hours=1), "Consultation", participants=(host(), guest()))
AFTER_THE_LEASE = timedelta(seconds=30)


def ask(world: World, scope: IdempotencyScope = SCOPE, body: bytes = BODY, wish: SessionWish = WISH) -> Once[Session]:
    """A request to schedule a session."""
    ctx = world.ctx
    return once(ctx, scope, body, scheduling(ctx, world.team, "client-1", wish))


def kept(world: World) -> list[str]:
    """The sessions there are."""
    return [session_id for _, session_id in world.sessions.ids()]


def begun_and_died(world: World) -> str:
    """The record is there, the session is not; the id that was planned."""
    die(world.seam, lambda: ask(world), Crash(0, Side.AFTER))
    (record,) = world.idempotency.all()
    assert kept(world) == []
    return record.planned_id


# --- again --------------------------------------------------------------------------------------------------------


def test_the_first_request_makes_it(world: World) -> None:
    first = ask(world)
    assert first.replayed is False
    assert kept(world) == [first.result.session_id]


def test_five_more_make_nothing_and_answer_the_same(world: World) -> None:
    first = ask(world)
    for _ in range(5):
        assert ask(world) == Once(first.result, replayed=True)
        world.clock.advance(hours=4)
    assert len(kept(world)) == 1


def test_a_replay_answers_what_became_of_it(world: World) -> None:
    first = ask(world)
    world.change(first.result, lambda session: cancel(session, now=world.clock()))
    assert ask(world).result.canceled_at == NOON


def test_a_replay_is_answered_although_it_could_not_be_made_any_more(world: World) -> None:
    first = ask(world)
    world.clock.advance(hours=2)
    world.change_team(suspended=True)
    assert ask(world) == Once(first.result, replayed=True)


def test_another_body_is_refused_and_makes_nothing(world: World) -> None:
    ask(world)
    for body in (b"", BODY + b" "):
        with pytest.raises(IdempotencyMismatchError):
            ask(world, body=body)
    assert len(kept(world)) == 1


def test_another_client_route_or_key_is_another_request(world: World) -> None:
    scopes = [
        SCOPE,
        replace(SCOPE, client_id="client-2"),
        replace(SCOPE, route="POST /v1/sessions/1/participants"),
        replace(SCOPE, key="key-2"),
    ]
    assert [ask(world, scope).replayed for scope in scopes] == [False, False, False, False]
    assert len(kept(world)) == 4


def test_what_belongs_to_the_route_never_counts_as_the_key(world: World) -> None:
    one = replace(SCOPE, route="POST /v1/s", key="x")
    assert one.record_key != replace(SCOPE, route="POST /v1/", key="sx").record_key


def test_a_key_is_good_for_another_session_after_a_day(world: World) -> None:
    first = ask(world)
    world.clock.advance(hours=23, minutes=59)
    assert ask(world) == Once(first.result, replayed=True)
    world.clock.advance(minutes=1)
    tomorrow = replace(WISH, start_time=world.clock(), end_time=world.clock() + timedelta(hours=1))
    second = ask(world, body=b"another", wish=tomorrow)
    assert second.replayed is False
    assert len(kept(world)) == 2


# --- keys ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["", "x" * 256, "\n", "a\tb", "a\0", "schl\N{LATIN SMALL LETTER U WITH DIAERESIS}ssel"])
def test_a_key_that_is_none_is_refused_without_repeating_it(key: str) -> None:
    with pytest.raises(InvalidKeyError, match="characters") as refused:
        replace(SCOPE, key=key)
    assert not key or key not in str(refused.value)


@pytest.mark.parametrize("key", ["x", "x" * 255, '"8e03978e-40d5-43dd-bc93-6894a57f9324"', "a b#c/d", "~"])
def test_every_printable_key_of_up_to_255_characters_will_do(world: World, key: str) -> None:
    assert ask(world, replace(SCOPE, key=key)).replayed is False
    assert ask(world, replace(SCOPE, key=key)).replayed is True


def test_the_record_names_neither_the_key_nor_the_body_and_fits_a_dynamodb_key(world: World) -> None:
    ask(world, replace(SCOPE, route="POST /v1/" + "x" * 8000, key="mary-smith"))
    (record,) = world.idempotency.all()
    assert "mary" not in repr(record)
    assert "Consultation" not in repr(record)
    assert len(record.record_key) == len("client-1#") + 64


def test_a_scope_in_a_traceback_does_not_show_its_key() -> None:
    assert "key-1" not in repr(SCOPE)


# --- at the same time ---------------------------------------------------------------------------------------------


def test_while_the_first_may_be_at_work_the_second_is_told_to_wait(world: World) -> None:
    begun_and_died(world)
    world.clock.advance(seconds=10)
    with pytest.raises(InProgressError) as refused:
        ask(world)
    assert refused.value.retry_after == 20
    assert kept(world) == []


def test_the_wait_is_never_nought_and_ends_with_the_lease(world: World) -> None:
    begun_and_died(world)
    world.clock.advance(seconds=29, milliseconds=999)
    with pytest.raises(InProgressError) as refused:
        ask(world)
    assert refused.value.retry_after == 1
    world.clock.advance(milliseconds=1)
    assert ask(world).replayed is False


def test_another_body_is_told_so_even_while_the_first_is_at_work(world: World) -> None:
    begun_and_died(world)
    with pytest.raises(IdempotencyMismatchError):
        ask(world, body=b"another")


def test_two_at_once_make_one_session_in_every_order() -> None:
    def prepare() -> tuple[Race, Judge]:
        world = World()

        def judge(ended: list[Ended]) -> None:
            assert_one_session(world, ended)
            assert any(one.error is None for one in ended)

        return Race(world.seam, [lambda: ask(world), lambda: ask(world)]), judge

    assert every_order(prepare) > 5


def test_two_retries_of_a_dead_request_make_one_session_in_every_order() -> None:
    def prepare() -> tuple[Race, Judge]:
        world = World()
        begun_and_died(world)
        world.clock.advance(seconds=30)

        def judge(ended: list[Ended]) -> None:
            assert_one_session(world, ended)
            assert any(one.error is None for one in ended)

        return Race(world.seam, [lambda: ask(world), lambda: ask(world)]), judge

    assert every_order(prepare) > 5


def test_one_who_was_thought_dead_and_a_retry_make_one_session_in_every_order() -> None:
    """The first one's lease is over before it has made anything: it was frozen, not dead."""

    def prepare() -> tuple[Race, Judge]:
        world = World()
        leaseless = replace(world.context, deadline=replace(world.context.deadline, ends_at=0))

        def frozen() -> Once[Session]:
            now = world.clock() - AFTER_THE_LEASE
            ctx = replace(leaseless, clock=lambda: now)
            return once(ctx, SCOPE, BODY, scheduling(ctx, world.team, "client-1", WISH))

        return Race(world.seam, [frozen, lambda: ask(world)]), lambda ended: assert_one_session(world, ended)

    assert every_order(prepare) > 5


def assert_one_session(world: World, ended: list[Ended]) -> None:
    answers = [one.result for one in ended if isinstance(one.result, Once)]
    refused = [one.error for one in ended if one.error is not None]
    assert all(isinstance(error, InProgressError) for error in refused)
    assert len(kept(world)) == 1
    assert {answer.result.session_id for answer in answers} <= set(kept(world))
    assert [answer.replayed for answer in answers].count(False) <= 1


# --- crashes ------------------------------------------------------------------------------------------------------


def test_whoever_dies_is_finished_by_the_retry_under_the_same_id(world: World) -> None:
    planned = begun_and_died(world)
    world.clock.advance(seconds=30)
    assert ask(world).result.session_id == planned
    assert kept(world) == [planned]


def _first_request() -> tuple[World, Callable[[], object]]:
    world = World()
    return world, lambda: ask(world)


def _replay() -> tuple[World, Callable[[], object]]:
    world = World()
    ask(world)
    return world, lambda: ask(world)


def _take_over() -> tuple[World, Callable[[], object]]:
    world = World()
    begun_and_died(world)
    world.clock.advance(seconds=30)
    return world, lambda: ask(world)


@pytest.mark.parametrize(("story", "places"), [(_first_request, 4), (_replay, 4), (_take_over, 7)])
def test_whatever_a_request_dies_at_retries_make_one_session(
    story: Callable[[], tuple[World, Callable[[], object]]], places: int
) -> None:
    """Taking over finds no session first; dying after that is dying before the next: seven places, not eight."""

    def prepared() -> tuple[Seam, Callable[[], object]]:
        world, act = story()
        return world.seam, act

    for crash in islice(every_crash(prepared), places):
        world, act = story()
        die(world.seam, act, crash)
        world.clock.advance(seconds=30)
        answers = [ask(world) for _ in range(5)]
        assert kept(world) == [answers[0].result.session_id], str(crash)
        assert [answer.replayed for answer in answers[1:]] == [True, True, True, True]


def test_a_begin_whose_answer_was_lost_is_no_replay(world: World) -> None:
    world.idempotency.lose_next_response()
    assert ask(world).replayed is False
    assert len(kept(world)) == 1


def test_a_session_whose_answer_was_lost_is_made_once(world: World) -> None:
    world.sessions.lose_next_response()
    assert ask(world).replayed is False
    assert ask(world).replayed is True
    assert len(kept(world)) == 1


# --- errors -------------------------------------------------------------------------------------------------------


def test_a_refused_request_frees_the_key_for_the_corrected_one(world: World) -> None:
    wrong = replace(WISH, end_time=NOON - timedelta(hours=1))
    for _ in range(2):
        with pytest.raises(InvalidSessionError):
            ask(world, body=b"wrong", wish=wrong)
    corrected = ask(world, body=b"corrected")
    assert corrected.replayed is False
    assert kept(world) == [corrected.result.session_id]


def test_after_an_uncertain_outcome_the_retry_need_not_wait(world: World) -> None:
    down = Failing(world.sessions, StoreUnavailableError("throttled"), left=1)
    world.context = replace(world.context, sessions=world.seam.watched(down, "sessions"))  # type: ignore[arg-type]
    with pytest.raises(StoreUnavailableError):
        ask(world)
    (record,) = world.idempotency.all()
    answer = ask(world)
    assert (answer.result.session_id, answer.replayed) == (record.planned_id, False)


def test_if_the_lease_cannot_be_ended_the_error_is_still_the_first_one(world: World) -> None:
    begun = Failing(world.idempotency, StoreUnavailableError("throttled"), left=0)
    world.context = replace(world.context, idempotency=begun)  # type: ignore[arg-type]

    def refused(_planned: str) -> str:
        begun.left = 1
        message = "refused"
        raise LookupError(message)

    effect = Effect(plan=lambda: "1", find=lambda _: None, make=refused, refusals=(LookupError,))
    with pytest.raises(LookupError, match="refused"):
        once(world.ctx, SCOPE, BODY, effect)
    assert begun.calls == ["begin", "save"]
    with pytest.raises(InProgressError):
        once(world.ctx, SCOPE, BODY, effect)


def test_a_conflict_that_made_nothing_is_told(world: World) -> None:
    def contended(_planned: str) -> str:
        message = "written by somebody else"
        raise ConflictError(message)

    with pytest.raises(ConflictError):
        once(world.ctx, SCOPE, BODY, Effect(plan=lambda: "1", find=lambda _: None, make=contended))


# --- any effect ---------------------------------------------------------------------------------------------------


@dataclass
class Counter:
    """A thing that is made by an id, as a refund's decision is."""

    made: list[str] = field(default_factory=list)

    @property
    def effect(self) -> Effect[str]:
        return Effect(
            plan=lambda: f"planned-{len(self.made)}",
            find=lambda planned: f"made {planned}" if planned in self.made else None,
            make=self._make,
        )

    def _make(self, planned: str) -> str:
        self.made.append(planned)
        return f"made {planned}"


def test_the_plan_that_counts_is_the_first(world: World) -> None:
    counter = Counter()
    first = once(world.ctx, SCOPE, BODY, counter.effect)
    again = once(world.ctx, SCOPE, BODY, counter.effect)
    assert (first, again) == (Once("made planned-0", replayed=False), Once("made planned-0", replayed=True))
    assert counter.made == ["planned-0"]


# --- what it costs ------------------------------------------------------------------------------------------------


def test_the_first_request_takes_two_writes_and_a_replay_one_write_and_one_read(world: World) -> None:
    with world.seam.counted() as spent:
        ask(world)
    assert spent() == Spent(writes=2)
    with world.seam.counted() as spent:
        ask(world)
    assert spent() == Spent(writes=1, reads=1)


@pytest.fixture
def wire() -> Iterator[Wire]:
    with mocked_dynamodb(), tables_on_a_wire() as wire:
        yield wire


def test_the_same_on_dynamodb(world: World, wire: Wire) -> None:
    """A record that stands is read back by its store, so a replay reads twice."""
    sessions = DynamoSessions(counted_entropy(), timedelta(days=400), timedelta(days=3653))
    world.context = replace(world.context, sessions=sessions, idempotency=DynamoIdempotency(counted_entropy()))
    first = ask(world)
    assert [operation for operation, _ in wire.requests] == ["PutItem", "PutItem"]
    wire.requests.clear()
    assert ask(world) == Once(first.result, replayed=True)
    assert [operation for operation, _ in wire.requests] == ["PutItem", "GetItem", "GetItem"]
