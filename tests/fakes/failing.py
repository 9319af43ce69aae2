"""A store that fails as often as it is told, and else is the store behind it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Failing:
    """`left`: how many calls still fail, each with `error`."""

    def __init__(self, store: object, error: Exception, left: int = 1_000_000) -> None:
        self._store = store
        self.error = error
        self.left = left
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> Callable[..., object]:
        method = getattr(self._store, name)

        def call(*args: Any, **named: Any) -> object:
            self.calls.append(name)
            if self.left:
                self.left -= 1
                raise self.error.with_traceback(None)
            return method(*args, **named)

        return call
