"""The way to Stripe: its time limits and retries, its errors by status, its deadline, and what it never lets out."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
import stripe
from botocore.config import Config
from requests.adapters import BaseAdapter
from typing_extensions import override

from chalicelib.domain.facts import Attempt, AttemptState, CheckoutOrder, Payment, RefundReason
from chalicelib.domain.obligations import MakeRefund
from chalicelib.flows.context import REQUEST_SECONDS
from chalicelib.flows.sweep import SECONDS_KEPT_BACK, SWEEP_SECONDS
from chalicelib.gateways.deadline import Deadline, OutOfTimeError
from chalicelib.gateways.stripe_api import (
    CALL_SECONDS,
    RETRIES,
    AccountGoneError,
    StripeApi,
    StripeBrokenError,
    StripeError,
    StripeRefusedError,
    StripeUncertainError,
    checkout_parameters,
    stripe_client,
)
from chalicelib.gateways.stripe_objects import StrangeObjectError
from chalicelib.storage import tables
from sandbox.stripe_standin.client import no_wait
from tests.storage.wire import mocked_dynamodb
from tests.support.world import no_sleep

GATEWAY_GIVES_UP_AFTER = 29
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ATTEMPT_ID = "22222222-2222-4222-8222-222222222222"
ATTEMPT = Attempt(
    attempt_id=ATTEMPT_ID,
    made_at=NOON,
    amount=8000,
    currency="aud",
    stripe_account_id=None,
    livemode=False,
    application_fee=0,
    expires_at=NOON + timedelta(hours=1),
    order=CheckoutOrder("Appointment", "https://a.example/x", "https://a.example/x", ("card",), (("a", "b"),)),
    checkout_session_id="cs_1",
)
OPEN: dict[str, Any] = {
    "id": "cs_1",
    "object": "checkout.session",
    "client_reference_id": ATTEMPT_ID,
    "amount_total": 8000,
    "currency": "aud",
    "livemode": False,
    "expires_at": 1_772_456_400,
    "url": "https://pay.example/cs_1",
    "payment_intent": None,
    "status": "open",
    "payment_status": "unpaid",
}
REFUSAL = {"code": "resource_missing", "param": "id", "message": "No such Xanthippe", "type": "invalid_request_error"}


class Ticks:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Answers(stripe.HTTPClient):
    """Gives these answers in turn, the last one ever again; None is no answer."""

    name = "answers"

    def __init__(self, *answers: tuple[int, str] | None, headers: Mapping[str, str] | None = None) -> None:
        super().__init__()
        self._answers = list(answers)
        self._headers = dict(headers or {})
        self.asked: list[tuple[str, str, dict[str, str], Any]] = []

    @override
    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        *,
        _usage: list[str] | None = None,
    ) -> tuple[str, int, Any]:
        self.asked.append((method, url, dict(headers or {}), post_data))
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if answer is None:
            raise stripe.APIConnectionError("timed out", should_retry=True)  # type: ignore[no-untyped-call] # theirs
        return answer[1], answer[0], self._headers

    @override
    def _sleep_time_seconds(self, num_retries: int) -> float:
        return no_wait(num_retries)

    @override
    def close(self) -> None:
        """Nothing is open."""


def _api(*answers: tuple[int, str] | None) -> tuple[StripeApi, Answers]:
    http = Answers(*answers)
    return StripeApi(stripe_client("sk_test_1", "https://api.stripe.com", http), no_sleep), http


def _deadline(seconds: float = REQUEST_SECONDS, ticks: Callable[[], float] | None = None) -> Deadline:
    ticks = ticks or Ticks()
    return Deadline(ticks, ticks() + seconds)


def _error(status: int, **changes: str | None) -> tuple[int, str]:
    return status, json.dumps({"error": {**REFUSAL, **changes}})


# --- time ---------------------------------------------------------------------------------------------------------


def test_stripe_is_given_eight_seconds_and_one_retry() -> None:
    assert (CALL_SECONDS, RETRIES) == (8, 1)
    client = stripe_client("sk_test_1", "https://api.stripe.com")
    assert client._requestor._options.max_network_retries == 0, "we repeat ourselves, to know what came of the first"


def test_dynamodb_is_given_one_second_to_connect_two_to_answer_and_one_retry() -> None:
    with mocked_dynamodb():
        for model in tables.TABLES.values():
            config: Config = model._get_connection().connection.client.meta.config
            assert (config.connect_timeout, config.read_timeout) == (1, 2)
            assert config.retries["total_max_attempts"] == 2


def test_whatever_is_slow_the_answer_comes_before_the_gateway_gives_up() -> None:
    """The last call may begin at the very end of the deadline: to Stripe none, to DynamoDB one, retried."""
    last_write = (1 + tables.RETRIES) * tables.READ_TIMEOUT
    assert REQUEST_SECONDS + last_write <= GATEWAY_GIVES_UP_AFTER
    assert (1 + RETRIES) * CALL_SECONDS < REQUEST_SECONDS
    assert SWEEP_SECONDS - SECONDS_KEPT_BACK + (1 + RETRIES) * CALL_SECONDS <= 60


class Adapter(BaseAdapter):
    """Stripe as `requests` reaches it: says how long each request may take, and lets time pass."""

    def __init__(self, ticks: Ticks, takes: float, *, answers: bool) -> None:
        super().__init__()
        self.ticks = ticks
        self.takes = takes
        self.answers = answers
        self.timeouts: list[float] = []

    @override
    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: float | tuple[float | None, float | None] | None = None,
        verify: bool | str = True,
        cert: bytes | str | tuple[bytes | str, bytes | str] | None = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        assert isinstance(timeout, tuple)
        connecting, waiting = timeout
        self.timeouts.append((connecting or 0) + (waiting or 0))
        self.ticks.now += self.takes
        if not self.answers:
            raise requests.Timeout
        response = requests.Response()
        response.status_code = 200
        response.request = request
        response._content = json.dumps(OPEN).encode()
        return response

    @override
    def close(self) -> None:
        """Nothing is open."""


def _over_requests(adapter: Adapter) -> StripeApi:
    """The client as it is deployed, with its last inch replaced; it does not wait between tries."""
    client = stripe_client("sk_test_1", "https://api.stripe.com")
    http: Any = client._requestor._client
    http._sleep_time_seconds = no_wait
    http._session.mount("https://", adapter)
    return StripeApi(client, no_sleep)


@pytest.mark.parametrize(("left", "timeout"), [(25.0, 8.0), (12.0, 8.0), (7.5, 3.5), (4.25, 0.25)])
def test_a_call_gets_eight_seconds_or_what_is_left_before_the_answer_must_be_saved(left: float, timeout: float) -> None:
    ticks = Ticks()
    adapter = Adapter(ticks, takes=0.1, answers=True)
    _over_requests(adapter).look_at_checkout(ATTEMPT, _deadline(left, ticks))
    assert adapter.timeouts == [timeout]


def test_a_retry_gets_only_what_the_first_try_left() -> None:
    ticks = Ticks()
    adapter = Adapter(ticks, takes=8.0, answers=False)
    with pytest.raises(StripeUncertainError):
        _over_requests(adapter).create_checkout(ATTEMPT, _deadline(15.0, ticks))
    assert adapter.timeouts == [8.0, 3.0]


def test_with_no_time_left_for_a_retry_none_is_made() -> None:
    ticks = Ticks()
    adapter = Adapter(ticks, takes=8.0, answers=False)
    with pytest.raises(StripeUncertainError):
        _over_requests(adapter).create_checkout(ATTEMPT, _deadline(12.0, ticks))
    assert adapter.timeouts == [8.0]


@pytest.mark.parametrize("status", [401, 403])
def test_an_account_that_is_gone_at_the_second_try_says_nothing_of_the_first(status: int) -> None:
    api, http = _api(_error(500), _error(status, code="account_invalid"))
    with pytest.raises(StripeBrokenError):
        api.create_checkout(ATTEMPT, _deadline())
    assert len(http.asked) == 2
    silent, _ = _api(None, _error(status, code="account_invalid"))
    with pytest.raises(StripeUncertainError):
        silent.create_checkout(ATTEMPT, _deadline())
    limited, _ = _api(_error(429), _error(status, code="account_invalid"))
    with pytest.raises(AccountGoneError):
        limited.create_checkout(ATTEMPT, _deadline())


def test_with_no_time_left_nothing_is_sent() -> None:
    api, http = _api((200, json.dumps(OPEN)))
    with pytest.raises(OutOfTimeError):
        api.create_checkout(ATTEMPT, _deadline(4))
    assert http.asked == []


# --- errors -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, StripeRefusedError),
        (401, StripeRefusedError),
        (402, StripeRefusedError),
        (403, StripeRefusedError),
        (404, StripeRefusedError),
        (405, StripeUncertainError),
        (408, StripeUncertainError),
        (409, StripeUncertainError),
        (413, StripeUncertainError),
        (424, StripeUncertainError),
        (429, StripeUncertainError),
        (500, StripeBrokenError),
        (502, StripeBrokenError),
        (503, StripeBrokenError),
        (504, StripeBrokenError),
    ],
)
def test_an_error_is_told_by_its_status(status: int, expected: type[StripeError]) -> None:
    api, _ = _api(_error(status))
    with pytest.raises(StripeError) as raised:
        api.create_checkout(ATTEMPT, _deadline())
    assert type(raised.value) is expected


@pytest.mark.parametrize(("status", "tries"), [(400, 1), (404, 1), (429, 2), (409, 2), (500, 2), (503, 2)])
def test_what_may_pass_is_tried_once_more(status: int, tries: int) -> None:
    api, http = _api(_error(status))
    with pytest.raises(StripeError):
        api.create_checkout(ATTEMPT, _deadline())
    assert len(http.asked) == tries
    assert len({str(asked) for asked in http.asked}) == 1, "the same bytes and key"


def test_no_answer_twice_is_uncertain_and_one_is_forgotten() -> None:
    api, http = _api(None)
    with pytest.raises(StripeUncertainError):
        api.create_checkout(ATTEMPT, _deadline())
    assert len(http.asked) == 2
    api, _ = _api(None, (200, json.dumps(OPEN)))
    assert api.create_checkout(ATTEMPT, _deadline()).state is AttemptState.OPEN


@pytest.mark.parametrize("answer", [(200, '{"id": "cs_1"'), (200, ""), (200, "<html>"), (302, "<html>"), (100, "")])
def test_an_answer_that_cannot_be_read_is_uncertain(answer: tuple[int, str]) -> None:
    """It may have happened: taken for a refusal, it would be made twice."""
    api, _ = _api(answer)
    with pytest.raises(StripeUncertainError):
        api.create_checkout(ATTEMPT, _deadline())


@pytest.mark.parametrize("status", [500, 502])
def test_a_broken_answer_that_is_no_json_is_broken(status: int) -> None:
    api, _ = _api((status, "<html>Bad gateway</html>"))
    with pytest.raises(StripeBrokenError):
        api.create_checkout(ATTEMPT, _deadline())


def test_a_refusal_tells_stripes_code_and_parameter_and_nothing_that_was_sent() -> None:
    api, _ = _api(_error(400, code="amount_too_small", param="line_items"))
    with pytest.raises(StripeRefusedError) as raised:
        api.create_checkout(ATTEMPT, _deadline())
    error = raised.value
    assert (error.code, error.param) == ("amount_too_small", "line_items")
    assert str(error) == "Stripe refused: code amount_too_small, parameter line_items"
    assert error.__cause__ is None
    assert error.__suppress_context__


@pytest.mark.parametrize("body", ["{}", "<html>", '{"error": {}}'])
def test_a_refusal_without_words_is_a_refusal(body: str) -> None:
    api, _ = _api((403, body))
    with pytest.raises(StripeRefusedError) as raised:
        api.create_checkout(ATTEMPT, _deadline())
    assert (raised.value.code, raised.value.param) == (None, None)


def test_a_refund_without_balance_is_known_by_the_name_that_stripe_gives_beside_its_words() -> None:
    """It has no `code`: https://github.com/Automattic/woocommerce-payments/issues/10025."""
    api, _ = _api(_error(400, code=None, message_code="insufficient_balance_for_refund"))
    with pytest.raises(StripeRefusedError) as raised:
        api.create_checkout(ATTEMPT, _deadline())
    assert raised.value.code == "insufficient_balance_for_refund"
    api, _ = _api(_error(400, code="charge_disputed", message_code="another"))
    with pytest.raises(StripeRefusedError) as raised:
        api.create_checkout(ATTEMPT, _deadline())
    assert raised.value.code == "charge_disputed"


def test_of_a_refusal_names_alone_are_kept_and_none_that_is_long() -> None:
    api, _ = _api(_error(400, code="c" * 65, param="p" * 64))
    with pytest.raises(StripeRefusedError) as raised:
        api.create_checkout(ATTEMPT, _deadline())
    assert (raised.value.code, raised.value.param) == ("c" * 64, "p" * 64)


def test_a_key_that_stands_for_other_parameters_is_of_no_more_use() -> None:
    api, _ = _api(_error(400, type="idempotency_error"))
    with pytest.raises(StripeBrokenError):
        api.create_checkout(ATTEMPT, _deadline())


def test_an_answer_that_is_not_as_documented_is_strange() -> None:
    api, _ = _api((200, json.dumps({**OPEN, "status": "frozen"})))
    with pytest.raises(StrangeObjectError):
        api.create_checkout(ATTEMPT, _deadline())


# --- what is asked ------------------------------------------------------------------------------------------------


def test_a_canadian_debit_is_asked_for_with_its_mandate_and_other_methods_with_nothing() -> None:
    """https://docs.stripe.com/payments/acss-debit/accept-a-payment?payment-ui=checkout."""
    assert ATTEMPT.order is not None
    order = replace(ATTEMPT.order, payment_method_types=("card", "acss_debit", "us_bank_account"))
    asked = checkout_parameters(replace(ATTEMPT, order=order))
    assert asked["payment_method_types"] == ["card", "acss_debit", "us_bank_account"]
    mandate = {"payment_schedule": "sporadic", "transaction_type": "personal"}
    assert asked["payment_method_options"] == {"acss_debit": {"mandate_options": mandate}}
    assert "payment_method_options" not in checkout_parameters(ATTEMPT)


def test_one_attempt_is_always_the_same_bytes() -> None:
    assert checkout_parameters(ATTEMPT) == checkout_parameters(ATTEMPT)
    api, http = _api((200, json.dumps(OPEN)))
    api.create_checkout(ATTEMPT, _deadline())
    api.create_checkout(ATTEMPT, _deadline())
    assert http.asked[0][3] == http.asked[1][3]
    assert http.asked[0][2]["Idempotency-Key"] == http.asked[1][2]["Idempotency-Key"] == f"attempt-{ATTEMPT_ID}"


def test_closing_what_is_closed_already_tells_what_it_was() -> None:
    """Sylius/PayumStripePlugin#70: cancelling when the Checkout was already expired ended in an error."""
    expired = json.dumps({**OPEN, "status": "expired", "url": None})
    api, http = _api(_error(400, code=None, param=None), (200, expired))
    (seen,) = api.expire_checkout(ATTEMPT, _deadline())
    assert getattr(seen, "state", None) is AttemptState.EXPIRED
    assert [asked[0] for asked in http.asked] == ["post", "get"]


def _listing(count: int, *, more: bool, ours: bool = False) -> tuple[int, str]:
    others = [{**OPEN, "id": f"cs_{n}", "client_reference_id": f"other-{n}"} for n in range(count)]
    found = [*others, OPEN] if ours else others
    return 200, json.dumps({"object": "list", "data": found, "has_more": more})


def test_a_lost_attempt_is_looked_for_page_by_page() -> None:
    api, http = _api(_listing(100, more=True), _listing(50, more=True, ours=True))
    found = api.find_checkout(ATTEMPT, _deadline())
    assert found is not None
    assert found.checkout_session_id == "cs_1"
    assert "starting_after=cs_99" in http.asked[1][1]
    assert len(http.asked) == 2


def test_a_lost_attempt_that_is_nowhere_is_nothing() -> None:
    api, _ = _api(_listing(100, more=True), _listing(3, more=False))
    assert api.find_checkout(ATTEMPT, _deadline()) is None


def test_a_list_without_end_is_not_taken_for_a_no() -> None:
    """Said to be void, the attempt would be made a second time."""
    api, _ = _api(_listing(100, more=True))
    with pytest.raises(StripeBrokenError):
        api.find_checkout(ATTEMPT, _deadline())


def test_only_the_time_in_which_the_attempt_can_have_been_sent_is_looked_through() -> None:
    api, http = _api(_listing(0, more=False))
    api.find_checkout(ATTEMPT, _deadline())
    made_at = int(NOON.timestamp())
    assert f"created[gte]={made_at - 300}" in http.asked[0][1]
    assert f"created[lte]={made_at + 25 * 3600}" in http.asked[0][1]


REFUND = {
    "id": "re_1",
    "object": "refund",
    "amount": 500,
    "payment_intent": "pi_1",
    "status": "succeeded",
    "metadata": {},
}


@pytest.mark.parametrize(("with_fee", "sent"), [(True, True), (False, False)])
def test_a_refund_carries_its_decision_and_gives_the_fee_back_where_there_was_one(
    *, with_fee: bool, sent: bool
) -> None:
    payment = Payment("pi_1", ATTEMPT_ID, "acct_1")
    act = MakeRefund("refund:d1", NOON, payment, "d1", 500, RefundReason.DUPLICATE, with_fee)
    api, http = _api((200, json.dumps(REFUND)))
    api.refund(act, 0, _deadline())
    method, url, headers, form = http.asked[0]
    assert (method, url) == ("post", "https://api.stripe.com/v1/refunds")
    assert (headers["Idempotency-Key"], headers["Stripe-Account"]) == ("refund-d1-500-0", "acct_1")
    assert ("refund_application_fee=true" in form) is sent
    assert "metadata[anteroom_refund]=d1&metadata[anteroom_reason]=duplicate" in form
