"""I10 for what a clinic asks for: each of its requests x each state of the payment x each I/O x each recovery.

A request that died was answered to nobody. Either nothing of it is there, or all that follows from it is done: by the
same request, or by the sweep; webhooks alone leave what is still owed as an obligation.
"""

from __future__ import annotations

from functools import partial

import pytest

from chalicelib.domain.edits import AlreadyPaidError, SessionEdit
from chalicelib.domain.sessions import Fee, Session
from chalicelib.flows.edit_participants import adding
from chalicelib.flows.idempotent import IdempotencyScope, InProgressError, once
from chalicelib.flows.revoke import revoking
from tests.support.editing import HOUR, cancel, remove_guest, update
from tests.support.fee_stages import OTHER, change_fee
from tests.support.invariants import settled_in_the_end
from tests.support.matrix import (
    RECOVERIES,
    Recovery,
    Request,
    State,
    done,
    every_crashed,
    nothing,
    put_right,
    whole_or_not_at_all,
)
from tests.support.payment_states import PAID, UNPAID, paid_unheard_of
from tests.support.world import TEAM_ID, World, guest

# --- what is asked for --------------------------------------------------------------------------------------------


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
    "cancel": Request(cancel, lambda one: one.canceled_at is not None, nothing),
    "cancel, keeping payments": Request(partial(cancel, keep_payments=True), lambda one: one.canceled_at is not None),
    "remove": Request(remove_guest, lambda one: _guests(one) == [1], nothing),
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
    assert whole_or_not_at_all(request_, state, recover) >= 4


@pytest.mark.parametrize("recover", RECOVERIES.values(), ids=RECOVERIES)
def test_a_change_of_fee_that_died_after_an_unheard_of_payment_leaves_the_fee_paid(recover: Recovery) -> None:
    for crash, stage in every_crashed(CHANGE_FEE.about_to(paid_unheard_of)):
        assert put_right(stage, recover, in_order=done), f"died {crash}"
        assert stage.world.participant(stage.session).fee == Fee(8000, "aud")
        settled_in_the_end(stage.world, stage.session, owed=8000)
