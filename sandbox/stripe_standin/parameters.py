"""Kinds of parameters, and the one reader that holds a decoded form against a table of them.

A table (see parameter_tables) is a `Record` of kinds; `read` gives plain Python values or raises the StripeError that
Stripe would answer. Rules that need the state of an account are not here.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias, assert_never
from urllib.parse import urlsplit

from sandbox.stripe_standin.errors import (
    parameter_invalid,
    parameter_missing,
    parameter_not_simulated,
    parameters_unknown,
)
from sandbox.stripe_standin.forms import Form

METADATA_KEYS = 50  # https://docs.stripe.com/api/metadata
METADATA_KEY_LENGTH = 40
METADATA_VALUE_LENGTH = 500
INTEGER = re.compile(r"^-?[0-9]{1,15}$")
BOOLEANS = {"true": True, "false": False, "1": True, "0": False}
BOUNDS = ("gt", "gte", "lt", "lte")


@dataclass(frozen=True)
class Text:
    """`emptyable`: Stripe takes an empty text, which unsets what there is."""

    longest: int = 5000
    emptyable: bool = False


@dataclass(frozen=True)
class Email(Text):
    longest: int = 512


@dataclass(frozen=True)
class Url(Text):
    pass


@dataclass(frozen=True)
class Integer:
    least: int | None = None
    most: int | None = None


@dataclass(frozen=True)
class Boolean:
    pass


@dataclass(frozen=True)
class Choice:
    """`not_simulated`: values that Stripe knows as well."""

    values: tuple[str, ...]
    not_simulated: tuple[str, ...] = ()

    @property
    def known(self) -> tuple[str, ...]:
        return (*self.values, *self.not_simulated)


@dataclass(frozen=True)
class Metadata:
    """`unsets`: an empty value is kept, for whoever changes what there is; else it means that the key is not set.

    `emptyable`: Stripe takes an empty text in its place, which unsets all.
    """

    unsets: bool = False
    emptyable: bool = False


@dataclass(frozen=True)
class TimeRange:
    """Unix seconds: one value, or a mapping of gt, gte, lt, lte. Read as the mapping."""


@dataclass(frozen=True)
class ListOf:
    item: "Kind"


@dataclass(frozen=True)
class Record:
    fields: Mapping[str, "Kind"]
    required: tuple[str, ...] = ()
    not_simulated: frozenset[str] = field(default_factory=frozenset)


Kind: TypeAlias = "Text | Integer | Boolean | Choice | Metadata | TimeRange | ListOf | Record"


def read(kind: Kind, raw: Form | str, name: str) -> Any:  # noqa: ANN401 - as many types as kinds
    """Read one parameter called `name`; raises StripeError with that name as its `param`."""
    match kind:
        case Record():
            return read_record(kind, raw, name)
        case ListOf():
            return [read(kind.item, item, f"{name}[{key}]") for key, item in in_order(raw, name)]
        case Metadata():
            return read_metadata(kind, raw, name)
        case TimeRange():
            return read_time_range(raw, name)
        case Text() | Integer() | Boolean() | Choice():
            return read_scalar(kind, raw, name)
        case _:
            assert_never(kind)


def read_record(kind: Record, raw: Form | str, name: str) -> dict[str, Any]:
    if not isinstance(raw, dict):
        raise parameter_invalid("Invalid object", name)
    full_name = {key: f"{name}[{key}]" if name else key for key in (*raw, *kind.required)}
    if unknown := [full_name[key] for key in raw if key not in kind.fields and key not in kind.not_simulated]:
        raise parameters_unknown(unknown)
    for key in raw:
        if key in kind.not_simulated:
            raise parameter_not_simulated(full_name[key])
    for key in kind.required:
        if key not in raw:
            raise parameter_missing(full_name[key])
    return {key: read(kind.fields[key], value, full_name[key]) for key, value in raw.items()}


def read_scalar(kind: Text | Integer | Boolean | Choice, raw: Form | str, name: str) -> str | int | bool:
    if not isinstance(raw, str):
        raise parameter_invalid("Invalid string", name)
    if raw == "":
        raise parameter_not_simulated(f"{name}=") if is_emptyable(kind) else empty_value(name)
    match kind:
        case Text():
            return read_text(kind, raw, name)
        case Integer():
            return read_integer(kind, raw, name)
        case Boolean():
            return read_boolean(raw, name)
        case Choice():
            return read_choice(kind, raw, name)
        case _:
            assert_never(kind)


def is_emptyable(kind: Kind) -> bool:
    return isinstance(kind, Text | Metadata) and kind.emptyable


def read_text(kind: Text, raw: str, name: str) -> str:
    if len(raw) > kind.longest:
        shown = raw if len(raw) <= 20 else f"{raw[:10]}...{raw[-6:]}"
        raise parameter_invalid(f"Invalid string: {shown}; must be at most {kind.longest} characters", name)
    if isinstance(kind, Url) and not is_web_address(raw):
        raise parameter_invalid("Not a valid URL", name, "url_invalid")
    if isinstance(kind, Email) and not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", raw):
        raise parameter_invalid(f"Invalid email address: {raw}", name, "email_invalid")
    return raw


def is_web_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and " " not in text


def read_integer(kind: Integer, raw: str, name: str) -> int:
    if not INTEGER.match(raw):
        raise parameter_invalid(f"Invalid integer: {raw}", name, "parameter_invalid_integer")
    value = int(raw)
    if kind.least is not None and value < kind.least:
        message = f"This value must be greater than or equal to {kind.least}."
        raise parameter_invalid(message, name, "parameter_invalid_integer")
    if kind.most is not None and value > kind.most:
        message = f"This value must be less than or equal to {kind.most}."
        raise parameter_invalid(message, name, "parameter_invalid_integer")
    return value


def read_boolean(raw: str, name: str) -> bool:
    if raw not in BOOLEANS:
        raise parameter_invalid(f"Invalid boolean: {raw}", name)
    return BOOLEANS[raw]


def read_choice(kind: Choice, raw: str, name: str) -> str:
    if raw in kind.not_simulated:
        raise parameter_not_simulated(f"{name}={raw}")
    if raw not in kind.values:
        *others, last = kind.known
        allowed = f"{', '.join(others)}, or {last}" if len(others) > 1 else " or ".join(kind.known)
        raise parameter_invalid(f"Invalid {name}: must be one of {allowed}", name)
    return raw


def read_time_range(raw: Form | str, name: str) -> dict[str, int]:
    if isinstance(raw, str):
        moment = read_integer(Integer(), raw, name)
        return {"gte": moment, "lte": moment}
    return {key: int(value) for key, value in read_record(Record({b: Integer() for b in BOUNDS}), raw, name).items()}


def read_metadata(kind: Metadata, raw: Form | str, name: str) -> dict[str, str]:
    """Read metadata: at most 50 keys of 40 characters, values of 500."""
    if raw == "" and kind.emptyable:
        if kind.unsets:
            raise parameter_not_simulated(f"{name}=")
        return {}
    if not isinstance(raw, dict):
        raise parameter_invalid("Invalid object", name)
    if len(raw) > METADATA_KEYS:
        message = f"Metadata can have up to {METADATA_KEYS} keys, but you passed in {len(raw)}."
        raise parameter_invalid(message, name)
    pairs = [metadata_pair(key, value, name) for key, value in raw.items()]
    return {key: value for key, value in pairs if value or kind.unsets}


def metadata_pair(key: str, value: Form | str, name: str) -> tuple[str, str]:
    if not isinstance(value, str):
        raise parameter_invalid("Metadata values must be strings.", f"{name}[{key}]")
    for noun, text, longest in (("keys", key, METADATA_KEY_LENGTH), ("values", value, METADATA_VALUE_LENGTH)):
        if len(text) > longest:
            message = f"Metadata {noun} can have up to {longest} characters, but you passed in one of {len(text)}."
            raise parameter_invalid(message, f"{name}[{key}]")
    return key, value


def in_order(raw: Form | str, name: str) -> list[tuple[str, Form | str]]:
    if not isinstance(raw, dict) or not all(key.isdecimal() for key in raw):
        raise parameter_invalid("Invalid array", name)
    return sorted(raw.items(), key=lambda pair: int(pair[0]))


def empty_value(name: str) -> Exception:
    message = (
        f"You passed an empty string for '{name}'. We assume empty values are an attempt to unset a parameter; however "
        f"'{name}' cannot be unset. You should remove '{name}' from your request or supply a non-empty value."
    )
    return parameter_invalid(message, name, "parameter_invalid_empty")
