"""Write an export into a file of its own: whole or not there, for its owner's eyes alone, never over another one.

The records go into FILE.partial, which becomes FILE once the last one is written: one that was cut never has that name.
"""

from __future__ import annotations

import filecmp
import os
from argparse import Namespace
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from chalicelib.flows.export_team import END, Record, export_team
from ops.commands import RefusedError
from ops.environment import Deployment

_EXISTS = "{} exists already; nothing was written over it. Name another file"
_DIFFERS = "{} exists already and holds something else; nothing was written over it. Name another file"


def export(deployment: Deployment, asked: Namespace) -> Iterator[str]:
    check_writable(asked.file)
    if asked.file.exists():
        raise RefusedError(_EXISTS.format(asked.file))
    yield from told(asked.file, write_export(asked.file, export_team(deployment.ctx, asked.team_id)))


def told(file: Path, counts: dict[str, int]) -> Iterator[str]:
    """What an export holds, in lines."""
    yield f"{file}: {', '.join(f'{number} {kind}' for kind, number in counts.items())}"
    yield "One JSON object a line, the last one counts them. It holds what people wrote: keep it as such."


def check_writable(file: Path) -> None:
    """Raises RefusedError where no file can be."""
    with _refused(file):
        is_possible = file.parent.is_dir() and not file.is_dir()
    if not is_possible:
        message = f"{file} cannot be written: name a file in a directory that is there"
        raise RefusedError(message)


def write_export(file: Path, records: Iterable[Record]) -> dict[str, int]:
    """How many records of each kind the file holds. One that is there stays, and is enough if it says the same.

    Raises RefusedError, and what `records` raises.
    """
    partial = file.with_name(f"{file.name}.partial")
    with _refused(file):
        partial.unlink(missing_ok=True)
        try:
            counts = _written(partial, records)
            _named(partial, file)
        finally:
            partial.unlink(missing_ok=True)
    return counts


@contextmanager
def _refused(file: Path) -> Iterator[None]:
    """What the system will not do, in its own words."""
    try:
        yield
    except OSError as error:
        message = f"{file} cannot be written: {error.strerror}"
        raise RefusedError(message) from None


def _written(partial: Path, records: Iterable[Record]) -> dict[str, int]:
    counts: dict[str, int] = {}
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as lines:
        for record in records:
            lines.write(_line(record))
            counts = record["counts"] if record["kind"] == END else counts
        lines.flush()
        os.fsync(lines.fileno())
    return counts


def _line(record: dict[str, Any]) -> bytes:
    return msgspec.json.encode(record) + b"\n"


def _named(partial: Path, file: Path) -> None:
    """Give it its name, unless something has that name. A link fails where a renaming would write over it."""
    try:
        os.link(partial, file)
    except FileExistsError:
        if not filecmp.cmp(partial, file, shallow=False):
            raise RefusedError(_DIFFERS.format(file)) from None
