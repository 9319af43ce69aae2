"""Close offers to pay at Stripe before what they offer is changed; learns of a payment rather than lose it.

An offer that is known is expired; where Stripe will not, it says what became of it. One whose outcome is unknown is not
given up: it is sent again with the same bytes and key, so that whoever is sending it at this moment gets the same
Checkout Session, and that one is expired. Only when its key is too old for that, or broken, is it looked for.
"""

from __future__ import annotations

from chalicelib.domain.edits import OpenOffersError
from chalicelib.domain.facts import NOTHING_YET, Attempt, AttemptVoid, PaymentHistory, Seen
from chalicelib.domain.offers import KEY_KEPT_FOR
from chalicelib.domain.reach import is_out_of_reach
from chalicelib.domain.sessions import Session, saw
from chalicelib.flows.carry_out import look, lost
from chalicelib.flows.change import ContendedError, Decide, change
from chalicelib.flows.checkout import UnsettledError
from chalicelib.flows.context import Context
from chalicelib.gateways.stripe_api import AccountGoneError, StripeBrokenError, StripeRefusedError
from chalicelib.storage.stores import StoreError

MOST_ROUNDS = 5
"""Of closing: an unknown offer takes two, and a client who presses "Pay" meanwhile has made another."""


class OfferOutOfReachError(Exception):
    """An offer to pay stands in the way, on a Stripe account that is not connected any more: it may have been paid."""


def change_without_offers(ctx: Context, loaded: Session, number: int, decide: Decide) -> Session:
    """As `change`, for a decision that open offers to this participant may stand in the way of (OpenOffersError).

    They are closed, and what Stripe said is saved in one write with the change, so that no client can be offered
    another in between; when the decision is refused for what was learnt, that is saved alone. Raises StripeError where
    Stripe leaves one open (nothing is changed), OfferOutOfReachError, UnsettledError, ContendedError, StoreError, and
    what `decide` raises.
    """
    seen: list[Seen] = []
    session = loaded

    def learnt(newest: Session) -> Session:
        return saw(newest, number, *seen)

    def decided(newest: Session) -> Session:
        nonlocal session
        session = newest
        return decide(learnt(newest))

    for _ in range(MOST_ROUNDS):
        try:
            return change(ctx, session, decided)
        except OpenOffersError as open_offers:
            if all(is_out_of_reach(_history(learnt(session), number), one) for one in open_offers.attempts):
                change(ctx, session, learnt)
                raise OfferOutOfReachError from None
            seen += [one for attempt in open_offers.attempts for one in _closed(ctx, attempt)]
        except (ContendedError, StoreError):
            raise
        except Exception:
            change(ctx, session, learnt)
            raise
    change(ctx, session, learnt)
    message = f"offers of session {loaded.session_id} are made as fast as they are closed"
    raise UnsettledError(message)


def _history(session: Session, number: int) -> PaymentHistory:
    participant = session.participant(number)
    return participant.history if participant else NOTHING_YET


def _closed(ctx: Context, attempt: Attempt) -> list[Seen]:
    """What became of it: not open any more, or of an unknown one that it is there; the next round closes that one."""
    try:
        return _asked_to_close(ctx, attempt)
    except AccountGoneError as error:
        return [lost(ctx, attempt, error)]


def _asked_to_close(ctx: Context, attempt: Attempt) -> list[Seen]:
    if attempt.checkout_session_id is not None:
        return ctx.stripe.expire_checkout(attempt, ctx.deadline)
    if ctx.clock() >= attempt.made_at + KEY_KEPT_FOR:
        return look(ctx, attempt)
    try:
        return [ctx.stripe.create_checkout(attempt, ctx.deadline)]
    except StripeBrokenError:
        return look(ctx, attempt)
    except AccountGoneError:
        raise
    except StripeRefusedError:
        return [AttemptVoid(attempt.attempt_id)]
