"""The hosted pages on which an account's owner connects it, or finishes one that the platform created.

Translates, decides nothing.
"""

from collections.abc import Mapping

from flask import Blueprint, Response, jsonify, request
from werkzeug.wrappers import Response as AnyResponse

from sandbox.stripe_standin.consent import Consent, SentBackError, UnaskableError
from sandbox.stripe_standin.onboarding import DEFAULT_NAME, LinkClosedError, UnknownLinkError
from sandbox.stripe_standin.pages import page, sent_to, with_headers
from sandbox.stripe_standin.standin import StripeStandIn

NEW = "new"


def add_pages(routes: Blueprint, standin: StripeStandIn) -> None:
    """Add `/oauth/authorize` and `/setup/…` to the stand-in's blueprint."""

    @routes.route("/oauth/authorize", methods=["GET", "POST"])
    def authorize() -> AnyResponse:
        return ask_consent(standin, request.args, request.form if request.method == "POST" else None)

    @routes.get("/setup/s/<account_id>/<token>")
    def setup(account_id: str, token: str) -> AnyResponse:
        return show_setup(standin, account_id, token)

    @routes.post("/setup/s/<account_id>/<token>")
    def leave_setup(account_id: str, token: str) -> AnyResponse:
        return take_setup(standin, account_id, token, request.form.get("decision", ""))


# --- connecting -----------------------------------------------------------------------------------------------------


def ask_consent(standin: StripeStandIn, query: Mapping[str, str], form: Mapping[str, str] | None) -> AnyResponse:
    """Show the page, or (with a form) do what was pressed; what asks wrongly is sent back, or is 400."""
    try:
        consent = standin.read_consent(query)
    except UnaskableError as error:
        return refused(str(error))
    except SentBackError as error:
        return sent_to(error.url)
    return show_consent(standin) if form is None else take_consent(standin, consent, form)


def refused(message: str) -> Response:
    response = with_headers(jsonify({"error": {"message": message}}))
    response.status_code = 400
    return response


def show_consent(standin: StripeStandIn, *, error: str | None = None, status: int = 200) -> Response:
    platform = standin.platform_name
    return page("connect.html", status, candidates=standin.candidates(), new=NEW, platform=platform, error=error)


def take_consent(standin: StripeStandIn, consent: Consent, form: Mapping[str, str]) -> AnyResponse:
    if form.get("decision") == "cancel":
        return sent_to(consent.denied())
    account_id = form.get("account", "")
    if form.get("decision") != "connect" or account_id not in {NEW, *(one[0] for one in standin.candidates())}:
        return show_consent(standin, error="Choose one of these accounts.", status=400)
    if account_id == NEW:
        account_id = standin.create_account(consent.business_name or DEFAULT_NAME, connected=False)
    return sent_to(consent.given(standin.grant(account_id)))


# --- finishing ------------------------------------------------------------------------------------------------------


def show_setup(standin: StripeStandIn, account_id: str, token: str) -> AnyResponse:
    try:
        name = standin.open_account_link(account_id, token)
    except UnknownLinkError:
        return page("missing.html", 404)
    except LinkClosedError as closed:
        return sent_to(closed.refresh_url)
    return page("setup.html", 200, account_id=account_id, name=name, platform=standin.platform_name)


def take_setup(standin: StripeStandIn, account_id: str, token: str, decision: str) -> AnyResponse:
    """Leave the page: only `finish` submits anything."""
    try:
        return sent_to(standin.leave_account_link(account_id, token, finished=decision == "finish"))
    except UnknownLinkError:
        return page("missing.html", 404)
    except LinkClosedError as closed:
        return sent_to(closed.refresh_url)
