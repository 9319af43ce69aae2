"""Every answer against the OpenAPI document: its status, its media type, its body and the headers that must be there.

Stricter than the document, which lets answers gain fields: what is not described fails here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property
from http import HTTPStatus
from typing import Any

from jsonschema import Draft202012Validator

from chalicelib.http.openapi import Paths, document
from chalicelib.http.openapi_shapes import Json

NEEDED = {303: "location", 401: "www-authenticate", 405: "allow", 429: "retry-after", 503: "retry-after"}


class UndescribedError(AssertionError):
    """The deployed application answered what its reference does not say."""


class Conformance:
    """The document of these routes; validators are made once for each shape."""

    def __init__(self, paths: Paths) -> None:
        self._paths = paths
        self._validators: dict[str, Draft202012Validator] = {}

    @cached_property
    def document(self) -> Json:
        return document(self._paths, "https://anteroom.example")

    def check(self, method: str, route: str, status: int, headers: Mapping[str, str], body: str) -> None:
        """Raises UndescribedError. Header names are lower case; `route` is the path's pattern."""
        if method == "OPTIONS":
            return
        where = f"{method} {route} answered {status}"
        if status in NEEDED and NEEDED[status] not in headers:
            raise UndescribedError(f"{where} without the header {NEEDED[status]}")
        response = self._response(method, route, status, where)
        if method != "HEAD":
            self._check_body(response, headers.get("content-type", ""), body, where)

    def _response(self, method: str, route: str, status: int, where: str) -> Json:
        item = self.document["paths"].get(route)
        if item is None:
            raise UndescribedError(f"{route} is not in the document")
        described = item.get("get" if method == "HEAD" else method.lower())
        if described is None:
            return self._of_no_method(item, status, where)
        response = described["responses"].get(str(status))
        if response is None:
            raise UndescribedError(f"{where}, and the document knows {', '.join(described['responses'])}")
        return self._resolved(response)

    def _of_no_method(self, item: Json, status: int, where: str) -> Json:
        """Errors look alike at all methods of a path."""
        if status != HTTPStatus.METHOD_NOT_ALLOWED:
            raise UndescribedError(f"{where} to a method that is not described")
        return self._resolved(next(iter(item.values()))["responses"]["500"])

    def _check_body(self, response: Json, content_type: str, body: str, where: str) -> None:
        content = response.get("content", {})
        if not content:
            if body:
                raise UndescribedError(f"{where} with a body")
            return
        kinds = {kind.replace(" ", ""): media for kind, media in content.items()}
        media = kinds.get(content_type.replace(" ", "")) or kinds.get(content_type.partition(";")[0])
        if media is None:
            raise UndescribedError(f"{where} with {content_type}, and the document knows {', '.join(content)}")
        if "json" in content_type:
            self._check_json(media["schema"], json.loads(body), where)

    def _check_json(self, schema: Json, content: Any, where: str) -> None:  # noqa: ANN401 (any JSON)
        key = json.dumps(schema)
        if key not in self._validators:
            self._validators[key] = Draft202012Validator(self._strict(schema))
        error = next(self._validators[key].iter_errors(content), None)
        if error is not None:
            raise UndescribedError(f"{where}: {error.json_path}: {error.message}")

    def _strict(self, schema: Any) -> Any:  # noqa: ANN401 (any JSON)
        """With every shape in its place, since references take most of a validation's time; and closed."""
        if isinstance(schema, list):
            return [self._strict(one) for one in schema]
        if not isinstance(schema, dict):
            return schema
        if isinstance(schema.get("$ref"), str):
            shape = self.document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
            return self._strict({**shape, "additionalProperties": False})
        return {name: self._strict(one) for name, one in schema.items() if name not in {"examples", "default"}}

    def _resolved(self, response: Json) -> Json:
        if "$ref" not in response:
            return response
        found: Json = self.document["components"]["responses"][response["$ref"].rpartition("/")[2]]
        return found
