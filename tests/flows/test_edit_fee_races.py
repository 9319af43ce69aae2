"""A change of fee beside the client who pays, beside another change, and after a crash at each of its steps."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from chalicelib.domain.edits import AlreadyPaidError
from chalicelib.domain.sessions import Fee, Session
from chalicelib.flows.checkout import PaymentStarted
from chalicelib.gateways.stripe_api import StripeError
from tests.support.crashes import Act, die, every_crash
from tests.support.examples import IS_LONG
from tests.support.fee_stages import OTHER, Stage, change_fee, expired, offered, scheduled, unanswered, unsent
from tests.support.interleaving import Ended, Judge, Race, every_order, some_orders
from tests.support.invariants import holds, settled_in_the_end
from tests.support.seam import Io, Kind, Seam
from tests.support.world import World, checkout_id

# --- beside others ------------------------------------------------------------------------------------------------


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


def _race(world: World, session: Session, *flows: Callable[[], object]) -> Race:
    return Race(world.seam, flows, always=lambda: holds(world, session))


@pytest.mark.long
@pytest.mark.parametrize("stage", [scheduled, offered, unsent, unanswered])
def test_beside_a_client_who_presses_pay_the_newest_page_asks_for_the_fee_as_it_stands(
    stage: Callable[[], Stage],
) -> None:
    def prepare() -> tuple[Race, Judge]:
        world, session = stage()
        world.clock.advance(minutes=1)

        def judge(ended: list[Ended]) -> None:
            for one in ended:
                assert one.error is None or isinstance(one.error, StripeError)
            owed = 9000 if ended[0].error is None else 8000
            fee = world.participant(session).fee
            assert fee is not None
            assert fee.amount == owed
            world.clock.advance(seconds=31)
            page = world.pay_page(session)
            assert [(one["url"], one["amount_total"]) for one in world.open_checkouts()] == [(page.url, owed)]
            world.stripe.pay(checkout_id(page.url))
            settled_in_the_end(world, session, owed=owed)

        flows = (lambda: change_fee(world, session), lambda: world.press_pay(session))
        return _race(world, session, *flows), judge

    _every_or_some(prepare, 150)


@pytest.mark.long
def test_beside_a_client_who_presses_and_pays_the_fee_is_changed_or_paid() -> None:
    outcomes = set()

    def prepare() -> tuple[Race, Judge]:
        world, session = offered()
        world.clock.advance(minutes=1)

        def judge(ended: list[Ended]) -> None:
            changed = ended[0].error is None
            assert changed or isinstance(ended[0].error, AlreadyPaidError | StripeError)
            paid = [charge["amount"] for charge in world.charges()]
            outcomes.add((changed, *paid))
            settled_in_the_end(world, session, owed=sum(paid))

        flows = (lambda: change_fee(world, session), lambda: world.press_pay(session), _client_pays(world))
        return _race(world, session, *flows), judge

    _every_or_some(prepare, 200)
    assert {(True,), (True, 9000), (False, 8000)} <= outcomes
    assert (True, 8000) not in outcomes


def test_two_changes_of_one_fee_end_in_one_of_them() -> None:
    def prepare() -> tuple[Race, Judge]:
        world, session = offered()

        def judge(ended: list[Ended]) -> None:
            assert [one.error for one in ended] == [None, None]
            fee = world.participant(session).fee
            assert fee in {OTHER, Fee(7000, "aud")}
            assert world.open_checkouts() == []

        flows = [partial(change_fee, world, session, fee) for fee in (OTHER, Fee(7000, "aud"))]
        return _race(world, session, *flows), judge

    assert every_order(prepare) >= 20


# --- crashes ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stage", [offered, expired, unsent, unanswered])
def test_a_change_that_died_anywhere_is_done_by_its_retry(stage: Callable[[], Stage]) -> None:
    def prepare() -> tuple[Seam, Act]:
        world, session = stage()
        return world.seam, partial(change_fee, world, session)

    for crash in every_crash(prepare):
        world, session = stage()
        die(world.seam, partial(change_fee, world, session), crash)
        holds(world, session)
        assert change_fee(world, session).fee == OTHER, f"died {crash}"
        page = world.press_pay(session)
        assert isinstance(page, PaymentStarted)
        assert [one["amount_total"] for one in world.open_checkouts()] == [9000]
        world.stripe.pay(checkout_id(page.url))
        settled_in_the_end(world, session, owed=9000)


@pytest.mark.parametrize("stage", [offered, unsent, unanswered])
def test_a_change_that_died_anywhere_and_is_not_repeated_leaves_one_fee_to_pay(stage: Callable[[], Stage]) -> None:
    def prepare() -> tuple[Seam, Act]:
        world, session = stage()
        return world.seam, partial(change_fee, world, session)

    for crash in every_crash(prepare):
        world, session = stage()
        die(world.seam, partial(change_fee, world, session), crash)
        world.clock.advance(minutes=2)
        world.sweep()
        holds(world, session)
        fee = world.participant(session).fee
        assert fee in {OTHER, Fee(8000, "aud")}
        world.pay(session)
        assert [Fee(charge["amount"], "aud") for charge in world.charges()] == [fee]
        settled_in_the_end(world, session, owed=sum(charge["amount"] for charge in world.charges()))
