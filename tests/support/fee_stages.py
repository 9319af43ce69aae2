"""A guest who owes 80.00 AUD, with an offer to pay in each state that it may be in; and the clinic that asks for 90.00.

The guest is number 2. Webhooks do not come by themselves, so nobody tells us what became of the offer.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from chalicelib.domain.edits import ParticipantEdit
from chalicelib.domain.facts import AttemptState
from chalicelib.domain.sessions import Fee, Participant, Session
from chalicelib.flows.edit_participants import update_participant
from tests.support.crashes import ProcessDied
from tests.support.seam import Io, Kind
from tests.support.world import World, checkout_id

GUEST = 2
OTHER = Fee(9000, "aud")
HOUR = timedelta(hours=1)
Stage = tuple[World, Session]


def change_fee(world: World, session: Session, fee: Fee = OTHER, if_version: int | None = None) -> Participant:
    edit = ParticipantEdit(display_name="Jane", fee=fee)
    return update_participant(world.ctx, world.team, session.participant_id(GUEST), edit, if_version).participant


def scheduled(lasts: timedelta = HOUR) -> Stage:
    world = World()
    session = world.schedule(lasts=lasts)
    world.stripe.set_webhooks("drop")
    return world, session


def offered() -> Stage:
    world, session = scheduled()
    world.pay_page(session)
    return world, session


def lapsed() -> Stage:
    """An offer lives 23 h 55 min at most, and this session is longer ahead; Stripe closed it by itself."""
    world, session = scheduled(lasts=24 * HOUR)
    world.pay_page(session)
    world.clock.advance(hours=23, minutes=56)
    return world, session


def expired() -> Stage:
    """Somebody closed it in Stripe's dashboard."""
    world, session = offered()
    ctx = world.ctx
    ctx.stripe.expire_checkout(world.participant(session).history.attempts[0], ctx.deadline)
    return world, session


def paid() -> Stage:
    world, session = offered()
    world.stripe.pay(checkout_id(world.open_checkouts()[0]["url"]))
    return world, session


def processing() -> Stage:
    world = World()
    world.change_team(delayed_methods=("au_becs_debit",))
    session = world.schedule(starts_in=timedelta(days=14))
    world.stripe.set_webhooks("drop")
    world.pay(session, "au_becs_debit")
    return world, session


def unsent() -> Stage:
    """The process died before it called Stripe."""
    return _died(before=True)


def unanswered() -> Stage:
    """Stripe made it, and the process died before it heard so."""
    return _died(before=False)


def _died(*, before: bool) -> Stage:
    world, session = scheduled()

    def dead(io: Io) -> None:
        if io.kind is Kind.STRIPE:
            raise ProcessDied

    arm = world.seam.armed(before=dead) if before else world.seam.armed(after=dead)
    with arm, pytest.raises(ProcessDied):
        world.press_pay(session)
    assert world.attempt_states(session) == [AttemptState.PLANNED]
    return world, session
