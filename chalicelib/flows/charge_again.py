"""Ask for a fee once more, after it was given back or lost in a dispute: their link offers it again."""

from __future__ import annotations

from datetime import datetime

from chalicelib.domain import by_hand
from chalicelib.domain.by_hand import By, NotGivenBackError, PaidTooOftenError
from chalicelib.domain.edits import CanceledError, EndedError
from chalicelib.domain.sessions import InvalidSessionError, Session
from chalicelib.flows.at_once import carry_out_at_once
from chalicelib.flows.change import change
from chalicelib.flows.context import Context
from chalicelib.flows.edit_participants import Member, find_participant, member_of, split
from chalicelib.flows.idempotent import Effect
from chalicelib.flows.size_limit import check_room
from chalicelib.storage.stores import NotFoundError


def charge_again(ctx: Context, team_id: str, participant_id: str, reason: str) -> Member:
    """The participant, whose fee is unpaid again; again is silent until they have paid, and the first reason counts.

    A payment whose charge is not known yet counts until it is: Stripe is asked for it at once. Raises NotFoundError,
    CanceledError, EndedError, NotGivenBackError, PaidTooOftenError, InvalidSessionError, ContendedError, StoreError.
    """
    session_id, number = split(participant_id)

    def charged(session: Session) -> Session:
        participant = member_of(session, number).participant
        changed = by_hand.charge_again(session, participant, By(ctx.by, ctx.clock(), reason))
        if changed != session:
            check_room(changed, "reason")
        return changed

    session = change(ctx, ctx.sessions.get(team_id, session_id), charged)
    return member_of(carry_out_at_once(ctx, session, frozenset({number})), number)


def charging_again(ctx: Context, team_id: str, participant_id: str, reason: str) -> Effect[Member]:
    """The same, to be done once (`idempotent.py`). Planned is the moment: what was charged again since then is it.

    Where the fee is asked for again already, it is the moment of that.
    """

    def planned() -> str:
        member = find_participant(ctx, team_id, participant_id, with_removed=True)
        again = by_hand.asked_again(member.session, member.participant)
        return (again.at if again else ctx.clock()).isoformat()

    def found(planned: str) -> Member | None:
        member = find_participant(ctx, team_id, participant_id)
        again = member.participant.history.charged_again
        return member if again and again.at >= datetime.fromisoformat(planned) else None

    return Effect(
        plan=planned,
        find=found,
        make=lambda _planned: charge_again(ctx, team_id, participant_id, reason),
        refusals=(NotFoundError, CanceledError, EndedError, NotGivenBackError, PaidTooOftenError, InvalidSessionError),
    )
