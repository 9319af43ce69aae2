"""Schedule a session and read it again: the shape, the times, the links, and the quirks that clients rely on."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.ids import split_participant_id
from chalicelib.domain.teams import Plan
from tests.support.clinic import Clinic, fingerprint, path_of
from tests.support.edge import Edge
from tests.support.world import NOON, World, settings_of

RFC_START = "Mon, 02 Mar 2026 12:00:00 GMT"
RFC_END = "Mon, 02 Mar 2026 12:30:00 GMT"
ISO_START = "2026-03-02T12:00:00.000Z"
ISO_END = "2026-03-02T12:30:00.000Z"

SESSION_FIELDS = {
    "session_id",
    "team_id",
    "client_id",
    "session_name",
    "start_time",
    "end_time",
    "picture",
    "feature_flags",
    "canceled_at",
    "canceled_time",
    "actual_end_time",
    "participants",
}
PARTICIPANT_FIELDS = {
    "participant_id",
    "session_id",
    "client_id",
    "display_name",
    "role",
    "picture",
    "state",
    "email",
    "phone",
    "entry_url",
    "created",
    "deleted_at",
    "fee",
    "payment",
}
PAYMENT_FIELDS = {
    "charges",
    "status",
    "amount_paid",
    "amount_refunded",
    "currency",
    "paid_at",
    "receipt_url",
    "attention",
    "may_settle_late",
}


# --- the shape ----------------------------------------------------------------------------------------------------


def test_the_least_session_has_every_field_null_where_empty(clinic: Clinic) -> None:
    reply = clinic.post(f'{{"start_time": "{ISO_START}", "end_time": "{ISO_END}"}}')
    assert reply.status == 200
    session = reply.json()
    session_id = session.pop("session_id")
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{10}00", session_id)
    assert session == {
        "team_id": clinic.team.team_id,
        "client_id": clinic.client_id,
        "session_name": None,
        "start_time": ISO_START,
        "end_time": ISO_END,
        "picture": None,
        "feature_flags": [],
        "canceled_at": None,
        "canceled_time": None,
        "actual_end_time": None,
        "participants": [],
    }


def test_the_least_participant_is_a_guest_who_owes_nothing(clinic: Clinic) -> None:
    session = clinic.schedule({}).json()
    [participant] = session["participants"]
    entry_url = participant.pop("entry_url")
    assert re.fullmatch(r"https://anteroom\.example/session/[A-Za-z0-9_-]{68}", entry_url)
    assert participant == {
        "participant_id": f"{session['session_id'][:-2]}01",
        "session_id": session["session_id"],
        "client_id": clinic.client_id,
        "display_name": None,
        "role": "GUEST",
        "picture": None,
        "state": None,
        "email": None,
        "phone": None,
        "created": ISO_START,
        "deleted_at": None,
        "fee": None,
        "payment": {
            "status": "not_required",
            "amount_paid": 0,
            "amount_refunded": 0,
            "currency": None,
            "paid_at": None,
            "receipt_url": None,
            "attention": None,
            "charges": [],
            "may_settle_late": False,
        },
    }


def test_everything_that_was_sent_is_kept_and_returned(clinic: Clinic) -> None:
    sent: dict[str, Any] = {
        "display_name": "Zo\u00eb \U0001f600 O\u2019Brien",
        "role": "GUEST",
        "picture": "not a URL",
        "state": '{"opaque": true}',
        "email": "zoe@example.com",
        "phone": "+61 400 000 000",
        "fee": {"amount": 8000, "currency": "aud", "description": "First visit", "payee": None},
    }
    fields = {
        "session_name": "Erstgespr\u00e4ch",
        "picture": "https://clinic.example/p.png",
        "feature_flags": ["a", ""],
    }
    session = clinic.schedule(sent, **fields).json()
    assert {name: session[name] for name in fields} == fields
    [participant] = session["participants"]
    assert {name: participant[name] for name in sent} == sent
    assert participant["payment"]["status"] == "unpaid"
    assert participant["payment"]["currency"] == "aud"


def test_reading_gives_what_creating_gave(clinic: Clinic) -> None:
    created = clinic.schedule({"role": "HOST"}, {"fee": {"amount": 8000, "currency": "aud"}}).json()
    reply = clinic.read(created["session_id"])
    assert reply.status == 200
    assert reply.json() == created


def test_every_field_is_there_whatever_was_left_out(clinic: Clinic) -> None:
    for participant in ({}, {"fee": None}, {"role": None, "display_name": None, "picture": None, "state": None}):
        session = clinic.schedule(participant, session_name=None, picture=None, feature_flags=None).json()
        assert set(session) == SESSION_FIELDS
        assert set(session["participants"][0]) == PARTICIPANT_FIELDS
        assert set(session["participants"][0]["payment"]) == PAYMENT_FIELDS


def test_answers_that_hold_links_are_not_to_be_stored_by_anybody(clinic: Clinic) -> None:
    reply = clinic.schedule({})
    assert reply.headers["cache-control"] == "no-store"
    assert reply.headers["content-type"] == "application/json"
    session_id = reply.json()["session_id"]
    assert reply.headers["location"] == f"https://anteroom.example/v1/sessions/{session_id}"
    assert clinic.read(session_id).headers["cache-control"] == "no-store"


def test_a_session_is_one_write_and_reading_it_writes_nothing(clinic: Clinic) -> None:
    session_id = clinic.schedule({}).json()["session_id"]
    world = clinic.edge.world
    assert world.sessions.get(clinic.team.team_id, session_id).revision.version == 1
    before = fingerprint(world)
    assert clinic.read(session_id).status == 200
    assert fingerprint(world) == before


# --- times --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start_time", "end_time", "start_out", "end_out"),
    [
        (RFC_START, RFC_END, RFC_START, RFC_END),
        ("2026-03-02T12:00:00Z", "2026-03-02T12:30:00Z", ISO_START, ISO_END),
        ("2026-03-02T12:00:00.000Z", "2026-03-02T12:30:00.000Z", ISO_START, ISO_END),
        ("2026-03-02T21:30:00+09:30", "2026-03-02T07:30:00-05:00", ISO_START, ISO_END),
        (RFC_START, "2026-03-02T12:30:00Z", ISO_START, ISO_END),
        ("2026-03-02T12:00:00Z", RFC_END, ISO_START, ISO_END),
    ],
)
def test_times_come_out_in_the_form_they_came_in_and_mixed_ones_in_iso(
    clinic: Clinic, start_time: str, end_time: str, start_out: str, end_out: str
) -> None:
    session = clinic.schedule({}, start_time=start_time, end_time=end_time).json()
    assert (session["start_time"], session["end_time"]) == (start_out, end_out)
    assert session["participants"][0]["created"] == start_out


def test_a_request_without_times_of_its_own_is_answered_in_iso(clinic: Clinic) -> None:
    session_id = clinic.schedule(start_time=RFC_START, end_time=RFC_END).json()["session_id"]
    assert clinic.read(session_id).json()["start_time"] == ISO_START


def test_a_session_may_start_now_cut_to_the_second(clinic: Clinic) -> None:
    clinic.edge.world.clock.advance(milliseconds=987)
    assert clinic.schedule(start_time=RFC_START, end_time=RFC_END).status == 200


def test_a_session_may_have_begun_already(clinic: Clinic) -> None:
    assert clinic.schedule(start_time="2026-03-01T13:00:00Z", end_time="2026-03-02T12:00:01Z").status == 200


@pytest.mark.parametrize(
    ("lasts", "status"),
    [(timedelta(seconds=1), 200), (timedelta(hours=24), 200), (timedelta(hours=24, seconds=1), 422)],
)
def test_a_session_lasts_24_hours_at_most(clinic: Clinic, lasts: timedelta, status: int) -> None:
    assert clinic.schedule(end_time=(NOON + lasts).isoformat()).status == status


@pytest.mark.parametrize(("ahead", "status"), [(timedelta(days=548), 200), (timedelta(days=548, seconds=1), 422)])
def test_a_session_starts_18_months_ahead_at_most(clinic: Clinic, ahead: timedelta, status: int) -> None:
    start = NOON + ahead
    reply = clinic.schedule(start_time=start.isoformat(), end_time=(start + timedelta(minutes=30)).isoformat())
    assert reply.status == status


# --- quirks -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "returned"),
    [
        ("HOST", "HOST"),
        ("host", "HOST"),
        ("Host", "HOST"),
        ("guest", "GUEST"),
        ("PARTICIPANT", "PARTICIPANT"),
        ("participant", "PARTICIPANT"),
        ("", "GUEST"),
        (None, "GUEST"),
    ],
)
def test_a_role_comes_in_any_case_and_participant_stays_what_it_is(
    clinic: Clinic, sent: str | None, returned: str
) -> None:
    assert clinic.schedule({"role": sent}).json()["participants"][0]["role"] == returned


def test_a_participant_is_a_guest_in_every_rule(clinic: Clinic) -> None:
    fee = {"amount": 8000, "currency": "aud"}
    [participant] = clinic.schedule({"role": "Participant", "fee": fee}).json()["participants"]
    assert participant["payment"]["status"] == "unpaid"
    page = clinic.edge.get(path_of(participant["entry_url"]), Accept="application/json").json()
    assert page["status"] == "pay"


def test_a_picture_of_false_is_none(clinic: Clinic) -> None:
    session = clinic.schedule({"picture": False}, picture=False).json()
    assert session["picture"] is None
    assert session["participants"][0]["picture"] is None


@pytest.mark.parametrize("name", ["", None, "\u00e9" * 255, "\U0001f600" * 255])
def test_a_name_may_be_empty_null_or_255_characters(clinic: Clinic, name: str | None) -> None:
    session = clinic.schedule({"display_name": name}, session_name=name).json()
    assert session["session_name"] == name
    assert session["participants"][0]["display_name"] == name


def test_unknown_fields_of_a_session_are_ignored(clinic: Clinic) -> None:
    session = clinic.schedule({}, colour="red", session_id="mine", team_id="another", canceled_at="now").json()
    assert set(session) == SESSION_FIELDS
    assert session["session_id"] != "mine"
    assert session["team_id"] == clinic.team.team_id
    assert session["canceled_at"] is None


def test_an_upper_case_currency_is_the_same_currency(clinic: Clinic) -> None:
    [participant] = clinic.schedule({"fee": {"amount": 8000, "currency": "AUD"}}).json()["participants"]
    assert participant["fee"] == {"amount": 8000, "currency": "aud", "description": None, "payee": None}


def test_a_fee_in_yen_is_in_yen(clinic: Clinic) -> None:
    clinic.change_team(more_currencies=("jpy",))
    [participant] = clinic.schedule({"fee": {"amount": 8000, "currency": "jpy"}}).json()["participants"]
    assert participant["fee"]["amount"] == 8000
    assert ">8000 JPY<" in clinic.edge.get(path_of(participant["entry_url"])).body


def test_fifty_participants_are_numbered_in_their_order(clinic: Clinic) -> None:
    reply = clinic.schedule(*({"display_name": f"Guest {n}"} for n in range(1, 51)))
    numbers = [split_participant_id(one["participant_id"])[1] for one in reply.json()["participants"]]
    assert numbers == list(range(1, 51))
    assert len({one["entry_url"] for one in reply.json()["participants"]}) == 50


# --- plans --------------------------------------------------------------------------------------------------------


def test_a_plan_without_scheduled_sessions_is_403_with_what_to_buy(clinic: Clinic) -> None:
    clinic.change_team(plan=Plan.ESSENTIALS)
    before = fingerprint(clinic.edge.world)
    reply = clinic.schedule()
    assert reply.status == 403
    assert "buy the add-on" in reply.json()["detail"]
    assert fingerprint(clinic.edge.world) == before
    clinic.change_team(scheduling_add_on=True)
    assert clinic.schedule().status == 200


def test_a_suspended_team_schedules_nothing_and_still_reads(clinic: Clinic) -> None:
    session_id = clinic.schedule().json()["session_id"]
    clinic.change_team(suspended=True)
    assert clinic.schedule().status == 403
    assert clinic.read(session_id).status == 200


# --- a stage in the path ------------------------------------------------------------------------------------------


def test_links_begin_with_the_public_address_and_its_path() -> None:
    edge = Edge(World(settings_of(ANTEROOM_PUBLIC_URL="https://gateway.example/api/")))
    reply = Clinic(edge).schedule({})
    assert reply.headers["location"].startswith("https://gateway.example/api/v1/sessions/")
    [participant] = reply.json()["participants"]
    assert participant["entry_url"].startswith("https://gateway.example/api/session/")
    assert edge.get(path_of(participant["entry_url"], "https://gateway.example/api")).status == 200
