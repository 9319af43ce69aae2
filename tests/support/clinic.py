"""A clinic's front-end as it meets the edge: its keys, its access token, and the requests it sends.

`fingerprint` says whether anything that is kept was touched.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from chalicelib.flows.enrol import enrol_team
from tests.support.edge import Edge, Reply
from tests.support.world import World

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
START = "2026-03-02T12:00:00Z"
"""The world's noon."""
END = "2026-03-02T12:30:00Z"


class Clinic:
    """One team and its API client; the access token is fetched once."""

    def __init__(self, edge: Edge, name: str = "Bay Road Clinic") -> None:
        self.edge = edge
        enrolled = enrol_team(edge.world.ctx, name, on_own_account=True)
        self.team = enrolled.team
        self.client_id, self.client_secret = enrolled.client_id, enrolled.client_secret
        self.access_token = str(self.ask_token().json()["access_token"])

    @property
    def basic(self) -> str:
        return basic(self.client_id, self.client_secret)

    def ask_token(
        self, body: str | bytes = "grant_type=client_credentials", content_type: str = FORM, **headers: str
    ) -> Reply:
        named = {"Authorization": self.basic, "Content-Type": content_type, **headers}
        return self.edge.request("POST", "/v1/auth/token", body, named)

    def post(self, body: str | bytes, content_type: str = JSON, **headers: str) -> Reply:
        """POST /v1/sessions with these very bytes."""
        named = {"Authorization": f"Bearer {self.access_token}", "Content-Type": content_type, **headers}
        return self.edge.request("POST", "/v1/sessions", body, named)

    def schedule(self, *participants: Mapping[str, Any], **fields: Any) -> Reply:
        """At noon for half an hour, unless `fields` say otherwise."""
        content = {"start_time": START, "end_time": END, "participants": list(participants), **fields}
        return self.post(json.dumps(content))

    def read(self, session_id: str, query: str = "") -> Reply:
        return self.edge.get(f"/v1/sessions/{session_id}{query}", Authorization=f"Bearer {self.access_token}")

    def ask(self, method: str, path: str, content: object = None, **headers: str) -> Reply:
        """Any request with the access token; with `content`: as JSON. `If_Match` stands for `If-Match`."""
        body = "" if content is None else json.dumps(content)
        kind = {} if content is None else {"Content-Type": JSON}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.edge.request(method, path, body, {"Authorization": f"Bearer {self.access_token}", **kind, **named})

    def change_team(self, **changes: Any) -> None:
        """Change the stored team, as an operator would."""
        world = self.edge.world
        before = world.team
        world.team = self.team
        self.team = world.change_team(**changes)
        world.team = before


def basic(client_id: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()


def path_of(url: str, public_url: str = "https://anteroom.example") -> str:
    """The path as API Gateway hands it over: without the stage's prefix."""
    return url.removeprefix(public_url)


def fingerprint(world: World) -> str:
    """A hash of everything that is kept, here and at Stripe (requests that failed there leave nothing)."""
    kept = (
        sorted(world.sessions._items.items()),
        sorted(world.teams._texts.items()),
        sorted(world.api_clients._texts.items()),
        sorted(world.entries._keys),
        world.stripe.snapshot()["accounts"],
    )
    return hashlib.sha256(repr(kept).encode()).hexdigest()


def fields_of(reply: Reply) -> list[str]:
    """The paths of the fields that a 422 complains of."""
    return [one["field"] for one in reply.json()["errors"]]
