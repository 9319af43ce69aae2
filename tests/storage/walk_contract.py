"""What every store of sessions promises about walks through a team's sessions, in sentences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice

from chalicelib.domain.sessions import Participant, Role, Session
from chalicelib.storage.stores import Found, Position, SessionStore, Walk
from tests.storage.contract import SessionStage
from tests.storage.samples import NOON, OTHER_TEAM_ID, TEAM_ID, a_session, session_ids

FIRST, SECOND, THIRD, FOURTH = islice(session_ids(), 4)
HOUR = timedelta(hours=1)
BY_CREATION = Walk()
BY_START = Walk(by_start=True)


def starting(session_id: str, start_time: datetime, team_id: str = TEAM_ID) -> Session:
    return replace(a_session(session_id, team_id=team_id), start_time=start_time, end_time=start_time + HOUR)


def of_about_50_kb(session_id: str) -> Session:
    guest = Participant(1, Role.GUEST, NOON, key_id=1, state="x" * 50_000)
    return replace(a_session(session_id), participants=(guest,))


def keep_four(store: SessionStore) -> None:
    """Created in this order, they start in the order third, first and second at once, fourth."""
    store.create(starting(FIRST, NOON + 2 * HOUR))
    store.create(starting(SECOND, NOON + 2 * HOUR))
    store.create(starting(THIRD, NOON + 1 * HOUR))
    store.create(starting(FOURTH, NOON + 3 * HOUR))


def ids_of(found: Sequence[Found]) -> list[str]:
    return [one.position.session_id for one in found]


def walked(store: SessionStore, walk: Walk, at_most: int | None = None, after: Position | None = None) -> list[str]:
    """The ids on the whole walk from there on, however many reads it takes."""
    met: list[str] = []
    for _ in range(100):
        stretch = store.stretch(TEAM_ID, walk, after, at_most)
        met += ids_of(stretch.found)
        if not stretch.more:
            return met
        after = stretch.found[-1].position
    message = "the walk does not end"
    raise AssertionError(message)


class WalkContract:
    """Subclasses give the fixture `stage`."""

    def test_a_team_without_sessions_has_nothing_to_walk_by(self, stage: SessionStage) -> None:
        stage.store.create(starting(FIRST, NOON, OTHER_TEAM_ID))
        assert stage.store.stretch(TEAM_ID, BY_CREATION, None, None).found == ()
        assert stage.store.stretch(TEAM_ID, BY_START, None, None).more is False

    def test_sessions_are_met_whole_in_the_order_of_their_creation(self, stage: SessionStage) -> None:
        second, first = stage.store.create(a_session(SECOND)), stage.store.create(a_session(FIRST))
        found = stage.store.stretch(TEAM_ID, BY_CREATION, None, None).found
        assert [one.session for one in found] == [first, second]
        assert found[0].position == Position(FIRST)

    def test_by_start_they_are_met_whole_in_the_order_of_their_start(self, stage: SessionStage) -> None:
        later = stage.store.create(starting(FIRST, NOON + HOUR))
        sooner = stage.store.create(starting(SECOND, NOON))
        found = stage.store.stretch(TEAM_ID, BY_START, None, None).found
        assert [one.session for one in found] == [sooner, later]
        assert found[0].position == Position(SECOND, NOON)

    def test_a_walk_can_go_backwards(self, stage: SessionStage) -> None:
        keep_four(stage.store)
        assert walked(stage.store, replace(BY_CREATION, reverse=True)) == [FOURTH, THIRD, SECOND, FIRST]
        by_start = walked(stage.store, replace(BY_START, reverse=True))
        assert (by_start[0], set(by_start[1:3]), by_start[3]) == (FOURTH, {FIRST, SECOND}, THIRD)

    def test_in_small_steps_each_is_met_once(self, stage: SessionStage) -> None:
        keep_four(stage.store)
        for at_most in (1, 2, 3, 4):
            for reverse in (False, True):
                by_creation, by_start = Walk(reverse=reverse), Walk(by_start=True, reverse=reverse)
                assert walked(stage.store, by_creation, at_most) == walked(stage.store, by_creation)
                assert walked(stage.store, by_start, at_most) == walked(stage.store, by_start)

    def test_a_step_is_never_longer_than_was_asked_for(self, stage: SessionStage) -> None:
        keep_four(stage.store)
        stretch = stage.store.stretch(TEAM_ID, BY_CREATION, None, 3)
        assert ids_of(stretch.found) == [FIRST, SECOND, THIRD]
        assert stretch.more is True

    def test_by_start_both_bounds_belong_to_the_walk(self, stage: SessionStage) -> None:
        keep_four(stage.store)
        one, two, three = NOON + HOUR, NOON + 2 * HOUR, NOON + 3 * HOUR
        assert walked(stage.store, replace(BY_START, starts_from=three)) == [FOURTH]
        assert walked(stage.store, replace(BY_START, starts_until=one)) == [THIRD]
        assert set(walked(stage.store, replace(BY_START, starts_from=two, starts_until=two))) == {FIRST, SECOND}
        assert walked(stage.store, replace(BY_START, starts_from=NOON, starts_until=one)) == [THIRD]

    def test_between_bounds_that_are_upside_down_there_is_nothing(self, stage: SessionStage) -> None:
        keep_four(stage.store)
        upside_down = Walk(by_start=True, starts_from=NOON + 3 * HOUR, starts_until=NOON)
        assert stage.store.stretch(TEAM_ID, upside_down, None, None).found == ()

    def test_a_walk_goes_on_between_its_bounds(self, stage: SessionStage) -> None:
        keep_four(stage.store)
        bounded = Walk(by_start=True, starts_from=NOON + 2 * HOUR, starts_until=NOON + 3 * HOUR)
        assert set(walked(stage.store, bounded, at_most=1)) == {FIRST, SECOND, FOURTH}

    def test_a_walk_goes_on_from_a_place_where_no_session_is(self, stage: SessionStage) -> None:
        stage.store.create(starting(FIRST, NOON + HOUR))
        stage.store.create(starting(THIRD, NOON + 2 * HOUR))
        assert walked(stage.store, BY_CREATION, after=Position(SECOND)) == [THIRD]
        assert walked(stage.store, replace(BY_CREATION, reverse=True), after=Position(SECOND)) == [FIRST]
        between = Position(SECOND, NOON + HOUR + timedelta(minutes=1))
        assert walked(stage.store, BY_START, after=between) == [THIRD]
        assert walked(stage.store, replace(BY_START, reverse=True), after=between) == [FIRST]

    def test_a_bound_of_an_early_century_is_as_early_as_it_says(self, stage: SessionStage) -> None:
        keep_four(stage.store)
        walk = replace(BY_START, starts_from=datetime(500, 1, 1, tzinfo=UTC), starts_until=NOON + HOUR)
        assert walked(stage.store, walk) == [THIRD]

    def test_a_session_that_was_moved_is_met_at_its_new_start(self, stage: SessionStage) -> None:
        keep_four(stage.store)
        moved = stage.store.get(TEAM_ID, THIRD)
        stage.store.save(replace(moved, start_time=NOON + 4 * HOUR, end_time=NOON + 5 * HOUR))
        assert walked(stage.store, BY_START)[-1] == THIRD

    def test_one_that_does_not_decode_is_met_without_its_session(self, stage: SessionStage) -> None:
        stage.store.create(a_session(FIRST))
        stage.unreadable(TEAM_ID, SECOND, NOON)
        stage.store.create(a_session(THIRD))
        for walk in (BY_CREATION, BY_START):
            met = {one.position.session_id: one.session for one in stage.store.stretch(TEAM_ID, walk, None, None).found}
            assert set(met) == {FIRST, SECOND, THIRD}
            assert met[SECOND] is None
            assert met[THIRD] is not None

    def test_one_read_is_a_megabyte_at_most(self, stage: SessionStage) -> None:
        ids = list(islice(session_ids(), 30))
        for session_id in ids:
            stage.store.create(of_about_50_kb(session_id))
        stretch = stage.store.stretch(TEAM_ID, BY_CREATION, None, None)
        assert len(stretch.found) in range(19, 22)  # moto stops before 1,000,000 bytes, DynamoDB after 1,048,576
        assert stretch.more is True
        rest = stage.store.stretch(TEAM_ID, BY_CREATION, stretch.found[-1].position, None)
        assert ids_of((*stretch.found, *rest.found)) == ids
        assert rest.more is False
