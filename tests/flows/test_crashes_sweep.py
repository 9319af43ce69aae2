"""I10 for what the sweep carries out: each kind of obligation dies at every I/O of the sweep that sees to it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import get_args

import pytest

from chalicelib.domain import obligations
from chalicelib.domain.facts import DisputeSeen, DisputeStatus
from chalicelib.domain.obligations import (
    AskAboutRefund,
    ExpireCheckout,
    FetchCharge,
    FetchDispute,
    ListRefunds,
    LookAtCheckout,
    MakeRefund,
    Obligation,
    due,
)
from chalicelib.domain.payments import PaymentStatus
from chalicelib.domain.sessions import Session
from chalicelib.flows.settle import settle
from chalicelib.flows.sweep import sweep_session
from tests.support.crashes import ProcessDied
from tests.support.editing import cancel
from tests.support.invariants import settled_in_the_end
from tests.support.matrix import RECOVERIES, Recovery, Stage, State, done, every_crashed, put_right, webhooks
from tests.support.payment_states import offered, paid, paid_unheard_of, paid_without_a_charge, unanswered
from tests.support.seam import Io
from tests.support.world import World

FEE = 8000
Kind = type[Obligation]


@dataclass(frozen=True, slots=True)
class Owed:
    """One kind of obligation that is due, what the payment is once it is seen to, and what the clinic keeps then."""

    kind: Kind
    prepare: State
    status: PaymentStatus
    kept: int = FEE

    def __str__(self) -> str:
        return f"{self.kind.__name__}, then {self.status}"

    def story(self) -> Stage:
        world, session = self.prepare()
        assert self.kind in {type(one) for _, one in due(world.session(session), world.clock())}

        def swept() -> int:
            return sweep_session(world.ctx, session.team_id, session.session_id)

        return Stage(world, session, swept, lambda _session, _captured: self.kept)


# --- what is owed -------------------------------------------------------------------------------------------------


def _two_minutes_after(prepare: State) -> State:
    def later() -> tuple[World, Session]:
        world, session = prepare()
        world.clock.advance(minutes=2)
        return world, session

    return later


def _canceled_and_died(prepare: State) -> State:
    """Cancelled, and the process died before it began with what follows."""

    def canceled() -> tuple[World, Session]:
        world, session = prepare()

        def dead(io: Io) -> None:
            if io.name == "sessions.save":
                raise ProcessDied

        with world.seam.armed(after=dead), pytest.raises(ProcessDied):
            cancel(world, session)
        return world, session

    return canceled


def _told_by_its_charge_alone() -> tuple[World, Session]:
    world, session = paid()
    world.stripe.refund_in_dashboard(world.charges()[0]["id"], 3000)
    world.settle("charge.refunded")
    return world, session


def _doubted() -> tuple[World, Session]:
    """Won, as Stripe has it; and a telling of another verdict came before."""
    world, session = paid()
    world.stripe.dispute_close(world.stripe.dispute(world.charges()[0]["id"]), "won")
    event = world.event("charge.dispute.closed")
    (seen,) = event.seen
    assert isinstance(seen, DisputeSeen)
    lost = replace(seen, dispute=replace(seen.dispute, status=DisputeStatus.LOST))
    settle(world.ctx, replace(event, seen=(lost,)))
    settle(world.ctx, event)
    return world, session


def _late_with_a_refund() -> tuple[World, Session]:
    """Made in the dashboard, told as pending; it arrived, and that was never told."""
    world, session = paid()
    world.stripe.set_refunds_pending(pending=True)
    refund = world.stripe.refund_in_dashboard(world.charges()[0]["id"], 3000)
    world.settle("refund.created")
    world.stripe.set_webhooks("drop")
    world.stripe.settle_refund(refund)
    world.clock.advance(days=10)
    return world, session


OWED = [
    Owed(LookAtCheckout, _two_minutes_after(paid_unheard_of), PaymentStatus.PAID),
    Owed(LookAtCheckout, _two_minutes_after(unanswered), PaymentStatus.UNPAID, kept=0),
    Owed(ExpireCheckout, _canceled_and_died(offered), PaymentStatus.UNPAID, kept=0),
    Owed(ExpireCheckout, _canceled_and_died(paid_unheard_of), PaymentStatus.REFUNDED, kept=0),
    Owed(FetchCharge, paid_without_a_charge, PaymentStatus.PAID),
    Owed(ListRefunds, _told_by_its_charge_alone, PaymentStatus.PARTIALLY_REFUNDED, kept=5000),
    Owed(AskAboutRefund, _late_with_a_refund, PaymentStatus.PARTIALLY_REFUNDED, kept=5000),
    Owed(FetchDispute, _doubted, PaymentStatus.PAID),
    Owed(MakeRefund, _canceled_and_died(paid), PaymentStatus.REFUNDED, kept=0),
]


def test_every_kind_of_obligation_dies_here() -> None:
    assert {one.kind for one in OWED} == set(get_args(obligations.Obligation))


@pytest.mark.parametrize("recover", RECOVERIES.values(), ids=RECOVERIES)
@pytest.mark.parametrize("owed", OWED, ids=str)
def test_a_sweep_that_died_anywhere_is_made_up_for(owed: Owed, recover: Recovery) -> None:
    """By the next one; webhooks may be faster, and leave to it what only it does."""
    deaths = 0
    for crash, stage in every_crashed(owed.story):
        deaths += 1
        if recover is webhooks:
            webhooks(stage)
            stage.world.sweep()
        assert put_right(stage, recover, in_order=done), f"died {crash}"
        assert stage.world.status(stage.session) is owed.status, f"died {crash}"
        settled_in_the_end(stage.world, stage.session, owed=owed.kept)
    assert deaths >= 6
