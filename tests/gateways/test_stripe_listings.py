"""Stripe's lists: what of them is ours, what each object tells, and that one which cannot be read stays by itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.facts import ChargeSeen, CheckoutSeen, DisputeSeen, RefundSeen
from chalicelib.domain.sessions import Session
from chalicelib.gateways.stripe_events import EVENTS
from chalicelib.gateways.stripe_listings import LATER_CHANGES, Listed, Span, StripeListings
from tests.support.world import NOON, World

DAY = timedelta(days=1)


@pytest.fixture
def session(world: World) -> Session:
    """Paid; a part of it went back, and the rest is disputed."""
    world.stripe.set_webhooks("drop")
    session = world.schedule(starts_in=9 * DAY)
    charge_id = world.pay(session).charge_id
    world.stripe.refund_in_dashboard(charge_id, 1000)
    world.stripe.dispute(charge_id)
    return session


def lists(world: World, *, back: timedelta = DAY, account: str | None = None) -> StripeListings:
    span = Span(world.clock() - back, world.clock() + timedelta(seconds=1))
    return StripeListings(world.context.stripe, account, span, world.ctx.deadline)


def flat(pages: Iterator[list[Listed]]) -> list[Listed]:
    return [one for page in pages for one in page]


def spoilt(world: World, kind: str, **changes: Any) -> None:
    """Let the newest object of that kind look as another API version might show it."""
    world.stripe._world.platform.of_kind(kind)[-1].update(changes)


def test_a_charge_of_ours_tells_its_place_and_its_figures(world: World, session: Session) -> None:
    [listed] = flat(lists(world).charges())
    assert listed.place is not None
    assert (listed.place.session_id, listed.place.number) == (session.session_id, 2)
    assert isinstance(listed.shown, ChargeSeen)
    assert (listed.shown.charge.amount, listed.shown.amount_refunded) == (8000, 1000)
    assert listed.is_current


def test_refunds_and_disputes_are_placed_by_their_payment_without_another_call(world: World, session: Session) -> None:
    with world.seam.counted() as spent:
        [refund], [dispute] = flat(lists(world).refunds()), flat(lists(world).disputes())
        assert spent().stripe == 2
    for listed, kind in ((refund, RefundSeen), (dispute, DisputeSeen)):
        assert listed.place is not None
        assert listed.place.session_id == session.session_id
        assert isinstance(listed.shown, kind)
    assert isinstance(dispute.shown, DisputeSeen)
    assert dispute.shown.asked


def test_a_charge_that_failed_is_listed_and_tells_nothing(world: World) -> None:
    world.pay(world.schedule(), "4000000000000002")
    [listed] = flat(lists(world).charges())
    assert listed.object_id.startswith("ch_")
    assert (listed.shown, listed.is_strange) == (None, False)


@pytest.mark.parametrize("kind", ["charge", "refund", "dispute"])
def test_one_that_cannot_be_read_is_strange_and_the_others_are_read(world: World, session: Session, kind: str) -> None:
    world.pay(world.schedule(starts_in=9 * DAY))
    world.stripe.refund_in_dashboard(world.charges()[-1]["id"], 1000)
    world.stripe.dispute(world.charges()[-1]["id"])
    spoilt(world, kind, amount="80.00", amount_captured="80.00", status="succeeded", paid=True)
    pages = {"charge": lists(world).charges(), "refund": lists(world).refunds(), "dispute": lists(world).disputes()}
    first, second = flat(pages[kind])
    assert (first.is_strange, first.shown, first.place is None) == (True, None, False)
    assert (second.is_strange, second.shown is None) == (False, False)


def test_what_is_not_ours_is_listed_by_its_id_alone(world: World, session: Session) -> None:
    for payment_intent in world.stripe._world.platform.of_kind("payment_intent"):
        payment_intent["metadata"] = {}
    for charge in world.stripe._world.platform.of_kind("charge"):
        charge["metadata"] = {"order": "17"}
    found = [*flat(lists(world).charges()), *flat(lists(world).refunds()), *flat(lists(world).disputes())]
    assert [(one.place, one.payment_intent_id, one.shown, one.is_strange) for one in found] == [
        (None, None, None, False)
    ] * 3


def test_a_refund_or_dispute_of_a_charge_without_a_payment_intent_is_not_ours(world: World, session: Session) -> None:
    spoilt(world, "refund", payment_intent=None)
    spoilt(world, "dispute", payment_intent=None)
    found = [*flat(lists(world).refunds()), *flat(lists(world).disputes())]
    assert [(one.place, one.shown, one.is_strange) for one in found] == [(None, None, False)] * 2


@pytest.mark.parametrize(("back", "found"), [(0, 1), (59, 1), (60, 0)])
def test_objects_are_listed_by_their_own_time(world: World, session: Session, back: int, found: int) -> None:
    """From the first second on, up to and without the last."""
    span = Span(NOON - timedelta(seconds=back), NOON - timedelta(seconds=back) + timedelta(seconds=60))
    assert len(flat(StripeListings(world.context.stripe, None, span, world.ctx.deadline).charges())) == found


def test_a_span_ends_now_at_the_latest_in_whole_seconds() -> None:
    now = NOON + timedelta(milliseconds=900)
    assert Span(NOON - DAY + timedelta(milliseconds=5), NOON + DAY).until(now) == Span(NOON - DAY, NOON)
    assert Span(NOON - DAY, NOON - timedelta(hours=1)).until(now) == Span(NOON - DAY, NOON - timedelta(hours=1))
    assert Span(NOON + DAY, NOON + 2 * DAY).until(now) == Span(NOON + DAY, NOON + DAY)


# --- later changes --------------------------------------------------------------------------------------------------


def test_later_changes_are_events_that_we_handle() -> None:
    assert set(LATER_CHANGES) <= set(EVENTS)
    # Stripe takes at most twenty kinds: https://docs.stripe.com/api/events/list#list_events-types
    assert len(LATER_CHANGES) <= 20


def test_of_each_object_the_newest_change_is_told(world: World, session: Session) -> None:
    refund_id, dispute_id = world.refunds()[0]["id"], world.books()["disputes"][0]["id"]
    world.clock.advance(days=5)
    world.stripe.fail_refund(refund_id)
    world.stripe.dispute_update(dispute_id)
    world.stripe.dispute_close(dispute_id, "lost")
    with world.seam.counted() as spent:
        found = {one.object_id: one for one in flat(lists(world).later_changes())}
        assert spent().stripe == 1
    assert set(found) == {refund_id, dispute_id}
    refund, dispute = found[refund_id], found[dispute_id]
    assert isinstance(refund.shown, RefundSeen)
    assert refund.shown.refund.status.value == "failed"
    assert isinstance(dispute.shown, DisputeSeen)
    assert (dispute.shown.dispute.status.value, dispute.shown.asked) == ("lost", False)
    assert [(one.place, one.is_current, one.payment_intent_id) for one in found.values()] == [
        (None, False, world.charges()[0]["payment_intent"])
    ] * 2


def test_the_newest_change_is_told_once_though_older_ones_are_on_the_next_page(world: World, session: Session) -> None:
    refund, books = world.refunds()[0], world.stripe._world.platform
    for number in range(150):
        status = "failed" if number == 149 else "pending"
        former = {"status": "succeeded"}
        world.stripe._world.announce(books, "refund.updated", {**refund, "status": status}, previous=former)
    pages = list(lists(world).later_changes())
    assert [len(page) for page in pages] == [1, 0]
    [listed] = pages[0]
    assert isinstance(listed.shown, RefundSeen)
    assert listed.shown.refund.status.value == "failed"


def test_a_debit_that_came_through_tells_its_place(world: World) -> None:
    world.change_team(delayed_methods=("au_becs_debit",))
    session = world.schedule(starts_in=14 * DAY)
    payment = world.pay(session, "au_becs_debit")
    world.clock.advance(days=5)
    world.stripe.settle_delayed(payment.payment_intent_id, succeeded=True)
    [listed] = flat(lists(world).later_changes())
    assert listed.place is not None
    assert listed.place.session_id == session.session_id
    assert listed.payment_intent_id == payment.payment_intent_id
    assert isinstance(listed.shown, CheckoutSeen)
    assert listed.shown.state.value == "paid"


def test_a_refund_that_only_got_its_banks_reference_is_no_change(world: World, session: Session) -> None:
    """Each one does, some days later; whose it is would cost a call."""
    refund = world.refunds()[0]
    books = world.stripe._world.platform
    former: dict[str, Any] = {"destination_details": {"card": {"reference_status": "pending"}}}
    world.stripe._world.announce(books, "refund.updated", refund, previous=former)
    assert flat(lists(world).later_changes()) == []
    world.stripe._world.announce(books, "refund.updated", refund, previous={"status": "pending"})
    assert [one.object_id for one in flat(lists(world).later_changes())] == [refund["id"]]


def test_a_change_that_cannot_be_read_is_strange(world: World, session: Session) -> None:
    refund = {**world.refunds()[0], "status": "returned"}
    world.stripe._world.announce(world.stripe._world.platform, "refund.failed", refund)
    [listed] = flat(lists(world).later_changes())
    assert (listed.is_strange, listed.shown) == (True, None)


def test_an_account_is_listed_by_itself(world: World, session: Session) -> None:
    account = world.stripe.create_account("Hill Street Clinic")
    others = lists(world, account=account)
    every = (others.charges(), others.refunds(), others.disputes(), others.later_changes())
    assert [flat(pages) for pages in every] == [[], [], [], []]


def test_a_long_list_is_read_to_its_end_a_hundred_at_a_time(world: World, session: Session) -> None:
    books = world.stripe._world.platform
    [charge] = books.of_kind("charge")
    for number in range(4_200):
        books.add({**charge, "id": f"ch_other{number}", "metadata": {}})
    with world.seam.counted() as spent:
        pages = list(lists(world).charges())
        assert spent().stripe == 43
    assert [len(page) for page in pages] == [100] * 42 + [1]
    assert len({one.object_id for page in pages for one in page}) == 4_201
