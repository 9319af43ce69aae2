"""How many facts a participant's history keeps, so that nobody can fill the item. Drops nothing of our own making.

What is kept is the first so many by id, which any order of the same facts agrees on; that something was dropped is
kept too, and needs a person. Attempts have their own rule (`folding.py`); what people ask for is refused at its limit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from chalicelib.domain.facts import PaymentHistory

PAYERS = 60
"""Who owes a fee in one session, or was offered to pay one and is removed. Facts are kept of nobody else."""

PAYMENTS_KEPT = 4
"""Stripe promises one; more come of a broken promise, or of somebody who writes our ids into payments of their own."""

REFUNDS_KEPT = 20
"""A clinic may give back one charge in any number of parts in Stripe's dashboard."""

DISPUTES_KEPT = 4

DECISIONS_KEPT = 20
"""Of a clinic's refunds of one participant; another one is refused."""

Fact = TypeVar("Fact")


def was_offered(history: PaymentHistory) -> bool:
    """Whether there ever was an offer to pay. It is kept before Stripe hears of it, so without one no money is ours."""
    return bool(history.attempts) or history.closed_attempts > 0


def bounded(history: PaymentHistory) -> PaymentHistory:
    """The history with no more facts than are kept."""
    ours = {attempt.attempt_id for attempt in history.attempts}
    payments = _first(history.payments, PAYMENTS_KEPT, lambda one: (one.attempt_id not in ours, one.payment_intent_id))
    refunds = _first(history.refunds, REFUNDS_KEPT, lambda one: (one.decision_id is None, one.refund_id))
    disputes = _first(history.disputes, DISPUTES_KEPT, lambda one: (False, one.dispute_id))
    if (payments, refunds, disputes) == (history.payments, history.refunds, history.disputes):
        return history
    return replace(history, payments=payments, refunds=refunds, disputes=disputes, overflowed=True)


def _first(facts: tuple[Fact, ...], most: int, order: Callable[[Fact], tuple[bool, str]]) -> tuple[Fact, ...]:
    if len(facts) <= most:
        return facts
    kept = sorted(facts, key=order)[:most]
    return tuple(one for one in facts if one in kept)
