"""What a request would rather have, by its `Accept` header: CSV only for who asks for it."""

from __future__ import annotations

import pytest

from chalicelib.http.accepting import prefers


def wants_csv(accept: str) -> bool:
    return prefers(accept, "text/csv", "application/json")


@pytest.mark.parametrize(
    "accept",
    [
        "text/csv",
        "Text/CSV",
        " text/csv ; header=present",
        "text/csv, application/json",
        "text/csv,*/*",
        "*/*, text/csv",
        "text/*",
        "text/csv, application/json;q=0.9",
        "application/json;q=0.5, text/csv;q=0.6",
        "application/json; q=0, */*",
        "text/csv;q=1.000",
        "text/csv;charset=utf-8;q=0.1",
        "application/problem+json, text/csv",
        ",,text/csv",
    ],
)
def test_csv_is_for_who_names_it_first_or_values_it_more(accept: str) -> None:
    assert wants_csv(accept)


@pytest.mark.parametrize(
    "accept",
    [
        "",
        "*/*",
        "application/json",
        "application/json, text/csv",
        "text/csv;q=0.5, application/json",
        "text/csv;q=0.5, */*",
        "text/csv;q=0",
        "text/csv;q=0.000, text/*",
        "application/*, text/*",
        "text/html, application/xhtml+xml, */*;q=0.8",
        "text/plain",
        "text/csvx",
        "csv",
        "text/csv/x",
        ";q=1",
        "\x00",
        "*/csv",
    ],
)
def test_json_is_for_everybody_else(accept: str) -> None:
    assert not wants_csv(accept)


def test_of_a_type_that_is_named_twice_the_first_counts() -> None:
    assert wants_csv("text/csv, application/json;q=0.2, text/csv;q=0.1")
    assert not wants_csv("text/csv;q=0.1, application/json;q=0.2, text/csv")


def test_a_quality_that_is_none_counts_as_left_out() -> None:
    assert wants_csv("application/json;q=0.9, text/csv;q=2")
    assert wants_csv("application/json;q=0.9, text/csv;q=lots")
