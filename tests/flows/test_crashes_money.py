"""I10 for what people decide about money: refunds, waivers, and what an operator retries or takes on themselves.

A refund is decided once. Asked for again it is refused, or answered as it stands, and the sweep makes it.
"""

from __future__ import annotations

from functools import partial

import pytest

from chalicelib.domain.by_hand import NothingLeftError, RefundWish, UnknownKeyError
from chalicelib.domain.edits import AlreadyPaidError
from chalicelib.domain.sessions import Session
from chalicelib.flows.by_hand import retry_by_hand, settle_by_hand
from chalicelib.flows.idempotent import IdempotencyScope, InProgressError, once
from chalicelib.flows.refund import refund, refunding
from chalicelib.flows.waive import waive
from tests.support.matrix import (
    RECOVERIES,
    Recovery,
    Request,
    State,
    again,
    done,
    every_crashed,
    nothing,
    put_right,
    whole_or_not_at_all,
)
from tests.support.payment_states import (
    UNPAID,
    canceled_and_kept,
    paid,
    paid_unheard_of,
    paid_without_a_charge,
    refund_in_trouble,
    refund_sent_back,
)
from tests.support.world import TEAM_ID, World

GUEST = 2
AUTOMATIC = "refund:auto-"
"""What the key of a refund begins with that our own rules made."""


def _refunded(world: World, session: Session, wish: RefundWish) -> object:
    return refund(world.ctx, TEAM_ID, session.participant_id(GUEST), wish)


def _refunded_under_a_key(world: World, session: Session, wish: RefundWish) -> object:
    scope = IdempotencyScope("client-1", "POST refund", "key-1")
    return once(world.ctx, scope, b"{}", refunding(world.ctx, TEAM_ID, session.participant_id(GUEST), wish))


def _of_its_charge(world: World, session: Session) -> object:
    return _refunded(world, session, RefundWish(charge=world.charges()[0]["id"]))


def _waived(world: World, session: Session) -> object:
    return waive(world.ctx, TEAM_ID, session.participant_id(GUEST), "paid at the desk")


def _is_decided(session: Session) -> bool:
    return bool(session.participants[1].history.decisions)


def _is_waived(session: Session) -> bool:
    return session.participants[1].history.waiver is not None


def _but_thirty(captured: int) -> int:
    return captured - 3000


IN_FULL = Request(partial(_refunded, wish=RefundWish()), _is_decided, nothing, (NothingLeftError,), finishes=False)
OF_ITS_CHARGE = Request(_of_its_charge, _is_decided, nothing, (NothingLeftError,), finishes=False)
IN_PART = Request(
    partial(_refunded_under_a_key, wish=RefundWish(3000)), _is_decided, _but_thirty, (InProgressError,), finishes=False
)
WAIVE = Request(_waived, _is_waived, nothing, (AlreadyPaidError,))
REFUNDABLE: dict[str, State] = {
    "paid": paid,
    "paid, its charge unheard of": paid_without_a_charge,
    "cancelled and kept": canceled_and_kept,
}


def _refunded_in_full() -> tuple[World, Session]:
    world, session = paid()
    _refunded(world, session, RefundWish())
    return world, session


ROWS = [
    *[pytest.param(IN_FULL, state, id=f"refund in full, {when}") for when, state in REFUNDABLE.items()],
    *[pytest.param(IN_PART, state, id=f"refund in part, {when}") for when, state in REFUNDABLE.items()],
    pytest.param(OF_ITS_CHARGE, paid, id="refund of a charge"),
    *[pytest.param(WAIVE, state, id=f"waive, {when}") for when, state in UNPAID.items()],
]


@pytest.mark.parametrize("recover", RECOVERIES.values(), ids=RECOVERIES)
@pytest.mark.parametrize(("request_", "state"), ROWS)
def test_a_decision_about_money_that_died_anywhere_is_done_whole_or_not_at_all(
    request_: Request, state: State, recover: Recovery
) -> None:
    assert whole_or_not_at_all(request_, state, recover) >= 4


@pytest.mark.parametrize("recover", RECOVERIES.values(), ids=RECOVERIES)
def test_a_waiver_that_died_after_an_unheard_of_payment_leaves_the_fee_paid(recover: Recovery) -> None:
    for crash, stage in every_crashed(WAIVE.about_to(paid_unheard_of)):
        assert put_right(stage, recover, in_order=done), f"died {crash}"
        assert not _is_waived(stage.world.session(stage.session))


@pytest.mark.parametrize("recover", RECOVERIES.values(), ids=RECOVERIES)
def test_a_waiver_of_who_was_refunded_died_anywhere_and_moves_no_money(recover: Recovery) -> None:
    request = Request(_waived, _is_waived)
    for crash, stage in every_crashed(request.about_to(_refunded_in_full)):
        recover(stage)
        assert len(stage.world.refunds()) == 1, f"died {crash}"
        assert _is_waived(stage.world.session(stage.session)) or recover is not again


# --- what is stuck ------------------------------------------------------------------------------------------------


def _key(world: World, session: Session) -> str:
    """Of the refund that is stuck, whatever has become of it meanwhile."""
    failed = [one["id"] for one in world.refunds() if one["status"] == "failed"]
    return f"refund:{failed[0]}" if failed else f"{AUTOMATIC}{world.charges()[0]['id']}"


def _retried(world: World, session: Session) -> object:
    return retry_by_hand(world.ctx, TEAM_ID, session.participant_id(GUEST), _key(world, session), "the card is new")


def _settled(world: World, session: Session) -> object:
    return settle_by_hand(world.ctx, TEAM_ID, session.participant_id(GUEST), _key(world, session), "given in cash")


def _is_retried(session: Session) -> bool:
    return bool(session.participants[1].history.retried)


def _is_settled(session: Session) -> bool:
    return bool(session.participants[1].history.settled)


STUCK = [
    pytest.param(Request(_retried, _is_retried, nothing, (UnknownKeyError,), finishes=False), id="retry"),
    pytest.param(Request(_settled, _is_settled), id="settle"),
]


@pytest.mark.parametrize("recover", RECOVERIES.values(), ids=RECOVERIES)
@pytest.mark.parametrize("request_", STUCK)
def test_a_failed_refund_that_a_person_saw_to_is_seen_to_once_wherever_the_process_died(
    request_: Request, recover: Recovery
) -> None:
    """Until it is seen to, they are told of it."""
    assert whole_or_not_at_all(request_, refund_sent_back, recover, alarm=True) >= 4


@pytest.mark.parametrize("recover", RECOVERIES.values(), ids=RECOVERIES)
def test_a_refund_in_trouble_that_a_person_retries_is_made_once_wherever_the_process_died(recover: Recovery) -> None:
    """With or without the retry: it only comes sooner by it."""
    request = Request(_retried, lambda _session: True, nothing, (UnknownKeyError,))
    for crash, stage in every_crashed(request.about_to(refund_in_trouble)):
        stage.world.stripe.clear_faults()
        for _ in range(3):
            recover(stage)
        if recover is again:
            assert done(stage), f"died {crash}"
        stage.world.clock.advance(minutes=10)
        stage.world.sweep()
        assert done(stage), f"died {crash}"
        assert [one["amount"] for one in stage.world.refunds()] == [8000]
