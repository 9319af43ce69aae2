"""I10 for what Stripe tells: each kind of event dies at every I/O while it is settled, and each recovery puts it right.

An event that was not answered comes again. Of a refund in the dashboard or a dispute the sweep knows nothing before it
is told, so where every webhook is lost, the nightly reconciliation finds it; and that one may die anywhere, too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest

from chalicelib.domain.obligations import FetchCharge, ListRefunds, LookAtCheckout, due
from chalicelib.domain.payments import PaymentStatus
from chalicelib.domain.sessions import Session
from chalicelib.gateways.stripe_events import PAYMENT_EVENTS
from tests.support.invariants import settled_in_the_end
from tests.support.matrix import RECOVERIES, Recovery, Stage, Story, again, every_crashed, put_right, webhooks
from tests.support.payment_states import offered, paid, paid_unheard_of
from tests.support.reconciling import reconciled
from tests.support.world import World

FEE = 8000
FOUND_BY_LISTS = frozenset(
    {
        "refund.created",
        "refund.failed",
        "charge.dispute.created",
        "charge.dispute.closed",
        "charge.dispute.funds_reinstated",
    }
)
"""One for each state that only Stripe's own lists, or an event, can tell of."""


HINTS = {ListRefunds, FetchCharge, LookAtCheckout}


@dataclass(frozen=True, slots=True)
class Told:
    """One kind of event about to be told, what it makes of the payment, and what the clinic keeps in the end."""

    kind: str
    prepare: Callable[[], tuple[World, Session]]
    status: PaymentStatus
    kept: int = FEE
    alarm: bool = False

    def __str__(self) -> str:
        return self.kind

    def story(self) -> Stage:
        world, session = self.prepare()
        return Stage(world, session, lambda: world.settle(self.kind))

    def is_known(self, stage: Stage) -> bool:
        """Or is at least due to be asked for: some events only hint at it."""
        world = stage.world
        hinted = {type(one) for _, one in due(world.session(stage.session), world.clock())} & HINTS
        return world.status(stage.session) is self.status or bool(hinted)


# --- what happened at Stripe --------------------------------------------------------------------------------------


def _expired() -> tuple[World, Session]:
    """Closed by somebody at Stripe, and told before its own time was up."""
    world, session = offered()
    ctx = world.ctx
    ctx.stripe.expire_checkout(world.participant(session).history.attempts[0], ctx.deadline)
    return world, session


def _debited(*, succeeded: bool) -> tuple[World, Session]:
    world = World()
    world.change_team(delayed_methods=("au_becs_debit",))
    session = world.schedule(starts_in=timedelta(days=14))
    world.stripe.set_webhooks("hold")
    world.pay(session, "au_becs_debit")
    world.settle("checkout.session.completed")
    assert world.status(session) is PaymentStatus.PROCESSING
    world.clock.advance(days=3)
    payment_intent = world.books()["payment_intents"][0]["id"]
    world.stripe.settle_delayed(payment_intent, succeeded=succeeded)
    return world, session


def _refunded(amount: int) -> Callable[[], tuple[World, Session]]:
    def prepare() -> tuple[World, Session]:
        world, session = paid()
        world.stripe.set_refunds_pending(pending=True)
        world.stripe.settle_refund(world.stripe.refund_in_dashboard(world.charges()[0]["id"], amount))
        return world, session

    return prepare


def _refund_failed() -> tuple[World, Session]:
    world, session = _refunded(3000)()
    world.stripe.fail_refund(world.refunds()[0]["id"])
    return world, session


def _disputed(*moves: str) -> Callable[[], tuple[World, Session]]:
    def prepare() -> tuple[World, Session]:
        world, session = paid()
        dispute_id = world.stripe.dispute(world.charges()[0]["id"])
        for status in moves:
            change = world.stripe.dispute_update if status == "under_review" else world.stripe.dispute_close
            change(dispute_id, status)
        return world, session

    return prepare


TOLD = [
    Told("checkout.session.completed", paid_unheard_of, PaymentStatus.PAID),
    Told("charge.succeeded", paid_unheard_of, PaymentStatus.PAID),
    Told("checkout.session.expired", _expired, PaymentStatus.UNPAID, kept=0),
    Told("checkout.session.async_payment_succeeded", lambda: _debited(succeeded=True), PaymentStatus.PAID),
    Told("checkout.session.async_payment_failed", lambda: _debited(succeeded=False), PaymentStatus.UNPAID, kept=0),
    Told("charge.refunded", _refunded(3000), PaymentStatus.PARTIALLY_REFUNDED, kept=5000),
    Told("refund.created", _refunded(3000), PaymentStatus.PARTIALLY_REFUNDED, kept=5000),
    Told("refund.updated", _refunded(FEE), PaymentStatus.REFUNDED, kept=0),
    Told("refund.failed", _refund_failed, PaymentStatus.PAID, alarm=True),
    Told("charge.dispute.created", _disputed(), PaymentStatus.DISPUTED),
    Told("charge.dispute.funds_withdrawn", _disputed(), PaymentStatus.DISPUTED),
    Told("charge.dispute.updated", _disputed("under_review"), PaymentStatus.DISPUTED),
    Told("charge.dispute.closed", _disputed("under_review", "lost"), PaymentStatus.REFUNDED, kept=0),
    Told("charge.dispute.funds_reinstated", _disputed("won"), PaymentStatus.PAID),
]


def test_every_kind_of_event_that_is_settled_dies_here() -> None:
    assert {one.kind for one in TOLD} == set(PAYMENT_EVENTS)


def _scheduled(stage: Stage) -> None:
    """The scheduled functions, and nobody else."""
    RECOVERIES["the sweep"](stage)
    reconciled(stage.world, repairs=True)


TELLING: dict[str, Recovery] = {**RECOVERIES, "the sweep": _scheduled}


@pytest.mark.parametrize("recover", TELLING.values(), ids=TELLING)
@pytest.mark.parametrize("told", TOLD, ids=str)
def test_an_event_that_died_anywhere_is_settled_by_whatever_comes_next(told: Told, recover: Recovery) -> None:
    deaths = 0
    story: Story = told.story
    for crash, stage in every_crashed(story):
        deaths += 1
        assert put_right(stage, recover, in_order=told.is_known), f"died {crash}"
        webhooks(stage)
        stage.world.sweep()
        assert stage.world.status(stage.session) is told.status, f"died {crash}"
        settled_in_the_end(stage.world, stage.session, owed=told.kept, alarm=told.alarm)
    assert deaths >= 4


@pytest.mark.parametrize("told", [one for one in TOLD if one.kind in FOUND_BY_LISTS], ids=str)
def test_a_reconciliation_that_died_anywhere_finds_it_when_it_runs_again(told: Told) -> None:
    deaths = 0

    def story() -> Stage:
        world, session = told.prepare()
        world.clock.advance(hours=1)
        return Stage(world, session, lambda: reconciled(world, repairs=True))

    for crash, stage in every_crashed(story):
        deaths += 1
        assert put_right(stage, again, in_order=told.is_known), f"died {crash}"
        assert reconciled(stage.world).findings == [], f"died {crash}"
        webhooks(stage)
        assert stage.world.status(stage.session) is told.status, f"died {crash}"
        settled_in_the_end(stage.world, stage.session, owed=told.kept, alarm=told.alarm)
    assert deaths >= 10
