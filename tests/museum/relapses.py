"""The small changes of our code that bring the bugs of the museum back: read from relapses.toml, applied to a tree.

Whatever is wrong with one raises StaleRelapseError: code that has moved on must not leave a museum that proves nothing.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DATA = Path(__file__).with_name("relapses.toml")
LONG_PAST = (0, 0)
"""The time of a changed file, which no compiled file has: so none is taken for it."""


class StaleRelapseError(Exception):
    """The code that it would change is not there, or is there twice."""


@dataclass(frozen=True, slots=True)
class Relapse:
    """`tests`, each as pytest names it, turn red when `old`, which stands in `file` once, becomes `new`."""

    tests: tuple[str, ...]
    says: str
    file: str
    old: str
    new: str


def relapses(text: str | None = None) -> list[Relapse]:
    """All of them, in the order they are written in."""
    written = tomllib.loads(DATA.read_text("utf-8") if text is None else text)
    return [_relapse(one) for one in written["relapse"]]


def _relapse(written: dict[str, Any]) -> Relapse:
    """Raises TypeError for a field that is missing or unknown."""
    return Relapse(**{**written, "tests": tuple(_node_id(test) for test in written["tests"])})


def _node_id(test: str) -> str:
    """`sweep::test_x`: of the file of that subject."""
    subject, _, name = test.partition("::")
    return f"tests/museum/test_museum_{subject}.py::{name}"


def relapsed(source: str, relapse: Relapse) -> str:
    """The source with the bug in it. Raises StaleRelapseError."""
    if (found := source.count(relapse.old)) != 1:
        message = f"{relapse.file} holds {found} times what was to be changed so that {relapse.says}"
        raise StaleRelapseError(message)
    return source.replace(relapse.old, relapse.new)


@contextmanager
def applied(relapse: Relapse, tree: Path) -> Iterator[None]:
    """The tree with the bug in it, for the time of a block. Raises StaleRelapseError."""
    file = tree / relapse.file
    times, source = file.stat(), file.read_text("utf-8")
    file.write_text(relapsed(source, relapse), "utf-8")
    os.utime(file, LONG_PAST)
    try:
        yield
    finally:
        file.write_text(source, "utf-8")
        os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
