"""Decoding of form-encoded requests with bracketed names, as Stripe reads them. Knows no parameter by name.

`line_items[0][price_data][currency]=aud` becomes `{"line_items": {"0": {"price_data": {"currency": "aud"}}}}`: a list
stays a mapping by index until a parameter table says that a list is meant.
"""

import re
from typing import TypeAlias, Union
from urllib.parse import parse_qsl

from sandbox.stripe_standin.errors import StripeError, parameter_invalid

Form: TypeAlias = dict[str, Union["Form", str]]

NAME = re.compile(r"^([^\[\]]+)((?:\[[^\[\]]*\])*)$")
BRACKETED = re.compile(r"\[([^\[\]]*)\]")
DEEPEST = 8


def decoded(encoded: bytes) -> Form:
    """Decode a body or a query string; raises StripeError 400 when it is not UTF-8 or its names don't fit together."""
    try:
        text = encoded.decode("utf-8")
        pairs = parse_qsl(text, keep_blank_values=True, encoding="utf-8", errors="strict", max_num_fields=1000)
    except ValueError as error:
        raise StripeError(400, "Invalid request: the parameters are not form-encoded UTF-8.", sticks=False) from error
    form: Form = {}
    for name, value in pairs:
        place(form, name, value)
    return form


def place(form: Form, name: str, value: str) -> None:
    """Put one pair where its bracketed name says; `a[]` appends, a repeated plain name keeps the last value."""
    keys = path_of(name)
    for key in keys[:-1]:
        inner = form.setdefault(key or str(len(form)), {})
        if not isinstance(inner, dict):
            raise conflicting(name)
        form = inner
    last = keys[-1] or str(len(form))
    if isinstance(form.get(last), dict):
        raise conflicting(name)
    form[last] = value


def path_of(name: str) -> list[str]:
    match = NAME.match(name)
    if not match:
        raise parameter_invalid(f"Invalid parameter name: {name}", name)
    keys = [match[1], *BRACKETED.findall(match[2])]
    if len(keys) > DEEPEST:
        raise parameter_invalid(f"Invalid parameter name: {name} is nested too deeply", name)
    return keys


def conflicting(name: str) -> StripeError:
    return parameter_invalid(f"Invalid parameter: {name} is both a value and an object.", name)
