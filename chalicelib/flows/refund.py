"""Give money back because the clinic asks for it: the decision is kept with its own id before Stripe hears of it.

It is begun at once; whatever is left of it, the sweep does. The id travels in the refund's metadata, so that ours is
told from an equal one made in Stripe's dashboard.
"""

from __future__ import annotations

from uuid import UUID

from chalicelib.domain.by_hand import DisputedError, NothingLeftError, NothingPaidError, RefundWish, decide_refund
from chalicelib.domain.sessions import InvalidSessionError, Session
from chalicelib.flows.at_once import carry_out_at_once
from chalicelib.flows.change import change
from chalicelib.flows.context import Context
from chalicelib.flows.edit_participants import Member, find_participant, member_of, split
from chalicelib.flows.idempotent import Effect
from chalicelib.flows.size_limit import check_room
from chalicelib.storage.stores import NotFoundError

_ID_BYTES = 16


def refund(
    ctx: Context, team_id: str, participant_id: str, wish: RefundWish, *, decision_id: str | None = None
) -> Member:
    """The participant, whose refund is decided, and as far as a few seconds go made.

    Also of one who was removed, and whatever became of the session. A decision of an id that is known already is not
    made again. Raises NotFoundError, NothingPaidError, NothingLeftError, DisputedError, InvalidSessionError,
    ContendedError, StoreError.
    """
    session_id, number = split(participant_id)
    decision_id = decision_id or new_decision_id(ctx)

    def decided(session: Session) -> Session:
        participant = member_of(session, number, with_removed=True).participant
        changed = decide_refund(session, participant, wish, decision_id=decision_id, who=ctx.by, now=ctx.clock())
        if changed != session:
            check_room(changed, "amount")
        return changed

    session = change(ctx, ctx.sessions.get(team_id, session_id), decided)
    return member_of(carry_out_at_once(ctx, session, frozenset({number})), number, with_removed=True)


def refunding(ctx: Context, team_id: str, participant_id: str, wish: RefundWish) -> Effect[Member]:
    """The same, to be done once (`idempotent.py`): planned is the decision's id. A replay answers how it stands."""

    def found(decision_id: str) -> Member | None:
        member = find_participant(ctx, team_id, participant_id, with_removed=True)
        known = {one.decision_id for one in member.participant.history.decisions}
        return member if decision_id in known else None

    return Effect(
        plan=lambda: new_decision_id(ctx),
        find=found,
        make=lambda decision_id: refund(ctx, team_id, participant_id, wish, decision_id=decision_id),
        refusals=(NotFoundError, NothingPaidError, NothingLeftError, DisputedError, InvalidSessionError),
    )


def new_decision_id(ctx: Context) -> str:
    """Of a refund that a person decides."""
    return str(UUID(bytes=ctx.entropy(_ID_BYTES), version=4))
