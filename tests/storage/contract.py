"""What every store promises, in sentences; run against the stores in memory and the ones on DynamoDB.

A stage is a store, and what a test does to it from behind: another process that writes, an item that is broken, an
answer that is lost.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Protocol

import pytest

from chalicelib.domain.sessions import Session
from chalicelib.storage.codec import SCHEMA
from chalicelib.storage.stores import (
    ConflictError,
    Entry,
    EntryStore,
    NewerSchemaError,
    NotFoundError,
    SessionStore,
    UnreadableError,
)
from tests.storage.largest import largest_session
from tests.storage.samples import (
    NOON,
    OTHER_TEAM_ID,
    TEAM_ID,
    a_session,
    due_session,
    session_ids,
)

SESSION_ID = next(session_ids())
UNKNOWN_ID = "0197b3c4-d5e6-7788-99aa-bbccddeeff00"
LATER = NOON + timedelta(minutes=30)


class SessionStage(Protocol):
    @property
    def store(self) -> SessionStore: ...

    def unreadable(self, team_id: str, session_id: str, due: datetime) -> None: ...

    def written_by_newer_code(self, team_id: str, session_id: str) -> None: ...

    def lose_next_response(self, between: Callable[[], object]) -> None: ...


def renamed(session: Session, name: str) -> Session:
    return replace(session, name=name)


def write_again(store: SessionStore, times: int = 1) -> None:
    """What another process does."""
    for number in range(times):
        store.save(renamed(store.get(TEAM_ID, SESSION_ID), f"another's {number}"))


class SessionContract:
    """Subclasses give the fixture `stage`."""

    # --- reading and writing --------------------------------------------------------------------------------------

    def test_what_was_created_is_read_back_whole(self, stage: SessionStage) -> None:
        created = stage.store.create(a_session(SESSION_ID))
        assert created.name == "Ada's talk"
        assert created.revision.version == 1
        assert created.revision.schema == SCHEMA
        assert stage.store.get(TEAM_ID, SESSION_ID) == created

    def test_an_unknown_session_is_not_found(self, stage: SessionStage) -> None:
        with pytest.raises(NotFoundError, match=UNKNOWN_ID):
            stage.store.get(TEAM_ID, UNKNOWN_ID)

    def test_another_teams_session_is_not_found(self, stage: SessionStage) -> None:
        stage.store.create(a_session(SESSION_ID))
        with pytest.raises(NotFoundError):
            stage.store.get(OTHER_TEAM_ID, SESSION_ID)

    def test_an_id_can_be_taken_once(self, stage: SessionStage) -> None:
        first = stage.store.create(a_session(SESSION_ID))
        with pytest.raises(ConflictError, match=SESSION_ID):
            stage.store.create(a_session(SESSION_ID, name="Second"))
        assert stage.store.get(TEAM_ID, SESSION_ID) == first

    def test_a_save_goes_over_the_version_read(self, stage: SessionStage) -> None:
        stage.store.create(a_session(SESSION_ID))
        saved = stage.store.save(renamed(stage.store.get(TEAM_ID, SESSION_ID), "Ada's second talk"))
        assert saved.name == "Ada's second talk"
        assert saved.revision.version == 2
        assert stage.store.get(TEAM_ID, SESSION_ID) == saved

    def test_what_was_saved_can_be_saved_again_without_reading(self, stage: SessionStage) -> None:
        created = stage.store.create(a_session(SESSION_ID))
        saved = stage.store.save(renamed(stage.store.save(renamed(created, "Two")), "Three"))
        assert stage.store.get(TEAM_ID, SESSION_ID) == saved
        assert saved.revision.version == 3

    def test_of_two_who_read_the_same_the_second_loses(self, stage: SessionStage) -> None:
        created = stage.store.create(a_session(SESSION_ID))
        won = stage.store.save(renamed(created, "First"))
        with pytest.raises(ConflictError, match=SESSION_ID):
            stage.store.save(renamed(created, "Second"))
        assert stage.store.get(TEAM_ID, SESSION_ID) == won

    def test_what_was_never_created_cannot_be_saved(self, stage: SessionStage) -> None:
        with pytest.raises(ConflictError):
            stage.store.save(a_session(SESSION_ID))
        with pytest.raises(NotFoundError):
            stage.store.get(TEAM_ID, SESSION_ID)

    def test_the_largest_session_fits_with_all_its_facts(self, stage: SessionStage) -> None:
        created = stage.store.create(largest_session())
        assert stage.store.get(TEAM_ID, created.session_id) == created

    # --- answers that are lost ------------------------------------------------------------------------------------

    def test_a_create_whose_answer_was_lost_is_recognised(self, stage: SessionStage) -> None:
        stage.lose_next_response(lambda: None)
        created = stage.store.create(a_session(SESSION_ID))
        assert stage.store.get(TEAM_ID, SESSION_ID) == created

    def test_a_save_whose_answer_was_lost_is_recognised(self, stage: SessionStage) -> None:
        created = stage.store.create(a_session(SESSION_ID))
        stage.lose_next_response(lambda: None)
        saved = stage.store.save(renamed(created, "Ours"))
        assert stage.store.get(TEAM_ID, SESSION_ID) == saved
        assert saved.revision.version == 2

    def test_a_lost_answer_is_recognised_when_another_wrote_in_between(self, stage: SessionStage) -> None:
        created = stage.store.create(a_session(SESSION_ID))
        stage.lose_next_response(lambda: write_again(stage.store))
        saved = stage.store.save(renamed(created, "Ours"))
        assert saved.name == "Ours"
        assert stage.store.get(TEAM_ID, SESSION_ID).name == "another's 0"
        with pytest.raises(ConflictError):
            stage.store.save(renamed(saved, "Over the other's"))

    def test_a_lost_answer_is_recognised_behind_fifteen_other_writes(self, stage: SessionStage) -> None:
        created = stage.store.create(a_session(SESSION_ID))
        stage.lose_next_response(lambda: write_again(stage.store, 15))
        assert stage.store.save(renamed(created, "Ours")).revision.version == 2

    def test_behind_sixteen_other_writes_it_is_a_conflict(self, stage: SessionStage) -> None:
        created = stage.store.create(a_session(SESSION_ID))
        stage.lose_next_response(lambda: write_again(stage.store, 16))
        with pytest.raises(ConflictError):
            stage.store.save(renamed(created, "Ours"))

    def test_the_last_sixteen_write_ids_are_kept(self, stage: SessionStage) -> None:
        session = stage.store.create(a_session(SESSION_ID))
        written = [session.revision.write_ids[-1]]
        for number in range(19):
            session = stage.store.save(renamed(session, f"{number}"))
            written.append(session.revision.write_ids[-1])
        assert len(set(written)) == 20
        assert stage.store.get(TEAM_ID, SESSION_ID).revision.write_ids == tuple(written[-16:])

    # --- items that are not as this code would write them -----------------------------------------------------------

    def test_what_newer_code_wrote_is_read_but_never_written(self, stage: SessionStage) -> None:
        stage.store.create(a_session(SESSION_ID))
        stage.written_by_newer_code(TEAM_ID, SESSION_ID)
        newer = stage.store.get(TEAM_ID, SESSION_ID)
        assert newer.name == "Ada's talk"
        with pytest.raises(NewerSchemaError, match=SESSION_ID):
            stage.store.save(renamed(newer, "Written by older code"))
        assert stage.store.get(TEAM_ID, SESSION_ID) == newer

    def test_an_item_that_does_not_decode_says_so_without_quoting_it(self, stage: SessionStage) -> None:
        stage.unreadable(TEAM_ID, SESSION_ID, NOON)
        with pytest.raises(UnreadableError) as refused:
            stage.store.get(TEAM_ID, SESSION_ID)
        assert str(refused.value) == "a session does not decode: DecodeError"
        assert refused.value.__suppress_context__

    # --- what is due ----------------------------------------------------------------------------------------------

    def test_what_is_due_comes_longest_due_first(self, stage: SessionStage) -> None:
        last, first, middle = islice(session_ids(shard=3), 3)
        stage.store.create(due_session(last, NOON + timedelta(seconds=2)))
        stage.store.create(due_session(first, NOON))
        stage.store.create(due_session(middle, NOON + timedelta(seconds=1)))
        due = stage.store.due(3, NOON + timedelta(minutes=3), limit=10)
        assert due == [(TEAM_ID, first), (TEAM_ID, middle), (TEAM_ID, last)]

    def test_no_more_are_answered_than_were_asked_for(self, stage: SessionStage) -> None:
        ids = list(islice(session_ids(shard=3), 3))
        for seconds, session_id in enumerate(ids):
            stage.store.create(due_session(session_id, NOON + timedelta(seconds=seconds)))
        assert stage.store.due(3, NOON + timedelta(hours=1), limit=2) == [(TEAM_ID, ids[0]), (TEAM_ID, ids[1])]

    def test_a_session_is_due_from_its_moment_on(self, stage: SessionStage) -> None:
        session_id = next(session_ids(shard=3))
        stage.store.create(due_session(session_id, NOON))
        moment = NOON + timedelta(minutes=2)
        assert stage.store.due(3, moment - timedelta(milliseconds=1), limit=10) == []
        assert stage.store.due(3, moment, limit=10) == [(TEAM_ID, session_id)]

    def test_a_session_is_due_in_its_own_shard_alone(self, stage: SessionStage) -> None:
        stage.store.create(due_session(next(session_ids(shard=3)), NOON))
        found = [len(stage.store.due(shard, NOON + timedelta(hours=1), limit=10)) for shard in range(16)]
        assert found == [0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]

    def test_a_session_at_which_nothing_is_to_be_done_is_never_due(self, stage: SessionStage) -> None:
        stage.store.create(a_session(next(session_ids(shard=3))))
        assert stage.store.due(3, datetime(2999, 1, 1, tzinfo=UTC), limit=10) == []

    def test_every_save_says_anew_when_a_session_is_due(self, stage: SessionStage) -> None:
        session_id = next(session_ids(shard=3))
        created = stage.store.create(due_session(session_id, NOON))
        later = stage.store.save(replace(created, participants=due_session(session_id, LATER).participants))
        assert stage.store.due(3, NOON + timedelta(minutes=2), limit=10) == []
        assert stage.store.due(3, LATER + timedelta(minutes=2), limit=10) == [(TEAM_ID, session_id)]
        stage.store.save(replace(later, participants=a_session().participants))
        assert stage.store.due(3, LATER + timedelta(minutes=2), limit=10) == []

    def test_what_is_pushed_back_is_due_then(self, stage: SessionStage) -> None:
        session_id = next(session_ids(shard=3))
        stage.store.create(due_session(session_id, NOON))
        stage.store.push_back(TEAM_ID, session_id, LATER)
        assert stage.store.due(3, LATER - timedelta(milliseconds=1), limit=10) == []
        assert stage.store.due(3, LATER, limit=10) == [(TEAM_ID, session_id)]

    def test_pushing_back_changes_nothing_else(self, stage: SessionStage) -> None:
        session_id = next(session_ids(shard=3))
        created = stage.store.create(due_session(session_id, NOON))
        stage.store.push_back(TEAM_ID, session_id, LATER)
        assert stage.store.get(TEAM_ID, session_id) == created
        stage.store.save(renamed(created, "The next save makes it due again"))
        assert stage.store.due(3, NOON + timedelta(minutes=2), limit=10) == [(TEAM_ID, session_id)]

    def test_an_item_that_does_not_decode_can_be_pushed_back(self, stage: SessionStage) -> None:
        poison, good = islice(session_ids(shard=3), 2)
        stage.unreadable(TEAM_ID, poison, NOON)
        stage.store.create(due_session(good, NOON))
        assert stage.store.due(3, NOON + timedelta(minutes=2), limit=1) == [(TEAM_ID, poison)]
        stage.store.push_back(TEAM_ID, poison, LATER)
        assert stage.store.due(3, NOON + timedelta(minutes=2), limit=1) == [(TEAM_ID, good)]

    def test_pushing_back_what_is_not_there_makes_nothing(self, stage: SessionStage) -> None:
        session_id = next(session_ids(shard=3))
        stage.store.push_back(TEAM_ID, session_id, NOON)
        assert stage.store.due(3, LATER, limit=10) == []
        with pytest.raises(NotFoundError):
            stage.store.get(TEAM_ID, session_id)

    def test_pushing_back_what_is_not_due_does_not_make_it_due(self, stage: SessionStage) -> None:
        session_id = next(session_ids(shard=3))
        stage.store.create(a_session(session_id))
        stage.store.push_back(TEAM_ID, session_id, NOON)
        assert stage.store.due(3, LATER, limit=10) == []

    # --- what errors tell -----------------------------------------------------------------------------------------

    def test_a_session_that_is_removed_is_gone_and_again_is_silent(self, stage: SessionStage) -> None:
        created = stage.store.create(a_session(SESSION_ID))
        stage.store.remove(created)
        stage.store.remove(created)
        with pytest.raises(NotFoundError):
            stage.store.get(TEAM_ID, SESSION_ID)

    def test_a_session_that_somebody_else_wrote_is_not_removed(self, stage: SessionStage) -> None:
        created = stage.store.create(a_session(SESSION_ID))
        newer = stage.store.save(renamed(created, "Newer"))
        with pytest.raises(ConflictError):
            stage.store.remove(created)
        assert stage.store.get(TEAM_ID, SESSION_ID) == newer

    def test_no_error_repeats_what_people_wrote(self, stage: SessionStage) -> None:
        created = stage.store.create(a_session(SESSION_ID))
        stage.store.save(created)
        with pytest.raises(ConflictError) as refused:
            stage.store.save(created)
        assert "Ada" not in "".join(traceback.format_exception(refused.value))


class EntryContract:
    """Subclasses give the fixture `entries`."""

    def test_who_entered_is_answered_the_first_first(self, entries: EntryStore) -> None:
        second = Entry(TEAM_ID, SESSION_ID, 1, NOON + timedelta(milliseconds=1))
        first = Entry(TEAM_ID, SESSION_ID, 2, NOON)
        entries.add(second)
        entries.add(first)
        assert entries.of(TEAM_ID, SESSION_ID) == [first, second]

    def test_the_same_entry_again_changes_nothing(self, entries: EntryStore) -> None:
        entry = Entry(TEAM_ID, SESSION_ID, 2, NOON)
        entries.add(entry)
        entries.add(entry)
        assert entries.of(TEAM_ID, SESSION_ID) == [entry]

    def test_somebody_who_enters_twice_is_there_twice(self, entries: EntryStore) -> None:
        entries.add(Entry(TEAM_ID, SESSION_ID, 2, NOON))
        entries.add(Entry(TEAM_ID, SESSION_ID, 2, LATER))
        assert [entry.entered_at for entry in entries.of(TEAM_ID, SESSION_ID)] == [NOON, LATER]

    def test_a_session_knows_its_own_entries_alone(self, entries: EntryStore) -> None:
        entries.add(Entry(TEAM_ID, UNKNOWN_ID, 2, NOON))
        entries.add(Entry(OTHER_TEAM_ID, SESSION_ID, 2, NOON))
        assert entries.of(TEAM_ID, SESSION_ID) == []

    def test_an_entry_is_kept_to_the_millisecond(self, entries: EntryStore) -> None:
        entries.add(Entry(TEAM_ID, SESSION_ID, 2, NOON.replace(microsecond=123_999)))
        assert entries.of(TEAM_ID, SESSION_ID)[0].entered_at == NOON.replace(microsecond=123_000)

    def test_an_entry_that_is_removed_is_gone_and_again_is_silent(self, entries: EntryStore) -> None:
        first, second = (Entry(TEAM_ID, SESSION_ID, number, NOON) for number in (1, 2))
        entries.add(first)
        entries.add(second)
        entries.remove(first)
        entries.remove(first)
        assert entries.of(TEAM_ID, SESSION_ID) == [second]
