"""What only a platform's sandbox has: clinics that connect Stripe accounts, and what happens to those. No sockets."""

from __future__ import annotations

import pytest

from chalicelib.flows.connect import How, start_connecting
from tests.sandbox.bench import AS_PERSON, Bench, bench_on
from tests.support.platform import Platform


@pytest.fixture
def platform() -> Platform:
    return Platform()


@pytest.fixture
def bench(platform: Platform) -> Bench:
    return bench_on(platform)


# --- clinics --------------------------------------------------------------------------------------------------------


def test_a_new_team_has_no_account_and_may_schedule(bench: Bench, platform: Platform) -> None:
    made = bench.post("/teams", {"name": "Bay Road Clinic"})
    team = platform.teams.get(made["team_id"])
    assert team.accounts == ()
    assert team.may_schedule
    assert not team.can_charge()


def test_a_new_team_is_on_the_deployments_own_account_if_that_is_asked_for(bench: Bench, platform: Platform) -> None:
    made = bench.post("/teams", {"name": "Bay Road Clinic", "own_account": True})
    team = platform.teams.get(made["team_id"])
    assert [one.stripe_account_id for one in team.accounts] == [None]
    assert team.can_charge()


@pytest.mark.parametrize("account", [None, "existing", "new"])
def test_connecting_answers_the_address_that_the_product_gives_the_clinic(bench: Bench, account: str | None) -> None:
    made = bench.post("/teams", {"name": "Bay Road Clinic"})
    answer = bench.post("/teams/connect", {"team_id": made["team_id"], "account": account})
    assert answer == {"url": f"https://stripe.example/{made['client_id']}/{account}"}


def test_a_person_who_schedules_comes_back_to_the_page(bench: Bench) -> None:
    made = bench.post("/teams", {"name": "Bay Road Clinic"})
    answer = bench.http.post("/teams/session", data={"team_id": made["team_id"]}, headers=AS_PERSON)
    assert (answer.status_code, answer.location) == (303, "/")
    assert "A session was scheduled that runs now" in bench.http.get("/").text


def test_a_person_who_presses_connect_is_led_to_that_address(bench: Bench) -> None:
    made = bench.post("/teams", {"name": "Bay Road Clinic"})
    form = {"team_id": made["team_id"], "account": "existing"}
    answer = bench.http.post("/teams/connect", data=form, headers=AS_PERSON)
    assert (answer.status_code, answer.location) == (303, f"https://stripe.example/{made['client_id']}/existing")


def test_a_clinic_that_the_sandbox_did_not_make_cannot_be_spoken_for(bench: Bench, platform: Platform) -> None:
    theirs = {"team_id": platform.team.team_id}
    assert "has no keys of it" in bench.post("/teams/connect", theirs, 422)["error"]
    assert "has no keys of it" in bench.post("/teams/session", theirs, 422)["error"]


def test_what_the_product_refuses_is_502_in_its_own_words(bench: Bench) -> None:
    made = bench.post("/teams", {"name": "Bay Road Clinic"})
    bench.product.refuses = "POST /sessions answered 409: connect its Stripe account"
    refused = bench.post("/teams/session", {"team_id": made["team_id"]}, 502)
    assert refused == {"error": "the product refused: POST /sessions answered 409: connect its Stripe account"}


def test_a_session_of_a_clinic_runs_now_and_its_clients_link_is_on_the_page(bench: Bench) -> None:
    made = bench.post("/teams", {"name": "Bay Road Clinic"})
    answer = bench.post("/teams/session", {"team_id": made["team_id"]})
    assert answer["links"]["host"] == "https://anteroom.example/Consultation/11:55/Dr Mei Tanaka, None"
    assert answer["links"]["guest"].endswith("/Noor Aziz, {'amount': 8000, 'currency': 'aud'}")
    assert "The client who owes A$80.00" in bench.http.get("/live").text


def test_the_page_offers_a_clinic_without_an_account_to_connect_one(bench: Bench) -> None:
    made = bench.post("/teams", {"name": "Bay Road Clinic"})
    page = bench.http.get("/").text
    assert "no Stripe account" in page
    assert "Connect the Stripe account of Bay Road Clinic" in page
    assert made["team_id"] in page


def test_the_page_offers_to_go_on_with_an_account_that_was_begun(bench: Bench, platform: Platform) -> None:
    made = bench.post("/teams", {"name": "Bay Road Clinic"})
    start_connecting(platform.ctx, platform.teams.get(made["team_id"]), made["client_id"], How.NEW)
    page = bench.http.get("/live").text
    assert "new account unfinished" in page
    assert "Go on with its new account" in page
    assert "Make a new account for it" not in page


def test_forms_of_the_page_lead_to_stripe_only_where_it_is_stripe_itself(bench: Bench, platform: Platform) -> None:
    policy = bench.http.get("/").headers["Content-Security-Policy"]
    real = bench_on(platform, real=True).http.get("/")
    assert "form-action 'self';" in policy
    assert "form-action 'self' https://connect.stripe.com;" in real.headers["Content-Security-Policy"]
    assert "Clinics of this platform" in real.text
    assert "Let happen" not in real.text


# --- accounts -------------------------------------------------------------------------------------------------------


def test_stripe_restricts_an_account_and_lets_it_go_on(bench: Bench, platform: Platform) -> None:
    account = platform.account
    restricted = bench.post("/accounts", {"account": account, "deed": "restrict"})
    assert restricted == {"account": account, "connected": True, "charges_enabled": False}
    again = bench.post("/accounts", {"account": account, "deed": "restrict"})
    assert again == restricted
    restored = bench.post("/accounts", {"account": account, "deed": "restore"})
    assert restored == {"account": account, "connected": True, "charges_enabled": True}


def test_an_owner_deauthorises_once(bench: Bench, platform: Platform) -> None:
    gone = bench.post("/accounts", {"account": platform.account, "deed": "deauthorize"})
    assert gone == {"account": platform.account, "connected": False, "charges_enabled": True}
    again = bench.post("/accounts", {"account": platform.account, "deed": "deauthorize"}, 422)
    assert "is not a connected account" in again["error"]


def test_a_new_account_is_finished_before_anything_else_happens_to_it(bench: Bench, platform: Platform) -> None:
    made = platform.stripe.request(
        "POST",
        "/v1/accounts",
        {"Authorization": f"Bearer {platform.stripe.secret_key}"},
        b"controller[losses][payments]=stripe",
    ).json()["id"]
    assert "unfinished" in bench.http.get("/").text
    assert "finish it first" in bench.post("/accounts", {"account": made, "deed": "restore"}, 422)["error"]
    finished = bench.post("/accounts", {"account": made, "deed": "finish"})
    assert finished == {"account": made, "connected": True, "charges_enabled": True}
    controlled = bench.post("/accounts", {"account": made, "deed": "deauthorize"}, 422)
    assert "controlled by the platform" in controlled["error"]


def test_the_page_says_of_each_account_whose_it_is_and_how_it_stands(bench: Bench, platform: Platform) -> None:
    platform.stripe.create_account("Dr Jonas Weber", connected=False)
    page = bench.http.get("/live").text
    for row in (
        f'<td>connected</td><td><span class="state enabled">enabled</span></td><td>{platform.team.name}</td>',
        '<td>not connected</td><td><span class="state enabled">enabled</span></td><td>–</td>',
        f'<td>own</td><td><span class="state enabled">enabled</span></td><td>{platform.other_team.name}</td>',
    ):
        assert row in page


def test_the_page_tells_a_default_account_from_others_and_from_one_that_is_gone(
    bench: Bench, platform: Platform
) -> None:
    second = platform.stripe.create_account("Dr Jonas Weber")
    platform.connect(platform.team, second)
    assert f"{platform.team.name} (default)" in bench.http.get("/live").text
    bench.post("/accounts", {"account": second, "deed": "deauthorize"})
    platform.deliver()
    assert f"{platform.team.name} (until it was disconnected)" in bench.http.get("/live").text
