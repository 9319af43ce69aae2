"""Tests of the museum in a process of its own: says as JSON whether they were green, and if not, what was raised.

    python -m tests.museum.trial TREE TEST ...

Run in a copy of the tree: it refuses to judge any other code.
"""

from __future__ import annotations

import json
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import asdict, dataclass, field
from io import StringIO
from pathlib import Path

import pytest

import chalicelib

PLAIN = ("--quiet", "--disable-plugin-autoload", "-p", "pytest_socket", "-p", "no:cacheprovider")
"""No plugin but the one that closes sockets: each costs every trial its import."""


@dataclass
class Verdict:
    """`green`: how many passed. `red`: which failed an assertion. `broken`: what went wrong otherwise."""

    green: int = 0
    red: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    @property
    def is_green(self) -> bool:
        return self.green > 0 and not self.red and not self.broken

    @property
    def is_red(self) -> bool:
        return bool(self.red) and not self.broken


class _Witness:
    """A pytest plugin: tells a failed assertion from everything else."""

    def __init__(self) -> None:
        self.verdict = Verdict()

    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> None:
        if call.excinfo is None:
            self.verdict.green += call.when == "call"
            return
        failed = call.when == "call" and call.excinfo.errisinstance((AssertionError, pytest.fail.Exception))
        told = f"{item.nodeid}: {call.excinfo.typename}: {_first_line(str(call.excinfo.value))}"
        (self.verdict.red if failed else self.verdict.broken).append(told)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.verdict.broken.append(f"{report.nodeid}: {_first_line(report.longreprtext[::-1])[::-1]}")


def _first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "")


def main(tree: str, *tests: str) -> Verdict:
    """Stops at the first that is not green. Raises RuntimeError where the code to be run is not that of the tree."""
    if not Path(chalicelib.__file__).is_relative_to(tree):
        raise RuntimeError(f"{chalicelib.__file__} is not of {tree}")
    witness = _Witness()
    with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
        ended = pytest.main([*PLAIN, "--exitfirst", "--tb=short", *tests], plugins=[witness])
    if ended not in {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED} and not witness.verdict.broken:
        witness.verdict.broken.append(f"pytest ended with {ended}")
    return witness.verdict


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asdict(main(*sys.argv[1:]))))
