"""Find, add, change or remove a participant of a session; of another team's it knows nothing.

A fee is changed only once no offer of the former one can be paid any more, so a change of fee may call Stripe; when
Stripe does not answer, nothing is changed. Nothing else here waits for Stripe.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from chalicelib.domain import edits, ids
from chalicelib.domain.edits import CanceledError, EndedError, ParticipantEdit
from chalicelib.domain.ids import InvalidIdError
from chalicelib.domain.sessions import FeeNotPossibleError, InvalidSessionError, Participant, ParticipantWish, Session
from chalicelib.domain.teams import Team
from chalicelib.flows.at_once import carry_out_at_once
from chalicelib.flows.change import change
from chalicelib.flows.close_offers import change_without_offers
from chalicelib.flows.context import Context
from chalicelib.flows.idempotent import Effect
from chalicelib.flows.preconditions import check_version
from chalicelib.flows.schedule import check_fee_abroad
from chalicelib.flows.size_limit import check_room, check_size
from chalicelib.storage.stores import NotFoundError

_PLANNED_BYTES = 9


@dataclass(frozen=True, slots=True)
class Member:
    """A participant, and the session as it was when they were so."""

    session: Session
    participant: Participant


def find_participant(ctx: Context, team_id: str, participant_id: str, *, with_removed: bool = False) -> Member:
    """Raises NotFoundError, for one who was removed unless `with_removed`; StoreError."""
    session_id, number = split(participant_id)
    return member_of(ctx.sessions.get(team_id, session_id), number, with_removed=with_removed)


def add_participant(
    ctx: Context,
    team: Team,
    session_id: str,
    wish: ParticipantWish,
    *,
    if_version: int | None = None,
    planned_id: str | None = None,
) -> Member:
    """The participant added; whoever was added under that `planned_id` already is not added again.

    Raises NotFoundError, PreconditionFailedError, CanceledError, EndedError, InvalidSessionError, FeeNotPossibleError,
    ContendedError, StoreError.
    """

    def added(session: Session) -> Session:
        if _planned(session, planned_id):
            return session
        check_version(session, if_version)
        key_id = ctx.settings.link_keys.current
        changed = edits.add_participant(session, wish, team, key_id=key_id, now=ctx.clock(), planned_id=planned_id)
        check_fee_abroad(ctx, team, wish.fee)
        check_size(changed)
        check_room(changed, "participants")
        return changed

    session = change(ctx, ctx.sessions.get(team.team_id, session_id), added)
    return Member(session, _planned(session, planned_id) or session.participants[-1])


def adding(ctx: Context, team: Team, session_id: str, wish: ParticipantWish) -> Effect[Member]:
    """The same, to be done once (`idempotent.py`). A replay answers them as they are by then, maybe removed."""

    def found(planned_id: str) -> Member | None:
        session = ctx.sessions.get(team.team_id, session_id)
        participant = _planned(session, planned_id)
        return Member(session, participant) if participant else None

    return Effect(
        plan=lambda: ctx.entropy(_PLANNED_BYTES).hex(),
        find=found,
        make=lambda planned_id: add_participant(ctx, team, session_id, wish, planned_id=planned_id),
        refusals=(NotFoundError, CanceledError, EndedError, InvalidSessionError, FeeNotPossibleError),
    )


def update_participant(
    ctx: Context, team: Team, participant_id: str, edit: ParticipantEdit, if_version: int | None = None
) -> Member:
    """The participant as edited. Without `if_version` the last writer wins, field by field.

    Raises NotFoundError, PreconditionFailedError, CanceledError, InvalidSessionError; for another fee EndedError,
    FeeNotPossibleError, AlreadyPaidError, StripeError (nothing is changed), UnsettledError; ContendedError, StoreError.
    """
    session_id, number = split(participant_id)

    def edited(session: Session) -> Session:
        participant = member_of(session, number).participant
        check_version(session, if_version)
        changed = edits.edit_participant(session, participant, edit, team, now=ctx.clock())
        _check_other_fee(ctx, team, participant, member_of(changed, number).participant)
        check_size(changed)
        return changed

    session = ctx.sessions.get(team.team_id, session_id)
    return member_of(change_without_offers(ctx, session, number, edited), number)


def _check_other_fee(ctx: Context, team: Team, before: Participant, after: Participant) -> None:
    """What was scheduled stays, described otherwise or not. Raises FeeNotPossibleError."""
    if after.fee and (before.fee is None or replace(before.fee, description=after.fee.description) != after.fee):
        check_fee_abroad(ctx, team, after.fee)


def remove_participant(
    ctx: Context, team_id: str, participant_id: str, *, keep_payment: bool = False, if_version: int | None = None
) -> Member:
    """The participant, removed; again is silent, and the first one counts.

    Offers to pay are closed and, unless `keep_payment` or the session is over, payments given back: begun at once,
    finished by the sweep. Raises NotFoundError, PreconditionFailedError, ContendedError, StoreError.
    """
    session_id, number = split(participant_id)

    def removed(session: Session) -> Session:
        participant = member_of(session, number, with_removed=True).participant
        check_version(session, if_version)
        return edits.remove_participant(session, participant, now=ctx.clock(), keep_payment=keep_payment)

    session = change(ctx, ctx.sessions.get(team_id, session_id), removed)
    return member_of(carry_out_at_once(ctx, session, frozenset({number})), number, with_removed=True)


def split(participant_id: str) -> tuple[str, int]:
    """The session's id, and the participant's number. Raises NotFoundError."""
    try:
        return ids.split_participant_id(participant_id)
    except InvalidIdError:
        message = "no id of a participant"
        raise NotFoundError(message) from None


def member_of(session: Session, number: int, *, with_removed: bool = False) -> Member:
    """Raises NotFoundError, for one who was removed unless `with_removed`."""
    participant = session.participant(number)
    if participant is None or (participant.deleted_at is not None and not with_removed):
        message = f"no such participant in session {session.session_id}"
        raise NotFoundError(message)
    return Member(session, participant)


def _planned(session: Session, planned_id: str | None) -> Participant | None:
    return next((one for one in session.participants if planned_id and one.planned_id == planned_id), None)
