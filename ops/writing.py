"""How the command line writes times, amounts and what people typed; always the same, so that output can be compared."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from chalicelib.domain.money import Money, UnknownCurrencyError, display

NO_TIME = "-"


def moment(at: datetime | None) -> str:
    """A time in UTC to the second; `-` where none is kept."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if at else NO_TIME


def money(amount: int, currency: str) -> str:
    """An amount as people write it; one in a currency that we do not know by its minor units."""
    try:
        return display(Money(amount, currency))
    except UnknownCurrencyError:
        return f"{amount} minor units of {plain(currency)}"


def plain(text: str) -> str:
    """What somebody typed, on one line and without what a terminal would obey."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def columns(rows: Iterable[tuple[str, ...]], indent: str = "  ") -> Iterator[str]:
    """Rows under each other, every column but the last as wide as its widest cell."""
    kept = list(rows)
    widths = [max(map(len, column)) for column in zip(*kept, strict=True)]
    for row in kept:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        yield (indent + "  ".join(cells)).rstrip()
