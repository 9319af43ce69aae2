"""A sandbox that runs, one for each module that asks for it, and a script that uses it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.sandbox.script import Script, Started


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    running = Started(tmp_path_factory.mktemp("local"))
    yield running
    assert running.end() == 0


@pytest.fixture
def script(started: Started) -> Iterator[Script]:
    script = Script(started.told)
    with script.closing:
        script.control("/webhooks", mode="deliver", delay=0)
        yield script
        script.control("/faults", target="stripe", times=0)
        script.control("/faults", target="dynamodb", times=0)
