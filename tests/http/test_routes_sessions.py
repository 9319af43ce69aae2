"""One session under its own address: change it, cancel it, put conditions on a change, and read what became of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.clinic import Clinic, fields_of, fingerprint, path_of
from tests.support.edge import Reply
from tests.support.editing import ahead, paid_ahead
from tests.support.metered import MeteredWorld
from tests.support.seam import Spent
from tests.support.world import checkout_id

FEE = {"amount": 8000, "currency": "aud"}
AHEAD = {"start_time": "2026-03-02T13:00:00.000Z", "end_time": "2026-03-02T14:00:00.000Z"}
LATER = {"start_time": "2026-03-03T15:00:00.000Z", "end_time": "2026-03-03T15:30:00.000Z"}
RFC_LATER = {"start_time": "Tue, 03 Mar 2026 15:00:00 GMT", "end_time": "Tue, 03 Mar 2026 15:30:00 GMT"}
UNKNOWN_ID = "0195567c-0000-7000-8000-000000000000"


def _ask(clinic: Clinic, method: str, session_id: str, content: object = None, **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    body = "" if content is None else json.dumps(content)
    sent = {"Authorization": f"Bearer {clinic.access_token}", "Content-Type": "application/json", **named}
    return clinic.edge.request(method, f"/v1/sessions/{session_id}", body, sent)


def _put(clinic: Clinic, session_id: str, content: object, **headers: str) -> Reply:
    return _ask(clinic, "PUT", session_id, content, **headers)


def _delete(clinic: Clinic, session_id: str, query: str = "", **headers: str) -> Reply:
    return _ask(clinic, "DELETE", f"{session_id}{query}", **headers)


def _ahead(clinic: Clinic, *participants: dict[str, Any], **fields: Any) -> Any:  # noqa: ANN401 (any JSON)
    """A session in an hour, so that it may still be cancelled."""
    return clinic.schedule(*participants, **{**AHEAD, **fields}).json()


def _paid(clinic: Clinic) -> Any:  # noqa: ANN401 (any JSON)
    """A session in an hour, whose one guest has paid."""
    session = _ahead(clinic, {"display_name": "Sam", "fee": FEE})
    _pay_for(clinic, session)
    return clinic.read(session["session_id"]).json()


def _pay_for(clinic: Clinic, session: Any) -> None:  # noqa: ANN401 (any JSON)
    link = path_of(session["participants"][0]["entry_url"])
    url = clinic.edge.post(f"{link}/checkout", Accept="application/json").json()["url"]
    clinic.edge.world.stripe.pay(checkout_id(url))
    assert clinic.edge.deliver_webhooks() > 0


def _wait(clinic: Clinic, **duration: float) -> None:
    """Time passes, and the clinic gets a new access token: they live for an hour."""
    clinic.edge.world.clock.advance(**duration)
    clinic.access_token = clinic.ask_token().json()["access_token"]


# --- change -------------------------------------------------------------------------------------------------------


def test_what_is_absent_from_a_change_stays_as_it_is(clinic: Clinic) -> None:
    session = _ahead(clinic, {"display_name": "Sam"}, session_name="First", picture="a.png", feature_flags=["chat"])
    changed = _put(clinic, session["session_id"], {"session_name": "Second"})
    assert changed.status == 200
    assert changed.json() == {**session, "session_name": "Second"}
    assert clinic.read(session["session_id"]).json() == {**session, "session_name": "Second"}


@pytest.mark.parametrize("content", [{"session_name": None, "picture": None}, {"session_name": None, "picture": False}])
def test_null_clears_a_name_and_a_picture(clinic: Clinic, content: dict[str, Any]) -> None:
    session = _ahead(clinic, session_name="First", picture="https://clinic.example/a.png")
    changed = _put(clinic, session["session_id"], content).json()
    assert changed == {**session, "session_name": None, "picture": None}


def test_a_time_or_list_of_null_stays_and_an_empty_list_clears(clinic: Clinic) -> None:
    session = _ahead(clinic, feature_flags=["chat"])
    nulls = {"start_time": None, "end_time": None, "feature_flags": None, "actual_end_time": None}
    assert _put(clinic, session["session_id"], nulls).json() == session
    assert _put(clinic, session["session_id"], {"feature_flags": []}).json() == {**session, "feature_flags": []}


def test_one_of_the_two_times_may_change_alone(clinic: Clinic) -> None:
    session = _ahead(clinic)
    changed = _put(clinic, session["session_id"], {"end_time": "2026-03-02T15:00:00Z"}).json()
    assert changed == {**session, "end_time": "2026-03-02T15:00:00.000Z"}
    refused = _put(clinic, session["session_id"], {"start_time": "2026-03-02T15:00:00Z"})
    assert (refused.status, fields_of(refused)) == (422, ["end_time"])


def test_rescheduling_keeps_links_and_payments(clinic: Clinic) -> None:
    session = _paid(clinic)
    moved = _put(clinic, session["session_id"], LATER).json()
    assert moved == {**session, **LATER}
    [participant] = moved["participants"]
    assert participant["payment"]["status"] == "paid"
    clinic.edge.world.clock.advance(days=1, hours=3)
    joined = clinic.edge.post(f"{path_of(participant['entry_url'])}/join")
    assert joined.status == 303
    assert joined.headers["location"].startswith("https://rooms.example/")


def test_a_session_that_is_over_can_be_moved_ahead_and_not_into_the_past(clinic: Clinic) -> None:
    session = _ahead(clinic)
    _wait(clinic, hours=3)
    assert _put(clinic, session["session_id"], {"session_name": "Seen"}).status == 200
    refused = _put(clinic, session["session_id"], {"start_time": "2026-03-02T12:30:00Z"})
    assert (refused.status, fields_of(refused)) == (422, ["end_time"])
    assert _put(clinic, session["session_id"], LATER).status == 200


def test_a_cancelled_session_is_changed_no_more(clinic: Clinic) -> None:
    session_id = _ahead(clinic)["session_id"]
    _delete(clinic, session_id)
    before = fingerprint(clinic.edge.world)
    assert _put(clinic, session_id, {"session_name": "Again"}).status == 409
    assert fingerprint(clinic.edge.world) == before


def test_the_actual_end_is_reported_once_it_is_there_and_not_before(clinic: Clinic) -> None:
    session = _ahead(clinic)
    ahead = _put(clinic, session["session_id"], {"actual_end_time": "2026-03-02T13:40:00Z"})
    assert (ahead.status, fields_of(ahead)) == (422, ["actual_end_time"])
    _wait(clinic, hours=2)
    reported = _put(clinic, session["session_id"], {"actual_end_time": "2026-03-02T13:40:00Z"})
    assert reported.json() == {**session, "actual_end_time": "2026-03-02T13:40:00.000Z"}


@pytest.mark.parametrize("headers", [{}, {"Prefer": "handling=strict"}])
@pytest.mark.parametrize("start_time", ["2026-03-02T13:00:00Z", "2026-03-02T13:00:00.123456789Z"])
def test_what_get_returned_sent_back_writes_nothing(clinic: Clinic, headers: dict[str, str], start_time: str) -> None:
    people = ({"role": "HOST"}, {"display_name": "Sam", "fee": FEE})
    session_id = _ahead(clinic, *people, session_name="First", start_time=start_time)["session_id"]
    session, etag = clinic.read(session_id).json(), clinic.read(session_id).headers["etag"]
    before = fingerprint(clinic.edge.world)
    changed = _put(clinic, session_id, session, **headers)
    assert (changed.status, changed.json(), changed.headers["etag"]) == (200, session, etag)
    assert fingerprint(clinic.edge.world) == before


def test_read_only_fields_and_participants_are_not_changed_through_the_session(clinic: Clinic) -> None:
    session = _ahead(clinic, {"display_name": "Sam", "fee": FEE})
    ids = {"session_id": UNKNOWN_ID, "team_id": UNKNOWN_ID, "client_id": "somebody"}
    canceled = {"canceled_at": "2026-03-02T12:00:00Z", "canceled_time": "2026-03-02T12:00:00Z"}
    sent = {**ids, **canceled, "participants": []}
    assert _put(clinic, session["session_id"], sent).json() == session


def test_every_problem_of_a_change_is_told_at_once_and_nothing_is_written(clinic: Clinic) -> None:
    session_id = _ahead(clinic)["session_id"]
    before = fingerprint(clinic.edge.world)
    content = {"session_name": "n" * 256, "end_time": "tomorrow", "feature_flags": "chat", "picture": "p" * 2049}
    refused = _put(clinic, session_id, content)
    assert (refused.status, sorted(fields_of(refused))) == (422, sorted(content))
    assert fingerprint(clinic.edge.world) == before


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        (LATER, LATER),
        (RFC_LATER, RFC_LATER),
        ({"start_time": "2026-03-04T01:00:00+10:00", "end_time": "2026-03-03T15:30:00Z"}, LATER),
        ({**RFC_LATER, "end_time": "2026-03-03T15:30:00Z"}, LATER),
    ],
)
def test_a_change_is_answered_in_the_form_of_its_own_times(
    clinic: Clinic, sent: dict[str, str], shown: dict[str, str]
) -> None:
    session_id = _ahead(clinic)["session_id"]
    changed = _put(clinic, session_id, sent).json()
    assert {name: changed[name] for name in LATER} == shown
    read = clinic.read(session_id).json()
    assert {name: read[name] for name in LATER} == LATER


# --- unknown fields -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("prefer", ["handling=strict", 'respond-async, Handling="STRICT"; x=1'])
def test_strict_handling_refuses_unknown_fields_and_says_so(clinic: Clinic, prefer: str) -> None:
    session_id = _ahead(clinic)["session_id"]
    changed = _put(clinic, session_id, {"sesion_name": "Typo"}, Prefer=prefer)
    assert (changed.status, fields_of(changed)) == (422, ["sesion_name"])
    assert changed.headers["preference-applied"] == "handling=strict"
    made = clinic.post(json.dumps({**AHEAD, "colour": "red"}), Prefer=prefer)
    assert (made.status, fields_of(made)) == (422, ["colour"])
    assert made.headers["preference-applied"] == "handling=strict"


@pytest.mark.parametrize("headers", [{}, {"Prefer": "handling=lenient"}])
def test_unknown_fields_of_a_change_are_ignored_otherwise(clinic: Clinic, headers: dict[str, str]) -> None:
    session = _ahead(clinic)
    changed = _put(clinic, session["session_id"], {"colour": "red"}, **headers)
    assert (changed.status, changed.json()) == (200, session)
    assert "preference-applied" not in changed.headers


# --- conditions ---------------------------------------------------------------------------------------------------


def test_a_change_of_an_older_version_is_412_and_changes_nothing(clinic: Clinic) -> None:
    session_id = _ahead(clinic)["session_id"]
    read = clinic.read(session_id).headers["etag"]
    first = _put(clinic, session_id, {"session_name": "First"}, If_Match=read)
    assert first.status == 200
    assert first.headers["etag"] == clinic.read(session_id).headers["etag"] != read
    before = fingerprint(clinic.edge.world)
    assert _put(clinic, session_id, {"session_name": "Second"}, If_Match=read).status == 412
    assert _delete(clinic, session_id, If_Match=read).status == 412
    assert fingerprint(clinic.edge.world) == before
    assert _put(clinic, session_id, {"session_name": "Third"}, If_Match=first.headers["etag"]).status == 200


@pytest.mark.parametrize(
    ("condition", "status"),
    [
        ("*", 200),
        ("{etag}", 200),
        ('"9-0123456789ab", {etag}', 200),
        ('"0-0123456789ab",{etag},"nonsense"', 200),
        ("W/{etag}", 412),
        ('"9-0123456789ab"', 412),
        ('"nonsense"', 412),
        ("nonsense", 412),
    ],
)
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_if_match_takes_any_a_list_and_strong_tags_only(
    clinic: Clinic, method: str, condition: str, status: int
) -> None:
    session_id = _ahead(clinic)["session_id"]
    etag = clinic.read(session_id).headers["etag"]
    content = {"session_name": "Second"} if method == "PUT" else None
    assert _ask(clinic, method, session_id, content, If_Match=condition.format(etag=etag)).status == status


def test_a_condition_on_what_is_not_there_is_404(clinic: Clinic) -> None:
    assert _put(clinic, UNKNOWN_ID, {"session_name": "x"}, If_Match='"1-0123456789ab"').status == 404
    assert _delete(clinic, UNKNOWN_ID, If_Match="*").status == 404


@pytest.mark.parametrize("condition", ["{etag}", "W/{etag}", '"other", {etag}', "*"])
def test_what_the_caller_has_already_is_304_without_a_body(clinic: Clinic, condition: str) -> None:
    session_id = _ahead(clinic)["session_id"]
    etag = clinic.read(session_id).headers["etag"]
    for method in ("GET", "HEAD"):
        known = _ask(clinic, method, session_id, If_None_Match=condition.format(etag=etag))
        assert (known.status, known.body, known.headers["etag"]) == (304, "", etag)


def test_what_the_caller_has_not_is_sent(clinic: Clinic) -> None:
    session_id = _ahead(clinic)["session_id"]
    etag = clinic.read(session_id).headers["etag"]
    _put(clinic, session_id, {"session_name": "Second"})
    read = _ask(clinic, "GET", session_id, If_None_Match=etag)
    assert (read.status, read.json()["session_name"]) == (200, "Second")
    assert read.headers["etag"] != etag


def test_a_payment_makes_another_answer_of_the_session(clinic: Clinic) -> None:
    session = _ahead(clinic, {"fee": FEE})
    etag = clinic.read(session["session_id"]).headers["etag"]
    _pay_for(clinic, session)
    read = _ask(clinic, "GET", session["session_id"], If_None_Match=etag)
    assert (read.status, read.json()["participants"][0]["payment"]["status"]) == (200, "paid")


# --- cancel -------------------------------------------------------------------------------------------------------


def test_cancelling_answers_ok_and_the_session_is_404_unless_asked_for(clinic: Clinic) -> None:
    session_id = _ahead(clinic, {})["session_id"]
    canceled = _delete(clinic, session_id)
    assert (canceled.status, canceled.json()) == (200, {"ok": True})
    for below in ("", "/participants", "/summary"):
        for query in ("", "?include_canceled=false", "?include_canceled=0", "?include_canceled=FALSE"):
            assert clinic.read(session_id, below + query).status == 404
        for flag in ("true", "1", "True", "TRUE"):
            assert clinic.read(session_id, f"{below}?include_canceled={flag}").status == 200
    read = clinic.read(session_id, "?include_canceled=true").json()
    assert read["canceled_at"] == read["canceled_time"] == "2026-03-02T12:00:00.000Z"


@pytest.mark.parametrize("name", ["include_canceled", "deleted_participants"])
@pytest.mark.parametrize("below", ["", "/participants", "/summary"])
def test_a_flag_that_is_neither_is_422_with_what_was_sent(clinic: Clinic, name: str, below: str) -> None:
    refused = clinic.read(_ahead(clinic)["session_id"], f"{below}?{name}=maybe")
    assert refused.status == 422
    assert refused.json()["errors"] == [{"field": name, "message": "must be true, false, 1 or 0; maybe was sent"}]


def test_cancelling_again_is_silent_and_the_first_one_counts(clinic: Clinic) -> None:
    session_id = _ahead(clinic)["session_id"]
    _delete(clinic, session_id)
    before = fingerprint(clinic.edge.world)
    _wait(clinic, hours=5)
    again = _delete(clinic, session_id)
    assert (again.status, again.json()) == (200, {"ok": True})
    assert fingerprint(clinic.edge.world) == before


@pytest.mark.parametrize("hours", [1, 2])
def test_a_session_that_has_started_or_ended_is_not_cancelled(clinic: Clinic, hours: int) -> None:
    session_id = _ahead(clinic)["session_id"]
    _wait(clinic, hours=hours)
    refused = _delete(clinic, session_id)
    assert refused.status == 409
    assert refused.json()["detail"] == "the session has started, so it cannot be cancelled any more"
    assert clinic.read(session_id).json()["canceled_at"] is None


@pytest.mark.parametrize(
    ("query", "refunds", "status"),
    [
        ("", [8000], "refunded"),
        ("?refund=full", [8000], "refunded"),
        ("?refund=Full&colour=red", [8000], "refunded"),
        ("?refund=none", [], "paid"),
        ("?refund=NONE", [], "paid"),
    ],
)
def test_payments_go_back_unless_they_are_to_be_kept(
    clinic: Clinic, query: str, refunds: list[int], status: str
) -> None:
    session_id = _paid(clinic)["session_id"]
    _wait(clinic, minutes=1)
    assert _delete(clinic, session_id, query).json() == {"ok": True}
    assert [one["amount"] for one in clinic.edge.world.refunds()] == refunds
    clinic.edge.deliver_webhooks()
    [participant] = clinic.read(session_id, "?include_canceled=1").json()["participants"]
    assert participant["payment"]["status"] == status


@pytest.mark.parametrize("value", ["half", "true", "full,none", "4000"])
def test_a_refund_of_another_word_is_422_and_cancels_nothing(clinic: Clinic, value: str) -> None:
    session_id = _paid(clinic)["session_id"]
    before = fingerprint(clinic.edge.world)
    refused = _delete(clinic, session_id, f"?refund={value}")
    assert (refused.status, fields_of(refused)) == (422, ["refund"])
    assert refused.json()["errors"][0]["message"].startswith("must be full or none")
    assert fingerprint(clinic.edge.world) == before


# --- what became of it --------------------------------------------------------------------------------------------


def test_the_summary_tells_who_entered_when_and_the_reported_end(clinic: Clinic) -> None:
    session = _ahead(clinic, {"role": "HOST", "display_name": "Dr Lee"}, {"display_name": "Sam"}, session_name="First")
    session_id, (host, guest) = session["session_id"], session["participants"]
    attendee: dict[str, Any] = {"deleted_at": None, "entries": []}
    lee = {"participant_id": host["participant_id"], "display_name": "Dr Lee", "role": "HOST", **attendee}
    sam = {"participant_id": guest["participant_id"], "display_name": "Sam", "role": "GUEST", **attendee}
    scheduled = {"session_id": session_id, "session_name": "First", **AHEAD, "canceled_at": None}
    nothing_yet = {**scheduled, "actual_start_time": None, "actual_end_time": None, "participants": [lee, sam]}
    assert clinic.read(session_id, "/summary").json() == nothing_yet
    for minutes, who in ((60, host), (2, guest), (10, guest)):
        _wait(clinic, minutes=minutes)
        assert clinic.edge.post(f"{path_of(who['entry_url'])}/join").status == 303
    _wait(clinic, minutes=30)
    _put(clinic, session_id, {"actual_end_time": "2026-03-02T13:40:00Z"})
    assert clinic.read(session_id, "/summary").json() == {
        **scheduled,
        "actual_start_time": "2026-03-02T13:00:00.000Z",
        "actual_end_time": "2026-03-02T13:40:00.000Z",
        "participants": [
            {**lee, "entries": ["2026-03-02T13:00:00.000Z"]},
            {**sam, "entries": ["2026-03-02T13:02:00.000Z", "2026-03-02T13:12:00.000Z"]},
        ],
    }


# --- what each costs ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("method", "body"), [("PUT", '{"session_name": "Second"}'), ("DELETE", "")])
def test_a_change_is_a_read_and_a_write_and_only_a_read_when_repeated(method: str, body: str) -> None:
    world = MeteredWorld()
    url, authorization = f"/v1/sessions/{ahead(world).session_id}", world.bearer()
    headers = {"Authorization": authorization, "Content-Type": "application/json"}
    for cost in (Spent(reads=1, writes=1), Spent(reads=1)):
        with world.metered() as spent:
            assert world.edge.request(method, url, body, headers).status == 200
            assert spent() == cost


def test_a_payment_that_goes_back_costs_a_call_and_a_write_beside() -> None:
    world = MeteredWorld()
    url, authorization = f"/v1/sessions/{paid_ahead(world).session_id}", world.bearer()
    with world.metered() as spent:
        assert world.edge.request("DELETE", url, headers={"Authorization": authorization}).status == 200
        assert spent() == Spent(reads=1, writes=2, stripe=1)
