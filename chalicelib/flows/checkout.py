"""Start paying: from a good link to the page at Stripe, whatever was begun before, and nobody is offered two.

Each round asks `domain/offers.py` for the next step, carries it out, folds what was seen and saves it if it is news.
What the outcomes of a call mean:

    200                                        the attempt is open
    400 that names the platform's fee          nothing was made: planned anew without it, and so from then on, once an
                                               offer without it was made
    409, 429, no answer                        unknown: the client tries again, with the same bytes and key
    400 to 404                                 nothing was made: void; planned anew if an `expires_at` grown stale was
                                               the cause, with cards alone if a delayed method was, else it needs the
                                               clinic
    5xx again, or the key stands for others    looked for by its own id: adopted, or void and planned anew
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from uuid import UUID

from chalicelib.domain import links, offers
from chalicelib.domain.accounts import with_fee_refused
from chalicelib.domain.admission import Admission
from chalicelib.domain.facts import ActFailed, ActSucceeded, Attempt, AttemptVoid, Seen
from chalicelib.domain.fees_abroad import names_fee
from chalicelib.domain.links import ReturnClaims
from chalicelib.domain.offer_terms import terms_of
from chalicelib.domain.offers import Close, GoTo, Look, NothingToPay, OfferTerms, Plan, Send, Step
from chalicelib.domain.payment_methods import refused_of
from chalicelib.domain.sessions import Participant, Session, saw, with_attempt
from chalicelib.domain.teams import Team
from chalicelib.domain.troubles import OFFER_KEY
from chalicelib.flows.accounts import fee_given_up
from chalicelib.flows.carry_out import look, lost
from chalicelib.flows.change import change
from chalicelib.flows.context import Context
from chalicelib.flows.methods import leave_out
from chalicelib.flows.open_link import OpenedLink
from chalicelib.gateways.stripe_api import AccountGoneError, StripeBrokenError, StripeRefusedError
from chalicelib.storage.codec import check_writable

MOST_STEPS = 10
"""Enough for the longest honest path: look, close, plan, send (refused for a method, planned anew), send (refused for
the fee, planned anew), send, find, plan, send, go; with one to spare."""

_STALE = "expires_at"


class UnsettledError(Exception):
    """The steps did not come to an end in one request; what was learnt is saved, and the next try goes on."""


class _PayableWithoutError(Exception):
    """Stripe made nothing of an offer for what it can do without: one of these delayed methods; with none, the fee."""

    def __init__(self, methods: tuple[str, ...] = ()) -> None:
        super().__init__(*methods)
        self.methods = methods


@dataclass(frozen=True, slots=True)
class PaymentStarted:
    """Where to send the client, and the attempt they come back from."""

    url: str
    attempt_id: str


def start_checkout(ctx: Context, link: OpenedLink) -> PaymentStarted | Admission:
    """The page to pay on; or, when there is nothing to pay, what the door says instead.

    Raises StripeUncertainError and StripeBrokenError (try again), ContendedError, UnsettledError.
    """
    session, team, number, looked = link.session, link.team, link.participant.number, frozenset[str]()
    feeless: set[str] = set()
    known = {attempt.attempt_id for attempt in link.participant.history.attempts}
    for _ in range(MOST_STEPS):
        step = _next_step(ctx, session, number, team, looked)
        match step:
            case NothingToPay(admission=admission):
                return admission
            case GoTo(url=url, attempt_id=attempt_id):
                for on in feeless:
                    fee_given_up(ctx, team.team_id, on)
                return PaymentStarted(url, attempt_id)
            case Plan():
                session = _plan(ctx, session, number, team)
            case Look() | Close() | Send():
                try:
                    session = _carried_out(ctx, session, number, team, step, was_sent=step.attempt.attempt_id in known)
                except _PayableWithoutError as refused:
                    account_id = step.attempt.stripe_account_id
                    if refused.methods:
                        team = leave_out(ctx, team, account_id, refused.methods)
                    elif account_id:
                        feeless.add(account_id)
                    team = reduce(with_fee_refused, feeless, team)
                    session = _plan(ctx, session, number, team, AttemptVoid(step.attempt.attempt_id))
                looked |= {step.attempt.attempt_id}
    message = f"paying for session {session.session_id} did not come to an end"
    raise UnsettledError(message)


def _next_step(ctx: Context, session: Session, number: int, team: Team, looked: frozenset[str]) -> Step:
    return offers.next_step(session, _participant(session, number), team, ctx.clock(), looked=looked)


def _participant(session: Session, number: int) -> Participant:
    participant = session.participant(number)
    if participant is None:
        message = "participants stay in their session, if only as stubs"
        raise LookupError(message)
    return participant


def _plan(ctx: Context, session: Session, number: int, team: Team, *seen: Seen) -> Session:
    """Save a new attempt before anything is sent, unless somebody else was faster: then go on with theirs.

    What was `seen` is saved in the same write.
    """
    now, attempt_id = ctx.clock(), str(UUID(bytes=ctx.entropy(16), version=4))

    def planned(session: Session) -> Session:
        session = saw(session, number, *seen)
        participant = _participant(session, number)
        step = offers.next_step(session, participant, team, now, looked=frozenset())
        if not isinstance(step, Plan):
            return session
        terms = OfferTerms(
            attempt_id=attempt_id,
            livemode=ctx.settings.livemode,
            basis_points=ctx.settings.basis_points(team),
            return_url=f"{ctx.settings.public_url}/paid/{_return_token(ctx, session, number, attempt_id)}",
        )
        return with_attempt(session, number, offers.plan(session, participant, team, now, terms))

    return change(ctx, session, planned)


def _return_token(ctx: Context, session: Session, number: int, attempt_id: str) -> str:
    claims = ReturnClaims(session.team_id, session.session_id, number, attempt_id)
    return links.mint_return(ctx.settings.link_keys, claims, _participant(session, number).key_id)


def _carried_out(
    ctx: Context, session: Session, number: int, team: Team, step: Look | Close | Send, *, was_sent: bool
) -> Session:
    """Do it at Stripe, and fold what was seen into the newest state. `was_sent`: perhaps, by an earlier request.

    Raises _PayableWithoutError, with nothing saved.
    """
    check_writable(session)
    try:
        seen = _seen(ctx, team, step)
    except AccountGoneError as error:
        seen = _out_of_reach(ctx, team, step, error, was_sent=was_sent)
    return change(ctx, session, lambda newest: saw(newest, number, *seen))


def _seen(ctx: Context, team: Team, step: Look | Close | Send) -> list[Seen]:
    match step:
        case Look(attempt=attempt):
            return look(ctx, attempt)
        case Close(attempt=attempt):
            return ctx.stripe.expire_checkout(attempt, ctx.deadline)
        case Send(attempt=attempt):
            return _sent(ctx, team, attempt)


def _out_of_reach(
    ctx: Context, team: Team, step: Look | Close | Send, error: AccountGoneError, *, was_sent: bool
) -> list[Seen]:
    """Of what was sent before, nobody can say whether it was made; what is sent now was not."""
    if isinstance(step, Send) and not was_sent:
        terms = terms_of(step.attempt, team)
        failed = ActFailed(OFFER_KEY, ctx.clock(), _refused(str(error)), ctx.jitter(), out_of_reach=True, terms=terms)
        return [AttemptVoid(step.attempt.attempt_id), failed]
    return [lost(ctx, step.attempt, error)]


def _sent(ctx: Context, team: Team, attempt: Attempt) -> list[Seen]:
    try:
        return [ctx.stripe.create_checkout(attempt, ctx.deadline), ActSucceeded(OFFER_KEY)]
    except StripeBrokenError:
        return _looked_for(ctx, attempt)
    except AccountGoneError:
        raise
    except StripeRefusedError as error:
        if attempt.application_fee and attempt.stripe_account_id and names_fee(error.refusal):
            raise _PayableWithoutError from None
        void = AttemptVoid(attempt.attempt_id)
        if error.param == _STALE:
            return [void]
        if methods := refused_of(attempt.order.payment_method_types if attempt.order else (), error.param):
            raise _PayableWithoutError(methods) from None
        reason = _refused(error.code or "no reason given")
        terms = terms_of(attempt, team)
        failed = ActFailed(OFFER_KEY, ctx.clock(), reason, ctx.jitter(), terms=terms, refusal=error.refusal)
        return [void, failed]


def _looked_for(ctx: Context, attempt: Attempt) -> list[Seen]:
    """It may have been made. Where the account is gone by now, nobody can say."""
    try:
        return look(ctx, attempt)
    except AccountGoneError as error:
        return [lost(ctx, attempt, error)]


def _refused(why: str) -> str:
    return f"Stripe refuses to take this payment ({why}); the client cannot pay."
