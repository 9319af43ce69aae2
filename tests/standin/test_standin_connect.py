"""Accounts: direct charges on connected accounts, application fees, and what deauthorization ends."""

from typing import Any

import pytest
import stripe

from sandbox.stripe_standin import ControlError, StripeStandIn
from tests.standin.shop import Inbox, Shop, code_of

pytestmark = pytest.mark.controls


def with_fee(amount: int) -> dict[str, Any]:
    return {"payment_intent_data": {"application_fee_amount": amount}}


def test_objects_of_one_account_are_unknown_to_another(shop: Shop, clinic: Shop) -> None:
    session = clinic.offer()
    assert clinic.session(session["id"])["id"] == session["id"]
    with pytest.raises(stripe.InvalidRequestError, match=r"No such checkout\.session"):
        shop.session(session["id"])
    assert shop.get("/v1/checkout/sessions")["data"] == []


def test_an_unknown_account_is_a_403(client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.PermissionError) as caught:
        Shop(client, "acct_none").offer()
    assert (caught.value.http_status, code_of(caught.value)) == (403, "account_invalid")
    assert caught.value.user_message == (
        "The provided key 'sk_test_****ndin' does not have access to account 'acct_none' (or that account does not "
        "exist). Application access may have been revoked."
    )


def test_the_own_account_may_be_named_too(client: stripe.StripeClient, standin: StripeStandIn) -> None:
    assert Shop(client, standin.account_id).offer()["status"] == "open"


def test_a_wrong_key_is_a_401(standin: StripeStandIn, client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.AuthenticationError) as caught:
        client.raw_request("get", "/v1/account", api_key="sk_test_somebody_else")
    assert caught.value.http_status == 401
    assert caught.value.user_message == "Invalid API Key provided: sk_test_*********else"


def test_no_key_is_a_401(standin: StripeStandIn) -> None:
    answer = standin.request("GET", "/v1/account", {}, b"")
    assert answer.status == 401
    assert answer.json()["error"]["message"].startswith("You did not provide an API key.")


def test_a_key_is_taken_by_basic_authentication_as_well(standin: StripeStandIn) -> None:
    headers = {"authorization": "Basic c2tfdGVzdF9zdGFuZGluOg=="}
    assert standin.request("GET", "/v1/account", headers, b"").status == 200


def test_accounts_are_read_by_id_and_by_header(shop: Shop, clinic: Shop, standin: StripeStandIn) -> None:
    account = shop.get(f"/v1/accounts/{clinic.account}")
    assert (account["id"], account["charges_enabled"], account["default_currency"]) == (clinic.account, True, "aud")
    assert clinic.get("/v1/account") == account
    assert shop.get("/v1/account")["id"] == standin.account_id
    with pytest.raises(stripe.PermissionError):
        shop.get("/v1/accounts/acct_none")


def test_an_application_fee_goes_to_the_platform(shop: Shop, clinic: Shop, standin: StripeStandIn) -> None:
    paid = standin.pay(clinic.offer(**with_fee(120))["id"])
    charge = clinic.get(f"/v1/charges/{paid.charge_id}", expand=["application_fee", "balance_transaction"])
    assert charge["application_fee_amount"] == 120
    assert (charge["application_fee"]["amount"], charge["application_fee"]["account"]) == (120, clinic.account)
    money = charge["balance_transaction"]
    assert (money["amount"], money["fee"], money["net"]) == (8000, 290, 7710)
    fees = {one["type"]: one["amount"] for one in money["fee_details"]}
    assert fees == {"stripe_fee": 170, "application_fee": 120}
    assert [one["amount"] for one in shop.get("/v1/application_fees")["data"]] == [120]


def test_the_fee_object_comes_a_moment_after_the_charge_has_succeeded(clinic: Shop, standin: StripeStandIn) -> None:
    standin.pay(clinic.offer(**with_fee(120))["id"])
    succeeded = clinic.get("/v1/events", type="charge.succeeded")["data"][0]["data"]["object"]
    assert (succeeded["application_fee_amount"], succeeded["application_fee"]) == (120, None)
    updated = clinic.get("/v1/events", type="charge.updated")["data"][0]["data"]["object"]
    assert updated["application_fee"].startswith("fee_")


@pytest.mark.parametrize("fee", [0, -1, 8001])
def test_a_fee_of_nothing_or_more_than_the_amount_is_refused(clinic: Shop, fee: int) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        clinic.offer(**with_fee(fee))
    assert caught.value.param == "payment_intent_data[application_fee_amount]"


@pytest.mark.parametrize("fee", [1, 8000])
def test_a_fee_of_one_or_of_all_is_taken(clinic: Shop, fee: int) -> None:
    assert clinic.offer(**with_fee(fee))["status"] == "open"


def test_refunds_give_the_fee_back_in_proportion(shop: Shop, clinic: Shop, standin: StripeStandIn) -> None:
    charge_id = standin.pay(clinic.offer(**with_fee(121))["id"]).charge_id
    refunded = []
    for amount in (1000, 3000, 4000):
        clinic.post("/v1/refunds", {"charge": charge_id, "amount": amount, "refund_application_fee": True})
        refunded.append(shop.get("/v1/application_fees")["data"][0]["amount_refunded"])
    assert refunded == [15, 61, 121]


def test_a_refund_keeps_the_fee_unless_told(shop: Shop, clinic: Shop, standin: StripeStandIn) -> None:
    charge_id = standin.pay(clinic.offer(**with_fee(120))["id"]).charge_id
    clinic.post("/v1/refunds", {"charge": charge_id})
    fee = shop.get("/v1/application_fees")["data"][0]
    assert (fee["amount_refunded"], fee["refunded"]) == (0, False)


def test_events_of_connected_accounts_name_them_and_go_to_connect_endpoints(
    shop: Shop, clinic: Shop, standin: StripeStandIn, inbox: Inbox
) -> None:
    standin.add_webhook_endpoint("https://app.example/stripe/connect/webhook", "whsec_connect", connect=True)
    standin.pay(clinic.offer()["id"])
    standin.pay(shop.offer()["id"])
    standin.pump(inbox)
    accounts = {(url.rpartition("stripe/")[2], b'"account": "acct_' in body) for url, _, body in inbox.received}
    assert accounts == {("connect/webhook", True), ("webhook", False)}
    assert clinic.get("/v1/events")["data"][0]["account"] == clinic.account
    assert len(inbox.received) == 10


def test_after_deauthorization_no_call_works_and_one_last_event_comes(
    clinic: Shop, standin: StripeStandIn, inbox: Inbox
) -> None:
    standin.add_webhook_endpoint("https://app.example/connect", "whsec_connect", connect=True)
    session = clinic.offer()
    assert clinic.account is not None
    standin.deauthorize(clinic.account)
    with pytest.raises(stripe.PermissionError) as caught:
        clinic.session(session["id"])
    assert code_of(caught.value) == "account_invalid"
    standin.pay(session["id"])
    standin.pump(inbox)
    assert [delivery.event_type for delivery in standin.deliveries] == ["account.application.deauthorized"]
    with pytest.raises(ControlError, match="is not a connected account"):
        standin.deauthorize(clinic.account)


def test_an_account_can_be_connected_again(clinic: Shop, standin: StripeStandIn) -> None:
    session = clinic.offer()
    assert clinic.account is not None
    standin.deauthorize(clinic.account)
    standin.authorize(clinic.account)
    assert clinic.session(session["id"])["status"] == "open"


def test_a_restricted_account_is_announced_and_cannot_charge(clinic: Shop, standin: StripeStandIn) -> None:
    assert clinic.account is not None
    standin.set_charges_enabled(clinic.account, enabled=False)
    event = clinic.get("/v1/events", type="account.updated")["data"][0]
    assert (event["account"], event["data"]["object"]["charges_enabled"]) == (clinic.account, False)
    with pytest.raises(stripe.InvalidRequestError, match="cannot currently make charges"):
        clinic.offer()
    standin.set_charges_enabled(clinic.account, enabled=True)
    assert clinic.offer()["status"] == "open"


def test_an_account_id_is_taken_once(standin: StripeStandIn) -> None:
    assert standin.create_account(account_id="acct_clinic") == "acct_clinic"
    with pytest.raises(ControlError, match="'acct_clinic' exists already"):
        standin.create_account(account_id="acct_clinic")


def test_an_application_fee_does_not_cross_certain_borders(clinic: Shop, standin: StripeStandIn) -> None:
    """unlock-protocol/unlock#12594 quotes these words."""
    standin.set_country(clinic.account, "BR")
    with pytest.raises(stripe.InvalidRequestError) as caught:
        clinic.offer(**with_fee(120))
    assert code_of(caught.value) == "charge_invalid_parameter"
    assert caught.value.user_message == (
        "Stripe doesn't currently support application fees for platforms in AU with connected accounts in BR."
    )
    assert clinic.offer()["status"] == "open"
    standin.set_country(None, "BR")
    assert clinic.offer(**with_fee(120))["status"] == "open"
    standin.set_country(clinic.account, "NZ")
    assert clinic.offer(**with_fee(120))["status"] == "open"


def test_a_change_of_country_is_announced_once(shop: Shop, clinic: Shop, standin: StripeStandIn) -> None:
    standin.set_country(clinic.account, "SG")
    standin.set_country(clinic.account, "SG")
    [event] = clinic.get("/v1/events", type="account.updated")["data"]
    assert (event["data"]["object"]["country"], event["data"]["previous_attributes"]) == ("SG", {"country": "AU"})
    standin.set_country(None, "US")
    [own] = shop.get("/v1/events", type="account.updated")["data"]
    assert own["data"]["object"]["country"] == "US"


def test_an_account_is_opened_in_a_country(shop: Shop, standin: StripeStandIn) -> None:
    account = standin.create_account(country="MX")
    assert shop.get(f"/v1/accounts/{account}")["country"] == "MX"
    with pytest.raises(ControlError, match="two capital letters"):
        standin.create_account(country="Mexico")
    with pytest.raises(ControlError, match="two capital letters"):
        standin.set_country(account, "mx")
