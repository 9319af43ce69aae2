"""`make museum`: bring each bug of the museum back, in a copy of the tree, and see its tests turn red.

    python -m tests.museum              all of them
    python -m tests.museum 14040 time   those whose tests or files are named so

Every test is seen green first. Red counts only by a failed assertion: code that no longer runs proves nothing.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

from tests.museum.exhibits import ROOT, museum_tests
from tests.museum.relapses import Relapse, StaleRelapseError, applied, relapses
from tests.museum.trial import Verdict

NEEDED = ("app.py", "README.md", "pyproject.toml", "chalicelib", "sandbox", "tests")
SECONDS = 180
"""One file, on a machine that has other things to do as well."""


@dataclass(frozen=True, slots=True)
class Trial:
    """The tests of a file against the code as it is, or one test against the code with its bug."""

    tests: tuple[str, ...]
    relapse: Relapse | None = None

    def __str__(self) -> str:
        return f"{self.tests[0]}: {self.relapse.says}" if self.relapse else ", ".join(self.tests)

    def fault(self, verdict: Verdict) -> str | None:
        """What is wrong, if it did not go as it must."""
        shown = "; ".join([*verdict.broken, *verdict.red]) or f"{verdict.green} passed"
        if self.relapse is None:
            return None if verdict.is_green else f"not green as it is: {shown}"
        return None if verdict.is_red else f"not red: {self}: {shown}"


def main(words: Sequence[str]) -> int:
    """Say how it went. 0: each test was green, and red with its bug. 1: not so."""
    began, chosen = time.monotonic(), _chosen(words)
    trials = _trials(chosen)
    with _copies(os.cpu_count() or 1) as copies, ThreadPoolExecutor(copies.qsize()) as pool:
        faults = [fault for fault in pool.map(lambda trial: _held(trial, copies), trials) if fault]
    if not words:
        faults += (never_red := _without_relapse(chosen))
        _say(*(f"FAULT {fault}" for fault in never_red))
    tests = {test for relapse in chosen for test in relapse.tests}
    took = time.monotonic() - began
    _say(f"{len(tests)} tests, {len(chosen)} bugs brought back, {len(faults)} faults, {took:.0f} s")
    return 1 if faults else 0


def _chosen(words: Sequence[str]) -> list[Relapse]:
    return [one for one in relapses() if not words or any(word in name for word in words for name in one.tests)]


def _trials(chosen: Sequence[Relapse]) -> list[Trial]:
    files: dict[str, dict[str, None]] = {}
    for test in (test for relapse in chosen for test in relapse.tests):
        files.setdefault(test.partition("::")[0], {})[test] = None
    green = [Trial(tuple(tests)) for tests in files.values()]
    return [*green, *(Trial((test,), relapse) for relapse in chosen for test in relapse.tests)]


def _without_relapse(chosen: Sequence[Relapse]) -> list[str]:
    red = {test for relapse in chosen for test in relapse.tests}
    return [f"{test.name} was never seen red" for test in museum_tests() if test.name not in red]


@contextmanager
def _copies(number: int) -> Iterator[SimpleQueue[Path]]:
    """As many copies of the tree, each for one process at a time."""
    copies: SimpleQueue[Path] = SimpleQueue()
    with tempfile.TemporaryDirectory(prefix="museum-") as directory:
        for index in range(number):
            copies.put(_copy(Path(directory).resolve() / str(index)))
        yield copies


def _copy(tree: Path) -> Path:
    tree.mkdir()
    for name in NEEDED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, tree / name)
        else:
            shutil.copy2(ROOT / name, tree / name)
    return tree


def _held(trial: Trial, copies: SimpleQueue[Path]) -> str | None:
    """What is wrong, if anything is."""
    tree = copies.get()
    try:
        verdict = _verdict(trial, tree)
    except (StaleRelapseError, subprocess.SubprocessError) as error:
        verdict = Verdict(broken=[str(error)])
    finally:
        copies.put(tree)
    fault = trial.fault(verdict)
    _say(f"FAULT {fault}" if fault else f"{'red' if trial.relapse else 'green'} {trial}", *verdict.red)
    return fault


def _verdict(trial: Trial, tree: Path) -> Verdict:
    if trial.relapse is None:
        return _run(trial.tests, tree)
    with applied(trial.relapse, tree):
        return _run(trial.tests, tree)


def _run(tests: Sequence[str], tree: Path) -> Verdict:
    """Raises subprocess.SubprocessError when it ends badly, or not at all."""
    kept = {name: value for name, value in os.environ.items() if name not in {"ANTEROOM_LONG", "PYTHONPATH"}}
    run = subprocess.run(
        [sys.executable, "-m", "tests.museum.trial", str(tree), *tests],
        cwd=tree,
        env={**kept, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=True,
    )
    return Verdict(**json.loads(run.stdout))


def _say(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
