"""A script that uses the sandbox as docs/sandbox.md says: by its file, its control calls and the product's API."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).resolve().parents[2]
END_WITHIN = 20.0
"""Seconds; on an idle machine it takes less than one."""

AS_JSON = {"Accept": "application/json"}
VISA = "4242424242424242"
DECLINED = "4000000000000002"
FEE: dict[str, Any] | None = {"amount": 8000, "currency": "aud"}
PORTS = range(18100, 18900, 2)


class Started:
    """`python -m sandbox` on a free pair of ports, with its files in `directory`; `connect="on"`: a platform."""

    def __init__(self, directory: Path, *, connect: str | None = None, **environment: str) -> None:
        self.directory = directory
        self.process, self.text = self._start(["--connect", connect] if connect else [], environment)

    def _start(self, options: list[str], environment: dict[str, str]) -> tuple[subprocess.Popen[str], str]:
        for port in PORTS:
            process = start(port, self.directory, environment, *options)
            text = read_until_ready(process)
            if text:
                return process, text
        message = "no pair of ports is free"
        raise RuntimeError(message)

    @property
    def told(self) -> dict[str, Any]:
        """The content of sandbox.json."""
        content: dict[str, Any] = json.loads((self.directory / "sandbox.json").read_text())
        return content

    def end(self, how: signal.Signals = signal.SIGINT) -> int:
        """The exit status."""
        self.process.send_signal(how)
        self.process.communicate(timeout=END_WITHIN)
        return self.process.returncode


def start(port: int, directory: Path, environment: dict[str, str], *options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "sandbox", "--port", str(port), "--directory", str(directory), *options],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def read_until_ready(process: subprocess.Popen[str]) -> str:
    """What it printed until it was ready; empty when its ports were taken."""
    assert process.stdout is not None
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line)
        if line.startswith("Ctrl-C"):
            return "".join(lines)
    printed = "".join(lines)
    process.stdout.close()
    process.wait(timeout=10)
    if "is taken" not in printed:
        raise RuntimeError(printed)
    return ""


@dataclass
class Script:
    """`told` is the content of sandbox.json."""

    told: dict[str, Any]

    def __post_init__(self) -> None:
        self.closing = ExitStack()
        self.http = self.browser()
        self.token = self.token_of(self.told["client_id"], self.told["client_secret"])

    def browser(self) -> httpx.Client:
        """A client with cookies of its own, open until the script ends."""
        return self.closing.enter_context(httpx.Client(trust_env=False, timeout=30))

    # --- control calls ----------------------------------------------------------------------------------------------

    def control(self, path: str, **fields: Any) -> dict[str, Any]:
        answer = self.http.post(self.told["control_url"] + path, json=fields)
        assert answer.status_code == 200, answer.text
        content: dict[str, Any] = answer.json()
        return content

    def control_refused(self, path: str, **fields: Any) -> httpx.Response:
        answer = self.http.post(self.told["control_url"] + path, json=fields)
        assert answer.status_code != 200, answer.text
        return answer

    def state(self) -> dict[str, Any]:
        content: dict[str, Any] = self.http.get(f"{self.told['control_url']}/state").json()
        return content

    def now(self) -> datetime:
        return datetime.fromisoformat(self.state()["clock"])

    def stripe_objects(self, kind: str, account_id: str | None = None) -> list[dict[str, Any]]:
        """Those of an account, oldest first; None: the deployment's own."""
        found: list[dict[str, Any]] = self.stripe_account(account_id)[kind]
        return found

    def stripe_account(self, account_id: str | None = None) -> dict[str, Any]:
        """All that the stand-in holds of an account; None: the deployment's own."""
        stripe = self.state()["stripe"]
        wanted = account_id or stripe["account_id"]
        found: dict[str, Any] = next(one for one in stripe["accounts"] if one["account"]["id"] == wanted)
        return found

    def spent(self, origin: str = "http") -> tuple[int, int, int]:
        """Reads and writes of the database, and requests to Stripe, since the last reset."""
        tally = self.state()["counters"][origin]
        return tally["dynamodb"]["reads"], tally["dynamodb"]["writes"], tally["stripe"]

    # --- the clinic -------------------------------------------------------------------------------------------------

    def token_of(self, client_id: str, client_secret: str) -> str:
        answer = self.http.post(
            f"{self.told['api_url']}/auth/token",
            auth=(client_id, client_secret),
            data={"grant_type": "client_credentials"},
        )
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    def sign_in(self) -> None:
        """A new token: an old one ends when the clock is moved."""
        self.token = self.token_of(self.told["client_id"], self.told["client_secret"])

    def post_session(self, body: dict[str, Any], token: str | None = None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token or self.token}"}
        return self.http.post(f"{self.told['api_url']}/sessions", json=body, headers=headers)

    def schedule(self, starts_in: timedelta = timedelta(0), fee: dict[str, Any] | None = FEE) -> Booked:
        """A session of half an hour with a host and a guest."""
        self.sign_in()
        starts = self.now() + starts_in
        body = {
            "session_name": "Consultation",
            "start_time": starts.isoformat(),
            "end_time": (starts + timedelta(minutes=30)).isoformat(),
            "participants": [
                {"role": "HOST", "display_name": "Dr Lee"},
                {"role": "GUEST", "display_name": "Alex <b>Moor", "fee": fee},
            ],
        }
        answer = self.post_session(body)
        assert answer.status_code == 200, answer.text
        session = answer.json()
        host, guest = session["participants"]
        return Booked(self, session["session_id"], host["entry_url"], guest["entry_url"])

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> httpx.Response:
        """Any other call of the API."""
        headers = {"Authorization": f"Bearer {self.token}"}
        return self.http.request(method, f"{self.told['api_url']}{path}", json=body, headers=headers)

    def session(self, session_id: str, token: str | None = None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token or self.token}"}
        return self.http.get(f"{self.told['api_url']}/sessions/{session_id}", headers=headers)


@dataclass
class Booked:
    """A session; what a client does is done with the guest's link, by a browser of their own (`cookies`)."""

    script: Script
    session_id: str
    host: str
    guest: str

    def __post_init__(self) -> None:
        self.browser = self.script.browser()

    def door(self, link: str | None = None) -> str:
        answer = self.browser.get(link or self.guest, headers=AS_JSON)
        return str(answer.json().get("status"))

    def offer(self) -> str:
        """The hosted Checkout page."""
        answer = self.browser.post(f"{self.guest}/checkout")
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]

    def pay(self, card: str = VISA) -> httpx.Response:
        """The hosted page's answer."""
        return self.browser.post(self.offer(), data={"card": card})

    def payment(self) -> dict[str, Any]:
        guest = self.script.session(self.session_id).json()["participants"][1]
        found: dict[str, Any] = guest["payment"]
        return found


def eventually(holds: Callable[[], bool], within: float = 5.0) -> bool:
    """Whether it holds before long: for what a thread of the sandbox does by itself."""
    ends = time.monotonic() + within
    while time.monotonic() < ends:
        if holds():
            return True
        time.sleep(0.05)
    return holds()
