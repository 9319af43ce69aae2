"""How `python -m sandbox` starts, refuses to start, and ends."""

from __future__ import annotations

import signal
import socket
from pathlib import Path

import httpx
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


def test_a_platform_at_stripe_itself_starts_with_nothing_connected(tmp_path: Path) -> None:
    running = Started(tmp_path, connect="on", STRIPE_SECRET_KEY="sk_test_of_a_person", STRIPE_CLIENT_ID="ca_ofAPerson")
    assert running.told["connect"] is True
    assert running.told["stripe_account_id"] is None
    assert running.told["other_clinic"]["stripe_account_id"] is None
    assert "this must be among the redirect URIs" in running.text
    asked = httpx.post(
        f"{running.told['control_url']}/teams/connect",
        json={"team_id": running.told["other_clinic"]["team_id"]},
        trust_env=False,
    )
    assert asked.json()["url"].startswith("https://connect.stripe.com/oauth/authorize?response_type=code&client_id=ca_")
    assert running.end() == 0


@pytest.mark.parametrize(
    ("options", "environment", "says"),
    [
        (["--connect", "maybe"], {}, "invalid choice: 'maybe'"),
        (["--connect", "on"], {"STRIPE_SECRET_KEY": "sk_test_x", "STRIPE_CLIENT_ID": "no"}, "STRIPE_CLIENT_ID is no"),
    ],
)
def test_what_no_platform_can_be_started_with_is_told(
    tmp_path: Path, options: list[str], environment: dict[str, str], says: str
) -> None:
    process = start(18098, tmp_path, environment, *options)
    printed, _ = process.communicate(timeout=20)
    assert process.returncode in {1, 2}
    assert says in printed
    assert "Traceback" not in printed


def test_make_run_is_python_m_sandbox_for_one_clinic_unless_told_otherwise() -> None:
    makefile = (ROOT / "Makefile").read_text()
    assert "python -m sandbox --port $(PORT) --connect $(CONNECT)" in makefile
    assert "\nCONNECT ?= off\n" in makefile
