"""The token endpoint (RFC 6749) and the access tokens it gives (RFC 6750)."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import jwt
import pytest

from chalicelib.flows.enrol import add_client, disable_client
from chalicelib.storage.cached import CachedApiClients
from chalicelib.storage.stores import StoreUnavailableError
from tests.fakes.failing import Failing
from tests.support.clinic import FORM, JSON, Clinic, basic, fingerprint
from tests.support.edge import Edge, Reply
from tests.support.world import OTHER_TEAM_ID, World

UNKNOWN_SESSION = "/v1/sessions/019cae6b-6600-7d99-bf35-8c2e07187c00"


def refused(reply: Reply, status: int, code: str) -> None:
    """RFC 6749, section 5.2: a string for `error`, and nothing is cached."""
    assert reply.status == status
    assert set(reply.json()) == {"error", "error_description"}
    assert reply.json()["error"] == code
    assert reply.headers["cache-control"] == "no-store"
    assert reply.headers["content-type"] == "application/json"
    assert ("www-authenticate" in reply.headers) == (status == 401)


# --- asking for a token -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ("grant_type=client_credentials", FORM),
        ("grant_type=client_credentials&scope=sessions", f"{FORM}; charset=utf-8"),
        ('{"grant_type": "client_credentials"}', JSON),
        ('{"grant_type": "client_credentials", "scope": null}', "Application/JSON; charset=UTF-8"),
    ],
)
def test_a_client_gets_a_token_for_a_form_and_for_json(clinic: Clinic, body: str, content_type: str) -> None:
    reply = clinic.ask_token(body, content_type)
    assert reply.status == 200
    told = reply.json()
    assert set(told) >= {"access_token", "expires_in", "token_type", "scope"}
    assert told["expires_in"] == 3600
    assert type(told["expires_in"]) is int
    assert told["token_type"] == "Bearer"
    assert reply.headers["cache-control"] == "no-store"


def test_the_scheme_of_the_credentials_may_be_in_any_case(clinic: Clinic) -> None:
    assert clinic.ask_token(Authorization=clinic.basic.replace("Basic", "bASIC")).status == 200


def test_an_existing_client_can_decode_the_token_without_verifying(clinic: Clinic) -> None:
    claims = jwt.decode(clinic.access_token, options={"verify_signature": False})
    assert claims["sub"] == clinic.client_id
    assert claims["team_id"] == clinic.team.team_id
    assert claims["exp"] - claims["iat"] == 3600


@pytest.mark.parametrize(
    "credentials",
    [
        "",
        "Basic",
        "Basic ",
        "Basic !!!!",
        "Basic bm9jb2xvbg==",  # nocolon
        "Basic OnNlY3JldA==",  # :secret
        "Basic /////w==",  # not UTF-8
        "Basic caf\u00e9",
        "Bearer abc",
        "Digest username=x",
        basic("nobody", "secret"),
        basic("nob\u00f6dy", "secret"),
        basic("no\x00body", "secret"),
        basic("n" * 4000, "secret"),
    ],
)
def test_other_credentials_are_an_invalid_client(edge: Edge, credentials: str) -> None:
    headers = {"Content-Type": FORM, **({"Authorization": credentials} if credentials else {})}
    reply = edge.request("POST", "/v1/auth/token", "grant_type=client_credentials", headers)
    refused(reply, 401, "invalid_client")
    assert reply.headers["www-authenticate"] == 'Basic realm="anteroom"'


@pytest.mark.parametrize("secret", ["", "x", "s\u00e9cret", "\x00", "a:b", "x" * 3000])
def test_a_wrong_secret_is_an_invalid_client(clinic: Clinic, secret: str) -> None:
    refused(clinic.ask_token(Authorization=basic(clinic.client_id, secret)), 401, "invalid_client")


def test_a_secret_with_one_character_more_or_less_is_wrong(clinic: Clinic) -> None:
    for secret in (clinic.client_secret[:-1], clinic.client_secret + "A"):
        refused(clinic.ask_token(Authorization=basic(clinic.client_id, secret)), 401, "invalid_client")


def test_a_client_id_that_no_client_can_have_costs_no_read(world: World) -> None:
    down: Any = Failing(world.api_clients, StoreUnavailableError("down"))
    world.context = replace(world.context, api_clients=down)
    reply = Edge(world).request(
        "POST", "/v1/auth/token", "grant_type=client_credentials", {"Authorization": basic("n" * 2049, "s")}
    )
    refused(reply, 401, "invalid_client")
    assert down.calls == []


def test_the_secret_of_another_client_is_wrong(edge: Edge, clinic: Clinic) -> None:
    other = Clinic(edge, "Hill Clinic")
    refused(clinic.ask_token(Authorization=basic(clinic.client_id, other.client_secret)), 401, "invalid_client")


def test_both_clients_of_a_team_get_tokens(edge: Edge, clinic: Clinic) -> None:
    second = add_client(edge.world.ctx, clinic.team.team_id)
    assert clinic.ask_token(Authorization=basic(second.client_id, second.client_secret)).status == 200
    assert clinic.ask_token().status == 200


@pytest.mark.parametrize(
    ("body", "content_type", "code"),
    [
        ("", FORM, "invalid_request"),
        ("grant_type=", FORM, "invalid_request"),
        ("scope=sessions", FORM, "invalid_request"),
        ("grant_type=client_credentials&grant_type=client_credentials", FORM, "invalid_request"),
        ("grant_type=password", FORM, "unsupported_grant_type"),
        ("grant_type=authorization_code&code=x", FORM, "unsupported_grant_type"),
        ("grant_type=CLIENT_CREDENTIALS", FORM, "unsupported_grant_type"),
        ("grant_type=client_credentials%20", FORM, "unsupported_grant_type"),
        ("grant_type=cli\u00e9nt", FORM, "unsupported_grant_type"),
        (b"grant_type=\xff", FORM, "invalid_request"),
        ("&".join(f"a{n}=1" for n in range(50)), FORM, "invalid_request"),
        ("grant_type=client_credentials&x=" + "x" * 1_000_000, FORM, "invalid_request"),
        ("", JSON, "invalid_request"),
        ("{}", JSON, "invalid_request"),
        ("[]", JSON, "invalid_request"),
        ('"client_credentials"', JSON, "invalid_request"),
        ('{"grant_type": null}', JSON, "invalid_request"),
        ('{"grant_type": ["client_credentials"]}', JSON, "invalid_request"),
        ('{"grant_type": NaN}', JSON, "invalid_request"),
        ('{"grant_type": "client_credentials", "grant_type": "client_credentials"}', JSON, "invalid_request"),
        ("[" * 990, JSON, "invalid_request"),
        ('{"a":' * 600 + "1" + "}" * 600, JSON, "invalid_request"),
        ('{"grant_type": "\\ud800"}', JSON, "invalid_request"),
        ('{"grant_type": "refresh"}', JSON, "unsupported_grant_type"),
    ],
)
def test_a_request_that_cannot_be_granted_says_so_in_the_words_of_rfc_6749(
    clinic: Clinic, body: str | bytes, content_type: str, code: str
) -> None:
    refused(clinic.ask_token(body, content_type), 400, code)


def test_asking_for_a_token_stores_nothing(clinic: Clinic) -> None:
    before = fingerprint(clinic.edge.world)
    assert clinic.ask_token().status == 200
    assert fingerprint(clinic.edge.world) == before


def test_a_read_that_fails_twice_is_repeated_since_a_client_that_sees_one_503_never_asks_again(clinic: Clinic) -> None:
    world = clinic.edge.world
    shaky: Any = Failing(world.api_clients, StoreUnavailableError("throttled"), left=2)
    world.context = replace(world.context, api_clients=shaky)
    assert clinic.ask_token().status == 200
    assert shaky.calls == ["find"] * 3


def test_a_store_that_stays_down_is_503_in_the_shape_of_the_token_endpoint(clinic: Clinic) -> None:
    world = clinic.edge.world
    down: Any = Failing(world.api_clients, StoreUnavailableError("x"))
    world.context = replace(world.context, api_clients=down)
    reply = clinic.ask_token()
    refused(reply, 503, "temporarily_unavailable")
    assert reply.headers["retry-after"] == "3"


def test_another_method_is_405_in_the_shape_of_the_token_endpoint(edge: Edge) -> None:
    reply = edge.get("/v1/auth/token")
    refused(reply, 405, "invalid_request")
    assert reply.headers["allow"] == "POST, OPTIONS"


# --- disabling ----------------------------------------------------------------------------------------------------


def test_a_disabled_client_gets_no_token_and_its_tokens_end(clinic: Clinic) -> None:
    disable_client(clinic.edge.world.ctx, clinic.client_id)
    refused(clinic.ask_token(), 401, "invalid_client")
    assert clinic.read("019cae6b-6600-7d99-bf35-8c2e07187c00").status == 401


def test_a_process_that_remembers_the_client_forgets_it_within_sixty_seconds(clinic: Clinic) -> None:
    world = clinic.edge.world
    elsewhere = world.ctx
    world.context = replace(world.context, api_clients=CachedApiClients(world.api_clients, world.clock.ticks))
    assert clinic.schedule().status == 200
    disable_client(elsewhere, clinic.client_id)
    world.clock.advance(seconds=59)
    assert clinic.ask_token().status == 200
    world.clock.advance(seconds=1)
    refused(clinic.ask_token(), 401, "invalid_client")
    assert clinic.schedule().status == 401


# --- using a token ------------------------------------------------------------------------------------------------


def unauthorized(reply: Reply, *, error: bool = True) -> None:
    assert reply.status == 401
    expected = 'Bearer realm="anteroom"' + (', error="invalid_token"' if error else "")
    assert reply.headers["www-authenticate"] == expected
    assert reply.json()["error"]["message"] == reply.json()["detail"]


def test_a_token_works_until_the_second_it_expires_by_the_servers_clock(clinic: Clinic) -> None:
    clinic.edge.world.clock.advance(seconds=3599)
    assert clinic.schedule(end_time="2026-03-02T14:00:00Z").status == 200
    clinic.edge.world.clock.advance(seconds=1)
    reply = clinic.schedule(end_time="2026-03-02T14:00:00Z")
    unauthorized(reply)
    assert "expired" in reply.json()["detail"]


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer ", "Token abc", "Basic abc", "bearer"])
def test_without_a_bearer_token_nothing_is_said_of_an_invalid_one(edge: Edge, authorization: str) -> None:
    """RFC 6750, section 3.1: no error code where no token was sent."""
    headers = {"Authorization": authorization} if authorization else {}
    unauthorized(edge.request("GET", UNKNOWN_SESSION, headers=headers), error=False)


def _forged(clinic: Clinic, **changes: Any) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(clinic.access_token, options={"verify_signature": False})
    claims |= changes
    return {name: value for name, value in claims.items() if value is not None}


def _segment(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def test_a_forged_token_is_refused_whatever_was_forged(clinic: Clinic) -> None:
    header, payload, signature = clinic.access_token.split(".")
    richer = _segment(json.dumps(_forged(clinic, team_id=OTHER_TEAM_ID)).encode())
    headers = [
        b'{"alg":"NONE"}',
        b'{"alg":"HS512"}',
        b"\xff",
        b"[]",
        b'{"alg":' + b"[" * 990 + b"]" * 990 + b"}",
        b'{"alg":' + b"1" * 5000 + b"}",
    ]
    forged = [
        *(f"{_segment(strange)}.{payload}.{signature}" for strange in headers),
        jwt.encode(_forged(clinic), "", algorithm="none"),
        jwt.encode(_forged(clinic), b"k" * 32, algorithm="HS256"),
        f"{header}.{richer}.{signature}",
        f"{header}.{payload}.{signature[:-2]}",
        f"{header}.{payload}.",
        f"{header}.{payload}",
        payload,
        "....",
        "\u00e9.\u00e9.\u00e9",
    ]
    for token in forged:
        reply = clinic.edge.get(UNKNOWN_SESSION, Authorization=f"Bearer {token}")
        unauthorized(reply)
        assert token not in reply.body


def test_an_entry_link_is_no_access_token(clinic: Clinic) -> None:
    url = clinic.schedule({}).json()["participants"][0]["entry_url"]
    unauthorized(clinic.edge.get(UNKNOWN_SESSION, Authorization=f"Bearer {url.rpartition('/')[2]}"))


def test_authentication_comes_before_the_body_is_looked_at(edge: Edge) -> None:
    before = fingerprint(edge.world)
    assert edge.request("POST", "/v1/sessions", "[" * 990, {"Content-Type": "text/plain"}).status == 401
    assert fingerprint(edge.world) == before


def test_a_token_is_still_good_after_the_clock_went_back_an_hour(clinic: Clinic) -> None:
    """Two servers' clocks differ; a token is not refused for being from the future."""
    clinic.edge.world.clock.set(clinic.edge.world.clock.now - timedelta(hours=1))
    assert clinic.schedule().status == 200
