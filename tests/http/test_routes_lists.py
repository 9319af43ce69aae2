"""The list of a clinic's sessions: its pages and cursors, its filters and their limits, and what a page costs."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

import pytest

from tests.support.clinic import Clinic, fingerprint
from tests.support.edge import Edge, Reply
from tests.support.editing import ahead
from tests.support.metered import MeteredWorld
from tests.support.seam import NOTHING_SPENT, Spent

CURSOR_PROBLEM = {
    "field": "cursor",
    "message": "is not a cursor of this list; send `next` of the answer before, unchanged, with the same filters "
    "(start_time, end_time, order, include_canceled, state), or leave it out to begin anew",
}


def _list(clinic: Clinic, query: str = "") -> Reply:
    return clinic.edge.get(f"/v1/sessions{query}", Authorization=f"Bearer {clinic.access_token}")


def _page(clinic: Clinic, query: str = "") -> Any:  # noqa: ANN401 (any JSON)
    reply = _list(clinic, query)
    assert reply.status == 200
    return reply.json()


def _names(clinic: Clinic, query: str = "") -> list[str]:
    return [session["session_name"] for session in _page(clinic, query)["content"]]


def _keep(clinic: Clinic, name: str, start: str = "13:00", end: str = "14:00", **fields: Any) -> Any:  # noqa: ANN401 (any JSON)
    """A session of today."""
    times = {"start_time": f"2026-03-02T{start}:00Z", "end_time": f"2026-03-02T{end}:00Z"}
    clinic.edge.world.clock.advance(seconds=1)
    people = fields.pop("participants", [])
    return clinic.schedule(*people, session_name=name, **times, **fields).json()


def _delete(clinic: Clinic, path: str) -> None:
    headers = {"Authorization": f"Bearer {clinic.access_token}"}
    assert clinic.edge.request("DELETE", path, headers=headers).status == 200


def _errors(reply: Reply) -> list[dict[str, str]]:
    assert reply.status == 422
    errors: list[dict[str, str]] = reply.json()["errors"]
    return errors


@pytest.fixture
def day(clinic: Clinic) -> Clinic:
    """With sessions that were not made in the order of their starts."""
    for name, start, end in (("c", "15:00", "15:30"), ("a", "13:00", "13:30"), ("b", "14:00", "16:00")):
        _keep(clinic, name, start, end)
    return clinic


@pytest.fixture
def neighbour(edge: Edge) -> Clinic:
    return Clinic(edge, "Hill Street Clinic")


# --- pages --------------------------------------------------------------------------------------------------------


def test_a_clinic_without_sessions_has_one_empty_page(clinic: Clinic) -> None:
    assert _page(clinic) == {"content": [], "page": 0, "page_size": 200, "more": False, "next": None}


def test_a_session_in_the_list_is_what_reading_it_gives(clinic: Clinic) -> None:
    fee = {"amount": 8000, "currency": "aud"}
    session = _keep(clinic, "a", participants=[{"role": "HOST"}, {"display_name": "Sam", "fee": fee}])
    assert _page(clinic)["content"] == [clinic.read(session["session_id"]).json()]


def test_a_list_holds_links_so_nobody_is_to_store_it(day: Clinic) -> None:
    assert _list(day).headers["cache-control"] == "no-store"


def test_pages_are_counted_from_nought_and_say_whether_there_is_more(day: Clinic) -> None:
    first, second, third = (_page(day, f"?page_size=2&page={page}") for page in range(3))
    assert [session["session_name"] for session in first["content"]] == ["c", "a"]
    assert (first["page"], first["page_size"], first["more"]) == (0, 2, True)
    assert re.fullmatch(r"[A-Za-z0-9_-]+", first["next"])
    assert [session["session_name"] for session in second["content"]] == ["b"]
    assert (second["page"], second["page_size"], second["more"], second["next"]) == (1, 2, False, None)
    assert (third["content"], third["page"], third["more"], third["next"]) == ([], 2, False, None)


def test_an_empty_parameter_is_as_good_as_none(day: Clinic) -> None:
    query = "?page=&page_size=&start_time=&end_time=&order=&include_canceled=&deleted_participants=&state=&cursor="
    assert _page(day, query) == _page(day)


def test_unknown_parameters_are_ignored(day: Clinic) -> None:
    assert _page(day, "?colour=red&limit=x&sort=%00&Page=7") == _page(day)


@pytest.mark.parametrize("query", ["", "&order=reverse", "&start_time=2026-03-02T12:00:00Z", "&include_canceled=1"])
def test_following_next_meets_every_session_once_and_in_order(day: Clinic, query: str) -> None:
    met = [_page(day, f"?page_size=1{query}")]
    while met[-1]["more"]:
        met.append(_page(day, f"?page_size=1{query}&cursor={met[-1]['next']}"))
    assert [page["page"] for page in met] == [0, 1, 2]
    assert [page["content"][0]["session_name"] for page in met] == _names(day, f"?{query}")


def test_a_cursor_goes_before_a_page_and_its_pages_may_be_larger(day: Clinic) -> None:
    cursor = _page(day, "?page_size=1")["next"]
    assert _names(day, f"?cursor={cursor}&page=5&page_size=2") == ["a", "b"]


def test_what_is_scheduled_meanwhile_comes_at_the_end_of_a_cursor(day: Clinic) -> None:
    cursor = _page(day, "?page_size=2")["next"]
    _keep(day, "new", "12:30", "13:00")
    assert _names(day, f"?cursor={cursor}") == ["b", "new"]


@pytest.mark.parametrize(
    "other",
    [
        "&order=reverse",
        "&include_canceled=true",
        "&state=late",
        "&start_time=2026-03-02T12:00:00Z",
        "&end_time=2026-03-02T23:00:00Z",
    ],
)
def test_a_cursor_of_other_filters_is_422(day: Clinic, other: str) -> None:
    cursor = _page(day, "?page_size=1")["next"]
    assert _errors(_list(day, f"?cursor={cursor}{other}")) == [CURSOR_PROBLEM]


@pytest.mark.parametrize("cursor", ["nonsense", "AQ", "%00", "A" * 2000, "%F0%9F%98%80"])
def test_a_made_up_cursor_is_422_and_not_repeated(day: Clinic, cursor: str) -> None:
    assert _errors(_list(day, f"?cursor={cursor}")) == [CURSOR_PROBLEM]


def test_another_teams_cursor_shows_nothing_of_theirs(day: Clinic, neighbour: Clinic) -> None:
    cursor = _page(day, "?page_size=1")["next"]
    assert _page(neighbour, f"?cursor={cursor}")["content"] == []
    ours = _keep(neighbour, "ours")
    assert [one["session_id"] for one in _page(neighbour, f"?cursor={cursor}")["content"]] == [ours["session_id"]]
    assert _names(neighbour) == ["ours"]


# --- order --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("order", "names"),
    [
        ("forward", ["c", "a", "b"]),
        ("Forward", ["c", "a", "b"]),
        ("reverse", ["b", "a", "c"]),
        ("backwards", ["b", "a", "c"]),
        ("BACKWARDS", ["b", "a", "c"]),
    ],
)
def test_the_order_is_that_of_scheduling(day: Clinic, order: str, names: list[str]) -> None:
    assert _names(day, f"?order={order}") == names


@pytest.mark.parametrize("name", ["start_time=2026-03-02T12:00:00Z", "end_time=2026-03-02T20:00:00Z"])
def test_with_a_time_the_order_is_that_of_the_starts(day: Clinic, name: str) -> None:
    assert _names(day, f"?{name}") == ["a", "b", "c"]
    assert _names(day, f"?{name}&order=reverse") == ["c", "b", "a"]


# --- filters ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("start_time=2026-03-02T14:00:00Z", ["b", "c"]),
        ("start_time=2026-03-02T14:00:00.001Z", ["c"]),
        ("end_time=2026-03-02T15:30:00Z", ["a", "c"]),
        ("end_time=2026-03-02T15:29:59.999Z", ["a"]),
        ("start_time=2026-03-02T13:00:00Z&end_time=2026-03-02T16:00:00Z", ["a", "b", "c"]),
        ("start_time=2026-03-02T13:30:00Z&end_time=2026-03-02T15:30:00Z", ["c"]),
        ("start_time=Mon,%2002%20Mar%202026%2014:00:00%20GMT", ["b", "c"]),
        ("end_time=Mon,+02+Mar+2026+15:30:00+GMT", ["a", "c"]),
        ("start_time=2026-03-03T00:00:00%2B10:00", ["b", "c"]),
        ("start_time=2026-03-03T00:00:00+10:00", ["b", "c"]),
        ("start_time=2026-03-03+00:00:00+10:00", ["b", "c"]),
        ("start_time=2026-03-02T20:00:00Z&end_time=2026-03-02T10:00:00Z", []),
    ],
)
def test_sessions_lie_between_the_times_that_are_sent(day: Clinic, query: str, names: list[str]) -> None:
    assert _names(day, f"?{query}") == names


ISO_FILTER = "start_time=2026-03-02T15:00:00Z"
RFC_FILTER = f"start_time={quote('Mon, 02 Mar 2026 15:00:00 GMT')}"


@pytest.mark.parametrize(
    ("query", "start", "end", "created"),
    [
        ("", "2026-03-02T15:00:00.000Z", "2026-03-02T15:30:00.000Z", "2026-03-02T12:00:01.000Z"),
        (ISO_FILTER, "2026-03-02T15:00:00.000Z", "2026-03-02T15:30:00.000Z", "2026-03-02T12:00:01.000Z"),
        (
            RFC_FILTER,
            "Mon, 02 Mar 2026 15:00:00 GMT",
            "Mon, 02 Mar 2026 15:30:00 GMT",
            "Mon, 02 Mar 2026 12:00:01 GMT",
        ),
        (
            f"{RFC_FILTER}&end_time=2026-03-02T20:00:00Z",
            "2026-03-02T15:00:00.000Z",
            "2026-03-02T15:30:00.000Z",
            "2026-03-02T12:00:01.000Z",
        ),
    ],
)
def test_the_answer_is_in_the_form_of_the_filters(
    clinic: Clinic, query: str, start: str, end: str, created: str
) -> None:
    _keep(clinic, "c", "15:00", "15:30", participants=[{}])
    [session] = _page(clinic, f"?{query}")["content"]
    assert (session["start_time"], session["end_time"], session["participants"][0]["created"]) == (start, end, created)


def test_a_rescheduled_session_is_found_where_it_is_now(day: Clinic) -> None:
    moved = _page(day)["content"][0]["session_id"]
    headers = {"Authorization": f"Bearer {day.access_token}", "Content-Type": "application/json"}
    body = '{"start_time": "2026-03-04T09:00:00Z", "end_time": "2026-03-04T10:00:00Z"}'
    assert day.edge.request("PUT", f"/v1/sessions/{moved}", body, headers).status == 200
    assert _names(day, "?start_time=2026-03-04T00:00:00Z") == ["c"]
    assert _names(day, "?end_time=2026-03-03T00:00:00Z") == ["a", "b"]


@pytest.mark.parametrize("flag", ["true", "1", "True", "TRUE"])
def test_cancelled_sessions_are_listed_in_their_place_if_asked_for(day: Clinic, flag: str) -> None:
    _delete(day, f"/v1/sessions/{_page(day)['content'][1]['session_id']}")
    for query in ("", "?include_canceled=false", "?include_canceled=0", "?include_canceled=FALSE"):
        assert _names(day, query) == ["c", "b"]
    assert _names(day, f"?include_canceled={flag}") == ["c", "a", "b"]
    canceled = [one["canceled_at"] for one in _page(day, f"?include_canceled={flag}")["content"]]
    assert canceled == [None, "2026-03-02T12:00:03.000Z", None]


@pytest.mark.parametrize("flag", ["true", "1", "True"])
def test_removed_participants_are_shown_if_asked_for(clinic: Clinic, flag: str) -> None:
    session = _keep(clinic, "a", participants=[{"display_name": "Sam"}, {"display_name": "Kim"}])
    _delete(clinic, f"/v1/participants/{session['participants'][0]['participant_id']}")
    [shown] = _page(clinic)["content"]
    assert [one["display_name"] for one in shown["participants"]] == ["Kim"]
    [shown] = _page(clinic, f"?deleted_participants={flag}")["content"]
    assert [(one["role"], one["deleted_at"]) for one in shown["participants"]] == [
        ("GUEST", "2026-03-02T12:00:01.000Z"),
        ("GUEST", None),
    ]


def test_a_session_has_the_state_that_any_of_its_participants_has(clinic: Clinic) -> None:
    _keep(clinic, "a", participants=[{"state": "waiting"}, {"state": "late & lost"}])
    gone = _keep(clinic, "b", participants=[{"state": "waiting"}])
    _keep(clinic, "c", participants=[{"state": "Waiting"}, {}])
    assert _names(clinic, "?state=waiting") == ["a", "b"]
    assert _names(clinic, "?state=late%20%26%20lost") == ["a"]
    assert _names(clinic, "?state=wait") == []
    _delete(clinic, f"/v1/participants/{gone['participants'][0]['participant_id']}")
    assert _names(clinic, "?state=waiting") == ["a"]


# --- limits -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "sent", "message"),
    [
        ("page", "-1", "must be a whole number from 0 to 1000000; -1 was sent"),
        ("page", "1000001", "must be a whole number from 0 to 1000000; 1000001 was sent"),
        ("page", "first", "must be a whole number from 0 to 1000000; first was sent"),
        ("page", "1.5", "must be a whole number from 0 to 1000000; 1.5 was sent"),
        ("page", "9" * 40, f"must be a whole number from 0 to 1000000; {'9' * 40} was sent"),
        ("page", "9" * 41, "must be a whole number from 0 to 1000000"),
        ("page", "%D9%A1", "must be a whole number from 0 to 1000000"),
        ("page_size", "0", "must be a whole number from 1 to 200; 0 was sent"),
        ("page_size", "201", "must be a whole number from 1 to 200; 201 was sent"),
        ("page_size", "1e2", "must be a whole number from 1 to 200; 1e2 was sent"),
        ("order", "sideways", "must be forward, reverse or backwards; sideways was sent"),
        ("order", "%3Cscript%3E", "must be forward, reverse or backwards"),
        ("include_canceled", "yes", "must be true, false, 1 or 0; yes was sent"),
        ("deleted_participants", "2", "must be true, false, 1 or 0; 2 was sent"),
    ],
)
def test_what_is_beyond_a_limit_names_the_limit_and_what_was_sent(
    clinic: Clinic, name: str, sent: str, message: str
) -> None:
    assert _errors(_list(clinic, f"?{name}={sent}")) == [{"field": name, "message": message}]


@pytest.mark.parametrize("sent", ["2026-03-02", "2026-03-02T12:00:00", "1772452800", "2026-02-30T12:00:00Z"])
@pytest.mark.parametrize("name", ["start_time", "end_time"])
def test_a_time_without_a_zone_is_422_with_what_to_send(clinic: Clinic, name: str, sent: str) -> None:
    [error] = _errors(_list(clinic, f"?{name}={sent}"))
    assert error["field"] == name
    assert error["message"].startswith("send a time with its zone, such as 2026-06-08T13:34:00Z or Mon, 08 Jun 2026")
    assert error["message"].endswith(f"; {sent} was sent")


def test_all_that_is_wrong_is_told_at_once(clinic: Clinic) -> None:
    reply = _list(clinic, "?page=x&page_size=0&start_time=x&end_time=x&order=x&include_canceled=x")
    named = [error["field"] for error in _errors(reply)]
    assert named == ["page", "page_size", "start_time", "end_time", "order", "include_canceled"]


def test_the_last_page_there_can_be_is_empty(day: Clinic) -> None:
    page = _page(day, "?page=1000000&page_size=200")
    assert (page["content"], page["page"], page["more"]) == ([], 1_000_000, False)


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("start_time=0001-01-01T00:00:00Z", ["a", "b", "c"]),
        ("start_time=9999-12-31T23:59:59Z", []),
        ("end_time=0001-01-01T00:00:00Z", []),
        ("end_time=9999-12-31T23:59:59Z", ["a", "b", "c"]),
    ],
)
def test_times_at_the_ends_of_the_calendar_are_taken(day: Clinic, query: str, names: list[str]) -> None:
    assert _names(day, f"?{query}") == names


@pytest.mark.parametrize(
    ("name", "sent"), [("start_time", "0001-01-01T00:00:00%2B10:00"), ("end_time", "9999-12-31T23:59:59-10:00")]
)
def test_times_beyond_the_ends_of_the_calendar_are_422(day: Clinic, name: str, sent: str) -> None:
    assert [error["field"] for error in _errors(_list(day, f"?{name}={sent}"))] == [name]


def test_reading_lists_writes_nothing(day: Clinic) -> None:
    before = fingerprint(day.edge.world)
    for query in ("", "?page_size=1&page=2", "?start_time=2026-03-02T12:00:00Z", "?page=-1"):
        _list(day, query)
    assert fingerprint(day.edge.world) == before


# --- what a page costs --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "query",
    ["", "?page=1&page_size=2", "?order=reverse", "?start_time=2026-03-02T12:00:00Z", "?include_canceled=1&state=x"],
)
def test_a_page_is_one_query(query: str) -> None:
    world = MeteredWorld()
    for _ in range(5):
        ahead(world)
    authorization = world.bearer()
    with world.metered() as spent:
        assert world.edge.get(f"/v1/sessions{query}", Authorization=authorization).status == 200
        assert spent() == Spent(queries=1)


def test_a_refused_list_costs_nothing() -> None:
    world = MeteredWorld()
    authorization = world.bearer()
    with world.metered() as spent:
        assert world.edge.get("/v1/sessions?page_size=201", Authorization=authorization).status == 422
        assert world.edge.get("/v1/sessions?cursor=nonsense", Authorization=authorization).status == 422
        assert spent() == NOTHING_SPENT
