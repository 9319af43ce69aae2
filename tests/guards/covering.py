"""Which tests run which lines, and how long each takes: one run of them all, before anything is broken.

Decides nothing about mutants. To be called in a process of its own: it imports everything that it measures.
"""

from __future__ import annotations

import importlib
import sys
from collections import defaultdict
from collections.abc import Collection, Generator
from dataclasses import dataclass, field
from pathlib import Path

import coverage
import pytest

from tests.guards.mutants import Mutant

OURS = ("app", "chalicelib", "infra", "ops", "sandbox", "tests", "bench")
QUIET = (
    "--quiet",
    "--capture=no",
    "--tb=native",
    "--assert=plain",
    *("-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:pytest_cov"),
    *("-W", "ignore::pytest.PytestAssertRewriteWarning"),
)
"""No plugin that keeps or measures anything, and nothing that explains at length why a test is red."""

_IMPORT, _BETWEEN_TESTS = "import", ""


@dataclass
class Covering:
    """`tests`: by module and line, those that run it. `seconds`: of each test. `foreign`: modules of other people's."""

    tests: dict[str, dict[int, set[str]]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    red: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)

    def of(self, mutant: Mutant) -> set[str]:
        """The tests that run any of its lines; for what runs at import, those that run any line of the module."""
        known = self.tests.get(mutant.module, {})
        lines = known if self.acts_at_import(mutant) else mutant.lines
        return set().union(*(known.get(line, ()) for line in lines)) - {_IMPORT, _BETWEEN_TESTS}

    def beside(self, mutant: Mutant) -> set[str]:
        """The tests that may notice though they run none of its lines: a constant, or a record, is used everywhere."""
        return set(self.seconds) - self.of(mutant) if self.acts_at_import(mutant) else set()

    def acts_at_import(self, mutant: Mutant) -> bool:
        known = self.tests.get(mutant.module, {})
        return any(_IMPORT in known.get(line, ()) for line in mutant.lines)


def covering(package: str, folder: Path, suites: Collection[str]) -> Covering:
    """Import the package, then run these suites once, each test in a context of its own."""
    found = Covering()
    measured = coverage.Coverage(data_file=None, include=[f"{folder.absolute()}/*"], config_file=False)
    measured.start()
    measured.switch_context(_IMPORT)
    for file in sorted(folder.glob("*.py")):
        importlib.import_module(f"{package}.{file.stem}")
    measured.switch_context(_BETWEEN_TESTS)
    pytest.main([*QUIET, *suites], plugins=[_Recorder(found, measured)])
    measured.stop()
    figures = measured.get_data()
    for measured_file in figures.measured_files():
        contexts = figures.contexts_by_lineno(measured_file)
        found.tests[Path(measured_file).stem] = {line: set(tests) for line, tests in contexts.items()}
    found.foreign = [name for name in sys.modules if name.partition(".")[0] not in {*OURS, package.partition(".")[0]}]
    return found


class _Recorder:
    """A pytest plugin: tells coverage which test runs, and writes down how it went."""

    def __init__(self, found: Covering, measured: coverage.Coverage) -> None:
        self._found = found
        self._measured = measured
        self._seconds: defaultdict[str, float] = defaultdict(float)
        found.seconds = self._seconds

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        self._measured.switch_context(item.nodeid)
        try:
            return (yield)
        finally:
            self._measured.switch_context(_BETWEEN_TESTS)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._seconds[report.nodeid] += report.duration
        if report.failed:
            self._found.red.append(report.nodeid)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self._found.red.append(report.nodeid)
