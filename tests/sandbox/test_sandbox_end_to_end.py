"""The list of what a newcomer must be able to do, walked by a script through real HTTP, as docs/sandbox.md says."""

from __future__ import annotations

import json
import re
import stat
import time
from datetime import timedelta

import httpx
import pytest
import stripe

from tests.sandbox.script import AS_JSON, DECLINED, Booked, Script, Started, eventually

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

KEYS = [
    "app_url",
    "api_url",
    "control_url",
    "client_id",
    "client_secret",
    "team_id",
    "stripe_url",
    "stripe_secret_key",
    "stripe_account_id",
    "connect",
    "links",
    "other_clinic",
]


# --- the demo's links; before any test that moves the clock ---------------------------------------------------------


def test_the_file_for_scripts_holds_exactly_the_keys_that_are_promised(started: Started) -> None:
    file = started.directory / "sandbox.json"
    told = json.loads(file.read_text())
    assert list(told) == KEYS
    assert list(told["links"]) == ["pay_now", "pay_tomorrow", "pay_later", "free", "host"]
    assert told["api_url"] == f"{told['app_url']}/v1"
    assert (told["stripe_account_id"], told["connect"], told["other_clinic"]) == (None, False, None)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_what_is_printed_names_every_link_the_keys_and_the_start_page(started: Started) -> None:
    told = started.told
    for link in told["links"].values():
        assert link in started.text
    for key in ("api_url", "client_id", "client_secret"):
        assert told[key] in started.text
    assert f"{told['control_url']}/" in started.text


def test_the_demo_links_show_the_four_doors(script: Script) -> None:
    links = script.told["links"]
    doors = {name: script.http.get(link, headers=AS_JSON).json()["status"] for name, link in links.items()}
    assert doors == {"pay_now": "pay", "pay_tomorrow": "pay", "pay_later": "pay", "free": "join", "host": "join"}


def test_a_link_is_a_page_for_people_with_who_when_and_how_much(script: Script) -> None:
    answer = script.http.get(script.told["links"]["pay_now"])
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "Riverside Clinic" in answer.text
    assert "80.00" in answer.text
    assert "<time" in answer.text


def test_the_printed_lines_get_a_token_and_schedule_a_session(started: Started, script: Script) -> None:
    wish = re.search(r"-d '(\{.*\})'", started.text)
    assert wish is not None
    answer = script.post_session(json.loads(wish.group(1)))
    assert answer.status_code == 200
    assert [one["role"] for one in answer.json()["participants"]] == ["HOST", "GUEST"]


# --- pay and enter --------------------------------------------------------------------------------------------------


def test_a_client_pays_and_enters_the_room(script: Script) -> None:
    booked = script.schedule()
    assert booked.door() == "pay"
    paid = booked.pay()
    assert paid.status_code == 303
    back = booked.browser.get(paid.headers["location"])
    assert (back.status_code, back.headers["location"]) == (303, httpx.URL(booked.guest).path)
    assert booked.door() == "join"
    joined = booked.browser.post(f"{booked.guest}/join")
    assert joined.status_code == 303
    room = booked.browser.get(joined.headers["location"])
    assert "Alex &lt;b&gt;Moor" in room.text
    assert "<strong>guest</strong>" in room.text


def test_a_declined_card_is_told_on_the_hosted_page_and_can_be_tried_again(script: Script) -> None:
    booked = script.schedule()
    declined = booked.pay(DECLINED)
    assert declined.status_code == 402
    assert "declined" in declined.text
    assert booked.door() == "pay"
    assert booked.pay().status_code == 303
    assert eventually(lambda: booked.door() == "join")


def test_a_card_that_does_not_exist_is_refused_and_changes_nothing(script: Script) -> None:
    booked = script.schedule()
    assert booked.pay("1234").status_code == 400
    assert booked.door() == "pay"


def test_whoever_returns_without_the_payers_cookie_does_not_reach_the_link(script: Script) -> None:
    booked = script.schedule()
    paid = booked.pay()
    answer = script.http.get(paid.headers["location"])
    assert answer.status_code == 200
    assert httpx.URL(booked.guest).path not in answer.text


def test_tomorrows_session_is_paid_today_and_all_is_set(script: Script) -> None:
    booked = script.schedule(starts_in=timedelta(days=1))
    booked.pay()
    assert eventually(lambda: booked.door() == "early")
    refused = booked.browser.post(f"{booked.guest}/join", headers=AS_JSON)
    assert refused.status_code == 403


def test_a_host_and_a_guest_without_a_fee_enter_without_paying(script: Script) -> None:
    booked = script.schedule(fee=None)
    host = booked.browser.post(f"{booked.host}/join")
    guest = booked.browser.post(f"{booked.guest}/join")
    assert (host.status_code, guest.status_code) == (303, 303)
    assert "<strong>host</strong>" in booked.browser.get(host.headers["location"]).text


def test_a_forged_link_is_404_and_costs_nothing(script: Script) -> None:
    link = script.told["links"]["host"]
    script.control("/reset")
    for forged in (link[:-1] + ("A" if link[-1] != "A" else "B"), link[:-5], link.rsplit("/", 1)[0] + "/x"):
        assert script.http.get(forged).status_code == 404
    assert script.spent() == (0, 0, 0)


def test_the_room_refuses_a_token_for_another_room_and_one_that_is_damaged(script: Script) -> None:
    booked, other = script.schedule(fee=None), script.schedule(fee=None)
    room = booked.browser.post(f"{booked.guest}/join").headers["location"]
    assert script.http.get(room.replace(booked.session_id, other.session_id)).status_code == 403
    assert script.http.get(room + "x").status_code == 403
    script.control("/clock", advance=31 * 60)
    ended = script.http.get(room)
    assert ended.status_code == 403
    assert "The token ended at" in ended.text


# --- the end --------------------------------------------------------------------------------------------------------


def test_past_the_end_the_link_is_dead_and_the_open_checkout_is_expired(script: Script) -> None:
    booked = script.schedule()
    booked.offer()
    script.control("/clock", advance=30 * 60 + 1)
    assert booked.browser.get(booked.guest).status_code == 410
    script.control("/sweep")
    assert script.stripe_objects("checkout_sessions")[-1]["status"] == "expired"
    script.control("/clock", advance=3600)
    assert script.control("/sweep") == {"sessions": 0, "acts": 0, "failed": 0, "unfinished": False}


def test_the_schedule_sweeps_by_itself(script: Script) -> None:
    booked = script.schedule()
    booked.offer()
    script.control("/clock", advance=30 * 60 + 1)
    assert eventually(lambda: script.stripe_objects("checkout_sessions")[-1]["status"] == "expired", within=8)


# --- webhooks and faults --------------------------------------------------------------------------------------------


def test_with_every_webhook_lost_the_return_page_reaches_paid(script: Script) -> None:
    script.control("/webhooks", mode="drop")
    booked = script.schedule()
    paid = booked.pay()
    assert booked.door() != "join"
    booked.browser.get(paid.headers["location"])
    assert booked.door() == "join"
    assert {one["state"] for one in script.state()["deliveries"][-2:]} == {"dropped"}


def test_with_every_webhook_lost_and_the_tab_closed_the_sweep_reaches_paid(script: Script) -> None:
    script.control("/webhooks", mode="drop")
    booked = script.schedule()
    booked.pay()
    script.control("/clock", advance=125)
    script.control("/sweep")
    assert booked.door() == "join"


def test_held_webhooks_arrive_when_they_are_flushed(script: Script) -> None:
    script.control("/webhooks", mode="hold")
    booked = script.schedule()
    booked.pay()
    time.sleep(0.3)
    assert booked.door() == "pay"
    flushed = script.control("/webhooks/flush")
    assert flushed["released"] == flushed["delivered"] > 0
    assert booked.door() == "join"


def test_a_stripe_that_does_not_answer_is_503_and_the_next_try_pays_once(script: Script) -> None:
    booked = script.schedule()
    made = len(script.stripe_objects("checkout_sessions"))
    script.control("/faults", target="stripe", kind="timeout_after", times=2)
    answer = booked.browser.post(f"{booked.guest}/checkout")
    assert answer.status_code == 503
    assert answer.headers["retry-after"]
    assert script.state()["faults"] == {"stripe": 0, "dynamodb": 0}
    booked.offer()
    assert len(script.stripe_objects("checkout_sessions")) == made + 1


@pytest.mark.parametrize("kind", ["timeout_before", "timeout_after", "500", "429", "throttle"])
def test_a_database_that_fails_is_503_and_then_all_is_well(script: Script, kind: str) -> None:
    booked = script.schedule()
    script.control("/faults", target="dynamodb", kind=kind, times=2)
    answer = booked.browser.get(booked.guest, headers=AS_JSON)
    assert answer.status_code == 503
    assert booked.door() == "pay"


def test_a_lost_response_of_our_own_write_is_recognised(script: Script) -> None:
    script.sign_in()
    stripe_calls = len(script.stripe_objects("checkout_sessions"))
    booked = script.schedule()
    booked.door()
    script.control("/faults", target="dynamodb", kind="timeout_after", times=1)
    booked.offer()
    assert len(script.stripe_objects("checkout_sessions")) == stripe_calls + 1


# --- tenants and bad input ------------------------------------------------------------------------------------------


def test_another_clinics_ids_are_404_like_unknown_ones(script: Script) -> None:
    booked = script.schedule()
    other = script.control("/teams", name="Hill Street Clinic")
    assert list(other) == ["team_id", "client_id", "client_secret"]
    token = script.token_of(other["client_id"], other["client_secret"])
    theirs = script.session(booked.session_id, token)
    unknown = script.session("01900000-0000-7000-8000-000000000000", token)
    assert theirs.status_code == unknown.status_code == 404
    assert {**theirs.json(), "request_id": ""} == {**unknown.json(), "request_id": ""}


def test_another_clinic_can_charge(script: Script) -> None:
    other = script.control("/teams", name="Bay Road Clinic")
    theirs = Script({**script.told, **other})
    with theirs.closing:
        booked = theirs.schedule()
        booked.pay()
        assert eventually(lambda: booked.door() == "join")


@pytest.mark.parametrize(
    "fee",
    [
        {"amount": 99, "currency": "aud"},
        {"amount": 80.5, "currency": "aud"},
        {"amount": "8000", "currency": "aud"},
        {"amount": 10, "currency": "jpy"},
    ],
)
def test_a_fee_that_cannot_be_is_422_and_nothing_is_kept(script: Script, fee: dict[str, object]) -> None:
    script.sign_in()
    script.control("/reset")
    start_time = script.now()
    body = {
        "start_time": start_time.isoformat(),
        "end_time": (start_time + timedelta(minutes=30)).isoformat(),
        "participants": [{"role": "GUEST", "fee": fee}],
    }
    answer = script.post_session(body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"].startswith("participants[0].fee")
    assert script.spent()[1] == 0


def test_what_the_gateway_refuses_looks_as_it_does_when_deployed(script: Script) -> None:
    url = f"{script.told['app_url']}/no/such/address"
    answer = script.http.get(url, headers={"Authorization": "Bearer x"})
    assert (answer.status_code, answer.json()["status"]) == (404, 404)
    assert answer.headers["content-type"] == "application/json"
    assert script.http.request("PROPFIND", url).json()["title"] == "Not Found"
    assert script.http.head(url).content == b""
    endless = script.http.post(f"{script.told['api_url']}/sessions", content=iter([b"{}"]))
    assert endless.status_code == 400


def test_a_closed_checkout_page_takes_no_card(script: Script) -> None:
    booked = script.schedule()
    page = booked.offer()
    booked.browser.post(page, data={"card": "4242424242424242"})
    charges = len(script.stripe_objects("charges"))
    again = booked.browser.post(page, data={"card": "4242424242424242"})
    assert again.status_code == 410
    assert len(script.stripe_objects("charges")) == charges


# --- Stripe's own library, the pages, the end -----------------------------------------------------------------------


def test_stripes_own_library_reaches_the_stand_in(script: Script) -> None:
    client = stripe.StripeClient(script.told["stripe_secret_key"], base_addresses={"api": script.told["stripe_url"]})
    booked: Booked = script.schedule()
    booked.offer()
    newest = client.v1.checkout.sessions.list({"limit": 1}).data[0]
    assert (newest.amount_total, newest.currency, newest.status) == (8000, "aud", "open")


def test_the_start_page_has_a_button_for_every_control_call(script: Script) -> None:
    page = script.http.get(f"{script.told['control_url']}/")
    assert page.status_code == 200
    for call in ("/clock", "/sweep", "/webhooks", "/webhooks/flush", "/faults", "/reset", "/teams", "/accounts"):
        assert f'action="{call}"' in page.text
    for link in script.told["links"].values():
        assert link in page.text


def test_the_log_holds_one_json_object_a_line_and_no_token(started: Started, script: Script) -> None:
    text = (started.directory / "sandbox.log").read_text()
    assert all(isinstance(json.loads(line), dict) for line in text.splitlines())
    for secret in (script.token, script.told["client_secret"], script.told["links"]["host"].rsplit("/", 1)[1]):
        assert secret not in text
