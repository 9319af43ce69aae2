"""The session aggregate: a consultation, its participants, and what may be done to them.

Every change is a function from one session to the next; none of them reads a clock or makes an id.
Stripe is nowhere here: a change that money depends on is refused while an offer to pay could still contradict it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from chalicelib.domain import ids
from chalicelib.domain.facts import NOTHING_YET, Attempt, PaymentHistory, RefundReason, Seen
from chalicelib.domain.folding import fold
from chalicelib.domain.money import FeeError, Money, UnknownCurrencyError, check_fee
from chalicelib.domain.payments import Owing
from chalicelib.domain.teams import ChargeBar, Team

MAX_PARTICIPANTS = 50
LONGEST_SESSION = timedelta(hours=24)
FURTHEST_AHEAD = timedelta(days=548)
"""18 months, so that an old link key can be retired."""

MAX_NAME = 255
MAX_PICTURE = 2048
MAX_STATE = 1024
MAX_FEATURE_FLAGS = 50
MAX_DESCRIPTION = 255


class Role(StrEnum):
    HOST = "HOST"
    GUEST = "GUEST"
    PARTICIPANT = "PARTICIPANT"
    """A guest in every rule; kept apart because clients send it and expect it back."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with what was asked: the field as a path (`participants[0].fee.amount`) and what to do."""

    field: str
    message: str


class InvalidSessionError(ValueError):
    """What was asked cannot be a session. Carries every problem found, not the first alone."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__(f"{len(problems)} problem(s) with the session")
        self.problems = problems


class FeeNotPossibleError(Exception):
    """A fee was asked for, and the team cannot take one just now: `bar` says why."""

    def __init__(self, bar: ChargeBar) -> None:
        self.bar = bar


@dataclass(frozen=True, slots=True)
class Fee:
    """What a guest owes. `payee` names one of the team's connected Stripe accounts; None is its default."""

    amount: int
    currency: str
    description: str | None = None
    payee: str | None = None

    @property
    def money(self) -> Money:
        return Money(self.amount, self.currency)


@dataclass(frozen=True, slots=True)
class Participant:
    """A person in a session. `generation` counts the links made void; `key_id` names the key of the present one.

    `planned_id`: what the request that added them planned under its Idempotency-Key, by which its retry finds them.
    """

    number: int
    role: Role
    created_at: datetime
    key_id: int
    generation: int = 0
    display_name: str | None = None
    picture: str | None = None
    state: str | None = None
    email: str | None = field(default=None, repr=False)
    phone: str | None = field(default=None, repr=False)
    fee: Fee | None = None
    deleted_at: datetime | None = None
    keeps_payment: bool = False
    history: PaymentHistory = NOTHING_YET
    planned_id: str | None = None

    @property
    def is_host(self) -> bool:
        return self.role is Role.HOST


@dataclass(frozen=True, slots=True)
class Revision:
    """The store's own bookkeeping, carried along untouched: the version read, and who wrote it lately."""

    version: int = 0
    write_ids: tuple[str, ...] = ()
    schema: int = 0


@dataclass(frozen=True, slots=True)
class Session:
    team_id: str
    session_id: str
    client_id: str
    start_time: datetime
    end_time: datetime
    created_at: datetime
    name: str | None = None
    picture: str | None = None
    feature_flags: tuple[str, ...] = ()
    canceled_at: datetime | None = None
    keeps_payments: bool = False
    actual_end_time: datetime | None = None
    participants: tuple[Participant, ...] = ()
    revision: Revision = Revision()

    def participant(self, number: int) -> Participant | None:
        return next((p for p in self.participants if p.number == number), None)

    def participant_id(self, number: int) -> str:
        return ids.participant_id(self.session_id, number)


@dataclass(frozen=True, slots=True)
class ParticipantWish:
    """What a clinic asks for one participant."""

    role: Role = Role.GUEST
    display_name: str | None = None
    picture: str | None = None
    state: str | None = None
    email: str | None = field(default=None, repr=False)
    phone: str | None = field(default=None, repr=False)
    fee: Fee | None = None


@dataclass(frozen=True, slots=True)
class SessionWish:
    """What a clinic asks for a session."""

    start_time: datetime
    end_time: datetime
    name: str | None = None
    picture: str | None = None
    feature_flags: tuple[str, ...] = ()
    participants: tuple[ParticipantWish, ...] = ()


def schedule(wish: SessionWish, team: Team, *, client_id: str, session_id: str, key_id: int, now: datetime) -> Session:
    """The session asked for.

    Raises InvalidSessionError with every problem found, and FeeNotPossibleError where a fee is wanted of a team that
    cannot charge: a fee is never silently dropped.
    """
    problems = (*window_problems(wish.start_time, wish.end_time, now), *wish_problems(wish, team))
    if problems:
        raise InvalidSessionError(problems)
    for one in wish.participants:
        check_can_charge(team, one.fee)
    return Session(
        team_id=team.team_id,
        session_id=session_id,
        client_id=client_id,
        start_time=wish.start_time,
        end_time=wish.end_time,
        created_at=now,
        name=wish.name,
        picture=wish.picture,
        feature_flags=wish.feature_flags,
        participants=tuple(
            participant_of(one, number, key_id, now) for number, one in enumerate(wish.participants, start=1)
        ),
    )


def check_can_charge(team: Team, fee: Fee | None) -> None:
    """Refuse a fee that nobody could be asked for now. Raises FeeNotPossibleError."""
    bar = team.charge_bar(fee.payee) if fee else None
    if bar is not None:
        raise FeeNotPossibleError(bar)


def reschedule(session: Session, *, start_time: datetime, end_time: datetime, now: datetime) -> Session:
    """The same session at another time; payments and links stay with their participants."""
    problems = window_problems(start_time, end_time, now)
    if problems:
        raise InvalidSessionError(tuple(problems))
    return replace(session, start_time=start_time, end_time=end_time)


def cancel(session: Session, *, now: datetime, keep_payments: bool = False) -> Session:
    """Cancelled for good; `keep_payments` keeps only what was paid before. Cancelling again changes nothing."""
    if session.canceled_at is not None:
        return session
    return replace(session, canceled_at=now, keeps_payments=keep_payments)


def remove(session: Session, number: int, *, now: datetime, keep_payment: bool = False) -> Session:
    """The participant stays as a stub without text, since their number is never used again and money may move."""

    def removed(participant: Participant) -> Participant:
        if participant.deleted_at is not None:
            return participant
        return replace(
            participant,
            deleted_at=now,
            keeps_payment=keep_payment,
            display_name=None,
            picture=None,
            state=None,
            email=None,
            phone=None,
            fee=replace(participant.fee, description=None) if participant.fee else None,
        )

    return with_participant(session, number, removed)


def revoke_link(session: Session, number: int, *, key_id: int) -> Session:
    """The next generation of the participant's link, under the key given; every older link is dead."""
    return with_participant(session, number, lambda p: replace(p, generation=p.generation + 1, key_id=key_id))


def saw(session: Session, number: int, *seen: Seen) -> Session:
    """Fold what was seen into one participant's payment history."""

    def folded(participant: Participant) -> Participant:
        history = participant.history
        for one in seen:
            history = fold(history, one)
        return replace(participant, history=history)

    return with_participant(session, number, folded)


def with_attempt(session: Session, number: int, attempt: Attempt) -> Session:
    """One more offer to pay, the newest."""
    return with_participant(
        session, number, lambda p: replace(p, history=replace(p.history, attempts=(*p.history.attempts, attempt)))
    )


def with_participant(session: Session, number: int, change: Callable[[Participant], Participant]) -> Session:
    """The session with one participant changed; unchanged where it has no such participant."""
    changed = tuple(change(p) if p.number == number else p for p in session.participants)
    return replace(session, participants=changed)


def owing(session: Session, participant: Participant) -> Owing:
    """What the participant owes, and until when: all that money is judged by."""
    closed_at, because, keeps = session.canceled_at, RefundReason.CANCELED, session.keeps_payments
    removed_at = participant.deleted_at
    if removed_at is not None and (closed_at is None or removed_at < closed_at):
        closed_at, because, keeps = removed_at, RefundReason.REMOVED, participant.keeps_payment
    return Owing(
        fee=participant.fee.money if participant.fee else None,
        start_time=session.start_time,
        end_time=session.end_time,
        closed_at=closed_at,
        closed_because=because,
        returns=not keeps,
    )


def participant_of(wish: ParticipantWish, number: int, key_id: int, now: datetime) -> Participant:
    """The participant asked for, under that number, with a link of that key."""
    return Participant(
        number=number,
        role=wish.role,
        created_at=now,
        key_id=key_id,
        display_name=wish.display_name,
        picture=wish.picture,
        state=wish.state,
        email=wish.email,
        phone=wish.phone,
        fee=wish.fee,
    )


# --- limits -------------------------------------------------------------------------------------------------------


def window_problems(start_time: datetime, end_time: datetime, now: datetime) -> list[Problem]:
    """What is wrong with a consultation's time, as seen now."""
    problems = []
    if end_time <= start_time:
        problems.append(Problem("end_time", "must be later than start_time"))
    elif end_time - start_time > LONGEST_SESSION:
        problems.append(Problem("end_time", "must be at most 24 hours after start_time"))
    if end_time <= now:
        problems.append(Problem("end_time", f"must be in the future; it is now {_written(now)}"))
    if start_time > now + FURTHEST_AHEAD:
        latest = _written(now + FURTHEST_AHEAD)
        problems.append(Problem("start_time", f"must be at most 18 months ahead, so not after {latest}"))
    return problems


def _written(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def wish_problems(wish: SessionWish, team: Team) -> list[Problem]:
    """What is wrong with a session's texts and participants, whatever its time."""
    problems = text_problems(wish.name, wish.picture, wish.feature_flags)
    if len(wish.participants) > MAX_PARTICIPANTS:
        problems.append(Problem("participants", f"at most {MAX_PARTICIPANTS}; {len(wish.participants)} were sent"))
    for index, participant in enumerate(wish.participants[:MAX_PARTICIPANTS]):
        problems.extend(participant_problems(participant, team, f"participants[{index}]."))
    return problems


def text_problems(name: str | None, picture: str | None, feature_flags: tuple[str, ...]) -> list[Problem]:
    """What is wrong with what a session is called, shown with and flagged."""
    problems = [*_too_long("session_name", name, MAX_NAME), *_too_long("picture", picture, MAX_PICTURE)]
    if len(feature_flags) > MAX_FEATURE_FLAGS:
        problems.append(Problem("feature_flags", f"at most {MAX_FEATURE_FLAGS}; {len(feature_flags)} were sent"))
    for index, flag in enumerate(feature_flags):
        problems.extend(_too_long(f"feature_flags[{index}]", flag, MAX_NAME))
    return problems


def participant_problems(wish: ParticipantWish, team: Team, path: str) -> list[Problem]:
    """What is wrong with a participant; `path` is put before the fields' names."""
    limits = {
        "display_name": MAX_NAME,
        "picture": MAX_PICTURE,
        "state": MAX_STATE,
        "email": MAX_NAME,
        "phone": MAX_NAME,
    }
    problems = []
    for name, limit in limits.items():
        problems.extend(_too_long(path + name, getattr(wish, name), limit))
    if wish.fee is not None:
        problems.extend(fee_problems(wish.fee, wish.role, team, f"{path}fee"))
    return problems


def fee_problems(fee: Fee, role: Role, team: Team, path: str) -> list[Problem]:
    """What is wrong with a fee of somebody in that role; whether the team can charge just now is not asked."""
    problems = _too_long(f"{path}.description", fee.description, MAX_DESCRIPTION)
    if role is Role.HOST:
        problems.append(Problem(path, "a HOST carries no fee; attach it to a GUEST"))
    if fee.payee is not None and not team.has_account(fee.payee):
        problems.append(Problem(f"{path}.payee", "is not one of the team's connected Stripe accounts"))
    try:
        check_fee(fee.money)
    except UnknownCurrencyError as error:
        return [*problems, Problem(f"{path}.currency", str(error))]
    except FeeError as error:
        return [*problems, Problem(f"{path}.amount", str(error))]
    if not team.takes(fee.currency):
        accepted = ", ".join(sorted(team.currencies))
        problems.append(Problem(f"{path}.currency", f"is not one this clinic takes; send one of: {accepted}"))
    return problems


def _too_long(path: str, text: str | None, limit: int) -> list[Problem]:
    if text is None or len(text) <= limit:
        return []
    return [Problem(path, f"at most {limit} characters; {len(text)} were sent")]
