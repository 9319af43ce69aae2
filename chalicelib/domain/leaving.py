"""What stands in the way of leaving a Stripe account: money on it that could not be seen, or given back, afterwards.

After an account is disconnected no call on it works and no event of it comes
(https://docs.stripe.com/connect/oauth-standard-accounts#revoked-access), so each of these wants to be over before.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from chalicelib.domain.disputes import disputes_of
from chalicelib.domain.edits import OpenOffersError
from chalicelib.domain.facts import LIVE, AttemptState, DisputeStatus, Payment, PaymentHistory, RefundStatus
from chalicelib.domain.obligations import is_strange
from chalicelib.domain.payments import is_unproven, standing
from chalicelib.domain.refunds import refunds_of
from chalicelib.domain.returns import all_returnings
from chalicelib.domain.sessions import Participant, Session, owing

_TO_CLOSE = frozenset({AttemptState.PLANNED, AttemptState.OPEN})
"""What a bank is at is ended by the bank alone."""


class Hold(StrEnum):
    """Why an account is not left just now."""

    OFFER_OPEN = "somebody may be paying at this moment"
    REFUND_OWED = "money is to go back"
    REFUND_PENDING = "a refund is on its way, and may fail"
    DISPUTE_OPEN = "a bank has not decided a dispute"
    UNCLEAR = "what a payment is for, or when it was made, is not known yet"
    PAID_AND_TO_COME = "it is paid and to come: were it cancelled, the money could not go back"


@dataclass(frozen=True, slots=True)
class Held:
    """One reason, and the participant whose money it is."""

    participant_id: str
    hold: Hold


def held_on(session: Session, stripe_account_id: str, now: datetime) -> Iterator[Held]:
    """What of this session stands in the way of leaving that account, each reason once for each participant."""
    for participant in session.participants:
        for hold in dict.fromkeys(_holds(session, participant, stripe_account_id, now)):
            yield Held(session.participant_id(participant.number), hold)


def without_offers(session: Session, number: int, stripe_account_id: str) -> Session:
    """The session as it is. Raises OpenOffersError while this participant may begin to pay on that account."""
    participant = session.participant(number)
    attempts = participant.history.attempts if participant else ()
    to_close = tuple(one for one in attempts if one.state in _TO_CLOSE and one.stripe_account_id == stripe_account_id)
    if to_close:
        raise OpenOffersError(to_close)
    return session


def _holds(session: Session, participant: Participant, account: str, now: datetime) -> Iterator[Hold]:
    claim, history = owing(session, participant), participant.history
    if any(one.state in LIVE and one.stripe_account_id == account for one in history.attempts):
        yield Hold.OFFER_OPEN
    for going in all_returnings(claim, history):
        if going.payment.stripe_account_id == account:
            if going.parts():
                yield Hold.REFUND_OWED
            yield from _on_their_way(history, going.payment)
    if any(_is_unclear(history, one) for one in history.payments if one.stripe_account_id == account):
        yield Hold.UNCLEAR
    counted = standing(claim, history).counted
    is_to_come = now < session.end_time and claim.closed_at is None
    if counted is not None and counted.stripe_account_id == account and is_to_come:
        yield Hold.PAID_AND_TO_COME


def _is_unclear(history: PaymentHistory, payment: Payment) -> bool:
    """It may have to go back, or a person has to say what it is."""
    is_undated = payment.paid is not None and payment.charge is None
    return is_undated or is_unproven(payment, history) or is_strange(history, payment)


def _on_their_way(history: PaymentHistory, payment: Payment) -> Iterator[Hold]:
    if any(refund.status is RefundStatus.PENDING for refund in refunds_of(history, payment)):
        yield Hold.REFUND_PENDING
    if any(dispute.status is DisputeStatus.OPEN or dispute.doubted for dispute in disputes_of(history, payment)):
        yield Hold.DISPUTE_OPEN
