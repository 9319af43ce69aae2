"""Edits beside other edits: by version, field by field, and once however often they are asked for."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from chalicelib.domain.edits import (
    ParticipantEdit,
    SessionEdit,
)
from chalicelib.domain.sessions import Participant, Session
from chalicelib.flows.edit_participants import (
    add_participant,
    adding,
    remove_participant,
)
from chalicelib.flows.idempotent import IdempotencyScope, once
from chalicelib.flows.preconditions import PreconditionFailedError
from tests.support.crashes import Act, die, every_crash
from tests.support.editing import add, ahead, cancel, remove_guest, update, update_guest
from tests.support.interleaving import Ended, Judge, Race, every_order
from tests.support.seam import Seam, Spent
from tests.support.world import TEAM_ID, World, guest, host


@pytest.fixture
def world() -> World:
    return World()


# --- versions -----------------------------------------------------------------------------------------------------

CONDITIONAL: dict[str, Callable[[World, Session, int], object]] = {
    "update a session": lambda world, one, version: update(world, one, SessionEdit(name="x"), version),
    "change nothing": lambda world, one, version: update(world, one, SessionEdit(), version),
    "cancel": lambda world, one, version: cancel(world, one, if_version=version),
    "add": lambda world, one, version: add_participant(
        world.ctx, world.team, one.session_id, guest(), if_version=version
    ),
    "update": lambda world, one, version: update_guest(world, one, ParticipantEdit(display_name="x"), version),
    "remove": lambda world, one, version: remove_guest(world, one, if_version=version),
}


@pytest.mark.parametrize("act", CONDITIONAL.values(), ids=CONDITIONAL)
def test_a_change_for_an_older_version_is_refused_and_for_the_present_one_made(
    world: World, act: Callable[[World, Session, int], object]
) -> None:
    session = ahead(world)
    update(world, session, SessionEdit(picture="p"))
    for stale in (1, 3, 0):
        with world.seam.counted() as spent, pytest.raises(PreconditionFailedError):
            act(world, session, stale)
        assert spent() == Spent(reads=1)
    act(world, session, 2)


def _race(world: World, *flows: Callable[[], object]) -> Race:
    return Race(world.seam, flows)


def test_of_two_edits_for_one_version_one_is_made() -> None:
    def prepare() -> tuple[Race, Judge]:
        world = World()
        session = ahead(world)
        edits = [SessionEdit(name="One"), SessionEdit(name="Two")]

        def judge(ended: list[Ended]) -> None:
            assert sorted(type(one.error).__name__ for one in ended) == ["NoneType", "PreconditionFailedError"]
            made = next(one.result for one in ended if one.error is None)
            assert world.session(session) == made

        return _race(world, *[lambda edit=edit: update(world, session, edit, 1) for edit in edits]), judge

    assert every_order(prepare) == 6


def test_two_edits_of_different_fields_both_survive() -> None:
    def prepare() -> tuple[Race, Judge]:
        world = World()
        session = ahead(world)

        def judge(ended: list[Ended]) -> None:
            assert [one.error for one in ended] == [None, None, None]
            stored = world.session(session)
            assert (stored.name, stored.picture) == ("One", "p")
            assert world.participant(session).state == "ready"

        flows = (
            lambda: update(world, session, SessionEdit(name="One")),
            lambda: update(world, session, SessionEdit(picture="p")),
            lambda: update_guest(world, session, ParticipantEdit(state="ready")),
        )
        return _race(world, *flows), judge

    assert every_order(prepare) >= 90


def test_two_who_are_added_at_once_get_two_numbers() -> None:
    def prepare() -> tuple[Race, Judge]:
        world = World()
        session = ahead(world)

        def judge(ended: list[Ended]) -> None:
            added = [one.result for one in ended]
            assert sorted(one.number for one in added if isinstance(one, Participant)) == [3, 4]
            assert sorted(one.display_name or "" for one in world.session(session).participants[2:]) == ["A", "B"]

        flows = [lambda name=name: add(world, session, guest(name=name)) for name in ("A", "B")]
        return _race(world, *flows), judge

    assert every_order(prepare) >= 6


# --- once ---------------------------------------------------------------------------------------------------------


def _add_once(world: World, session: Session, key: str = "k") -> tuple[Participant, bool]:
    scope = IdempotencyScope("client-1", f"POST /v1/sessions/{session.session_id}/participants", key)
    done = once(world.ctx, scope, b"{}", adding(world.ctx, world.team, session.session_id, guest(name="Jim")))
    return done.result.participant, done.replayed


def test_who_is_added_with_a_key_is_added_once(world: World) -> None:
    session = ahead(world)
    added, replayed = _add_once(world, session)
    assert (added.number, replayed) == (3, False)
    add(world, session, host("Somebody else"))
    assert _add_once(world, session) == (added, True)
    assert _add_once(world, session, "other")[0].number == 5


def test_one_planned_id_adds_one_participant_however_often_it_is_used(world: World) -> None:
    """Whoever took a request over while the first was still at it, though thought dead."""
    session = ahead(world)
    first, again = [
        add_participant(world.ctx, world.team, session.session_id, guest(), planned_id="plan-1") for _ in range(2)
    ]
    assert again == first
    assert [one.planned_id for one in world.session(session).participants] == [None, None, "plan-1"]


def test_a_replay_answers_one_who_was_removed_since(world: World) -> None:
    session = ahead(world)
    _add_once(world, session)
    remove_participant(world.ctx, TEAM_ID, session.participant_id(3))
    again, replayed = _add_once(world, session)
    assert (again.number, again.deleted_at, replayed) == (3, world.clock(), True)


def test_who_is_added_with_a_key_is_added_once_wherever_the_process_died() -> None:
    def story() -> tuple[World, Session]:
        world = World()
        return world, ahead(world)

    def prepare() -> tuple[Seam, Act]:
        world, session = story()
        return world.seam, partial(_add_once, world, session)

    for crash in every_crash(prepare):
        world, session = story()
        die(world.seam, partial(_add_once, world, session), crash)
        world.clock.advance(minutes=1)
        assert _add_once(world, session)[0].number == 3, f"died {crash}"
        assert len(world.session(session).participants) == 3
