"""The hosted Checkout page and the API over HTTP, by Flask's test client: no sockets."""

from urllib.parse import urlencode

import pytest
from flask.testing import FlaskClient

from sandbox.stripe_standin import StripeStandIn
from tests.standin.shop import NOON_TIMESTAMP, Clock, Shop, item

pytestmark = pytest.mark.controls


def page_of(session: dict[str, str]) -> str:
    return f"/c/pay/{session['id']}"


def test_the_page_says_what_is_sold_by_whom_and_for_how_much(browser: FlaskClient, shop: Shop) -> None:
    page = browser.get(page_of(shop.offer()))
    assert page.status_code == 200
    for text in (
        "<title>Pay A$80.00 to Hill Street Clinic</title>",
        "Appointment with Hill Street Clinic",
        "4242 4242 4242 4242",
        'href="https://clinic.example/back"',
        '<label for="card">Card number</label>',
    ):
        assert text in page.text
    assert "<script" not in page.text


def test_the_page_is_private_and_loads_nothing_from_elsewhere(browser: FlaskClient, shop: Shop) -> None:
    headers = browser.get(page_of(shop.offer())).headers
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'self'")


def test_the_style_sheet_is_served(browser: FlaskClient) -> None:
    with browser.get("/c/static/checkout.css") as sheet:
        assert (sheet.status_code, sheet.mimetype) == (200, "text/css")


def test_paying_leads_to_the_success_url(browser: FlaskClient, shop: Shop) -> None:
    session = shop.offer()
    answer = browser.post(page_of(session), data={"card": "4242424242424242"})
    assert (answer.status_code, answer.headers["Location"]) == (303, f"https://clinic.example/paid/{session['id']}")
    assert shop.session(session["id"])["payment_status"] == "paid"


def test_a_declined_card_shows_why_and_can_be_tried_again(browser: FlaskClient, shop: Shop) -> None:
    session = shop.offer()
    declined = browser.post(page_of(session), data={"card": "4000 0000 0000 0002"})
    assert declined.status_code == 402
    assert '<p class="error" id="error" role="alert">Your card was declined.</p>' in declined.text
    assert browser.post(page_of(session), data={"card": "4242424242424242"}).status_code == 303


@pytest.mark.parametrize("form", [{"card": "1234"}, {"card": ""}, {}])
def test_an_unknown_card_shows_which_are_known_and_changes_nothing(
    browser: FlaskClient, shop: Shop, form: dict[str, str]
) -> None:
    session = shop.offer()
    answer = browser.post(page_of(session), data=form)
    assert answer.status_code == 400
    assert "Your card number is incorrect" in answer.text
    assert shop.session(session["id"]) == session


def test_what_people_wrote_is_escaped(browser: FlaskClient, shop: Shop) -> None:
    sold = item()
    sold["price_data"]["product_data"]["name"] = "<b>Therapy</b>"
    session = shop.offer(line_items=[sold])
    page = browser.post(page_of(session), data={"card": "<script>alert(1)</script>"})
    assert "&lt;b&gt;Therapy&lt;/b&gt;" in page.text
    assert "<script>" not in page.text


def test_a_paid_session_says_so_and_takes_no_second_payment(
    browser: FlaskClient, shop: Shop, standin: StripeStandIn
) -> None:
    session = shop.offer()
    standin.pay(session["id"])
    for answer in (browser.get(page_of(session)), browser.post(page_of(session), data={"card": "4242424242424242"})):
        assert answer.status_code == 410
        assert "Already completed" in answer.text
    assert len(shop.get("/v1/charges")["data"]) == 1


def test_an_expired_session_says_so_and_leads_back(browser: FlaskClient, shop: Shop, clock: Clock) -> None:
    session = shop.offer(expires_at=NOON_TIMESTAMP + 1800)
    clock.advance(minutes=30)
    for answer in (browser.get(page_of(session)), browser.post(page_of(session), data={"card": "4242424242424242"})):
        assert answer.status_code == 410
        assert "This payment page has expired" in answer.text
        assert 'href="https://clinic.example/back"' in answer.text


def test_an_unknown_session_is_a_404(browser: FlaskClient) -> None:
    assert browser.get("/c/pay/cs_test_none").status_code == 404
    assert browser.post("/c/pay/cs_test_none", data={"card": "4242424242424242"}).status_code == 404


def test_a_bank_debit_is_offered_only_where_the_session_takes_it(browser: FlaskClient, shop: Shop) -> None:
    assert "BECS" not in browser.get(page_of(shop.offer())).text
    session = shop.offer(payment_method_types=["card", "au_becs_debit"])
    assert 'value="au_becs_debit">Pay by BECS direct debit (Australia)</button>' in browser.get(page_of(session)).text
    assert browser.post(page_of(session), data={"card": "au_becs_debit"}).status_code == 303
    assert "This payment was handed to the bank" in browser.get(page_of(session)).text


def test_a_receipt_shows_what_was_paid_and_refunded(browser: FlaskClient, shop: Shop, standin: StripeStandIn) -> None:
    charge_id = standin.pay(shop.offer()["id"]).charge_id
    standin.refund_in_dashboard(charge_id, 3000)
    page = browser.get(f"/receipts/{charge_id}")
    assert page.status_code == 200
    assert "A$80.00" in page.text
    assert "A$30.00" in page.text
    assert browser.get("/receipts/ch_none").status_code == 404


def test_the_api_answers_over_http(browser: FlaskClient, standin: StripeStandIn, shop: Shop) -> None:
    session = shop.offer()
    headers = {"Authorization": f"Bearer {standin.secret_key}", "Idempotency-Key": "k1"}
    listed = browser.get("/v1/checkout/sessions?limit=1", headers=headers)
    assert listed.json is not None
    assert [one["id"] for one in listed.json["data"]] == [session["id"]]
    form = {"charge": standin.pay(session["id"]).charge_id, "metadata[decision]": "d1"}
    refund = browser.post("/v1/refunds", data=urlencode(form), headers=headers)
    assert refund.json is not None
    assert (refund.status_code, refund.json["metadata"]) == (200, {"decision": "d1"})
    assert refund.headers["Request-Id"].startswith("req_")
    assert browser.get("/v1/account").status_code == 401


class Connection:
    """A socket's one method that matters here."""

    def __init__(self) -> None:
        self.shut_down = False

    def shutdown(self, _how: int) -> None:
        self.shut_down = True


def test_silence_over_http_is_a_closed_connection(browser: FlaskClient, standin: StripeStandIn) -> None:
    standin.fail_next("timeout_before")
    connection = Connection()
    with pytest.raises(ConnectionAbortedError):
        browser.get("/v1/account", environ_overrides={"werkzeug.socket": connection})
    assert connection.shut_down
