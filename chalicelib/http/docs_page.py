"""The reference as a page is made of this: everything that its template shows, read from the OpenAPI document alone.

No route is known here, so that the page cannot say more or less than the document.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from http import HTTPStatus
from typing import Any, Final

from chalicelib.http.docs_page_examples import BEFORE_PYTHON, BEFORE_SHELL, curl_example, is_data, python_example
from chalicelib.http.exchange import JSON
from chalicelib.http.openapi_shapes import Json
from chalicelib.http.openapi_words import EXAMPLE_DAY

METHODS: Final = ("get", "post", "put", "patch", "delete")
UNASKED: Final = frozenset({"Stripe", "Connecting"})
"""Tags of what no author ever calls: no examples."""

_TYPES: Final = {"string": "text", "integer": "whole number", "boolean": "true or false"}
_ACCESS: Final = {"basic": "HTTP Basic: client id and secret", "bearer": "Bearer token"}


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a sentence; `code` in the typewriter's type."""

    text: str
    code: bool


Prose = tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Kind:
    """A type in words, with the anchor of its shape where it has one."""

    text: str
    anchor: str | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A field or a parameter."""

    name: str
    kinds: tuple[Kind, ...]
    required: bool
    meaning: Prose
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AnswerView:
    status: int
    meaning: Prose
    kinds: tuple[Kind, ...]
    example: str | None


@dataclass(frozen=True, slots=True)
class OperationView:
    anchor: str
    method: str
    path: str
    summary: str
    description: tuple[Prose, ...]
    access: str
    parameters: tuple[Row, ...]
    body: tuple[Row, ...]
    body_kinds: tuple[str, ...]
    answers: tuple[AnswerView, ...]
    errors: tuple[AnswerView, ...]
    curl: str | None
    python: str | None


@dataclass(frozen=True, slots=True)
class Group:
    anchor: str
    title: str
    meaning: Prose
    operations: tuple[OperationView, ...]


@dataclass(frozen=True, slots=True)
class ShapeView:
    anchor: str
    name: str
    meaning: Prose
    rows: tuple[Row, ...]
    example: str


@dataclass(frozen=True, slots=True)
class Chapter:
    anchor: str
    title: str
    text: Prose


@dataclass(frozen=True, slots=True)
class ReferenceView:
    """`static_base` is the folder of the static files, `openapi_url` where the document itself is."""

    title: str
    summary: str
    url: str
    guide: tuple[Chapter, ...]
    before_shell: str
    before_python: str
    groups: tuple[Group, ...]
    shapes: tuple[ShapeView, ...]
    static_base: str
    openapi_url: str


def reference_view(document: Json, today: date, base: str) -> ReferenceView:
    """Everything the page shows. Example times are tomorrow's, to be pasted; `base` is the deployment's path."""
    shown: Json = json.loads(json.dumps(document).replace(EXAMPLE_DAY, (today + timedelta(days=1)).isoformat()))
    information, url = shown["info"], shown["servers"][0]["url"]
    return ReferenceView(
        title=information["title"],
        summary=information["summary"],
        url=url,
        guide=tuple(_guide(information["description"])),
        before_shell=BEFORE_SHELL.format(url=url),
        before_python=BEFORE_PYTHON.format(url=url),
        groups=tuple(_group(tag, shown) for tag in shown["tags"]),
        shapes=tuple(_shape(name, schema) for name, schema in shown["components"]["schemas"].items()),
        static_base=f"{base}/static",
        openapi_url=f"{base}/openapi.json",
    )


def _guide(description: str) -> Iterator[Chapter]:
    for chapter in description.split("## ")[1:]:
        title, _, text = chapter.partition("\n\n")
        yield Chapter(f"guide-{_slug(title)}", title, prose(text.strip()))


def _group(tag: Json, document: Json) -> Group:
    operations = tuple(
        _operation(method.upper(), path, item[method], document)
        for path, item in document["paths"].items()
        for method in METHODS
        if method in item and tag["name"] in item[method]["tags"]
    )
    return Group(f"group-{_slug(tag['name'])}", tag["name"], prose(tag["description"]), operations)


def _operation(method: str, path: str, operation: Json, document: Json) -> OperationView:
    answers = [_answer(int(status), one, document) for status, one in operation["responses"].items()]
    content = operation.get("requestBody", {}).get("content", {})
    media: Json = next(iter(content.values()), {})
    example = _example(media, document)
    is_asked = UNASKED.isdisjoint(operation["tags"]) and is_data(operation)
    return OperationView(
        anchor=operation["operationId"],
        method=method,
        path=path,
        summary=operation["summary"],
        description=tuple(prose(" ".join(one.split())) for one in operation["description"].split("\n\n")),
        access=next((_ACCESS[name] for one in operation["security"] for name in one), "Open to anybody"),
        parameters=tuple(_parameter_row(one) for one in operation.get("parameters", ())),
        body=_rows(_resolved(media.get("schema", {}), document)),
        body_kinds=tuple(content),
        answers=tuple(one for one in answers if one.status < HTTPStatus.BAD_REQUEST or _is_shown(one, operation)),
        errors=tuple(one for one in answers if one.status >= HTTPStatus.BAD_REQUEST and not _is_shown(one, operation)),
        curl=curl_example(method, path, operation, example) if is_asked else None,
        python=python_example(method, path, operation, example) if is_asked else None,
    )


def _is_shown(answer: AnswerView, operation: Json) -> bool:
    """Whether a status from 400 up is an answer with a shape of its own rather than an error."""
    answered = operation["responses"][str(answer.status)]
    schema = answered.get("content", {}).get(JSON, {}).get("schema", {})
    return "$ref" in schema and not schema["$ref"].endswith(("ProblemDetail", "TokenError"))


def _answer(status: int, answer: Json, document: Json) -> AnswerView:
    resolved = _resolved(answer, document)
    content = resolved.get("content", {})
    kinds = [
        one
        for kind, media in content.items()
        for one in ([Kind(kind.partition(";")[0])] if kind != JSON else _kinds(media["schema"]))
    ]
    example = _example(content.get(JSON, {}), document) if status < HTTPStatus.BAD_REQUEST else None
    text = None if example is None else json.dumps(example, indent=2, ensure_ascii=False)
    return AnswerView(status, prose(resolved["description"]), tuple(kinds), text)


def _shape(name: str, schema: Json) -> ShapeView:
    example = json.dumps(schema["examples"][0], indent=2, ensure_ascii=False)
    return ShapeView(_anchor(name), name, prose(_first_paragraph(schema)), _rows(schema), example)


def _first_paragraph(schema: Json) -> str:
    """Msgspec describes a shape without a docstring by its signature, which says nothing here."""
    text: str = schema.get("description", "")
    return "" if text.startswith(schema["title"] + "(") else text


def _rows(schema: Json) -> tuple[Row, ...]:
    required = schema.get("required", ())
    return tuple(
        Row(name, tuple(_kinds(field)), name in required, prose(field.get("description", "")), _choices(field))
        for name, field in schema.get("properties", {}).items()
    )


def _parameter_row(parameter: Json) -> Row:
    schema, where = parameter["schema"], parameter["in"]
    kinds = _kinds(schema)
    kinds[-1] = Kind(f"{kinds[-1].text}, in the {where}")
    return Row(
        parameter["name"], tuple(kinds), parameter["required"], prose(parameter["description"]), _choices(schema)
    )


def _choices(schema: Json) -> tuple[str, ...]:
    return tuple("null" if one is None else str(one) for one in schema.get("enum", ()))


def _kinds(schema: Json) -> list[Kind]:
    """A schema in words: text, whole number, list of another shape."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return [Kind(name, _anchor(name))]
    if "anyOf" in schema:
        return [kind for one in schema["anyOf"] for kind in _kinds(one)]
    if schema.get("type") == "array":
        return [Kind(f"list of {kind.text}", kind.anchor) for kind in _kinds(schema.get("items", {}))]
    kind = str(schema.get("type", "anything"))
    return [Kind(str(schema["format"]) if kind == "string" and "format" in schema else _TYPES.get(kind, kind))]


def _example(media: Json, document: Json) -> Any:  # noqa: ANN401 (any JSON)
    if "example" in media:
        return media["example"]
    return _resolved(media.get("schema", {}), document).get("examples", [None])[0]


def _resolved(one: Json, document: Json) -> Json:
    if "$ref" not in one:
        return one
    found: Any = document
    for part in one["$ref"].removeprefix("#/").split("/"):
        found = found[part]
    resolved: Json = found
    return resolved


def _anchor(name: str) -> str:
    return f"shape-{name}"


def _slug(text: str) -> str:
    return re.sub(r"\W+", "-", text.lower())


def prose(text: str) -> Prose:
    """Text with `code` in backticks, in pieces."""
    return tuple(Span(piece, bool(number % 2)) for number, piece in enumerate(text.split("`")) if piece)
