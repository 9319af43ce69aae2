"""Paying again: whoever presses, however often and whatever was begun before, there is one page to pay on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain.admission import Admission, Door
from chalicelib.domain.facts import AttemptState
from chalicelib.domain.sessions import Fee, Session, cancel, remove
from chalicelib.gateways.stripe_api import StripeUncertainError
from sandbox.stripe_standin.errors import StripeError as StandInRefusal
from tests.support.invariants import settled_in_the_end
from tests.support.seam import Io, Kind, Spent
from tests.support.world import NOON, World, checkout_id, guest, host

# --- again, and again ---------------------------------------------------------------------------------------------


def test_ten_clicks_on_a_slow_stripe_lead_to_one_page(world: World) -> None:
    """Attendize/Attendize#982: up to four charges, since the server was slow and people clicked again."""
    session = world.schedule()
    clicks: list[object] = []

    def slow(io: Io) -> None:
        if io.kind is Kind.STRIPE and len(clicks) < 9:
            clicks.append(None)
            world.clock.advance(seconds=5)
            with pytest.raises(StripeUncertainError):
                world.press_pay(session)

    with world.seam.armed(before=slow):
        started = world.pay_page(session)
    assert len(clicks) == 9
    assert {world.pay_page(session).url for _ in range(10)} == {started.url}
    assert len(world.checkouts()) == 1


def test_an_offer_of_less_than_half_a_minute_is_not_asked_about(world: World) -> None:
    session = world.schedule()
    started = world.pay_page(session)
    for seconds, calls in ((29, 0), (1, 1)):
        world.clock.advance(seconds=seconds)
        with world.seam.counted() as spent:
            assert world.pay_page(session) == started
            assert spent() == Spent(reads=2 + 1, stripe=calls)


def test_an_offer_with_under_ten_minutes_to_live_is_closed_and_replaced(world: World) -> None:
    session = world.schedule(starts_in=timedelta(days=2))
    first = world.pay_page(session)
    world.clock.advance(hours=23, minutes=45)
    assert world.pay_page(session) == first
    world.clock.advance(seconds=1)
    second = world.pay_page(session)
    assert second.url != first.url
    assert world.attempt_states(session) == [AttemptState.EXPIRED, AttemptState.OPEN]
    assert [page["status"] for page in world.checkouts()] == ["expired", "open"]


def test_an_offer_that_expires_with_the_consultation_is_kept_to_the_end(world: World) -> None:
    session = world.schedule(lasts=timedelta(minutes=40))
    first = world.pay_page(session)
    world.clock.advance(minutes=39, seconds=59)
    assert world.pay_page(session) == first


def test_an_offer_to_be_replaced_that_turns_out_paid_is_paid(world: World) -> None:
    world.stripe.set_webhooks("drop")
    session = world.schedule(starts_in=timedelta(days=2))
    world.pay(session)
    world.clock.advance(hours=23, minutes=50)
    assert world.press_pay(session) == Admission(Door.EARLY, session.start_time)
    assert world.attempt_states(session) == [AttemptState.PAID]


def test_an_expired_offer_is_replaced(world: World) -> None:
    session = world.schedule(starts_in=timedelta(days=3))
    world.pay_page(session)
    world.clock.advance(days=2)
    world.pay_page(session)
    assert world.attempt_states(session) == [AttemptState.EXPIRED, AttemptState.OPEN]


def test_a_changed_fee_closes_the_old_offer_first(world: World) -> None:
    session = world.schedule()
    first = world.pay_page(session)
    world.change(session, _fee_of(9000))
    second = world.pay_page(session)
    assert [(page["amount_total"], page["status"]) for page in world.checkouts()] == [(8000, "expired"), (9000, "open")]
    assert first.url != second.url


def test_a_fee_changed_while_the_old_one_was_being_paid_gives_that_money_back(world: World) -> None:
    session = world.schedule()
    world.pay(session)
    world.change(session, _fee_of(9000))
    world.stripe.pay(checkout_id(world.pay_page(session).url))
    world.clock.advance(minutes=2)
    world.sweep()
    assert [(one["amount"], one["metadata"]["anteroom_reason"]) for one in world.refunds()] == [(8000, "fee_changed")]
    settled_in_the_end(world, session, owed=9000)


def _fee_of(amount: int) -> Callable[[Session], Session]:
    def changed(session: Session) -> Session:
        guests = [replace(one, fee=Fee(amount, "aud")) if one.fee else one for one in session.participants]
        return replace(session, participants=tuple(guests))

    return changed


@pytest.mark.parametrize(
    ("minutes_to_the_end", "expires_in"),
    [(5, 35), (29, 35), (30, 35), (31, 35), (35, 35), (36, 36), (600, 600), (24 * 60, 1435)],
)
def test_a_page_expires_with_the_consultation_within_stripes_bounds(
    world: World, minutes_to_the_end: int, expires_in: int
) -> None:
    session = world.schedule(lasts=timedelta(minutes=minutes_to_the_end))
    world.pay_page(session)
    assert world.open_checkouts()[0]["expires_at"] - int(world.clock().timestamp()) == expires_in * 60


# --- nothing to pay -----------------------------------------------------------------------------------------------


def _paid(world: World, session: Session) -> None:
    world.pay(session)
    world.deliver()


def _refunded(world: World, session: Session) -> None:
    _paid(world, session)
    world.stripe.refund_in_dashboard(world.charges()[0]["id"])
    world.deliver()


def _canceled(world: World, session: Session) -> None:
    world.change(session, lambda one: cancel(one, now=world.clock()))


def _removed(world: World, session: Session) -> None:
    world.change(session, lambda one: remove(one, 2, now=world.clock()))


def _over(world: World, session: Session) -> None:
    world.clock.set(session.end_time)


def _suspended(world: World, session: Session) -> None:
    world.change_team(suspended=True)


def _disconnected(world: World, session: Session) -> None:
    world.change_team(accounts=())


@pytest.mark.parametrize(
    ("happened", "door"),
    [
        (_paid, Door.JOIN),
        (_refunded, Door.REFUNDED),
        (_canceled, Door.CANCELED),
        (_removed, Door.REMOVED),
        (_over, Door.ENDED),
        (_suspended, Door.CANNOT_CHARGE),
        (_disconnected, Door.CANNOT_CHARGE),
    ],
)
def test_where_nothing_is_to_pay_nothing_is_made(
    world: World, happened: Callable[[World, Session], None], door: Door
) -> None:
    session = world.schedule()
    happened(world, session)
    made = len(world.checkouts())
    with world.seam.counted() as spent:
        assert world.press_pay(session) == Admission(door, NOON)
        assert (spent().stripe, spent().writes) == (0, 0)
    assert len(world.checkouts()) == made


def test_nobody_pays_while_the_bank_is_at_work(world: World) -> None:
    world.change_team(delayed_methods=("au_becs_debit",))
    session = world.schedule(starts_in=timedelta(days=10))
    world.pay(session, "au_becs_debit")
    world.deliver()
    assert world.press_pay(session) == Admission(Door.PROCESSING, session.start_time)


def test_a_guest_without_a_fee_and_a_host_have_nothing_to_pay(world: World) -> None:
    session = world.schedule(host(), guest())
    for number in (1, 2):
        assert world.press_pay(session, number) == Admission(Door.JOIN, NOON)


def test_each_guest_pays_for_themselves(world: World) -> None:
    session = world.schedule(host(), guest(Fee(8000, "aud")), guest(Fee(4000, "aud"), "Ann"))
    world.pay(session, number=2)
    world.deliver()
    assert world.open(session, 2).admission.door is Door.JOIN
    assert world.open(session, 3).admission.door is Door.PAY
    world.pay(session, number=3)
    assert sorted(one["amount"] for one in world.charges()) == [4000, 8000]


def test_a_declined_card_can_be_tried_again_on_the_same_page(world: World) -> None:
    session = world.schedule()
    url = world.pay_page(session).url
    assert world.stripe.pay(checkout_id(url), "4000000000000002").status == "declined"
    world.deliver()
    assert world.pay_page(session).url == url
    world.stripe.pay(checkout_id(url))
    world.deliver()
    assert world.open(session).admission.door is Door.JOIN


def test_the_stand_in_refuses_what_stripe_refuses(world: World) -> None:
    """What several tests above rest on: a dashboard refund beyond the charge is refused."""
    session = world.schedule()
    _refunded(world, session)
    with pytest.raises(StandInRefusal):
        world.stripe.refund_in_dashboard(world.charges()[0]["id"])
