"""What to do next for a client who wants to pay: one step at a time, until there is a page to send them to.

The law: at most one Checkout Session of a participant can be paid at a time. An attempt that is not the one to pay is
proven closed at Stripe before another is planned, and one whose outcome is unknown is never given up: it is sent again
with the same bytes and the same key, or looked for. `flows/checkout.py` carries the steps out.

Stripe's bounds: a Checkout Session expires 30 minutes to 24 hours after its creation
(https://docs.stripe.com/api/checkout/sessions/create#create_checkout_session-expires_at), and idempotency keys are
pruned after 24 hours (https://docs.stripe.com/api/idempotent_requests).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.domain.admission import Admission, admit
from chalicelib.domain.facts import LIVE, Attempt, AttemptState, CheckoutOrder
from chalicelib.domain.money import Money, application_fee
from chalicelib.domain.obligations import is_wanted
from chalicelib.domain.offer_terms import methods
from chalicelib.domain.sessions import Fee, Participant, Session, owing
from chalicelib.domain.teams import Team

SHORTEST_OFFER = timedelta(minutes=35)
LONGEST_OFFER = timedelta(hours=23, minutes=55)
FRESH_FOR = timedelta(seconds=30)
"""An attempt this young is offered again without asking Stripe."""

REPLACED_WITH_LESS_THAN = timedelta(minutes=10)
KEY_KEPT_FOR = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class NothingToPay:
    admission: Admission


@dataclass(frozen=True, slots=True)
class GoTo:
    """Send the client to Stripe's page for this attempt."""

    url: str
    attempt_id: str


@dataclass(frozen=True, slots=True)
class Look:
    """Ask Stripe how far this attempt has come, before anything is offered; an unknown one is looked for."""

    attempt: Attempt


@dataclass(frozen=True, slots=True)
class Close:
    """Expire this attempt at Stripe; it is not the one to pay any more."""

    attempt: Attempt


@dataclass(frozen=True, slots=True)
class Send:
    """Send this saved attempt, again if need be: same bytes, same key."""

    attempt: Attempt


@dataclass(frozen=True, slots=True)
class Plan:
    """Nothing can be paid now: plan a new attempt and save it."""


Step = NothingToPay | GoTo | Look | Close | Send | Plan


def next_step(session: Session, participant: Participant, team: Team, now: datetime, *, looked: frozenset[str]) -> Step:
    """The next thing to do. `looked`: the attempts that Stripe was asked about in this very request."""
    admission = admit(session, participant, team, now)
    if not admission.may_pay:
        return NothingToPay(admission)
    claim = owing(session, participant)
    live = [attempt for attempt in participant.history.attempts if attempt.state in LIVE]
    for attempt in live:
        if not is_wanted(claim, participant.history, attempt) or _is_on_restricted(attempt, team):
            return Look(attempt) if attempt.state is AttemptState.PLANNED else Close(attempt)
    return _step_with(live[-1], session, now, looked) if live else Plan()


def _is_on_restricted(attempt: Attempt, team: Team) -> bool:
    """Whether Stripe's page would take no money; the account that would be charged now is another one, which can."""
    account = team.account(attempt.stripe_account_id)
    return account is not None and not account.charges_enabled


def _step_with(attempt: Attempt, session: Session, now: datetime, looked: frozenset[str]) -> Step:
    if attempt.state is AttemptState.PLANNED:
        return Send(attempt) if now < attempt.made_at + KEY_KEPT_FOR else Look(attempt)
    if attempt.expires_at - now < REPLACED_WITH_LESS_THAN and attempt.expires_at < session.end_time:
        return Close(attempt)
    fresh = now < attempt.made_at + FRESH_FOR or attempt.attempt_id in looked
    return GoTo(attempt.url, attempt.attempt_id) if attempt.url and fresh else Look(attempt)


@dataclass(frozen=True, slots=True)
class OfferTerms:
    """What an attempt is made with beside the fee: decided by the deployment and the moment, not by the session."""

    attempt_id: str
    livemode: bool
    basis_points: int
    return_url: str


def plan(session: Session, participant: Participant, team: Team, now: datetime, terms: OfferTerms) -> Attempt:
    """The attempt to save, with every parameter of its Checkout Session. Only for a participant with a fee."""
    if participant.fee is None:
        message = "only a fee can be offered"
        raise ValueError(message)
    fee = participant.fee
    return Attempt(
        attempt_id=terms.attempt_id,
        made_at=now,
        amount=fee.amount,
        currency=fee.currency,
        stripe_account_id=team.charged_on(fee.payee),
        livemode=terms.livemode,
        application_fee=share_of(fee, team, terms.basis_points),
        expires_at=expires_at(session.end_time, now),
        order=CheckoutOrder(
            product_name=f"Appointment with {team.name}",
            success_url=terms.return_url,
            cancel_url=terms.return_url,
            payment_method_types=methods(session, fee, team, now),
            metadata=(
                ("anteroom_team", session.team_id),
                ("anteroom_participant", session.participant_id(participant.number)),
                ("anteroom_attempt", terms.attempt_id),
            ),
        ),
    )


def share_of(fee: Fee, team: Team, basis_points: int) -> int:
    """The platform's share of a fee, in its minor unit: none of what its own account takes, nor of one abroad.

    https://docs.stripe.com/connect/direct-charges#collect-fees
    """
    account = team.payee(fee.payee)
    has_share = account.pays_platform_fee if account else team.charged_on(fee.payee) is not None
    return application_fee(Money(fee.amount, fee.currency), basis_points) if has_share else 0


def expires_at(end_time: datetime, now: datetime) -> datetime:
    """The window's end, clamped to what Stripe takes with room for a slow request; whole seconds."""
    latest = min(end_time, now + LONGEST_OFFER)
    return max(latest, now + SHORTEST_OFFER).replace(microsecond=0)
