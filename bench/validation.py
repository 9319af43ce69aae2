"""The library that reads and writes JSON shapes: msgspec, as used, beside pydantic: `python -m bench.validation`.

Both get what `json_body.py` parsed, since it is stricter than either, and write the same answer. The import is what a
cold start pays.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import msgspec
import pydantic

from bench.timing import ROUNDS, cpu
from chalicelib.http.schemas import SessionIn
from chalicelib.http.shape_reading import read_as

TIMES = 2000
IMPORTS = 9


class FeeModel(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid", strict=True)

    amount: int
    currency: str
    description: str | None = None
    payee: str | None = None


class ParticipantModel(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid", strict=True)

    role: str | None = None
    display_name: str | None = None
    picture: str | bool | None = None
    state: str | None = None
    email: str | None = None
    phone: str | None = None
    fee: FeeModel | None = None


class SessionModel(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(strict=True)

    start_time: str
    end_time: str
    session_name: str | None = None
    picture: str | bool | None = None
    feature_flags: list[str] | None = None
    participants: list[ParticipantModel] | None = None


GOOD: dict[str, Any] = {
    "session_name": "Initial consultation",
    "start_time": "2026-03-02T13:00:00Z",
    "end_time": "2026-03-02T13:30:00Z",
    "participants": [
        {"role": "HOST", "display_name": "Dr Lee"},
        {"role": "GUEST", "display_name": "Alex Moor", "fee": {"amount": 8000, "currency": "aud"}},
    ],
}
BAD: dict[str, Any] = {**GOOD, "start_time": 5, "participants": [{"fee": {"amount": "8000"}}, {"Fee": None}]}


def refused(content: dict[str, Any]) -> list[Any]:
    """Pydantic's way to every problem at once."""
    try:
        SessionModel.model_validate(content)
    except pydantic.ValidationError as error:
        return error.errors(include_url=False)
    return []


def import_of(statement: str) -> float:
    """Milliseconds of CPU that a new process pays for it, beside what Python itself takes."""
    return _process(statement) - _process("pass")


def _process(statement: str) -> float:
    """The fastest of some, by the wall: CPU of a child can't be told from its start."""
    took = []
    for _ in range(IMPORTS):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", statement], check=True)  # noqa: S603 (this very Python)
        took.append(time.perf_counter() - began)
    return min(took) * 1000


def main() -> None:
    fields = "; ".join(f"f{number}: int" for number in range(3))
    struct = "from msgspec import Struct\nclass A(Struct):\n    " + fields
    model = "from pydantic import BaseModel\nclass A(BaseModel):\n    " + fields
    answer, as_model = msgspec.convert(GOOD, SessionIn), SessionModel.model_validate(GOOD)
    print(f"Python {sys.version.split()[0]}; CPU in µs, the best of {ROUNDS} rounds; imports in ms")
    print(f"{'':<36}{'msgspec':>10}{'pydantic':>10}")
    _line("import with one shape (ms)", import_of(struct), import_of(model))
    _row("read a good body", lambda: read_as(SessionIn, GOOD), lambda: SessionModel.model_validate(GOOD))
    _row("every problem of a bad body", lambda: read_as(SessionIn, BAD), lambda: refused(BAD))
    _row("write it as JSON", lambda: msgspec.json.encode(answer), as_model.model_dump_json)


def _row(name: str, ours: Callable[[], object], theirs: Callable[[], object]) -> None:
    _line(name, cpu(ours, TIMES), cpu(theirs, TIMES))


def _line(name: str, ours: float, theirs: float) -> None:
    print(f"{name:<36}{ours:>10.1f}{theirs:>10.1f}")


if __name__ == "__main__":
    main()
