"""Carry out one obligation at Stripe, and bring back what was seen; a failure is something seen, too.

Decides nothing: what is owed comes from `domain/obligations.py`, and what it led to is folded into the session by the
caller, under a condition. Doing the same obligation twice is harmless: its key is made of the facts.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from functools import reduce
from typing import assert_never

from chalicelib.domain.facts import (
    ActFailed,
    ActSucceeded,
    Attempt,
    AttemptLooked,
    AttemptVoid,
    PaymentHistory,
    RefundAsked,
    RefundSeen,
    Seen,
)
from chalicelib.domain.folding import fold
from chalicelib.domain.obligations import (
    AskAboutRefund,
    ExpireCheckout,
    FetchCharge,
    FetchDispute,
    ListRefunds,
    LookAtCheckout,
    MakeRefund,
    Obligation,
)
from chalicelib.domain.refusals import RefusalCause, cause_of
from chalicelib.domain.troubles import key_round, look_key, trouble_with
from chalicelib.flows.context import Context
from chalicelib.gateways.stripe_api import AccountGoneError, StripeError, StripeRefusedError, StripeUncertainError
from chalicelib.gateways.stripe_objects import StrangeObjectError

ACTS_PER_SAVE = 20
"""Each may write a row of the ledger, and a transaction holds 100 items."""

REFUND_KEY_SURE_FOR = timedelta(hours=23)
"""Stripe prunes idempotency keys after 24 h: later, and after trouble, what was refunded is listed first."""


def carry_out(ctx: Context, obligation: Obligation, history: PaymentHistory) -> list[Seen]:
    """What Stripe answered, and that trouble with this obligation is over; or that it failed, and why."""
    try:
        seen = _act(ctx, obligation, history)
    except AccountGoneError as error:
        return [
            lost(ctx, obligation.attempt, error)
            if isinstance(obligation, ExpireCheckout)
            else _failed(ctx, obligation, error)
        ]
    except (StripeError, StrangeObjectError) as error:
        return [_failed(ctx, obligation, error)]
    if reduce(fold, seen, history) == history:
        # It would be owed again at once, and asked for at every tick.
        return [_failed(ctx, obligation, StrangeObjectError("it told nothing new"))]
    return [*seen, ActSucceeded(obligation.key)] if trouble_with(history, obligation.key) else seen


def lost(ctx: Context, attempt: Attempt, error: AccountGoneError) -> ActFailed:
    """That nobody sees this offer any more, whatever was to be done with it: looking at it is what is tried again."""
    return _act_failed(ctx, look_key(attempt), _LOOKING, error)


def _failed(ctx: Context, obligation: Obligation, error: Exception) -> ActFailed:
    return _act_failed(ctx, obligation.key, _doing(obligation), error)


def _act_failed(ctx: Context, key: str, doing: str, error: Exception) -> ActFailed:
    is_gone = isinstance(error, AccountGoneError)
    refusal = error.refusal if isinstance(error, StripeRefusedError) and not is_gone else None
    return ActFailed(
        key,
        ctx.clock(),
        f"{doing} was refused by Stripe." if refusal else f"{doing} did not succeed at Stripe ({error}).",
        ctx.jitter(),
        out_of_reach=is_gone,
        refusal=refusal,
        repeats=isinstance(error, StripeUncertainError),
    )


def _act(ctx: Context, obligation: Obligation, history: PaymentHistory) -> list[Seen]:
    deadline = ctx.deadline
    match obligation:
        case LookAtCheckout(attempt=attempt):
            return [*look(ctx, attempt), AttemptLooked(attempt.attempt_id, ctx.clock())]
        case ExpireCheckout(attempt=attempt):
            return ctx.stripe.expire_checkout(attempt, deadline)
        case FetchCharge(payment=payment):
            _, seen = ctx.stripe.fetch_payment(payment.payment_intent_id, payment.stripe_account_id, deadline)
            if not seen:
                raise StrangeObjectError("a paid payment shows no charge")
            return seen
        case ListRefunds(payment=payment):
            return list(ctx.stripe.list_refunds(payment, deadline))
        case AskAboutRefund(refund=refund, payment=payment):
            # To the minute: it is a day until the next one, and an item may keep over a thousand.
            asked = RefundAsked(refund.refund_id, ctx.clock().replace(second=0, microsecond=0))
            return [*ctx.stripe.list_refunds(payment, deadline), asked]
        case FetchDispute(dispute=dispute, payment=payment):
            return [ctx.stripe.fetch_dispute(dispute, payment.stripe_account_id, deadline)]
        case MakeRefund():
            return _refund_or_others(ctx, obligation, history)
        case _:
            assert_never(obligation)


def look(ctx: Context, attempt: Attempt) -> list[Seen]:
    """How far it has come; an unknown one is looked for by its own id, and void if Stripe knows it not."""
    if attempt.checkout_session_id is not None:
        return ctx.stripe.look_at_checkout(attempt, ctx.deadline)
    found = ctx.stripe.find_checkout(attempt, ctx.deadline)
    return [found] if found else [AttemptVoid(attempt.attempt_id)]


_MADE_ELSEWHERE = frozenset({RefusalCause.ALREADY_REFUNDED, RefusalCause.AMOUNT})


def _refund_or_others(ctx: Context, act: MakeRefund, history: PaymentHistory) -> list[Seen]:
    """One refund; or where it was refused for others that we had not seen, as of the dashboard, those."""
    try:
        return _refund(ctx, act, history)
    except StripeRefusedError as error:
        if cause_of(error.refusal) not in _MADE_ELSEWHERE:
            raise
        with suppress(StripeError, StrangeObjectError):
            if others := _others(_listed(ctx, act), history):
                return others
        raise


def _refund(ctx: Context, act: MakeRefund, history: PaymentHistory) -> list[Seen]:
    """One refund for one decision. When the key may be gone, the refunds that are there are looked through first."""
    trouble = trouble_with(history, act.key)
    sure = ctx.clock() < act.due_at + REFUND_KEY_SURE_FOR and not trouble
    listed = [] if sure else _listed(ctx, act)
    if others := _others(listed, history):
        # What is owed has to be computed again with these before anything is given back.
        return others
    return [*listed, ctx.stripe.refund(act, key_round(trouble), ctx.deadline)]


def _listed(ctx: Context, act: MakeRefund) -> list[RefundSeen]:
    """The refunds that are there. Whatever comes of asking for them says nothing of the refund itself.

    Raises StripeUncertainError, AccountGoneError, StrangeObjectError.
    """
    try:
        return ctx.stripe.list_refunds(act.payment, ctx.deadline)
    except AccountGoneError:
        raise
    except StripeError as error:
        message = f"what went back before could not be listed: {error}"
        raise StripeUncertainError(message) from error


def _others(listed: list[RefundSeen], history: PaymentHistory) -> list[Seen]:
    """All that are listed, where one of them was not known."""
    known = {refund.refund_id for refund in history.refunds}
    return [] if all(one.refund.refund_id in known for one in listed) else list(listed)


_LOOKING = "Asking how far a payment has come"


def _doing(obligation: Obligation) -> str:
    match obligation:
        case LookAtCheckout():
            return _LOOKING
        case ExpireCheckout():
            return "Closing an offer to pay"
        case FetchCharge():
            return "Fetching a charge"
        case ListRefunds():
            return "Listing the refunds of a payment"
        case AskAboutRefund():
            return "Asking how a refund ended"
        case FetchDispute():
            return "Fetching a dispute"
        case MakeRefund():
            return "A refund"
        case _:
            assert_never(obligation)
