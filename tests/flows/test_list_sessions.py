"""Lists of sessions: what is on them, in which order, how they are cut into pages, and what a page may cost."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from chalicelib.domain.ids import session_id_at
from chalicelib.domain.sessions import Participant, Role, Session
from chalicelib.flows.list_sessions import ADDED_BYTES, PageTooFarError, SessionPage, answer_size, list_sessions
from chalicelib.flows.session_cursor import SessionQuery
from chalicelib.storage.dynamodb import DynamoSessions
from chalicelib.storage.stores import Position, Stretch, Walk
from tests.fakes.memory import MemorySessions
from tests.storage.samples import counted_entropy
from tests.storage.wire import Wire, mocked_dynamodb, tables_on_a_wire
from tests.support.world import NOON, OTHER_TEAM_ID, TEAM_ID, World

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


class CountedSessions(MemorySessions):
    """Counts what is read on walks; `takes` seconds pass with every read."""

    def __init__(self, world: World) -> None:
        super().__init__(world.random.randbytes)
        self.clock = world.clock
        self.takes = 0.0
        self.reads: list[int] = []

    def stretch(self, team_id: str, walk: Walk, after: Position | None, at_most: int | None) -> Stretch:
        stretch = super().stretch(team_id, walk, after, at_most)
        self.reads.append(len(stretch.found))
        self.clock.advance(seconds=self.takes)
        return stretch


class Desk:
    """A clinic with sessions, and a list of them."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.store = CountedSessions(world)
        world.context = replace(world.context, sessions=self.store)

    def keep(self, number: int, starts: datetime | None = None, team_id: str = TEAM_ID, **changes: Any) -> Session:
        return self.store.create(nth_session(number, starts, team_id, **changes))

    def keep_many(self, count: int, **changes: Any) -> None:
        for number in range(count):
            self.keep(number, **changes)

    def page(self, team_id: str = TEAM_ID, **query: Any) -> SessionPage:
        return list_sessions(self.world.ctx, team_id, SessionQuery(**query))

    def pages(self, **query: Any) -> Iterator[SessionPage]:
        """All of them, by cursor."""
        page = self.page(**query)
        yield page
        while page.next is not None:
            page = self.page(**query, cursor=page.next)
            yield page


@pytest.fixture
def desk(world: World) -> Desk:
    return Desk(world)


def nth(number: int) -> str:
    return session_id_at(NOON, number.to_bytes(9, "big"))


def nth_session(number: int, starts: datetime | None = None, team_id: str = TEAM_ID, **changes: Any) -> Session:
    """The session created as the n-th; it starts n hours after noon and lasts half an hour, unless said."""
    starts = starts or NOON + number * HOUR
    session = Session(
        team_id=team_id,
        session_id=nth(number),
        client_id="client-1",
        start_time=starts,
        end_time=starts + 30 * MINUTE,
        created_at=NOON,
        participants=(Participant(1, Role.GUEST, NOON, key_id=1, state="waiting"),),
    )
    return replace(session, **changes)


def numbers(page: SessionPage) -> list[int]:
    """Which of the sessions these are, by the number they were created with."""
    return [int.from_bytes(bytes.fromhex(one.session_id.replace("-", ""))[10:15], "big") for one in page.sessions]


# --- what is on the list, and in which order ----------------------------------------------------------------------


def test_a_clinic_without_sessions_gets_one_empty_page(desk: Desk) -> None:
    desk.keep(1, team_id=OTHER_TEAM_ID)
    assert desk.page() == SessionPage((), page=0, page_size=200, next=None)
    assert desk.page().more is False


def test_sessions_come_whole_and_the_oldest_first(desk: Desk) -> None:
    second = desk.keep(2, starts=NOON)
    first = desk.keep(1, starts=NOON + HOUR)
    assert desk.page().sessions == (first, second)


def test_in_reverse_the_newest_comes_first(desk: Desk) -> None:
    desk.keep_many(3)
    assert numbers(desk.page(reverse=True)) == [2, 1, 0]


def test_with_a_time_they_come_by_their_start(desk: Desk) -> None:
    desk.keep(1, starts=NOON + 2 * HOUR)
    desk.keep(2, starts=NOON + 1 * HOUR)
    assert numbers(desk.page(starts_from=NOON)) == [2, 1]
    assert numbers(desk.page(starts_from=NOON, reverse=True)) == [1, 2]
    assert numbers(desk.page(ends_until=NOON + 9 * HOUR)) == [2, 1]


def test_a_session_is_listed_that_starts_at_the_very_time(desk: Desk) -> None:
    desk.keep_many(4)
    assert numbers(desk.page(starts_from=NOON + 2 * HOUR)) == [2, 3]
    assert numbers(desk.page(starts_from=NOON + 2 * HOUR + timedelta(microseconds=1))) == [3]


def test_a_session_is_listed_that_ends_at_the_very_time(desk: Desk) -> None:
    desk.keep_many(4)
    assert numbers(desk.page(ends_until=NOON + HOUR + 30 * MINUTE)) == [0, 1]
    assert numbers(desk.page(ends_until=NOON + HOUR + 29 * MINUTE)) == [0]


def test_between_two_times_are_those_that_lie_wholly_between(desk: Desk) -> None:
    desk.keep_many(5)
    assert numbers(desk.page(starts_from=NOON + HOUR, ends_until=NOON + 4 * HOUR)) == [1, 2, 3]
    assert numbers(desk.page(starts_from=NOON + 4 * HOUR, ends_until=NOON)) == []


def test_cancelled_sessions_are_listed_if_asked_for(desk: Desk) -> None:
    desk.keep(1)
    desk.keep(2, canceled_at=NOON)
    assert numbers(desk.page()) == [1]
    assert numbers(desk.page(include_canceled=True)) == [1, 2]


def test_a_state_is_had_by_any_participant_who_was_not_removed(desk: Desk) -> None:
    waiting = Participant(1, Role.GUEST, NOON, key_id=1, state="waiting")
    ready = replace(waiting, number=2, state="ready")
    desk.keep(1, participants=(waiting, ready))
    desk.keep(2, participants=(waiting,))
    desk.keep(3, participants=(waiting, replace(ready, deleted_at=NOON)))
    assert numbers(desk.page(state="ready")) == [1]
    assert numbers(desk.page(state="waiting")) == [1, 2, 3]


def test_one_that_does_not_decode_is_left_out_and_logged(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    desk.keep(1)
    desk.store.unreadable(TEAM_ID, nth(2))
    desk.keep(3)
    assert numbers(desk.page()) == [1, 3]
    assert [(one.getMessage(), vars(one)["session_id"]) for one in caplog.records] == [("unreadable_session", nth(2))]


# --- pages --------------------------------------------------------------------------------------------------------


def test_pages_are_counted_from_nought(desk: Desk) -> None:
    desk.keep_many(5)
    assert [numbers(desk.page(page=page, page_size=2)) for page in range(4)] == [[0, 1], [2, 3], [4], []]
    assert [desk.page(page=page, page_size=2).more for page in range(4)] == [True, True, False, False]
    assert desk.page(page=1, page_size=2).page == 1


def test_pages_are_filled_with_what_matches(desk: Desk) -> None:
    for number in range(12):
        desk.keep(number, canceled_at=NOON if number % 3 else None)
    assert [numbers(page) for page in desk.pages(page_size=2)] == [[0, 3], [6, 9]]


def test_more_is_exact(desk: Desk) -> None:
    desk.keep_many(4)
    assert desk.page(page_size=4).next is None
    desk.keep(5, canceled_at=NOON)
    assert desk.page(page_size=4).next is None
    desk.keep(6)
    assert desk.page(page_size=4).more is True


def test_the_cursor_leads_to_the_next_page_and_says_which_it_is(desk: Desk) -> None:
    desk.keep_many(5)
    pages = list(desk.pages(page_size=2))
    assert [(page.page, numbers(page)) for page in pages] == [(0, [0, 1]), (1, [2, 3]), (2, [4])]


def test_a_cursor_goes_on_from_a_page_that_was_counted_to(desk: Desk) -> None:
    desk.keep_many(7)
    counted = desk.page(page=1, page_size=2)
    following = desk.page(page_size=2, cursor=counted.next)
    assert (following.page, numbers(following)) == (2, [4, 5])


def test_the_page_size_may_change_on_the_way(desk: Desk) -> None:
    desk.keep_many(5)
    first = desk.page(page_size=2)
    assert numbers(desk.page(page_size=3, cursor=first.next)) == [2, 3, 4]


def test_what_is_made_meanwhile_moves_nothing(desk: Desk) -> None:
    for number in (10, 20, 30):
        desk.keep(number)
    first = desk.page(page_size=2)
    desk.keep(5)
    desk.keep(40)
    assert numbers(desk.page(page_size=2, cursor=first.next)) == [30, 40]


def test_sessions_that_start_at_once_are_each_listed_once(desk: Desk) -> None:
    desk.keep_many(7, starts=NOON)
    for reverse in (False, True):
        pages = list(desk.pages(page_size=2, starts_from=NOON, reverse=reverse))
        assert sorted(number for page in pages for number in numbers(page)) == [0, 1, 2, 3, 4, 5, 6]


def test_every_way_through_a_list_meets_the_same(desk: Desk) -> None:
    chance = random.Random(4)
    for number in range(60):
        canceled_at = NOON if chance.random() < 0.3 else None
        state = Participant(1, Role.GUEST, NOON, key_id=1, state=chance.choice(["waiting", "ready"]))
        desk.keep(number, starts=NOON + chance.randrange(20) * HOUR, canceled_at=canceled_at, participants=(state,))
    filters: list[dict[str, Any]] = [
        {},
        {"include_canceled": True},
        {"state": "ready"},
        {"starts_from": NOON + 5 * HOUR},
        {"ends_until": NOON + 15 * HOUR, "include_canceled": True},
        {"starts_from": NOON + 5 * HOUR, "ends_until": NOON + 15 * HOUR, "state": "ready"},
    ]
    for one in filters:
        for reverse in (False, True):
            query = {**one, "reverse": reverse}
            whole = numbers(desk.page(**query))
            assert len(whole) > 5
            for size in (1, 4, 7):
                by_cursor = [numbers(page) for page in desk.pages(page_size=size, **query)]
                by_page = [numbers(desk.page(page=page, page_size=size, **query)) for page in range(len(by_cursor))]
                assert by_cursor == by_page
                assert [number for page in by_cursor for number in page] == whole


def test_another_teams_cursor_lists_the_callers_own(desk: Desk) -> None:
    for number in (1, 3, 5):
        desk.keep(number)
    for number in (2, 4):
        desk.keep(number, team_id=OTHER_TEAM_ID)
    theirs = desk.page(page_size=1).next
    page = desk.page(OTHER_TEAM_ID, page_size=1, cursor=theirs)
    assert numbers(page) == [2]
    assert {one.team_id for one in page.sessions} == {OTHER_TEAM_ID}


# --- bounds -------------------------------------------------------------------------------------------------------


def talkative(participants: int = 50, state: str = "x" * 1000) -> dict[str, Any]:
    one = Participant(1, Role.GUEST, NOON, key_id=1, state=state)
    return {"participants": tuple(replace(one, number=number) for number in range(1, participants + 1))}


def test_an_answer_stays_under_five_megabytes_and_goes_on(desk: Desk) -> None:
    desk.keep_many(60, **talkative())
    pages = list(desk.pages())
    assert [len(page.sessions) for page in pages] == [33, 27]
    assert all(sum(map(answer_size, page.sessions)) <= 5_000_000 for page in pages)
    assert [number for page in pages for number in numbers(page)] == list(range(60))


def test_pages_that_end_early_are_counted_as_they_are(desk: Desk) -> None:
    desk.keep_many(80, **talkative())
    by_cursor = [numbers(page) for page in desk.pages()]
    assert len(by_cursor) == 3
    assert [numbers(desk.page(page=page)) for page in range(3)] == by_cursor


def test_a_session_too_large_for_any_answer_has_a_page_of_its_own(desk: Desk) -> None:
    desk.keep(1)
    desk.keep(2, **talkative(state="\N{GRINNING FACE}" * 10_000))
    desk.keep(3)
    assert [numbers(page) for page in desk.pages()] == [[1], [2], [3]]


def test_the_size_counts_what_lambda_makes_of_it() -> None:
    plain = Session(TEAM_ID, nth(1), "client-1", NOON, NOON + HOUR, NOON, name="")
    assert answer_size(replace(plain, name="aaaa")) - answer_size(plain) == 4
    assert answer_size(replace(plain, name="\N{GRINNING FACE}")) - answer_size(plain) == 12
    assert answer_size(replace(plain, name='"')) - answer_size(plain) == 4
    guest = Participant(1, Role.GUEST, NOON, key_id=1)
    assert answer_size(replace(plain, participants=(guest,))) - answer_size(plain) > ADDED_BYTES


def test_when_time_is_short_the_page_ends_and_the_next_one_goes_on(desk: Desk) -> None:
    for number in range(1000):
        desk.keep(number, canceled_at=None if number in {0, 999} else NOON, name="x" * 10_000)
    desk.store.takes = 4
    pages = list(desk.pages())
    assert numbers(pages[0]) == [0]
    assert [number for page in pages for number in numbers(page)] == [0, 999]
    assert [page.page for page in pages] == [0, 1, 2]


def test_even_without_time_every_page_gets_on(desk: Desk) -> None:
    for number in range(1000):
        desk.keep(number, canceled_at=NOON, name="x" * 10_000)
    desk.store.takes = 30
    pages = list(desk.pages())
    assert len(pages) == 11
    assert not any(page.sessions for page in pages)


def test_a_page_that_cannot_be_counted_to_in_time_is_refused(desk: Desk) -> None:
    desk.keep_many(1000, name="x" * 10_000)
    desk.store.takes = 4
    with pytest.raises(PageTooFarError, match="as `cursor`"):
        desk.page(page=900, page_size=1)


@pytest.mark.parametrize("wrong", [{"page": -1}, {"page_size": 0}, {"page_size": 201}])
def test_pages_and_sizes_that_cannot_be_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="from 1 to 200"):
        SessionQuery(**wrong)


# --- what a page costs --------------------------------------------------------------------------------------------


def test_with_ten_thousand_sessions_the_last_cursor_page_costs_what_the_first_does(desk: Desk) -> None:
    desk.keep_many(10_000)
    listed, cost = 0, []
    for page in desk.pages():
        listed += len(page.sessions)
        cost.append(list(desk.store.reads))
        desk.store.reads.clear()
    assert (listed, len(cost)) == (10_000, 50)
    assert cost[0] == [251]
    assert cost[48] == [251]
    assert cost[49] == [200]


def test_by_start_and_backwards_it_is_the_same(desk: Desk) -> None:
    desk.keep_many(2_000, starts=NOON + HOUR)
    cost = []
    for _ in desk.pages(starts_from=NOON, reverse=True, include_canceled=True):
        cost.append(list(desk.store.reads))
        desk.store.reads.clear()
    assert cost == [*[[201]] * 9, [200]]


def test_a_page_that_is_counted_to_reads_those_before_it_by_the_megabyte(desk: Desk) -> None:
    desk.keep_many(2_000, name="x" * 2_500)
    assert numbers(desk.page(page=9))[0] == 1800
    assert sum(desk.store.reads) == 2000
    assert len(desk.store.reads) == 7


# --- requests to DynamoDB -----------------------------------------------------------------------------------------


@pytest.fixture
def wire(desk: Desk) -> Iterator[Wire]:
    """The desk keeps thirty sessions of 50 KB on DynamoDB."""
    with mocked_dynamodb(), tables_on_a_wire() as wire:
        kept = DynamoSessions(counted_entropy(), timedelta(days=400), timedelta(days=3653))
        for number in range(30):
            kept.create(nth_session(number, name="x" * 50_000))
        desk.world.context = replace(desk.world.context, sessions=kept)
        wire.requests.clear()
        yield wire


@pytest.mark.parametrize(
    ("query", "queries"),
    [({}, 2), ({"starts_from": NOON}, 2), ({"page_size": 10}, 3), ({"page_size": 10, "include_canceled": True}, 3)],
)
def test_a_page_is_one_query_per_megabyte(desk: Desk, wire: Wire, query: dict[str, Any], queries: int) -> None:
    """Two reads for all of them, or one for each of three pages of ten."""
    assert [number for page in desk.pages(**query) for number in numbers(page)] == list(range(30))
    assert [operation for operation, _ in wire.requests] == ["Query"] * queries


def test_a_page_that_is_counted_to_is_one_query_per_megabyte(desk: Desk, wire: Wire) -> None:
    assert numbers(desk.page(page=2, page_size=10)) == list(range(20, 30))
    assert [operation for operation, _ in wire.requests] == ["Query", "Query"]
