"""Starts the real engines that `make engines` fetched, on free ports of this machine; and says what is missing.

Each gives its address while a `with` block runs. Nothing of it stays: both keep what they hold in memory.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ENGINES = ROOT / ".local/engines"
DYNAMODB_LOCAL = ENGINES / "dynamodb-local"
STRIPE_MOCK = ENGINES / "stripe-mock/stripe-mock"
STRIPE_DOCUMENT = STRIPE_MOCK.with_name("openapi.json")
"""Stripe's whole OpenAPI document, as stripe-mock carries it."""


def missing_for_dynamodb(engines: Path = ENGINES, path: str | None = None) -> str | None:
    """What keeps DynamoDB Local from running here, and what to do about it. `path` None: this process's own."""
    if shutil.which("java", path=path) is None:
        return "Java is not installed (on Debian: apt-get install default-jdk-headless maven, then make engines)"
    if not (engines / "dynamodb-local.stamp").exists():
        return "Amazon's DynamoDB Local is not here (make engines; on Debian it needs default-jdk-headless maven)"
    return None


def missing_for_stripe(engines: Path = ENGINES) -> str | None:
    """What keeps stripe-mock from running here, and what to do about it."""
    if not (engines / "stripe-mock.stamp").exists():
        return "Stripe's stripe-mock is not here (make engines; on Debian it needs golang-go)"
    return None


@contextmanager
def dynamodb_local() -> Iterator[str]:
    """Amazon's engine, empty. It would send usage figures to Amazon, hence the switch."""
    program = ["java", "-Xmx512m", "-Djava.library.path=lib", "-cp", "lib/*:.", "LoopbackDynamoDB"]
    with _running([*program, "-inMemory", "-disableTelemetry"], DYNAMODB_LOCAL, r"listening on port (\d+)") as port:
        yield f"http://127.0.0.1:{port}"


@contextmanager
def stripe_mock() -> Iterator[str]:
    """Stripe's own check of requests: it answers examples and keeps nothing."""
    program = [str(STRIPE_MOCK), "-http-addr", "127.0.0.1:0"]
    with _running(program, ROOT, r"Listening for HTTP at address: 127\.0\.0\.1:(\d+)") as port:
        yield f"http://127.0.0.1:{port}"


@contextmanager
def _running(program: list[str], directory: Path, ready: str) -> Iterator[str]:
    """The process, from the line of its output that says it is ready; gives what that line names."""
    log = subprocess.DEVNULL
    with subprocess.Popen(program, cwd=directory, stdout=subprocess.PIPE, stderr=log, text=True) as process:
        try:
            yield _told(process, re.compile(ready))
        finally:
            process.terminate()


def _told(process: subprocess.Popen[str], ready: re.Pattern[str]) -> str:
    printed = []
    for line in process.stdout or ():
        if found := ready.search(line):
            return found[1]
        printed.append(line)
    message = "the engine ended before it was ready:\n" + "".join(printed)
    raise RuntimeError(message)
