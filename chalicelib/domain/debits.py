"""Bank debits under way: whether the bank may answer only after the session has started.

A debit is offered only where the bank has time before the start (`offer_terms.py`); moving the session may take that
time away. Then who moved it is told, and the fee can be waived, since the client has done all that they can.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from chalicelib.domain.facts import Attempt, AttemptState, PaymentHistory
from chalicelib.domain.payments import PaymentStatus, is_unproven, standing
from chalicelib.domain.sessions import Participant, Session, owing

BUSINESS_DAYS_FOR_DELAYED = 5
_SATURDAY = 5


def has_time(since: datetime, start: datetime) -> bool:
    """Whether the bank has time to answer by the start to what was offered then. As a rule: no bank promises it."""
    return _business_days(since, start) > BUSINESS_DAYS_FOR_DELAYED


def _business_days(since: datetime, until: datetime) -> int:
    days = (until.date() - since.date()).days
    return sum((since + timedelta(days=day)).weekday() < _SATURDAY for day in range(1, days + 1))


def is_under_way(history: PaymentHistory) -> bool:
    """Whether a bank is at work."""
    return bool(_under_way(history))


def may_settle_late(session: Session, participant: Participant, now: datetime) -> bool:
    """Whether the bank may answer only after the start, and the client is awaited until the end."""
    return bool(late_debits(session, participant, now))


def late_debits(session: Session, participant: Participant, now: datetime) -> tuple[Attempt, ...]:
    """The debits under way, where the bank may answer each of them only after the start; none where one is in time.

    Days are counted from when it was offered, as they were then: when it was paid is not kept. So what was never moved
    is never late before its start. From the start on, a bank that has not answered is late, however long it had.
    """
    claim, history = owing(session, participant), participant.history
    if claim.closed_at is not None or now >= session.end_time:
        return ()
    if standing(claim, history).status is not PaymentStatus.PROCESSING or _has_answered(history):
        return ()
    debits = _under_way(history)
    is_late = now >= session.start_time or not any(has_time(one.made_at, session.start_time) for one in debits)
    return debits if is_late else ()


def debit_key(session: Session, debit: Attempt) -> str:
    """The key of a debit that may be late for this start; moved again, the session has another one, told anew."""
    return f"debit:{debit.attempt_id}:{session.start_time:%Y-%m-%dT%H:%MZ}"


def _has_answered(history: PaymentHistory) -> bool:
    """Whether money came already, of which Stripe must only be asked what it is for."""
    return any(is_unproven(payment, history) for payment in history.payments)


def _under_way(history: PaymentHistory) -> tuple[Attempt, ...]:
    return tuple(attempt for attempt in history.attempts if attempt.state is AttemptState.PROCESSING)
