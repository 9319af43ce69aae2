"""The types of Stripe's own library as a judge of what is sent: names, values and what is required, however deep.

The library's types are made from Stripe's OpenAPI document by Stripe, and come with the version that is installed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, get_args, get_origin

from typing_extensions import is_typeddict

from sandbox.stripe_standin.library_types import alternatives, is_enumeration, parameter_types, required_by


def unlike(form: Mapping[str, Any], typed: type, name: str = "") -> Iterator[str]:
    """What of a form the library's type does not know, lacks or has otherwise."""
    types = parameter_types(typed)
    yield from (f"{name}[{one}] is unknown" for one in form if one not in types)
    yield from (f"{name}[{one}] is missing" for one in sorted(required_by(typed) - set(form)))
    for one in set(form) & set(types):
        yield from unlike_value(form[one], types[one], f"{name}[{one}]")


def unlike_value(value: Any, annotation: Any, name: str) -> Iterator[str]:  # noqa: ANN401 - any value, any type
    found = list(alternatives(annotation))
    if isinstance(value, Mapping):
        yield from unlike_mapping(value, found, name)
    elif isinstance(value, list):
        items = [get_args(one)[0] for one in found if get_origin(one) is list]
        yield from (one for item in value for one in unlike_value(item, items[0], f"{name}[]")) if items else [name]
    elif enumerations := [one for one in found if is_enumeration(one)]:
        if not any(value in get_args(one) for one in enumerations):
            yield f"{name} cannot be {value!r}"
    elif type(value) not in found:
        yield f"{name} cannot be {value!r}"


def unlike_mapping(value: Mapping[str, Any], found: list[Any], name: str) -> Iterator[str]:
    record = next((one for one in found if is_typeddict(one)), None)
    if record is not None:
        yield from unlike(value, record, name)
    elif not any(get_origin(one) is dict for one in found):
        yield f"{name} cannot be an object"
    else:
        yield from (f"{name}[{one}] is no text" for one, text in value.items() if not isinstance(text, str))
