"""What people and Stripe do to one payment at the same moment, in every order of their steps.

Refunds beside refunds, a waiver or a change of fee beside the payment, the reconciliation beside everything.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import combinations

import pytest

from chalicelib.domain.by_hand import NothingLeftError, RefundWish
from chalicelib.domain.edits import AlreadyPaidError
from chalicelib.domain.facts import AttemptState, RefundStatus
from chalicelib.domain.payments import PaymentStatus
from chalicelib.domain.sessions import Session
from chalicelib.domain.sessions import cancel as canceled
from chalicelib.flows.idempotent import IdempotencyScope, InProgressError, once
from chalicelib.flows.refund import refund, refunding
from chalicelib.flows.settle import Settled, settle
from chalicelib.flows.sweep import sweep_session
from chalicelib.flows.waive import waive
from chalicelib.gateways.stripe_api import StripeError
from sandbox.stripe_standin.errors import StripeError as RefusedAtStripeError
from tests.support.editing import cancel
from tests.support.examples import IS_LONG
from tests.support.fee_stages import OTHER, change_fee
from tests.support.interleaving import Ended, Flow, Judge, Race, every_order, some_orders
from tests.support.invariants import AtStripe, holds, settled_in_the_end
from tests.support.payment_states import offered, paid, paid_unheard_of, unpaid
from tests.support.reconciling import reconciled
from tests.support.seam import Io, Kind
from tests.support.world import TEAM_ID, World

Case = tuple[Race, Judge]
FEE = 8000
GUEST = 2
CHECKOUT, CHARGE = "checkout.session.completed", "charge.succeeded"
REFUND = ("refund.created", "charge.refunded")
SAMPLE = 120


def _race(world: World, session: Session, *flows: Flow) -> Race:
    return Race(world.seam, flows, always=lambda: holds(world, session))


def _every_or_some(prepare: Callable[[], Case], at_least: int) -> None:
    if IS_LONG:
        assert every_order(prepare) >= at_least
    else:
        some_orders(prepare, min(SAMPLE, at_least))


def _refunded(world: World, session: Session, wish: RefundWish) -> Flow:
    return lambda: refund(world.ctx, TEAM_ID, session.participant_id(GUEST), wish)


def _refunded_under(key: str, world: World, session: Session, amount: int) -> Flow:
    scope = IdempotencyScope("client-1", "POST refund", key)
    wish = RefundWish(amount)
    return lambda: once(
        world.ctx, scope, b"%d" % amount, refunding(world.ctx, TEAM_ID, session.participant_id(GUEST), wish)
    )


def _refunded_in_dashboard(world: World, amount: int) -> Flow:
    """By a person at Stripe: one step."""

    def made() -> object:
        world.seam.begin(Io(Kind.STRIPE, "the clinic refunds in the dashboard"))
        return world.stripe.refund_in_dashboard(world.charges()[0]["id"], amount)

    return made


def _swept(world: World, session: Session) -> Flow:
    return lambda: sweep_session(world.ctx, session.team_id, session.session_id)


def _settled(world: World, kind: str) -> Flow:
    event = world.event(kind)
    return lambda: settle(world.ctx, event)


def _errors(ended: Sequence[Ended]) -> list[str]:
    return sorted(type(one.error).__name__ for one in ended if one.error)


def _amounts(world: World) -> list[int]:
    return sorted(one["amount"] for one in world.refunds() if one["status"] != "failed")


# --- refunds beside each other ------------------------------------------------------------------------------------


@pytest.mark.long
def test_of_two_full_refunds_at_once_one_is_made() -> None:
    def prepare() -> Case:
        world, session = paid()

        def judge(ended: list[Ended]) -> None:
            assert _errors(ended) == [NothingLeftError.__name__]
            settled_in_the_end(world, session, owed=0)
            assert _amounts(world) == [FEE]

        flow = _refunded(world, session, RefundWish())
        return _race(world, session, flow, flow), judge

    _every_or_some(prepare, 20)


@pytest.mark.long
def test_of_two_partial_refunds_at_once_both_are_made_as_far_as_the_money_goes() -> None:
    def prepare() -> Case:
        world, session = paid()

        def judge(ended: list[Ended]) -> None:
            assert _errors(ended) == []
            settled_in_the_end(world, session, owed=2000)
            assert _amounts(world) == [3000, 3000]

        flow = _refunded(world, session, RefundWish(3000))
        return _race(world, session, flow, flow), judge

    _every_or_some(prepare, 100)


@pytest.mark.long
def test_one_refund_asked_for_twice_at_once_under_one_key_is_made_once() -> None:
    def prepare() -> Case:
        world, session = paid()

        def judge(ended: list[Ended]) -> None:
            assert _errors(ended) in ([], [InProgressError.__name__])
            settled_in_the_end(world, session, owed=5000)
            assert _amounts(world) == [3000]

        flow = _refunded_under("key-1", world, session, 3000)
        return _race(world, session, flow, flow), judge

    _every_or_some(prepare, 20)


@pytest.mark.parametrize("amount", [3000, 5000, FEE])
def test_a_refund_beside_an_equal_one_in_the_dashboard_is_made_as_far_as_the_money_goes(amount: int) -> None:
    """Both are facts of their own; where both are more than was paid, Stripe refuses the later."""
    outcomes = set()

    def prepare() -> Case:
        world, session = paid()

        def judge(ended: list[Ended]) -> None:
            world.stripe.flush()
            world.deliver()
            refused = isinstance(ended[1].error, RefusedAtStripeError)
            left = FEE - 2 * amount
            outcomes.add(refused)
            settled_in_the_end(world, session, owed=max(left, 0) if not refused else FEE - amount)

        flows = (_refunded_under("key-1", world, session, amount), _refunded_in_dashboard(world, amount))
        return _race(world, session, *flows), judge

    assert every_order(prepare) == 6
    assert outcomes == ({False} if amount == 3000 else {False, True})


# --- what people decide, beside the payment -----------------------------------------------------------------------


@pytest.mark.parametrize("told", [CHECKOUT, CHARGE])
def test_a_waiver_beside_the_webhook_of_the_payment_is_refused_or_gives_it_back(told: str) -> None:
    def prepare() -> Case:
        world, session = paid_unheard_of()

        def judge(ended: list[Ended]) -> None:
            assert isinstance(ended[0].error, AlreadyPaidError), "the offer cannot be closed, since it is paid"
            settled_in_the_end(world, session, owed=FEE)
            assert world.status(session) is PaymentStatus.PAID

        flows = (
            lambda: waive(world.ctx, TEAM_ID, session.participant_id(GUEST), "insured"),
            _settled(world, told),
        )
        return _race(world, session, *flows), judge

    assert every_order(prepare) >= 6


def test_a_waiver_beside_the_client_who_pays_closes_the_offer_or_leaves_it_paid() -> None:
    outcomes = set()

    def prepare() -> Case:
        world, session = offered()

        def pays() -> object:
            world.seam.begin(Io(Kind.STRIPE, "the client pays"))
            page = next(iter(world.open_checkouts()), None)
            return world.stripe.pay(page["id"]) if page else None

        def judge(ended: list[Ended]) -> None:
            captured = AtStripe.of(world).captured
            assert (ended[0].error is None) is (captured == 0)
            outcomes.add(captured)
            settled_in_the_end(world, session, owed=captured)

        flows = (lambda: waive(world.ctx, TEAM_ID, session.participant_id(GUEST), "insured"), pays)
        return _race(world, session, *flows), judge

    assert every_order(prepare) >= 4
    assert outcomes == {0, FEE}


@pytest.mark.parametrize("told", [CHECKOUT, CHARGE])
def test_a_change_of_fee_beside_the_webhook_of_the_payment_is_refused(told: str) -> None:
    def prepare() -> Case:
        world, session = paid_unheard_of()

        def judge(ended: list[Ended]) -> None:
            assert isinstance(ended[0].error, AlreadyPaidError | StripeError)
            assert world.participant(session).fee != OTHER
            settled_in_the_end(world, session, owed=FEE)

        flows = (lambda: change_fee(world, session), _settled(world, told))
        return _race(world, session, *flows), judge

    assert every_order(prepare) >= 6


@pytest.mark.long
def test_a_cancellation_beside_a_refund_gives_everything_back_once() -> None:
    def prepare() -> Case:
        world, session = paid()

        def judge(ended: list[Ended]) -> None:
            assert _errors(ended) in ([], [NothingLeftError.__name__])
            settled_in_the_end(world, session, owed=0)
            assert sum(_amounts(world)) == FEE

        flows = (lambda: cancel(world, session), _refunded(world, session, RefundWish(3000)))
        return _race(world, session, *flows), judge

    _every_or_some(prepare, 60)


@pytest.mark.long
def test_a_cancellation_that_keeps_payments_beside_a_refund_keeps_the_rest() -> None:
    def prepare() -> Case:
        world, session = paid()

        def judge(ended: list[Ended]) -> None:
            assert _errors(ended) == []
            settled_in_the_end(world, session, owed=5000)

        flows = (
            lambda: cancel(world, session, keep_payments=True),
            _refunded(world, session, RefundWish(3000)),
        )
        return _race(world, session, *flows), judge

    _every_or_some(prepare, 30)


def test_a_webhook_that_comes_before_our_own_save_finds_its_payment() -> None:
    """The client pays as soon as Stripe has made the page, and Stripe tells it before we have saved its answer."""
    outcomes = set()

    def prepare() -> Case:
        world, session = unpaid()

        def pays_and_is_told() -> object:
            world.seam.begin(Io(Kind.STRIPE, "the client pays"))
            page = next(iter(world.open_checkouts()), None)
            if page is None:
                return None
            world.stripe.pay(page["id"])
            return _settled(world, CHECKOUT)()

        def judge(ended: list[Ended]) -> None:
            captured = AtStripe.of(world).captured
            assert ended[1].result is (Settled.KEPT if captured else None)
            states = world.attempt_states(session)
            assert states == [AttemptState.PAID if captured else AttemptState.OPEN]
            outcomes.add(captured)
            settled_in_the_end(world, session, owed=captured)

        return _race(world, session, lambda: world.press_pay(session), pays_and_is_told), judge

    assert every_order(prepare) == 8
    assert outcomes == {0, FEE}


# --- what Stripe tells, beside what we ask ------------------------------------------------------------------------


@pytest.mark.long
@pytest.mark.parametrize(("first", "second"), list(combinations((*REFUND, CHECKOUT, CHARGE), 2)))
def test_any_two_events_of_a_refunded_payment_at_once_end_the_same(first: str, second: str) -> None:
    def prepare() -> Case:
        world, session = paid_unheard_of()
        world.stripe.refund_in_dashboard(world.charges()[0]["id"], 3000)

        def judge(ended: list[Ended]) -> None:
            assert {one.result for one in ended} <= {Settled.KEPT, Settled.KNOWN}
            world.stripe.flush()
            world.deliver()
            assert world.status(session) is PaymentStatus.PARTIALLY_REFUNDED
            assert [one.status for one in world.participant(session).history.refunds] == [RefundStatus.SUCCEEDED]
            settled_in_the_end(world, session, owed=5000)

        return _race(world, session, _settled(world, first), _settled(world, second)), judge

    _every_or_some(prepare, 6)


@pytest.mark.long
@pytest.mark.parametrize("told", [CHECKOUT, CHARGE, *REFUND])
def test_a_reconciliation_beside_a_webhook_ends_as_either_alone(told: str) -> None:
    def prepare() -> Case:
        world, session = paid_unheard_of()
        world.stripe.refund_in_dashboard(world.charges()[0]["id"], 3000)

        def judge(ended: list[Ended]) -> None:
            assert _errors(ended) == []
            assert reconciled(world, repairs=True).tally.left == 0
            assert reconciled(world).findings == []
            assert world.status(session) is PaymentStatus.PARTIALLY_REFUNDED
            settled_in_the_end(world, session, owed=5000)

        return _race(world, session, partial(reconciled, world, repairs=True), _settled(world, told)), judge

    _every_or_some(prepare, 40)


@pytest.mark.long
def test_a_reconciliation_beside_the_sweep_refunds_once() -> None:
    def prepare() -> Case:
        world, session = paid_unheard_of()
        world.change(session, lambda one: canceled(one, now=world.clock()))

        def judge(ended: list[Ended]) -> None:
            assert _errors(ended) == []
            settled_in_the_end(world, session, owed=0)
            assert _amounts(world) == [FEE]

        flows = (partial(reconciled, world, repairs=True), _swept(world, session))
        return _race(world, session, *flows), judge

    # There are 7,735 orders, in four minutes; most only move a list of Stripe's past a write that it cannot see.
    some_orders(prepare, 800 if IS_LONG else 40)
