"""CSV that every reader reads back the same, and no spreadsheet runs."""

from __future__ import annotations

import csv
import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.http.csv_text import Cell, csv_text
from tests.support.examples import examples


def read_back(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


def test_a_line_ends_with_crlf_and_the_names_stand_first() -> None:
    assert csv_text([("ch_1", 8000)], ("id", "amount")) == "id,amount\r\nch_1,8000\r\n"


def test_without_names_there_are_the_rows_alone_and_without_rows_the_names() -> None:
    assert csv_text([("ch_1", 8000)]) == "ch_1,8000\r\n"
    assert csv_text([], ("id", "amount")) == "id,amount\r\n"
    assert csv_text([]) == ""


def test_null_is_empty_and_booleans_are_words() -> None:
    assert csv_text([(None, True, False, 0, -5, "")]) == ",true,false,0,-5,\r\n"


def test_what_would_break_a_cell_is_quoted() -> None:
    cells = ["a,b", 'a"b', "a\r\nb", "a;b", "a b"]
    assert csv_text([cells]) == '"a,b","a""b","a\r\nb",a;b,a b\r\n'
    assert read_back(csv_text([cells])) == [cells]


@pytest.mark.parametrize(
    "formula",
    [
        '=HYPERLINK("https://evil.example","click")',
        "=1+1",
        "+1",
        "-1+cmd|' /C calc'!A0",
        "@SUM(1)",
        "\t=1+1",
        "\r=1+1",
        "\n=1+1",
        " =1+1",
        "\x00=1+1",
        "\N{FULLWIDTH EQUALS SIGN}1+1",
        "\N{FULLWIDTH PLUS SIGN}1",
        "\N{FULLWIDTH HYPHEN-MINUS}1",
        "\N{FULLWIDTH COMMERCIAL AT}SUM(1)",
        '"=1+1',
        "'=1+1",
        "-",
        "--1",
        "-1-1",
        "-1.",
    ],
)
def test_a_cell_that_could_start_a_formula_begins_with_a_quote(formula: str) -> None:
    assert read_back(csv_text([("ch_1", formula, "ch_2")])) == [["ch_1", f"'{formula}", "ch_2"]]


@pytest.mark.parametrize("plain", ["ch_3Q", "2026-03-02T12:00:00.000Z", "80.00", "-80.00", "-5", "Mon, 02 Mar", "a=1"])
def test_ids_times_and_numbers_stay_as_they_are(plain: str) -> None:
    assert read_back(csv_text([(plain,)])) == [[plain]]


@examples(200, 5000)
@given(st.lists(st.lists(st.text() | st.integers() | st.booleans() | st.none(), min_size=2, max_size=4), max_size=5))
def test_whatever_the_cells_hold_rows_stay_rows_and_nothing_starts_a_formula(rows: list[list[Cell]]) -> None:
    found = read_back(csv_text(rows))
    assert [len(row) for row in found] == [len(row) for row in rows]
    assert [
        one for row in found for one in row if re.match(r"[^A-Za-z0-9']", one) and not re.fullmatch(r"-[0-9.]+", one)
    ] == []
