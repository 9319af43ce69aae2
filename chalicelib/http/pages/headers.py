"""The headers of a page and of its static files: what a browser may load, send, keep and embed. Reads no settings."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from chalicelib.http.pages.origins import find_ancestor, origin
from chalicelib.http.pages.static_files import StaticFile

_SAME_EVERYWHERE: Final = {
    "Cache-Control": "no-store",
    "Permissions-Policy": "browsing-topics=(), camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
}


def page_headers(
    *,
    checkout_origin: str,
    room_origin: str | None = None,
    picture_origins: Iterable[str] = (),
    frame_ancestors: Iterable[str] = (),
) -> dict[str, str]:
    """Return the headers of any page, its Content-Type included.

    The forms lead to Checkout and to the room by redirect, and browsers hold `form-action` against redirects too
    (https://www.w3.org/TR/CSP3/#directive-form-action). Raises InvalidOriginError for a Checkout, room or picture
    origin that is none; a frame ancestor that is none is left out, since leaving out refuses.
    """
    ancestors = [found for text in frame_ancestors if (found := find_ancestor(text))]
    targets = [origin(text) for text in (checkout_origin, room_origin) if text]
    policy = {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", *map(origin, picture_origins)],
        "connect-src": ["'self'"],
        "form-action": ["'self'", *targets],
        "base-uri": ["'none'"],
        "frame-ancestors": ancestors or ["'none'"],
    }
    return {
        **_SAME_EVERYWHERE,
        **({} if ancestors else {"X-Frame-Options": "DENY"}),
        "Content-Security-Policy": "; ".join(f"{name} {' '.join(dict.fromkeys(of))}" for name, of in policy.items()),
        "Content-Type": "text/html; charset=utf-8",
    }


def reference_headers() -> dict[str, str]:
    """Return the headers of the reference, a public page that runs and sends nothing."""
    policy = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'"
    private = {"Cache-Control", "X-Robots-Tag"}
    return {
        **{name: value for name, value in _SAME_EVERYWHERE.items() if name not in private},
        "X-Frame-Options": "DENY",
        "Content-Security-Policy": f"{policy}; frame-ancestors 'none'",
        "Content-Type": "text/html; charset=utf-8",
    }


def static_headers(file: StaticFile) -> dict[str, str]:
    """Return the headers of one of the pages' own files."""
    return {
        "Cache-Control": file.cache_control,
        "Content-Security-Policy": "default-src 'none'",
        "Content-Type": file.content_type,
        "X-Content-Type-Options": "nosniff",
    }
