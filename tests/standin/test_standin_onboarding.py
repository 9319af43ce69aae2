"""Accounts that the platform creates: how they begin, the links to finish them, and who can end the connection."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
import stripe
from flask.testing import FlaskClient
from stripe import OAuth, oauth_error

from sandbox.stripe_standin import ControlError, StripeStandIn
from tests.standin.shop import NOON_TIMESTAMP, Clock, Inbox, Shop, code_of

pytestmark = pytest.mark.controls
CONTROLLER: dict[str, Any] = {
    "fees": {"payer": "account"},
    "losses": {"payments": "stripe"},
    "requirement_collection": "stripe",
    "stripe_dashboard": {"type": "full"},
}
REFRESH = "https://app.example/stripe/refresh"
RETURN = "https://app.example/stripe/return"


@pytest.fixture
def account_id(shop: Shop) -> str:
    return str(shop.post("/v1/accounts", {"controller": CONTROLLER})["id"])


def link(shop: Shop, account_id: str, **changes: object) -> dict[str, Any]:
    asked = {"account": account_id, "refresh_url": REFRESH, "return_url": RETURN, "type": "account_onboarding"}
    return shop.post("/v1/account_links", {**asked, **changes})


def page_of(shop: Shop, account_id: str) -> str:
    return urlsplit(str(link(shop, account_id)["url"])).path


# --- the account ----------------------------------------------------------------------------------------------------


def test_a_created_account_is_connected_and_can_do_nothing_yet(shop: Shop) -> None:
    made = shop.post("/v1/accounts", {"controller": CONTROLLER})
    assert made["object"] == "account"
    assert (made["charges_enabled"], made["details_submitted"], made["payouts_enabled"]) == (False, False, False)
    assert made["controller"] == {"type": "application", "is_controller": True, **CONTROLLER}
    assert made["requirements"]["disabled_reason"] == "requirements.past_due"
    assert "external_account" in made["requirements"]["currently_due"]
    assert (made["country"], made["default_currency"], made["email"], made["metadata"]) == ("AU", "aud", None, {})
    clinic = Shop(shop.client, made["id"])
    assert clinic.get("/v1/account") == made
    with pytest.raises(stripe.InvalidRequestError, match="cannot currently make charges"):
        clinic.offer()


def test_an_account_is_what_it_was_said_to_be(shop: Shop) -> None:
    made = shop.post(
        "/v1/accounts",
        {
            "controller": CONTROLLER,
            "country": "NZ",
            "email": "ada@example.org",
            "metadata": {"team": "t1"},
            "business_profile": {"name": "Lake Clinic"},
        },
    )
    assert (made["country"], made["default_currency"], made["email"]) == ("NZ", "nzd", "ada@example.org")
    assert (made["metadata"], made["business_profile"]["name"]) == ({"team": "t1"}, "Lake Clinic")
    other = shop.post("/v1/accounts", {"controller": CONTROLLER, "country": "NZ", "default_currency": "AUD"})
    assert other["default_currency"] == "aud"
    far = shop.post("/v1/accounts", {"controller": CONTROLLER, "country": "BR", "default_currency": "brl"})
    assert (far["country"], far["default_currency"]) == ("BR", "brl")


@pytest.mark.parametrize(
    ("params", "param"),
    [
        ({"controller": {"colour": "red"}}, "controller[colour]"),
        ({"controller": {"fees": {"payer": "bank"}}}, "controller[fees][payer]"),
        ({"controller": {"fees": {"payer": "application"}}}, "controller[fees][payer]=application"),
        ({"controller": {"requirement_collection": "application"}}, "controller[requirement_collection]=application"),
        ({"controller": {"losses": {"payments": "application"}}}, "controller[losses][payments]=application"),
        ({"controller": {"stripe_dashboard": {"type": "express"}}}, "controller[stripe_dashboard][type]=express"),
        ({}, "type"),
        ({"type": "standard"}, "type"),
        ({"controller": CONTROLLER, "colour": "red"}, "colour"),
        ({"controller": CONTROLLER, "country": "Australia"}, "country"),
        ({"controller": CONTROLLER, "country": "BR"}, "country=BR"),
        ({"controller": CONTROLLER, "default_currency": "xxx"}, "default_currency"),
        ({"controller": CONTROLLER, "email": "ada"}, "email"),
        ({"controller": CONTROLLER, "business_profile": {"colour": "red"}}, "business_profile[colour]"),
    ],
)
def test_what_stripe_or_the_stand_in_does_not_know_makes_no_account(
    shop: Shop, standin: StripeStandIn, params: dict[str, Any], param: str
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        shop.post("/v1/accounts", params)
    assert (caught.value.http_status, caught.value.param) == (400, param)
    assert len(standin.snapshot()["accounts"]) == 1


def test_the_same_key_creates_one_account(shop: Shop, standin: StripeStandIn) -> None:
    first = shop.post("/v1/accounts", {"controller": CONTROLLER}, key="k1")
    assert shop.post("/v1/accounts", {"controller": CONTROLLER}, key="k1") == first
    assert len(standin.snapshot()["accounts"]) == 2


def test_only_the_platform_creates_accounts_and_links(clinic: Shop, account_id: str) -> None:
    attempts: list[Callable[[], object]] = [
        lambda: clinic.post("/v1/accounts", {"controller": CONTROLLER}),
        lambda: link(clinic, account_id),
    ]
    for attempt in attempts:
        with pytest.raises(stripe.PermissionError, match="Only Stripe Connect platforms can work with other accounts"):
            attempt()


# --- finishing ------------------------------------------------------------------------------------------------------


def test_a_finished_account_can_charge_and_is_announced(
    shop: Shop, standin: StripeStandIn, account_id: str, connect_inbox: Inbox
) -> None:
    standin.finish_onboarding(account_id)
    standin.finish_onboarding(account_id)
    standin.pump(connect_inbox)
    [event] = connect_inbox.events
    assert (event["type"], event["account"]) == ("account.updated", account_id)
    assert event["data"]["previous_attributes"] == {
        "charges_enabled": False,
        "details_submitted": False,
        "payouts_enabled": False,
    }
    finished = shop.get(f"/v1/accounts/{account_id}")
    assert event["data"]["object"] == finished
    assert (finished["charges_enabled"], finished["details_submitted"], finished["payouts_enabled"]) == (
        True,
        True,
        True,
    )
    assert (finished["requirements"]["currently_due"], finished["requirements"]["disabled_reason"]) == ([], None)
    assert finished["controller"]["is_controller"] is True
    assert Shop(shop.client, account_id).offer()["status"] == "open"


def test_an_account_keeps_the_name_that_it_was_given(shop: Shop, standin: StripeStandIn, account_id: str) -> None:
    named = shop.post("/v1/accounts", {"controller": CONTROLLER, "business_profile": {"name": "Lake Clinic"}})
    for one in (named["id"], account_id):
        standin.finish_onboarding(one)
    assert shop.get(f"/v1/accounts/{named['id']}")["business_profile"]["name"] == "Lake Clinic"
    assert shop.get(f"/v1/accounts/{account_id}")["business_profile"]["name"] == "Connected Clinic"


def test_accounts_do_not_share_what_they_owe(shop: Shop, standin: StripeStandIn, account_id: str) -> None:
    other = shop.post("/v1/accounts", {"controller": CONTROLLER})["id"]
    standin.finish_onboarding(other)
    assert shop.get(f"/v1/accounts/{account_id}")["requirements"]["currently_due"] != []


# --- the link -------------------------------------------------------------------------------------------------------


def test_a_link_leads_to_the_hosted_page_for_five_minutes(shop: Shop, account_id: str) -> None:
    made = link(shop, account_id)
    assert made["url"].startswith(f"https://pay.example/setup/s/{account_id}/")
    assert {name: made[name] for name in made if name != "url"} == {
        "object": "account_link",
        "created": NOON_TIMESTAMP,
        "expires_at": NOON_TIMESTAMP + 300,
    }
    assert link(shop, account_id)["url"] != made["url"]


def test_a_link_needs_an_account_that_the_platform_has_access_to(shop: Shop, standin: StripeStandIn) -> None:
    for account_id in ("acct_none", standin.create_account(connected=False)):
        with pytest.raises(stripe.PermissionError) as caught:
            link(shop, account_id)
        assert (caught.value.http_status, code_of(caught.value)) == (403, "account_invalid")


def test_a_link_needs_an_account_that_the_platform_created(shop: Shop, standin: StripeStandIn, clinic: Shop) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="only for accounts that the platform created"):
        link(shop, str(clinic.account))
    with pytest.raises(stripe.InvalidRequestError, match="You must have a client application set"):
        link(shop, standin.account_id)


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"type": "account_update"}, "type=account_update"),
        ({"type": "custom_account_verification"}, "type"),
        ({"refresh_url": "nowhere"}, "refresh_url"),
        ({"return_url": "nowhere"}, "return_url"),
        ({"colour": "red"}, "colour"),
        ({"collect": "currently_due"}, "collect"),
    ],
)
def test_a_link_of_another_kind_is_refused(shop: Shop, account_id: str, changes: dict[str, object], param: str) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        link(shop, account_id, **changes)
    assert caught.value.param == param


@pytest.mark.parametrize("missing", ["account", "refresh_url", "return_url", "type"])
def test_a_link_needs_to_be_told_everything(shop: Shop, account_id: str, missing: str) -> None:
    asked = {"account": account_id, "refresh_url": REFRESH, "return_url": RETURN, "type": "account_onboarding"}
    with pytest.raises(stripe.InvalidRequestError, match=f"Missing required param: {missing}"):
        shop.post("/v1/account_links", {name: value for name, value in asked.items() if name != missing})


# --- the page -------------------------------------------------------------------------------------------------------


def test_the_page_says_for_whom_it_is(browser: FlaskClient, shop: Shop, account_id: str) -> None:
    page = browser.get(page_of(shop, account_id))
    assert page.status_code == 200
    for text in (
        "<title>Set up payments for New account</title>",
        "Set up payments with Hill Street Clinic for",
        account_id,
        'value="finish">Finish</button>',
        'value="leave">Leave for now</button>',
    ):
        assert text in page.text
    assert "<script" not in page.text
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'self'")


def test_finish_submits_everything_and_leads_to_the_return_url(
    browser: FlaskClient, shop: Shop, account_id: str
) -> None:
    page = page_of(shop, account_id)
    browser.get(page)
    answer = browser.post(page, data={"decision": "finish"})
    assert (answer.status_code, answer.headers["Location"]) == (303, RETURN)
    assert shop.get(f"/v1/accounts/{account_id}")["charges_enabled"] is True
    assert Shop(shop.client, account_id).get("/v1/events", type="account.updated")["data"] != []


@pytest.mark.parametrize("form", [{"decision": "leave"}, {}, {"decision": "perhaps"}])
def test_leaving_submits_nothing_and_leads_to_the_return_url(
    browser: FlaskClient, shop: Shop, account_id: str, form: dict[str, str]
) -> None:
    page = page_of(shop, account_id)
    browser.get(page)
    answer = browser.post(page, data=form)
    assert (answer.status_code, answer.headers["Location"]) == (303, RETURN)
    assert shop.get(f"/v1/accounts/{account_id}")["details_submitted"] is False
    assert Shop(shop.client, account_id).get("/v1/events")["data"] == []


def test_a_link_opens_once(browser: FlaskClient, shop: Shop, account_id: str) -> None:
    page = page_of(shop, account_id)
    assert browser.get(page).status_code == 200
    again = browser.get(page)
    assert (again.status_code, again.headers["Location"]) == (303, REFRESH)
    assert browser.get(page_of(shop, account_id)).status_code == 200


def test_a_page_is_left_once(browser: FlaskClient, shop: Shop, account_id: str) -> None:
    page = page_of(shop, account_id)
    browser.get(page)
    browser.post(page, data={"decision": "leave"})
    again = browser.post(page, data={"decision": "finish"})
    assert (again.status_code, again.headers["Location"]) == (303, REFRESH)
    assert shop.get(f"/v1/accounts/{account_id}")["details_submitted"] is False


def test_a_page_that_was_not_opened_submits_nothing(browser: FlaskClient, shop: Shop, account_id: str) -> None:
    answer = browser.post(page_of(shop, account_id), data={"decision": "finish"})
    assert (answer.status_code, answer.headers["Location"]) == (303, REFRESH)
    assert shop.get(f"/v1/accounts/{account_id}")["details_submitted"] is False


def test_a_link_is_late_after_five_minutes_and_the_page_is_not(
    browser: FlaskClient, shop: Shop, account_id: str, clock: Clock
) -> None:
    late, in_time = page_of(shop, account_id), page_of(shop, account_id)
    clock.advance(minutes=4, seconds=59)
    assert browser.get(in_time).status_code == 200
    clock.advance(seconds=1)
    for answer in (browser.get(late), browser.post(late, data={"decision": "finish"})):
        assert (answer.status_code, answer.headers["Location"]) == (303, REFRESH)
    assert browser.post(in_time, data={"decision": "finish"}).headers["Location"] == RETURN


def test_a_link_to_an_account_out_of_reach_leads_back(
    browser: FlaskClient, shop: Shop, standin: StripeStandIn, account_id: str
) -> None:
    unopened, opened = page_of(shop, account_id), page_of(shop, account_id)
    browser.get(opened)
    shop.client.oauth.deauthorize({"client_id": standin.client_id, "stripe_user_id": account_id})
    for answer in (browser.get(unopened), browser.post(opened, data={"decision": "finish"})):
        assert (answer.status_code, answer.headers["Location"]) == (303, REFRESH)
    assert standin.snapshot()["accounts"][1]["account"]["details_submitted"] is False


def test_an_unknown_link_is_a_404(browser: FlaskClient, shop: Shop, account_id: str, clinic: Shop) -> None:
    elsewhere = page_of(shop, account_id).replace(account_id, str(clinic.account))
    for path in (f"/setup/s/{account_id}/none", elsewhere):
        assert browser.get(path).status_code == 404
        assert browser.post(path, data={"decision": "finish"}).status_code == 404


# --- the end --------------------------------------------------------------------------------------------------------


def test_its_owner_cannot_disconnect_an_account_that_the_platform_created(
    shop: Shop, standin: StripeStandIn, account_id: str
) -> None:
    with pytest.raises(ControlError, match="is controlled by the platform"):
        standin.deauthorize(account_id)
    assert shop.get(f"/v1/accounts/{account_id}")["id"] == account_id


def test_the_platform_can_and_then_the_account_is_its_owners_alone(
    shop: Shop, standin: StripeStandIn, account_id: str, connect_inbox: Inbox
) -> None:
    asked: OAuth.OAuthDeauthorizeParams = {"client_id": standin.client_id, "stripe_user_id": account_id}
    assert shop.client.oauth.deauthorize(asked).stripe_user_id == account_id
    standin.pump(connect_inbox)
    assert [one["type"] for one in connect_inbox.events] == ["account.application.deauthorized"]
    with pytest.raises(oauth_error.InvalidClientError):
        shop.client.oauth.deauthorize(asked)
    shop.client.oauth.token({"grant_type": "authorization_code", "code": standin.grant(account_id)})
    account = shop.get(f"/v1/accounts/{account_id}")
    assert (account["controller"], account["type"]) == ({"type": "account"}, "standard")
    standin.deauthorize(account_id)
