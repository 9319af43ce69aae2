"""The OpenAPI document says everything that is true of the deployed application, and is itself valid."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

import app as deployed
from chalicelib.http import openapi_words as words
from chalicelib.http.exchange import Answer
from chalicelib.http.openapi import document, operation_id
from chalicelib.http.openapi_shapes import Json, word_of
from chalicelib.http.operations import Access, Operation, operation
from tests.support.conformance import Conformance, UndescribedError
from tests.support.edge import Edge

URL = "https://anteroom.example"
DOCUMENT = document(deployed.routes.paths(), URL)
SCHEMAS = DOCUMENT["components"]["schemas"]
OPERATIONS = {
    f"{method.upper()} {path}": described
    for path, item in DOCUMENT["paths"].items()
    for method, described in item.items()
}


def test_the_document_is_valid_openapi() -> None:
    validate(DOCUMENT)
    assert DOCUMENT["openapi"] == "3.1.0"


def test_every_registered_address_and_method_is_in_it() -> None:
    registered = {f"{method} {path}" for path, handlers in deployed.routes.paths().items() for method in handlers}
    assert set(OPERATIONS) == registered


def test_every_operation_has_a_name_of_its_own() -> None:
    names = [described["operationId"] for described in OPERATIONS.values()]
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_is_explained(name: str) -> None:
    described = OPERATIONS[name]
    assert described["summary"][0].isupper()
    assert described["description"].strip()
    assert set(described["tags"]) <= set(words.TAGS)
    assert all(one["description"] for one in described.get("parameters", ()))
    assert any(int(status) < 400 for status in described["responses"])


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_field_is_explained(name: str) -> None:
    assert [field for field, schema in SCHEMAS[name]["properties"].items() if "description" not in schema] == []


def test_nothing_is_explained_that_is_not_there() -> None:
    said = {id(word_of(name, field)) for name, schema in SCHEMAS.items() for field in schema["properties"]}
    assert [key for key, word in words.FIELDS.items() if id(word) not in said] == []
    used = {tag for described in OPERATIONS.values() for tag in described["tags"]}
    assert set(words.TAGS) == used
    named = {one["name"] for described in OPERATIONS.values() for one in described.get("parameters", ())}
    assert set(words.PATH_PARAMETERS) <= named


def _examples() -> Iterator[tuple[str, Json, Any]]:
    for name, schema in SCHEMAS.items():
        yield name, schema, schema["examples"][0]
        for field, fragment in schema["properties"].items():
            for example in fragment.get("examples", ()):
                yield f"{name}.{field}", fragment, example
    for name, described in OPERATIONS.items():
        for status, response in described["responses"].items():
            for media in response.get("content", {}).values():
                if "example" in media:
                    yield f"{name} {status}", media["schema"], media["example"]


@pytest.mark.parametrize(("schema", "example"), [pytest.param(*two, id=name) for name, *two in _examples()])
def test_an_example_is_what_its_schema_says(schema: Json, example: object) -> None:
    whole = {**schema, "components": DOCUMENT["components"]}
    assert [error.message for error in Draft202012Validator(whole).iter_errors(example)] == []


def test_examples_agree_with_each_other() -> None:
    [host, guest] = SCHEMAS["SessionOut"]["examples"][0]["participants"]
    assert guest == SCHEMAS["ParticipantOut"]["examples"][0]
    assert {host["session_id"], guest["session_id"]} == {SCHEMAS["SessionOut"]["examples"][0]["session_id"]}
    [one, other] = SCHEMAS["SessionIn"]["examples"][0]["participants"]
    assert (one["display_name"], other["display_name"]) == (host["display_name"], guest["display_name"])
    assert other["fee"].items() <= guest["fee"].items()


def test_every_post_of_an_api_client_takes_an_idempotency_key_and_no_other_does() -> None:
    def takes(described: Json) -> bool:
        return any(one["name"] == "Idempotency-Key" for one in described.get("parameters", ()))

    bearer_posts = {
        name
        for name, described in OPERATIONS.items()
        if name.startswith("POST") and described["security"] == [{"bearer": []}]
    }
    assert {name for name, described in OPERATIONS.items() if takes(described)} == bearer_posts
    assert "POST /v1/sessions" in bearer_posts


def test_the_list_of_payments_is_there_in_json_and_csv_with_the_address_of_the_next_page() -> None:
    answer = OPERATIONS["GET /v1/payments"]["responses"]["200"]
    assert list(answer["content"]) == ["application/json", "text/csv"]
    assert list(answer["headers"]) == ["Link", "Content-Disposition"]
    assert list(SCHEMAS["PaymentListOut"]["properties"]) == ["content", "more", "next", "from", "to"]
    assert {"Link", "Content-Disposition"} <= set(DOCUMENT["components"]["headers"])


def test_the_token_endpoint_takes_a_form_and_answers_errors_as_rfc_6749_has_them() -> None:
    described = OPERATIONS["POST /v1/auth/token"]
    assert described["security"] == [{"basic": []}]
    assert list(described["requestBody"]["content"]) == ["application/x-www-form-urlencoded", "application/json"]
    schema = described["responses"]["401"]["content"]["application/json"]["schema"]
    assert schema == {"$ref": "#/components/schemas/TokenError"}
    assert SCHEMAS["TokenError"]["properties"]["error"]["type"] == "string"


# --- GET /openapi.json ----------------------------------------------------------------------------------------------


def test_it_is_served_as_json_that_may_be_kept_and_asked_for_again(edge: Edge) -> None:
    reply = edge.get("/openapi.json")
    assert (reply.status, reply.headers["content-type"]) == (200, "application/json")
    assert reply.headers["cache-control"] == "public, max-age=300"
    assert reply.json() == json.loads(json.dumps(DOCUMENT))
    again = edge.get("/openapi.json", If_None_Match=reply.headers["etag"])
    assert (again.status, again.body, again.headers["etag"]) == (304, "", reply.headers["etag"])
    assert edge.get("/openapi.json", If_None_Match='"another"').status == 200


def test_it_names_the_deployment_it_is_of(edge: Edge) -> None:
    assert edge.get("/openapi.json").json()["servers"] == [{"url": edge.world.context.settings.public_url}]


# --- what the test suite holds every answer to ------------------------------------------------------------------------


def judged(status: int, content: object, method: str = "GET", **headers: str) -> str | None:
    """What is wrong with such an answer of GET /health; None: nothing."""
    named = {"content-type": "application/json", **{name.replace("_", "-"): text for name, text in headers.items()}}
    try:
        Conformance(deployed.routes.paths()).check(method, "/health", status, named, json.dumps(content))
    except UndescribedError as error:
        return str(error)
    return None


PROBLEM = {
    "type": "about:blank",
    "title": "Service Unavailable",
    "status": 503,
    "detail": "not now",
    "error": {"message": "not now"},
    "request_id": "1",
}


def test_an_answer_that_the_document_does_not_describe_is_a_failure() -> None:
    up = {"status": "ok", "stage": "test"}
    assert judged(200, up) is None
    assert "the document knows" in str(judged(201, up))
    assert "Additional properties" in str(judged(200, {**up, "more": 1}))
    assert "required property" in str(judged(200, {"status": "ok"}))
    assert "is not of type" in str(judged(200, {**up, "stage": None}))
    assert "the document knows" in str(judged(200, up, content_type="text/plain"))
    assert judged(503, PROBLEM, retry_after="3") is None
    assert "without the header retry-after" in str(judged(503, PROBLEM))
    assert "not described" in str(judged(200, up, "PUT"))
    assert judged(405, {**PROBLEM, "status": 405}, "PUT", allow="GET") is None


def test_an_operation_is_named_after_its_handler_and_calls_it(edge: Edge) -> None:
    @operation("Ring", tag="About", access=Access.OPEN, answers={204: None})
    def ring(ctx: object, request: object) -> Answer:
        return Answer(204, {"X": "rung"})

    assert isinstance(ring, Operation)
    assert operation_id(ring) == "ring"
    assert ring(edge.world.ctx, None).headers == {"X": "rung"}  # type: ignore[arg-type] # it does not look
