"""The examples of docs/examples do what they say, as they stand, against the running product."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.sandbox.script import Script

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

EXAMPLES = Path(__file__).resolve().parents[2] / "docs" / "examples"


def printed(script: Script, *command: str) -> list[str]:
    """The lines that it prints, with nothing but its documented environment."""
    done = subprocess.run(
        command,
        env={
            "PATH": os.environ["PATH"],
            "ANTEROOM": script.told["api_url"].removesuffix("/v1"),
            "CLIENT_ID": script.told["client_id"],
            "CLIENT_SECRET": script.told["client_secret"],
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def is_as_promised(script: Script, lines: list[str]) -> bool:
    """Both links, which open, and whoever owes: the guest who was just scheduled among them."""
    host, guest, *unpaid = lines
    doors = [
        script.http.get(line.rpartition(" ")[2], headers={"Accept": "application/json"}).json() for line in lines[:2]
    ]
    assert (host.partition(":")[0], guest.partition(":")[0]) == ("Dr Lee", "Alex Moor")
    assert [door["status"] for door in doors] == ["early", "pay"]
    assert all(line.startswith("unpaid: ") for line in unpaid)
    return any(line.startswith("unpaid: Alex Moor, 8000, ") for line in unpaid)


def test_the_python_client_schedules_prints_links_and_lists_who_owes(script: Script) -> None:
    assert is_as_promised(script, printed(script, sys.executable, str(EXAMPLES / "client.py")))
    assert len((EXAMPLES / "client.py").read_text().splitlines()) <= 60


def test_the_shell_script_does_the_same(script: Script) -> None:
    for program in ("curl", "jq"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    assert is_as_promised(script, printed(script, "sh", str(EXAMPLES / "curl.sh")))
