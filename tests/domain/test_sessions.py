"""Sessions: what may be scheduled, and what every change keeps."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from chalicelib.domain.sessions import (
    Fee,
    FeeNotPossibleError,
    InvalidSessionError,
    Participant,
    ParticipantWish,
    Problem,
    Role,
    Session,
    SessionWish,
    schedule,
)
from chalicelib.domain.teams import PayeeAccount, Team
from tests.support.histories import (
    END,
    FEE,
    HOUR,
    NOON,
    SECOND,
    START,
    TEAM,
)

SESSION_ID = "0197b3c4-d5e6-7788-99aa-bbccddeeff00"


def wish(*participants: ParticipantWish, **changes: Any) -> SessionWish:
    return replace(SessionWish(START, END, participants=participants), **changes)


def asked(**changes: Any) -> ParticipantWish:
    return replace(ParticipantWish(), **changes)


def scheduled(wanted: SessionWish, team: Team = TEAM) -> Session:
    return schedule(wanted, team, client_id="client-1", session_id=SESSION_ID, key_id=7, now=NOON)


def problems(wanted: SessionWish, team: Team = TEAM) -> list[tuple[str, str]]:
    with pytest.raises(InvalidSessionError) as refused:
        scheduled(wanted, team)
    return [(problem.field, problem.message) for problem in refused.value.problems]


# --- scheduling ---------------------------------------------------------------------------------------------------


def test_a_session_holds_what_was_asked_for() -> None:
    host = ParticipantWish(Role.HOST, "Dr Who", "https://p.example/1", "ready", "who@example.com", "+61 1")
    session = scheduled(wish(host, name="Consultation", picture="p", feature_flags=("chat",)))
    assert session == Session(
        team_id="team-1",
        session_id=SESSION_ID,
        client_id="client-1",
        start_time=START,
        end_time=END,
        created_at=NOON,
        name="Consultation",
        picture="p",
        feature_flags=("chat",),
        participants=(
            Participant(
                1,
                Role.HOST,
                NOON,
                key_id=7,
                display_name="Dr Who",
                picture="https://p.example/1",
                state="ready",
                email="who@example.com",
                phone="+61 1",
            ),
        ),
    )


def test_participants_are_numbered_from_1_in_the_order_asked_for() -> None:
    session = scheduled(wish(ParticipantWish(Role.HOST), ParticipantWish(fee=FEE), ParticipantWish(Role.PARTICIPANT)))
    assert [(one.number, one.role) for one in session.participants] == [
        (1, Role.HOST),
        (2, Role.GUEST),
        (3, Role.PARTICIPANT),
    ]
    assert session.participant(2) == session.participants[1]
    assert session.participant(4) is None
    assert session.participant_id(2) == "0197b3c4-d5e6-7788-99aa-bbccddeeff02"
    assert [one.is_host for one in session.participants] == [True, False, False]


def test_nobody_needs_to_be_asked_for() -> None:
    assert scheduled(wish()).participants == ()


def test_a_participant_who_is_a_guest_by_another_name_carries_a_fee() -> None:
    session = scheduled(wish(ParticipantWish(Role.PARTICIPANT, fee=FEE)))
    assert session.participants[0].fee == FEE


def test_a_host_carries_no_fee() -> None:
    assert problems(wish(ParticipantWish(Role.HOST, fee=FEE))) == [
        ("participants[0].fee", "a HOST carries no fee; attach it to a GUEST")
    ]


WINDOWS: list[tuple[datetime, datetime, list[tuple[str, str]]]] = [
    (START, START, [("end_time", "must be later than start_time")]),
    (START, START - SECOND, [("end_time", "must be later than start_time")]),
    (START, START + 24 * HOUR + SECOND, [("end_time", "must be at most 24 hours after start_time")]),
    (NOON - HOUR, NOON, [("end_time", "must be in the future; it is now 2026-03-02T12:00:00Z")]),
    (
        NOON,
        NOON - HOUR,
        [
            ("end_time", "must be later than start_time"),
            ("end_time", "must be in the future; it is now 2026-03-02T12:00:00Z"),
        ],
    ),
    (
        NOON + timedelta(days=548, seconds=1),
        NOON + timedelta(days=548, hours=1),
        [("start_time", "must be at most 18 months ahead, so not after 2027-09-01T12:00:00Z")],
    ),
]


@pytest.mark.parametrize(("start", "end", "wrong"), WINDOWS)
def test_a_window_that_cannot_be_is_refused(start: datetime, end: datetime, wrong: list[tuple[str, str]]) -> None:
    assert problems(wish(start_time=start, end_time=end)) == wrong


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (NOON - SECOND, NOON + SECOND),  # clients start "now", cut to the second
        (START, START + SECOND),
        (START, START + 24 * HOUR),
        (NOON + timedelta(days=548), NOON + timedelta(days=548, hours=1)),
    ],
)
def test_the_widest_and_narrowest_windows_are_taken(start: datetime, end: datetime) -> None:
    session = scheduled(wish(start_time=start, end_time=end))
    assert (session.start_time, session.end_time) == (start, end)


LONG: list[tuple[SessionWish, str, str]] = [
    (wish(name="n" * 256), "session_name", "at most 255 characters; 256 were sent"),
    (wish(picture="p" * 2049), "picture", "at most 2048 characters; 2049 were sent"),
    (wish(feature_flags=("f",) * 51), "feature_flags", "at most 50; 51 were sent"),
    (wish(feature_flags=("f", "f" * 256)), "feature_flags[1]", "at most 255 characters; 256 were sent"),
    (wish(*[ParticipantWish()] * 51), "participants", "at most 50; 51 were sent"),
    *(
        (
            wish(ParticipantWish(), asked(**{name: "x" * (limit + 1)})),
            f"participants[1].{name}",
            f"at most {limit} characters; {limit + 1} were sent",
        )
        for name, limit in [
            ("display_name", 255),
            ("picture", 2048),
            ("state", 1024),
            ("email", 255),
            ("phone", 255),
        ]
    ),
    (
        wish(ParticipantWish(fee=replace(FEE, description="d" * 256))),
        "participants[0].fee.description",
        "at most 255 characters; 256 were sent",
    ),
]


@pytest.mark.parametrize(("wanted", "field", "message"), LONG, ids=[field for _, field, _ in LONG])
def test_what_is_too_long_is_refused_with_its_limit(wanted: SessionWish, field: str, message: str) -> None:
    assert problems(wanted) == [(field, message)]


def test_the_longest_of_everything_is_taken() -> None:
    longest = ParticipantWish(
        Role.GUEST, "x" * 255, "p" * 2048, "s" * 1024, "e" * 255, "t" * 255, replace(FEE, description="d" * 255)
    )
    session = scheduled(wish(*[longest] * 50, name="n" * 255, picture="p" * 2048, feature_flags=("f" * 255,) * 50))
    assert len(session.participants) == 50


FEES: list[tuple[Fee, str, str]] = [
    (Fee(99, "aud"), "amount", "the fee is 0.99 AUD; the least that can be charged is 1.00 AUD"),
    (Fee(0, "aud"), "amount", "the fee is 0.00 AUD; the least that can be charged is 1.00 AUD"),
    (Fee(-8000, "aud"), "amount", "the fee is -80.00 AUD; the least that can be charged is 1.00 AUD"),
    (Fee(10, "jpy"), "amount", "the fee is 10 JPY; the least that can be charged is 50 JPY"),
    (Fee(100_000_000, "aud"), "amount", "the fee is 1000000.00 AUD; the most that can be charged is 999999.99 AUD"),
    (
        Fee(8000, "xyz"),
        "currency",
        'xyz is not a currency we can charge; send a lower-case ISO 4217 code such as "aud"',
    ),
    (Fee(8000, "nzd"), "currency", "is not one this clinic takes; send one of: aud, jpy"),
    (Fee(8000, "aud", payee="acct_9"), "payee", "is not one of the team's connected Stripe accounts"),
]


@pytest.mark.parametrize(("fee", "field", "message"), FEES, ids=[f"{fee.amount} {fee.currency}" for fee, _, _ in FEES])
def test_a_fee_that_cannot_be_charged_is_refused_with_what_can(fee: Fee, field: str, message: str) -> None:
    team = replace(TEAM, more_currencies=("jpy",))
    assert problems(wish(ParticipantWish(), ParticipantWish(fee=fee)), team) == [
        (f"participants[1].fee.{field}", message)
    ]


@pytest.mark.parametrize("fee", [Fee(100, "aud"), Fee(99_999_999, "aud"), Fee(8000, "aud", "Follow-up", "acct_1")])
def test_the_least_and_the_greatest_fee_are_taken(fee: Fee) -> None:
    team = replace(TEAM, accounts=(PayeeAccount("acct_1"),))
    assert scheduled(wish(ParticipantWish(fee=fee)), team).participants[0].fee == fee


def test_every_problem_is_told_at_once() -> None:
    wrong = wish(
        ParticipantWish(Role.HOST, "x" * 256, fee=Fee(1, "aud", "d" * 256, "acct_9")),
        ParticipantWish(fee=Fee(8000, "usdollar")),
        start_time=END,
        end_time=START,
        name="n" * 256,
    )
    assert [field for field, _ in problems(wrong)] == [
        "end_time",
        "session_name",
        "participants[0].display_name",
        "participants[0].fee.description",
        "participants[0].fee",
        "participants[0].fee.payee",
        "participants[0].fee.amount",
        "participants[1].fee.currency",
    ]


def test_the_message_of_the_refusal_repeats_nothing_that_was_sent() -> None:
    refusal = InvalidSessionError((Problem("session_name", "Mary"), Problem("picture", "Smith")))
    assert str(refusal) == "2 problem(s) with the session"


@pytest.mark.parametrize(
    "team",
    [
        replace(TEAM, accounts=()),
        replace(TEAM, accounts=(PayeeAccount(None, charges_enabled=False),)),
        replace(TEAM, suspended=True),
    ],
    ids=["no account", "cannot charge", "suspended"],
)
def test_a_fee_is_never_dropped_because_the_clinic_cannot_charge(team: Team) -> None:
    with pytest.raises(FeeNotPossibleError):
        scheduled(wish(ParticipantWish(), ParticipantWish(fee=FEE)), team)
    assert scheduled(wish(ParticipantWish()), team).participants[0].fee is None


def test_a_fee_is_not_possible_when_the_account_it_names_cannot_charge() -> None:
    unable = PayeeAccount("acct_2", charges_enabled=False, is_default=False)
    team = replace(TEAM, accounts=(PayeeAccount("acct_1"), unable))
    with pytest.raises(FeeNotPossibleError):
        scheduled(wish(ParticipantWish(fee=replace(FEE, payee="acct_2"))), team)
