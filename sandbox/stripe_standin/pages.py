"""A hosted page of the stand-in: its template, and the headers that keep it private and without scripts."""

from typing import TypeVar

from flask import Response, make_response, redirect, render_template
from werkzeug.wrappers import Response as AnyResponse

AnyResponseType = TypeVar("AnyResponseType", bound=AnyResponse)

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}


def page(template: str, status: int, **fields: object) -> Response:
    return with_headers(make_response(render_template(f"stripe_standin/{template}", **fields), status))


def sent_to(url: str) -> AnyResponse:
    """Answer 303: whatever was pressed, the next page is fetched."""
    return with_headers(redirect(url, 303))


def with_headers(response: AnyResponseType) -> AnyResponseType:
    response.headers.update(HEADERS)
    return response
