"""I10 for what a clinic asks for: each of its requests x each state of the payment x each I/O x each recovery.

A request that died was answered to nobody. Either nothing of it is there, or all that follows from it is done: by the
same request, or by the sweep; webhooks alone leave what is still owed as an obligation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import pytest

from chalicelib.domain.edits import AlreadyPaidError, SessionEdit
from chalicelib.domain.sessions import Fee, Session
from chalicelib.flows.edit_participants import adding
from chalicelib.flows.idempotent import IdempotencyScope, InProgressError, once
from chalicelib.flows.revoke import revoking
from tests.support.crashes import ProcessDied
from tests.support.editing import HOUR, cancel, remove_guest, update
from tests.support.fee_stages import OTHER, change_fee
from tests.support.invariants import settled_in_the_end
from tests.support.matrix import (
    RECOVERIES,
    Recovery,
    Stage,
    Story,
    again,
    done,
    done_or_owed,
    every_crashed,
    may_keep,
    put_right,
    webhooks,
)
from tests.support.seam import Io, Kind
from tests.support.world import TEAM_ID, World, guest

State = Callable[[], tuple[World, Session]]


# --- states of the payment ----------------------------------------------------------------------------------------


def _unpaid() -> tuple[World, Session]:
    """In two hours, so that everything may still be asked for; webhooks come only where they are what recovers."""
    world = World()
    session = world.schedule(starts_in=2 * HOUR, lasts=HOUR)
    world.stripe.set_webhooks("hold")
    return world, session


def _offered() -> tuple[World, Session]:
    world, session = _unpaid()
    world.pay_page(session)
    return world, session


def _unanswered() -> tuple[World, Session]:
    """Stripe made the offer, and the process died before it heard so."""
    world, session = _unpaid()

    def dead(io: Io) -> None:
        if io.kind is Kind.STRIPE:
            raise ProcessDied

    with world.seam.armed(after=dead), pytest.raises(ProcessDied):
        world.press_pay(session)
    return world, session


def _paid_unheard_of() -> tuple[World, Session]:
    world, session = _unpaid()
    world.pay(session)
    world.clock.advance(minutes=1)
    return world, session


def _paid() -> tuple[World, Session]:
    world, session = _paid_unheard_of()
    world.settle("checkout.session.completed")
    world.settle("charge.succeeded")
    return world, session


UNPAID: dict[str, State] = {"unpaid": _unpaid, "offered": _offered, "unanswered": _unanswered}
PAID: dict[str, State] = {"paid, unheard of": _paid_unheard_of, "paid": _paid}


# --- what is asked for --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Request:
    """One request of the clinic's. `decided`: whether the session says that it took place."""

    act: Callable[[World, Session], object]
    decided: Callable[[Session], bool]
    keeps: Callable[[int], int] = lambda captured: captured
    refusals: tuple[type[Exception], ...] = ()

    def about_to(self, state: State) -> Story:
        def story() -> Stage:
            world, session = state()
            return Stage(world, session, partial(self.act, world, session), self._owed, self.refusals)

        return story

    def _owed(self, session: Session, captured: int) -> int:
        return self.keeps(captured) if self.decided(session) else captured


def _nothing(_captured: int) -> int:
    return 0


def _moved(world: World, session: Session) -> object:
    later = session.start_time + HOUR
    return update(world, session, SessionEdit(start_time=later, end_time=later + HOUR))


def _added(world: World, session: Session) -> object:
    """Under a key, without which two requests are two participants."""
    scope = IdempotencyScope("client-1", "POST participants", "key-1")
    return once(world.ctx, scope, b"{}", adding(world.ctx, world.team, session.session_id, guest(name="Jim")))


def _revoked(world: World, session: Session) -> object:
    scope = IdempotencyScope("client-1", "POST revoke", "key-1")
    return once(world.ctx, scope, b"{}", revoking(world.ctx, TEAM_ID, session.session_id, 2))


def _guests(session: Session) -> list[int]:
    return [one.number for one in session.participants if one.deleted_at is None]


REQUESTS = {
    "cancel": Request(cancel, lambda one: one.canceled_at is not None, _nothing),
    "cancel, keeping payments": Request(partial(cancel, keep_payments=True), lambda one: one.canceled_at is not None),
    "remove": Request(remove_guest, lambda one: _guests(one) == [1], _nothing),
    "remove, keeping the payment": Request(partial(remove_guest, keep_payment=True), lambda one: _guests(one) == [1]),
    "reschedule": Request(_moved, lambda one: one.start_time.hour == 15),
    "add a participant": Request(_added, lambda one: _guests(one) == [1, 2, 3], refusals=(InProgressError,)),
    "revoke a link": Request(_revoked, lambda one: one.participants[1].generation == 1, refusals=(InProgressError,)),
}
CHANGE_FEE = Request(change_fee, lambda one: one.participants[1].fee == OTHER, refusals=(AlreadyPaidError,))
ROWS = [
    *[
        pytest.param(one, state, id=f"{name}, {when}")
        for name, one in REQUESTS.items()
        for when, state in (UNPAID | PAID).items()
    ],
    *[pytest.param(CHANGE_FEE, state, id=f"change the fee, {when}") for when, state in UNPAID.items()],
]


@pytest.mark.parametrize("recover", RECOVERIES.values(), ids=RECOVERIES)
@pytest.mark.parametrize(("request_", "state"), ROWS)
def test_a_request_that_died_anywhere_is_done_whole_or_not_at_all(
    request_: Request, state: State, recover: Recovery
) -> None:
    deaths = 0
    for crash, stage in every_crashed(request_.about_to(state)):
        deaths += 1
        in_order = done_or_owed if recover is webhooks else done
        assert put_right(stage, recover, in_order=in_order), f"died {crash}"
        decided = request_.decided(stage.world.session(stage.session))
        assert decided or recover is not again, f"died {crash}, and asking again was of no use"
        settled_in_the_end(stage.world, stage.session, owed=may_keep(stage))
        assert request_.decided(stage.world.session(stage.session)) is decided
    assert deaths >= 4


@pytest.mark.parametrize("recover", RECOVERIES.values(), ids=RECOVERIES)
def test_a_change_of_fee_that_died_after_an_unheard_of_payment_leaves_the_fee_paid(recover: Recovery) -> None:
    for crash, stage in every_crashed(CHANGE_FEE.about_to(_paid_unheard_of)):
        assert put_right(stage, recover, in_order=done), f"died {crash}"
        assert stage.world.participant(stage.session).fee == Fee(8000, "aud")
        settled_in_the_end(stage.world, stage.session, owed=8000)
