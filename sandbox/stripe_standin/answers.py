"""What goes in and out of the API core: headers whose case doesn't matter, and an answer. No web framework's types."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from typing_extensions import override

from sandbox.stripe_standin.errors import JsonObject


class Headers(Mapping[str, str]):
    """HTTP header fields; the names keep their spelling and are found in any case."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        self._fields = {name.lower(): (name, value) for name, value in fields.items()}

    @override
    def __getitem__(self, name: str) -> str:
        return self._fields[name.lower()][1]

    @override
    def __iter__(self) -> Iterator[str]:
        return (name for name, _ in self._fields.values())

    @override
    def __len__(self) -> int:
        return len(self._fields)

    @override
    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._fields


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Headers
    body: bytes

    def json(self) -> JsonObject:
        decoded: JsonObject = json.loads(self.body)
        return decoded
