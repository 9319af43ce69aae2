"""One mutant against the tests that run it, in a process of its own, which ends when the first of them is red.

Two ways to hold it. **Swapped**: the fork of a process that has collected the tests gets the one function with the
mutant in it; that takes milliseconds. **Planted**: the fork of a process that has imported the libraries and nothing of
ours imports it anew; that takes half a second, and is needed where the mutant acts while the module is imported.
"""

from __future__ import annotations

import functools
import importlib.abc
import importlib.machinery
import importlib.util
import inspect
import os
import resource
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from types import CodeType, FunctionType, ModuleType
from typing import NoReturn

import hypothesis
import pytest

from tests.guards.covering import QUIET
from tests.guards.mutants import Mutant, code_of

SURVIVED, KILLED, BROKEN = 0, 1, 2
"""How the process ends. Broken: the trial itself could not be held."""

_MEMORY = 3 << 30
"""What a mutant that loops for ever may fill."""

_PATIENCE = 20
"""How often the time of a test may pass, on the processor, before it hangs; and `_LEAST_PATIENCE` in seconds."""
_LEAST_PATIENCE = 2
_IMPORTED_IN = 60

Seconds = Mapping[str, float]


def steady_chance() -> None:
    """Searches that find the same tomorrow, and are done with the first thing found, however slow the machine."""
    hypothesis.settings.register_profile(
        "guards",
        phases=(hypothesis.Phase.explicit, hypothesis.Phase.generate),
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=tuple(hypothesis.HealthCheck),
    )
    hypothesis.settings.load_profile("guards")


def hold_swapped(mutant: Mutant, package: str, items: Sequence[pytest.Item], seconds: Seconds) -> NoReturn:
    """Run the tests in their order, until one is red."""
    _end_with(lambda: _swapped(mutant, package, items, seconds))


def hold_planted(mutant: Mutant, package: str, stages: Sequence[Sequence[str]], seconds: Seconds) -> NoReturn:
    """The same, each file of tests imported anew; those of a later stage only if none before was red."""
    _end_with(lambda: _planted(mutant, package, stages, seconds))


def _end_with(held: Callable[[], int]) -> NoReturn:
    os.setpgid(0, 0)
    resource.setrlimit(resource.RLIMIT_DATA, (_MEMORY, _MEMORY))
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (sys.stdout.fileno(), sys.stderr.fileno()):
        os.dup2(nowhere, stream)
    verdict = BROKEN
    try:
        verdict = held()
    finally:
        os._exit(verdict)


def _limit(test: str, seconds: Seconds) -> None:
    """By the processor's time, since others may work on this machine; SIGPROF ends the process."""
    signal.setitimer(signal.ITIMER_PROF, _LEAST_PATIENCE + _PATIENCE * seconds.get(test, 0))


# --- swapped ------------------------------------------------------------------------------------------------------


def _swapped(mutant: Mutant, package: str, items: Sequence[pytest.Item], seconds: Seconds) -> int:
    swap(mutant, sys.modules[f"{package}.{mutant.module}"])
    for item, following in pairwise([*items, None]):
        assert item is not None, "only the last has none that follows"
        _limit(item.nodeid, seconds)
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        if item.session.testsfailed:
            return KILLED
    return SURVIVED


def swap(mutant: Mutant, module: ModuleType) -> None:
    """Give the function its code with the mutant in it; whoever has imported it by name has the same function."""
    assert mutant.body_of is not None, "what runs at import is planted"
    code = code_of(mutant, module.__name__)
    _function(module, mutant.body_of).__code__ = next(c for c in _codes(code) if c.co_qualname == mutant.body_of)


def _codes(code: CodeType) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from _codes(constant)


def _function(module: ModuleType, path: str) -> FunctionType:
    found: object = module
    for name in path.split("."):
        found = vars(found)[name]
    match found:
        case property(fget=bare) | functools.cached_property(func=bare):
            found = bare
        case staticmethod() | classmethod():
            found = found.__func__
        case _:
            pass
    assert callable(found), path
    bare_function = inspect.unwrap(found)
    assert isinstance(bare_function, FunctionType), path
    return bare_function


# --- planted ------------------------------------------------------------------------------------------------------


def _planted(mutant: Mutant, package: str, stages: Sequence[Sequence[str]], seconds: Seconds) -> int:
    module = f"{package}.{mutant.module}"
    sys.meta_path.insert(0, _Planted(module, code_of(mutant, module)))
    for tests in stages:
        verdict = _run(tests, seconds)
        if verdict != SURVIVED:
            return verdict
    return SURVIVED


def _run(tests: Sequence[str], seconds: Seconds) -> int:
    files = dict.fromkeys(test.partition("::")[0] for test in tests)
    signal.setitimer(signal.ITIMER_PROF, _IMPORTED_IN)
    match pytest.main(["--exitfirst", *QUIET, *files], plugins=[_Only(tests, seconds)]):
        case pytest.ExitCode.OK:
            return SURVIVED
        case pytest.ExitCode.TESTS_FAILED | pytest.ExitCode.INTERRUPTED | pytest.ExitCode.USAGE_ERROR:
            return KILLED  # the last two: a file of tests, or the conftest, could not even be imported
        case _:
            return BROKEN


class _Only:
    """A pytest plugin: these tests alone, in this order, each in its time; and those that were never there before.

    These are new because a mutant changed what tests are made of.
    """

    def __init__(self, tests: Sequence[str], seconds: Seconds) -> None:
        self._ranks = {test: rank for rank, test in enumerate(tests)}
        self._seconds = seconds

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        chosen = [item for item in items if item.nodeid in self._ranks or item.nodeid not in self._seconds]
        items[:] = sorted(chosen, key=lambda item: self._ranks.get(item.nodeid, len(items)))

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        _limit(nodeid, self._seconds)


class _Planted(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports one module from this code, all others as usual."""

    def __init__(self, module: str, code: CodeType) -> None:
        self._module = module
        self._code = code

    def find_spec(self, fullname: str, path: object, target: object = None) -> importlib.machinery.ModuleSpec | None:
        return importlib.util.spec_from_loader(fullname, self) if fullname == self._module else None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        exec(self._code, module.__dict__)  # noqa: S102 - our own code, mutated
