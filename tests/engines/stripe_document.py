"""Stripe's OpenAPI document as a judge of what a stand-in answers: strict where the document lets fields be added.

The document is OpenAPI 3.0, which is JSON Schema but for `nullable`
(https://spec.openapis.org/oas/v3.0.3#schema-object). A field that it does not name is a defect here, too: whoever
reads it would read something that Stripe never sends.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

Json = dict[str, Any]

_PLACE = "#/components/schemas/"
_KEPT = frozenset({"type", "enum", "maxLength", "pattern", "required"})
"""What is taken as it stands; `items`, `properties` and their kind are gone into."""


class UnlikeStripeError(AssertionError):
    """Stripe's document does not allow this."""


class StripeDocument:
    def __init__(self, path: Path) -> None:
        self._document: Json = json.loads(path.read_text(encoding="utf-8"))
        self._validators: dict[str, Draft202012Validator] = {}

    @cached_property
    def _shapes(self) -> Json:
        return {name: strict(shape) for name, shape in self._document["components"]["schemas"].items()}

    @cached_property
    def _paths(self) -> list[tuple[re.Pattern[str], Json]]:
        """Those without variables first, as routers have it."""
        paths = sorted(self._document["paths"].items(), key=lambda one: "{" in one[0])
        return [(re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path))), item) for path, item in paths]

    @property
    def version(self) -> str:
        """Of Stripe's API."""
        return str(self._document["info"]["version"])

    @cached_property
    def event_types(self) -> frozenset[str]:
        """Every type of event that an endpoint can ask for."""
        form = self.form("POST", "/v1/webhook_endpoints")
        return frozenset(form["properties"]["enabled_events"]["items"]["enum"])

    def check_answer(self, method: str, path: str, status: int, body: object) -> None:
        """Raises UnlikeStripeError."""
        responses = self._operation(method, path)["responses"]
        described = responses.get(str(status), responses["default"])
        schema = described["content"]["application/json"]["schema"]
        self._check(schema, body, f"{method} {path} answered {status}")

    def check_request(self, method: str, path: str, form: object) -> None:
        """The whole form, nested names too, which stripe-mock lets pass. Raises UnlikeStripeError."""
        self._check(self.form(method, path), form, f"{method} {path} was sent")

    def check_object(self, thing: Mapping[str, Any]) -> None:
        """One object, by what it says it is. Raises UnlikeStripeError."""
        kind = str(thing.get("object"))
        if kind not in self._shapes:
            raise UnlikeStripeError(f"Stripe has no object {kind}")
        self._check({"$ref": _PLACE + kind}, thing, kind)

    def check_event(self, event: Mapping[str, Any]) -> None:
        """The envelope, what it is about, and whether there is such an event. Raises UnlikeStripeError."""
        self._check({"$ref": f"{_PLACE}event"}, event, str(event.get("type")))
        if event["type"] not in self.event_types:
            raise UnlikeStripeError(f"Stripe has no event {event['type']}")
        self.check_object(event["data"]["object"])

    def form(self, method: str, path: str) -> Json:
        """The schema of what is sent there: of a POST's body, of a GET's query."""
        operation = self._operation(method, path)
        if method == "POST":
            form: Json = operation["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"]
            return form
        named = {one["name"]: one["schema"] for one in operation["parameters"] if one["in"] == "query"}
        return {"type": "object", "properties": named}

    def _operation(self, method: str, path: str) -> Json:
        for pattern, item in self._paths:
            if pattern.fullmatch(path) and method.lower() in item:
                found: Json = item[method.lower()]
                return found
        raise UnlikeStripeError(f"Stripe has no {method} {path}")

    def _check(self, schema: Json, thing: object, where: str) -> None:
        error = best_match(self._validator(schema).iter_errors(thing))
        if error is not None:
            raise UnlikeStripeError(f"{where}: {error.json_path}: {error.message[:500]}")

    def _validator(self, schema: Json) -> Draft202012Validator:
        key = json.dumps(schema)
        if key not in self._validators:
            self._validators[key] = Draft202012Validator({**strict(schema), "components": {"schemas": self._shapes}})
        return self._validators[key]


def strict(schema: Json) -> Json:
    """The same as JSON Schema, closed: an object has the properties that are named, and no others."""
    if "$ref" in schema:
        return _or_null(schema, {"$ref": schema["$ref"]})
    made: Json = {name: value for name, value in schema.items() if name in _KEPT}
    if "anyOf" in schema:
        made["anyOf"] = [strict(one) for one in schema["anyOf"]]
    if "items" in schema:
        made["items"] = strict(schema["items"])
    if "properties" in schema:
        made["properties"] = {name: strict(one) for name, one in schema["properties"].items()}
        made["additionalProperties"] = False
    if "additionalProperties" in schema:
        others = schema["additionalProperties"]
        made["additionalProperties"] = strict(others) if isinstance(others, dict) else others
    return _or_null(schema, made)


def _or_null(schema: Json, made: Json) -> Json:
    return {"anyOf": [made, {"type": "null"}]} if schema.get("nullable") else made
