"""An item that newer code wrote is read, and neither written nor acted on: these rules do not know all of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from chalicelib.domain.admission import Door
from chalicelib.domain.sessions import Session
from chalicelib.flows.sweep import sweep_session
from chalicelib.storage.stores import NewerSchemaError
from tests.support.editing import cancel, remove_guest
from tests.support.payment_states import offered, paid_unheard_of
from tests.support.world import World

Deed = Callable[[World, Session], object]

WRITING: dict[str, Deed] = {
    "cancel": cancel,
    "remove": remove_guest,
    "a webhook": lambda world, _session: world.settle("checkout.session.completed"),
    "the sweep": lambda world, one: sweep_session(world.ctx, one.team_id, one.session_id),
}


def test_its_link_still_opens() -> None:
    world, session = offered()
    world.sessions.written_by_newer_code(session.team_id, session.session_id)
    assert world.open(session).admission.door is Door.PAY


@pytest.mark.parametrize("deed", WRITING.values(), ids=WRITING)
def test_nothing_is_written_and_nothing_is_done_at_stripe(deed: Deed) -> None:
    world, session = paid_unheard_of()
    world.clock.advance(minutes=2)
    world.sessions.written_by_newer_code(session.team_id, session.session_id)
    before = world.session(session)
    with world.seam.counted() as spent, pytest.raises(NewerSchemaError):
        deed(world, session)
    assert (spent().stripe, world.session(session)) == (0, before)


def test_pressing_pay_sends_nobody_to_a_second_page() -> None:
    world, session = offered()
    world.clock.advance(minutes=1)
    world.sessions.written_by_newer_code(session.team_id, session.session_id)
    with world.seam.counted() as spent, pytest.raises(NewerSchemaError):
        world.press_pay(session)
    assert (spent().writes, spent().stripe) == (0, 0)
    assert len(world.open_checkouts()) == 1
