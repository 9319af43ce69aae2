"""Every address answers every method: HEAD as GET, OPTIONS, and 405 with what is allowed."""

from __future__ import annotations

import pytest

import app as deployed
from chalicelib import wiring
from tests.support.clinic import END, START, Clinic, fingerprint
from tests.support.edge import Edge, gateway_event

ALLOWED = {
    "/v1/auth/token": "POST, OPTIONS",
    "/v1/sessions": "GET, POST, HEAD, OPTIONS",
    "/v1/sessions/{session_id}": "GET, PUT, DELETE, HEAD, OPTIONS",
    "/v1/sessions/{session_id}/summary": "GET, HEAD, OPTIONS",
    "/v1/sessions/{session_id}/participants": "GET, POST, HEAD, OPTIONS",
    "/v1/participants/{participant_id}": "GET, PUT, DELETE, HEAD, OPTIONS",
    "/v1/participants/{participant_id}/link": "POST, OPTIONS",
    "/v1/participants/{participant_id}/refund": "POST, OPTIONS",
    "/v1/participants/{participant_id}/charge-again": "POST, OPTIONS",
    "/v1/participants/{participant_id}/waive": "POST, OPTIONS",
    "/v1/payments": "GET, HEAD, OPTIONS",
    "/v1/user/team": "GET, HEAD, OPTIONS",
    "/v1/fees/quote": "GET, HEAD, OPTIONS",
    "/v1/stripe/connect": "POST, OPTIONS",
    "/v1/stripe/account": "GET, DELETE, HEAD, OPTIONS",
    "/session/{token}": "GET, HEAD, OPTIONS",
    "/session/{token}/checkout": "POST, OPTIONS",
    "/session/{token}/join": "POST, OPTIONS",
    "/session/{token}/calendar.ics": "GET, HEAD, OPTIONS",
    "/paid/{return_token}": "GET, HEAD, OPTIONS",
    "/static/{name}": "GET, HEAD, OPTIONS",
    "/stripe/webhook": "POST, OPTIONS",
    "/stripe/connect/webhook": "POST, OPTIONS",
    "/stripe/connect/callback": "GET, HEAD, OPTIONS",
    "/stripe/connect/return": "GET, HEAD, OPTIONS",
    "/stripe/connect/refresh": "GET, HEAD, OPTIONS",
    "/openapi.json": "GET, HEAD, OPTIONS",
    "/docs": "GET, HEAD, OPTIONS",
    "/health": "GET, HEAD, OPTIONS",
}
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


def test_these_are_all_the_addresses_there_are() -> None:
    assert set(deployed.app.routes) == set(ALLOWED)


@pytest.mark.parametrize("path", ALLOWED)
def test_every_address_is_registered_with_every_method(path: str) -> None:
    """API Gateway answers "Missing Authentication Token" for a method that it was not told of."""
    assert sorted(deployed.app.routes[path]) == sorted(METHODS)


@pytest.mark.parametrize("path", ALLOWED)
@pytest.mark.parametrize("method", METHODS)
def test_a_method_is_answered_or_refused_with_what_is_allowed(edge: Edge, path: str, method: str) -> None:
    before = fingerprint(edge.world)
    reply = edge.request(method, path, headers={"Accept": "application/json"})
    allowed = ALLOWED[path]
    if method == "OPTIONS":
        assert (reply.status, reply.body, reply.headers["allow"]) == (204, "", allowed)
    elif method in allowed:
        assert reply.status not in {405, 500}
    else:
        assert (reply.status, reply.headers["allow"]) == (405, allowed)
        assert (reply.body == "") == (method == "HEAD")
    assert fingerprint(edge.world) == before


@pytest.mark.parametrize("path", [path for path, allowed in ALLOWED.items() if "HEAD" in allowed])
def test_head_is_get_without_the_body(edge: Edge, path: str) -> None:
    head, get = edge.request("HEAD", path), edge.request("GET", path)
    assert head.body == ""
    assert get.body != ""
    assert (head.status, head.headers) == (get.status, get.headers)


def test_health_says_that_it_is_up_and_asks_nobody(edge: Edge) -> None:
    asked: list[str] = []
    edge.world.stripe.on_request = lambda method, path: asked.append(f"{method} {path}")
    reply = edge.get("/health")
    assert (reply.status, reply.json()) == (200, {"status": "ok", "stage": "local"})
    assert reply.headers["cache-control"] == "no-store"
    assert asked == []


def test_each_request_is_answered_with_its_own_id(edge: Edge) -> None:
    assert edge.get("/v1/sessions/x").json()["request_id"] == "request-1"


def test_static_files_are_served_under_the_names_that_pages_use(edge: Edge) -> None:
    page = edge.get(f"/session/{edge.world.token(edge.world.schedule())}").body
    for kind, content_type in (
        ("css", "text/css; charset=utf-8"),
        ("js", "text/javascript; charset=utf-8"),
        ("svg", "image/svg+xml"),
    ):
        [path] = {part for part in page.split('"') if part.startswith("/static/") and part.endswith(kind)}
        reply = edge.get(path)
        assert reply.status == 200
        assert reply.headers["content-type"] == content_type
        assert reply.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert reply.headers["x-content-type-options"] == "nosniff"
        assert len(reply.body) > 100


@pytest.mark.parametrize(
    "name", ["x", "page.css", "page.css.js.css", "..", "%2e%2e%2fview.py", "view.py", "page.12345678.py"]
)
def test_other_static_names_are_404(edge: Edge, name: str) -> None:
    reply = edge.get(f"/static/{name}")
    assert (reply.status, reply.json()["detail"]) == (404, "there is no such file")


def test_a_static_file_of_another_version_is_served_and_not_kept(edge: Edge) -> None:
    reply = edge.get("/static/page.00000000.css")
    assert (reply.status, reply.headers["cache-control"]) == (200, "no-store")


# --- events as API Gateway really sends them ------------------------------------------------------------------------


def bare_event(method: str, path: str, body: str | None) -> dict[str, object]:
    """What is absent is null, and a text body comes as it is."""
    event = gateway_event(method, path, "", {})
    nothing = dict.fromkeys(("headers", "multiValueHeaders", "multiValueQueryStringParameters"))
    return {**event, **nothing, "body": body, "isBase64Encoded": False}


def test_an_event_without_headers_or_body_is_answered(edge: Edge) -> None:
    wiring.use(edge.world.context)
    assert deployed.app(bare_event("GET", "/health", None), None)["statusCode"] == 200
    answer = deployed.app(bare_event("POST", "/v1/auth/token", None), None)
    assert (answer["statusCode"], answer["multiValueHeaders"]) == (401, {})
    token = edge.world.token(edge.world.schedule())
    assert deployed.app(bare_event("POST", f"/session/{token}/checkout", None), None)["statusCode"] == 303


def test_a_text_body_is_read_as_utf_8(clinic: Clinic) -> None:
    body = f'{{"session_name": "Zo\u00eb", "start_time": "{START}", "end_time": "{END}"}}'
    event = bare_event("POST", "/v1/sessions", body) | {"headers": {"authorization": f"Bearer {clinic.access_token}"}}
    answer = deployed.app(event, None)
    assert answer["statusCode"] == 200
    assert '"session_name":"Zo\u00eb"' in answer["body"]


def test_header_names_are_read_in_any_case(clinic: Clinic) -> None:
    session_id = clinic.schedule().json()["session_id"]
    for name in ("authorization", "AUTHORIZATION", "aUtHoRiZaTiOn"):
        headers = {name: f"Bearer {clinic.access_token}"}
        assert clinic.edge.request("GET", f"/v1/sessions/{session_id}", headers=headers).status == 200
