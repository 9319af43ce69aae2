"""An operator retries what is stuck, or takes it on themselves: a fact with who and why. For the command line alone."""

from __future__ import annotations

from collections.abc import Callable

from chalicelib.domain import by_hand
from chalicelib.domain.by_hand import By
from chalicelib.domain.sessions import Participant, Session
from chalicelib.flows.at_once import carry_out_at_once
from chalicelib.flows.change import change
from chalicelib.flows.context import Context
from chalicelib.flows.edit_participants import Member, member_of, split
from chalicelib.flows.refund import new_decision_id
from chalicelib.flows.size_limit import check_room

_Decide = Callable[[Session, Participant], Session]


def retry_by_hand(ctx: Context, team_id: str, participant_id: str, key: str, why: str) -> Member:
    """Try what has that key again, at once: a failed refund as another one.

    Raises NotFoundError, UnknownKeyError, NothingToRetryError, DisputedError, InvalidSessionError, ContendedError,
    StoreError.
    """
    decision_id = new_decision_id(ctx)

    def retried(session: Session, participant: Participant) -> Session:
        by = By(ctx.by, ctx.clock(), why)
        return by_hand.retry_by_hand(session, participant, key, by, decision_id=decision_id)

    member = _changed(ctx, team_id, participant_id, retried)
    number = member.participant.number
    return member_of(carry_out_at_once(ctx, member.session, frozenset({number})), number, with_removed=True)


def settle_by_hand(
    ctx: Context, team_id: str, participant_id: str, key: str, why: str, *, is_given: bool = True
) -> Member:
    """Note that a person has seen to what has that key; it is owed by us no more.

    `is_given`: money that was to go back did, another way; else it need not any more, and stays.

    Raises NotFoundError, UnknownKeyError, InvalidSessionError, ContendedError, StoreError.
    """

    def settled(session: Session, participant: Participant) -> Session:
        by = By(ctx.by, ctx.clock(), why)
        return by_hand.settle_by_hand(session, participant, key, by, is_given=is_given)

    return _changed(ctx, team_id, participant_id, settled)


def _changed(ctx: Context, team_id: str, participant_id: str, decide: _Decide) -> Member:
    session_id, number = split(participant_id)

    def decided(session: Session) -> Session:
        changed = decide(session, member_of(session, number, with_removed=True).participant)
        if changed != session:
            check_room(changed, "reason")
        return changed

    return member_of(change(ctx, ctx.sessions.get(team_id, session_id), decided), number, with_removed=True)
