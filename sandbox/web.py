"""The sandbox's own web application, put together: control calls, start page, rooms, and the Stripe stand-in."""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask, Response, jsonify
from werkzeug.exceptions import HTTPException

from sandbox import control_calls, room_page, start_page
from sandbox.controls import Controls
from sandbox.journal import Journal
from sandbox.start_page import Demo
from sandbox.stripe_standin.web import blueprint as standin_blueprint

LARGEST_CALL = 1024 * 1024


def application(controls: Controls, demo: Callable[[], Demo | None], room_key: str) -> Flask:
    """The application. `demo()` is None until the clinic is there."""
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_CALL
    app.json.sort_keys = False  # type: ignore[attr-defined] # Flask's default provider has it, its base does not
    journal = Journal(controls.clock.now)
    app.register_blueprint(control_calls.blueprint(controls, journal))
    app.register_blueprint(start_page.blueprint(controls, demo, journal))
    app.register_blueprint(room_page.blueprint(controls.clock.now, room_key))
    if controls.stripe is not None:
        app.register_blueprint(standin_blueprint(controls.stripe.standin))
    app.register_error_handler(HTTPException, _http_error)
    return app


def _http_error(error: HTTPException) -> Response:
    """What no call takes: an unknown address, another method, too large a body."""
    answer = jsonify({"error": f"{error.name}: {error.description}"})
    answer.status_code = error.code or 500
    return answer
