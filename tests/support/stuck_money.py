"""Money that does not go back by itself, in a few words: what Stripe shows, what clinics and operators do about it."""

from __future__ import annotations

from chalicelib.domain.by_hand import (
    By,
    RefundWish,
    decide_refund,
    retry_by_hand,
    settle_by_hand,
)
from chalicelib.domain.facts import (
    ActFailed,
    RefundStatus,
    Seen,
    SettledByHand,
)
from chalicelib.domain.returns import Returning, returnings
from chalicelib.domain.sessions import Session, owing
from tests.support.histories import (
    CANCELED,
    folded,
    guest_of,
    noon,
    paid,
    refund,
    session_of,
    with_history,
)

FAILED, PENDING = RefundStatus.FAILED, RefundStatus.PENDING
PAID = folded(*paid())
TWICE = folded(*paid(1, noon(plus=5)), *paid(2, noon(plus=9)), count=2)
"""The first counts; the second goes back as a duplicate."""

BY = By("operator:ada", noon(plus=65), "the client called")
AUTO = "refund:auto-ch_1"


def told(amount: str) -> str:
    return f"The refund of {amount} AUD failed at the bank; give the money back another way."


def to_go(amount: str, then: str = "It is tried again.") -> str:
    return f"{amount} AUD is still to go back. Stripe is down. {then}"


def see(session: Session, *facts: Seen) -> Session:
    return with_history(session, folded(*facts, history=guest_of(session).history))


def ask(session: Session, amount: int | None = None, name: str = "decision-1", charge: str | None = None) -> Session:
    wish = RefundWish(amount, None, charge)
    return decide_refund(session, guest_of(session), wish, decision_id=name, who="api_client:1", now=noon(plus=50))


def failing(key: str) -> list[Seen]:
    return [ActFailed(key, noon(plus=61 + time), "Stripe is down.", 0.0) for time in range(3)]


def stuck(session: Session, key: str) -> Session:
    return see(session, *failing(key))


def give(session: Session, key: str) -> Session:
    return settle_by_hand(session, guest_of(session), key, BY)


def keep(session: Session, key: str) -> Session:
    return settle_by_hand(session, guest_of(session), key, BY, is_given=False)


def send_again(session: Session, key: str) -> Session:
    return retry_by_hand(session, guest_of(session), key, BY, decision_id="decision-9")


def cancel(session: Session) -> Session:
    return session_of(guest_of(session).history, **CANCELED)


def the_return(session: Session) -> Returning:
    [found] = returnings(owing(session, guest_of(session)), guest_of(session).history)
    return found


def failure(amount: int = 8000, name: str = "1") -> Session:
    """The clinic asked for it, and the bank sent it back."""
    asked = ask(session_of(PAID), amount, f"decision-{name}")
    return see(asked, refund(name, amount, FAILED, decision_id=f"decision-{name}"))


def facts_of(session: Session) -> SettledByHand:
    return guest_of(session).history.settled[-1]
