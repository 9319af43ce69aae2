"""Reads JSON as one of our shapes: finds every problem at once, each with the path of its field; decides nothing more.

What could be read is handed on even where other fields could not, so that the rules of the domain can be asked about
it in the same answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, get_args

import msgspec
from msgspec import NODEFAULT, Struct

from chalicelib.domain.sessions import Problem
from chalicelib.http.schemas import FeeIn

Values = Mapping[str, Any]
"""The fields that were sent and could be read. A shape inside is a mapping again, or None where it was unreadable."""

_UNKNOWN = "is not a field here; check its spelling"
_MISSING = "is required"
_FEE = 'send an object with the amount in the minor unit, such as {"amount": 8000, "currency": "aud"}'


def read_as(
    shape: type[Struct], content: Mapping[str, Any], path: str = "", *, known: frozenset[str] | None = None
) -> tuple[Values, list[Problem]]:
    """The content as this shape; `path` is put before the fields' names.

    Fields that the shape lacks are a problem where it forbids them, or where they are not among `known`.
    """
    problems: list[Problem] = []
    values: dict[str, Any] = {}
    fields = _fields(shape)
    if shape.__struct_config__.forbid_unknown_fields or known is not None:
        taken = fields.keys() | (known or frozenset())
        problems += [Problem(path + name, _UNKNOWN) for name in content if name not in taken]
    for name, field in fields.items():
        if name in content:
            value, wrong = _value(field.type, content[name], path + name)
            problems += wrong
            if not wrong or isinstance(value, dict | list):
                values[name] = value
        elif field.default is NODEFAULT:
            problems.append(Problem(path + name, _MISSING))
    return values, problems


@cache
def _fields(shape: type[Struct]) -> Mapping[str, msgspec.structs.FieldInfo]:
    """By the name in JSON; kept, since msgspec resolves the annotations anew at each call (100 µs a shape)."""
    return {field.encode_name: field for field in msgspec.structs.fields(shape)}


def _value(kind: Any, value: Any, path: str) -> tuple[Any, list[Problem]]:  # noqa: ANN401 (any JSON, any type)
    """One field; shapes inside it are read the same way, so that their problems are all found too."""
    inner, is_list = _shape_in(kind), _is_list(kind)
    if inner is not None and not is_list and isinstance(value, dict):
        values, problems = read_as(inner, value, f"{path}.")
        return (None if _lacks_required(inner, values) else values), problems
    if inner is not None and is_list and isinstance(value, list):
        read = [_value(inner, one, f"{path}[{index}]") for index, one in enumerate(value)]
        return [one for one, _ in read], [problem for _, problems in read for problem in problems]
    try:
        return msgspec.convert(value, kind), []
    except msgspec.ValidationError as error:
        return None, [Problem(path, _FEE if _shape_in(kind) is FeeIn else str(error))]


def _lacks_required(shape: type[Struct], values: Values) -> bool:
    required = (field for field in _fields(shape).values() if field.default is NODEFAULT)
    return any(field.encode_name not in values for field in required)


@cache
def _is_list(kind: Any) -> bool:  # noqa: ANN401 (any type)
    return "list[" in str(kind)


@cache
def _shape_in(kind: Any) -> type[Struct] | None:  # noqa: ANN401 (any type)
    """The Struct in `X`, `X | None`, `list[X]` or `list[X] | None`, if there is one."""
    if isinstance(kind, type) and issubclass(kind, Struct):
        return kind
    return next((inner for one in get_args(kind) if (inner := _shape_in(one))), None)
