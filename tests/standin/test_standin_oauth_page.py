"""The hosted page on which an account's owner connects it, by Flask's test client: no sockets."""

from __future__ import annotations

from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from sandbox.stripe_standin import StripeStandIn
from tests.standin.shop import Clock, Shop, browser_of, new_standin

pytestmark = pytest.mark.controls
CALLBACK = "https://app.example/stripe/connect/callback"


@pytest.fixture
def clinic_id(standin: StripeStandIn) -> str:
    return standin.create_account("Bay Road Clinic", connected=False)


def address(standin: StripeStandIn, **changes: str | None) -> str:
    asked = {
        "response_type": "code",
        "client_id": standin.client_id,
        "scope": "read_write",
        "redirect_uri": CALLBACK,
        "state": "s1.&=",
        **changes,
    }
    return "/oauth/authorize?" + urlencode({name: value for name, value in asked.items() if value is not None})


def led_to(answer: TestResponse) -> tuple[str, dict[str, str]]:
    """Where, without the query; and the query."""
    assert answer.status_code == 303
    parts = urlsplit(answer.headers["Location"])
    return f"{parts.scheme}://{parts.netloc}{parts.path}", {name: one for name, [one] in parse_qs(parts.query).items()}


def exchanged(browser: FlaskClient, standin: StripeStandIn, code: str) -> str:
    headers = {"Authorization": f"Bearer {standin.secret_key}"}
    answer = browser.post("/oauth/token", data={"grant_type": "authorization_code", "code": code}, headers=headers)
    assert answer.json is not None
    return str(answer.json["stripe_user_id"])


def test_the_page_offers_the_accounts_that_could_connect(
    browser: FlaskClient, standin: StripeStandIn, shop: Shop, clinic: Shop, clinic_id: str
) -> None:
    controlled = shop.post("/v1/accounts", {"controller": {"fees": {"payer": "account"}}})["id"]
    page = browser.get(address(standin))
    assert page.status_code == 200
    for text in (
        "<title>Connect an account to Hill Street Clinic</title>",
        '<label for="account">Account</label>',
        f'<option value="{clinic_id}">Bay Road Clinic ({clinic_id})</option>',
        '<option value="new">A new account</option>',
        f'<option value="{clinic.account}">Bay Road Clinic ({clinic.account}), connected already</option>',
    ):
        assert text in page.text
    assert page.text.index(clinic_id) < page.text.index('"new"') < page.text.index(str(clinic.account))
    assert controlled not in page.text
    assert standin.account_id not in page.text


def test_the_page_is_private_and_has_no_scripts(browser: FlaskClient, standin: StripeStandIn) -> None:
    page = browser.get(address(standin))
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'self'")
    assert "<script" not in page.text


def test_connect_leads_back_with_a_code_that_connects(
    browser: FlaskClient, standin: StripeStandIn, clinic_id: str
) -> None:
    answer = browser.post(address(standin), data={"account": clinic_id, "decision": "connect"})
    location = answer.headers["Location"]
    assert location.startswith(f"{CALLBACK}?scope=read_write&code=ac_")
    assert location.endswith("&state=s1.%26%3D")
    where, said = led_to(answer)
    assert (where, said["scope"], said["state"]) == (CALLBACK, "read_write", "s1.&=")
    assert exchanged(browser, standin, said["code"]) == clinic_id


def test_cancel_leads_back_with_the_refusal(browser: FlaskClient, standin: StripeStandIn, clinic_id: str) -> None:
    answer = browser.post(address(standin), data={"account": clinic_id, "decision": "cancel"})
    assert (answer.status_code, answer.headers["Location"]) == (
        303,
        f"{CALLBACK}?error=access_denied&error_description=The%20user%20denied%20your%20request&state=s1.%26%3D",
    )


def test_a_new_account_is_opened_when_connect_is_pressed(
    browser: FlaskClient, standin: StripeStandIn, shop: Shop
) -> None:
    asked = address(standin, **{"stripe_user[business_name]": "Lake Clinic"})
    browser.get(asked)
    assert len(standin.snapshot()["accounts"]) == 1
    _, said = led_to(browser.post(asked, data={"account": "new", "decision": "connect"}))
    account = shop.get(f"/v1/accounts/{exchanged(browser, standin, said['code'])}")
    assert (account["business_profile"]["name"], account["charges_enabled"]) == ("Lake Clinic", True)


def test_a_new_account_is_connected_by_the_exchange_and_not_before(
    browser: FlaskClient, standin: StripeStandIn, shop: Shop
) -> None:
    _, said = led_to(browser.post(address(standin), data={"account": "new", "decision": "connect"}))
    assert [one["authorized"] for one in standin.snapshot()["accounts"]] == [True, False]
    account = shop.get(f"/v1/accounts/{exchanged(browser, standin, said['code'])}")
    assert account["business_profile"]["name"] == "Connected Clinic"


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"account": "acct_none", "decision": "connect"},
        {"account": "new"},
        {"account": "new", "decision": "perhaps"},
    ],
)
def test_what_is_not_on_the_page_is_not_taken(
    browser: FlaskClient, standin: StripeStandIn, form: dict[str, str]
) -> None:
    answer = browser.post(address(standin), data=form)
    assert answer.status_code == 400
    assert '<p class="error" id="error" role="alert">Choose one of these accounts.</p>' in answer.text
    assert len(standin.snapshot()["accounts"]) == 1


def test_the_own_account_is_not_taken(browser: FlaskClient, standin: StripeStandIn) -> None:
    form = {"account": standin.account_id, "decision": "connect"}
    assert browser.post(address(standin), data=form).status_code == 400


def test_a_state_that_was_not_given_is_not_made_up(browser: FlaskClient, standin: StripeStandIn) -> None:
    answer = browser.post(address(standin, state=None), data={"decision": "cancel"})
    assert "state" not in answer.headers["Location"]


def test_a_redirect_uri_keeps_its_own_query(browser: FlaskClient, standin: StripeStandIn) -> None:
    answer = browser.post(address(standin, redirect_uri=f"{CALLBACK}?a=1"), data={"decision": "cancel"})
    assert answer.headers["Location"].startswith(f"{CALLBACK}?a=1&error=access_denied&")


@pytest.mark.parametrize("client_id", ["ca_other", "", None])
@pytest.mark.parametrize("form", [None, {"account": "new", "decision": "connect"}])
def test_an_unknown_application_is_told_so_on_the_spot(
    browser: FlaskClient, standin: StripeStandIn, client_id: str | None, form: dict[str, str] | None
) -> None:
    asked = address(standin, client_id=client_id)
    answer = browser.get(asked) if form is None else browser.post(asked, data=form)
    assert (answer.status_code, answer.json) == (
        400,
        {"error": {"message": "No application matches the supplied client identifier"}},
    )
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "redirect_uri",
    [
        None,
        "",
        "app.example",
        "javascript:alert(1)",
        "ftp://app.example/",
        "//app.example/",
        f"{CALLBACK}#x",
        "https://",
    ],
)
def test_nobody_is_sent_where_no_web_page_is(
    browser: FlaskClient, standin: StripeStandIn, redirect_uri: str | None
) -> None:
    answer = browser.get(address(standin, redirect_uri=redirect_uri))
    assert answer.status_code == 400
    assert answer.json is not None
    assert answer.json["error"]["message"].startswith(f"Invalid request: Invalid redirect URI: '{redirect_uri or ''}'")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": None}, "invalid_request"),
        ({"response_type": ""}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": "everything"}, "invalid_scope"),
        ({"scope": "read_only"}, "invalid_scope"),
        ({"scope": None}, "invalid_scope"),
    ],
)
@pytest.mark.parametrize("form", [None, {"account": "new", "decision": "connect"}])
def test_who_asks_wrongly_is_sent_back(
    browser: FlaskClient,
    standin: StripeStandIn,
    changes: dict[str, str | None],
    error: str,
    form: dict[str, str] | None,
) -> None:
    asked = address(standin, **changes)
    where, said = led_to(browser.get(asked) if form is None else browser.post(asked, data=form))
    assert (where, said["error"], said["state"]) == (CALLBACK, error, "s1.&=")
    assert said["error_description"] != ""
    assert len(standin.snapshot()["accounts"]) == 1


def test_live_mode_takes_https_alone(clock: Clock) -> None:
    test, live = new_standin(clock), new_standin(clock, livemode=True)
    plain = "http://127.0.0.1:8000/callback"
    assert browser_of(test).get(address(test, redirect_uri=plain)).status_code == 200
    browser = browser_of(live)
    assert browser.get(address(live, redirect_uri=plain)).status_code == 400
    assert browser.get(address(live)).status_code == 200


def test_what_people_wrote_is_escaped(browser: FlaskClient, standin: StripeStandIn) -> None:
    standin.create_account("<b>Clinic</b>", connected=False)
    assert "&lt;b&gt;Clinic&lt;/b&gt;" in browser.get(address(standin)).text


def test_access_is_ended_over_http(browser: FlaskClient, standin: StripeStandIn, clinic: Shop) -> None:
    headers = {"Authorization": f"Bearer {standin.secret_key}"}
    form = {"client_id": standin.client_id, "stripe_user_id": str(clinic.account)}
    assert browser.post("/oauth/deauthorize", data=form, headers=headers).json == {"stripe_user_id": clinic.account}
