"""DynamoDB for the tests of the stores: moto's, in process, with the tables empty; and its wire, which can fail.

The wire hangs on botocore's own events, so that PynamoDB and botocore retry and translate exactly as they do outside.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from botocore.awsrequest import AWSPreparedRequest
from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError
from moto import mock_aws

from chalicelib.storage.tables import TABLES, TableSettings, connect, create_tables

Answer = tuple[SimpleNamespace, dict[str, Any]]
PUTS = frozenset({"PutItem", "TransactWriteItems"})


@dataclass
class Wire:
    """`requests` are those sent, as (operation, body), retries included."""

    requests: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    _answers_to_lose: list[Callable[[], object]] = field(default_factory=list)
    _errors: list[Answer] = field(default_factory=list)
    _silent: bool = False

    def lose_next_put(self, between: Callable[[], object]) -> None:
        """Let the next put take effect (alone or in a transaction), then time out; `between` runs before the retry."""
        self._answers_to_lose.append(between)

    def refuse(self, code: str, status: int) -> None:
        """Answer the next request with that error, as after botocore's own retries; it has no effect."""
        error = {"Code": code, "Message": "quoting Ada Lovelace"}
        self._errors.append((SimpleNamespace(status_code=status), {"Error": error, "ResponseMetadata": {}}))

    def go_silent(self) -> None:
        """From now on nothing answers, and nothing has an effect."""
        self._silent = True

    def sent(self, operation: str) -> list[dict[str, Any]]:
        return [body for name, body in self.requests if name == operation]

    # --- botocore's events ------------------------------------------------------------------------------------------

    def before_call(self, **_event: object) -> Answer | None:
        return self._errors.pop(0) if self._errors else None

    def before_send(self, request: AWSPreparedRequest, **_event: object) -> None:
        body = request.body.decode() if isinstance(request.body, bytes) else request.body
        self.requests.append((operation_of(request), json.loads(body)))
        if self._silent:
            raise ConnectTimeoutError(endpoint_url=request.url)

    def after_send(self, request: AWSPreparedRequest, **_event: object) -> None:
        if operation_of(request) in PUTS and self._answers_to_lose:
            self._answers_to_lose.pop(0)()
            raise ReadTimeoutError(endpoint_url=request.url)


def operation_of(request: AWSPreparedRequest) -> str:
    target = request.headers["X-Amz-Target"]
    return (target.decode() if isinstance(target, bytes) else str(target)).partition(".")[2]


@contextmanager
def mocked_dynamodb() -> Iterator[None]:
    """moto's, with its made-up credentials; making the tables' clients takes a third of a second, so once a module."""
    with mock_aws():
        connect(TableSettings("anteroom-test-", "us-east-1"))
        yield


@contextmanager
def tables_on_a_wire() -> Iterator[Wire]:
    """The tables, empty, for one test."""
    create_tables()
    with hung_on(Wire()) as wire:
        yield wire
    for model in TABLES.values():
        model.delete_table()


@contextmanager
def hung_on(wire: Wire) -> Iterator[Wire]:
    """The tables' clients, with all that they send going over this wire."""
    emitters = [model._get_connection().connection.client.meta.events for model in TABLES.values()]
    for emitter in emitters:
        emitter.register("before-call.dynamodb", wire.before_call)
        emitter.register_first("before-send", wire.before_send)
        emitter.register_last("before-send", wire.after_send)
    yield wire
    for emitter in emitters:
        emitter.unregister("before-call.dynamodb", wire.before_call)
        emitter.unregister("before-send", wire.before_send)
        emitter.unregister("before-send", wire.after_send)
