"""Edits of a session that was scheduled: what may be changed, until when, and what stays."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from chalicelib.domain.admission import Door, admit
from chalicelib.domain.edits import (
    CanceledError,
    OpenOffersError,
    ParticipantEdit,
    SessionEdit,
    StartedError,
    cancel_session,
    edit_session,
)
from chalicelib.domain.obligations import obligations
from chalicelib.domain.sessions import InvalidSessionError, Session
from tests.support.histories import (
    CANCELED,
    END,
    HOUR,
    MINUTE,
    NOON,
    SECOND,
    START,
    TEAM,
    attempts,
    folded,
    guest_of,
    noon,
    paid,
    session_of,
)

PAID = folded(*paid())
MICROSECOND = timedelta(microseconds=1)


def problems(session: Session, edit: SessionEdit, now: datetime = NOON) -> list[tuple[str, str]]:
    with pytest.raises(InvalidSessionError) as refused:
        edit_session(session, edit, now=now)
    return [(problem.field, problem.message) for problem in refused.value.problems]


# --- texts --------------------------------------------------------------------------------------------------------


def test_what_is_sent_is_changed_and_nothing_else() -> None:
    session = session_of(PAID, name="Consultation", picture="p", feature_flags=("chat",))
    assert edit_session(session, SessionEdit(name="Follow-up"), now=NOON) == replace(session, name="Follow-up")
    assert edit_session(session, SessionEdit(picture="q"), now=NOON) == replace(session, picture="q")
    flagged = edit_session(session, SessionEdit(feature_flags=("chat", "files")), now=NOON)
    assert flagged == replace(session, feature_flags=("chat", "files"))


def test_a_name_and_a_picture_may_be_taken_away_or_be_empty() -> None:
    session = session_of(name="Consultation", picture="p", feature_flags=("chat",))
    none = edit_session(session, SessionEdit(name=None, picture=None, feature_flags=()), now=NOON)
    assert (none.name, none.picture, none.feature_flags) == (None, None, ())
    assert edit_session(session, SessionEdit(name="", picture=""), now=NOON).name == ""


def test_an_edit_without_anything_changes_nothing() -> None:
    session = session_of(PAID, name="Consultation")
    assert edit_session(session, SessionEdit(), now=NOON) == session


def test_the_limits_are_those_of_scheduling_and_all_are_told_at_once() -> None:
    edit = SessionEdit("n" * 256, "p" * 2049, ("f" * 256, *["f"] * 50), END, START, NOON + HOUR)
    assert problems(session_of(), edit) == [
        ("end_time", "must be later than start_time"),
        ("session_name", "at most 255 characters; 256 were sent"),
        ("picture", "at most 2048 characters; 2049 were sent"),
        ("feature_flags", "at most 50; 51 were sent"),
        ("feature_flags[0]", "at most 255 characters; 256 were sent"),
        ("actual_end_time", "must not be in the future; report it once the consultation has ended"),
    ]


def test_the_longest_of_everything_is_taken() -> None:
    edited = edit_session(session_of(), SessionEdit("n" * 255, "p" * 2048, ("f" * 255,) * 50), now=NOON)
    assert (len(edited.name or ""), len(edited.picture or ""), len(edited.feature_flags)) == (255, 2048, 50)


def test_what_is_there_may_be_sent_again_also_when_a_limit_has_grown_tighter_since() -> None:
    session = session_of(name="n" * 300, feature_flags=("f",) * 60)
    edit = SessionEdit(name=session.name, feature_flags=session.feature_flags, start_time=START, end_time=END)
    assert edit_session(session, edit, now=NOON) == session


# --- the time -----------------------------------------------------------------------------------------------------


def test_a_reschedule_keeps_links_payments_and_all_else() -> None:
    session = session_of(PAID, name="Consultation")
    moved = edit_session(session, SessionEdit(start_time=START + 24 * HOUR, end_time=END + 24 * HOUR), now=NOON)
    assert moved == replace(session, start_time=START + 24 * HOUR, end_time=END + 24 * HOUR)


def test_who_paid_is_admitted_at_the_new_time_and_owes_nothing_more() -> None:
    """calcom/cal.diy#10121: rescheduling a paid booking asked to pay again."""
    moved = edit_session(session_of(PAID), SessionEdit(start_time=START + HOUR, end_time=END + HOUR), now=NOON)
    assert admit(moved, guest_of(moved), TEAM, START).door is Door.EARLY
    assert admit(moved, guest_of(moved), TEAM, START + HOUR).door is Door.JOIN
    assert list(obligations(moved)) == []


@pytest.mark.parametrize(
    ("edit", "start", "end"),
    [
        (SessionEdit(start_time=START + MINUTE), START + MINUTE, END),
        (SessionEdit(end_time=END + MINUTE), START, END + MINUTE),
    ],
)
def test_one_end_of_the_time_can_be_moved_alone(edit: SessionEdit, start: datetime, end: datetime) -> None:
    edited = edit_session(session_of(), edit, now=NOON)
    assert (edited.start_time, edited.end_time) == (start, end)


WINDOWS = [
    (SessionEdit(start_time=END), START, ("end_time", "must be later than start_time")),
    (SessionEdit(end_time=START), NOON, ("end_time", "must be later than start_time")),
    (
        SessionEdit(end_time=START + 24 * HOUR + SECOND),
        START,
        ("end_time", "must be at most 24 hours after start_time"),
    ),
    (
        SessionEdit(end_time=noon(plus=125)),
        noon(plus=125),
        ("end_time", "must be in the future; it is now 2026-03-02T14:05:00Z"),
    ),
    (
        SessionEdit(start_time=NOON + timedelta(days=548, seconds=1), end_time=NOON + timedelta(days=548, hours=1)),
        NOON,
        ("start_time", "must be at most 18 months ahead, so not after 2027-09-01T12:00:00Z"),
    ),
]


@pytest.mark.parametrize(("edit", "now", "wrong"), WINDOWS)
def test_a_time_that_cannot_be_is_refused(edit: SessionEdit, now: datetime, wrong: tuple[str, str]) -> None:
    assert problems(session_of(), edit, now) == [wrong]


def test_a_running_session_can_be_made_longer_until_the_last_moment() -> None:
    edit = SessionEdit(end_time=END + HOUR)
    assert edit_session(session_of(), edit, now=END - MICROSECOND).end_time == END + HOUR


def test_a_session_that_is_over_can_be_moved_ahead_but_not_within_the_past() -> None:
    """Whoever missed it has paid, and comes another day."""
    moved = edit_session(session_of(PAID), SessionEdit(start_time=START + HOUR, end_time=END + HOUR), now=END + MINUTE)
    assert admit(moved, guest_of(moved), TEAM, START + HOUR).door is Door.JOIN
    assert problems(session_of(), SessionEdit(end_time=END + SECOND), END + SECOND) == [
        ("end_time", "must be in the future; it is now 2026-03-02T14:30:01Z")
    ]


def test_the_texts_of_a_session_that_is_over_can_be_changed() -> None:
    same = SessionEdit(name="Seen", start_time=START, end_time=END)
    assert edit_session(session_of(), same, now=END + 24 * HOUR).name == "Seen"


@pytest.mark.parametrize("microsecond", [0, 1, 999, 1000, 123456, 999999])
def test_a_time_sent_as_it_was_answered_is_no_other_time(microsecond: int) -> None:
    """Answers are cut to milliseconds or, in RFC 1123, to seconds."""
    start, end = START.replace(microsecond=microsecond), END.replace(microsecond=microsecond)
    session = session_of(start_time=start, end_time=end, actual_end_time=end)
    milliseconds = microsecond // 1000 * 1000
    for cut in (0, milliseconds, microsecond):
        moment = END.replace(microsecond=cut)
        edit = SessionEdit(start_time=START.replace(microsecond=cut), end_time=moment, actual_end_time=moment)
        assert edit_session(session, edit, now=END + HOUR) == session


def test_a_time_that_is_another_by_a_millisecond_is_another() -> None:
    session = session_of(start_time=START.replace(microsecond=500_000))
    sooner = START.replace(microsecond=499_000)
    assert edit_session(session, SessionEdit(start_time=sooner), now=NOON).start_time == sooner


# --- the actual end -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ended_at", [NOON, START, END, END + HOUR + 5 * MINUTE])
def test_an_actual_end_is_kept_as_reported_and_closes_no_door(ended_at: datetime) -> None:
    session = session_of(PAID)
    edited = edit_session(session, SessionEdit(actual_end_time=ended_at), now=END + HOUR)
    assert edited == replace(session, actual_end_time=ended_at)
    assert admit(edited, guest_of(edited), TEAM, START).door is Door.JOIN


def test_an_actual_end_can_be_corrected() -> None:
    session = session_of(actual_end_time=END)
    assert edit_session(session, SessionEdit(actual_end_time=START), now=END).actual_end_time == START


def test_an_actual_end_that_cannot_be_is_refused() -> None:
    late = SessionEdit(actual_end_time=END + 5 * MINUTE + MICROSECOND)
    assert problems(session_of(), late, END) == [
        ("actual_end_time", "must not be in the future; report it once the consultation has ended")
    ]
    assert problems(session_of(), SessionEdit(actual_end_time=NOON - SECOND), END) == [
        ("actual_end_time", "must not be earlier than the scheduling of the session")
    ]


# --- cancelling ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("edit", [SessionEdit(), SessionEdit(name="x"), SessionEdit(end_time=END + HOUR)])
def test_a_cancelled_session_is_not_edited(edit: SessionEdit) -> None:
    with pytest.raises(CanceledError):
        edit_session(session_of(**CANCELED), edit, now=noon(plus=61))


@pytest.mark.parametrize("keep", [False, True])
def test_a_session_is_cancelled_until_it_starts(*, keep: bool) -> None:
    session, now = session_of(PAID), START - MICROSECOND
    canceled = cancel_session(session, now=now, keep_payments=keep)
    assert canceled == replace(session, canceled_at=now, keeps_payments=keep)


def test_a_cancellation_that_says_nothing_of_payments_gives_them_back() -> None:
    assert not cancel_session(session_of(), now=NOON).keeps_payments


@pytest.mark.parametrize("now", [START, END - SECOND, END, END + 24 * HOUR])
def test_a_session_that_has_started_or_is_over_is_not_cancelled(now: datetime) -> None:
    with pytest.raises(StartedError):
        cancel_session(session_of(), now=now)


@pytest.mark.parametrize("now", [noon(plus=61), START, END])
def test_cancelling_again_changes_nothing_at_any_time(now: datetime) -> None:
    canceled = session_of(**CANCELED)
    assert cancel_session(canceled, now=now, keep_payments=True) == canceled


def test_an_edit_shows_no_address_and_no_number() -> None:
    shown = repr(ParticipantEdit(email="mary@example.com", phone="+61 1"))
    assert "mary" not in shown
    assert "+61" not in shown


def test_offers_that_must_be_closed_first_are_counted() -> None:
    assert str(OpenOffersError(attempts(2))) == "2 offer(s) to pay may still be taken"
