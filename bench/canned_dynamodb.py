"""DynamoDB's answers without DynamoDB: what was put is answered, below everything that botocore and PynamoDB do.

No network and no engine, so that what is measured is our own CPU and theirs. No conditions, no indexes.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from typing import Any

from botocore.awsrequest import AWSResponse

JSON = "application/x-amz-json-1.0"


class Raw(io.BytesIO):
    """A response's body, as urllib3 hands it to botocore."""

    def stream(self, **_: object) -> Iterator[bytes]:
        yield self.read()


class CannedDynamo:
    """Hung into a botocore client. While `learning`, it keeps what is put; afterwards it answers prepared bytes."""

    def __init__(self) -> None:
        self.learning = True
        self._items: dict[str, list[Mapping[str, Any]]] = {}
        self._prepared: dict[str, bytes] = {}

    def hang_into(self, client: Any) -> None:  # noqa: ANN401 (a botocore client has no type)
        client.meta.events.register("before-send.dynamodb", self)

    def prepare(self, table: str, page: int) -> None:
        """From now on: GetItem answers the table's first item, Query its first `page` items."""
        items = self._items[table]
        listed = {"Items": items[:page], "Count": page, "ScannedCount": page}
        self._prepared = {"GetItem": _bytes({"Item": items[0]}), "Query": _bytes(listed)}
        self.learning = False

    def __call__(self, request: Any, **_: object) -> AWSResponse:  # noqa: ANN401 (as botocore calls it)
        target = request.headers["X-Amz-Target"]
        action = (target if isinstance(target, str) else target.decode()).rpartition(".")[2]
        content = self._learn(action, json.loads(request.body)) if self.learning else self._prepared.get(action, b"{}")
        headers = {"Content-Type": JSON, "Content-Length": str(len(content))}
        return AWSResponse(request.url, 200, headers, Raw(content))

    def _learn(self, action: str, asked: Mapping[str, Any]) -> bytes:
        """The newest item of a table is the one that is asked for."""
        items = self._items.setdefault(asked.get("TableName", ""), [])
        if action == "PutItem":
            items.append(asked["Item"])
        return _bytes({"Item": items[-1]}) if action == "GetItem" and items else b"{}"


def _bytes(content: object) -> bytes:
    return json.dumps(content).encode()
