"""Let a guest in without paying: paid at the desk, insured. Open offers are closed at Stripe first."""

from __future__ import annotations

from chalicelib.domain import by_hand
from chalicelib.domain.by_hand import By, NothingToWaiveError
from chalicelib.domain.edits import AlreadyPaidError, CanceledError, EndedError
from chalicelib.domain.sessions import InvalidSessionError, Session
from chalicelib.flows.close_offers import change_without_offers
from chalicelib.flows.context import Context
from chalicelib.flows.edit_participants import Member, find_participant, member_of, split
from chalicelib.flows.idempotent import Effect
from chalicelib.flows.size_limit import check_room
from chalicelib.storage.stores import NotFoundError


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


def waiving(ctx: Context, team_id: str, participant_id: str, reason: str) -> Effect[Member]:
    """The same under a key (`idempotent.py`). There is one waiver of a participant, so it needs no id of its own."""

    def found(_planned: str) -> Member | None:
        member = find_participant(ctx, team_id, participant_id)
        return member if member.participant.history.waiver else None

    return Effect(
        plan=lambda: "waiver",
        find=found,
        make=lambda _planned: waive(ctx, team_id, participant_id, reason),
        refusals=(
            NotFoundError,
            CanceledError,
            EndedError,
            NothingToWaiveError,
            AlreadyPaidError,
            InvalidSessionError,
        ),
    )
