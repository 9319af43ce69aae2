"""Bodies made to break us, at every route that reads one: a problem detail of the 400s, and nothing stored."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox.stripe_standin.deliveries import signature
from tests.support.clinic import END, JSON, START, Clinic, fingerprint
from tests.support.edge import Edge, Reply
from tests.support.world import WEBHOOK_SECRET, World

TIMES = f'"start_time": "{START}", "end_time": "{END}"'


def session_with(more: str) -> bytes:
    return f"{{{TIMES}, {more}}}".encode()


HOSTILE: dict[str, tuple[bytes, str]] = {
    "empty": (b"", JSON),
    "not JSON": (b"grant_type=client_credentials", JSON),
    "cut off": (f"{{{TIMES}".encode(), JSON),
    "an array": (b"[]", JSON),
    "a text": (b'"x"', JSON),
    "null": (b"null", JSON),
    "NaN": (session_with('"x": NaN'), JSON),
    "infinite": (session_with('"x": -Infinity'), JSON),
    "1e400": (session_with('"x": 1e400'), JSON),
    "a number of 5,000 digits": (session_with('"x": ' + "9" * 5000), JSON),
    "duplicate keys": (session_with(f'"start_time": "{START}"'), JSON),
    "duplicate keys inside": (session_with('"x": {"a": 1, "a": 1}'), JSON),
    "500 deep": (session_with('"x": ' + "[" * 500 + "]" * 500), JSON),
    "990 deep": (session_with('"x": ' + "[" * 990 + "]" * 990), JSON),
    "990 objects deep": (session_with('"x": ' + '{"a":' * 990 + "1" + "}" * 990), JSON),
    "100,000 deep, never closed": (b"[" * 100_000, JSON),
    "a lone surrogate": (session_with('"session_name": "\\ud800"'), JSON),
    "a lone surrogate as a key": (session_with('"\\udc00": 1'), JSON),
    "Latin-1": (f'{{{TIMES}, "session_name": "\u00e9"}}'.encode("latin-1"), f"{JSON}; charset=iso-8859-1"),
    "UTF-16": (f"{{{TIMES}}}".encode("utf-16"), f"{JSON}; charset=utf-16"),
    "control characters": (session_with('"session_name": "\x07\x1b"'), JSON),
    "zero bytes": (b"\x00" * 100, JSON),
    "a megabyte": (session_with('"x": "' + "x" * 1_000_000 + '"'), JSON),
    "a megabyte of brackets": (b"{" * 1_000_000, JSON),
}


def check(reply: Reply) -> None:
    assert 400 <= reply.status < 500, reply.body
    assert reply.json()["detail"]
    assert reply.json()["status"] == reply.status
    assert "Traceback" not in reply.body


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_body_of_a_session_is_refused_and_nothing_is_stored(clinic: Clinic, name: str) -> None:
    body, content_type = HOSTILE[name]
    before = fingerprint(clinic.edge.world)
    check(clinic.post(body, content_type))
    assert fingerprint(clinic.edge.world) == before


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", "multipart/form-data; boundary=x", "\u00e9"])
def test_a_session_in_another_content_type_is_415(clinic: Clinic, content_type: str) -> None:
    before = fingerprint(clinic.edge.world)
    reply = clinic.post(f"{{{TIMES}}}", content_type)
    check(reply)
    assert reply.status == 415
    assert fingerprint(clinic.edge.world) == before


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_body_of_a_token_request_is_an_invalid_request(clinic: Clinic, name: str) -> None:
    body, content_type = HOSTILE[name]
    reply = clinic.ask_token(body, content_type)
    assert reply.status == 400
    assert reply.json()["error"] == "invalid_request"


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_webhook_is_refused_unsigned_and_kept_nowhere_signed(edge: Edge, name: str) -> None:
    body, content_type = HOSTILE[name]
    world = edge.world
    before = fingerprint(world)
    check(edge.request("POST", "/stripe/webhook", body, {"Content-Type": content_type}))
    signed = signature(WEBHOOK_SECRET, body, world.clock())
    reply = edge.request("POST", "/stripe/webhook", body, {"Content-Type": content_type, "Stripe-Signature": signed})
    assert reply.status in {200, 400}
    assert fingerprint(world) == before


@pytest.mark.parametrize("name", HOSTILE)
def test_the_links_own_posts_do_not_look_at_a_body(edge: Edge, name: str) -> None:
    body, content_type = HOSTILE[name]
    link = f"/session/{edge.world.token(edge.world.schedule())}"
    assert edge.request("POST", f"{link}/join", body, {"Content-Type": content_type}).status == 403
    assert edge.request("POST", f"{link}/checkout", body, {"Content-Type": content_type}).status == 303


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE"])
@pytest.mark.parametrize("text", ["%00", "%0d%0aX-Evil:1", "%ff", "..", "%2e%2e%2f", "{token}", "\u202e", "x" * 8000])
def test_strange_texts_in_a_path_are_refused(clinic: Clinic, method: str, text: str) -> None:
    edge = clinic.edge
    before = fingerprint(edge.world)
    paths = ("/v1/sessions/{}", "/session/{}", "/session/{}/checkout", "/session/{}/join", "/session/{}/calendar.ics")
    for path in (*paths, "/paid/{}", "/static/{}"):
        headers = {"Authorization": f"Bearer {clinic.access_token}"}
        assert edge.request(method, path.format(text), headers=headers).status in {404, 405}
    assert fingerprint(edge.world) == before


# --- whatever JSON there is ---------------------------------------------------------------------------------------

_text = st.text(max_size=8) | st.sampled_from(
    [START, END, "Mon, 02 Mar 2026 12:30:00 GMT", "HOST", "guest", "aud", "AUD", "jpy", "", "\x00", "8000"]
)
_scalar = st.none() | st.booleans() | st.integers() | st.just(10**30) | st.floats(allow_nan=False) | _text
_anything = st.recursive(
    _scalar,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_text, inner, max_size=3),
    max_leaves=6,
)
_amount = st.sampled_from([8000, 100, 99, 50, 0, -1]) | _anything


def _record(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


_fee = _record(amount=_amount, currency=_text | _anything, description=_anything, payee=_anything, x=_anything)
_participant = _record(
    role=_text | _anything, display_name=_anything, picture=_anything, state=_anything, email=_anything, fee=_fee
)
_session = _record(
    start_time=st.just(START) | _anything,
    end_time=st.just(END) | _anything,
    session_name=_anything,
    picture=_anything,
    feature_flags=st.lists(_text, max_size=3) | _anything,
    participants=st.lists(_participant | _anything, max_size=3) | _anything,
    x=_anything,
)

# Made once, since Hypothesis runs the test many times: what is stored in one example is not looked at in another.
_CLINIC = Clinic(Edge(World()))


@pytest.mark.long
@given(_session | _anything)
@settings(
    max_examples=5000 if os.environ.get("ANTEROOM_LONG") else 250,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
def test_no_json_is_a_server_error_and_what_is_refused_is_not_stored(content: object) -> None:
    before = len(_CLINIC.edge.world.sessions.ids())
    reply = _CLINIC.post(json.dumps(content))
    stored = len(_CLINIC.edge.world.sessions.ids()) - before
    assert reply.status < 500, reply.body
    assert stored == (1 if reply.status == 200 else 0)
    if reply.status == 200:
        assert _CLINIC.read(reply.json()["session_id"]).status == 200
    else:
        assert reply.json()["error"] == {"message": reply.json()["detail"]}
