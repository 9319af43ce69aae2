"""Rows as CSV (RFC 4180) that no spreadsheet takes for formulas. Knows nothing of what the rows are.

A cell is a whole number, `true` or `false`, text, or empty for null. Spreadsheets run what begins with a sign of
theirs, quoted or not; OWASP advises to put a single quote before it
(https://owasp.org/www-community/attacks/CSV_Injection). It lists seven such characters, and other scripts have more. So
every text gets the quote that begins neither with a letter nor with a digit, a number below zero excepted.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from typing import Final

PRESENT: Final = "text/csv; charset=utf-8; header=present"
ABSENT: Final = "text/csv; charset=utf-8; header=absent"
"""RFC 4180, section 3: whether the first line has the names of the columns."""

Cell = str | int | bool | None

_HARMLESS = re.compile(r"[A-Za-z0-9].*|-[0-9]+(\.[0-9]+)?", re.DOTALL)


def csv_text(rows: Iterable[Sequence[Cell]], columns: Sequence[str] = ()) -> str:
    """The lines, each with its CRLF; the columns' names before them, unless there are none."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\r\n")
    if columns:
        writer.writerow(columns)
    writer.writerows([_cell(one) for one in row] for row in rows)
    return written.getvalue()


def _cell(value: Cell) -> str | int:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) or not value or _HARMLESS.fullmatch(value):
        return value
    return f"'{value}"
