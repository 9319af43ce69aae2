"""The HTTP edge as API Gateway and Lambda use it: events in, answers out, through the `app.app` that is deployed."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import app as deployed
from chalicelib import wiring
from tests.support.conformance import Conformance
from tests.support.world import World

CONFORMANCE = Conformance(deployed.routes.paths())
"""What the deployed application says of itself."""


@dataclass(frozen=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    body: str

    def json(self) -> Any:  # noqa: ANN401 (any JSON)
        return json.loads(self.body)


class Edge:
    """Sends requests to the deployed application, which works on this world; each answer is held to the reference."""

    def __init__(self, world: World) -> None:
        self.world = world

    def request(self, method: str, url: str, body: str | bytes = "", headers: Mapping[str, str] | None = None) -> Reply:
        wiring.use(self.world.context)
        event = gateway_event(method, url, body, headers or {})
        answer = deployed.app(event, None)
        merged = {**answer["headers"], **{name: value[0] for name, value in answer["multiValueHeaders"].items()}}
        reply = Reply(answer["statusCode"], {name.lower(): value for name, value in merged.items()}, answer["body"])
        CONFORMANCE.check(method, event["resource"], reply.status, reply.headers, reply.body)
        return reply

    def get(self, url: str, **headers: str) -> Reply:
        return self.request("GET", url, headers=_named(headers))

    def post(self, url: str, content: object = None, **headers: str) -> Reply:
        """With `content`: as JSON."""
        named = _named(headers)
        if content is None:
            return self.request("POST", url, headers=named)
        return self.request("POST", url, json.dumps(content), {"Content-Type": "application/json", **named})

    def deliver_webhooks(self) -> int:
        """Everything that is due, by signed POSTs; how many were delivered."""
        return self.world.stripe.pump(self._send)

    def _send(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        return self.request("POST", url, body, headers).status

    def run_schedule(self) -> dict[str, Any]:
        """The sweep, as EventBridge calls it."""
        return self._scheduled(deployed.sweep)

    def run_night(self) -> dict[str, Any]:
        """The nightly reconciliation, as EventBridge calls it."""
        return self._scheduled(deployed.reconcile)

    def _scheduled(self, function: Callable[..., dict[str, Any]]) -> dict[str, Any]:
        wiring.use(self.world.context)
        event = {"version": "0", "id": "1", "detail-type": "Scheduled Event", "source": "aws.events", "account": "1"}
        more = {"time": "2026-03-02T12:00:00Z", "region": "us-east-1", "resources": [], "detail": {}}
        return function({**event, **more}, None)


def _named(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


def gateway_event(method: str, url: str, body: str | bytes, headers: Mapping[str, str]) -> dict[str, Any]:
    """API Gateway's proxy event (REST, payload version 1) for a request to that URL or path."""
    parts = urlsplit(url)
    resource, path_parameters = _resource(parts.path)
    encoded = body if isinstance(body, bytes) else body.encode()
    return {
        "requestContext": {
            "httpMethod": method,
            "resourcePath": resource,
            "requestId": "request-1",
            "identity": {"sourceIp": "192.0.2.1"},
        },
        "resource": resource,
        "path": parts.path,
        "pathParameters": path_parameters,
        "headers": dict(headers),
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "multiValueQueryStringParameters": parse_qs(parts.query, keep_blank_values=True) or None,
        "stageVariables": None,
        "body": base64.b64encode(encoded).decode(),
        "isBase64Encoded": True,
    }


def _resource(path: str) -> tuple[str, dict[str, str]]:
    for pattern in deployed.app.routes:
        names = re.findall(r"\{(\w+)\}", pattern)
        matched = re.fullmatch(re.sub(r"\\\{\w+\\\}", "([^/]+)", re.escape(pattern)), path)
        if matched:
            return pattern, dict(zip(names, matched.groups(), strict=True))
    message = f"API Gateway knows no resource for {path}"
    raise LookupError(message)
