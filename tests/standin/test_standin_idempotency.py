"""The contract of idempotency keys, through Stripe's own library. https://docs.stripe.com/api/idempotent_requests."""

import pytest
import stripe

from sandbox.stripe_standin import StripeStandIn
from tests.standin.shop import Clock, Shop, appointment, code_of, item


def test_the_same_key_and_parameters_give_the_same_session(shop: Shop) -> None:
    first = shop.offer(key="k1")
    assert shop.offer(key="k1") == first
    newest = shop.get("/v1/checkout/sessions", limit=2)["data"]
    assert [one["id"] for one in newest].count(first["id"]) == 1


def test_a_replay_says_that_it_is_one(client: stripe.StripeClient, shop: Shop) -> None:
    path, key = "/v1/checkout/sessions", shop.key("k1")
    first = client.raw_request("post", path, idempotency_key=key, **appointment())
    again = client.raw_request("post", path, idempotency_key=key, **appointment())
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.headers["Original-Request"] == first.headers["Request-Id"]
    assert again.headers["Idempotency-Key"] == key


def test_the_same_key_with_other_parameters_is_refused(shop: Shop) -> None:
    shop.offer(key="k1")
    key = shop.key("k1")
    with pytest.raises(stripe.IdempotencyError) as caught:
        shop.offer(key="k1", client_reference_id="attempt-2")
    assert caught.value.http_status == 400
    assert caught.value.user_message == (
        "Keys for idempotent requests can only be used with the same parameters they were first used with. Try using a "
        f"key other than '{key}' if you meant to execute a different request."
    )


def test_the_same_key_at_another_endpoint_is_refused(shop: Shop) -> None:
    session = shop.offer(key="k1")
    with pytest.raises(stripe.IdempotencyError, match="same endpoint they were first used for"):
        shop.post(f"/v1/checkout/sessions/{session['id']}/expire", {}, key="k1")


def test_a_key_of_256_characters_is_refused_and_one_of_255_taken(shop: Shop) -> None:
    assert shop.offer(key="k" * 255)["status"] == "open"
    with pytest.raises(stripe.IdempotencyError):
        shop.offer(key="k" * 256)


def test_parameters_that_fail_validation_leave_the_key_free(shop: Shop) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="Received unknown parameter"):
        shop.offer(key="k1", colour="red")
    assert shop.offer(key="k1")["status"] == "open"


def test_a_refusal_by_the_endpoint_itself_is_kept(shop: Shop) -> None:
    with pytest.raises(stripe.InvalidRequestError):
        shop.offer(key="k1", line_items=[item(49)])
    with pytest.raises(stripe.IdempotencyError):
        shop.offer(key="k1")


@pytest.mark.controls
def test_keys_of_two_accounts_do_not_meet(shop: Shop, clinic: Shop) -> None:
    assert shop.offer(key="k1")["id"] != clinic.offer(key="k1")["id"]


@pytest.mark.controls
def test_a_replay_shows_the_first_answer_and_not_the_present_state(shop: Shop, standin: StripeStandIn) -> None:
    session = shop.offer(key="k1")
    standin.pay(session["id"])
    assert shop.offer(key="k1")["status"] == "open"
    assert shop.session(session["id"])["status"] == "complete"


@pytest.mark.controls
def test_a_key_is_kept_for_24_hours_and_then_makes_a_new_session(shop: Shop, clock: Clock) -> None:
    first = shop.offer(key="k1")
    clock.advance(hours=23, minutes=59, seconds=59)
    assert shop.offer(key="k1")["id"] == first["id"]
    clock.advance(seconds=1)
    assert shop.offer(key="k1")["id"] != first["id"]


@pytest.mark.controls
def test_a_key_that_is_being_answered_is_a_409(shop: Shop, standin: StripeStandIn) -> None:
    refusals: list[stripe.APIError] = []

    def the_same_again(_method: str, _path: str) -> None:
        standin.on_request = lambda _method, _path: None
        with pytest.raises(stripe.APIError) as caught:
            shop.offer(key="k1")
        refusals.append(caught.value)

    standin.on_request = the_same_again
    session = shop.offer(key="k1")
    assert [(one.http_status, code_of(one)) for one in refusals] == [(409, "idempotency_key_in_use")]
    assert [one["id"] for one in shop.get("/v1/checkout/sessions")["data"]] == [session["id"]]


@pytest.mark.controls
def test_a_500_sticks_to_its_key_and_another_key_works(shop: Shop, standin: StripeStandIn) -> None:
    standin.fail_next("500")
    for _ in range(2):
        with pytest.raises(stripe.APIError) as caught:
            shop.offer(key="k1")
        assert caught.value.http_status == 500
    assert shop.offer(key="k2")["status"] == "open"
    assert len(shop.get("/v1/checkout/sessions")["data"]) == 1
