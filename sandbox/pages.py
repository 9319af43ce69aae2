"""The sandbox's own pages and their headers. Nothing is loaded from elsewhere, and no other page may frame them."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from flask import Response, make_response, render_template

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}


def page(template: str, status: HTTPStatus = HTTPStatus.OK, **fields: Any) -> Response:
    """A page from its template."""
    response = make_response(render_template(f"sandbox/{template}", **fields), status)
    response.headers.update(HEADERS)
    return response


def leading_to(origin: str, response: Response) -> Response:
    """The page, whose forms may lead to that origin too: browsers hold `form-action` against redirects."""
    policy = HEADERS["Content-Security-Policy"].replace("form-action 'self'", f"form-action 'self' {origin}")
    response.headers["Content-Security-Policy"] = policy
    return response
