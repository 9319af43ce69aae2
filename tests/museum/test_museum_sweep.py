"""Museum: paid and cancelled all the same, since a time limit or a lost webhook knew better than Stripe.

Each test is named after a report from users of another system, and holds what happened to them against this one.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise

import pytest

from chalicelib.domain.admission import Door
from chalicelib.domain.facts import AttemptState
from chalicelib.domain.ids import session_id_at
from chalicelib.domain.obligations import due_at
from chalicelib.storage import codec
from tests.museum.appointment import DAY, DEBIT, FEE, HOUR, Appointment, book, fee_of, with_debits
from tests.support.clinic import Clinic
from tests.support.edge import Edge
from tests.support.invariants import settled_in_the_end
from tests.support.world import TEAM_ID, World

# --- every webhook is lost ------------------------------------------------------------------------------------------

ALONE: dict[str, Callable[[Appointment], object]] = {
    "the sweep": lambda one: one.edge.run_schedule(),
    "the return page": lambda one: one.come_back(),
    "the next press of Pay": lambda one: one.pay(),
}


@pytest.mark.parametrize("alone", ALONE)
def test_calcom_18011_with_webhooks_lost_for_three_days_each_other_way_finds_the_payment(
    edge: Edge, alone: str
) -> None:
    """Paid appointments were cancelled by a timer: events had not been delivered for three days.

    https://github.com/calcom/cal.diy/issues/18011
    """
    one, world = book(edge, starts_in=4 * DAY), edge.world
    world.stripe.set_webhooks("drop")
    one.pay_at_stripe()
    assert one.payment()["status"] == "unpaid"
    world.clock.advance(minutes=2)
    ALONE[alone](one)
    assert (one.payment()["status"], one.payment()["amount_paid"], one.door()) == ("paid", FEE, "early")
    for _ in range(3 * 24):
        world.clock.advance(hours=1)
        edge.run_schedule()
        assert one.ask("GET").status == 200, "it was cancelled"
        assert one.payment()["attention"] is None
    world.clock.set(one.session.start_time)
    assert one.door() == "join"
    settled_in_the_end(world, one.session, owed=FEE)


AFTER_THE_OFFER = [timedelta(minutes=2), timedelta(minutes=15), timedelta(hours=1)]
"""When the sweep looks at Stripe, whoever tells it nothing."""


@pytest.mark.parametrize("look", AFTER_THE_OFFER)
def test_calcom_26768_paid_is_never_left_pending_though_nobody_tells_and_nobody_comes_back(
    edge: Edge, look: timedelta
) -> None:
    """Paid at Stripe, and for ever "payment pending" at the appointment.

    https://github.com/calcom/cal.diy/issues/26768
    """
    one, world = book(edge, starts_in=2 * HOUR), edge.world
    world.stripe.set_webhooks("drop")
    made_at, page = world.clock(), one.press_pay()
    for sooner, later in pairwise([timedelta(0), *AFTER_THE_OFFER]):
        world.clock.set(made_at + sooner)
        edge.run_schedule()
        if later == look:
            break
    world.clock.set(made_at + look - timedelta(seconds=1))
    world.stripe.pay(page)
    world.clock.set(made_at + look)
    edge.run_schedule()
    assert (one.payment()["status"], one.payment()["attention"]) == ("paid", None)
    assert one.ask("GET").json()["participants"][1]["payment"] == one.payment()
    assert (one.look()["payment"]["status"], one.look()["can_pay"]) == ("paid", False)
    assert "You are all set" in one.open().body
    assert due_at(world.session(one.session)) is None


def test_calcom_26768_a_debit_is_not_left_pending_either(edge: Edge) -> None:
    """Paid at Stripe, and for ever "payment pending" at the appointment.

    https://github.com/calcom/cal.diy/issues/26768
    """
    one, world = book(edge, with_debits(Clinic(edge)), starts_in=14 * DAY), edge.world
    world.stripe.set_webhooks("drop")
    payment_intent_id = one.pay_at_stripe(DEBIT)
    world.clock.advance(minutes=2)
    edge.run_schedule()
    assert one.payment()["status"] == "processing"
    world.clock.advance(days=5)
    edge.run_schedule()
    world.stripe.settle_delayed(payment_intent_id, succeeded=True)
    world.clock.advance(hours=6)
    edge.run_schedule()
    assert (one.payment()["status"], one.door()) == ("paid", "early")


# --- the time limit -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("paid_before_the_end", [timedelta(seconds=1), timedelta(minutes=10)])
def test_woocommerce_20928_the_end_of_the_time_to_pay_asks_stripe_first(
    edge: Edge, paid_before_the_end: timedelta
) -> None:
    """A time limit for unpaid orders cancelled orders that were paid.

    https://github.com/woocommerce/woocommerce/issues/20928
    """
    one, world = book(edge, starts_in=timedelta(0), lasts=timedelta(minutes=20)), edge.world
    world.stripe.set_webhooks("drop")
    page = one.press_pay()
    while world.clock() < one.session.end_time - paid_before_the_end:
        edge.run_schedule()
        world.clock.advance(minutes=1)
    world.clock.set(one.session.end_time - paid_before_the_end)
    world.stripe.pay(page)
    world.clock.set(one.session.end_time)
    edge.run_schedule()
    assert world.attempt_states(one.session) == [AttemptState.PAID]
    assert (one.payment()["status"], one.payment()["attention"]) == ("paid", None)
    assert world.refunds() == []
    settled_in_the_end(world, one.session, owed=FEE)


# --- closing what is closed -----------------------------------------------------------------------------------------


def _open(edge: Edge) -> Appointment:
    one = book(edge, with_debits(Clinic(edge)), starts_in=14 * DAY)
    edge.world.stripe.set_webhooks("drop")
    one.press_pay()
    return one


def _expired(edge: Edge) -> Appointment:
    one = _open(edge)
    edge.world.clock.advance(hours=24)
    return one


def _paid(edge: Edge) -> Appointment:
    one = _open(edge)
    edge.world.stripe.pay(one.checkout_session_id())
    return one


def _at_the_bank(edge: Edge) -> Appointment:
    one = _open(edge)
    edge.world.stripe.pay(one.checkout_session_id(), DEBIT)
    return one


def _refused_by_the_bank(edge: Edge) -> Appointment:
    one = _open(edge)
    payment = edge.world.stripe.pay(one.checkout_session_id(), DEBIT)
    edge.world.stripe.settle_delayed(payment.payment_intent_id, succeeded=False)
    return one


Stage = Callable[[Edge], Appointment]
STAGES: dict[Stage, AttemptState] = {
    _open: AttemptState.EXPIRED,
    _expired: AttemptState.EXPIRED,
    _paid: AttemptState.PAID,
    _at_the_bank: AttemptState.PROCESSING,
    _refused_by_the_bank: AttemptState.FAILED,
}
"""Of a Checkout Session of which we know only that it was open, and what it turns out to be when we close it."""


@pytest.mark.parametrize("stage", STAGES)
def test_payum_stripe_70_cancelling_works_whatever_became_of_the_checkout(edge: Edge, stage: Stage) -> None:
    """Cancelling an order whose Checkout Session had expired already was answered 500.

    https://github.com/Sylius/PayumStripePlugin/issues/70
    """
    one = stage(edge)
    assert one.ask("DELETE").status == 200
    assert edge.world.attempt_states(one.session) == [STAGES[stage]]
    assert edge.world.open_checkouts() == []
    edge.run_schedule()
    assert one.payment()["attention"] is None
    assert [refund["amount"] for refund in edge.world.refunds()] == ([FEE] if stage is _paid else [])


@pytest.mark.parametrize(
    ("stage", "answer"), [(_open, 200), (_expired, 200), (_paid, 409), (_at_the_bank, 409), (_refused_by_the_bank, 200)]
)
def test_payum_stripe_70_changing_the_fee_works_whatever_became_of_the_checkout(
    edge: Edge, stage: Stage, answer: int
) -> None:
    """Cancelling an order whose Checkout Session had expired already was answered 500.

    https://github.com/Sylius/PayumStripePlugin/issues/70
    """
    one = stage(edge)
    assert one.ask_of_guest("PUT", fee_of(9000)).status == answer
    assert edge.world.attempt_states(one.session) == [STAGES[stage]]


# --- one bad item ---------------------------------------------------------------------------------------------------

HUNDRED = 100


def test_ai_shifu_2855_one_poison_item_holds_up_none_of_a_hundred_and_is_not_tried_every_minute(edge: Edge) -> None:
    """The sweeper failed on the same item every minute, and on nothing else ever again.

    https://github.com/ai-shifu/ai-shifu/issues/2855
    """
    world = edge.world
    world.stripe.set_webhooks("drop")
    good = [world.schedule(lasts=timedelta(minutes=20)) for _ in range(HUNDRED)]
    for session in good:
        world.pay_page(session)
    for session_id in _one_in_each_shard(world):
        world.sessions.unreadable(TEAM_ID, session_id)
    world.clock.advance(minutes=20)
    swept = edge.run_schedule()
    assert (swept["sessions"], swept["failed"], swept["unfinished"]) == (116, 16, False)
    assert world.open_checkouts() == []
    assert {world.open(session).admission.door for session in good} == {Door.ENDED}
    assert {due_at(world.session(session)) for session in good} == {None}
    for _ in range(14):
        world.clock.advance(minutes=1)
        assert edge.run_schedule()["sessions"] == 0, "the same item again"
    world.clock.advance(minutes=1)
    assert edge.run_schedule()["failed"] == 16, "it is not forgotten"


def _one_in_each_shard(world: World) -> list[str]:
    found: dict[int, str] = {}
    while len(found) < 16:
        session_id = session_id_at(world.clock(), world.random.randbytes(9))
        found.setdefault(codec.due_shard(session_id), session_id)
    return list(found.values())
