"""`make stripe-check` itself: the command, run against a stand-in that is served as Stripe is."""

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.serving import make_server

from sandbox.stripe_standin import StripeStandIn
from sandbox.stripe_standin.web import blueprint
from tests.standin.shop import Clock, new_standin

pytestmark = [pytest.mark.controls, pytest.mark.allow_hosts(["127.0.0.1"])]
ROOT = Path(__file__).parents[2]


def checked(key: str | None, address: str = "") -> tuple[int, str]:
    """The command's exit code, and all that it printed."""
    names = {"STRIPE_SECRET_KEY": key, "STRIPE_API": address or None}
    others = {name: value for name, value in os.environ.items() if name not in names and "PYTEST" not in name}
    env = others | {name: value for name, value in names.items() if value is not None}
    command = [sys.executable, "-m", "tests.standin"]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def served() -> Iterator[tuple[StripeStandIn, str]]:
    standin, app = new_standin(Clock(datetime.now(UTC))), Flask("stripe")
    app.register_blueprint(blueprint(standin))
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield standin, f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_without_a_key_it_says_that_it_is_skipped() -> None:
    code, printed = checked(None)
    assert (code, printed.startswith("skipped: there is no key.")) == (0, True)


def test_a_live_key_is_refused_and_not_repeated() -> None:
    code, printed = checked("sk_live_secret")
    assert (code, "must be a key of test mode" in printed, "secret" in printed) == (2, True, False)


def test_nothing_differs_from_what_keeps_the_contract(served: tuple[StripeStandIn, str]) -> None:
    standin, address = served
    code, printed = checked(standin.secret_key, address)
    assert code == 0, printed
    assert int(re.findall(r"(\d+) passed", printed)[0]) > 90


def test_what_differs_is_named(served: tuple[StripeStandIn, str]) -> None:
    standin, address = served
    standin.set_minimum_charge("aud", 5000_00)
    code, printed = checked(standin.secret_key, address)
    assert code == 1
    assert "FAILED tests/standin/test_standin_checkout.py::test_a_new_session_is_open_unpaid" in printed
    assert standin.secret_key not in printed
