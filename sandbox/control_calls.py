"""The control calls over HTTP: JSON in and out for scripts; for people forms in, and on to an address that was asked
for, or back to the start page.

Translates, decides nothing. Whoever accepts HTML is a person.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

import msgspec
from flask import Blueprint, Response, jsonify, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from sandbox.controls import (
    ClinicIn,
    ClockIn,
    ConnectIn,
    ControlRefusedError,
    Controls,
    DeedIn,
    FaultsIn,
    Nothing,
    PaymentDeedIn,
    StripeAccountIn,
    TeamIn,
    WebhooksIn,
)
from sandbox.journal import Journal, sentence

FOREIGN_SITES = {"cross-site", "same-site"}
"""Of `Sec-Fetch-Site` (https://www.w3.org/TR/fetch-metadata/): another site's page must not press our buttons."""


def blueprint(controls: Controls, journal: Journal) -> Blueprint:
    """Every control call, named as docs/sandbox.md names it."""
    routes = Blueprint("control_calls", __name__)

    @routes.get("/state")
    def state() -> Response:
        return jsonify(controls.state())

    def add(path: str, shape: type[Any], call: Callable[[Any], dict[str, Any]]) -> None:
        def view() -> AnyResponse:
            return _answer(path, shape, call, journal)

        routes.add_url_rule(path, path.strip("/").replace("/", "_"), view, methods=["POST"])

    add("/clock", ClockIn, controls.move_clock)
    add("/sweep", Nothing, controls.sweep)
    add("/webhooks", WebhooksIn, controls.set_webhooks)
    add("/webhooks/flush", Nothing, controls.flush_webhooks)
    add("/faults", FaultsIn, controls.add_faults)
    add("/reset", Nothing, controls.reset)
    add("/teams", TeamIn, controls.add_team)
    add("/teams/connect", ConnectIn, controls.connect_team)
    add("/teams/session", ClinicIn, controls.schedule_session)
    add("/accounts", DeedIn, controls.do_to_account)
    add("/stripe/deeds", PaymentDeedIn, controls.do_to_payment)
    add("/stripe/account", StripeAccountIn, controls.set_account)
    return routes


def _answer(path: str, shape: type[Any], call: Callable[[Any], dict[str, Any]], journal: Journal) -> AnyResponse:
    is_person = "text/html" in request.headers.get("Accept", "")
    try:
        answer, status = call(_asked(shape)), HTTPStatus.OK
        told = sentence(path, answer) if is_person else ""
    except ControlRefusedError as refusal:
        told, status = str(refusal), refusal.status
        answer = {"error": told}
    if not is_person:
        return _json(answer, status)
    journal.note(told, is_error=status is not HTTPStatus.OK)
    return redirect(answer.get("url", "/"), HTTPStatus.SEE_OTHER)


def _json(answer: dict[str, Any], status: HTTPStatus) -> Response:
    response = jsonify(answer)
    response.status_code = status
    return response


def _asked(shape: type[Any]) -> Any:  # noqa: ANN401 (one of the shapes)
    """The body as this shape. A form's numbers are text, so these are read less strictly."""
    if request.headers.get("Sec-Fetch-Site") in FOREIGN_SITES:
        raise ControlRefusedError("another site asked for this", HTTPStatus.FORBIDDEN)
    body = request.get_data()
    is_form = request.mimetype == "application/x-www-form-urlencoded" and not body.lstrip().startswith(b"{")
    fields = _given(request.form) if is_form else _json_object(body)
    try:
        return msgspec.convert(fields, shape, strict=not is_form)
    except msgspec.ValidationError as error:
        raise ControlRefusedError(str(error)) from None


def _given(form: Mapping[str, str]) -> dict[str, str]:
    """A form sends what was left empty, too; that is not given, but for the one field of a form of one."""
    filled = {name: value for name, value in form.items() if value}
    return filled or dict(form)


def _json_object(body: bytes) -> dict[str, Any]:
    """Curl sends JSON as a form unless told otherwise, so the content type is not looked at."""
    try:
        read = json.loads(body) if body.strip() else {}
    except (ValueError, RecursionError):
        raise ControlRefusedError("the body is not JSON", HTTPStatus.BAD_REQUEST) from None
    if not isinstance(read, dict):
        raise ControlRefusedError("the body is not a JSON object", HTTPStatus.BAD_REQUEST)
    return read
