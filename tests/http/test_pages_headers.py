"""The headers of pages and static files, and that nothing unproven gets into one."""

from __future__ import annotations

import hashlib
import re

import pytest

from chalicelib.http.pages.headers import page_headers, static_headers
from chalicelib.http.pages.origins import InvalidOriginError
from chalicelib.http.pages.static_files import StaticFileNotFoundError, static_file, static_url

STRIPE = "https://checkout.stripe.com"


def test_a_page_is_neither_kept_nor_framed_nor_told_on() -> None:
    assert page_headers(checkout_origin=STRIPE) == {
        "Cache-Control": "no-store",
        "Content-Security-Policy": (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
            "form-action 'self' https://checkout.stripe.com; base-uri 'none'; frame-ancestors 'none'"
        ),
        "Content-Type": "text/html; charset=utf-8",
        "Permissions-Policy": "browsing-topics=(), camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "X-Robots-Tag": "noindex, nofollow",
    }


def policy(**origins: object) -> dict[str, str]:
    headers = page_headers(checkout_origin=STRIPE, **origins)  # type: ignore[arg-type]  # each names its parameter
    directives = headers["Content-Security-Policy"].split("; ")
    return {name: sources for name, _, sources in (directive.partition(" ") for directive in directives)}


def test_the_room_and_the_pictures_are_added_exactly() -> None:
    csp = policy(room_origin="https://Meet.example:8443", picture_origins=("https://cdn.example",))
    assert csp["form-action"] == "'self' https://checkout.stripe.com https://meet.example:8443"
    assert csp["img-src"] == "'self' https://cdn.example"


def test_a_room_at_the_checkouts_origin_is_named_once() -> None:
    assert policy(room_origin=STRIPE)["form-action"] == "'self' https://checkout.stripe.com"


def test_http_is_taken_on_this_machine_only() -> None:
    assert policy(room_origin="http://127.0.0.1:8001")["form-action"].endswith(" http://127.0.0.1:8001")
    with pytest.raises(InvalidOriginError):
        policy(room_origin="http://meet.example")


def test_a_page_that_may_be_framed_says_by_whom_and_no_longer_deny() -> None:
    headers = page_headers(
        checkout_origin=STRIPE, frame_ancestors=("https://www.clinic.example", "https://*.b.example")
    )
    assert "X-Frame-Options" not in headers
    assert headers["Content-Security-Policy"].endswith(
        "; frame-ancestors https://www.clinic.example https://*.b.example"
    )


NOT_ORIGINS = [
    "https://a.example/path",
    "https://a.example; script-src *",
    "https://a.example https://b.example",
    "https://a.example\r\nSet-Cookie: a=b",
    "https://a.example\n",
    "https://user@a.example",
    "https://",
    "https://*",
    "*",
    "'self'",
    "javascript:alert(1)",
    "https://vidéo.example",
    "https://a.example:port",
    "https://-a.example",
]


@pytest.mark.parametrize("text", NOT_ORIGINS)
def test_what_is_no_origin_never_gets_into_a_header(text: str) -> None:
    for origins in ({"room_origin": text}, {"picture_origins": (text,)}):
        with pytest.raises(InvalidOriginError):
            policy(**origins)
    with pytest.raises(InvalidOriginError):
        page_headers(checkout_origin=text)
    assert policy(frame_ancestors=(text,))["frame-ancestors"] == "'none'"


# --- static files -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content_type"),
    [
        ("page.css", "text/css; charset=utf-8"),
        ("page.js", "text/javascript; charset=utf-8"),
        ("icon.svg", "image/svg+xml"),
    ],
)
def test_a_static_file_is_named_by_its_content_and_kept_for_a_year(name: str, content_type: str) -> None:
    stem, kind = name.split(".")
    address = static_url("/live/static/", name)
    file = static_file(address.removeprefix("/live/static/"))
    assert address == f"/live/static/{stem}.{hashlib.sha256(file.body.encode()).hexdigest()[:8]}.{kind}"
    assert static_headers(file) == {
        "Cache-Control": "public, max-age=31536000, immutable",
        "Content-Security-Policy": "default-src 'none'",
        "Content-Type": content_type,
        "X-Content-Type-Options": "nosniff",
    }


def test_a_name_of_another_version_gets_the_file_as_it_is_but_not_to_keep() -> None:
    file = static_file("page.00000000.css")
    assert file.body == static_file(static_url("", "page.css").lstrip("/")).body
    assert file.cache_control == "no-store"


@pytest.mark.parametrize(
    "name", ["", "page.css", "page.x.y.css", "view.00000000.py", "../view.py", "page.00000000.css/", "icon.0.SVG"]
)
def test_no_other_file_is_served(name: str) -> None:
    with pytest.raises(StaticFileNotFoundError):
        static_file(name)


@pytest.mark.parametrize("name", ["page.css", "page.js", "icon.svg"])
def test_static_files_load_nothing_from_elsewhere(name: str) -> None:
    body = static_file(static_url("", name).lstrip("/")).body
    assert not re.search(r"url\(|@import|import\(|eval\(|innerHTML|localStorage", body)
    assert [found for found in re.findall(r"https?://[^\s\"']+", body) if found != "http://www.w3.org/2000/svg"] == []
