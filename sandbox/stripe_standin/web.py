"""The stand-in on Flask: Stripe's API and OAuth host, the hosted pages. Translates, decides nothing."""

import socket
from collections.abc import Iterator
from datetime import UTC, datetime

from flask import Blueprint, Response, request
from werkzeug.wrappers import Response as AnyResponse

from sandbox.stripe_standin import web_accounts
from sandbox.stripe_standin.cards import CARDS, digits
from sandbox.stripe_standin.currencies import format_amount
from sandbox.stripe_standin.errors import JsonObject, NoAnswer
from sandbox.stripe_standin.pages import page, sent_to
from sandbox.stripe_standin.parameter_tables import BANK_DEBITS
from sandbox.stripe_standin.payments import CheckoutClosedError, UnknownCardError
from sandbox.stripe_standin.standin import StripeStandIn

DEBIT_NAMES = {
    "acss_debit": "Pre-authorised debit (Canada)",
    "au_becs_debit": "BECS direct debit (Australia)",
    "bacs_debit": "Bacs direct debit (UK)",
    "nz_bank_account": "BECS direct debit (New Zealand)",
    "sepa_debit": "SEPA direct debit",
    "us_bank_account": "ACH direct debit (US)",
}


def blueprint(standin: StripeStandIn) -> Blueprint:
    """Make the blueprint of one stand-in: `/v1/…`, `/oauth/…`, and the hosted pages."""
    routes = Blueprint(
        "stripe_standin", __name__, template_folder="templates", static_folder="static", static_url_path="/c/static"
    )

    @routes.route("/v1/<path:_rest>", methods=["GET", "POST", "DELETE"])
    def api(_rest: str) -> Response:
        return answer_api(standin)

    @routes.post("/oauth/token")
    @routes.post("/oauth/deauthorize")
    def oauth() -> Response:
        return answer_api(standin)

    @routes.get("/c/pay/<checkout_session_id>")
    def checkout_page(checkout_session_id: str) -> Response:
        return show_checkout(standin, checkout_session_id)

    @routes.post("/c/pay/<checkout_session_id>")
    def pay(checkout_session_id: str) -> AnyResponse:
        asked = request.form.get("authentication", "")
        return take_payment(standin, checkout_session_id, request.form.get("card", "").strip(), asked)

    @routes.get("/receipts/<charge_id>")
    def receipt(charge_id: str) -> Response:
        return show_receipt(standin, charge_id)

    web_accounts.add_pages(routes, standin)
    return routes


def answer_api(standin: StripeStandIn) -> Response:
    query = f"?{request.query_string.decode()}" if request.query_string else ""
    try:
        answer = standin.request(request.method, request.path + query, dict(request.headers), request.get_data())
    except NoAnswer:
        return Response(Silence(request.environ.get("werkzeug.socket")))
    return Response(answer.body, status=answer.status, headers=dict(answer.headers))


class Silence:
    """A response body that ends the connection instead, as a lost answer looks to the caller."""

    def __init__(self, connection: socket.socket | None) -> None:
        self._connection = connection

    def __iter__(self) -> Iterator[bytes]:
        if self._connection is not None:
            self._connection.shutdown(socket.SHUT_RDWR)
        message = "the Stripe stand-in gives no answer, as it was told to"
        raise ConnectionAbortedError(message)


def show_checkout(
    standin: StripeStandIn, checkout_session_id: str, *, error: str | None = None, status: int = 200
) -> Response:
    found = standin.find_checkout(checkout_session_id)
    if found is None:
        return page("missing.html", 404)
    session, line_items, account_name = found
    if session["status"] != "open":
        return page("closed.html", 410, session=session, account_name=account_name)
    shown = page_fields(session, line_items)
    return page("checkout.html", status, session=session, account_name=account_name, error=error, **shown)


def page_fields(session: JsonObject, line_items: list[JsonObject]) -> JsonObject:
    """Give what the page shows beside the session itself; amounts as text, methods as (name, value) pairs."""
    currency, types = session["currency"], session["payment_method_types"]
    rows = [
        (item["description"], item["quantity"], format_amount(item["amount_total"], currency)) for item in line_items
    ]
    return {
        "amount": format_amount(session["amount_total"], currency),
        "cards": [(number, card.meaning) for number, card in CARDS.items()] if {"card", "link"} & set(types) else [],
        "debits": [(DEBIT_NAMES[method], method) for method in types if method in BANK_DEBITS],
        "expires_at": datetime.fromtimestamp(session["expires_at"], UTC),
        "rows": rows,
    }


def take_payment(standin: StripeStandIn, checkout_session_id: str, card: str, authentication: str) -> AnyResponse:
    """Pay with what the form says: 303 to the success URL, or the page again with the reason (400 or 402).

    A card that asks for 3-D Secure leads to the bank's page first, whose `authentication` is `complete` or `fail`.
    """
    if standin.find_checkout(checkout_session_id) is None:
        return page("missing.html", 404)
    known = CARDS.get(digits(card))
    try:
        if known is not None and known.asks and authentication not in {"complete", "fail"}:
            standin.ask_to_authenticate(checkout_session_id, card)
            return page("authenticate.html", 200, card=card)
        outcome = standin.pay(checkout_session_id, card, authenticated=authentication != "fail")
    except UnknownCardError as error:
        return show_checkout(standin, checkout_session_id, error=f"Your card number is incorrect: {error}.", status=400)
    except CheckoutClosedError:
        return show_checkout(standin, checkout_session_id)
    if outcome.redirect_url is None:
        return show_checkout(standin, checkout_session_id, error=outcome.message, status=402)
    return sent_to(outcome.redirect_url)


def show_receipt(standin: StripeStandIn, charge_id: str) -> Response:
    charge = standin.find_charge(charge_id)
    if charge is None or charge["receipt_url"] is None:
        return page("missing.html", 404)
    amounts = {name: format_amount(charge[name], charge["currency"]) for name in ("amount", "amount_refunded")}
    paid_at = datetime.fromtimestamp(charge["created"], UTC)
    return page("receipt.html", 200, charge=charge, amounts=amounts, paid_at=paid_at)
