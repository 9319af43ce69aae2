"""Connecting by OAuth: codes, what they are exchanged for, and the end of access, through Stripe's own library."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import urlencode

import pytest
import stripe
from stripe import oauth_error

from sandbox.stripe_standin import Answer, ControlError, StripeStandIn
from tests.standin.shop import Clock, Inbox, Shop, client_of, new_standin

pytestmark = pytest.mark.controls


@pytest.fixture
def clinic_id(standin: StripeStandIn) -> str:
    """An account that exists at Stripe and is not connected."""
    return standin.create_account("Bay Road Clinic", connected=False)


def post(client: stripe.StripeClient, path: str, **params: Any) -> dict[str, Any]:
    return dict(client.raw_request("post", path, base="connect", **params).data)


def exchange(client: stripe.StripeClient, code: str) -> dict[str, Any]:
    return post(client, "/oauth/token", grant_type="authorization_code", code=code)


def raw(standin: StripeStandIn, path: str, **form: str) -> Answer:
    headers = {"Authorization": f"Bearer {standin.secret_key}"}
    return standin.request("POST", path, headers, urlencode(form).encode())


# --- before ---------------------------------------------------------------------------------------------------------


def test_an_account_that_is_not_connected_is_out_of_reach_and_says_nothing(
    client: stripe.StripeClient, standin: StripeStandIn, clinic_id: str, connect_inbox: Inbox
) -> None:
    with pytest.raises(stripe.PermissionError, match="does not have access to account"):
        Shop(client, clinic_id).get("/v1/account")
    standin.set_charges_enabled(clinic_id, enabled=False)
    assert standin.pump(connect_inbox) == 0


def test_an_account_is_connected_unless_told(client: stripe.StripeClient, standin: StripeStandIn) -> None:
    assert Shop(client, standin.create_account()).get("/v1/account")["charges_enabled"] is True


def test_a_code_alone_connects_nothing(client: stripe.StripeClient, standin: StripeStandIn, clinic_id: str) -> None:
    assert standin.grant(clinic_id).startswith("ac_")
    with pytest.raises(stripe.PermissionError):
        Shop(client, clinic_id).get("/v1/account")


def test_an_unknown_account_the_own_one_and_a_controlled_one_cannot_agree(shop: Shop, standin: StripeStandIn) -> None:
    controlled = shop.post("/v1/accounts", {"controller": {"fees": {"payer": "account"}}})["id"]
    for account_id, reason in (
        ("acct_none", "there is no account"),
        (standin.account_id, "cannot be connected by OAuth"),
        (controlled, "cannot be connected by OAuth"),
    ):
        with pytest.raises(ControlError, match=reason):
            standin.grant(account_id)


# --- the exchange ---------------------------------------------------------------------------------------------------


def test_a_code_is_exchanged_for_the_accounts_id(
    client: stripe.StripeClient, standin: StripeStandIn, clinic_id: str
) -> None:
    tokens = exchange(client, standin.grant(clinic_id))
    assert tokens["stripe_user_id"] == clinic_id
    assert (tokens["token_type"], tokens["scope"], tokens["livemode"]) == ("bearer", "read_write", False)
    assert tokens["access_token"].startswith("sk_test_")
    assert tokens["stripe_publishable_key"].startswith("pk_test_")
    assert tokens["refresh_token"].startswith("rt_")
    assert len(tokens) == 7
    assert Shop(client, clinic_id).get("/v1/account")["id"] == clinic_id


def test_live_mode_gives_live_tokens(clock: Clock) -> None:
    live = new_standin(clock, livemode=True)
    tokens = exchange(client_of(live), live.grant(live.create_account(connected=False)))
    assert tokens["livemode"] is True
    assert tokens["access_token"].startswith("sk_live_")
    assert tokens["stripe_publishable_key"].startswith("pk_live_")


def test_the_librarys_own_call_works_too(client: stripe.StripeClient, standin: StripeStandIn, clinic_id: str) -> None:
    tokens = client.oauth.token({"grant_type": "authorization_code", "code": standin.grant(clinic_id)})
    assert tokens.stripe_user_id == clinic_id


def test_the_key_is_taken_by_basic_authentication_as_well(standin: StripeStandIn, clinic_id: str) -> None:
    credentials = base64.b64encode(f"{standin.secret_key}:".encode()).decode()
    body = urlencode({"grant_type": "authorization_code", "code": standin.grant(clinic_id)}).encode()
    assert standin.request("POST", "/oauth/token", {"Authorization": f"Basic {credentials}"}, body).status == 200


def test_the_exchange_is_announced_to_connect_endpoints(
    client: stripe.StripeClient, standin: StripeStandIn, clinic_id: str, connect_inbox: Inbox
) -> None:
    exchange(client, standin.grant(clinic_id))
    standin.pump(connect_inbox)
    [event] = connect_inbox.events
    assert (event["type"], event["account"]) == ("account.application.authorized", clinic_id)
    assert event["data"]["object"] == {"id": standin.client_id, "object": "application", "name": "Hill Street Clinic"}
    assert event["request"]["id"].startswith("req_")


def test_an_account_that_is_connected_can_be_connected_again(
    client: stripe.StripeClient, standin: StripeStandIn, clinic: Shop, connect_inbox: Inbox
) -> None:
    assert clinic.account is not None
    assert exchange(client, standin.grant(clinic.account))["stripe_user_id"] == clinic.account
    standin.pump(connect_inbox)
    assert [one["type"] for one in connect_inbox.events] == ["account.application.authorized"]


def test_a_code_is_used_once_and_the_account_stays_connected(
    client: stripe.StripeClient, standin: StripeStandIn, clinic_id: str
) -> None:
    code = standin.grant(clinic_id)
    exchange(client, code)
    with pytest.raises(oauth_error.InvalidGrantError) as caught:
        exchange(client, code)
    assert (caught.value.http_status, caught.value.code) == (400, "invalid_grant")
    assert caught.value.json_body == {
        "error": "invalid_grant",
        "error_description": "This authorization code has already been used. All tokens issued with this code have "
        "been revoked.",
    }
    assert Shop(client, clinic_id).get("/v1/account")["id"] == clinic_id


def test_a_code_that_nobody_was_given_is_refused(client: stripe.StripeClient) -> None:
    with pytest.raises(oauth_error.InvalidGrantError) as caught:
        exchange(client, "ac_none")
    assert (caught.value.http_status, caught.value.user_message) == (
        400,
        "Authorization code does not exist: ac_none",
    )


def test_a_code_is_good_for_five_minutes(
    client: stripe.StripeClient, standin: StripeStandIn, clinic_id: str, clock: Clock
) -> None:
    in_time, late = standin.grant(clinic_id), standin.grant(clinic_id)
    clock.advance(minutes=4, seconds=59)
    exchange(client, in_time)
    clock.advance(seconds=1)
    with pytest.raises(oauth_error.InvalidGrantError, match=f"Authorization code expired: {late}"):
        exchange(client, late)


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({}, "invalid_request"),
        ({"code": "ac_1"}, "invalid_request"),
        ({"grant_type": "", "code": "ac_1"}, "invalid_request"),
        ({"grant_type": "authorization_code"}, "invalid_request"),
        ({"grant_type": "authorization_code", "code": ""}, "invalid_request"),
        ({"grant_type": "authorization_code", "code[0]": "ac_1"}, "invalid_request"),
        ({"grant_type": "password", "code": "ac_1"}, "unsupported_grant_type"),
        ({"grant_type": "refresh_token", "refresh_token": "rt_1"}, "unsupported_grant_type"),
        ({"grant_type": "authorization_code", "code": "ac_1"}, "invalid_grant"),
    ],
)
def test_a_malformed_exchange_is_refused(standin: StripeStandIn, form: dict[str, str], error: str) -> None:
    answer = raw(standin, "/oauth/token", **form)
    assert (answer.status, answer.json()["error"]) == (400, error)


def test_a_body_that_is_no_form_is_refused_in_the_same_shape(standin: StripeStandIn) -> None:
    headers = {"Authorization": f"Bearer {standin.secret_key}"}
    answer = standin.request("POST", "/oauth/token", headers, b"\xff=1")
    assert (answer.status, answer.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/deauthorize"])
def test_a_wrong_key_is_no_client(standin: StripeStandIn, client: stripe.StripeClient, path: str) -> None:
    with pytest.raises(oauth_error.InvalidClientError) as caught:
        post(client, path, api_key="sk_test_somebody_else")
    assert caught.value.http_status == 401
    assert caught.value.user_message == "No such API key: sk_test_*********else"
    answer = standin.request("POST", path, {}, b"")
    assert (answer.status, answer.json()["error"]) == (401, "invalid_client")


@pytest.mark.parametrize(("method", "path"), [("GET", "/oauth/token"), ("POST", "/oauth/revoke")])
def test_the_host_has_no_other_endpoints(standin: StripeStandIn, method: str, path: str) -> None:
    answer = standin.request(method, path, {"Authorization": f"Bearer {standin.secret_key}"}, b"")
    assert answer.status == 404


# --- the end --------------------------------------------------------------------------------------------------------


def test_the_platform_ends_its_access_with_one_last_event(
    client: stripe.StripeClient, standin: StripeStandIn, clinic: Shop, connect_inbox: Inbox
) -> None:
    ended = post(client, "/oauth/deauthorize", client_id=standin.client_id, stripe_user_id=clinic.account)
    assert ended == {"stripe_user_id": clinic.account}
    with pytest.raises(stripe.PermissionError):
        clinic.get("/v1/account")
    standin.pump(connect_inbox)
    assert [one["type"] for one in connect_inbox.events] == ["account.application.deauthorized"]
    assert client.oauth.token(
        {"grant_type": "authorization_code", "code": standin.grant(str(clinic.account))}
    ).stripe_user_id == str(clinic.account)


def test_what_is_not_connected_cannot_be_disconnected(
    client: stripe.StripeClient, standin: StripeStandIn, clinic_id: str
) -> None:
    for account_id in (clinic_id, "acct_none", standin.account_id):
        with pytest.raises(oauth_error.InvalidClientError) as caught:
            post(client, "/oauth/deauthorize", client_id=standin.client_id, stripe_user_id=account_id)
        assert caught.value.http_status == 401
        assert caught.value.user_message == (
            f"This application is not connected to stripe account {account_id}, or that account does not exist."
        )


def test_another_application_cannot_disconnect(client: stripe.StripeClient, clinic: Shop) -> None:
    with pytest.raises(oauth_error.InvalidClientError, match="No such application: ca_other"):
        post(client, "/oauth/deauthorize", client_id="ca_other", stripe_user_id=clinic.account)
    assert clinic.get("/v1/account")["id"] == clinic.account


@pytest.mark.parametrize("missing", ["client_id", "stripe_user_id"])
def test_disconnecting_needs_to_know_from_what(standin: StripeStandIn, clinic: Shop, missing: str) -> None:
    form = {"client_id": standin.client_id, "stripe_user_id": str(clinic.account)}
    answer = raw(standin, "/oauth/deauthorize", **{name: value for name, value in form.items() if name != missing})
    assert (answer.status, answer.json()["error"]) == (400, "invalid_request")


# --- faults ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "error", "is_used"),
    [
        ("timeout_before", stripe.APIConnectionError, False),
        ("500", stripe.APIError, False),
        ("429", stripe.RateLimitError, False),
        ("timeout_after", stripe.APIConnectionError, True),
        ("500_after", stripe.APIError, True),
    ],
)
def test_faults_happen_to_the_exchange_as_well(
    client: stripe.StripeClient,
    standin: StripeStandIn,
    clinic_id: str,
    kind: str,
    error: type[Exception],
    is_used: bool,  # noqa: FBT001 (a parameter of the table above)
) -> None:
    code = standin.grant(clinic_id)
    standin.fail_next(kind, method="POST", path_prefix="/oauth/token")
    with pytest.raises(error):
        exchange(client, code)
    if is_used:
        with pytest.raises(oauth_error.InvalidGrantError, match="already been used"):
            exchange(client, code)
    else:
        assert exchange(client, code)["stripe_user_id"] == clinic_id


def test_an_idempotency_key_finds_no_answer_here(standin: StripeStandIn, clinic_id: str) -> None:
    """Stripe documents keys for its API alone; the library sends one, and tries again after silence."""
    standin.fail_next("timeout_after")
    with pytest.raises(oauth_error.InvalidGrantError, match="already been used"):
        exchange(client_of(standin, retries=1), standin.grant(clinic_id))
    assert Shop(client_of(standin), clinic_id).get("/v1/account")["id"] == clinic_id


def test_requests_to_the_host_are_counted(client: stripe.StripeClient, standin: StripeStandIn, clinic_id: str) -> None:
    seen: list[tuple[str, str]] = []
    standin.on_request = lambda method, path: seen.append((method, path))
    exchange(client, standin.grant(clinic_id))
    assert seen == [("POST", "/oauth/token")]
