"""Every way in which one guard of a module could be missing, inverted or off by one. Pure: it runs nothing.

A mutant is known by its function, the code before, and the mutation, so that it is the same one after lines have moved.
Strings, names and types are left alone: no rule hangs on how a message is worded.
"""

from __future__ import annotations

import ast
import copy
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from types import CodeType
from typing import Any, NamedTuple

NEVER, ALWAYS, GONE = "never", "always", "gone"

_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
"""An order at its edge, everything else inverted."""

_OTHER_CALL = {"min": "max", "max": "min", "any": "all", "all": "any", "sorted": "list"}
_NOT_RUN = frozenset({"annotation", "bases", "decorator_list", "returns", "type_params"})
"""Fields of a node that hold types, or what a decorator is given."""


@dataclass(frozen=True)
class Mutant:
    """`lines`: those of the statement, which a test runs that may notice. `nth`: among its equals in one function.

    `body_of`: the function (`Class.method`) in whose body it is, if its code can be swapped. None: it runs when the
    module is imported, or the function calls `super()`, which is bound to its class.
    """

    module: str
    function: str
    code: str
    mutation: str
    nth: int
    line: int = field(compare=False)
    lines: range = field(compare=False)
    body_of: str | None = field(compare=False)
    place: Place = field(compare=False, repr=False)
    put: ast.AST = field(compare=False, repr=False)


class Place(NamedTuple):
    """Where a node hangs: in a field of its parent, or in a list that is one."""

    tree: ast.Module
    parent: ast.AST
    field: str
    nth: int | None

    def swapped(self, node: ast.AST) -> ast.AST:
        """Put this node here, and return the one that was."""
        kept: ast.AST
        if self.nth is None:
            kept = getattr(self.parent, self.field)
            setattr(self.parent, self.field, node)
            return kept
        nodes: list[ast.AST] = getattr(self.parent, self.field)
        kept, nodes[self.nth] = nodes[self.nth], node
        return kept


class _Spot(NamedTuple):
    """What is known on the way down: the place, whose code it is, and the lines of the statement around it."""

    place: Place
    function: str
    lines: range
    body_of: str | None


def mutants_of(source: str, module: str) -> list[Mutant]:
    """Every mutant of a module's source, in the order of its lines."""
    tree = ast.parse(source)
    seen: Counter[Mutant] = Counter()
    found = []
    for node, spot in _walk(tree, _Spot(Place(tree, tree, "body", None), "", range(1), None)):
        for mutation, put in _mutations(node, spot):
            known_by = module, spot.function, _written(node), mutation
            mutant = Mutant(*known_by, 1, _line(node, spot), spot.lines, spot.body_of, spot.place, put)
            seen[mutant] += 1
            found.append(replace(mutant, nth=seen[mutant]))
    return found


def code_of(mutant: Mutant, file: str) -> CodeType:
    """The module, compiled with the mutant in it."""
    place = mutant.place
    kept = place.swapped(mutant.put)
    try:
        return compile(ast.fix_missing_locations(place.tree), file, "exec")
    finally:
        place.swapped(kept)


# --- the way through a module -------------------------------------------------------------------------------------


def _walk(node: ast.AST, spot: _Spot) -> Iterator[tuple[ast.AST, _Spot]]:
    """Every node below this one, with where it is; without those that are no code of ours."""
    for name, value in ast.iter_fields(node):
        if name in _NOT_RUN:
            continue
        for index, child in enumerate(value if isinstance(value, list) else [value]):
            if isinstance(child, ast.AST) and not _is_left_alone(child):
                place = Place(spot.place.tree, node, name, index if isinstance(value, list) else None)
                function, lines = _function(child, spot.function), _lines(child, spot.lines)
                below = _Spot(place, function, lines, spot.body_of or _body(node, name, spot))
                yield child, below
                yield from _walk(child, below)


def _is_left_alone(node: ast.AST) -> bool:
    """Unreachable as mypy proves, or read by it alone."""
    match node:
        case ast.If(test=ast.Name(id="TYPE_CHECKING")):
            return True
        case ast.match_case(body=[ast.Expr(value=ast.Call(func=ast.Name(id="assert_never")))]):
            return True
        case _:
            return False


def _function(node: ast.AST, around: str) -> str:
    """The function or class around it, or the name that a module gives to a value."""
    match node:
        case ast.FunctionDef() | ast.ClassDef():
            return f"{around}.{node.name}".lstrip(".")
        case ast.Assign(targets=[ast.Name() as name]) | ast.AnnAssign(target=ast.Name() as name) if not around:
            return name.id
        case _:
            return around


def _body(node: ast.AST, name: str, spot: _Spot) -> str | None:
    """The function, if this is its body; what else belongs to it, as its defaults, is worked out by the import."""
    if not isinstance(node, ast.FunctionDef) or name != "body":
        return None
    calls_super = any(isinstance(inner, ast.Name) and inner.id == "super" for inner in ast.walk(node))
    return None if calls_super else spot.function


def _lines(node: ast.AST, around: range) -> range:
    """The lines of a statement; of one that holds others, those of its head."""
    if not isinstance(node, ast.stmt):
        return around
    body = getattr(node, "body", None) or getattr(node, "cases", None)
    if not body:
        return range(node.lineno, (node.end_lineno or node.lineno) + 1)
    first = body[0].pattern if isinstance(body[0], ast.match_case) else body[0]
    return range(node.lineno, max(first.lineno, node.lineno + 1))


def _line(node: ast.AST, spot: _Spot) -> int:
    inner = node.pattern if isinstance(node, ast.match_case) else node
    return getattr(inner, "lineno", spot.lines.start)


def _written(node: ast.AST) -> str:
    lines = ast.unparse(node).strip().splitlines()
    return lines[0].removesuffix(":")


# --- the mutations ------------------------------------------------------------------------------------------------


def _mutations(node: ast.AST, spot: _Spot) -> Iterator[tuple[str, ast.AST]]:  # noqa: C901, PLR0912, PLR0915 - one case each
    match node:
        case ast.If() | ast.IfExp():
            yield NEVER, _with(node, test=ast.Constant(value=False))
            yield ALWAYS, _with(node, test=ast.Constant(value=True))
        case ast.While():
            yield NEVER, _with(node, test=ast.Constant(value=False))
        case ast.BoolOp():
            yield from _fewer(node, "values")
        case ast.Compare() if _is_an_order(node) or not _is_a_condition(spot.place):
            yield from _other_comparisons(node)
        case ast.UnaryOp(op=ast.Not()) if not _is_a_condition(spot.place):
            yield "without not", node.operand
        case ast.BinOp() if not (isinstance(node.op, ast.BitOr) and spot.body_of is None):  # a union of types
            yield f"without {_written(node.right)}", node.left
        case ast.comprehension():
            yield from _fewer(node, "ifs")
        case ast.match_case() | ast.MatchOr():
            yield from _other_cases(node)
        case ast.ExceptHandler():
            yield NEVER, _with(node, type=ast.Tuple(elts=[], ctx=ast.Load()))
        case ast.Call(func=ast.Name()):
            yield from _other_calls(node)
        case ast.Constant():
            yield from _other_values(node)
        case ast.stmt():
            yield from _statements_gone(node, spot)
        case _:
            return


def _is_an_order(node: ast.Compare) -> bool:
    return any(isinstance(operator, ast.Lt | ast.LtE | ast.Gt | ast.GtE) for operator in node.ops)


def _is_a_condition(place: Place) -> bool:
    """A whole one: inverted it is no worse than held always and never, of which a test must notice both."""
    return isinstance(place.parent, ast.If | ast.IfExp) and place.field == "test"


def _fewer(node: ast.AST, name: str) -> Iterator[tuple[str, ast.AST]]:
    """One of several conditions dropped; of two, the other stands alone."""
    conditions = getattr(node, name)
    for index, dropped in enumerate(conditions):
        rest = [*conditions[:index], *conditions[index + 1 :]]
        alone = isinstance(node, ast.BoolOp) and len(rest) == 1
        yield f"without {_written(dropped)}", rest[0] if alone else _with(node, **{name: rest})


def _other_comparisons(node: ast.Compare) -> Iterator[tuple[str, ast.AST]]:
    for index, operator in enumerate(node.ops):
        other = _COMPARISONS[type(operator)]()
        ops = [*node.ops[:index], other, *node.ops[index + 1 :]]
        changed = _with(node, ops=ops)
        yield f"as {_written(changed)}", changed


def _other_cases(node: ast.match_case | ast.MatchOr) -> Iterator[tuple[str, ast.AST]]:
    if isinstance(node, ast.MatchOr):
        for index, dropped in enumerate(node.patterns):
            rest = [*node.patterns[:index], *node.patterns[index + 1 :]]
            yield f"without {_written(dropped)}", rest[0] if len(rest) == 1 else _with(node, patterns=rest)
        return
    yield NEVER, _with(node, guard=ast.Constant(value=False))
    if node.guard is not None:
        yield "without its guard", _with(node, guard=None)


def _other_calls(node: ast.Call) -> Iterator[tuple[str, ast.AST]]:
    name = node.func.id if isinstance(node.func, ast.Name) else ""
    if name in _OTHER_CALL:
        yield f"as {_OTHER_CALL[name]}", _with(node, func=ast.Name(id=_OTHER_CALL[name], ctx=ast.Load()))
    if name in {"min", "max"} and len(node.args) > 1:
        for index, dropped in enumerate(node.args):
            rest = [*node.args[:index], *node.args[index + 1 :]]
            yield f"without {_written(dropped)}", rest[0] if len(rest) == 1 else _with(node, args=rest)
    if name == "replace":
        for keyword in node.keywords:
            others = [other for other in node.keywords if other is not keyword]
            yield f"without {keyword.arg}", _with(node, keywords=others)


def _other_values(node: ast.Constant) -> Iterator[tuple[str, ast.AST]]:
    match node.value:
        case bool():
            yield f"as {not node.value}", ast.Constant(value=not node.value)
        case int():
            for value in (node.value + 1, node.value - 1):
                yield f"as {value}", ast.Constant(value=value)
        case _:
            return


def _statements_gone(node: ast.stmt, spot: _Spot) -> Iterator[tuple[str, ast.AST]]:
    match node:
        case ast.Expr(value=ast.Constant()):
            return  # a docstring
        case ast.Expr(value=ast.Yield() | ast.YieldFrom()):
            yield GONE, ast.Expr(value=ast.YieldFrom(value=ast.Tuple(elts=[], ctx=ast.Load())))
        case ast.Return(value=None) | ast.Raise() | ast.Continue() | ast.Break() | ast.Expr() | ast.AugAssign():
            if not _is_all_that_its_if_does(spot.place):
                yield GONE, ast.Pass()
        case _:
            return


def _is_all_that_its_if_does(place: Place) -> bool:
    """Then it is gone already where its condition never holds."""
    parent = place.parent
    return isinstance(parent, ast.If) and len(parent.body) == 1 and not parent.orelse


def _with(node: ast.AST, **changes: Any) -> ast.AST:
    changed = copy.copy(node)
    for name, value in changes.items():
        setattr(changed, name, value)
    return changed
