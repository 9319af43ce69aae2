"""What needs a person: list it for a clinic, retry it, or note that somebody has seen to it. Calls one flow each."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from datetime import datetime

from chalicelib.domain import ids
from chalicelib.domain.books import operator
from chalicelib.domain.by_hand import DisputedError, NothingToRetryError, UnknownKeyError
from chalicelib.domain.concerns import concerns
from chalicelib.domain.refunds import settled_payment
from chalicelib.domain.sessions import InvalidSessionError
from chalicelib.flows.by_hand import retry_by_hand, settle_by_hand
from chalicelib.flows.edit_participants import Member
from chalicelib.flows.every_session import every_session
from chalicelib.storage.stores import Found
from ops.commands import RefusedError
from ops.environment import Deployment
from ops.writing import columns, money

_NOTHING = "Nothing needs a person."


def list_stuck(deployment: Deployment, asked: Namespace) -> Iterator[str]:
    """Every concern of a clinic: participant, key and sentence; and what cannot be read."""
    ctx = deployment.ctx
    ctx.teams.get(asked.team_id)
    rows = [row for found in every_session(ctx, asked.team_id) for row in _rows(found, ctx.clock())]
    yield from columns(rows, indent="") if rows else [_NOTHING]


def _rows(found: Found, now: datetime) -> Iterator[tuple[str, ...]]:
    session = found.session
    if session is None:
        yield found.position.session_id, "-", "It is kept and cannot be read; nothing is known of its money."
        return
    for one in session.participants:
        for concern in concerns(session, one, now):
            yield session.participant_id(one.number), concern.key, concern.sentence


def retry(deployment: Deployment, asked: Namespace) -> Iterator[str]:
    member = _decided(deployment, asked, is_retry=True)
    yield f"{asked.key} is tried again: what was owed at once was done, the rest is the sweep's."
    yield from _left(deployment, member)


def settle(deployment: Deployment, asked: Namespace) -> Iterator[str]:
    member = _decided(deployment, asked, is_retry=False)
    yield f"{asked.key} counts as settled by hand, and is not owed any more."
    history = member.participant.history
    settled = [one for one in history.settled if one.key == asked.key][-1]
    payment = settled_payment(history, settled)
    if payment is not None and payment.paid is not None:
        amount = money(settled.amount, payment.paid.currency)
        yield f"{amount} counts as {'given back' if settled.is_given else 'kept'}."
    yield from _left(deployment, member)


def _decided(deployment: Deployment, asked: Namespace, *, is_retry: bool) -> Member:
    session_id, number = asked.participant
    ctx = deployment.ctx.acting_for(operator(asked.by))
    participant_id = ids.participant_id(session_id, number)
    try:
        if is_retry:
            return retry_by_hand(ctx, asked.team_id, participant_id, asked.key, asked.why)
        is_given = not asked.not_given
        return settle_by_hand(ctx, asked.team_id, participant_id, asked.key, asked.why, is_given=is_given)
    except (UnknownKeyError, NothingToRetryError, DisputedError) as error:
        raise RefusedError(str(error) or "the payment is disputed: the bank decides; see to it in Stripe") from None
    except InvalidSessionError as error:
        raise RefusedError("; ".join(f"--why: {one.message}" for one in error.problems)) from None


def _left(deployment: Deployment, member: Member) -> Iterator[str]:
    """What still needs a person about this participant."""
    found = concerns(member.session, member.participant, deployment.ctx.clock())
    yield from columns((one.key, one.sentence) for one in found) if found else [_NOTHING]
