"""A platform of clinics, walked by a script through real HTTP, as docs/sandbox.md says.

In the order of its tests: Hill Street Clinic has no Stripe account, connects one, is paid on it, and loses it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.sandbox.script import AS_JSON, FEE, ROOT, Booked, Script, Started, eventually

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    running = Started(tmp_path_factory.mktemp("local"), connect="on")
    yield running
    assert running.end() == 0


@dataclass
class Clinics:
    """`riverside` is connected from the start, `hill_street` is not."""

    riverside: Script
    hill_street: Script


@pytest.fixture
def clinics(started: Started) -> Iterator[Clinics]:
    told = started.told
    riverside, hill_street = Script(told), Script({**told, **told["other_clinic"]})
    with riverside.closing, hill_street.closing:
        yield Clinics(riverside, hill_street)


def connect(clinic: Script, account: str, decision: str = "connect") -> httpx.Response:
    """The owner presses a button on the stand-in's page; gives the product's page."""
    url = clinic.call("POST", "/stripe/connect", {"account": "existing"}).json()["url"]
    page = clinic.http.get(url)
    assert account in page.text
    return clinic.http.post(url, data={"account": account, "decision": decision}, follow_redirects=True)


def accounts(clinic: Script) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = clinic.call("GET", "/stripe/account").json()["accounts"]
    return found


def paid(clinic: Script) -> Booked:
    """A session of the clinic whose guest has paid, and may come in."""
    booked = clinic.schedule()
    assert booked.pay().status_code == 303
    assert eventually(lambda: booked.door() == "join")
    return booked


def refund(clinic: Script, booked: Booked, amount: int) -> httpx.Response:
    guest = clinic.session(booked.session_id).json()["participants"][1]["participant_id"]
    return clinic.http.post(
        f"{clinic.told['api_url']}/participants/{guest}/refund",
        json={"amount": amount},
        headers={"Authorization": f"Bearer {clinic.token}", "Idempotency-Key": f"{guest}-{amount}"},
    )


# --- the demo -------------------------------------------------------------------------------------------------------


def test_the_file_for_scripts_holds_the_keys_of_both_clinics(started: Started) -> None:
    told = started.told
    assert told["connect"] is True
    assert told["stripe_account_id"].startswith("acct_")
    assert list(told["links"]) == ["pay_now", "pay_tomorrow", "pay_later", "free", "host"]
    assert list(told["other_clinic"]) == ["client_id", "client_secret", "team_id", "stripe_account_id"]


def test_the_demo_clinic_is_connected_with_a_second_account_of_a_practitioner(
    started: Started, clinics: Clinics
) -> None:
    riverside = accounts(clinics.riverside)
    names = [
        clinics.riverside.stripe_account(one["account_id"])["account"]["business_profile"]["name"] for one in riverside
    ]
    assert names == ["Riverside Clinic", "Dr Jonas Weber"]
    assert [(one["is_default"], one["charges_enabled"]) for one in riverside] == [(True, True), (False, True)]
    assert started.told["stripe_account_id"] == riverside[0]["account_id"]
    assert clinics.riverside.call("GET", "/user/team").json()["plan"] == "premium"
    assert clinics.hill_street.call("GET", "/user/team").json()["plan"] == "essentials"


def test_the_demo_fees_are_paid_to_the_clinic_today_and_to_the_practitioner_tomorrow(clinics: Clinics) -> None:
    default, practitioner = (one["account_id"] for one in accounts(clinics.riverside))
    for link, account in (("pay_now", default), ("pay_tomorrow", practitioner)):
        browser = clinics.riverside.browser()
        page = browser.post(f"{clinics.riverside.told['links'][link]}/checkout").headers["location"]
        assert browser.post(page, data={"card": "4242424242424242"}).status_code == 303
        [charge] = clinics.riverside.stripe_objects("charges", account)
        assert (charge["amount"], charge["application_fee_amount"]) == (8000, 120)
    assert clinics.riverside.stripe_objects("charges") == []


def test_the_text_and_the_start_page_say_how_the_other_clinic_is_connected(started: Started, clinics: Clinics) -> None:
    page = clinics.hill_street.http.get(f"{started.told['control_url']}/")
    assert 'press "Connect the Stripe account of Hill Street Clinic"' in started.text
    assert "Connect the Stripe account of Hill Street Clinic</button>" in page.text
    for call in ("/teams/connect", "/teams/session", "/accounts"):
        assert f'action="{call}"' in page.text


def test_the_operators_command_line_finds_stripe_set_up(started: Started) -> None:
    local = started.directory / ".local"
    local.mkdir(exist_ok=True)
    (local / "ops.json").write_bytes((started.directory / "ops.json").read_bytes())
    for command in (["stripe", "setup", "--check"], ["team", "show", started.told["other_clinic"]["team_id"]]):
        done = subprocess.run(
            [sys.executable, "-m", "ops", "--local", *command],
            cwd=started.directory,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert "/stripe/connect/webhook" in done.stdout or "Hill Street Clinic" in done.stdout


# --- connecting -----------------------------------------------------------------------------------------------------


def test_a_clinic_without_an_account_schedules_no_fee(clinics: Clinics) -> None:
    assert accounts(clinics.hill_street) == []
    refused = clinics.hill_street.control_refused("/teams/session", team_id=clinics.hill_street.told["team_id"])
    assert refused.status_code == 502
    assert "connect its Stripe account" in refused.json()["error"]


def test_an_owner_who_cancels_connects_nothing(clinics: Clinics) -> None:
    page = connect(clinics.hill_street, clinics.hill_street.told["stripe_account_id"], "cancel")
    assert (page.status_code, "Not connected" in page.text) == (403, True)
    assert accounts(clinics.hill_street) == []


def test_another_clinics_account_cannot_be_connected(started: Started, clinics: Clinics) -> None:
    page = connect(clinics.hill_street, started.told["stripe_account_id"])
    assert page.status_code == 409
    assert "This Stripe account is another clinic’s" in page.text
    assert accounts(clinics.hill_street) == []


def test_an_owner_connects_the_account_and_reads_what_is_next(clinics: Clinics) -> None:
    account = clinics.hill_street.told["stripe_account_id"]
    page = connect(clinics.hill_street, account)
    assert page.status_code == 200
    assert "Your Stripe account is connected" in page.text
    assert "Hill Street Clinic" in page.text
    assert [(one["account_id"], one["charges_enabled"]) for one in accounts(clinics.hill_street)] == [(account, True)]
    assert clinics.hill_street.http.get(str(page.url), headers=AS_JSON).status_code == 409  # its state is used


# --- paying ---------------------------------------------------------------------------------------------------------


def test_a_client_pays_on_the_clinics_account_and_the_platform_gets_its_fee(clinics: Clinics) -> None:
    clinic = clinics.hill_street
    paid(clinic)
    [charge] = clinic.stripe_objects("charges", clinic.told["stripe_account_id"])
    assert (charge["amount"], charge["application_fee_amount"]) == (8000, 200)
    fee = clinic.stripe_objects("application_fees")[-1]
    assert (fee["account"], fee["amount"], fee["amount_refunded"]) == (clinic.told["stripe_account_id"], 200, 0)
    assert "A$2.00" in clinic.http.get(f"{clinic.told['control_url']}/live").text


def test_a_refund_gives_the_platforms_fee_back_in_proportion(clinics: Clinics) -> None:
    clinic = clinics.hill_street
    booked = paid(clinic)
    assert refund(clinic, booked, 2000).status_code == 200
    charge = clinic.stripe_objects("charges", clinic.told["stripe_account_id"])[-1]
    fee = clinic.stripe_objects("application_fees")[-1]
    assert (charge["amount_refunded"], fee["amount"], fee["amount_refunded"]) == (2000, 200, 50)
    assert "A$2.00, A$0.50 given back" in clinic.http.get(f"{clinic.told['control_url']}/live").text


def test_the_events_of_clinics_accounts_have_an_endpoint_of_their_own(clinics: Clinics) -> None:
    clinic = clinics.hill_street
    paid(clinic)
    account_ids = {one["id"] for one in clinic.stripe_objects("events", clinic.told["stripe_account_id"])}
    sent = {one["url"] for one in clinic.state()["deliveries"] if one["event"] in account_ids}
    assert sent == {f"{clinic.told['app_url']}/stripe/connect/webhook"}


def test_a_session_of_the_control_call_can_be_paid(clinics: Clinics) -> None:
    clinic = clinics.hill_street
    links = clinic.control("/teams/session", team_id=clinic.told["team_id"])["links"]
    assert clinic.http.get(links["guest"], headers=AS_JSON).json()["status"] == "pay"
    assert clinic.http.get(links["host"], headers=AS_JSON).json()["status"] == "join"


# --- what happens to an account -------------------------------------------------------------------------------------


def test_a_restricted_account_closes_the_door_to_payments_until_stripe_lets_it_go_on(clinics: Clinics) -> None:
    clinic = clinics.hill_street
    booked = clinic.schedule()
    clinic.control("/accounts", account=clinic.told["stripe_account_id"], deed="restrict")
    assert eventually(lambda: booked.door() == "cannot_charge")
    assert accounts(clinic)[0]["charges_enabled"] is False
    clinic.control("/accounts", account=clinic.told["stripe_account_id"], deed="restore")
    assert eventually(lambda: booked.door() == "pay")


def test_a_clinic_whose_account_is_deauthorised_takes_no_payments_and_who_paid_still_enters(clinics: Clinics) -> None:
    clinic = clinics.hill_street
    before, unpaid = paid(clinic), clinic.schedule()
    clinic.control("/accounts", account=clinic.told["stripe_account_id"], deed="deauthorize")
    assert eventually(lambda: unpaid.door() == "cannot_charge")
    assert unpaid.browser.post(f"{unpaid.guest}/checkout", headers=AS_JSON).status_code == 409
    assert "The clinic can’t take payments just now." in unpaid.browser.get(unpaid.guest).text
    assert before.door() == "join"
    assert [one["connected"] for one in accounts(clinic)] == [False]


def test_a_clinic_connects_again_after_that(clinics: Clinics) -> None:
    clinic = clinics.hill_street
    assert connect(clinic, clinic.told["stripe_account_id"]).status_code == 200
    paid(clinic)


# --- an account that the platform makes -----------------------------------------------------------------------------


def test_a_new_account_is_filled_in_on_stripes_page_and_then_takes_payments(clinics: Clinics) -> None:
    made = clinics.riverside.control("/teams", name="Bay Road Clinic")
    clinic = Script({**clinics.riverside.told, **made})
    with clinic.closing:
        url = clinic.control("/teams/connect", team_id=made["team_id"], account="new")["url"]
        assert "/setup/s/acct_" in url
        clinic.http.get(url)
        left = clinic.http.post(url, data={"decision": "leave"}, follow_redirects=True)
        assert "Stripe still needs some details" in left.text
        assert [one["charges_enabled"] for one in accounts(clinic)] == [False]
        again = clinic.control("/teams/connect", team_id=made["team_id"], account="new")["url"]
        clinic.http.get(again)
        finished = clinic.http.post(again, data={"decision": "finish"}, follow_redirects=True)
        assert "Your Stripe account is connected" in finished.text
        assert [one["charges_enabled"] for one in accounts(clinic)] == [True]
        paid(clinic)


def test_an_owner_who_finishes_later_is_heard_of_by_webhook(clinics: Clinics) -> None:
    made = clinics.riverside.control("/teams", name="Lake Road Clinic")
    clinic = Script({**clinics.riverside.told, **made})
    with clinic.closing:
        clinic.control("/teams/connect", team_id=made["team_id"], account="new")
        [account] = accounts(clinic)
        finished = clinic.control("/accounts", account=account["account_id"], deed="finish")
        assert finished == {"account": account["account_id"], "connected": True, "charges_enabled": True}
        assert eventually(lambda: bool(accounts(clinic)[0]["charges_enabled"]))


def test_a_team_on_the_deployments_own_account_pays_the_platform_no_fee(clinics: Clinics) -> None:
    made = clinics.riverside.control("/teams", name="Own Clinic", own_account=True)
    clinic = Script({**clinics.riverside.told, **made})
    with clinic.closing:
        paid(clinic)
        charge = clinic.stripe_objects("charges")[-1]
        assert (charge["amount"], charge["application_fee_amount"]) == (8000, None)


def test_no_clinic_sees_another(clinics: Clinics) -> None:
    booked = clinics.riverside.schedule(fee=FEE)
    theirs = clinics.hill_street.session(booked.session_id)
    unknown = clinics.hill_street.session("01900000-0000-7000-8000-000000000000")
    assert theirs.status_code == unknown.status_code == 404
