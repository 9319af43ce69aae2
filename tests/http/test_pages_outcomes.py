"""The pages after Checkout and after what could not be done."""

from __future__ import annotations

import pytest

from chalicelib.domain.facts import AttemptState
from chalicelib.http.pages.outcomes import ErrorView, error_view, payment_unavailable, return_view, room_unavailable
from chalicelib.http.pages.render import render_error, render_return


@pytest.mark.parametrize(
    ("state", "headline"),
    [
        (AttemptState.PAID, "Payment received"),
        (AttemptState.PROCESSING, "Your payment is on its way"),
        (AttemptState.PLANNED, "Not paid yet"),
        (AttemptState.OPEN, "Not paid yet"),
        (AttemptState.VOID, "Not paid yet"),
        (AttemptState.EXPIRED, "Not paid yet"),
        (AttemptState.FAILED, "Not paid"),
        (None, "Not paid yet"),
    ],
)
def test_the_return_page_says_what_stripe_says_and_shows_no_way_to_the_link(
    state: AttemptState | None, headline: str
) -> None:
    html = render_return(return_view(state, "Harbour <Street>", "/static"))
    assert f"<h1>{headline}</h1>" in html
    assert "Open your link again to go on" in html
    assert "<bdi>Harbour &lt;Street&gt;</bdi>" in html
    for way in ("<a ", "<form", "data-self-url", "/session/", "refresh"):
        assert way not in html


@pytest.mark.parametrize(
    ("status", "title"),
    [
        (400, "That did not work"),
        (403, "That is not possible just now"),
        (404, "This link is not valid"),
        (409, "Something has changed"),
        (410, "This link is closed"),
        (413, "That did not work"),
        (415, "That did not work"),
        (429, "One moment, please"),
        (500, "Something went wrong on our side"),
        (502, "Something went wrong on our side"),
        (503, "One moment, please"),
    ],
)
def test_every_error_has_a_title_and_says_what_to_do(status: int, title: str) -> None:
    view = error_view(status, "/static")
    html = render_error(view)
    assert view.status == status
    assert f"<h1>{title}</h1>" in html
    assert f'<p class="say">{view.detail}</p>' in html
    assert "link" in view.detail or "moment" in view.detail or "clinic" in view.detail
    assert "<a " not in html


def test_a_link_that_is_not_valid_always_gets_the_same_page() -> None:
    assert error_view(404, "/static") == ErrorView(
        404,
        "This link is not valid",
        "Please check that you opened the whole link, as the clinic sent it, or ask the clinic for a new one.",
        "/static",
    )


def test_a_page_that_could_not_be_read_comes_back_by_itself() -> None:
    html = render_error(error_view(503, "/static", retry_after=5, back_url="/session/tok"))
    assert '<noscript><meta http-equiv="refresh" content="5; url=/session/tok"></noscript>' in html
    assert 'data-self-url="/session/tok" data-refresh-for="5"' in html
    assert '<a class="button" href="/session/tok">Try again</a>' in html


@pytest.mark.parametrize("view", [
    payment_unavailable("/static", retry_after=5, back_url="/session/tok"),
    room_unavailable("/static", retry_after=5, back_url="/session/tok"),
], ids=["payment", "room"])  # fmt: skip
def test_what_a_press_could_not_do_waits_to_be_read(view: ErrorView) -> None:
    html = render_error(view)
    assert (view.status, view.retry_after) == (503, 5)
    assert '<a class="button" href="/session/tok">Try again</a>' in html
    assert "refresh" not in html
