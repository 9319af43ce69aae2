"""The page about failures names, for each of them, tests that are there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "failures.md").read_text()
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
ROW = re.compile(r"^\| (?!invariant|situation|\||---).*\|$", re.MULTILINE)
INVARIANTS = 12
FEWEST_SITUATIONS = 60


def _rows() -> list[str]:
    return [row for row in ROW.findall(PAGE) if "| tests |" not in row]


def _tests_of(path: str) -> set[str]:
    """The tests that a file defines, by themselves or in a class."""
    tree = ast.parse((ROOT / path).read_text())
    return {one.name for one in ast.walk(tree) if isinstance(one, ast.FunctionDef) and one.name.startswith("test_")}


def test_every_test_that_the_page_names_is_there() -> None:
    named = NAMED.findall(PAGE)
    files = {path for path, _ in named}
    assert [path for path in sorted(files) if not (ROOT / path).is_file()] == []
    defined = {path: _tests_of(path) for path in files}
    assert [f"{path}::{name}" for path, name in named if name not in defined[path]] == []


def test_every_row_of_the_page_names_a_test() -> None:
    rows = _rows()
    assert [row for row in rows if not NAMED.search(row)] == []
    numbered = [row.split(" ")[1] for row in rows if row.startswith("| I")]
    assert numbered[:INVARIANTS] == [f"I{number}" for number in range(1, INVARIANTS + 1)]
    assert len(rows) >= INVARIANTS + FEWEST_SITUATIONS


def test_whatever_looks_like_a_test_on_the_page_is_named_in_full() -> None:
    assert len(re.findall(r"::test_", PAGE)) == len(NAMED.findall(PAGE))
