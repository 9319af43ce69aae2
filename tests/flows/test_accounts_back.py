"""Money on accounts that leave and come back, are restricted, or give way to another: nobody waits for nothing.

Each story was told by a reader who looked for clients that are locked out with nobody told.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from chalicelib.domain.accounts import made_default
from chalicelib.domain.admission import Door
from chalicelib.domain.edits import ParticipantEdit
from chalicelib.domain.erasure import Hindrance, hindrance
from chalicelib.domain.leaving import Hold
from chalicelib.domain.obligations import due_at
from chalicelib.domain.payments import PaymentStatus
from chalicelib.domain.sessions import Fee, Session
from chalicelib.flows.accounts import deauthorized
from chalicelib.flows.by_hand import settle_by_hand
from chalicelib.flows.change_team import change_team
from chalicelib.flows.checkout import PaymentStarted
from chalicelib.flows.close_offers import OfferOutOfReachError
from chalicelib.flows.disconnect import MoneyHeldError, disconnect
from chalicelib.flows.edit_participants import update_participant
from chalicelib.flows.waive import waive
from tests.support.platform import Platform
from tests.support.world import TEAM_ID, checkout_id

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def world() -> Platform:
    return Platform()


def goes(world: Platform) -> None:
    """Of what Stripe tells, its goodbye alone arrives."""
    world.stripe.set_webhooks("hold")
    world.stripe.deauthorize(world.account)
    deauthorized(world.ctx, world.account, world.clock())


def comes_back(world: Platform) -> None:
    world.stripe.authorize(world.account)
    world.team = world.connect(world.newest(), world.account)


def another_is_the_default(world: Platform) -> str:
    account = world.stripe.create_account()
    world.team = world.connect(world.newest(), account)
    world.team = change_team(world.ctx, TEAM_ID, lambda team: made_default(team, account))
    return account


def pass_by(world: Platform, times: int, step: timedelta) -> None:
    for _ in range(times):
        world.clock.advance(seconds=step.total_seconds())
        world.sweep()


def offered(world: Platform, starts_in: timedelta) -> tuple[Session, str]:
    session = world.schedule(starts_in=starts_in)
    return session, checkout_id(world.pay_page(session).url)


def settle_look(world: Platform, session: Session) -> None:
    """The operator has looked in the clinic's dashboard."""
    key = f"look:{world.participant(session).history.attempts[-1].attempt_id}"
    settle_by_hand(world.ctx, TEAM_ID, session.participant_id(2), key, "I looked")


# --- what is seen again -------------------------------------------------------------------------------------------


def test_an_account_that_is_back_is_seen_within_two_hours_and_not_when_the_next_look_is_due(world: Platform) -> None:
    session, page = offered(world, 4 * HOUR)
    pass_by(world, 13, timedelta(minutes=5))
    world.stripe.set_webhooks("hold")
    world.stripe.deauthorize(world.account)
    world.press_pay(session)
    world.stripe.pay(page)
    world.stripe.authorize(world.account)
    pass_by(world, 75, timedelta(minutes=1))
    assert world.status(session) is PaymentStatus.PAID


def test_after_weeks_it_is_seen_within_thirty_hours(world: Platform) -> None:
    session, page = offered(world, 40 * DAY)
    goes(world)
    world.stripe.pay(page)
    pass_by(world, 24 * 14, HOUR)
    with world.seam.counted() as spent:
        pass_by(world, 72, HOUR)
    assert 2 <= spent().stripe <= 3
    comes_back(world)
    pass_by(world, 30, HOUR)
    assert world.status(session) is PaymentStatus.PAID
    assert world.attention(session) is None


def test_a_change_of_fee_that_was_refused_bars_nobody_once_it_is_back(world: Platform) -> None:
    session, _ = offered(world, DAY)
    goes(world)
    edit = ParticipantEdit(fee=Fee(9000, "aud"))
    with pytest.raises(OfferOutOfReachError):
        update_participant(world.ctx, world.team, session.participant_id(2), edit)
    comes_back(world)
    pass_by(world, 2, HOUR)
    assert world.open(session).admission.door is Door.PAY
    update_participant(world.ctx, world.team, session.participant_id(2), edit)
    assert world.books_of(world.account)["checkout_sessions"][0]["status"] == "expired"


# --- what a person says -------------------------------------------------------------------------------------------


def test_who_paid_on_it_and_was_settled_can_be_let_in(world: Platform) -> None:
    """Their charge was told and the Checkout Session was not; then the account went."""
    session = world.schedule(starts_in=timedelta(minutes=30))
    world.stripe.set_webhooks("hold")
    world.pay(session)
    world.settle("charge.succeeded")
    goes(world)
    pass_by(world, 1, timedelta(minutes=3))
    settle_look(world, session)
    assert "is not the one that was asked for" in str(world.attention(session))
    world.clock.advance(minutes=30)
    waive(world.ctx, TEAM_ID, session.participant_id(2), "paid, I saw it")
    assert world.open(session).admission.door is Door.JOIN


def test_it_is_given_up_whatever_the_last_failure_was(world: Platform) -> None:
    session, _ = offered(world, DAY)
    goes(world)
    pass_by(world, 1, timedelta(minutes=3))
    world.stripe.fail_next("timeout_before", 2)
    pass_by(world, 1, timedelta(minutes=2))
    settle_look(world, session)
    world.stripe.clear_faults()
    world.team = world.connect(world.newest())
    assert isinstance(world.press_pay(session), PaymentStarted)


def test_what_was_settled_before_the_account_went_is_told_again_and_can_be_given_up(world: Platform) -> None:
    session, _ = offered(world, DAY)
    world.stripe.fail_next("timeout_before", 99)
    pass_by(world, 60, timedelta(minutes=3))
    settle_look(world, session)
    assert world.attention(session) is None
    world.stripe.clear_faults()
    goes(world)
    world.team = world.connect(world.newest())
    assert not isinstance(world.press_pay(session), PaymentStarted)
    assert "is not connected any more" in str(world.attention(session))
    settle_look(world, session)
    assert isinstance(world.press_pay(session), PaymentStarted)


def test_what_was_given_up_is_known_however_many_offers_come_after_it(world: Platform) -> None:
    session, page = offered(world, 6 * DAY)
    goes(world)
    world.stripe.pay(page)
    first = world.account
    pass_by(world, 1, timedelta(minutes=3))
    settle_look(world, session)
    world.stripe.set_webhooks("deliver")
    world.team = world.connect(world.newest())
    for _ in range(3):
        world.pay_page(session)
        pass_by(world, 1, DAY)
        world.deliver()
    world.stripe.authorize(first)
    for event in world.books_of(first)["events"]:
        world.stripe.resend(event["id"])
    world.deliver()
    assert world.status(session) is PaymentStatus.PAID


# --- what must not be left ----------------------------------------------------------------------------------------


def test_an_account_is_not_left_while_a_payment_on_it_has_no_date(world: Platform) -> None:
    """It was paid after the end, and goes back once its charge is known."""
    session = world.schedule(lasts=timedelta(minutes=30))
    page = checkout_id(world.pay_page(session).url)
    world.clock.advance(minutes=31)
    world.stripe.set_webhooks("hold")
    world.stripe.pay(page)
    world.settle("checkout.session.completed")
    with pytest.raises(MoneyHeldError) as raised:
        disconnect(world.ctx, TEAM_ID, None, force=False)
    assert [one.hold for one in raised.value.held] == [Hold.UNCLEAR]


def test_a_team_is_not_erased_while_a_debit_is_on_its_way(world: Platform) -> None:
    world.team = world.change_team(delayed_methods=("au_becs_debit",))
    session = world.schedule(starts_in=14 * DAY)
    world.pay(session, "au_becs_debit")
    world.deliver()
    world.stripe.fail_next("timeout_before", 99)
    pass_by(world, 3, 6 * HOUR)
    settle_look(world, session)
    world.stripe.set_webhooks("hold")
    world.clock.set(session.end_time + 2 * HOUR)
    assert due_at(world.session(session)) is None
    assert hindrance(world.session(session), world.clock()) is Hindrance.OWED


# --- another account ----------------------------------------------------------------------------------------------


def test_who_was_refused_on_one_account_is_not_kept_waiting_on_another(world: Platform) -> None:
    session = world.schedule(starts_in=3 * HOUR)
    world.stripe.set_webhooks("hold")
    world.stripe.set_charges_enabled(world.account, enabled=False)
    for _ in range(120):
        assert not isinstance(world.press_pay(session), PaymentStarted)
        world.clock.advance(minutes=1)
    another_is_the_default(world)
    assert isinstance(world.press_pay(session), PaymentStarted)


def test_nobody_is_sent_to_the_page_of_a_restricted_account_when_another_is_the_default(world: Platform) -> None:
    session, _ = offered(world, DAY)
    world.stripe.set_charges_enabled(world.account, enabled=False)
    world.deliver()
    second = another_is_the_default(world)
    world.clock.advance(minutes=5)
    world.pay_page(session)
    assert [one["status"] for one in world.books_of(world.account)["checkout_sessions"]] == ["expired"]
    assert [one["status"] for one in world.books_of(second)["checkout_sessions"]] == ["open"]


def test_a_page_that_can_be_paid_stays_though_the_default_has_moved(world: Platform) -> None:
    session, page = offered(world, DAY)
    another_is_the_default(world)
    world.clock.advance(minutes=5)
    assert checkout_id(world.pay_page(session).url) == page
