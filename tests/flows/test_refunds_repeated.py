"""A refund whose answer was lost is repeated under its key, and looked for first once the key may be gone."""

from __future__ import annotations

import pytest

from chalicelib.domain.by_hand import RefundWish
from chalicelib.domain.sessions import Session
from chalicelib.flows.refund import refund
from chalicelib.flows.sweep import sweep_session
from tests.support.crashes import ProcessDied
from tests.support.invariants import settled_in_the_end
from tests.support.payment_states import paid
from tests.support.seam import Io, Kind
from tests.support.world import TEAM_ID, World

PART = RefundWish(3000)
"""Of 80.00, so that Stripe itself would not refuse a second one."""


def _asked(world: World, session: Session) -> object:
    return refund(world.ctx, TEAM_ID, session.participant_id(2), PART)


def _made_and_never_heard_of() -> tuple[World, Session]:
    world, session = paid()

    def dead(io: Io) -> None:
        if io.kind is Kind.STRIPE:
            raise ProcessDied

    with world.seam.armed(after=dead), pytest.raises(ProcessDied):
        _asked(world, session)
    assert [one["amount"] for one in world.refunds()] == [3000]
    return world, session


@pytest.mark.parametrize(
    ("hours", "asked"),
    [(1, ["POST /v1/refunds"]), (22, ["POST /v1/refunds"]), (23, ["GET /v1/refunds"]), (25, ["GET /v1/refunds"])],
)
def test_one_refund_is_made_however_late_it_is_repeated(hours: int, asked: list[str]) -> None:
    world, session = _made_and_never_heard_of()
    world.clock.advance(hours=hours)
    mark = len(world.seam.done)
    sweep_session(world.ctx, session.team_id, session.session_id)
    assert [io.name for io in world.seam.done[mark:] if io.kind is Kind.STRIPE] == asked
    assert [one["amount"] for one in world.refunds()] == [3000]
    settled_in_the_end(world, session, owed=5000)


def test_one_that_was_never_made_is_made_once_its_key_is_gone() -> None:
    """Looked for, not found, and made."""
    world, session = paid()

    def dead(io: Io) -> None:
        if io.kind is Kind.STRIPE:
            raise ProcessDied

    with world.seam.armed(before=dead), pytest.raises(ProcessDied):
        _asked(world, session)
    world.clock.advance(hours=25)
    sweep_session(world.ctx, session.team_id, session.session_id)
    assert [one["amount"] for one in world.refunds()] == [3000]
    settled_in_the_end(world, session, owed=5000)
