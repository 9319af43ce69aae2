"""How a guard can be missing: which mutants there are of a piece of code, and that each does what it says."""

from __future__ import annotations

import ast
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from tests.guards.mutants import Mutant, code_of, mutants_of
from tests.guards.trial import swap


def mutations(source: str) -> list[tuple[str, str]]:
    return [(mutant.code, mutant.mutation) for mutant in mutants_of(source, "rules")]


def the(source: str, mutation: str) -> Mutant:
    (found,) = [mutant for mutant in mutants_of(source, "rules") if mutant.mutation == mutation]
    return found


def module_of(source: str, mutant: Mutant | None = None) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(code_of(mutant, "rules") if mutant else source, names)  # noqa: S102 - the few lines below
    return names


def test_a_condition_holds_never_and_always_and_an_order_is_moved_by_one() -> None:
    assert mutations("def f(a, b):\n    if a < b:\n        return a\n    return b") == [
        ("if a < b", "never"),
        ("if a < b", "always"),
        ("a < b", "as a <= b"),
    ]


def test_an_equality_that_is_a_whole_condition_is_not_inverted_too() -> None:
    assert mutations("def f(a, b):\n    return 'x' if a == b else a") == [
        ("'x' if a == b else a", "never"),
        ("'x' if a == b else a", "always"),
    ]


def test_each_operand_of_and_and_or_is_dropped() -> None:
    assert mutations("def f(a, b, c):\n    return a and b and c or d") == [
        ("a and b and c or d", "without a and b and c"),
        ("a and b and c or d", "without d"),
        ("a and b and c", "without a"),
        ("a and b and c", "without b"),
        ("a and b and c", "without c"),
    ]


def test_a_raise_and_a_call_that_may_raise_are_gone() -> None:
    assert mutations("def f(a):\n    check(a)\n    if a:\n        note(a)\n        raise a\n    return") == [
        ("check(a)", "gone"),
        ("if a", "never"),
        ("if a", "always"),
        ("note(a)", "gone"),
        ("raise a", "gone"),
        ("return", "gone"),
    ]


def test_a_raise_that_is_all_an_if_does_is_gone_already_where_the_condition_never_holds() -> None:
    assert mutations("def f(a):\n    if a:\n        raise a") == [("if a", "never"), ("if a", "always")]


def test_bounds_are_dropped_and_turned_round() -> None:
    assert mutations("def f(a, b):\n    return min(a, b)") == [
        ("min(a, b)", "as max"),
        ("min(a, b)", "without a"),
        ("min(a, b)", "without b"),
    ]


def test_cases_never_match_and_lose_their_guards_and_what_is_unreachable_is_left_alone() -> None:
    source = "def f(a):\n  match a:\n    case 'x' | 'y' if b:\n      return\n    case _:\n      assert_never(a)"
    assert mutations(source) == [
        ("case 'x' | 'y' if b", "never"),
        ("case 'x' | 'y' if b", "without its guard"),
        ("'x' | 'y'", "without 'x'"),
        ("'x' | 'y'", "without 'y'"),
        ("return", "gone"),
    ]


def test_numbers_and_defaults_are_off_by_one_and_truths_are_turned_round() -> None:
    assert mutations("DAYS = 7\ndef f(a=True): ...") == [("7", "as 8"), ("7", "as 6"), ("True", "as False")]


def test_filters_and_changed_fields_are_dropped() -> None:
    assert mutations("def f(a):\n    return replace(a, b=[c for c in a if c], d=e)") == [
        ("replace(a, b=[c for c in a if c], d=e)", "without b"),
        ("replace(a, b=[c for c in a if c], d=e)", "without d"),
        ("for c in a if c", "without c"),
    ]


def test_types_texts_and_what_only_mypy_reads_are_left_alone() -> None:
    assert (
        mutations("if TYPE_CHECKING:\n    import x\nA = B | C\ndef f(a: X | None = None) -> X | None:\n    'Text.'")
        == []
    )


def test_the_same_code_twice_in_one_function_is_told_apart() -> None:
    found = mutants_of("def f(a):\n    yield a and b\n    yield a and b", "rules")
    assert [(mutant.line, mutant.nth) for mutant in found if mutant.mutation == "without b"] == [(2, 1), (3, 2)]


def test_a_mutant_is_the_same_after_its_lines_have_moved_and_is_not_after_its_code_has_changed() -> None:
    source = "def f(a):\n    return a + 1"
    assert mutants_of(source, "rules") == mutants_of(f"\n\n{source}", "rules")
    assert set(mutants_of(source, "rules")).isdisjoint(mutants_of(source.replace("+", "-"), "rules")) is False
    assert mutants_of(source, "rules") != mutants_of(source.replace("+", "-"), "rules")


@pytest.mark.parametrize(("mutation", "answer"), [("never", "kept"), ("always", "refused")])
def test_the_compiled_module_holds_the_mutant_and_only_that(mutation: str, answer: str) -> None:
    source = "def f(a):\n    if a > 9:\n        return 'refused'\n    return 'kept'"
    assert module_of(source)["f"](10) == "refused"
    assert module_of(source, the(source, mutation))["f"](10 if mutation == "never" else 0) == answer
    assert [ast.unparse(mutant.place.tree) for mutant in mutants_of(source, "rules")] == [
        ast.unparse(ast.parse(source))
    ] * 5


METHODS = """
class Door:
    @property
    def is_open(self):
        return not self

    @staticmethod
    def may_enter(age):
        return age > 17

def outer(a):
    def inner():
        return a > 17
    return inner()
"""


@pytest.mark.parametrize(
    ("mutation", "body_of", "ask"),
    [
        ("without not", "Door.is_open", lambda names: names["Door"]().is_open),
        ("as age >= 17", "Door.may_enter", lambda names: names["Door"].may_enter(17)),
        ("as a >= 17", "outer", lambda names: names["outer"](17)),
    ],
)
def test_a_function_wherever_it_stands_is_swapped_for_all_who_hold_it(
    mutation: str, body_of: str, ask: Callable[[dict[str, Any]], bool]
) -> None:
    module = ModuleType("rules")
    exec(METHODS, vars(module))  # noqa: S102 - the lines above
    held_by_others = dict(vars(module))
    mutant = the(METHODS, mutation)
    assert mutant.body_of == body_of
    before = ask(held_by_others)
    swap(mutant, module)
    assert ask(held_by_others) is not before


def test_what_runs_at_import_is_in_no_functions_body() -> None:
    source = "DAYS = 7\nclass Kept:\n    days: int = 8\ndef f(days=9):\n    return 10"
    assert {mutant.code: mutant.body_of for mutant in mutants_of(source, "rules")} == {
        "7": None,
        "8": None,
        "9": None,
        "10": "f",
    }


def test_what_calls_super_is_not_swapped_since_it_is_bound_to_its_class() -> None:
    (gone,) = mutants_of("class E(Exception):\n    def __init__(self):\n        super().__init__('no')", "rules")
    assert (gone.mutation, gone.body_of) == ("gone", None)
