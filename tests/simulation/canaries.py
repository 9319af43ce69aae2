"""Canaries: names, addresses, tokens and secrets that carry a mark, and the places outside in which none may be seen.

What is logged is formatted as in a deployment, extras included. Requests to Stripe are looked through without the
secret key that they carry by design.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from typing_extensions import override

from chalicelib.http.logs import JsonLines

REMARK = "REMARK"
"""In what clinics and operators write into the audit: there it may be seen, and nowhere else."""

CANARY = "CANARY"
"""In every name, e-mail, phone number, description and secret of the simulation."""


class Recorder(logging.Handler):
    """Keeps every line that would be logged, and every text of an exception that left a flow."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.setFormatter(JsonLines())
        self.lines: list[str] = []
        self.errors: list[str] = []
        self.tokens: set[str] = set()
        """Of links and return pages, and the states of those who went to connect an account, as they were given out."""
        self.codes: set[str] = set()
        """Of owners who agreed; Stripe is told them, and nobody else."""

    @override
    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))

    def failed(self, error: BaseException) -> None:
        """An exception left a flow: its text, and those of whatever it was made of."""
        seen: BaseException | None = error
        while seen is not None:
            self.errors.append(f"{type(seen).__name__}: {seen} {seen.args!r}")
            seen = seen.__cause__

    @contextmanager
    def listening(self) -> Iterator[None]:
        ours = logging.getLogger("anteroom")
        level, propagates = ours.level, ours.propagate
        ours.addHandler(self)
        ours.setLevel(logging.DEBUG)
        ours.propagate = False
        try:
            yield
        finally:
            ours.removeHandler(self)
            ours.setLevel(level)
            ours.propagate = propagates


def sightings(texts: list[str], marks: tuple[str, ...]) -> list[str]:
    """The texts in which a mark is seen."""
    return [text for text in texts if any(mark in text for mark in marks)]
