"""Let a guest in without paying: paid at the desk, insured. Open offers are closed at Stripe first."""

from __future__ import annotations

from chalicelib.domain import by_hand
from chalicelib.domain.by_hand import By
from chalicelib.domain.sessions import Session
from chalicelib.flows.close_offers import change_without_offers
from chalicelib.flows.context import Context
from chalicelib.flows.edit_participants import Member, member_of, split
from chalicelib.flows.size_limit import check_room


def waive(ctx: Context, team_id: str, participant_id: str, reason: str) -> Member:
    """The participant, whose fee is waived; again is silent, and the first reason counts.

    Raises NotFoundError, CanceledError, EndedError, NothingToWaiveError, AlreadyPaidError, BeingPaidError,
    InvalidSessionError, StripeError where an offer stays open (nothing is changed), UnsettledError, ContendedError,
    StoreError.
    """
    session_id, number = split(participant_id)

    def waived(session: Session) -> Session:
        participant = member_of(session, number).participant
        changed = by_hand.waive(session, participant, By(ctx.by, ctx.clock(), reason))
        if changed != session:
            check_room(changed, "reason")
        return changed

    session = ctx.sessions.get(team_id, session_id)
    return member_of(change_without_offers(ctx, session, number, waived), number)
