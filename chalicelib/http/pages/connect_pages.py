"""What a clinic's staff read when they come back from Stripe: connected or not, why, and what is next.

Decides nothing. Codes, states and account ids are never shown: the page may be read over somebody's shoulder.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from chalicelib.domain.accounts import TooManyAccountsError
from chalicelib.flows.accounts import ConnectedElsewhereError
from chalicelib.flows.connect import (
    AccessDeniedError,
    Connected,
    InvalidStateError,
    NotGrantedError,
    OtherModeError,
    StateExpiredError,
    StateUsedError,
)
from chalicelib.http.pages.view import clinic_name
from chalicelib.http.pages.words import Tone

_UNCHANGED: Final = "Nothing was changed here."
_AGAIN: Final = "To connect your Stripe account, start again from your own software."
_CLOSE: Final = "You can close this page."
_NO_FEE: Final = "Stripe takes no platform fee from this account, so its payments are charged without one."
_NO_FEE_REFUSED: Final = (
    "Stripe takes no platform fee from this account, and this platform schedules no fees without one."
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why nothing was connected, and what to do; `status` as for scripts."""

    status: int
    headline: str
    sentence: str
    next: str = f"{_UNCHANGED} {_AGAIN}"


REFUSALS: Final[Mapping[type[Exception], Refusal]] = {
    InvalidStateError: Refusal(
        400,
        "This page was not opened by your clinic",
        "It belongs to no connection that was begun here, or whoever began it may not act for the clinic any more.",
    ),
    StateExpiredError: Refusal(410, "This took too long", "The way back from Stripe is open for a limited time."),
    StateUsedError: Refusal(
        409,
        "This was done already",
        "The way back from Stripe is open once, and was used before.",
        "Your own software shows whether your Stripe account is connected. If it is not, start again from there.",
    ),
    AccessDeniedError: Refusal(403, "Not connected", "At Stripe you chose not to connect your account."),
    NotGrantedError: Refusal(400, "Not connected", "Stripe did not confirm the connection."),
    OtherModeError: Refusal(
        409,
        "Not connected",
        "It was connected in Stripe’s other mode: test accounts take no real money, and live ones no test money.",
    ),
    ConnectedElsewhereError: Refusal(
        409,
        "This Stripe account is another clinic’s",
        "An account can be connected to one clinic only. Disconnect it there first, or connect another account.",
    ),
    TooManyAccountsError: Refusal(
        409, "Not connected", "The clinic has as many Stripe accounts as can be kept, with those disconnected."
    ),
}
"""By what was raised; each of them changed nothing."""


@dataclass(frozen=True, slots=True)
class ConnectView:
    """`action_url` and `action`: a way on, if there is one."""

    tone: Tone
    headline: str
    sentences: tuple[str, ...]
    clinic: str | None
    static_base: str
    action_url: str | None = None
    action: str = ""


def refused_view(refusal: Refusal, static_base: str) -> ConnectView:
    """The page for somebody whose account is not connected by this."""
    return ConnectView(Tone.ATTENTION, refusal.headline, (refusal.sentence, refusal.next), None, static_base)


def unanswered_view(static_base: str) -> ConnectView:
    """Stripe, or the database, did not answer: whether the account is connected is seen in the clinic's software."""
    sentence = "Stripe did not answer. Your own software shows whether your account is connected."
    return ConnectView(Tone.WAIT, "That did not work just now", (sentence, _AGAIN), None, static_base)


def connected_view(found: Connected, static_base: str, *, refuses: bool = False) -> ConnectView:
    """The page for somebody whose account is connected, and what is next.

    `refuses`: where no platform fee can be taken, no fee may be scheduled.
    """
    view = _connected_view(found, static_base)
    if found.account.stripe_account_id is None or found.account.pays_platform_fee:
        return view
    if refuses:
        said = (_NO_FEE_REFUSED, f"Connect an account of the platform’s country, or write to its support. {_CLOSE}")
        missing = () if found.account.charges_enabled else view.sentences
        return replace(view, tone=Tone.ATTENTION, sentences=(*missing, *said))
    return replace(view, sentences=(_NO_FEE, *view.sentences))


def _connected_view(found: Connected, static_base: str) -> ConnectView:
    clinic, account = clinic_name(found.team.name), found.account
    if account.charges_enabled:
        said: tuple[str, ...] = ("The clinic can take payments from now on.", _CLOSE)
        return ConnectView(Tone.READY, "Your Stripe account is connected", said, clinic, static_base)
    if account.details_submitted:
        said = (
            "Stripe is still checking it, or asks for something in its dashboard.",
            f"Clients can pay as soon as Stripe lets the account take payments. {_CLOSE}",
        )
        return ConnectView(Tone.WAIT, "Your Stripe account is connected", said, clinic, static_base)
    said = ("Stripe still needs some details. Until it has them, clients cannot pay.",)
    if found.refresh_url is None:
        more = (*said, f"Complete them in your Stripe dashboard. {_CLOSE}")
        return ConnectView(Tone.ATTENTION, "Almost done", more, clinic, static_base)
    return ConnectView(
        Tone.ATTENTION, "Almost done", said, clinic, static_base, action_url=found.refresh_url, action="Go on at Stripe"
    )
