"""One process of a race: the deployed application, on a context of its own, sends what it is told all at once.

It says READY once it is up. Then it is told by its pipe: its requests (READY again, once it is able to start), then the
start; and it gives back the answers in that order. Its output goes to a file: pytest's is not for programs.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import app as deployed
from chalicelib import wiring
from chalicelib.storage.tables import TABLES
from sandbox.environment import shut_out
from tests.engines.engine_wire import be_patient
from tests.support.edge import Reply, gateway_event

READY = "ready"
SWEEP = "SWEEP"
"""In place of a method: the scheduled function, once."""


@dataclass(frozen=True, slots=True)
class Sent:
    """One request to the edge; `url` is a path, or the whole address."""

    method: str
    url: str = "/"
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Work:
    """`ahead`: how far this deployment's clock is ahead of the machine's."""

    requests: tuple[Sent, ...]
    ahead: timedelta


def run(pipe: Connection, environment: Mapping[str, str], log: Path) -> None:
    """Race until this process is ended."""
    with log.open("ab") as output:
        for standard in (1, 2):
            os.dup2(output.fileno(), standard)
    os.environ.update(environment)
    shut_out()
    _warm_up()
    pipe.send(READY)
    while True:
        work: Work = pipe.recv()
        _use_clock(work.ahead)
        with ThreadPoolExecutor(max(1, len(work.requests))) as threads:
            pipe.send(READY)
            pipe.recv()
            pipe.send(list(threads.map(_answer, work.requests)))


def _warm_up() -> None:
    """Clients of the library are not to be made by many threads at once: a deployed process has one."""
    wiring.context()
    be_patient()
    for model in TABLES.values():
        model.exists()


def _use_clock(ahead: timedelta) -> None:
    clock: Callable[[], datetime] = lambda: datetime.now(UTC) + ahead  # noqa: E731
    wiring.use(replace(wiring.context(), clock=clock))


def _answer(sent: Sent) -> Reply:
    if sent.method == SWEEP:
        deployed.sweep(_SCHEDULED, None)
        return Reply(200, {}, "")
    answer = deployed.app(gateway_event(sent.method, sent.url, sent.body, sent.headers), None)
    merged = {**answer["headers"], **{name: value[0] for name, value in answer["multiValueHeaders"].items()}}
    return Reply(answer["statusCode"], {name.lower(): value for name, value in merged.items()}, answer["body"])


_SCHEDULED: dict[str, Any] = {
    "version": "0",
    "id": "1",
    "detail-type": "Scheduled Event",
    "source": "aws.events",
    "account": "1",
    "time": "2026-03-02T12:00:00Z",
    "region": "us-east-1",
    "resources": [],
    "detail": {},
}
"""As EventBridge calls it."""
