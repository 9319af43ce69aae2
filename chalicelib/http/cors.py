"""Whose pages may call the API (CORS, https://fetch.spec.whatwg.org/#http-cors-protocol): the caller's team decides.

A preflight names no team, since browsers send it without credentials: it is answered for any origin, and lets nothing
be read. The request itself is judged by the team's list, so an error before the team is known stays unreadable.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from chalicelib.domain.teams import Team
from chalicelib.flows.context import Context
from chalicelib.http.auth import caller_of
from chalicelib.http.exchange import Answer, Request
from chalicelib.http.problems import HttpError
from chalicelib.storage.stores import StoreError

SHARED = "/v1/"
"""Only these addresses: pages of clients and webhooks are nobody else's pages' business."""

_REQUEST_HEADERS = "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Prefer"
_EXPOSED = (
    "Content-Disposition, ETag, Idempotent-Replayed, Link, Location, Preference-Applied, RateLimit, RateLimit-Policy, "
    "Retry-After"
)
_MAX_AGE_SECONDS = 2 * 60 * 60
"""As long as Chromium remembers a preflight at most."""


def preflight(request: Request, methods: Iterable[str]) -> dict[str, str]:
    """The headers of the answer to a preflight; none for any other OPTIONS."""
    is_preflight = request.header("origin") and request.header("access-control-request-method")
    if not is_preflight or not request.route.startswith(SHARED):
        return {}
    return {
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Allow-Methods": ", ".join(methods),
        "Access-Control-Allow-Headers": _REQUEST_HEADERS,
        "Access-Control-Max-Age": str(_MAX_AGE_SECONDS),
    }


def with_sharing(ctx: Context, request: Request, answer: Answer) -> Answer:
    """The answer, readable by pages of the team's origins. What was done is done, whatever goes wrong here."""
    if not request.route.startswith(SHARED) or request.method == "OPTIONS":
        return answer
    told = answer.with_headers({"Vary": "Origin"})
    origin = request.header("origin")
    team = _team(ctx, request) if origin else None
    if team is None or origin not in team.allowed_origins:
        return told
    return told.with_headers({"Access-Control-Allow-Origin": origin, "Access-Control-Expose-Headers": _EXPOSED})


def _team(ctx: Context, request: Request) -> Team | None:
    """From the token once more, which costs a hash and no read."""
    with suppress(HttpError, StoreError):
        return caller_of(ctx, request).team
    return None
