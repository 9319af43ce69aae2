"""Which tests run which lines, and how long each takes: one run of them all, before anything is broken.

Decides nothing about mutants. To be called in a process of its own: it imports everything that it measures.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Collection, Generator, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import coverage
import pytest

OURS = ("app", "chalicelib", "infra", "ops", "sandbox", "tests", "bench")
PLAIN = ("--quiet", "-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:pytest_cov")
"""No plugin that keeps or measures anything."""

WARM = ("-W", "ignore::pytest.PytestAssertRewriteWarning")
"""Some plugins are imported already, once for all mutants."""


@dataclass
class Covering:
    """`tests`: by module and line, those that run it. `seconds`: of each test. `foreign`: what they import of others."""

    tests: dict[str, dict[int, set[str]]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    red: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)

    def of(self, module: str, lines: Iterable[int]) -> set[str]:
        """The tests that run any of these lines; of what runs at import alone, all those that run the module."""
        known = self.tests.get(module, {})
        running = set().union(*(known.get(line, ()) for line in lines))
        return running - {""} if running != {""} else set().union(*known.values()) - {""}


def covering(domain: Path, suites: Collection[str]) -> Covering:
    """Run these suites once, each test in a context of its own."""
    found = Covering()
    measured = coverage.Coverage(data_file=None, include=[f"{domain.absolute()}/*"], config_file=False)
    measured.start()
    pytest.main([*PLAIN, *WARM, *suites], plugins=[_Recorder(found, measured)])
    measured.stop()
    figures = measured.get_data()
    for file in figures.measured_files():
        contexts = figures.contexts_by_lineno(file)
        found.tests[Path(file).stem] = {line: set(tests) for line, tests in contexts.items()}
    found.foreign = [name for name in sys.modules if name.partition(".")[0] not in OURS]
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
            self._measured.switch_context("")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._seconds[report.nodeid] += report.duration
        if report.failed:
            self._found.red.append(report.nodeid)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self._found.red.append(report.nodeid)
