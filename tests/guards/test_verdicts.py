"""What is a fault: a survivor without an exception, an exception without a survivor, and one without a reason."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.guards.mutants import mutants_of
from tests.guards.verdicts import Excepted, Verdict, exceptions_in, fault, score, stale

(MUTANT,) = mutants_of("def may_enter(age):\n    return age > LEAST", "doors")
EXCEPTED = Excepted("doors", "may_enter", "age > LEAST", "as age >= LEAST", "Nobody is exactly of age.")
ENTRY = """
[[mutant]]
module = "doors"
function = "may_enter"
code = "age > LEAST"
mutation = "as age >= LEAST"
"""


@pytest.mark.parametrize(("verdict", "word"), [(Verdict.SURVIVED, "survived"), (Verdict.NOT_RUN, "run by no test")])
def test_what_nothing_notices_is_a_fault_with_its_place(verdict: Verdict, word: str) -> None:
    lines = [f"doors.py:2 may_enter: {word}", "    age > LEAST", "    as age >= LEAST"]
    assert fault(MUTANT, verdict, []) == lines


def test_one_of_several_alike_is_told_by_its_number() -> None:
    second = replace(MUTANT, nth=2)
    assert fault(second, Verdict.SURVIVED, [EXCEPTED])[-1] == "    as age >= LEAST (number 2 of its kind)"


@pytest.mark.parametrize("verdict", [Verdict.NOTICED, Verdict.HUNG])
def test_what_is_noticed_is_no_fault(verdict: Verdict) -> None:
    assert fault(MUTANT, verdict, []) == []


def test_an_excepted_survivor_is_no_fault_and_its_exception_is_not_stale() -> None:
    assert fault(MUTANT, Verdict.SURVIVED, [EXCEPTED]) == []
    assert stale({MUTANT: Verdict.SURVIVED}, [EXCEPTED]) == []


@pytest.mark.parametrize(
    "changes", [{"module": "x"}, {"function": "x"}, {"code": "x"}, {"mutation": "x"}, {"nth": 2}], ids=str
)
def test_an_exception_is_of_one_mutant_alone(changes: dict[str, Any]) -> None:
    assert fault(MUTANT, Verdict.SURVIVED, [replace(EXCEPTED, **changes)]) != []


def test_an_exception_for_what_is_noticed_is_stale() -> None:
    line = "exceptions.toml: noticed by now, or gone: doors.may_enter: age > LEAST: as age >= LEAST"
    assert stale({MUTANT: Verdict.NOTICED}, [EXCEPTED]) == [line]


def test_an_exception_is_read_with_its_reason() -> None:
    assert exceptions_in(f'{ENTRY}reason = "Nobody is exactly of age."') == [EXCEPTED]


@pytest.mark.parametrize("reason", ["", 'reason = ""', 'reason = " "'])
def test_an_exception_without_a_reason_is_refused(reason: str) -> None:
    with pytest.raises(ValueError, match=r"^doors\.may_enter: age > LEAST: as age >= LEAST: say why$"):
        exceptions_in(ENTRY + reason)


def test_an_exception_with_a_field_too_many_is_refused() -> None:
    with pytest.raises(TypeError, match="because"):
        exceptions_in(f'{ENTRY}reason = "x"\nbecause = "y"')


def test_the_score_counts_what_was_noticed_and_what_is_excepted() -> None:
    assert score({MUTANT: Verdict.NOTICED}, []) == "1 of 1 mutants noticed (100.0 %; 0 of them hung), 0 excepted"
    assert score({MUTANT: Verdict.SURVIVED}, [EXCEPTED]) == "0 of 1 mutants noticed (0.0 %; 0 of them hung), 1 excepted"
    assert score({}, []) == "0 of 0 mutants noticed (100.0 %; 0 of them hung), 0 excepted"
