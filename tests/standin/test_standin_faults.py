"""Faults: silence before and after the effect, 500s that stick, rate limits; and that every request is counted."""

import pytest
import stripe

from sandbox.stripe_standin import ControlError, NoAnswer, StripeStandIn
from tests.standin.shop import Shop, client_of, code_of

pytestmark = pytest.mark.controls


def sessions(shop: Shop) -> list[str]:
    return [one["id"] for one in shop.get("/v1/checkout/sessions")["data"]]


def test_silence_before_the_effect_leaves_nothing(shop: Shop, standin: StripeStandIn) -> None:
    standin.fail_next("timeout_before")
    with pytest.raises(stripe.APIConnectionError):
        shop.offer(key="k1")
    assert sessions(shop) == []
    assert shop.offer(key="k1")["status"] == "open"


def test_silence_after_the_effect_leaves_the_effect_and_the_key_finds_it(shop: Shop, standin: StripeStandIn) -> None:
    standin.fail_next("timeout_after")
    with pytest.raises(stripe.APIConnectionError):
        shop.offer(key="k1")
    (made,) = sessions(shop)
    assert shop.offer(key="k1")["id"] == made


def test_a_500_after_the_effect_is_found_only_by_listing(shop: Shop, standin: StripeStandIn) -> None:
    standin.fail_next("500_after")
    for _ in range(2):
        with pytest.raises(stripe.APIError) as caught:
            shop.offer(key="k1")
        assert caught.value.http_status == 500
    (found,) = shop.get("/v1/checkout/sessions")["data"]
    assert found["client_reference_id"] == "attempt-1"


def test_a_rate_limit_has_no_effect_and_leaves_the_key_free(shop: Shop, standin: StripeStandIn) -> None:
    standin.fail_next("429")
    with pytest.raises(stripe.RateLimitError) as caught:
        shop.offer(key="k1")
    assert (caught.value.http_status, code_of(caught.value)) == (429, "rate_limit")
    assert shop.offer(key="k1")["status"] == "open"


def test_a_fault_lasts_as_many_requests_as_told(shop: Shop, standin: StripeStandIn) -> None:
    standin.fail_next("timeout_before", 2)
    for _ in range(2):
        with pytest.raises(stripe.APIConnectionError):
            shop.offer()
    assert shop.offer()["status"] == "open"


def test_a_fault_can_be_meant_for_one_endpoint(shop: Shop, standin: StripeStandIn) -> None:
    standin.fail_next("500", method="POST", path_prefix="/v1/refunds")
    charge_id = standin.pay(shop.offer()["id"]).charge_id
    with pytest.raises(stripe.APIError):
        shop.post("/v1/refunds", {"charge": charge_id})
    assert shop.post("/v1/refunds", {"charge": charge_id})["status"] == "succeeded"


def test_waiting_faults_can_be_called_off(shop: Shop, standin: StripeStandIn) -> None:
    standin.fail_next("500", 10)
    standin.clear_faults()
    assert shop.offer()["status"] == "open"


def test_the_library_retries_silence_with_the_same_key_and_makes_one_session(standin: StripeStandIn) -> None:
    standin.fail_next("timeout_after")
    patient = Shop(client_of(standin, retries=2))
    made = patient.offer()
    assert sessions(patient) == [made["id"]]


def test_the_library_does_not_retry_a_500_that_sticks(standin: StripeStandIn) -> None:
    seen: list[str] = []
    standin.on_request = lambda _method, path: seen.append(path)
    standin.fail_next("500")
    with pytest.raises(stripe.APIError):
        Shop(client_of(standin, retries=2)).offer()
    assert seen == ["/v1/checkout/sessions"]


def test_every_request_is_counted_once_whatever_becomes_of_it(shop: Shop, standin: StripeStandIn) -> None:
    seen: list[tuple[str, str]] = []
    standin.on_request = lambda method, path: seen.append((method, path))
    for kind in ("timeout_before", "timeout_after", "500", "429"):
        standin.fail_next(kind)
        with pytest.raises(stripe.StripeError):
            shop.get("/v1/account")
    with pytest.raises(stripe.PermissionError):
        Shop(shop.client, "acct_none").get("/v1/account")
    shop.offer(key="k1")
    shop.offer(key="k1")
    assert seen == [("GET", "/v1/account")] * 5 + [("POST", "/v1/checkout/sessions")] * 2


def test_without_stripes_library_silence_is_an_exception_of_its_own(standin: StripeStandIn) -> None:
    standin.fail_next("timeout_before")
    with pytest.raises(NoAnswer):
        standin.request("GET", "/v1/account", {}, b"")


@pytest.mark.parametrize(("kind", "times"), [("flood", 1), ("500", -1), ("500", 10_001)])
def test_an_unknown_fault_is_refused(standin: StripeStandIn, kind: str, times: int) -> None:
    with pytest.raises(ControlError, match="the kinds are timeout_before, timeout_after, 500, 500_after, 429"):
        standin.fail_next(kind, times)


@pytest.mark.parametrize("body", [b"\xff=1", b"a[b=1", b"a=1&a[b]=2", b"a[b]=2&a=1", b"a[b][c][d][e][f][g][h][i]=1"])
def test_a_body_that_is_no_form_is_a_400(standin: StripeStandIn, body: bytes) -> None:
    headers = {"Authorization": f"Bearer {standin.secret_key}"}
    assert standin.request("POST", "/v1/checkout/sessions", headers, body).status == 400
