"""One mutant against the tests that run it, in a process of its own, which ends when the first of them is red.

Called in a fork of a process that has imported the libraries and nothing of ours, so that ours is imported with the
mutant in it: whoever imports a name of the domain gets the mutated one, and what is computed at import is too.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import io
import os
import resource
import sys
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from types import ModuleType

import hypothesis
import pytest

from tests.guards.covering import PLAIN, WARM
from tests.guards.mutants import Mutant, source_of

PACKAGE = "chalicelib.domain"
SURVIVED, KILLED, BROKEN = 0, 1, 2
"""How the process ends. Broken: the trial itself could not be held."""

_MEMORY = 2 << 30
"""What a mutant that loops for ever may fill."""


def trial(mutant: Mutant, stages: Sequence[Sequence[str]]) -> None:
    """Run the tests of each stage, in their order, until one is red. Does not return."""
    os.setpgid(0, 0)
    resource.setrlimit(resource.RLIMIT_DATA, (_MEMORY, _MEMORY))
    # A search that finds anything is enough, and it is to find the same tomorrow.
    phases = (hypothesis.Phase.explicit, hypothesis.Phase.generate)
    hypothesis.settings.register_profile("guards", phases=phases, derandomize=True, database=None)
    hypothesis.settings.load_profile("guards")
    sys.meta_path.insert(0, _Planted(f"{PACKAGE}.{mutant.module}", source_of(mutant)))
    verdict = SURVIVED
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        for tests in stages:
            verdict = verdict or _run(tests)
    os._exit(verdict)


def _run(tests: Sequence[str]) -> int:
    files = dict.fromkeys(test.partition("::")[0] for test in tests)
    ended = pytest.main(["--exitfirst", *PLAIN, *WARM, *files], plugins=[_Only(tests)])
    if ended is pytest.ExitCode.USAGE_ERROR or ended is pytest.ExitCode.NO_TESTS_COLLECTED:
        return BROKEN
    return SURVIVED if ended is pytest.ExitCode.OK else KILLED


class _Only:
    """A pytest plugin: these tests alone, in this order."""

    def __init__(self, tests: Sequence[str]) -> None:
        self._ranks = {test: rank for rank, test in enumerate(tests)}

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        chosen = [item for item in items if item.nodeid in self._ranks]
        items[:] = sorted(chosen, key=lambda item: self._ranks[item.nodeid])


class _Planted(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports one module from this source, all others as usual."""

    def __init__(self, module: str, source: str) -> None:
        self._module = module
        self._source = source

    def find_spec(self, fullname: str, path: object, target: object = None) -> importlib.machinery.ModuleSpec | None:
        return importlib.util.spec_from_loader(fullname, self) if fullname == self._module else None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self._source, self._module, "exec"), module.__dict__)  # noqa: S102 - our own code, mutated
