"""Stripe's JSON as the gateways read it, with a note of every field that is read, and of whose it is.

Whose fields there are is asked of the classes of Stripe's own library, which Stripe makes from its OpenAPI document.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import stripe
from stripe._object_classes import get_object_class
from typing_extensions import override

NO_OBJECTS: dict[str, type] = {
    "/oauth/token": stripe.OAuth.OAuthToken,
    "/oauth/deauthorize": stripe.OAuth.OAuthDeauthorization,
}
"""Answers that do not say what they are."""


UNDOCUMENTED = frozenset({"message_code"})
"""Fields of Stripe's errors that neither its library nor its document has, and that Stripe sends.

A refund for want of balance has no `code`, and says why there: https://github.com/Automattic/woocommerce-payments/issues/10025.
"""


@dataclass
class Reads:
    """`known`: fields of the library's classes, as `charge.paid`; `strange`: what was read and is none."""

    known: set[str] = field(default_factory=set)
    strange: set[str] = field(default_factory=set)

    def note(self, owner: type | str, name: str) -> None:
        if isinstance(owner, str):
            self.known.add(f"{owner}.{name}")  # a mapping whose keys are its maker's, as metadata is
        else:
            (self.known if name in fields_of(owner) else self.strange).add(f"{label(owner)}.{name}")


class Watched(dict[str, Any]):
    """One object. Only the ways to read that the gateways use are noted."""

    def __init__(self, found: dict[str, Any], owner: type | str, reads: Reads) -> None:
        super().__init__({name: watched(value, inner(owner, name), reads) for name, value in found.items()})
        self._owner = owner
        self._reads = reads

    @override
    def get(self, name: str, default: Any = None, /) -> Any:
        self._reads.note(self._owner, name)
        return super().get(name, default)

    @override
    def __getitem__(self, name: str, /) -> Any:
        self._reads.note(self._owner, name)
        return super().__getitem__(name)

    @override
    def __contains__(self, name: object, /) -> bool:
        self._reads.note(self._owner, str(name))
        return super().__contains__(name)


def watched(value: Any, owner: type | str, reads: Reads) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(value, list):
        return [watched(one, owner, reads) for one in value]
    if not isinstance(value, dict):
        return value
    kind = value.get("object")
    return Watched(value, get_object_class("V1", kind) if isinstance(kind, str) else owner, reads)


def inner(owner: type | str, name: str) -> type | str:
    """Whose fields those of a nested object are; a text names a mapping of free keys."""
    if isinstance(owner, str):
        return f"{owner}.{name}"
    free = any(one in str(fields_of(owner).get(name)) for one in ("Dict[", "UntypedStripeObject["))
    nested: dict[str, type] = getattr(owner, "_inner_class_types", {})
    return f"{label(owner)}.{name}" if free else nested.get(name, stripe.StripeObject)


def fields_of(owner: type) -> dict[str, Any]:
    return {name: one for base in owner.__mro__ for name, one in vars(base).get("__annotations__", {}).items()}


def label(owner: type) -> str:
    return str(getattr(owner, "OBJECT_NAME", owner.__qualname__))


class WatchingClient:
    """The library's client; what it answers is watched."""

    def __init__(self, client: stripe.StripeClient, reads: Reads) -> None:
        self._client = client
        self._reads = reads

    def raw_request(self, method: str, path: str, **given: Any) -> object:
        found = self._client.raw_request(method, path, **given).data
        return SimpleNamespace(data=watched(found, NO_OBJECTS.get(path, stripe.StripeObject), self._reads))
