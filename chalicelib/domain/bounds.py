"""How many facts a participant's history keeps, so that nobody can fill the item. Drops nothing of our own making.

What is kept is the first so many by id, which any order of the same facts agrees on; that something was dropped is
kept too, and needs a person. Attempts have their own rule (`folding.py`): those that were paid are all kept, so that no
other offer is made to who has paid as many as are kept. What people ask for is refused at its limit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TypeVar

from chalicelib.domain.facts import LIVE, AttemptState, Payment, PaymentHistory
from chalicelib.domain.payments import may_be_accepted
from chalicelib.domain.refunds import REFUNDS_KEPT

PAYERS = 60
"""Who owes a fee in one session, or was offered to pay one and is removed. Facts are kept of nobody else."""

PAYMENTS_KEPT = 8
"""Of one participant, each for another offer of ours: all that was paid went back, and the fee was asked for again."""

PAID_AGAIN_KEPT = 20
"""In one session, beside the first payment of each payer."""

STRAYS_KEPT = 2
"""Payments beside those of one participant. Stripe promises none: they come of a broken promise, or of somebody who
writes our ids into payments of their own."""

DISPUTES_KEPT = 4

DECISIONS_KEPT = 20
"""Of a clinic's refunds of one participant; another one is refused."""

_PAYABLE = LIVE | {AttemptState.PAID}

Fact = TypeVar("Fact")


def was_offered(history: PaymentHistory) -> bool:
    """Whether there ever was an offer to pay. It is kept before Stripe hears of it, so without one no money is ours."""
    return bool(history.attempts) or history.closed_attempts > 0


def bounded(history: PaymentHistory) -> PaymentHistory:
    """The history with no more facts than are kept."""
    payments = _payments(history)
    refunds = _first(history.refunds, REFUNDS_KEPT, lambda one: (one.decision_id is None, one.refund_id))
    disputes = _first(history.disputes, DISPUTES_KEPT, lambda one: (False, one.dispute_id))
    if (payments, refunds, disputes) == (history.payments, history.refunds, history.disputes):
        return history
    return replace(history, payments=payments, refunds=refunds, disputes=disputes, overflowed=True)


def _payments(history: PaymentHistory) -> tuple[Payment, ...]:
    """For each offer that was paid or may be, the first payment that may well be of it, else the first; and the first
    of the others.
    """
    ours = {attempt.attempt_id for attempt in history.attempts}
    payable = {attempt.attempt_id for attempt in history.attempts if attempt.state in _PAYABLE}
    first = sorted(history.payments, key=lambda one: (not may_be_accepted(one, history), one.payment_intent_id))
    paying = {one.attempt_id: one for one in reversed(first) if one.attempt_id in payable}
    strays = tuple(one for one in history.payments if one not in paying.values())
    kept = _first(strays, STRAYS_KEPT, lambda one: (one.attempt_id not in ours, one.payment_intent_id))
    return tuple(one for one in history.payments if one in (*paying.values(), *kept))


def may_be_offered(history: PaymentHistory, everybody: Iterable[PaymentHistory]) -> bool:
    """Whether there is room for another payment of theirs: for the first always, and for what is offered already.

    `everybody`: the histories of all in the session, theirs among them.
    """
    paid = sum(attempt.state is AttemptState.PAID for attempt in history.attempts)
    if paid == 0 or any(attempt.state in LIVE for attempt in history.attempts):
        return True
    return paid < PAYMENTS_KEPT and sum(map(_again, everybody)) < PAID_AGAIN_KEPT


def _again(history: PaymentHistory) -> int:
    """How many payments beside the first there are, or may still be, for offers of ours."""
    return max(0, sum(attempt.state in _PAYABLE for attempt in history.attempts) - 1)


def _first(facts: tuple[Fact, ...], most: int, order: Callable[[Fact], tuple[bool, str]]) -> tuple[Fact, ...]:
    if len(facts) <= most:
        return facts
    kept = sorted(facts, key=order)[:most]
    return tuple(one for one in facts if one in kept)
