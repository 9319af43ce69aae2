"""CPU of whole requests, called as Lambda calls them, beside a bare botocore GetItem: `python -m bench.requests`.

Everything of ours, Chalice, PynamoDB and botocore runs; DynamoDB's answers are canned. A ratio of 2 says: twice the CPU
of reading one item with botocore alone.
"""

from __future__ import annotations

import base64
import json
import logging
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import botocore.session

import app as deployed
from bench.canned_dynamodb import CannedDynamo
from bench.timing import ROUNDS, cpu
from chalicelib import wiring
from chalicelib.config import load
from chalicelib.flows.enrol import enrol_team
from chalicelib.storage.tables import TABLES

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
PREFIX = "bench-"
PAGE = 50
TIMES = 100
LISTS = 10
KEY = base64.b64encode(b"k" * 32).decode()
SECRETS = {
    "link_keys": {"1": KEY},
    "link_key": 1,
    "api_key": KEY,
    "stripe_secret_key": "sk_test_of_the_benchmark",
    "stripe_webhook_secrets": ["whsec_of_the_benchmark"],
    "room": {"kind": "template", "url": "https://rooms.example/{room}?token={token}", "key": "r" * 32},
}
SESSION = {
    "session_name": "Initial consultation",
    "start_time": "2026-03-02T13:00:00Z",
    "end_time": "2026-03-02T13:30:00Z",
    "participants": [
        {"role": "HOST", "display_name": "Dr Lee"},
        {"role": "GUEST", "display_name": "Alex Moor", "fee": {"amount": 8000, "currency": "aud"}},
    ],
}


@dataclass(frozen=True, slots=True)
class Measured:
    name: str
    event: Mapping[str, Any]
    times: int = TIMES


def main() -> None:
    os.environ.update(AWS_ACCESS_KEY_ID="benchmark", AWS_SECRET_ACCESS_KEY="benchmark")  # noqa: S106 (no secret)
    logging.disable(logging.INFO)
    dynamo = CannedDynamo()
    requests = _requests(dynamo)
    dynamo.prepare(f"{PREFIX}sessions", PAGE)
    bare = cpu(_bare_get_item(dynamo), TIMES)
    print(f"Python {sys.version.split()[0]}; CPU in µs, the best of {ROUNDS} rounds; DynamoDB's answers canned")
    print(f"{'a bare botocore GetItem':<40}{bare:>8.0f}{'1.0x':>8}")
    for one in requests:
        took = cpu(_call(one.event), one.times)
        print(f"{one.name:<40}{took:>8.0f}{took / bare:>7.1f}x")


def _requests(dynamo: CannedDynamo) -> list[Measured]:
    """What is measured, after what must stand before it: a team, its client, a page of sessions."""
    _wire(dynamo)
    token = _token()
    session = _sent("POST", "/v1/sessions", SESSION, token)
    for _ in range(PAGE):
        _sent("POST", "/v1/sessions", SESSION, token)
    link = urlsplit(session["participants"][1]["entry_url"]).path
    keyed = {"Idempotency-Key": "booking-4711"}
    return [
        Measured("create a session", _event("POST", "/v1/sessions", SESSION, token)),
        Measured("create, with an Idempotency-Key", _event("POST", "/v1/sessions", SESSION, token, keyed)),
        Measured("read a session", _event("GET", f"/v1/sessions/{session['session_id']}", None, token)),
        Measured("open a link, the page", _event("GET", link, None, None, {"Accept": "text/html"})),
        Measured("open a link, as data", _event("GET", link, None, None, {"Accept": "application/json"})),
        Measured(f"list {PAGE} sessions", _event("GET", f"/v1/sessions?page_size={PAGE}", None, token), LISTS),
        Measured("a forged link", _event("GET", link[:-4] + "AAAA", None, None, {"Accept": "application/json"})),
    ]


def _wire(dynamo: CannedDynamo) -> None:
    """The product's own wiring, on the canned answers, at a moment that stands still."""
    environment = {
        "ANTEROOM_PUBLIC_URL": "https://anteroom.example",
        "ANTEROOM_TABLE_PREFIX": PREFIX,
        "ANTEROOM_SECRETS_JSON": json.dumps(SECRETS),
    }
    made = wiring.make_context(load(environment, lambda name: name))
    wiring.use(replace(made, clock=lambda: NOW))
    for model in TABLES.values():
        dynamo.hang_into(model._get_connection().connection.client)  # noqa: SLF001 (where PynamoDB keeps its client)


def _bare_get_item(dynamo: CannedDynamo) -> Callable[[], object]:
    client = botocore.session.get_session().create_client("dynamodb", region_name="us-east-1")
    dynamo.hang_into(client)
    key = {"team_id": {"S": "team"}, "session_id": {"S": "session"}}
    return lambda: client.get_item(TableName=f"{PREFIX}sessions", Key=key, ConsistentRead=True)


def _token() -> str:
    enrolled = enrol_team(wiring.context().within(60), "Bay Road Clinic")
    basic = base64.b64encode(f"{enrolled.client_id}:{enrolled.client_secret}".encode()).decode()
    event = _event(
        "POST", "/v1/auth/token", {"grant_type": "client_credentials"}, None, {"Authorization": f"Basic {basic}"}
    )
    return str(json.loads(deployed.app(event, None)["body"])["access_token"])


def _sent(method: str, url: str, content: object, token: str) -> Any:  # noqa: ANN401 (any JSON)
    return json.loads(deployed.app(_event(method, url, content, token), None)["body"])


def _call(event: Mapping[str, Any]) -> Callable[[], object]:
    """Raises AssertionError if the answer is not what is to be measured."""
    answer = deployed.app(event, None)
    assert answer["statusCode"] in {200, 404}, answer
    return lambda: deployed.app(event, None)


def _event(
    method: str, url: str, content: object, token: str | None, more: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """API Gateway's proxy event (REST, payload version 1)."""
    parts = urlsplit(url)
    resource, names = _resource(parts.path)
    headers = {
        "Content-Type": "application/json",
        **({"Authorization": f"Bearer {token}"} if token else {}),
        **(more or {}),
    }
    return {
        "requestContext": {
            "httpMethod": method,
            "resourcePath": resource,
            "requestId": "request-1",
            "identity": {"sourceIp": "192.0.2.1"},
        },
        "resource": resource,
        "path": parts.path,
        "pathParameters": names,
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "multiValueQueryStringParameters": parse_qs(parts.query) or None,
        "stageVariables": None,
        "body": json.dumps(content) if content is not None else "",
        "isBase64Encoded": False,
    }


def _resource(path: str) -> tuple[str, dict[str, str]]:
    """The route of a path: each has one parameter at most, and it is the third part or the last."""
    if path in deployed.app.routes:
        return path, {}
    start, _, last = path.rpartition("/")
    route = next(route for route in deployed.app.routes if route.startswith(f"{start}/{{") and route.endswith("}"))
    return route, {route[len(start) + 2 : -1]: last}


if __name__ == "__main__":
    main()
