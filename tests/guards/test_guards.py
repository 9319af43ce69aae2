"""The tool itself, on a package of a few lines: what its tests notice, what they do not, and what it says of both."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

DOORS = """
LEAST = 18

def may_enter(age, banned):
    if banned:
        return False
    return age >= LEAST
"""
ROUNDS = """
def walked(rounds, step):
    while rounds:
        rounds -= step
    return rounds
"""
CAREFUL = """
import pytest
from rules.doors import may_enter
from rules.rounds import walked

@pytest.mark.parametrize(("age", "banned", "enters"), [(18, False, True), (17, False, False), (18, True, False)])
def test_who_may_enter(age, banned, enters):
    assert may_enter(age, banned) is enters

def test_rounds_come_to_an_end():
    assert walked(3, 1) == 0
"""
CARELESS = CAREFUL.replace(", (18, True, False)", "")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    files = {
        "rules/__init__.py": "",
        "rules/doors.py": DOORS,
        "rules/rounds.py": ROUNDS,
        "tests_of_rules/test_doors.py": CAREFUL,
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")
    (tmp_path / "exceptions.toml").touch()
    return tmp_path


def guards(home: Path, *arguments: str) -> tuple[int, list[str]]:
    """The exit code, and what it said after the first line."""
    ended = run(home, *arguments)
    assert not ended.stderr
    return ended.returncode, ended.stdout.splitlines()[1:]


def run(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            *(sys.executable, "-m", "tests.guards", *arguments, "--workers", "1"),
            *("--package", "rules", "--suites", "tests_of_rules", "--exceptions", "exceptions.toml"),
        ],
        cwd=home,
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{home}", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        check=False,
        capture_output=True,
        text=True,
    )


EXCEPTION = """
[[mutant]]
module = "doors"
function = "may_enter"
code = "if banned"
mutation = "never"
reason = "Nobody is banned here."
"""


def test_every_guard_that_a_test_notices_is_said_to_be_noticed_constants_too(home: Path) -> None:
    code, said = guards(home, "doors")
    assert said[-1].startswith("6 of 6 mutants noticed (100.0 %; 0 of them hung), 0 excepted, in ")
    assert code == 0


def test_a_guard_without_which_a_test_never_ends_is_noticed(home: Path) -> None:
    code, said = guards(home, "rounds")
    assert said[-1].startswith("2 of 2 mutants noticed (100.0 %; 1 of them hung), 0 excepted, in ")
    assert code == 0


def test_a_guard_that_no_test_notices_is_told_until_it_is_excepted(home: Path) -> None:
    (home / "tests_of_rules/test_doors.py").write_text(CARELESS, "utf-8")
    told = "doors.py:5 may_enter: survived\n    if banned\n    never"
    code, said = guards(home, "doors")
    assert told in "\n".join(said)
    assert code == 1
    (home / "exceptions.toml").write_text(EXCEPTION, "utf-8")
    code, said = guards(home, "doors")
    assert told not in "\n".join(said)
    assert "4 of 6 mutants noticed (66.7 %; 0 of them hung), 1 excepted" in said[-1]


def test_a_constant_is_noticed_by_a_test_that_runs_nothing_of_its_module(home: Path) -> None:
    (home / "rules/limits.py").write_text("MOST = 7\n\ndef none():\n    return ()\n", "utf-8")
    (home / "tests_of_rules/test_others.py").write_text(
        "from rules import limits\n\ndef test_seven():\n    assert limits.MOST == 7\n", "utf-8"
    )
    code, said = guards(home, "limits")
    assert said[-1].startswith("2 of 2 mutants noticed (100.0 %;")
    assert code == 0


def test_an_exception_for_a_guard_that_is_noticed_fails(home: Path) -> None:
    (home / "exceptions.toml").write_text(EXCEPTION, "utf-8")
    code, said = guards(home, "doors")
    assert said[0] == "exceptions.toml: noticed by now, or gone: doors.may_enter: if banned: never"
    assert code == 1
    code, said = guards(home, "rounds")
    assert not said[0].startswith("exceptions.toml")
    assert code == 0


def test_an_exception_for_a_module_that_is_gone_fails(home: Path) -> None:
    (home / "exceptions.toml").write_text(EXCEPTION.replace("doors", "windows"), "utf-8")
    code, said = guards(home)
    assert said[-2] == "exceptions.toml: noticed by now, or gone: windows.may_enter: if banned: never"
    assert code == 1


def test_a_module_that_is_not_there_is_refused(home: Path) -> None:
    ended = run(home, "windows")
    assert ended.returncode == 2
    assert "there is no module windows in rules" in ended.stderr


def test_nothing_is_tried_while_a_test_is_red(home: Path) -> None:
    (home / "tests_of_rules/test_doors.py").write_text(f"{CAREFUL}\ndef test_red():\n    assert False\n", "utf-8")
    assert guards(home) == (2, ["Red before anything is broken:", "tests_of_rules/test_doors.py::test_red"])
