"""What did not succeed at Stripe: how often, why, and when each act is tried again. Never says what is to be done.

Tries go on for seven days after the first failure, doubling from a minute to six hours, each up to a quarter longer by
chance, so that a recovering Stripe is not met by everybody at once.

An idempotency key is good for three tries, since Stripe replays even its own 500 under one for a day. A definite
refusal spends what is left of its key at once: nothing was made, and under that key the refusal would only be replayed
(https://docs.stripe.com/api/idempotent_requests). What may have happened spends nothing: the same key finds out.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from chalicelib.domain.facts import ActFailed, Attempt, PaymentHistory, Trouble

FIRST_RETRY_AFTER = timedelta(minutes=1)
LONGEST_RETRY_AFTER = timedelta(hours=6)
OUT_OF_REACH_RETRY_AFTER = timedelta(hours=1)
"""The longest, where an account is not connected: it may be again at any moment, and people wait for that."""

LONG_OUT_OF_REACH_RETRY_AFTER = timedelta(days=1)
"""The same after seven days, and without an end: whenever the account is there again, what is owed is done."""

RETRIES_END_AFTER = timedelta(days=7)
OFFER_KEY = "offer"
"""The key when Stripe refuses to make a Checkout Session: kept until one is made."""

TRIES_UNDER_ONE_KEY = 3
"""Refunds of an answer that stays 5xx; the third failure is minutes old, so nothing of it is still on its way."""

_MOST_DOUBLINGS = 11
"""Past the longest wait already; keeps the arithmetic small."""


def with_failure(history: PaymentHistory, failed: ActFailed) -> PaymentHistory:
    """One failure more; each counts, so folding it again does change the history.

    What is out of reach stays so until it succeeds: no answer at all does not say that the account is there again. For
    the same reason, what Stripe refused is said until it refuses otherwise. An offer fails only by an answer; one of
    other terms than those that failed before begins anew.
    """
    known = trouble_with(history, failed.key)
    if known is not None and known.terms != failed.terms:
        known = None
    if known is not None and known.out_of_reach and failed.key != OFFER_KEY:
        failed = replace(failed, out_of_reach=True)
    if known is not None and known.refusal is not None and failed.refusal is None and not failed.out_of_reach:
        failed = replace(failed, reason=known.reason)
    failures = known.failures + 1 if known else 1
    since = known.first_failed_at if known else failed.failed_at
    trouble = Trouble(
        key=failed.key,
        failures=failures,
        first_failed_at=since,
        retry_at=_retry_at(failures, since, failed),
        reason=failed.reason,
        out_of_reach=failed.out_of_reach,
        terms=failed.terms,
        refusal=failed.refusal or (known.refusal if known else None),
        spent=_spent_after(_spent(known) if known else 0, failed),
    )
    others = without_trouble(history, failed.key).troubles
    return replace(history, troubles=tuple(sorted([*others, trouble], key=lambda one: one.key)))


def without_trouble(history: PaymentHistory, key: str) -> PaymentHistory:
    """The act of that key succeeded."""
    return replace(history, troubles=tuple(trouble for trouble in history.troubles if trouble.key != key))


def tried_anew(history: PaymentHistory, key: str, now: datetime) -> PaymentHistory:
    """The act of that key is tried at once, and then for seven days more.

    That it failed before is not forgotten: a refund whose outcome is unknown must be looked for before it is made. Its
    key stays too, since a try of the sweep's may be on its way under it at this very moment.
    """
    anew = [replace(one, first_failed_at=now, retry_at=now) if one.key == key else one for one in history.troubles]
    return replace(history, troubles=tuple(anew))


def key_round(trouble: Trouble | None) -> int:
    """Which idempotency key of its act the next try carries, counted from 0."""
    return _spent(trouble) // TRIES_UNDER_ONE_KEY if trouble else 0


def _spent_after(spent: int, failed: ActFailed) -> int:
    if failed.refusal is not None:
        return _next_key(spent)
    return spent if failed.repeats else spent + 1


def _next_key(spent: int) -> int:
    """As many as when the next key is begun."""
    return (spent // TRIES_UNDER_ONE_KEY + 1) * TRIES_UNDER_ONE_KEY


def _spent(trouble: Trouble) -> int:
    return trouble.failures if trouble.spent is None else trouble.spent


def trouble_with(history: PaymentHistory, key: str) -> Trouble | None:
    """What went wrong with the act of that key, if it did."""
    return next((trouble for trouble in history.troubles if trouble.key == key), None)


def offer_trouble(history: PaymentHistory) -> Trouble | None:
    """Why Stripe takes no offer; None once a person saw to that, unless it has refused one anew since."""
    trouble = trouble_with(history, OFFER_KEY)
    settled = (one.settled_at for one in history.settled if one.key == OFFER_KEY)
    return None if trouble is None or any(at > trouble.first_failed_at for at in settled) else trouble


def look_key(attempt: Attempt) -> str:
    """The key of asking Stripe how far an offer has come."""
    return f"look:{attempt.attempt_id}"


def expire_key(attempt: Attempt) -> str:
    """The key of closing an offer at Stripe."""
    return f"expire:{attempt.attempt_id}"


def _longest_wait(since: datetime, failed: ActFailed) -> timedelta:
    """An offer is tried when the client asks for it: once the account is there again, they wait no longer than that."""
    if not failed.out_of_reach:
        return LONGEST_RETRY_AFTER
    if failed.key == OFFER_KEY:
        return FIRST_RETRY_AFTER
    is_long = failed.failed_at >= since + RETRIES_END_AFTER
    return LONG_OUT_OF_REACH_RETRY_AFTER if is_long else OUT_OF_REACH_RETRY_AFTER


def _retry_at(failures: int, since: datetime, failed: ActFailed) -> datetime | None:
    wait = min(FIRST_RETRY_AFTER * 2 ** min(failures - 1, _MOST_DOUBLINGS), _longest_wait(since, failed))
    retry_at = failed.failed_at + wait * (1 + failed.jitter / 4)
    # An offer is asked for by the client, who would be locked out by the last of its tries.
    goes_on = failed.key == OFFER_KEY or failed.out_of_reach or retry_at < since + RETRIES_END_AFTER
    return retry_at if goes_on else None
