"""I10, twice: what was to put a crash right dies as well, at every I/O; the next round still brings the right state.

Of two stories whole: open, pay, settle; and cancel, refund. The shorter form takes a part of the pairs.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from chalicelib.domain.admission import Door
from chalicelib.domain.obligations import due_at
from chalicelib.domain.sessions import Session
from chalicelib.flows.checkout import PaymentStarted
from chalicelib.flows.sweep import sweep_session
from tests.support.editing import HOUR, cancel
from tests.support.invariants import FEE, settled_in_the_end
from tests.support.matrix import (
    Recovery,
    Stage,
    again,
    done,
    done_or_owed,
    every_crashed_twice,
    put_right,
    webhooks,
)
from tests.support.payment_states import paid, paid_unheard_of
from tests.support.world import World, checkout_id

ONE_IN = 4
TOLD = ("checkout.session.completed", "charge.succeeded")


def _swept(stage: Stage) -> None:
    """The sweep when something is due; of this session alone, since dying between two sessions harms neither."""
    world, session = stage.world, stage.session
    world.clock.advance(minutes=2)
    world.clock.set(max(world.clock(), due_at(world.session(session)) or world.clock()))
    sweep_session(world.ctx, session.team_id, session.session_id)


RECOVERIES: dict[str, Recovery] = {"the request again": again, "the webhook": webhooks, "the sweep": _swept}


# --- open, pay, settle --------------------------------------------------------------------------------------------


def _opens_and_pays(world: World, session: Session) -> None:
    """The client presses "Pay" and pays; Stripe tells it, event by event."""
    started = world.press_pay(session)
    if isinstance(started, PaymentStarted) and world.open_checkouts():
        world.stripe.pay(checkout_id(started.url))
    for kind in TOLD:
        if world.charges():
            world.settle(kind)


def _about_to_open_and_pay() -> Stage:
    world = World()
    session = world.schedule(lasts=HOUR)
    world.stripe.set_webhooks("hold")
    return Stage(world, session, lambda: _opens_and_pays(world, session))


def _is_in(stage: Stage) -> bool:
    return stage.world.open(stage.session).admission.door is Door.JOIN


@pytest.mark.long
@pytest.mark.parametrize("recover", RECOVERIES.values(), ids=RECOVERIES)
def test_who_opens_and_pays_gets_in_wherever_two_processes_died(recover: Recovery) -> None:
    pairs = 0
    for crashes, stage in every_crashed_twice(_about_to_open_and_pay, recover, ONE_IN):
        pairs += 1
        died = " and ".join(map(str, crashes))
        if not stage.world.charges():
            # Whoever could not pay comes back, and finds the same offer or another one.
            stage.world.clock.advance(minutes=1)
            stage.world.pay(stage.session)
        assert put_right(stage, recover, in_order=_is_in), f"died {died}"
        assert len(stage.world.charges()) == 1
        settled_in_the_end(stage.world, stage.session, owed=FEE)
    assert pairs >= 10


# --- cancel, refund -----------------------------------------------------------------------------------------------


def _cancels(prepare: Callable[[], tuple[World, Session]]) -> Callable[[], Stage]:
    def story() -> Stage:
        world, session = prepare()
        return Stage(world, session, lambda: cancel(world, session), _owed)

    return story


def _owed(session: Session, captured: int) -> int:
    return 0 if session.canceled_at else captured


CANCELED = {"a payment": _cancels(paid), "a payment unheard of": _cancels(paid_unheard_of)}


@pytest.mark.long
@pytest.mark.parametrize("recover", RECOVERIES.values(), ids=RECOVERIES)
@pytest.mark.parametrize("story", CANCELED.values(), ids=CANCELED)
def test_who_cancels_gives_the_money_back_once_wherever_two_processes_died(
    story: Callable[[], Stage], recover: Recovery
) -> None:
    pairs = 0
    for crashes, stage in every_crashed_twice(story, recover, ONE_IN):
        pairs += 1
        in_order = done_or_owed if recover is webhooks else done
        assert put_right(stage, recover, in_order=in_order), f"died {' and '.join(map(str, crashes))}"
        canceled = stage.world.session(stage.session).canceled_at is not None
        assert canceled or recover is not again
        settled_in_the_end(stage.world, stage.session, owed=0 if canceled else FEE)
        assert len(stage.world.refunds()) == canceled
    assert pairs >= 10
