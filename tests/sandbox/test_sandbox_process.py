"""How `python -m sandbox` starts, refuses to start, and ends."""

from __future__ import annotations

import signal
import socket
from pathlib import Path

import pytest

from sandbox.server import is_free
from tests.sandbox.script import PORTS, ROOT, Started, start

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])


@pytest.mark.parametrize("beside", [0, 1])
def test_a_taken_port_gets_a_sentence_and_status_1(tmp_path: Path, beside: int) -> None:
    port = next(one for one in reversed(PORTS) if is_free(one) and is_free(one + 1))
    taken = port + beside
    with socket.create_server(("127.0.0.1", taken)):
        process = start(port, tmp_path, {})
        printed, _ = process.communicate(timeout=20)
    assert process.returncode == 1
    assert f"port {taken} is taken" in printed
    assert "make run PORT=" in printed
    assert "Traceback" not in printed


def test_a_live_key_is_refused(tmp_path: Path) -> None:
    process = start(18098, tmp_path, {"STRIPE_SECRET_KEY": "sk_live_x"})
    printed, _ = process.communicate(timeout=20)
    assert process.returncode == 1
    assert "never touches real money" in printed
    assert "sk_live_x" not in printed


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_at_once_and_takes_its_files_along(tmp_path: Path, how: signal.Signals) -> None:
    running = Started(tmp_path, STRIPE_SECRET_KEY="sk_test_of_a_person")
    assert running.told["stripe_url"] == "https://api.stripe.com"
    assert "Stripe's test mode" in running.text
    assert running.end(how) == 0
    assert [file.name for file in tmp_path.iterdir()] == ["sandbox.log"]


def test_make_run_is_python_m_sandbox() -> None:
    assert "python -m sandbox --port $(PORT)" in (ROOT / "Makefile").read_text()
