"""Paying: what Stripe's library shows of it afterwards."""

import pytest
import stripe

from sandbox.stripe_standin import CheckoutClosedError, ControlError, StripeStandIn, UnknownCardError
from sandbox.stripe_standin.standin import API_VERSION
from tests.standin.shop import NOON_TIMESTAMP, Clock, Inbox, Shop, client_of, item, new_standin

pytestmark = pytest.mark.controls
DECLINED = "4000000000000002"


def event_types(shop: Shop) -> list[str]:
    return [event["type"] for event in reversed(shop.get("/v1/events", limit=100)["data"])]


def test_a_paid_session_is_complete_and_paid(shop: Shop, standin: StripeStandIn) -> None:
    session = shop.offer()
    outcome = standin.pay(session["id"])
    assert outcome.status == "paid"
    assert outcome.redirect_url == f"https://clinic.example/paid/{session['id']}"
    paid = shop.session(session["id"], expand=["payment_intent.latest_charge.balance_transaction"])
    assert (paid["status"], paid["payment_status"], paid["url"]) == ("complete", "paid", None)
    intent = paid["payment_intent"]
    assert (intent["status"], intent["amount_received"], intent["metadata"]) == ("succeeded", 8000, {"session": "s1"})
    charge = intent["latest_charge"]
    assert (charge["status"], charge["paid"], charge["amount_captured"]) == ("succeeded", True, 8000)
    assert charge["created"] == NOON_TIMESTAMP
    assert charge["receipt_url"] == f"https://pay.example/receipts/{charge['id']}"
    assert charge["payment_method_details"]["card"]["last4"] == "4242"


def test_money_arrives_less_stripes_fee(shop: Shop, standin: StripeStandIn) -> None:
    charge_id = standin.pay(shop.offer()["id"]).charge_id
    charge = shop.get(f"/v1/charges/{charge_id}", expand=["balance_transaction"])
    money = charge["balance_transaction"]
    assert (money["amount"], money["fee"], money["net"], money["source"]) == (8000, 170, 7830, charge_id)


def test_a_paid_session_is_announced_in_stripes_order(shop: Shop, standin: StripeStandIn) -> None:
    standin.pay(shop.offer()["id"])
    assert event_types(shop) == [
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
        "checkout.session.completed",
        "charge.updated",
    ]


def test_an_event_is_a_snapshot_of_its_moment(shop: Shop, standin: StripeStandIn) -> None:
    standin.pay(shop.offer()["id"])
    succeeded = shop.get("/v1/events", type="charge.succeeded")["data"][0]
    assert succeeded["data"]["object"]["balance_transaction"] is None
    updated = shop.get("/v1/events", type="charge.updated")["data"][0]
    assert updated["data"]["object"]["balance_transaction"].startswith("txn_")
    assert updated["data"]["previous_attributes"] == {"balance_transaction": None}
    assert (updated["livemode"], updated["api_version"]) == (False, API_VERSION)
    assert updated["request"] == {"id": None, "idempotency_key": None}
    assert "account" not in updated


def test_a_declined_card_leaves_the_session_open_and_can_be_tried_again(shop: Shop, standin: StripeStandIn) -> None:
    session = shop.offer()
    declined = standin.pay(session["id"], DECLINED)
    assert (declined.status, declined.message, declined.redirect_url) == ("declined", "Your card was declined.", None)
    still_open = shop.session(session["id"], expand=["payment_intent.latest_charge"])
    assert (still_open["status"], still_open["payment_status"]) == ("open", "unpaid")
    intent = still_open["payment_intent"]
    assert intent["status"] == "requires_payment_method"
    assert (intent["last_payment_error"]["code"], intent["last_payment_error"]["decline_code"]) == (
        "card_declined",
        "generic_decline",
    )
    assert (intent["latest_charge"]["status"], intent["latest_charge"]["failure_code"]) == ("failed", "card_declined")
    paid = standin.pay(session["id"])
    assert (paid.status, paid.payment_intent_id) == ("paid", intent["id"])
    charges = shop.get("/v1/charges", payment_intent=intent["id"])["data"]
    assert [one["status"] for one in charges] == ["succeeded", "failed"]
    assert event_types(shop)[:4] == [
        "payment_intent.created",
        "charge.failed",
        "payment_intent.payment_failed",
        "charge.succeeded",
    ]


def test_a_card_number_may_hold_spaces(shop: Shop, standin: StripeStandIn) -> None:
    assert standin.pay(shop.offer()["id"], "4242 4242 4242 4242").status == "paid"


@pytest.mark.parametrize("card", ["1234", "", "au_becs_debit", "4111111111111111"])
def test_an_unknown_card_is_refused_and_changes_nothing(shop: Shop, standin: StripeStandIn, card: str) -> None:
    session = shop.offer()
    with pytest.raises(
        UnknownCardError, match="is not a test card of the stand-in; this session takes 4242424242424242"
    ):
        standin.pay(session["id"], card)
    assert shop.session(session["id"]) == session


def test_a_session_is_paid_once(shop: Shop, standin: StripeStandIn) -> None:
    session = shop.offer()
    standin.pay(session["id"])
    with pytest.raises(CheckoutClosedError, match="is complete; only an open one can be paid"):
        standin.pay(session["id"])
    assert len(shop.get("/v1/charges")["data"]) == 1


def test_an_expired_session_cannot_be_paid(shop: Shop, standin: StripeStandIn, clock: Clock) -> None:
    session = shop.offer(expires_at=NOON_TIMESTAMP + 1800)
    clock.advance(minutes=30)
    with pytest.raises(CheckoutClosedError, match="is expired"):
        standin.pay(session["id"])


def test_the_clock_announces_an_expired_session_as_of_its_own_time(
    shop: Shop, standin: StripeStandIn, inbox: Inbox, clock: Clock
) -> None:
    shop.offer(expires_at=NOON_TIMESTAMP + 1800)
    clock.advance(hours=2)
    assert standin.pump(inbox) == 1
    event = shop.get("/v1/events")["data"][0]
    assert (event["type"], event["created"]) == ("checkout.session.expired", NOON_TIMESTAMP + 1800)


def test_expiring_after_a_decline_cancels_the_payment_intent(shop: Shop, standin: StripeStandIn) -> None:
    session = shop.offer()
    intent_id = standin.pay(session["id"], DECLINED).payment_intent_id
    shop.post(f"/v1/checkout/sessions/{session['id']}/expire", {})
    assert shop.get(f"/v1/payment_intents/{intent_id}")["status"] == "canceled"
    assert event_types(shop)[-2:] == ["payment_intent.canceled", "checkout.session.expired"]


def test_stripes_promise_can_be_broken_so_that_an_expired_session_is_paid(shop: Shop, standin: StripeStandIn) -> None:
    session = shop.offer()
    standin.pay(session["id"], DECLINED)
    shop.post(f"/v1/checkout/sessions/{session['id']}/expire", {})
    assert standin.force_pay(session["id"]).status == "paid"
    paid = shop.session(session["id"])
    assert (paid["status"], paid["payment_status"]) == ("complete", "paid")
    with pytest.raises(CheckoutClosedError):
        standin.force_pay(session["id"])


def debit(shop: Shop, standin: StripeStandIn) -> tuple[str, str]:
    session = shop.offer(payment_method_types=["card", "au_becs_debit"])
    outcome = standin.pay(session["id"], "au_becs_debit")
    assert outcome.status == "processing"
    assert outcome.redirect_url == f"https://clinic.example/paid/{session['id']}"
    return session["id"], outcome.payment_intent_id


def test_a_bank_debit_completes_the_session_before_it_is_paid(shop: Shop, standin: StripeStandIn) -> None:
    session_id, _ = debit(shop, standin)
    session = shop.session(session_id, expand=["payment_intent.latest_charge"])
    assert (session["status"], session["payment_status"]) == ("complete", "unpaid")
    assert session["payment_intent"]["status"] == "processing"
    assert session["payment_intent"]["latest_charge"]["status"] == "pending"
    assert event_types(shop) == [
        "payment_intent.created",
        "charge.pending",
        "payment_intent.processing",
        "checkout.session.completed",
    ]


def test_a_bank_debit_that_succeeds_days_later_keeps_its_time_of_submission(
    shop: Shop, standin: StripeStandIn, clock: Clock
) -> None:
    session_id, intent_id = debit(shop, standin)
    clock.advance(days=3)
    standin.settle_delayed(intent_id, succeeded=True)
    session = shop.session(session_id, expand=["payment_intent.latest_charge"])
    assert (session["status"], session["payment_status"]) == ("complete", "paid")
    assert session["payment_intent"]["latest_charge"]["created"] == NOON_TIMESTAMP
    assert event_types(shop)[4:] == [
        "charge.succeeded",
        "payment_intent.succeeded",
        "checkout.session.async_payment_succeeded",
        "charge.updated",
    ]


def test_a_bank_debit_that_fails_leaves_the_session_complete_and_unpaid(shop: Shop, standin: StripeStandIn) -> None:
    session_id, intent_id = debit(shop, standin)
    standin.settle_delayed(intent_id, succeeded=False)
    session = shop.session(session_id, expand=["payment_intent.latest_charge"])
    assert (session["status"], session["payment_status"]) == ("complete", "unpaid")
    assert session["payment_intent"]["status"] == "requires_payment_method"
    assert session["payment_intent"]["latest_charge"]["status"] == "failed"
    assert event_types(shop)[4:] == [
        "charge.failed",
        "payment_intent.payment_failed",
        "checkout.session.async_payment_failed",
    ]
    with pytest.raises(ControlError, match="requires_payment_method, not processing"):
        standin.settle_delayed(intent_id, succeeded=True)


def test_an_account_that_cannot_charge_refuses_a_session_but_keeps_the_open_one(
    shop: Shop, standin: StripeStandIn
) -> None:
    session = shop.offer()
    standin.set_charges_enabled(standin.account_id, enabled=False)
    with pytest.raises(stripe.InvalidRequestError, match="cannot currently make charges"):
        shop.offer()
    assert shop.get("/v1/account")["charges_enabled"] is False
    assert standin.pay(session["id"]).status == "paid"


def test_another_settlement_currency_raises_the_minimum(shop: Shop, standin: StripeStandIn) -> None:
    standin.set_minimum_charge("aud", 150)
    with pytest.raises(stripe.InvalidRequestError) as caught:
        shop.offer(line_items=[item(100)])
    assert caught.value.code == "amount_too_small"


def test_the_state_shows_every_object(shop: Shop, standin: StripeStandIn) -> None:
    session = shop.offer()
    standin.pay(session["id"])
    state = standin.snapshot()
    (own,) = state["accounts"]
    assert own["account"]["id"] == state["account_id"] == standin.account_id
    assert [one["id"] for one in own["checkout_sessions"]] == [session["id"]]
    assert [len(own[kind]) for kind in ("payment_intents", "charges", "refunds", "balance_transactions")] == [
        1,
        1,
        0,
        1,
    ]


def test_the_same_seed_and_clock_give_the_same_ids(shop: Shop) -> None:
    assert shop.offer()["id"] == Shop(client_of(new_standin(Clock()))).offer()["id"]


def test_controls_refuse_ids_that_they_do_not_know(standin: StripeStandIn) -> None:
    with pytest.raises(ControlError, match=r"there is no checkout\.session 'cs_none' in the Stripe stand-in"):
        standin.pay("cs_none")


def test_objects_inside_a_list_are_expanded_through_data(shop: Shop, standin: StripeStandIn) -> None:
    paid = standin.pay(shop.offer()["id"])
    page = shop.get("/v1/checkout/sessions", expand=["data.payment_intent.latest_charge"])
    assert page["data"][0]["payment_intent"]["latest_charge"]["id"] == paid.charge_id
    with pytest.raises(stripe.InvalidRequestError, match="This property cannot be expanded"):
        shop.get("/v1/checkout/sessions", expand=["payment_intent"])


def test_expanding_what_is_not_there_yet_gives_null(shop: Shop) -> None:
    session = shop.session(shop.offer()["id"], expand=["payment_intent.latest_charge"])
    assert session["payment_intent"] is None


def test_expansion_ends_at_four_levels(shop: Shop, standin: StripeStandIn) -> None:
    paid = standin.pay(shop.offer()["id"])
    path = "latest_charge.payment_intent.latest_charge.payment_intent"
    assert shop.get(f"/v1/payment_intents/{paid.payment_intent_id}", expand=[path])["status"] == "succeeded"
    with pytest.raises(stripe.InvalidRequestError, match="You cannot expand more than 4 levels"):
        shop.get(f"/v1/payment_intents/{paid.payment_intent_id}", expand=[f"{path}.latest_charge"])
