"""The control calls, through the web application alone: real clock, counters and stand-in; no sockets."""

from __future__ import annotations

from typing import Any

import jwt
import pytest

from sandbox.meter import Origin
from sandbox.stripe_standin.client import InProcessHTTPClient
from tests.sandbox.bench import AS_PERSON, NOON, ROOM_KEY, Bench, bench_on
from tests.support.world import World


@pytest.fixture
def bench(world: World) -> Bench:
    return bench_on(world)


@pytest.fixture
def without_standin(world: World) -> Bench:
    return bench_on(world, real=True)


# --- clock ----------------------------------------------------------------------------------------------------------


def test_the_clock_moves_ahead_and_says_where_it_is(bench: Bench) -> None:
    assert bench.post("/clock", {"advance": 90}) == {"clock": "2026-03-02T12:01:30.000Z"}
    assert bench.post("/clock", {"advance": 0.5}) == {"clock": "2026-03-02T12:01:30.500Z"}
    assert bench.state()["clock"] == "2026-03-02T12:01:30.500Z"


@pytest.mark.parametrize("advance", [-1, -0.001, 1e12, 1e300])
def test_a_step_back_or_beyond_all_time_is_422_and_the_clock_stays(bench: Bench, advance: float) -> None:
    assert "ahead only" in bench.post("/clock", {"advance": advance}, 422)["error"]
    assert bench.state()["clock"] == "2026-03-02T12:00:00.000Z"


def test_no_number_is_no_time(bench: Bench) -> None:
    answer = bench.http.post("/clock", data='{"advance": NaN}')
    assert answer.status_code == 422
    assert bench.state()["clock"] == "2026-03-02T12:00:00.000Z"


# --- what is not understood -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "fields", "says"),
    [
        ("/clock", {}, "advance"),
        ("/clock", {"advance": "60"}, "advance"),
        ("/clock", {"advance": True}, "advance"),
        ("/clock", {"advance": 60, "to": 1}, "to"),
        ("/sweep", {"now": 1}, "now"),
        ("/webhooks", {}, "mode"),
        ("/webhooks", {"mode": "lose"}, "deliver, hold, drop, duplicate, reorder"),
        ("/webhooks", {"mode": "hold", "delay": -1}, "delay"),
        ("/webhooks", {"mode": "hold", "delay": 1e9}, "delay"),
        ("/faults", {"target": "redis"}, "stripe, dynamodb"),
        ("/faults", {"target": "stripe", "kind": "404"}, "timeout_before, timeout_after, 500, 429, throttle"),
        ("/faults", {"target": "stripe", "kind": "500", "times": -1}, "times"),
        ("/faults", {"target": "stripe", "kind": "500", "times": 1.5}, "times"),
        ("/faults", {"target": "stripe", "kind": "500", "times": 10_001}, "times"),
        ("/teams", {}, "name"),
        ("/teams", {"name": "   "}, "name"),
        ("/teams", {"name": "x" * 201}, "name"),
        ("/teams", {"name": "Bay Road Clinic", "own_account": "yes"}, "own_account"),
        ("/teams/connect", {}, "team_id"),
        ("/teams/session", {}, "team_id"),
        ("/teams/session", {"team_id": "unknown"}, "team_id"),
        ("/accounts", {"account": "acct_unknown", "deed": "restrict"}, "acct_unknown"),
        ("/accounts", {"account": "acct_unknown", "deed": "close"}, "restrict, restore, finish, deauthorize"),
    ],
)
def test_what_makes_no_sense_is_422_with_a_sentence(bench: Bench, path: str, fields: dict[str, Any], says: str) -> None:
    before = bench.state()
    assert says in bench.post(path, fields, 422)["error"]
    assert bench.state() == before


@pytest.mark.parametrize("body", ["{", "[1]", "null", "7", "[" * 5000])
def test_a_body_that_is_no_json_object_is_400(bench: Bench, body: str) -> None:
    answer = bench.http.post("/clock", data=body, content_type="application/json")
    assert answer.status_code == 400
    assert "JSON" in answer.get_json()["error"]


def test_json_that_curl_sends_as_a_form_is_json(bench: Bench) -> None:
    form = "application/x-www-form-urlencoded"
    answer = bench.http.post("/clock", data='{"advance": 60}', content_type=form)
    assert answer.get_json() == {"clock": "2026-03-02T12:01:00.000Z"}


def test_an_unknown_address_or_method_is_a_json_error(bench: Bench) -> None:
    assert bench.http.post("/clocks").get_json()["error"].startswith("Not Found")
    assert bench.http.get("/clock").status_code == 405


# --- faults, webhooks, sweep, counters ------------------------------------------------------------------------------


def test_faults_wait_until_they_happened_or_are_taken_back(bench: Bench, world: World) -> None:
    assert bench.post("/faults", {"target": "stripe", "kind": "429", "times": 3})["waiting"] == 3
    assert bench.post("/faults", {"target": "dynamodb", "kind": "throttle"})["waiting"] == 1
    InProcessHTTPClient(world.stripe).request("get", "https://api.example/v1/charges", {})
    assert bench.state()["faults"] == {"stripe": 2, "dynamodb": 1}
    assert bench.post("/faults", {"target": "stripe", "times": 0})["waiting"] == 0
    assert bench.post("/faults", {"target": "dynamodb", "times": 0})["waiting"] == 0


def test_the_mode_of_webhooks_is_part_of_the_state(bench: Bench) -> None:
    bench.post("/webhooks", {"mode": "hold", "delay": 5})
    assert bench.state()["webhooks"] == {"mode": "hold", "delay": 5.0}
    assert bench.post("/webhooks/flush") == {"released": 0, "delivered": 0}


def test_the_sweep_answers_what_it_did(bench: Bench) -> None:
    assert bench.http.post("/sweep").get_json() == {"sessions": 1, "acts": 2, "failed": 0, "unfinished": False}


def test_a_sweep_that_fails_is_500_and_names_the_error(bench: Bench) -> None:
    bench.sweeps.fails = True
    assert bench.post("/sweep", status=500) == {"error": "the scheduled function failed: StoreUnavailableError"}


def test_reset_clears_the_counters_and_nothing_else(bench: Bench) -> None:
    with bench.controls.meter.request_from(Origin.SWEEP):
        bench.controls.meter.count_database("Query")
    bench.post("/webhooks", {"mode": "drop"})
    assert bench.state()["counters"]["sweep"]["dynamodb"] == {"reads": 1, "writes": 0}
    bench.post("/reset")
    assert bench.state()["counters"]["sweep"] == {"requests": 0, "dynamodb": {"reads": 0, "writes": 0}, "stripe": 0}
    assert bench.state()["webhooks"]["mode"] == "drop"
    assert bench.sweeps.postponed == 1


def test_the_state_shows_every_stripe_object_by_account(bench: Bench, world: World) -> None:
    assert list(bench.state()) == ["clock", "counters", "faults", "deliveries", "webhooks", "stripe"]
    assert bench.state()["stripe"]["account_id"] == world.stripe.account_id
    assert bench.state()["stripe"]["accounts"][0]["charges"] == []


def test_a_new_team_may_schedule_and_charge(bench: Bench, world: World) -> None:
    made = bench.post("/teams", {"name": "Hill Street Clinic"})
    team = world.teams.get(made["team_id"])
    assert team.name == "Hill Street Clinic"
    assert team.may_schedule
    assert team.can_charge()


def test_one_clinic_connects_no_account(bench: Bench) -> None:
    made = bench.post("/teams", {"name": "Hill Street Clinic"})
    refused = bench.post("/teams/connect", {"team_id": made["team_id"]}, 409)
    assert "make run CONNECT=on" in refused["error"]
    assert "Connect the Stripe account" not in bench.http.get("/").text


def test_the_deployments_own_account_can_be_restricted_and_restored(bench: Bench, world: World) -> None:
    own = world.stripe.account_id
    restricted = bench.post("/accounts", {"account": own, "deed": "restrict"})
    assert restricted == {"account": own, "connected": True, "charges_enabled": False}
    assert "restricted" in bench.http.get("/").text
    assert bench.post("/accounts", {"account": own, "deed": "restore"})["charges_enabled"] is True
    assert (
        "is not a connected account" in bench.post("/accounts", {"account": own, "deed": "deauthorize"}, 422)["error"]
    )


# --- with Stripe itself ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/clock", {"advance": 1}),
        ("/webhooks", {"mode": "hold"}),
        ("/webhooks/flush", {}),
        ("/faults", {"target": "stripe", "kind": "500"}),
        ("/accounts", {"account": "acct_1", "deed": "restrict"}),
    ],
)
def test_what_only_the_stand_in_can_do_is_409_with_stripe_itself(
    without_standin: Bench, path: str, fields: dict[str, Any]
) -> None:
    assert "Stripe itself" in without_standin.post(path, fields, 409)["error"]


def test_the_state_without_a_stand_in_holds_no_stripe_objects(without_standin: Bench) -> None:
    state = without_standin.state()
    assert (state["stripe"], state["webhooks"], state["deliveries"]) == (None, None, [])
    page = without_standin.http.get("/").text
    assert "Stripe’s test mode" in page
    assert 'action="/clock"' not in page
    assert without_standin.http.get("/v1/charges").status_code == 404


# --- people ---------------------------------------------------------------------------------------------------------


def test_a_button_goes_back_to_the_start_page_which_says_what_was_done(bench: Bench) -> None:
    answer = bench.http.post("/clock", data={"advance": "3600"}, headers=AS_PERSON)
    assert (answer.status_code, answer.location) == (303, "/")
    assert "The clock is at 2026-03-02T13:00:00.000Z now." in bench.http.get("/").text


def test_a_refused_button_says_why_on_the_start_page(bench: Bench) -> None:
    bench.http.post("/teams", data={"name": " "}, headers=AS_PERSON)
    page = bench.http.get("/").text
    assert "Not done." in page
    assert "1 to 200 printable characters" in page


def test_another_site_cannot_press_a_button(bench: Bench) -> None:
    answer = bench.http.post("/clock", data={"advance": "3600"}, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403
    assert bench.state()["clock"] == "2026-03-02T12:00:00.000Z"


def test_every_control_call_is_told_on_the_start_page(bench: Bench, world: World) -> None:
    account = world.stripe.account_id
    forms: list[tuple[str, dict[str, str], str]] = [
        ("/sweep", {}, "The sweep: sessions 1, acts 2, failed 0, unfinished False."),
        ("/webhooks", {"mode": "duplicate", "delay": "2"}, "Webhooks from now on: duplicate, 2 s late."),
        ("/webhooks/flush", {}, "Webhooks released: 0, taken: 0."),
        ("/faults", {"target": "stripe", "times": "2"}, "Faults that wait for the next requests to stripe: 2."),
        ("/reset", {}, "The counters are at zero."),
        ("/teams", {"name": "<b>Bay Road"}, "A clinic was made: team "),
        (
            "/accounts",
            {"account": account, "deed": "restrict"},
            f"Stripe account {account}: connected, takes no payments.",
        ),
    ]
    for path, fields, says in forms:
        assert bench.http.post(path, data=fields, headers=AS_PERSON).status_code == 303
        assert says in bench.http.get("/").text


def test_pages_load_nothing_from_elsewhere_and_escape_what_people_wrote(bench: Bench) -> None:
    for path in ("/", "/live"):
        answer = bench.http.get(path)
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert "<Clinic>" not in answer.text
    assert "Riverside &lt;Clinic&gt;" in bench.http.get("/").text


def test_the_start_page_shows_what_stripe_sees(bench: Bench, world: World) -> None:
    assert "Nothing was charged yet." in bench.http.get("/live").text
    checkout = world.stripe.request(
        "POST",
        "/v1/checkout/sessions",
        {"Authorization": f"Bearer {world.stripe.secret_key}"},
        b"mode=payment&success_url=https://x.example&line_items[0][quantity]=1&line_items[0][price_data][currency]=aud"
        b"&line_items[0][price_data][unit_amount]=8000&line_items[0][price_data][product_data][name]=Appointment",
    ).json()
    world.stripe.pay(checkout["id"])
    page = bench.http.get("/live").text
    assert checkout["id"] in page
    assert "A$80.00" in page
    assert "charge.succeeded" in page


# --- rooms ----------------------------------------------------------------------------------------------------------


def room_token(key: str = ROOM_KEY, **changes: Any) -> str:
    claims: dict[str, Any] = {
        "sub": "participant-1",
        "name": "Alex <b>Moor",
        "role": "GUEST",
        "room": "room-1",
        "iat": int(NOON.timestamp()),
        "nbf": int(NOON.timestamp()),
        "exp": int(NOON.timestamp()) + 60,
        "jti": "one-click",
    }
    return jwt.encode({**claims, **changes}, key, algorithm="HS256")


def test_the_room_shows_who_entered_as_what(bench: Bench) -> None:
    answer = bench.http.get(f"/room/room-1?token={room_token()}")
    assert answer.status_code == 200
    assert "<h1>Alex &lt;b&gt;Moor</h1>" in answer.text
    assert "<strong>guest</strong>" in answer.text


@pytest.mark.parametrize(
    ("token", "says"),
    [
        ("", "missing, damaged"),
        ("a.b.c", "missing, damaged"),
        (room_token(key="another key, of at least 32 bytes too"), "was not made by this sandbox"),
        (room_token(room="room-2"), "for another room"),
        (room_token(nbf=int(NOON.timestamp()) + 1), "not before"),
        (room_token(exp=int(NOON.timestamp())), "The token ended at 12:00 UTC on 2 March 2026"),
        (room_token(exp=10**18), "no times"),
        (jwt.encode({"room": "room-1"}, ROOM_KEY, algorithm="HS256"), "missing, damaged"),
    ],
)
def test_a_token_that_does_not_open_the_room_gets_a_page_that_says_why(bench: Bench, token: str, says: str) -> None:
    answer = bench.http.get("/room/room-1", query_string={"token": token})
    assert answer.status_code == 403
    assert "The room stays closed" in answer.text
    assert says in answer.text
