"""Cancelling a session and removing a participant: the money goes back at once, and always in the end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from chalicelib.domain.admission import Door
from chalicelib.domain.edits import StartedError
from chalicelib.domain.obligations import due_at
from chalicelib.domain.sessions import Fee, Session
from chalicelib.flows.edit_participants import add_participant, remove_participant
from chalicelib.flows.edit_session import cancel_session
from chalicelib.storage.stores import StoreUnavailableError
from tests.fakes.failing import Failing
from tests.support.crashes import Act, die, every_crash
from tests.support.editing import GUEST, HOUR, ahead, paid_ahead
from tests.support.examples import IS_LONG
from tests.support.interleaving import Ended, Judge, Race, every_order, some_orders
from tests.support.invariants import FEE, holds, settled_in_the_end
from tests.support.seam import Io, Kind, Seam, Spent
from tests.support.world import TEAM_ID, World, checkout_id, guest


@pytest.fixture
def world() -> World:
    return World()


def cancel(world: World, session: Session, *, keep: bool = False) -> object:
    return cancel_session(world.ctx, TEAM_ID, session.session_id, keep_payments=keep)


def remove(world: World, session: Session, *, keep: bool = False) -> object:
    return remove_participant(world.ctx, TEAM_ID, session.participant_id(GUEST), keep_payment=keep)


@dataclass(frozen=True, slots=True)
class Ending:
    """One of the two ways to end it for the guest, and what they find at the door then."""

    act: Callable[..., object]
    door: Door

    def __str__(self) -> str:
        return self.door.value


endings = pytest.mark.parametrize("ending", [Ending(cancel, Door.CANCELED), Ending(remove, Door.REMOVED)], ids=str)


def test_a_session_that_started_is_not_cancelled_and_nothing_goes_back(world: World) -> None:
    session = paid_ahead(world)
    world.clock.set(session.start_time)
    with world.seam.counted() as spent, pytest.raises(StartedError):
        cancel(world, session)
    assert spent() == Spent(reads=1)
    settled_in_the_end(world, session, owed=FEE)


@endings
def test_the_money_starts_going_back_within_the_request(world: World, ending: Ending) -> None:
    session = paid_ahead(world)
    with world.seam.counted() as spent:
        ending.act(world, session)
        assert spent() == Spent(reads=1, writes=2, stripe=1)
    assert [one["amount"] for one in world.refunds()] == [FEE]
    assert world.open(session).admission.door is ending.door
    assert due_at(world.session(session)) is None
    settled_in_the_end(world, session, owed=0)


@endings
def test_an_open_offer_is_closed_within_the_request(world: World, ending: Ending) -> None:
    session = ahead(world)
    world.pay_page(session)
    with world.seam.counted() as spent:
        ending.act(world, session)
        assert spent() == Spent(reads=1, writes=2, stripe=1)
    assert world.open_checkouts() == []
    assert due_at(world.session(session)) is None


@endings
def test_where_nothing_is_owed_it_is_one_write(world: World, ending: Ending) -> None:
    session = ahead(world)
    with world.seam.counted() as spent:
        ending.act(world, session)
        assert spent() == Spent(reads=1, writes=1)


@endings
def test_again_is_silent_and_gives_back_once(world: World, ending: Ending) -> None:
    session = paid_ahead(world)
    first = ending.act(world, session)
    world.clock.advance(hours=5)
    with world.seam.counted() as spent:
        assert ending.act(world, session, keep=True) == first
        assert spent() == Spent(reads=1)
    assert len(world.refunds()) == 1


@endings
def test_what_was_paid_before_can_be_kept(world: World, ending: Ending) -> None:
    session = paid_ahead(world)
    world.clock.advance(seconds=1)
    ending.act(world, session, keep=True)
    settled_in_the_end(world, session, owed=FEE)
    assert world.refunds() == []


@endings
@pytest.mark.parametrize("fault", ["timeout_before", "timeout_after", "500_after", "429"])
def test_stripe_failing_fails_nothing_and_the_sweep_finishes(world: World, ending: Ending, fault: str) -> None:
    session = paid_ahead(world)
    world.stripe.fail_next(fault, 2)
    ending.act(world, session)
    assert world.open(session).admission.door is ending.door
    world.clock.advance(minutes=2)
    world.sweep()
    assert [one["amount"] for one in world.refunds()] == [FEE]
    settled_in_the_end(world, session, owed=0)


def test_what_was_done_at_stripe_and_could_not_be_kept_is_done_once(world: World) -> None:
    """The cancellation is saved, and the database goes away before the refund is."""
    session, ctx = paid_ahead(world), world.ctx
    store: Any = Failing(ctx.sessions, StoreUnavailableError("down"), left=0)

    def goes_away(io: Io) -> None:
        store.left = 9 if io.kind is Kind.STRIPE else store.left

    with world.seam.armed(after=goes_away):
        cancel_session(replace(ctx, sessions=store), TEAM_ID, session.session_id)
    assert world.session(session).canceled_at == world.clock()
    assert len(world.refunds()) == 1
    world.sweep()
    assert len(world.refunds()) == 1
    assert due_at(world.session(session)) is None


def test_many_who_paid_do_not_hold_the_request_up(world: World) -> None:
    """What three seconds are not enough for is the sweep's."""
    guests = [guest(Fee(FEE, "aud")) for _ in range(10)]
    session = world.schedule(*guests, starts_in=HOUR)
    for number in range(1, 11):
        world.pay(session, number=number)
    world.deliver()

    def slow(io: Io) -> None:
        if io.kind is Kind.STRIPE:
            world.clock.advance(seconds=0.9)

    began = world.clock()
    with world.seam.armed(after=slow):
        cancel(world, session)
    assert world.clock() - began == timedelta(seconds=2.7)
    assert len(world.refunds()) == 3
    world.sweep()
    assert len(world.refunds()) == 10


def test_removing_one_leaves_what_is_due_for_the_others_to_the_sweep(world: World) -> None:
    session = world.schedule(guest(Fee(FEE, "aud")), guest(Fee(FEE, "aud")), starts_in=HOUR)
    world.pay_page(session, number=1)
    world.clock.advance(minutes=5)
    with world.seam.counted() as spent:
        remove(world, session)
        assert spent() == Spent(reads=1, writes=1)


def test_who_is_removed_and_added_again_gets_money_back_and_a_new_offer(world: World) -> None:
    session = paid_ahead(world)
    remove(world, session)
    wish = guest(Fee(FEE, "aud"))
    again = add_participant(world.ctx, world.team, session.session_id, wish).participant
    assert again.number == 3
    assert [one["amount"] for one in world.refunds()] == [FEE]
    assert world.pay_page(session, number=3).url != ""
    assert world.open(session).admission.door is Door.REMOVED


def test_removing_after_the_end_takes_only_the_texts_away(world: World) -> None:
    session = paid_ahead(world)
    world.clock.advance(hours=2)
    remove(world, session)
    assert world.participant(session).display_name is None
    assert world.refunds() == []
    settled_in_the_end(world, session, owed=FEE)


# --- beside payments ----------------------------------------------------------------------------------------------


def _client_pays(world: World) -> Callable[[], object]:
    def pay() -> object:
        world.seam.begin(Io(Kind.STRIPE, "the client pays"))
        page = next(iter(world.open_checkouts()), None)
        return world.stripe.pay(page["id"]) if page else None

    return pay


def _every_or_some(prepare: Callable[[], tuple[Race, Judge]], most: int) -> None:
    if IS_LONG:
        every_order(prepare)
    else:
        some_orders(prepare, most)


@endings
def test_beside_the_webhook_of_a_payment_the_money_goes_back(ending: Ending) -> None:
    """calcom/cal.diy#14040: a rejected appointment was charged all the same."""

    def prepare() -> tuple[Race, Judge]:
        world = World()
        session = ahead(world)
        world.stripe.set_webhooks("drop")
        world.pay(session)

        def judge(ended: list[Ended]) -> None:
            assert [one.error for one in ended] == [None, None]
            assert world.open(session).admission.door is ending.door
            settled_in_the_end(world, session, owed=0)
            assert [refund["amount"] for refund in world.refunds()] == [FEE]

        flows = (lambda: ending.act(world, session), lambda: world.settle("checkout.session.completed"))
        return Race(world.seam, flows, always=lambda: holds(world, session)), judge

    assert every_order(prepare) >= 6


@pytest.mark.long
@endings
def test_beside_a_client_who_presses_and_pays_nothing_is_kept(ending: Ending) -> None:
    """woocommerce/woocommerce-gateway-stripe#5362: cancelled while the client was paying, and the capture orphaned."""
    outcomes = set()

    def prepare() -> tuple[Race, Judge]:
        world = World()
        session = ahead(world)
        world.stripe.set_webhooks("drop")

        def judge(ended: list[Ended]) -> None:
            assert ended[1].error is None
            outcomes.add(len(world.charges()))
            settled_in_the_end(world, session, owed=0)

        flows = (lambda: world.press_pay(session), lambda: ending.act(world, session), _client_pays(world))
        return Race(world.seam, flows, always=lambda: holds(world, session)), judge

    _every_or_some(prepare, 200)
    assert outcomes == {0, 1}


@endings
@pytest.mark.parametrize("stage", ["offered", "paid, unheard of", "paid"])
def test_nothing_is_left_open_or_kept_wherever_the_process_died(ending: Ending, stage: str) -> None:
    def story() -> tuple[World, Session]:
        world = World()
        session = ahead(world)
        page = world.pay_page(session)
        if stage != "offered":
            world.stripe.pay(checkout_id(page.url))
        if stage == "paid":
            world.deliver()
        return world, session

    def prepare() -> tuple[Seam, Act]:
        world, session = story()
        return world.seam, partial(ending.act, world, session)

    for crash in every_crash(prepare):
        world, session = story()
        die(world.seam, partial(ending.act, world, session), crash)
        holds(world, session)
        ending.act(world, session)
        assert world.open(session).admission.door is ending.door, f"died {crash}"
        world.clock.advance(minutes=2)
        world.sweep()
        assert world.open_checkouts() == []
        assert [one["amount"] for one in world.refunds()] == [one["amount"] for one in world.charges()]
        settled_in_the_end(world, session, owed=0)
