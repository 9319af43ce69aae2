"""What every store of idempotency records promises, in sentences."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Protocol

import pytest

from chalicelib.storage.stores import Begun, ConflictError, IdempotencyRecord, IdempotencyStore
from tests.storage.samples import NOON

SECOND = timedelta(seconds=1)
DAY = timedelta(hours=24)
RECORD = IdempotencyRecord(
    record_key="client-1#" + "a" * 64,
    body_hash="b" * 64,
    planned_id="0197b3c4-d5e6-7788-99aa-bbccddeeff00",
    lease_until=NOON + timedelta(seconds=30),
    created_at=NOON,
    expires_at=NOON + DAY,
)
OTHER = replace(RECORD, body_hash="c" * 64, planned_id="0197b3c4-d5e6-7788-99aa-bbccddeeaa00")


class IdempotencyStage(Protocol):
    @property
    def store(self) -> IdempotencyStore: ...

    def lose_next_response(self, between: Callable[[], object]) -> None: ...

    def removed(self, record_key: str) -> None: ...


def without_write_id(begun: Begun) -> IdempotencyRecord:
    return replace(begun.record, write_id="")


class IdempotencyContract:
    """Subclasses give the fixture `stage`."""

    def test_the_first_to_begin_is_told_so(self, stage: IdempotencyStage) -> None:
        begun = stage.store.begin(RECORD, NOON)
        assert begun.is_new is True
        assert without_write_id(begun) == RECORD

    def test_the_second_gets_the_record_of_the_first_whole(self, stage: IdempotencyStage) -> None:
        first = stage.store.begin(RECORD, NOON)
        assert stage.store.begin(OTHER, NOON) == Begun(first.record, is_new=False)

    def test_another_key_has_a_record_of_its_own(self, stage: IdempotencyStage) -> None:
        stage.store.begin(RECORD, NOON)
        assert stage.store.begin(replace(OTHER, record_key="client-2#" + "a" * 64), NOON).is_new is True

    def test_a_record_stands_until_it_expires_and_no_longer(self, stage: IdempotencyStage) -> None:
        stage.store.begin(RECORD, NOON)
        assert stage.store.begin(OTHER, NOON + DAY - SECOND).is_new is False
        begun = stage.store.begin(OTHER, NOON + DAY)
        assert begun.is_new is True
        assert without_write_id(begun) == OTHER

    def test_a_record_is_replaced_as_it_was_begun(self, stage: IdempotencyStage) -> None:
        begun = stage.store.begin(RECORD, NOON)
        saved = stage.store.save(begun.record, replace(begun.record, lease_until=NOON + DAY))
        assert saved.lease_until == NOON + DAY
        assert stage.store.begin(OTHER, NOON) == Begun(saved, is_new=False)

    def test_a_record_is_replaced_as_it_was_read(self, stage: IdempotencyStage) -> None:
        stage.store.begin(RECORD, NOON)
        read = stage.store.begin(OTHER, NOON).record
        assert stage.store.save(read, replace(read, expires_at=NOON)).expires_at == NOON

    def test_of_two_who_read_the_same_the_second_loses(self, stage: IdempotencyStage) -> None:
        begun = stage.store.begin(RECORD, NOON)
        won = stage.store.save(begun.record, replace(begun.record, lease_until=NOON + SECOND))
        with pytest.raises(ConflictError):
            stage.store.save(begun.record, replace(begun.record, lease_until=NOON + 2 * SECOND))
        assert stage.store.begin(OTHER, NOON).record == won

    def test_a_record_that_expires_at_once_frees_its_key(self, stage: IdempotencyStage) -> None:
        begun = stage.store.begin(RECORD, NOON)
        stage.store.save(begun.record, replace(begun.record, expires_at=NOON))
        assert stage.store.begin(OTHER, NOON).is_new is True

    def test_who_lost_the_key_to_another_can_no_longer_save(self, stage: IdempotencyStage) -> None:
        begun = stage.store.begin(RECORD, NOON)
        stage.store.begin(OTHER, NOON + DAY)
        with pytest.raises(ConflictError):
            stage.store.save(begun.record, replace(begun.record, expires_at=NOON))

    def test_what_is_not_there_cannot_be_replaced(self, stage: IdempotencyStage) -> None:
        with pytest.raises(ConflictError):
            stage.store.save(RECORD, OTHER)
        assert stage.store.begin(OTHER, NOON).is_new is True

    def test_a_begin_whose_answer_was_lost_is_recognised(self, stage: IdempotencyStage) -> None:
        stage.lose_next_response(lambda: None)
        begun = stage.store.begin(RECORD, NOON)
        assert begun.is_new is True
        assert stage.store.begin(OTHER, NOON) == Begun(begun.record, is_new=False)

    def test_a_save_whose_answer_was_lost_is_recognised(self, stage: IdempotencyStage) -> None:
        begun = stage.store.begin(RECORD, NOON)
        stage.lose_next_response(lambda: None)
        saved = stage.store.save(begun.record, replace(begun.record, lease_until=NOON + SECOND))
        assert stage.store.begin(OTHER, NOON).record == saved

    def test_what_was_in_the_way_and_is_gone_is_a_conflict(self, stage: IdempotencyStage) -> None:
        """It expires as it is looked at. Nobody knows whose it was, so nothing is claimed."""
        begun = stage.store.begin(RECORD, NOON)

        def another_takes_it_and_it_is_removed() -> None:
            stage.removed(RECORD.record_key)

        stage.lose_next_response(another_takes_it_and_it_is_removed)
        with pytest.raises(ConflictError):
            stage.store.save(begun.record, replace(begun.record, lease_until=NOON + SECOND))

    def test_no_error_repeats_the_key(self, stage: IdempotencyStage) -> None:
        with pytest.raises(ConflictError) as refused:
            stage.store.save(RECORD, OTHER)
        assert str(refused.value) == "the idempotency record was written by somebody else"
