"""What the museum shows, as docs/museum.md lists it: read from the tests' own docstrings and from the relapses.

python -m tests.museum.exhibits     prints the table that the document holds
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.museum.relapses import Relapse, relapses

MUSEUM = Path(__file__).parent
ROOT = MUSEUM.parent.parent
DOCUMENT = ROOT / "docs" / "museum.md"
BEGINS, ENDS = "<!-- the exhibits: python -m tests.museum.exhibits -->", "<!-- their end -->"
_REPORT = re.compile(r"https://github\.com/([\w.-]+/[\w.-]+)/(?:issues|pull)/([0-9]+)")


class UnlabelledError(Exception):
    """A test that does not say what happened, or where that was reported."""


@dataclass(frozen=True, slots=True)
class MuseumTest:
    """`name` as pytest names it, `report` as people write it: `owner/repository#number`."""

    name: str
    happened: str
    report: str
    url: str


def museum_tests() -> list[MuseumTest]:
    """Every test of the museum, file by file. Raises UnlabelledError."""
    return [one for file in sorted(MUSEUM.glob("test_museum_*.py")) for one in _tests_in(file)]


def _tests_in(file: Path) -> Iterator[MuseumTest]:
    for node in ast.parse(file.read_text("utf-8")).body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            yield _labelled(f"{file.relative_to(ROOT)}::{node.name}", ast.get_docstring(node) or "")


def _labelled(name: str, label: str) -> MuseumTest:
    happened, _, rest = label.partition("\n\n")
    found = _REPORT.fullmatch(rest.strip())
    if not happened or found is None:
        raise UnlabelledError(name)
    report = f"{found[1]}#{found[2]}"
    return MuseumTest(name, " ".join(happened.split()), report, found[0])


def reports(tests: Sequence[MuseumTest]) -> list[str]:
    """Each report once, in the order of the alphabet."""
    return sorted({test.report for test in tests}, key=str.casefold)


def table() -> str:
    """The exhibits in Markdown: report, what happened there, the tests, and what turns them red."""
    tests, bugs = museum_tests(), relapses()
    rows = [_row([test for test in tests if test.report == report], bugs) for report in reports(tests)]
    return "\n".join(("| report | what happened there | test | seen red when |", "|---|---|---|---|", *rows))


def _row(tests: Sequence[MuseumTest], bugs: Sequence[Relapse]) -> str:
    names = {test.name for test in tests}
    red = [f"{bug.says} (`{bug.file}`)" for bug in bugs if names & set(bug.tests)]
    shown = [f"`{name.partition('::')[2]}`" for name in sorted(names)]
    link = f"[{tests[0].report}]({tests[0].url})"
    return f"| {link} | {tests[0].happened} | {'<br>'.join(shown)} | {'<br>'.join(red)} |"


def table_in(document: str) -> str:
    """What the document holds between its two marks."""
    return document.partition(BEGINS)[2].partition(ENDS)[0].strip()


if __name__ == "__main__":
    sys.stdout.write(f"{table()}\n")
