"""What may be changed of a session after it was scheduled, and what it is then. Never closes an offer to pay itself.

The limits are those of scheduling (`sessions.py`); these come beside them:

    cancelled                             nothing is changed; who takes part may still be removed       CanceledError
    started                               it is not cancelled any more                                  StartedError
    ended                                 nobody is added, no fee is changed                            EndedError
    money is held, is coming, or may be;  that fee is not changed                                       AlreadyPaidError
    it was waived
    an offer to pay may still be taken    close it first, then decide again                             OpenOffersError

What is the same again is no change, and is refused by none of these but the first.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import Final, TypeVar

from chalicelib.domain.bounds import PAYERS, was_offered
from chalicelib.domain.facts import LIVE, Attempt, AttemptState, PaymentHistory
from chalicelib.domain.ids import LAST_PARTICIPANT_NUMBER
from chalicelib.domain.obligations import has_strange_payment
from chalicelib.domain.payments import is_accepted, is_returned, is_unproven
from chalicelib.domain.sessions import (
    MAX_PARTICIPANTS,
    Fee,
    InvalidSessionError,
    Participant,
    ParticipantWish,
    Problem,
    Role,
    Session,
    cancel,
    check_can_charge,
    participant_of,
    participant_problems,
    remove,
    reschedule,
    text_problems,
    window_problems,
    with_participant,
)
from chalicelib.domain.teams import Team
from chalicelib.domain.troubles import OFFER_KEY, without_trouble

CLOCKS_DIFFER_BY = timedelta(minutes=5)
"""How far ahead of ours the clock of a client may be that reports an actual end."""

Value = TypeVar("Value")
Moment = TypeVar("Moment", datetime, datetime | None)


class CanceledError(Exception):
    """The session is cancelled, and that is for good."""


class StartedError(Exception):
    """The session has started, so it is not cancelled any more."""


class EndedError(Exception):
    """The session is over."""


class AlreadyPaidError(Exception):
    """A payment is held, be it for this fee or for a former one. Give it back with a refund."""


class UnprovenPaymentError(AlreadyPaidError):
    """A charge came that may well be the fee; Stripe is being asked."""


class StrangePaymentError(AlreadyPaidError):
    """A payment came that is not what was asked for, and is not all back."""


class BeingPaidError(AlreadyPaidError):
    """A bank is at work on the payment of this fee."""


class FeeWaivedError(AlreadyPaidError):
    """The fee was waived: nobody would ever be asked for another one."""


class OpenOffersError(Exception):
    """The fee may be paid at this moment: close these `attempts` at Stripe, fold what is seen, and decide again."""

    def __init__(self, attempts: tuple[Attempt, ...]) -> None:
        super().__init__(f"{len(attempts)} offer(s) to pay may still be taken")
        self.attempts = attempts


class Absent(Enum):
    """Says of a field that it was not sent; None is a value for some."""

    ABSENT = "absent"


ABSENT: Final = Absent.ABSENT


@dataclass(frozen=True, slots=True)
class SessionEdit:
    """What to change of a session; what is absent stays as it is."""

    name: str | Absent | None = ABSENT
    picture: str | Absent | None = ABSENT
    feature_flags: tuple[str, ...] | Absent = ABSENT
    start_time: datetime | Absent = ABSENT
    end_time: datetime | Absent = ABSENT
    actual_end_time: datetime | Absent = ABSENT


@dataclass(frozen=True, slots=True)
class ParticipantEdit:
    """What to change of a participant; what is absent stays as it is.

    `fee` None leaves the fee, and None inside it leaves its description and its payee: only a waiver lets people in
    free, and a client that knows no payees must not send the money elsewhere.
    """

    role: Role | Absent = ABSENT
    display_name: str | Absent | None = ABSENT
    picture: str | Absent | None = ABSENT
    state: str | Absent | None = ABSENT
    email: str | Absent | None = field(default=ABSENT, repr=False)
    phone: str | Absent | None = field(default=ABSENT, repr=False)
    fee: Fee | None = None


# --- the session --------------------------------------------------------------------------------------------------


def edit_session(session: Session, edit: SessionEdit, *, now: datetime) -> Session:
    """The session as edited; payments and links stay with their participants, whenever it is now.

    Raises CanceledError, InvalidSessionError. A session that is over can be moved ahead, and its texts changed.
    """
    _check_not_canceled(session)
    start_time, end_time = _moment(edit.start_time, session.start_time), _moment(edit.end_time, session.end_time)
    is_moved = (start_time, end_time) != (session.start_time, session.end_time)
    edited = replace(
        session,
        name=_sent(edit.name, session.name),
        picture=_sent(edit.picture, session.picture),
        feature_flags=_sent(edit.feature_flags, session.feature_flags),
        actual_end_time=_moment(edit.actual_end_time, session.actual_end_time),
    )
    problems = [
        *(window_problems(start_time, end_time, now) if is_moved else ()),
        *text_problems(
            _news(edited.name, session.name),
            _news(edited.picture, session.picture),
            _news(edited.feature_flags, session.feature_flags) or (),
        ),
        *_actual_end_problems(_news(edited.actual_end_time, session.actual_end_time), session, now),
    ]
    if problems:
        raise InvalidSessionError(tuple(problems))
    return reschedule(edited, start_time=start_time, end_time=end_time, now=now) if is_moved else edited


def cancel_session(session: Session, *, now: datetime, keep_payments: bool = False) -> Session:
    """Cancelled for good; again changes nothing. Raises StartedError from the start on."""
    if session.canceled_at is None and now >= session.start_time:
        raise StartedError
    return cancel(session, now=now, keep_payments=keep_payments)


def _check_not_canceled(session: Session) -> None:
    if session.canceled_at is not None:
        raise CanceledError


def _actual_end_problems(ended_at: datetime | None, session: Session, now: datetime) -> list[Problem]:
    """A report, not an order: it closes no door, so it is bound only by what cannot be."""
    if ended_at is None:
        return []
    if ended_at > now + CLOCKS_DIFFER_BY:
        return [Problem("actual_end_time", "must not be in the future; report it once the consultation has ended")]
    if ended_at < session.created_at:
        return [Problem("actual_end_time", "must not be earlier than the scheduling of the session")]
    return []


# --- who takes part -----------------------------------------------------------------------------------------------


def add_participant(
    session: Session, wish: ParticipantWish, team: Team, *, key_id: int, now: datetime, planned_id: str | None = None
) -> Session:
    """One more, the last of its participants, under a number that nobody had before them.

    Raises CanceledError, EndedError, InvalidSessionError with every problem, FeeNotPossibleError.
    """
    _check_not_canceled(session)
    if now >= session.end_time:
        raise EndedError
    number = max((one.number for one in session.participants), default=0) + 1
    problems = [*_room_problems(session, number), *participant_problems(wish, team, "")]
    if problems:
        raise InvalidSessionError(tuple(problems))
    check_can_charge(team, wish.fee)
    added = replace(participant_of(wish, number, key_id, now), planned_id=planned_id)
    return _with_few_payers(replace(session, participants=(*session.participants, added)))


def edit_participant(
    session: Session, participant: Participant, edit: ParticipantEdit, team: Team, *, now: datetime
) -> Session:
    """The session with this participant of it as edited.

    Raises CanceledError, InvalidSessionError with every problem; and for another fee EndedError, FeeNotPossibleError,
    AlreadyPaidError, and OpenOffersError while it may still be paid as it was.
    """
    _check_not_canceled(session)
    edited = replace(
        participant,
        role=_sent(edit.role, participant.role),
        display_name=_sent(edit.display_name, participant.display_name),
        picture=_sent(edit.picture, participant.picture),
        state=_sent(edit.state, participant.state),
        email=_sent(edit.email, participant.email),
        phone=_sent(edit.phone, participant.phone),
        fee=_fee(edit.fee, participant.fee),
    )
    problems = _edit_problems(edited, participant, team)
    if problems:
        raise InvalidSessionError(tuple(problems))
    if _terms(edited.fee) != _terms(participant.fee):
        _check_may_owe_otherwise(session, participant, now)
        check_can_charge(team, edited.fee)
        _check_no_offers(participant)
        # What Stripe refused to take was the former fee.
        edited = replace(edited, history=without_trouble(participant.history, OFFER_KEY))
    return _with_few_payers(with_participant(session, participant.number, lambda _: edited))


def remove_participant(
    session: Session, participant: Participant, *, now: datetime, keep_payment: bool = False
) -> Session:
    """Removed, also when the session is cancelled; again changes nothing.

    Once the session is over this only takes the texts away: what was paid for a consultation that took place stays,
    unless it is refunded.
    """
    is_over = now >= session.end_time
    return remove(session, participant.number, now=now, keep_payment=keep_payment or is_over)


def live_attempts(participant: Participant) -> tuple[Attempt, ...]:
    """The offers that may still be paid, as far as we know."""
    return tuple(attempt for attempt in participant.history.attempts if attempt.state in LIVE)


def _room_problems(session: Session, number: int) -> list[Problem]:
    if sum(one.deleted_at is None for one in session.participants) >= MAX_PARTICIPANTS:
        return [Problem("participants", f"at most {MAX_PARTICIPANTS}; there are as many already")]
    if number > LAST_PARTICIPANT_NUMBER:
        message = f"at most {LAST_PARTICIPANT_NUMBER} with those removed; schedule another session"
        return [Problem("participants", message)]
    return []


def _with_few_payers(session: Session) -> Session:
    """The session, in which the facts of all who may pay have room. Raises InvalidSessionError."""
    if sum(map(_may_pay, session.participants)) > PAYERS:
        message = f"at most {PAYERS} participants owe or paid a fee, with those removed; schedule another session"
        raise InvalidSessionError((Problem("fee", message),))
    return session


def _may_pay(participant: Participant) -> bool:
    """Whether facts may be told of them."""
    owes = participant.fee is not None and participant.deleted_at is None
    return owes or was_offered(participant.history)


def _edit_problems(edited: Participant, kept: Participant, team: Team) -> list[Problem]:
    """What is wrong with what is new: what stays was right once, and may be sent again for ever."""
    news = ParticipantWish(
        role=edited.role,
        display_name=_news(edited.display_name, kept.display_name),
        picture=_news(edited.picture, kept.picture),
        state=_news(edited.state, kept.state),
        email=_news(edited.email, kept.email),
        phone=_news(edited.phone, kept.phone),
        fee=_news(edited.fee, kept.fee),
    )
    problems = participant_problems(news, team, "")
    if edited.is_host and kept.fee is not None:
        problems.append(Problem("role", "a guest with a fee cannot become a HOST; remove them and add a HOST"))
    return problems


# --- the fee ------------------------------------------------------------------------------------------------------


def _fee(sent: Fee | None, kept: Fee | None) -> Fee | None:
    if sent is None or kept is None:
        return sent or kept
    return replace(
        sent,
        description=kept.description if sent.description is None else sent.description,
        payee=kept.payee if sent.payee is None else sent.payee,
    )


def _terms(fee: Fee | None) -> tuple[int, str, str | None] | None:
    """What an offer to pay is made of; the description is ours alone."""
    return (fee.amount, fee.currency, fee.payee) if fee else None


def _check_may_owe_otherwise(session: Session, participant: Participant, now: datetime) -> None:
    history = participant.history
    if now >= session.end_time:
        raise EndedError
    if history.waiver is not None:
        raise FeeWaivedError
    _check_nothing_held(history)
    if any(attempt.state is AttemptState.PROCESSING for attempt in history.attempts):
        raise BeingPaidError


def _check_nothing_held(history: PaymentHistory) -> None:
    """All of it may have gone back, by whomever: then whoever paid it may be asked for another fee."""
    payments = history.payments
    if any(is_accepted(one, history) and not is_returned(history, one) for one in payments):
        raise AlreadyPaidError
    if any(is_unproven(one, history) for one in payments):
        raise UnprovenPaymentError
    if has_strange_payment(history):
        raise StrangePaymentError


def _check_no_offers(participant: Participant) -> None:
    attempts = live_attempts(participant)
    if attempts:
        raise OpenOffersError(attempts)


# --- what was sent ------------------------------------------------------------------------------------------------


def _sent(value: Value | Absent, kept: Value) -> Value:
    return kept if isinstance(value, Absent) else value


def _news(value: Value, kept: Value) -> Value | None:
    """The value, where it is another one."""
    return None if value == kept else value


def _moment(sent: datetime | Absent, kept: Moment) -> datetime | Moment:
    """The time sent; `kept` also where that was sent as answers write it, cut to milliseconds or to seconds."""
    if isinstance(sent, Absent):
        return kept
    if kept is None:
        return sent
    milliseconds = kept.microsecond // 1000 * 1000
    as_answered = (kept.replace(microsecond=milliseconds), kept.replace(microsecond=0))
    return kept if sent in as_answered else sent
