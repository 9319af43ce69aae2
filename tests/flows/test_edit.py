"""Editing sessions and those who take part: what each request costs, keeps and refuses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain.admission import Admission, Door
from chalicelib.domain.edits import (
    CanceledError,
    EndedError,
    ParticipantEdit,
    SessionEdit,
)
from chalicelib.domain.sessions import Fee, InvalidSessionError, ParticipantWish, Role, Session
from chalicelib.flows.edit_participants import (
    Member,
    add_participant,
    find_participant,
    remove_participant,
    update_participant,
)
from chalicelib.flows.edit_session import cancel_session, update_session
from chalicelib.flows.join import join
from chalicelib.flows.summary import summary
from chalicelib.storage.codec import session_size
from chalicelib.storage.stores import NotFoundError
from tests.support.editing import GUEST, HOUR, add, ahead, cancel, paid_ahead, remove_guest, update, update_guest
from tests.support.invariants import FEE, settled_in_the_end
from tests.support.seam import NOTHING_SPENT, Spent
from tests.support.world import OTHER_TEAM_ID, TEAM_ID, World, guest, host


@pytest.fixture
def world() -> World:
    return World()


# --- what is kept, and what it costs ------------------------------------------------------------------------------


def test_an_edit_is_one_read_and_one_write(world: World) -> None:
    session = ahead(world)
    with world.seam.counted() as spent:
        edited = update(world, session, SessionEdit(name="Follow-up"))
        assert spent() == Spent(reads=1, writes=1)
    assert edited == world.session(session)
    assert edited.name == "Follow-up"
    assert edited.revision.version == 2


def test_a_change_of_a_participant_is_one_read_and_one_write(world: World) -> None:
    session = ahead(world)
    with world.seam.counted() as spent:
        edited = update_guest(world, session, ParticipantEdit(display_name="Jane", fee=Fee(9000, "aud")))
        assert spent() == Spent(reads=1, writes=1)
    assert world.participant(session) == edited
    assert (edited.display_name, edited.fee) == ("Jane", Fee(9000, "aud"))


def test_what_is_there_already_is_not_written(world: World) -> None:
    session = world.session(paid_ahead(world))
    mary = world.participant(session)
    edit = SessionEdit(session.name, session.picture, session.feature_flags, session.start_time, session.end_time)
    whole = ParticipantEdit(mary.role, mary.display_name, mary.picture, mary.state, mary.email, mary.phone, mary.fee)
    with world.seam.counted() as spent:
        assert update(world, session, edit) == session
        assert update_guest(world, session, whole) == mary
        assert spent() == Spent(reads=2)


def test_who_is_added_has_a_link_of_the_present_key_and_pays_with_it(world: World) -> None:
    session = ahead(world)
    with world.seam.counted() as spent:
        added = add(world, session, guest(Fee(5000, "aud"), "Jim"))
        assert spent() == Spent(reads=1, writes=1)
    assert (added.number, added.key_id, added.planned_id) == (3, 2, None)
    world.pay(session, number=3)
    world.deliver()
    assert world.open(session, 3).admission.door is Door.EARLY
    assert world.open(session, 2).admission.door is Door.PAY


def test_a_participant_is_found_by_their_id(world: World) -> None:
    session = ahead(world)
    found = find_participant(world.ctx, TEAM_ID, session.participant_id(1))
    assert found == Member(world.session(session), world.participant(session, 1))


def test_who_was_removed_is_found_only_when_asked_for(world: World) -> None:
    session = ahead(world)
    remove_guest(world, session)
    with pytest.raises(NotFoundError):
        find_participant(world.ctx, TEAM_ID, session.participant_id(GUEST))
    found = find_participant(world.ctx, TEAM_ID, session.participant_id(GUEST), with_removed=True)
    assert (found.participant.number, found.participant.deleted_at) == (2, world.clock())


def test_a_removed_participant_is_not_changed_and_removing_again_is_silent(world: World) -> None:
    session = ahead(world)
    removed = remove_guest(world, session)
    with pytest.raises(NotFoundError):
        update_guest(world, session, ParticipantEdit(display_name="Back"))
    with world.seam.counted() as spent:
        assert remove_guest(world, session, keep_payment=True) == removed
        assert spent() == Spent(reads=1)


def test_an_ended_or_cancelled_session_takes_nobody(world: World) -> None:
    canceled = ahead(world)
    cancel(world, canceled)
    with pytest.raises(CanceledError):
        add(world, canceled)
    with pytest.raises(CanceledError):
        update(world, canceled, SessionEdit(name="x"))
    with pytest.raises(CanceledError):
        update_guest(world, canceled, ParticipantEdit(display_name="x"))
    ended = ahead(world)
    world.clock.advance(hours=2)
    with pytest.raises(EndedError):
        add(world, ended)
    with pytest.raises(EndedError):
        update_guest(world, ended, ParticipantEdit(fee=Fee(9000, "aud")))


LONG = ParticipantWish(Role.GUEST, "x" * 255, "p" * 2048, "s" * 1000, fee=Fee(8000, "aud"))
EMOJI = "\U0001f600"


def test_what_grows_beyond_150_kilobytes_is_refused(world: World) -> None:
    session = world.schedule(*[LONG] * 39, starts_in=HOUR)
    add(world, session, LONG)
    with pytest.raises(InvalidSessionError) as refused:
        update(world, session, SessionEdit(picture=EMOJI * 2048, feature_flags=(EMOJI * 255,) * 10))
    assert [problem.field for problem in refused.value.problems] == ["participants"]
    assert refused.value.problems[0].message.endswith("at most 153600 are kept, so send shorter texts")
    with pytest.raises(InvalidSessionError):
        add(world, session, replace(LONG, picture=EMOJI * 2048))
    with pytest.raises(InvalidSessionError):
        update_guest(world, session, ParticipantEdit(picture=EMOJI * 2048))
    assert len(world.session(session).participants) == 40


def test_what_stripe_has_told_does_not_count_against_the_clinics_150_kilobytes(world: World) -> None:
    session = world.schedule(*[LONG] * 40, starts_in=HOUR)
    for number in range(1, 11):
        world.pay(session, number=number)
    world.deliver()
    assert session_size(world.session(session)) > 150 * 1024
    assert update(world, session, SessionEdit(name="Follow-up")).name == "Follow-up"


# --- other teams --------------------------------------------------------------------------------------------------

FOREIGN: dict[str, Callable[[World, Session], object]] = {
    "update a session": lambda world, one: update_session(
        world.ctx, OTHER_TEAM_ID, one.session_id, SessionEdit(name="x")
    ),
    "cancel": lambda world, one: cancel_session(world.ctx, OTHER_TEAM_ID, one.session_id),
    "summary": lambda world, one: summary(world.ctx, OTHER_TEAM_ID, one.session_id),
    "find": lambda world, one: find_participant(world.ctx, OTHER_TEAM_ID, one.participant_id(GUEST)),
    "add": lambda world, one: add_participant(world.ctx, world.other_team, one.session_id, guest()),
    "update": lambda world, one: update_participant(
        world.ctx, world.other_team, one.participant_id(GUEST), ParticipantEdit(display_name="x", fee=Fee(100, "aud"))
    ),
    "remove": lambda world, one: remove_participant(world.ctx, OTHER_TEAM_ID, one.participant_id(GUEST)),
}


@pytest.mark.parametrize("act", FOREIGN.values(), ids=FOREIGN)
def test_another_teams_session_is_unknown_and_is_not_written(
    world: World, act: Callable[[World, Session], object]
) -> None:
    session = paid_ahead(world)
    with world.seam.counted() as spent, pytest.raises(NotFoundError):
        act(world, session)
    assert spent() == Spent(reads=1)


BY_ID: list[Callable[[World, str], object]] = [
    lambda world, one: find_participant(world.ctx, TEAM_ID, one, with_removed=True),
    lambda world, one: update_participant(world.ctx, world.team, one, ParticipantEdit()),
    lambda world, one: remove_participant(world.ctx, TEAM_ID, one),
]


@pytest.mark.parametrize("participant_id", ["", "x", "0197b3c4-d5e6-7788-99aa-bbccddeeff00", "{}"])
def test_what_is_no_participants_id_costs_nothing(world: World, participant_id: str) -> None:
    for act in BY_ID:
        with world.seam.counted() as spent, pytest.raises(NotFoundError):
            act(world, participant_id)
        assert spent() == NOTHING_SPENT


def test_a_number_that_nobody_has_is_unknown(world: World) -> None:
    stranger = ahead(world).participant_id(3)
    for act in BY_ID:
        with world.seam.counted() as spent, pytest.raises(NotFoundError):
            act(world, stranger)
        assert spent() == Spent(reads=1)


# --- rescheduling -------------------------------------------------------------------------------------------------


def test_a_reschedule_after_payment_asks_for_nothing_and_lets_in_at_the_new_time(world: World) -> None:
    """calcom/cal.diy#10121: rescheduling a paid booking asked to pay again."""
    session = paid_ahead(world)
    token, day = world.token(session), timedelta(days=1)
    update(world, session, SessionEdit(start_time=session.start_time + day, end_time=session.end_time + day))
    assert world.token(session) == token
    world.clock.set(session.start_time)
    assert world.press_pay(session) == Admission(Door.EARLY, session.start_time + day)
    world.clock.set(session.start_time + day)
    assert world.press_pay(session) == Admission(Door.JOIN, session.start_time + day)
    assert len(world.checkouts()) == 1
    settled_in_the_end(world, session, owed=FEE)


def test_an_offer_stays_open_over_a_reschedule_and_is_closed_at_the_new_end(world: World) -> None:
    session = ahead(world)
    page = world.pay_page(session)
    update(world, session, SessionEdit(end_time=session.end_time - timedelta(minutes=30)))
    assert [one["url"] for one in world.open_checkouts()] == [page.url]
    settled_in_the_end(world, session, owed=0)
    assert world.open_checkouts() == []


# --- the summary --------------------------------------------------------------------------------------------------


def test_a_summary_says_who_entered_when_and_when_it_ended(world: World) -> None:
    session = world.schedule(host(), guest(), guest())
    first = world.clock()
    join(world.ctx, world.open(session, 1))
    world.clock.advance(minutes=1)
    join(world.ctx, world.open(session, 2))
    world.clock.advance(minutes=1)
    join(world.ctx, world.open(session, 1))
    ended_at = world.clock()
    update(world, session, SessionEdit(actual_end_time=ended_at))
    with world.seam.counted() as spent:
        told = summary(world.ctx, TEAM_ID, session.session_id)
        assert spent() == Spent(reads=1, queries=1)
    minute = timedelta(minutes=1)
    assert told.entries == {1: (first, first + 2 * minute), 2: (first + minute,), 3: ()}
    assert told.actual_end_time == ended_at
    assert told.session == world.session(session)


def test_a_summary_of_a_session_that_nobody_entered_is_empty(world: World) -> None:
    told = summary(world.ctx, TEAM_ID, ahead(world).session_id)
    assert (told.entries, told.actual_end_time) == ({1: (), 2: ()}, None)
