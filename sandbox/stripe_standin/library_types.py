"""Tables of parameters (see parameters.py) made from the types that Stripe's own library has for them.

The library is generated from Stripe's OpenAPI document (https://github.com/stripe/openapi), so its types say which
parameters its version of the API knows, however deep, which are required, and which values an enumeration has. A table
names those that the stand-in simulates; whatever else Stripe knows is refused as not simulated.
"""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from types import UnionType
from typing import Any, Literal, NotRequired, Required, TypeAlias, Union, get_args, get_origin, get_type_hints

import stripe
from typing_extensions import is_typeddict

from sandbox.stripe_standin.parameters import (
    BOUNDS,
    Boolean,
    Choice,
    Integer,
    Kind,
    ListOf,
    Metadata,
    Record,
    Text,
    TimeRange,
)

CONTAINERS = (Union, UnionType, NotRequired, Required)


@dataclass(frozen=True)
class AsTyped:
    """Simulated just as the library's type has it."""


@dataclass(frozen=True)
class Only:
    """An enumeration (or a list of its values), of which these are simulated."""

    values: tuple[str, ...]


@dataclass(frozen=True)
class Fields:
    """A record (or a list of them): what is simulated of it, and what is required beyond what the type says."""

    fields: Mapping[str, "Simulated"]
    required: tuple[str, ...] = ()


Simulated: TypeAlias = AsTyped | Only | Fields | Text | Integer | Metadata
"""A kind of parameters.py says what types cannot: a text's length, that it is an address, a number's bounds."""

AS_TYPED = AsTyped()


def table(typed: type, fields: Mapping[str, Simulated], required: tuple[str, ...] = ()) -> Record:
    """Make the table of what an endpoint takes, from the library's type of it. Raises TypeError where they differ."""
    types = parameter_types(typed)
    if unknown := set(fields) - set(types):
        message = f"{typed.__name__} has no {sorted(unknown)}"
        raise TypeError(message)
    if unmet := required_by(typed) - set(fields):
        message = f"{typed.__name__} requires {sorted(unmet)}, which must be simulated"
        raise TypeError(message)
    return Record(
        {name: kind_of(types[name], simulated) for name, simulated in fields.items()},
        required=tuple(name for name in fields if name in {*required, *required_by(typed)}),
        not_simulated=frozenset(set(types) - set(fields)),
    )


def parameter_types(typed: type) -> dict[str, Any]:
    """Each parameter's type, without the library's own options, which are sent as headers."""
    modules = (sys.modules[one.__module__] for one in (stripe.RequestOptions, typed))
    known = {name: value for module in modules for name, value in vars(module).items()}
    known["StripeContext"] = stripe.StripeContext
    hints = get_type_hints(typed, globalns=known, include_extras=True)
    return {name: hint for name, hint in hints.items() if name not in stripe.RequestOptions.__annotations__}


def required_by(typed: type) -> set[str]:
    required: frozenset[str] = typed.__required_keys__  # type: ignore[attr-defined]
    return set(required) - set(stripe.RequestOptions.__annotations__)


def alternatives(annotation: Any) -> Iterator[Any]:  # noqa: ANN401 - any type
    """All that a parameter can be; an empty text, which unsets it, and the library's own objects aside."""
    if is_enumeration(annotation):
        values = tuple(one for one in get_args(annotation) if one != "")
        if values:
            yield Literal[values]
    elif annotation in {str, int, bool, float} or is_typeddict(annotation) or get_origin(annotation) in {list, dict}:
        yield annotation
    elif get_origin(annotation) in CONTAINERS:
        for one in get_args(annotation):
            yield from alternatives(one)


def is_enumeration(annotation: object) -> bool:
    return get_origin(annotation) is Literal


def kind_of(annotation: Any, simulated: Simulated) -> Kind:  # noqa: ANN401 - any type
    """Make one parameter's kind; an enumeration comes first, since the library lets it be any text as well."""
    found = sorted(alternatives(annotation), key=is_enumeration, reverse=True)
    kind = made_of(found[0], simulated)
    return replace(kind, emptyable=takes_nothing(annotation)) if isinstance(kind, Text | Metadata) else kind


def takes_nothing(annotation: object) -> bool:
    """Whether an empty text is taken, which unsets it."""
    inner = get_args(annotation)
    return "" in inner if is_enumeration(annotation) else any(map(takes_nothing, inner))


def made_of(annotation: Any, simulated: Simulated) -> Kind:  # noqa: ANN401 - any type
    if get_origin(annotation) is list:
        return ListOf(kind_of(get_args(annotation)[0], simulated))
    if is_enumeration(annotation):
        return choice(get_args(annotation), simulated)
    if is_typeddict(annotation) and isinstance(simulated, Fields):
        return table(annotation, simulated.fields, simulated.required)
    plain = plain_kind(annotation)
    if isinstance(simulated, AsTyped):
        return plain
    if isinstance(simulated, type(plain)):
        return simulated
    message = f"{annotation} cannot be simulated by {simulated}"
    raise TypeError(message)


def choice(values: tuple[str, ...], simulated: Simulated) -> Choice:
    if isinstance(simulated, AsTyped):
        return Choice(values)
    if not isinstance(simulated, Only) or set(simulated.values) - set(values):
        message = f"{values} cannot be simulated by {simulated}"
        raise TypeError(message)
    return Choice(simulated.values, tuple(one for one in values if one not in simulated.values))


def plain_kind(annotation: Any) -> Kind:  # noqa: ANN401 - any type
    if is_typeddict(annotation) and set(parameter_types(annotation)) == set(BOUNDS):
        return TimeRange()
    if get_origin(annotation) is dict:
        return Metadata()
    kinds: Mapping[Any, Kind] = {str: Text(), int: Integer(), bool: Boolean()}
    return kinds[annotation]
