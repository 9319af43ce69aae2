"""The shapes of requests and answers: they validate, and they describe (msgspec writes their JSON Schema).

`read_as` finds every problem of a body at once, each with the path of its field.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, get_args

import msgspec
from msgspec import NODEFAULT, Struct

from chalicelib.domain.sessions import Problem


class FeeIn(Struct, forbid_unknown_fields=True):
    """What a guest owes: `amount` in the currency's minor unit (8000 is 80.00 AUD, and 8000 JPY)."""

    amount: int
    currency: str
    description: str | None = None
    payee: str | None = None


class ParticipantIn(Struct, forbid_unknown_fields=True):
    """A person in a session. Unknown fields are refused: a misspelt `fee` must not become a free consultation."""

    role: str | None = None
    display_name: str | None = None
    picture: str | bool | None = None
    state: str | None = None
    email: str | None = None
    phone: str | None = None
    fee: FeeIn | None = None


class SessionIn(Struct):
    """A session to schedule. Unknown fields are ignored, since existing clients send some."""

    start_time: str
    end_time: str
    session_name: str | None = None
    picture: str | bool | None = None
    feature_flags: list[str] | None = None
    participants: list[ParticipantIn] | None = None


class FeeOut(Struct):
    amount: int
    currency: str
    description: str | None
    payee: str | None


class PaymentOut(Struct):
    """Where the money stands. `attention` says in a sentence what needs a person."""

    status: str
    amount_paid: int
    amount_refunded: int
    currency: str | None
    paid_at: str | None
    receipt_url: str | None
    attention: str | None


class ParticipantOut(Struct):
    participant_id: str
    session_id: str
    client_id: str
    display_name: str | None
    role: str
    picture: str | None
    state: str | None
    email: str | None
    phone: str | None
    entry_url: str | None
    created: str
    deleted_at: str | None
    fee: FeeOut | None
    payment: PaymentOut


class SessionOut(Struct):
    """Every field is always there, null where empty."""

    session_id: str
    team_id: str
    client_id: str
    session_name: str | None
    start_time: str
    end_time: str
    picture: str | None
    feature_flags: list[str]
    canceled_at: str | None
    canceled_time: str | None
    actual_end_time: str | None
    participants: list[ParticipantOut]


class TokenOut(Struct):
    access_token: str
    expires_in: int
    token_type: str
    scope: str


class LinkOut(Struct):
    """What a client's link finds now; times in ISO 8601, UTC."""

    status: str
    now: str
    start_time: str
    end_time: str
    opens_at: str
    clinic: str
    session_name: str | None
    role: str
    fee: FeeOut | None
    payment: PaymentOut
    can_pay: bool
    can_join: bool


Shape = TypeVar("Shape", bound=Struct)

_UNKNOWN = "is not a field here; check its spelling"
_MISSING = "is required"


def read_as(shape: type[Shape], content: Mapping[str, Any], path: str = "") -> tuple[Shape | None, list[Problem]]:
    """The content as this shape, or every problem with it; `path` is put before the fields' names."""
    problems: list[Problem] = []
    values: dict[str, Any] = {}
    fields = {field.encode_name: field for field in msgspec.structs.fields(shape)}
    if shape.__struct_config__.forbid_unknown_fields:
        problems += [Problem(path + name, _UNKNOWN) for name in content if name not in fields]
    for name, field in fields.items():
        if name in content:
            value, wrong = _value(field.type, content[name], path + name)
            values[field.name] = value
            problems += wrong
        elif field.default is NODEFAULT:
            problems.append(Problem(path + name, _MISSING))
    return (None if problems else shape(**values)), problems


def _value(kind: Any, value: Any, path: str) -> tuple[Any, list[Problem]]:  # noqa: ANN401 (any JSON, any type)
    """One field; shapes inside it are read the same way, so that their problems are all found too."""
    inner, is_list = _shape_in(kind), "list[" in str(kind)
    if inner is not None and not is_list and isinstance(value, dict):
        return read_as(inner, value, f"{path}.")
    if inner is not None and is_list and isinstance(value, list):
        read = [_value(inner, one, f"{path}[{index}]") for index, one in enumerate(value)]
        return [one for one, _ in read], [problem for _, problems in read for problem in problems]
    try:
        return msgspec.convert(value, kind), []
    except msgspec.ValidationError as error:
        return None, [Problem(path, _explained(kind, str(error)))]


def _shape_in(kind: Any) -> type[Struct] | None:  # noqa: ANN401 (any type)
    """The Struct in `X`, `X | None`, `list[X]` or `list[X] | None`, if there is one."""
    if isinstance(kind, type) and issubclass(kind, Struct):
        return kind
    return next((inner for one in get_args(kind) if (inner := _shape_in(one))), None)


def _explained(kind: Any, message: str) -> str:  # noqa: ANN401 (any type)
    """Msgspec's own words, or for a fee, which older clients sent as text of an unknown unit, what to send."""
    if _shape_in(kind) is FeeIn:
        return 'send an object with the amount in the minor unit, such as {"amount": 8000, "currency": "aud"}'
    return message
