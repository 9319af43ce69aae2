"""Shapes find every problem of a body at once, each with the path of its field, and describe what they take."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from chalicelib.domain.sessions import Problem
from chalicelib.http.schemas import FeeIn, ParticipantIn, SessionIn, SessionOut
from chalicelib.http.shape_reading import read_as


def problems_of(content: dict[str, Any]) -> dict[str, str]:
    _, problems = read_as(SessionIn, content)
    return {problem.field: problem.message for problem in problems}


TIMES = {"start_time": "2026-03-02T12:00:00Z", "end_time": "2026-03-02T12:30:00Z"}


def test_an_empty_body_lacks_both_times() -> None:
    assert problems_of({}) == {"start_time": "is required", "end_time": "is required"}


def test_every_problem_is_found_at_once_with_its_path() -> None:
    content = {
        "start_time": 5,
        "session_name": 7,
        "feature_flags": "x",
        "participants": [
            {"role": 1, "colour": "red"},
            "Mary",
            {"fee": {"amount": "8000", "tip": 5}},
            {"fee": "8000"},
            {"Fee": {"amount": 8000, "currency": "aud"}, "fees": None},
        ],
    }
    expected = {
        "start_time",
        "end_time",
        "session_name",
        "feature_flags",
        "participants[0].role",
        "participants[0].colour",
        "participants[1]",
        "participants[2].fee.amount",
        "participants[2].fee.tip",
        "participants[2].fee.currency",
        "participants[3].fee",
        "participants[4].Fee",
        "participants[4].fees",
    }
    assert set(problems_of(content)) == expected


def test_unknown_fields_are_ignored_on_a_session_alone() -> None:
    assert problems_of({**TIMES, "colour": "red", "fee": 5}) == {}
    unknown = "is not a field here; check its spelling"
    assert problems_of({**TIMES, "participants": [{"fees": 1}]}) == {"participants[0].fees": unknown}
    fee = {"amount": 8000, "currency": "aud", "cents": 0}
    assert problems_of({**TIMES, "participants": [{"fee": fee}]}) == {"participants[0].fee.cents": unknown}


@pytest.mark.parametrize("fee", ["8000", "80.00", '{"amount": 8000, "currency": "aud"}', 8000, 80.5, [], True])
def test_a_fee_that_is_no_object_is_told_what_to_send(fee: object) -> None:
    """An older client type has it as text of an unknown unit: 80 must not become 0.80."""
    told = problems_of({**TIMES, "participants": [{"fee": fee}]})
    assert told == {
        "participants[0].fee": "send an object with the amount in the minor unit, "
        'such as {"amount": 8000, "currency": "aud"}'
    }


@pytest.mark.parametrize("amount", ["8000", 80.5, 8000.0, True, None, [8000], {}])
def test_an_amount_is_an_integer_and_nothing_like_one(amount: object) -> None:
    told = problems_of({**TIMES, "participants": [{"fee": {"amount": amount, "currency": "jpy"}}]})
    assert list(told) == ["participants[0].fee.amount"]


@pytest.mark.parametrize("value", [None, [], {}, 5, "x"])
def test_participants_are_a_list_or_absent(value: object) -> None:
    told = problems_of({**TIMES, "participants": value})
    assert list(told) == ([] if value in (None, []) else ["participants"])


def test_a_path_can_be_put_before_the_names() -> None:
    _, problems = read_as(FeeIn, {"amount": 1}, "fee.")
    assert problems == [Problem("fee.currency", "is required")]


def test_what_was_not_sent_is_not_there() -> None:
    assert read_as(ParticipantIn, {}) == ({}, [])
    assert read_as(ParticipantIn, {"display_name": None}) == ({"display_name": None}, [])


def test_what_could_be_read_is_handed_on_beside_what_could_not() -> None:
    content = {
        "start_time": 5,
        "session_name": "Review",
        "feature_flags": [1],
        "participants": [
            {"role": 1, "email": "a@b.example"},
            "Mary",
            {"fee": {"amount": 8000}},
            {"fee": {"amount": 1, "currency": "aud", "tip": 5}},
        ],
    }
    values, problems = read_as(SessionIn, content)
    assert len(problems) == 7
    fee = {"amount": 1, "currency": "aud"}
    participants = [{"email": "a@b.example"}, None, {}, {"fee": fee}]
    assert values == {"session_name": "Review", "participants": participants}


def test_unknown_fields_are_refused_where_the_known_ones_are_told() -> None:
    content = {**TIMES, "team_id": "x", "colour": "red"}
    _, problems = read_as(SessionIn, content, known=frozenset({"team_id"}))
    assert problems == [Problem("colour", "is not a field here; check its spelling")]


def test_the_shapes_describe_themselves() -> None:
    _, schemas = msgspec.json.schema_components([SessionIn, SessionOut])
    assert schemas["ParticipantIn"]["additionalProperties"] is False
    assert schemas["FeeIn"]["required"] == ["amount", "currency"]
    assert set(schemas["SessionOut"]["required"]) == set(schemas["SessionOut"]["properties"])
    assert set(schemas["ParticipantOut"]["required"]) == set(schemas["ParticipantOut"]["properties"])
