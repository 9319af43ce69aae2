"""The shapes of the OpenAPI document: msgspec's JSON Schema of each, with what `openapi_words.py` says of its fields.

Examples are put together field by field, so that they agree with each other. Knows no route.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType

from chalicelib.http import openapi_words as words
from chalicelib.http.operations import Operation

Json = dict[str, Any]


class ErrorMessage(Struct):
    """What older clients read."""

    message: str


class FieldProblem(Struct):
    """One thing wrong with the request."""

    field: str
    message: str


class ProblemDetail(Struct):
    """An error, as RFC 9457 has it."""

    type: str
    title: str
    status: int
    detail: str
    error: ErrorMessage
    request_id: str
    errors: list[FieldProblem] | UnsetType = UNSET


class TokenError(Struct):
    """An error of the token endpoint, as RFC 6749 has it."""

    error: str
    error_description: str


def shapes_of(operations: Iterable[Operation]) -> tuple[Mapping[Any, Json], dict[str, Json]]:
    """The schema of each shape that is used, by the shape's `repr`, and the components that these refer to."""
    kinds: list[Any] = [ProblemDetail, TokenError]
    for operation in operations:
        kinds += [kind for kind in (operation.body, *operation.answers.values()) if kind is not None]
    unique = list({repr(kind): kind for kind in kinds}.values())
    schemas, components = msgspec.json.schema_components(unique, ref_template="#/components/schemas/{name}")
    for name, schema in components.items():
        _explain(name, schema)
    for name, schema in components.items():
        schema["examples"] = [_example_of(name, schema, components)]
    ordered = {name: components[name] for name in sorted(components)}
    return {repr(kind): schema for kind, schema in zip(unique, schemas, strict=True)}, ordered


def _explain(name: str, schema: Json) -> None:
    for field, fragment in schema.get("properties", {}).items():
        said = word_of(name, field)
        if said is None:
            continue
        more = {key: value for key, value in said.items() if key != "examples"}
        if "anyOf" in fragment and "enum" in more:
            more["enum"] = [*more["enum"], None]
        fragment.update(more)
        if said["examples"] != [None]:
            fragment["examples"] = said["examples"]


def word_of(component: str, field: str) -> Mapping[str, Any] | None:
    """What is said of this field: for this shape alone, for shapes of its direction, or everywhere."""
    direction = "In" if component.endswith("In") else "Out"
    for key in (f"{component}.{field}", f"{direction}.{field}", field):
        if key in words.FIELDS:
            return words.FIELDS[key]
    return None


def _example_of(name: str, schema: Json, components: Mapping[str, Json]) -> Any:  # noqa: ANN401 (any JSON)
    """Of every field its example; a request leaves out what is empty and need not be there."""
    if name in words.WHOLE:
        return words.WHOLE[name]
    required = schema.get("required", ())
    found = {field: _example(fragment, components) for field, fragment in schema.get("properties", {}).items()}
    return {field: value for field, value in found.items() if value is not None or field in required}


def _example(fragment: Json, components: Mapping[str, Json]) -> Any:  # noqa: ANN401 (any JSON)
    if "examples" in fragment:
        return fragment["examples"][0]
    for one in (fragment, *fragment.get("anyOf", ())):
        if "$ref" in one:
            return _example_of(*_component(one, components), components)
        if one.get("type") == "array" and "$ref" in one["items"]:
            return list_example(one["items"], components)
    return None


def list_example(item: Json, components: Mapping[str, Json]) -> list[Any]:
    """A list of that shape; a request leaves out what is empty."""
    name, schema = _component(item, components)
    example = _example_of(name, schema, components)
    listed = words.LISTED.get(name, ({},))
    if not name.endswith("In"):
        return [{**example, **changes} for changes in listed]
    whole = [{**example, **changes} for changes in listed]
    return [{field: value for field, value in one.items() if value is not None} for one in whole]


def _component(reference: Json, components: Mapping[str, Json]) -> tuple[str, Json]:
    name = reference["$ref"].rpartition("/")[2]
    return name, components[name]
