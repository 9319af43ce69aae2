"""Offers on a Stripe account that is not connected any more: they may be paid, and nothing on it can be seen or done.

Nobody is asked to pay beside such an offer, since they would perhaps pay twice. It ends when the account is connected
again, or by a person: one who has looked, or who lets the client in all the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from chalicelib.domain.facts import LIVE, Attempt, PaymentHistory
from chalicelib.domain.troubles import look_key, trouble_with


def is_out_of_reach(history: PaymentHistory, attempt: Attempt) -> bool:
    """Whether this offer may be paid without our seeing it."""
    trouble = trouble_with(history, look_key(attempt))
    return attempt.state in LIVE and trouble is not None and trouble.out_of_reach


def out_of_reach(history: PaymentHistory) -> Iterator[Attempt]:
    """The offers that are."""
    return (attempt for attempt in history.attempts if is_out_of_reach(history, attempt))


def within_reach(history: PaymentHistory) -> PaymentHistory:
    """The history without them: what a person goes by who lets somebody in whatever became of those."""
    lost = set(out_of_reach(history))
    return replace(history, attempts=tuple(one for one in history.attempts if one not in lost))
