"""The pages that are not a link's own: back from Checkout without the payer's cookie, and what could not be done."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, assert_never

from chalicelib.domain.facts import AttemptState
from chalicelib.http.pages.view import clinic_name
from chalicelib.http.pages.words import Tone

_OPEN_AGAIN: Final = "Open your link again to go on: it is in the message from the clinic."


@dataclass(frozen=True, slots=True)
class ReturnView:
    """Says what Stripe says of one attempt to pay, and shows no way to the link: this browser may be anybody's."""

    tone: Tone
    headline: str
    sentences: tuple[str, ...]
    clinic: str
    static_base: str


def return_view(state: AttemptState | None, clinic: str, static_base: str) -> ReturnView:
    """The page for an attempt in that state; None: one long dead."""
    tone, headline, sentence = _words_of_return(state)
    return ReturnView(tone, headline, (sentence, _OPEN_AGAIN), clinic_name(clinic), static_base)


def _words_of_return(state: AttemptState | None) -> tuple[Tone, str, str]:
    match state:
        case AttemptState.PAID:
            return Tone.READY, "Payment received", "Thank you. The clinic has your payment."
        case AttemptState.PROCESSING:
            return (
                Tone.WAIT,
                "Your payment is on its way",
                "Your bank is still working on it. You don’t need to pay again.",
            )
        case AttemptState.PLANNED | AttemptState.OPEN | AttemptState.EXPIRED | AttemptState.VOID | None:
            return (
                Tone.ATTENTION,
                "Not paid yet",
                "No payment has reached the clinic. If you have just paid, wait a minute.",
            )
        case AttemptState.FAILED:
            return Tone.ATTENTION, "Not paid", "Your bank did not let the payment through. You can try again."
        case _:
            assert_never(state)


@dataclass(frozen=True, slots=True)
class ErrorView:
    """Something that could not be done. `retry_after` in seconds, for the `Retry-After` header too.

    `back_url`: where "Try again" leads, by GET. `refresh_for`: after how many seconds the page goes there by itself.
    """

    status: int
    title: str
    detail: str
    static_base: str
    retry_after: int | None = None
    back_url: str | None = None
    refresh_for: int | None = None


_ERRORS: Final = MappingProxyType(
    {
        400: ("That did not work", "Something in the request was not right. Please open your link again."),
        403: ("That is not possible just now", "Please open your link again to see why."),
        404: (
            "This link is not valid",
            "Please check that you opened the whole link, as the clinic sent it, or ask the clinic for a new one.",
        ),
        405: ("That did not work", "This page can’t be used in that way. Please open your link again."),
        409: ("Something has changed", "Please open your link again to see how things stand now."),
        410: ("This link is closed", "If you need anything else, please contact the clinic."),
        413: ("That did not work", "The request was too large. Please open your link again."),
        429: ("One moment, please", "There were too many requests at once. Please try again in a moment."),
        503: ("One moment, please", "We can’t show this page just now. Nothing is lost. Please try again in a moment."),
    }
)
_CLIENTS_SIDE: Final = ("That did not work", "Please open your link again.")
_OUR_SIDE: Final = (
    "Something went wrong on our side",
    "We are sorry. Please open your link again in a moment.",
)


def error_view(
    status: int, static_base: str, *, retry_after: int | None = None, back_url: str | None = None
) -> ErrorView:
    """The page for that status; with `retry_after` and `back_url` it goes back by itself."""
    title, detail = _ERRORS.get(status, _OUR_SIDE if status >= 500 else _CLIENTS_SIDE)
    refresh_for = retry_after if back_url else None
    return ErrorView(status, title, detail, static_base, retry_after, back_url, refresh_for)


def payment_unavailable(static_base: str, *, retry_after: int, back_url: str) -> ErrorView:
    """Pressing Pay came to nothing: Stripe did not answer (503). It waits to be read, so nothing moves by itself."""
    detail = "The payment page did not answer. Please wait a moment, then try again. You won’t be charged twice."
    return ErrorView(503, "Payment is taking longer than usual", detail, static_base, retry_after, back_url)


def room_unavailable(static_base: str, *, retry_after: int, back_url: str) -> ErrorView:
    """Pressing Join came to nothing: there is no room to send them to (503)."""
    detail = (
        "The video room can’t be opened just now. Your place is safe. Please wait a moment, then try again. "
        "If it still does not open, please contact the clinic."
    )
    return ErrorView(503, "The room is not ready", detail, static_base, retry_after, back_url)
