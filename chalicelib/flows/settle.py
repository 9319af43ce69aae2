"""Settle one event of Stripe's: find whose it is, fold what it tells, save. What is owed then is the sweep's.

An answer of 200 means that the fact is kept. An event that is none of our business is ignored, which is a success.
"""

from __future__ import annotations

from enum import StrEnum

from chalicelib.domain.bounds import was_offered
from chalicelib.domain.sessions import Session, saw
from chalicelib.flows.accounts import UnknownStripeAccountError, deauthorized, refresh
from chalicelib.flows.change import change
from chalicelib.flows.context import Context
from chalicelib.gateways.stripe_api import AccountGoneError, StripeRefusedError
from chalicelib.gateways.stripe_events import ACCOUNT_EVENTS, UPDATED, Event
from chalicelib.gateways.stripe_objects import Place
from chalicelib.storage.stores import NotFoundError

UNKNOWN = "resource_missing"
"""Stripe's code for an id that it does not know: https://docs.stripe.com/error-codes#resource-missing."""


class Settled(StrEnum):
    """What became of an event; for the log and the counters."""

    KEPT = "kept"
    PARKED = "parked"
    """It failed too often, and waits for a person (`park.py`)."""
    KNOWN = "known"
    NOT_OURS = "not_ours"
    OTHER_ACCOUNT = "other_account"
    """Told by an account that was not asked to charge, or of somebody whom nobody asked to pay."""
    OTHER_MODE = "other_mode"
    NO_SESSION = "no_session"
    WRONG_ENDPOINT = "wrong_endpoint"
    """Told by the other kind of account than its endpoint is for: set up wrongly."""
    UNKNOWN_ACCOUNT = "unknown_account"
    """Told by an account that is, and was, no team's."""
    OUT_OF_REACH = "out_of_reach"
    """Whose it is can only be asked of an account that is not connected any more."""


def settle(ctx: Context, event: Event) -> Settled:
    """Keep what the event tells. Raises StoreError, StripeError, ContendedError, OutOfTimeError, StrangeObjectError."""
    if event.livemode != ctx.settings.livemode:
        return Settled.OTHER_MODE
    try:
        return _settle_account(ctx, event) if event.kind in ACCOUNT_EVENTS else _settle_payment(ctx, event)
    except UnknownStripeAccountError:
        return Settled.UNKNOWN_ACCOUNT
    except AccountGoneError:
        return Settled.OUT_OF_REACH


def _settle_account(ctx: Context, event: Event) -> Settled:
    """What an event says of an account may be older than what is known: Stripe is asked, unless access has ended."""
    account_id, at = event.stripe_account_id, event.created_at or ctx.clock()
    if event.kind == UPDATED:
        is_news = refresh(ctx, account_id)
    else:
        is_news = account_id is not None and deauthorized(ctx, account_id, at)
    return Settled.KEPT if is_news else Settled.KNOWN


def _settle_payment(ctx: Context, event: Event) -> Settled:
    place = _place(ctx, event) if event.seen or event.strange else None
    if place is None:
        return Settled.NOT_OURS
    try:
        session = ctx.sessions.get(place.team_id, place.session_id)
    except NotFoundError:
        return Settled.NO_SESSION
    if not is_of_its_account(ctx, event.stripe_account_id, session, place):
        return Settled.OTHER_ACCOUNT
    if event.strange is not None:
        raise event.strange
    settled = change(ctx, session, lambda newest: saw(newest, place.number, *event.seen))
    return Settled.KNOWN if settled == session else Settled.KEPT


def _place(ctx: Context, event: Event) -> Place | None:
    """Where it belongs: told by its own ids, else by its PaymentIntent's, asked for once.

    Raises UnknownStripeAccountError where nobody here could know.
    """
    if event.place is not None or event.payment_intent_id is None:
        return event.place
    if event.stripe_account_id is not None and ctx.stripe_accounts.find(event.stripe_account_id) is None:
        raise UnknownStripeAccountError
    try:
        place, _ = ctx.stripe.fetch_payment(event.payment_intent_id, event.stripe_account_id, ctx.deadline)
    except StripeRefusedError as error:
        if error.code == UNKNOWN:
            return None
        raise
    return place


def is_of_its_account(ctx: Context, account: str | None, session: Session, place: Place) -> bool:
    """Whoever has a Stripe account can write our ids into metadata: only the account asked to charge counts.

    Of somebody who was never offered to pay nothing is kept at all, so that nobody can fill a session with strangers.
    """
    participant = session.participant(place.number)
    if participant is None or not was_offered(participant.history):
        return False
    for attempt in participant.history.attempts:
        if attempt.attempt_id == place.attempt_id:
            return attempt.stripe_account_id == account
    return ctx.teams.get(place.team_id).has_account(account)
