"""What an operation of the API is, beside the handler that does it: the source of the OpenAPI document.

The shapes named here are the ones that read the request and write the answer, so that the document cannot drift.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from chalicelib.flows.context import Context
from chalicelib.http.exchange import Answer, Handler, Request


class Access(StrEnum):
    """Who may call: anybody (the link or signature is in the request), a client by its secret, or by its token."""

    OPEN = "open"
    BASIC = "basic"
    BEARER = "bearer"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One query parameter or header. `schema` is its JSON Schema."""

    name: str
    meaning: str
    schema: Mapping[str, Any]
    where: str = "query"
    required: bool = False


@dataclass(frozen=True, slots=True)
class Operation:
    """A handler and its description. `answers`: the shape of each successful status (None: no JSON body).

    `errors`: statuses with a problem detail, beside those that every operation may give. `kinds`: the media types of a
    successful answer beside its JSON. `headers`: those of a successful answer that do not follow from the rest.
    """

    handler: Handler
    summary: str
    tag: str
    access: Access
    body: Any = None
    answers: Mapping[int, Any] = field(default_factory=dict)
    errors: tuple[int, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    kinds: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()

    def __call__(self, ctx: Context, request: Request) -> Answer:
        return self.handler(ctx, request)


def operation(  # noqa: PLR0913 (each is a part of the description)
    summary: str,
    *,
    tag: str,
    access: Access = Access.BEARER,
    body: Any = None,  # noqa: ANN401 (a Struct, or a list of one)
    answers: Mapping[int, Any] | None = None,
    errors: tuple[int, ...] = (),
    parameters: tuple[Parameter, ...] = (),
    kinds: tuple[str, ...] = (),
    headers: tuple[str, ...] = (),
) -> Callable[[Handler], Operation]:
    """Describe a handler: `@operation("Schedule", tag="Sessions", body=SessionIn, answers={200: SessionOut})`."""

    def described(handler: Handler) -> Operation:
        return Operation(handler, summary, tag, access, body, answers or {}, errors, parameters, kinds, headers)

    return described
