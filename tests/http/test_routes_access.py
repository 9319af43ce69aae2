"""Who may do what: refresh tokens, changed secrets and keys, wrong secrets, other origins' pages, and other teams."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import jwt
import pytest

import app as deployed
from chalicelib.domain.teams import PayeeAccount, Plan
from chalicelib.flows.enrol import add_client, disable_client, drop_secret, rotate_secret, set_allowed_origins
from chalicelib.storage.cached import CachedApiClients
from tests.support.clinic import Clinic, basic, fields_of, fingerprint, path_of
from tests.support.edge import Edge, Reply
from tests.support.world import SECRETS, World, key_text, settings_of

FEE = {"amount": 8000, "currency": "aud"}
UNKNOWN = "019cae6b-6600-7d99-bf35-8c2e07187c00"
ORIGIN = "https://practice.example"


def refused(reply: Reply, code: str, status: int = 400) -> None:
    """RFC 6749, section 5.2."""
    assert (reply.status, reply.json()["error"]) == (status, code)
    assert reply.headers["cache-control"] == "no-store"


def refresh(clinic: Clinic, token: str, **headers: str) -> Reply:
    return clinic.ask_token(f"grant_type=refresh_token&refresh_token={token}", **headers)


def refresh_token_of(clinic: Clinic) -> str:
    return str(clinic.ask_token().json()["refresh_token"])


# --- refresh tokens -----------------------------------------------------------------------------------------------


def test_a_refresh_token_gives_the_same_fields_anew_as_form_and_as_json(clinic: Clinic) -> None:
    told = clinic.ask_token().json()
    assert set(told) == {"access_token", "refresh_token", "expires_in", "token_type", "scope"}
    form = refresh(clinic, told["refresh_token"])
    body = f'{{"grant_type": "refresh_token", "refresh_token": "{told["refresh_token"]}"}}'
    for reply in (form, clinic.ask_token(body, "application/json")):
        assert reply.status == 200
        assert set(reply.json()) == set(told)
        clinic.access_token = reply.json()["access_token"]
        assert clinic.schedule().status == 200


def test_one_refresh_token_works_for_months_and_twice_at_once(clinic: Clinic) -> None:
    token = refresh_token_of(clinic)
    for _ in range(12):
        clinic.edge.world.clock.advance(days=30)
        assert [refresh(clinic, token).status for _ in range(2)] == [200, 200]
    clinic.access_token = refresh(clinic, token).json()["access_token"]
    assert clinic.ask("GET", "/v1/user/team").status == 200


def test_a_refresh_token_ends_with_disabling(clinic: Clinic) -> None:
    token = refresh_token_of(clinic)
    disable_client(clinic.edge.world.ctx, clinic.client_id)
    refused(refresh(clinic, token), "invalid_client", 401)


@pytest.mark.parametrize("token", ["x", "a.b.c", "%00", "\u00e9", "x" * 4000])
def test_garbage_is_no_refresh_token(clinic: Clinic, token: str) -> None:
    refused(refresh(clinic, token), "invalid_grant")


@pytest.mark.parametrize("body", ["grant_type=refresh_token", "grant_type=refresh_token&refresh_token="])
def test_without_a_refresh_token_the_request_is_invalid(clinic: Clinic, body: str) -> None:
    refused(clinic.ask_token(body), "invalid_request")


def test_an_access_token_is_no_refresh_token_fresh_or_expired_nor_the_other_way_round(clinic: Clinic) -> None:
    refused(refresh(clinic, clinic.access_token), "invalid_grant")
    clinic.edge.world.clock.advance(hours=2)
    refused(refresh(clinic, clinic.access_token), "invalid_grant")
    clinic.access_token = refresh_token_of(clinic)
    assert clinic.ask("GET", "/v1/user/team").status == 401


def test_another_clients_refresh_token_is_refused_also_within_the_team(clinic: Clinic, neighbour: Clinic) -> None:
    second = add_client(clinic.edge.world.ctx, clinic.team.team_id)
    token = refresh_token_of(clinic)
    refused(refresh(neighbour, token), "invalid_grant")
    refused(refresh(clinic, token, Authorization=basic(second.client_id, second.client_secret)), "invalid_grant")


def test_a_refresh_token_is_of_no_use_without_the_secret(clinic: Clinic) -> None:
    token = refresh_token_of(clinic)
    refused(refresh(clinic, token, Authorization=basic(clinic.client_id, "x")), "invalid_client", 401)


# --- a changed secret, and changed keys ---------------------------------------------------------------------------


def test_while_a_secret_is_changed_both_are_good_and_then_only_the_new_one(clinic: Clinic) -> None:
    world, old_token = clinic.edge.world, refresh_token_of(clinic)
    new = basic(clinic.client_id, rotate_secret(world.ctx, clinic.client_id).client_secret)
    assert clinic.ask_token().status == 200
    new_token = clinic.ask_token(Authorization=new).json()["refresh_token"]
    assert refresh(clinic, old_token, Authorization=new).status == 200
    drop_secret(world.ctx, clinic.client_id)
    refused(clinic.ask_token(), "invalid_client", 401)
    refused(refresh(clinic, old_token, Authorization=new), "invalid_grant")
    assert refresh(clinic, new_token, Authorization=new).status == 200


def test_a_process_that_remembers_the_former_secret_forgets_it_within_sixty_seconds(clinic: Clinic) -> None:
    world, elsewhere = clinic.edge.world, clinic.edge.world.ctx
    world.context = replace(world.context, api_clients=CachedApiClients(world.api_clients, world.clock.ticks))
    token = refresh_token_of(clinic)
    rotate_secret(elsewhere, clinic.client_id)
    drop_secret(elsewhere, clinic.client_id)
    world.clock.advance(seconds=60)
    refused(refresh(clinic, token), "invalid_client", 401)


def use_api_keys(world: World, current: int, *former: int) -> None:
    secrets = {**SECRETS, "api_key": key_text(current), "former_api_keys": [key_text(one) for one in former]}
    world.context = replace(world.context, settings=settings_of(secrets))


def kid(token: str) -> str:
    return str(jwt.get_unverified_header(token)["kid"])


def test_while_the_signing_key_is_changed_what_the_former_one_signed_is_good(clinic: Clinic) -> None:
    world, before, token = clinic.edge.world, clinic.access_token, refresh_token_of(clinic)
    use_api_keys(world, 9, 3)
    assert clinic.ask("GET", "/v1/user/team").status == 200
    told = refresh(clinic, token).json()
    assert kid(told["access_token"]) != kid(before)
    assert kid(told["refresh_token"]) != kid(token)
    clinic.access_token = told["access_token"]
    assert clinic.ask("GET", "/v1/user/team").status == 200


def test_a_key_that_is_gone_takes_its_tokens_with_it(clinic: Clinic) -> None:
    world, token = clinic.edge.world, refresh_token_of(clinic)
    use_api_keys(world, 9, 3)
    client = add_client(world.ctx, clinic.team.team_id)
    use_api_keys(world, 9)
    assert clinic.ask("GET", "/v1/user/team").status == 401
    refused(refresh(clinic, token, Authorization=basic(client.client_id, client.client_secret)), "invalid_grant")


# --- wrong secrets ------------------------------------------------------------------------------------------------


def guess(clinic: Clinic, client_id: str | None = None) -> Reply:
    return clinic.ask_token(Authorization=basic(client_id or clinic.client_id, "wrong"))


def test_ten_wrong_secrets_are_401_that_count_down_and_the_eleventh_is_429(clinic: Clinic) -> None:
    replies = [guess(clinic) for _ in range(10)]
    assert [reply.status for reply in replies] == [401] * 10
    assert replies[0].headers["ratelimit"] == '"failed-client";r=9;t=30'
    assert replies[9].headers["ratelimit"] == '"failed-client";r=0;t=30'
    beyond = guess(clinic)
    refused(beyond, "invalid_client", 429)
    assert beyond.headers["retry-after"] == "30"
    assert beyond.headers["ratelimit"] == '"failed-client";r=0;t=30'
    assert beyond.headers["ratelimit-policy"] == '"failed-client";q=10;w=300'


def test_after_the_time_told_one_more_is_looked_at(clinic: Clinic) -> None:
    while (beyond := guess(clinic)).status == 401:
        pass
    clinic.edge.world.clock.advance(seconds=int(beyond.headers["retry-after"]))
    assert [guess(clinic).status, guess(clinic).status] == [401, 429]


def test_made_up_client_ids_fill_the_bucket_of_their_address(clinic: Clinic) -> None:
    assert {guess(clinic, f"nobody-{number}").status for number in range(50)} == {401}
    beyond = guess(clinic, "nobody-50")
    refused(beyond, "invalid_client", 429)
    assert beyond.headers["ratelimit-policy"] == '"failed-source";q=50;w=300'
    assert beyond.headers["retry-after"] == "6"


def test_the_right_secret_is_never_throttled_whatever_others_tried(clinic: Clinic) -> None:
    token = refresh_token_of(clinic)
    for number in range(100):
        guess(clinic)
        guess(clinic, f"nobody-{number}")
    assert guess(clinic).status == 429
    for _ in range(100):
        assert clinic.ask_token().status == 200
        assert refresh(clinic, token).status == 200


# --- pages of other origins (CORS) --------------------------------------------------------------------------------

V1 = sorted(path for path in deployed.routes.paths() if path.startswith("/v1/"))


@pytest.mark.parametrize("route", V1)
def test_a_preflight_is_answered_for_any_origin_without_a_token(edge: Edge, route: str) -> None:
    methods = list(deployed.routes.paths()[route])
    asked = {"Origin": "https://anywhere.example", "Access-Control-Request-Method": methods[0]}
    reply = edge.request("OPTIONS", route.replace("{", "").replace("}", ""), headers=asked)
    assert (reply.status, reply.body) == (204, "")
    assert reply.headers["access-control-allow-origin"] == "*"
    assert set(methods) <= set(reply.headers["access-control-allow-methods"].split(", "))
    sent = set(reply.headers["access-control-allow-headers"].split(", "))
    assert sent >= {"Authorization", "Content-Type", "Idempotency-Key", "If-Match", "If-None-Match", "Prefer"}
    assert "access-control-allow-credentials" not in reply.headers


def test_an_options_that_is_no_preflight_tells_the_methods_only(edge: Edge) -> None:
    reply = edge.request("OPTIONS", "/v1/sessions", headers={"Origin": ORIGIN})
    assert (reply.status, reply.headers["allow"]) == (204, "GET, POST, HEAD, OPTIONS")
    assert "access-control-allow-origin" not in reply.headers


def test_by_default_no_page_may_read_an_answer(clinic: Clinic) -> None:
    reply = clinic.ask("GET", "/v1/sessions", Origin=ORIGIN)
    assert (reply.status, reply.headers["vary"]) == (200, "Origin")
    assert "access-control-allow-origin" not in reply.headers


def cross_origin(clinic: Clinic, origin: str) -> list[Reply]:
    """An answer, and every kind of error that a page may run into."""
    return [
        clinic.ask("GET", "/v1/sessions", Origin=origin),
        clinic.ask("POST", "/v1/sessions", {}, Origin=origin),
        clinic.ask("GET", f"/v1/sessions/{UNKNOWN}", Origin=origin),
        clinic.ask("PATCH", "/v1/sessions", Origin=origin),
    ]


def test_a_page_of_an_allowed_origin_reads_answers_and_errors(clinic: Clinic) -> None:
    set_allowed_origins(clinic.edge.world.ctx, clinic.team.team_id, ["https://other.example", ORIGIN])
    replies = cross_origin(clinic, ORIGIN)
    assert [reply.status for reply in replies] == [200, 422, 404, 405]
    for reply in replies:
        assert (reply.headers["access-control-allow-origin"], reply.headers["vary"]) == (ORIGIN, "Origin")
        assert {"ETag", "Location", "Retry-After"} <= set(reply.headers["access-control-expose-headers"].split(", "))


@pytest.mark.parametrize(
    "origin", ["https://practice.example.evil.example", "http://practice.example", f"{ORIGIN}:444", "null", "*", ""]
)
def test_a_page_of_any_other_origin_reads_nothing(clinic: Clinic, origin: str) -> None:
    set_allowed_origins(clinic.edge.world.ctx, clinic.team.team_id, [ORIGIN])
    for reply in cross_origin(clinic, origin):
        assert "access-control-allow-origin" not in reply.headers


def test_one_teams_origins_are_not_anothers(clinic: Clinic, neighbour: Clinic) -> None:
    set_allowed_origins(clinic.edge.world.ctx, clinic.team.team_id, [ORIGIN])
    assert "access-control-allow-origin" not in neighbour.ask("GET", "/v1/sessions", Origin=ORIGIN).headers


# --- the team and a quote -----------------------------------------------------------------------------------------


def test_the_team_tells_its_plan_its_settings_and_whether_it_can_be_paid(clinic: Clinic) -> None:
    reply = clinic.ask("GET", "/v1/user/team")
    assert reply.json() == {
        "team_id": clinic.team.team_id,
        "name": "Bay Road Clinic",
        "subdomain": "bay-road-clinic",
        "plan": "standard",
        "scheduling": True,
        "suspended": False,
        "settings": {
            "default_currency": "aud",
            "currencies": ["aud"],
            "host_lead_minutes": 0,
            "guest_lead_minutes": 0,
            "delayed_methods": [],
            "allowed_origins": [],
            "frame_ancestors": [],
        },
        "stripe": {
            "charges_enabled": True,
            "accounts": [
                {
                    "account_id": None,
                    "is_default": True,
                    "connected": True,
                    "charges_enabled": True,
                    "details_submitted": True,
                    "disabled_reason": None,
                    "refused_methods": [],
                    "country": None,
                    "default_currency": None,
                    "connected_at": None,
                    "disconnected_at": None,
                    "attention": None,
                    "platform_fee": "taken",
                    "platform_fee_note": None,
                }
            ],
        },
    }


def test_a_team_that_cannot_schedule_or_be_paid_is_told_so(clinic: Clinic) -> None:
    clinic.change_team(plan=Plan.ESSENTIALS, accounts=(PayeeAccount("acct_1", charges_enabled=False),))
    team = clinic.ask("GET", "/v1/user/team").json()
    assert (team["plan"], team["scheduling"]) == ("essentials", False)
    assert team["stripe"]["charges_enabled"] is False


@pytest.mark.parametrize(
    ("active", "told"),
    [
        ((), None),
        (("card", "au_becs_debit"), None),
        (
            ("au_becs_debit",),
            "Cards are not active on it, and every payment needs them; activate them in Stripe's dashboard.",
        ),
    ],
)
def test_a_team_is_told_that_cards_are_to_be_activated(
    clinic: Clinic, active: tuple[str, ...], told: str | None
) -> None:
    clinic.change_team(accounts=(PayeeAccount("acct_1", active_methods=active),))
    (account,) = clinic.ask("GET", "/v1/stripe/account").json()["accounts"]
    assert account["attention"] == told


def quote(clinic: Clinic, query: str) -> Reply:
    return clinic.ask("GET", f"/v1/fees/quote{query}")


@pytest.mark.parametrize(
    ("query", "currency", "minimum", "platform_fee", "net"),
    [
        ("?amount=8000&currency=aud", "aud", 100, 120, 7880),
        ("?amount=8000", "aud", 100, 120, 7880),
        ("?amount=8000&currency=JPY", "jpy", 50, 120, 7880),
    ],
)
def test_a_quote_tells_the_least_fee_the_platforms_share_and_what_is_left(
    clinic: Clinic, query: str, currency: str, minimum: int, platform_fee: int, net: int
) -> None:
    clinic.change_team(accounts=(PayeeAccount("acct_1"),), more_currencies=("jpy",))
    told = {"amount": 8000, "currency": currency, "minimum": minimum, "platform_fee": platform_fee, "net": net}
    told["platform_fee_note"] = None
    assert (quote(clinic, query).status, quote(clinic, query).json()) == (200, told)


def test_the_platform_takes_nothing_on_the_deployments_own_account(clinic: Clinic) -> None:
    told = quote(clinic, "?amount=8000").json()
    assert (told["platform_fee"], told["net"]) == (0, 8000)


@pytest.mark.parametrize(
    ("query", "field", "message"),
    [
        ("", "amount", "send a whole number"),
        ("?amount=80.00", "amount", "send a whole number"),
        ("?amount=-8000", "amount", "send a whole number"),
        ("?amount=1e400", "amount", "send a whole number"),
        ("?amount=99", "amount", "the least that can be charged is 1.00 AUD"),
        ("?amount=999999999", "amount", "the most that can be charged"),
        ("?amount=8000&currency=usd", "currency", "send one of: aud"),
        ("?amount=8000&currency=xxx", "currency", "xxx is not a currency"),
        ("?amount=8000&currency=%00%00%00", "currency", "is not a currency"),
    ],
)
def test_a_quote_of_what_cannot_be_charged_is_422_that_names_the_field(
    clinic: Clinic, query: str, field: str, message: str
) -> None:
    reply = quote(clinic, query)
    assert (reply.status, fields_of(reply)) == (422, [field])
    assert message in reply.json()["errors"][0]["message"]


# --- other teams' ids ---------------------------------------------------------------------------------------------

NAMES_NOTHING = {
    "/v1/auth/token",
    "/v1/sessions",
    "/v1/user/team",
    "/v1/fees/quote",
    "/v1/stripe/connect",
    "/v1/stripe/account",
    "/v1/payments",
}
"""These act on the caller's own team alone: no id of anything stands in their address."""

ONE_SESSION, ITS_SUMMARY = "/v1/sessions/{session_id}", "/v1/sessions/{session_id}/summary"
ITS_PARTICIPANTS = "/v1/sessions/{session_id}/participants"
ONE_PARTICIPANT, THEIR_LINK = "/v1/participants/{participant_id}", "/v1/participants/{participant_id}/link"
WALK: dict[tuple[str, str], Any] = {
    ("GET", ONE_SESSION): None,
    ("PUT", ONE_SESSION): {"session_name": "Mine now"},
    ("DELETE", ONE_SESSION): None,
    ("GET", ITS_SUMMARY): None,
    ("GET", ITS_PARTICIPANTS): None,
    ("POST", ITS_PARTICIPANTS): {"display_name": "Mine now"},
    ("GET", ONE_PARTICIPANT): None,
    ("PUT", ONE_PARTICIPANT): {"display_name": "Mine now", "fee": {"amount": 100, "currency": "aud"}},
    ("DELETE", ONE_PARTICIPANT): None,
    ("POST", THEIR_LINK): None,
}
MONEY: dict[tuple[str, str], Any] = {
    ("POST", "/v1/participants/{participant_id}/refund"): {"amount": 100},
    ("POST", "/v1/participants/{participant_id}/charge-again"): {"reason": "Mine now"},
    ("POST", "/v1/participants/{participant_id}/waive"): {"reason": "Mine now"},
}
"""Every other route, with a body that its own team could send."""


@pytest.fixture
def neighbour(edge: Edge) -> Clinic:
    return Clinic(edge, "Hill Street Practice")


def test_the_walk_knows_every_route() -> None:
    found = deployed.routes.paths()
    assert set(deployed.app.routes) == set(found)
    named = {path: handlers for path, handlers in found.items() if path in V1 and path not in NAMES_NOTHING}
    assert {(method, path) for path, handlers in named.items() for method in handlers} == {*WALK, *MONEY}


@pytest.mark.parametrize(("method", "route"), WALK)
@pytest.mark.parametrize("more", ["", "?include_canceled=true&deleted_participants=true"])
@pytest.mark.parametrize("header", [{}, {"If-Match": '"1-000000000000"'}, {"Idempotency-Key": "key-1"}])
def test_another_teams_ids_are_answered_as_ids_that_nobody_has_and_write_nothing(
    clinic: Clinic, neighbour: Clinic, method: str, route: str, more: str, header: dict[str, str]
) -> None:
    later = {"start_time": "2026-03-03T12:00:00Z", "end_time": "2026-03-03T13:00:00Z"}
    theirs = neighbour.schedule({"display_name": "Their Client"}, **later).json()
    before = fingerprint(clinic.edge.world)
    participant_id = theirs["participants"][0]["participant_id"]
    stolen = route.format(session_id=theirs["session_id"], participant_id=participant_id)
    made_up = route.format(session_id=UNKNOWN, participant_id=f"{UNKNOWN[:-2]}01")
    reply, expected = (clinic.ask(method, path + more, WALK[method, route], **header) for path in (stolen, made_up))
    assert reply.status == 404
    assert (reply.body, reply.headers) == (expected.body, expected.headers)
    assert fingerprint(clinic.edge.world) == before
    assert neighbour.ask(method, stolen + more, WALK[method, route]).status == 200


@pytest.mark.parametrize(("method", "route"), MONEY)
def test_another_teams_money_is_that_of_nobody(clinic: Clinic, neighbour: Clinic, method: str, route: str) -> None:
    edge, key = clinic.edge, {"Idempotency-Key": "key-1"}
    theirs = neighbour.schedule({"fee": FEE}).json()["participants"][0]
    if not route.endswith("waive"):
        page = edge.post(path_of(theirs["entry_url"]) + "/checkout", Accept="application/json").json()["url"]
        edge.world.stripe.pay(page.rpartition("/")[2])
        edge.deliver_webhooks()
    if route.endswith("charge-again"):
        assert neighbour.ask("POST", f"/v1/participants/{theirs['participant_id']}/refund").status == 200
    before = fingerprint(edge.world)
    stolen, made_up = (route.format(participant_id=one) for one in (theirs["participant_id"], f"{UNKNOWN[:-2]}01"))
    reply, expected = (clinic.ask(method, path, MONEY[method, route], **key) for path in (stolen, made_up))
    assert (reply.status, reply.body, reply.headers) == (404, expected.body, expected.headers)
    assert fingerprint(edge.world) == before
    assert neighbour.ask(method, stolen, MONEY[method, route], **key).status == 200


def test_what_names_nothing_shows_the_callers_own_team_alone(clinic: Clinic, neighbour: Clinic) -> None:
    neighbour.schedule({"display_name": "Their Client"})
    query = f"?team_id={neighbour.team.team_id}"
    assert clinic.ask("GET", f"/v1/sessions{query}").json()["content"] == []
    assert clinic.ask("GET", f"/v1/user/team{query}").json()["team_id"] == clinic.team.team_id
