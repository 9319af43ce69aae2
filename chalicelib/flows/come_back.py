"""Come back from Checkout: ask Stripe how the attempt stands, keep what it says. Never makes or changes an offer."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.domain.facts import Attempt, AttemptState
from chalicelib.domain.links import InvalidLinkError, verify_return
from chalicelib.domain.sessions import Participant, Session, saw
from chalicelib.domain.teams import Team
from chalicelib.flows.change import change
from chalicelib.flows.context import Context
from chalicelib.flows.open_link import check_is_living
from chalicelib.gateways.stripe_api import StripeError
from chalicelib.gateways.stripe_objects import StrangeObjectError
from chalicelib.storage.stores import NotFoundError


@dataclass(frozen=True, slots=True)
class Returned:
    """Whoever holds the return token, and what is known of their attempt; `attempt` None: dead and dropped."""

    session: Session
    participant: Participant
    team: Team
    attempt_id: str
    attempt: Attempt | None


def come_back(ctx: Context, return_token: str) -> Returned:
    """When Stripe does not answer, what is known already is the answer.

    Raises InvalidLinkError, also where the team is deleted.
    """
    claims = verify_return(ctx.settings.link_keys, return_token)
    try:
        session = ctx.sessions.get(claims.team_id, claims.session_id)
        team = ctx.teams.get(claims.team_id)
    except NotFoundError:
        raise InvalidLinkError from None
    check_is_living(team)
    attempt = _attempt(session, claims.number, claims.attempt_id)
    if attempt is not None and attempt.state is not AttemptState.PAID and attempt.checkout_session_id:
        session = _looked(ctx, session, claims.number, attempt)
        attempt = _attempt(session, claims.number, claims.attempt_id)
    participant = session.participant(claims.number)
    if participant is None:
        raise InvalidLinkError
    return Returned(session, participant, team, claims.attempt_id, attempt)


def _looked(ctx: Context, session: Session, number: int, attempt: Attempt) -> Session:
    try:
        seen = ctx.stripe.look_at_checkout(attempt, ctx.deadline)
    except (StripeError, StrangeObjectError):
        return session
    return change(ctx, session, lambda newest: saw(newest, number, *seen))


def _attempt(session: Session, number: int, attempt_id: str) -> Attempt | None:
    participant = session.participant(number)
    attempts = participant.history.attempts if participant else ()
    return next((attempt for attempt in attempts if attempt.attempt_id == attempt_id), None)
