"""The OpenAPI 3.1 document, from the described operations and the very shapes that read requests and write answers.

It describes and never validates. A handler that is not described is left out; a test knows of none.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any, Final

from chalicelib.http import openapi_words as words
from chalicelib.http.exchange import HTML, JSON, PROBLEM_JSON, Handler
from chalicelib.http.openapi_shapes import Json, list_example, shapes_of
from chalicelib.http.operations import Access, Operation, Parameter

FORM: Final = "application/x-www-form-urlencoded"
VERSION: Final = "1.0.0"

Paths = Mapping[str, Mapping[str, Handler]]


IDEMPOTENCY_KEY: Final = Parameter(
    "Idempotency-Key",
    "Any text of your choice: the request is done once, however often it is sent with it. Kept for 24 hours.",
    {"type": "string", "minLength": 1, "maxLength": 255},
    "header",
)

_MEANINGS: Final[Mapping[int, str]] = {
    200: "Done.",
    201: "Made.",
    204: "Done; there is nothing to say.",
    303: "Go to `Location` with GET.",
    304: "It is as you have it: `If-None-Match` names its `ETag`.",
    400: "The request cannot be read: not JSON, or not as HTTP wants it.",
    401: "No valid access token.",
    403: "Not for you, and why.",
    404: "There is no such thing here; what belongs to another team is not here either.",
    409: "It cannot be done as things stand, or somebody else changes them at this moment.",
    410: "It is over.",
    412: "It is not as you read it: `If-Match` names another `ETag`.",
    413: "The body is too large.",
    415: "The body is not sent as JSON.",
    422: "Some fields cannot be used as they are; `errors` names every one.",
    429: "Too often; wait as long as `Retry-After` says.",
    500: "Something went wrong on our side, and has been logged.",
    503: "Not just now; nothing was lost. Wait as long as `Retry-After` says.",
}

_HEADERS: Final[Mapping[str, str]] = {
    "Allow": "The methods that this address answers.",
    "Content-Disposition": "The name of the file that a browser keeps a CSV under.",
    "ETag": "The version of what was answered, for `If-Match` and `If-None-Match`.",
    "Idempotent-Replayed": "`true` when this is the answer of an earlier request with the same `Idempotency-Key`.",
    "Link": '`<…>; rel="next"` (RFC 8288): the address of the page that follows; none on the last.',
    "Location": "Where to go, or where to find what was made.",
    "Retry-After": "How many seconds to wait.",
    "WWW-Authenticate": "How to authenticate.",
}


def document(paths: Paths, public_url: str) -> Json:
    """The whole document, for a deployment that is reached at `public_url`."""
    described = list(_described(paths))
    shapes, components = shapes_of([operation for _, _, operation in described])
    items: dict[str, Json] = {}
    for path, method, operation in described:
        items.setdefault(path, {})[method.lower()] = _operation(path, method, operation, shapes, components)
    used = {operation.tag for _, _, operation in described}
    return {
        "openapi": "3.1.0",
        "info": _information(),
        "servers": [{"url": public_url}],
        "tags": [{"name": name, "description": said} for name, said in words.TAGS.items() if name in used],
        "paths": items,
        "components": {
            "schemas": components,
            "headers": {name: _header(said) for name, said in _HEADERS.items()},
            "responses": _error_responses(),
            "securitySchemes": _SECURITY,
        },
    }


def operation_id(operation: Operation) -> str:
    """The handler's own name, which is unique among all."""
    return operation.handler.__name__


_SECURITY: Final[Mapping[str, Json]] = {
    Access.BASIC.value: {
        "type": "http",
        "scheme": "basic",
        "description": "The client's id and secret, for the token endpoint alone.",
    },
    Access.BEARER.value: {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "The access token that `POST /v1/auth/token` gives.",
    },
}


def _information() -> Json:
    guide = "\n\n".join(f"## {title}\n\n{text}" for title, text in words.GUIDE)
    return {
        "title": "Anteroom",
        "version": VERSION,
        "summary": "Schedule video consultations: everybody gets a link of their own, which asks for what they owe.",
        "description": guide,
        "license": {"name": "Apache 2.0", "identifier": "Apache-2.0"},
    }


def _described(paths: Paths) -> Iterator[tuple[str, str, Operation]]:
    """By tag in the reference's order, then as the routes were added."""
    found = [
        (path, method, handler)
        for path, handlers in paths.items()
        for method, handler in handlers.items()
        if isinstance(handler, Operation)
    ]
    order = {tag: number for number, tag in enumerate(words.TAGS)}
    return iter(sorted(found, key=lambda one: order.get(one[2].tag, len(order))))


# --- operations ---------------------------------------------------------------------------------------------------


def _operation(path: str, method: str, operation: Operation, shapes: Mapping[Any, Json], components: Any) -> Json:  # noqa: ANN401 (components)
    parameters = [*_path_parameters(path), *(_parameter(one) for one in _parameters(method, operation))]
    described: Json = {
        "operationId": operation_id(operation),
        "tags": [operation.tag],
        "summary": operation.summary,
        "description": inspect.getdoc(operation.handler) or "",
        "security": [] if operation.access is Access.OPEN else [{operation.access.value: []}],
    }
    if parameters:
        described["parameters"] = parameters
    if operation.body is not None:
        described["requestBody"] = _body(operation, shapes[repr(operation.body)], components)
    described["responses"] = {
        **{
            str(status): _answer(status, kind, method, operation, shapes, components)
            for status, kind in _answers(operation)
        },
        **{str(status): _error(status, operation) for status in _errors(path, method, operation)},
    }
    return described


def _parameters(method: str, operation: Operation) -> tuple[Parameter, ...]:
    """Its own, and what every POST of an API client takes."""
    names = {one.name.lower() for one in operation.parameters}
    repeats = method == "POST" and operation.access is Access.BEARER and "idempotency-key" not in names
    return (*operation.parameters, *((IDEMPOTENCY_KEY,) if repeats else ()))


def _path_parameters(path: str) -> list[Json]:
    examples = {"session_id": words.SESSION_ID, "participant_id": words.GUEST_ID}
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": words.PATH_PARAMETERS.get(name, ""),
            "schema": {"type": "string"},
            **({"example": examples[name]} if name in examples else {}),
        }
        for name in re.findall(r"\{(\w+)\}", path)
    ]


def _parameter(parameter: Parameter) -> Json:
    """What must be there has an example, as the field of its name has."""
    schema = dict(parameter.schema)
    if parameter.required and parameter.name in words.FIELDS:
        schema.setdefault("examples", words.FIELDS[parameter.name]["examples"])
    return {
        "name": parameter.name,
        "in": parameter.where,
        "required": parameter.required,
        "description": parameter.meaning,
        "schema": schema,
    }


def _body(operation: Operation, schema: Json, components: Mapping[str, Json]) -> Json:
    media = _with_example(schema, components)
    kinds = (FORM, JSON) if operation.access is Access.BASIC else (JSON,)
    return {"required": True, "content": dict.fromkeys(kinds, media)}


def _answers(operation: Operation) -> Iterator[tuple[int, Any]]:
    yield from operation.answers.items()
    if "if-none-match" in _header_names(operation) and HTTPStatus.NOT_MODIFIED not in operation.answers:
        yield int(HTTPStatus.NOT_MODIFIED), None


def _answer(
    status: int,
    kind: Any,  # noqa: ANN401 (a shape)
    method: str,
    operation: Operation,
    shapes: Mapping[Any, Json],
    components: Mapping[str, Json],
) -> Json:
    content: Json = {} if kind is None else {JSON: _with_example(shapes[repr(kind)], components)}
    if status not in {HTTPStatus.SEE_OTHER, HTTPStatus.NOT_MODIFIED}:
        content.update({media: {"schema": {"type": "string"}} for media in operation.kinds})
    described: Json = {"description": _MEANINGS.get(status, HTTPStatus(status).phrase)}
    headers = _answer_headers(status, method, operation)
    if headers:
        described["headers"] = {name: {"$ref": f"#/components/headers/{name}"} for name in headers}
    if content:
        described["content"] = content
    return described


def _answer_headers(status: int, method: str, operation: Operation) -> list[str]:
    names = _header_names(operation)
    found = ["ETag"] if names & {"if-match", "if-none-match"} and method != "DELETE" else []
    found += ["Location"] if status in {HTTPStatus.SEE_OTHER, HTTPStatus.CREATED} else []
    found += ["Idempotent-Replayed"] if method == "POST" and operation.access is Access.BEARER else []
    return [*found, *operation.headers]


def _header_names(operation: Operation) -> set[str]:
    return {one.name.lower() for one in operation.parameters if one.where == "header"}


def _with_example(schema: Json, components: Mapping[str, Json]) -> Json:
    """A component carries its own example; a list of them gets one here."""
    if schema.get("type") == "array" and "$ref" in schema["items"]:
        return {"schema": schema, "example": list_example(schema["items"], components)}
    return {"schema": schema}


# --- errors -------------------------------------------------------------------------------------------------------


def _errors(path: str, method: str, operation: Operation) -> list[int]:
    """What follows from how it is called, and its own."""
    found = {500, 503, *operation.errors}
    if operation.access is not Access.OPEN:
        found.add(401)
    if operation.access is Access.BASIC:
        found.add(400)
    if operation.access is Access.BEARER:
        found |= {400, 413, 415, 422} if operation.body is not None else set()
        found |= {409} if method != "GET" else set()
        found |= {400, 422} if method == "POST" else set()
    if "{" in path:
        found.add(404)
    if "if-match" in _header_names(operation):
        found.add(412)
    return sorted(found - set(operation.answers))


def _error(status: int, operation: Operation) -> Json:
    if operation.access is Access.BASIC:
        return _token_error(status)
    if operation.tag in words.WITH_PAGES:
        response = _error_response(status, "ProblemDetail", (JSON, PROBLEM_JSON))
        response["content"][HTML] = {"schema": {"type": "string"}}
        return response
    return {"$ref": f"#/components/responses/Problem{status}"}


def _token_error(status: int) -> Json:
    """A deployment that cannot read its settings knows no endpoint's own shape."""
    response = _error_response(status, "TokenError", (JSON,))
    if status == HTTPStatus.INTERNAL_SERVER_ERROR:
        shapes = [{"$ref": f"#/components/schemas/{name}"} for name in ("TokenError", "ProblemDetail")]
        response["content"][JSON] = {"schema": {"anyOf": shapes}}
    return response


def _error_responses() -> dict[str, Json]:
    """One for each status from 400 up, shared by all operations."""
    return {
        f"Problem{status}": _error_response(status, "ProblemDetail", (JSON, PROBLEM_JSON))
        for status in _MEANINGS
        if status >= HTTPStatus.BAD_REQUEST
    }


def _error_response(status: int, shape: str, kinds: tuple[str, ...]) -> Json:
    response: Json = {
        "description": _MEANINGS.get(status, HTTPStatus(status).phrase),
        "content": {kind: {"schema": {"$ref": f"#/components/schemas/{shape}"}} for kind in kinds},
    }
    names = {401: "WWW-Authenticate", 405: "Allow", 429: "Retry-After", 503: "Retry-After"}
    if status in names:
        response["headers"] = {names[status]: {"$ref": f"#/components/headers/{names[status]}"}}
    return response


def _header(meaning: str) -> Json:
    return {"description": meaning, "schema": {"type": "string"}}
