"""Accounts that were away: what happened on them meanwhile was never told, and the next night learns it.

The same where nobody was away and the nights themselves did not come, or the goodbye never arrived.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, cast

import pytest

from chalicelib.domain.absences import unseen_of
from chalicelib.domain.admission import Door
from chalicelib.domain.facts import AttemptState, RefundStatus
from chalicelib.domain.payments import PaymentStatus
from chalicelib.domain.sessions import Session
from chalicelib.flows.accounts import deauthorized
from chalicelib.flows.nightly import NIGHTLY_SECONDS, Night, reconcile_nightly
from chalicelib.storage.stores import SessionStore, StoreUnavailableError, UnreadableError
from tests.support.platform import Platform
from tests.support.seam import Io
from tests.support.world import TEAM_ID, checkout_id

DAY = timedelta(days=1)


@pytest.fixture
def world() -> Platform:
    return Platform()


def night(world: Platform) -> Night:
    return reconcile_nightly(world.context.within(NIGHTLY_SECONDS))


def nights(world: Platform, number: int) -> Night:
    """So many in a row; what the last one brought."""
    found = Night()
    for _ in range(number):
        world.clock.advance(days=1)
        found = night(world)
    return found


def paid(world: Platform, starts_in: timedelta = 60 * DAY) -> Session:
    """Told, and compared by a night since."""
    session = world.schedule(starts_in=starts_in)
    world.pay(session)
    world.deliver()
    assert world.status(session) is PaymentStatus.PAID
    nights(world, 1)
    return session


def goes(world: Platform, *, heard: bool = True) -> None:
    world.stripe.set_webhooks("hold")
    world.stripe.deauthorize(world.account)
    if heard:
        deauthorized(world.ctx, world.account, world.clock())


def comes_back(world: Platform, after: timedelta) -> None:
    """After so many days and nights; an hour later it is night again."""
    nights(world, after.days)
    world.stripe.authorize(world.account)
    world.team = world.connect(world.newest(), world.account)
    world.clock.advance(hours=1)


def told(world: Platform, session: Session) -> list[str]:
    """What the clinic is told of the account, at this participant."""
    return list(unseen_of(world.newest(), world.participant(session).history))


def rows(world: Platform) -> list[tuple[int, int, int]]:
    """What the ledger says: paid, went back, charged back."""
    found = world.ledger.between(TEAM_ID, world.clock() - 900 * DAY, world.clock())
    return [(row.amount, row.refunded, row.charged_back) for row in found]


def charge_id(world: Platform) -> str:
    return str(world.books_of(world.account)["charges"][-1]["id"])


# --- what happened meanwhile --------------------------------------------------------------------------------------


@pytest.mark.parametrize("heard", [True, False], ids=["the goodbye came", "the goodbye never came"])
@pytest.mark.parametrize("days", [9, 45])
def test_a_refund_in_the_dashboard_is_learnt(world: Platform, days: int, *, heard: bool) -> None:
    session = paid(world)
    goes(world, heard=heard)
    world.clock.advance(days=1)
    world.stripe.refund_in_dashboard(charge_id(world))
    comes_back(world, days * DAY)
    assert world.open(session).admission.door is Door.EARLY
    assert night(world) == Night(accounts=2, found=1)
    assert world.status(session) is PaymentStatus.REFUNDED
    assert world.open(session).admission.door is not Door.EARLY
    assert rows(world) == [(8000, 8000, 0)]
    assert night(world) == Night(accounts=2)


@pytest.mark.parametrize("days", [9, 45])
def test_a_dispute_that_was_lost_is_learnt(world: Platform, days: int) -> None:
    session = paid(world)
    goes(world)
    world.clock.advance(days=1)
    world.stripe.dispute_close(world.stripe.dispute(charge_id(world)), "lost")
    comes_back(world, days * DAY)
    night(world)
    assert world.status(session) is PaymentStatus.REFUNDED
    assert rows(world) == [(8000, 0, 8000)]


@pytest.mark.parametrize("days", [9, 45])
def test_the_end_of_a_dispute_that_was_known_is_learnt(world: Platform, days: int) -> None:
    session = paid(world)
    dispute = world.stripe.dispute(charge_id(world))
    world.deliver()
    nights(world, 5)
    assert world.status(session) is PaymentStatus.DISPUTED
    goes(world)
    world.clock.advance(days=1)
    world.stripe.dispute_close(dispute, "lost")
    comes_back(world, days * DAY)
    night(world)
    assert world.status(session) is PaymentStatus.REFUNDED


@pytest.mark.parametrize("days", [9, 45])
def test_a_refund_that_failed_is_learnt(world: Platform, days: int) -> None:
    """It was made, and told as made, days before the account left."""
    session = paid(world)
    refund = world.stripe.refund_in_dashboard(charge_id(world))
    world.deliver()
    nights(world, 5)
    assert world.status(session) is PaymentStatus.REFUNDED
    goes(world)
    world.clock.advance(days=1)
    world.stripe.fail_refund(refund)
    comes_back(world, days * DAY)
    night(world)
    [kept] = world.participant(session).history.refunds
    assert kept.status is RefundStatus.FAILED
    assert world.status(session) is PaymentStatus.PAID
    assert "failed at the bank" in str(world.attention(session))
    assert rows(world) == [(8000, 0, 0)]


@pytest.mark.parametrize("days", [9, 45])
def test_money_on_a_page_thought_expired_is_learnt_and_goes_back(world: Platform, days: int) -> None:
    session = world.schedule(starts_in=DAY)
    page = checkout_id(world.pay_page(session).url)
    world.clock.set(session.end_time)
    world.sweep()
    world.deliver()
    nights(world, 1)
    assert world.attempt_states(session) == [AttemptState.EXPIRED]
    goes(world)
    world.clock.advance(days=1)
    world.stripe.force_pay(page)
    comes_back(world, days * DAY)
    night(world)
    world.sweep()
    [refund] = world.books_of(world.account)["refunds"]
    assert refund["metadata"]["anteroom_reason"] == "after_end"
    assert rows(world) == [(8000, 8000, 0)]


# --- what people are told until then ------------------------------------------------------------------------------


def test_until_it_is_done_the_clinic_is_told_since_when_not_all_is_known(world: Platform) -> None:
    session, elsewhere = paid(world), world.schedule(starts_in=DAY)
    assert told(world, session) == []
    goes(world)
    assert told(world, session) == []
    comes_back(world, 9 * DAY)
    since = f"Not all that happened on Stripe account {world.account} since 2026-03-03 11:45 UTC is known yet"
    assert told(world, session) == [f"{since}, since it may not have been connected; the coming night looks it up."]
    assert told(world, elsewhere) == []
    night(world)
    assert told(world, session) == []


def test_what_lies_too_far_back_to_be_seen_is_said(world: Platform, caplog: pytest.LogCaptureFixture) -> None:
    session = paid(world)
    goes(world)
    comes_back(world, 45 * DAY)
    [sentence] = told(world, session)
    assert sentence.endswith(
        "Stripe lists no event that is older than 30 days, so a refund or dispute that began 180 days before and "
        "ended then may stay unknown: look for such in Stripe."
    )
    night(world)
    [line] = [one for one in caplog.records if one.message == "reconcile_beyond_events"]
    assert (line.levelname, getattr(line, "account", None)) == ("ERROR", world.account)
    assert getattr(line, "since", None) == "2026-03-03T11:45:00+00:00"


def test_a_night_that_fails_leaves_it_owed(world: Platform) -> None:
    session = paid(world)
    goes(world)
    world.stripe.refund_in_dashboard(charge_id(world))
    comes_back(world, 9 * DAY)

    def down(io: Io) -> None:
        if io.name == "ledger.between":
            raise StoreUnavailableError(io.name)

    with world.seam.armed(before=down):
        assert night(world).failed > 0
    assert len(told(world, session)) == 1
    night(world)
    assert told(world, session) == []
    assert world.status(session) is PaymentStatus.REFUNDED


# --- night by night -----------------------------------------------------------------------------------------------


def test_where_the_time_is_up_the_next_night_goes_on(world: Platform, caplog: pytest.LogCaptureFixture) -> None:
    """Each call takes so long that one night cannot do it."""
    session = paid(world)
    goes(world)
    nights(world, 9)
    world.stripe.refund_in_dashboard(charge_id(world))
    comes_back(world, 3 * DAY)

    def slow(io: Io) -> None:
        if io.name.startswith("GET /v1/"):
            world.clock.advance(seconds=40)

    since = _account(world).reconciled_until
    with world.seam.armed(before=slow):
        assert night(world).unfinished
    assert caplog.messages.count("reconcile_unfinished") == 1
    assert _account(world).reconciled_until == since + timedelta(days=6)
    assert f"since {since + timedelta(days=6):%Y-%m-%d %H:%M} UTC" in told(world, session)[0]
    with world.seam.armed(before=slow):
        assert not night(world).unfinished
    assert world.status(session) is PaymentStatus.REFUNDED
    assert told(world, session) == []


def test_what_cannot_be_compared_is_not_passed(world: Platform) -> None:
    session = paid(world)
    goes(world)
    world.stripe.refund_in_dashboard(charge_id(world))
    comes_back(world, 9 * DAY)
    until = _account(world).reconciled_until

    def refuses(io: Io) -> None:
        if io.name == "sessions.get":
            raise StoreUnavailableError(io.name)

    with world.seam.armed(before=refuses):
        assert night(world).failed == 1
    assert _account(world).reconciled_until == until
    assert night(world).failed == 0
    assert world.status(session) is PaymentStatus.REFUNDED


@dataclass
class OneUnreadable:
    """The sessions, of which one is kept and cannot be read."""

    inner: SessionStore
    session_id: str

    def get(self, team_id: str, session_id: str) -> Session:
        if session_id == self.session_id:
            raise UnreadableError(session_id)
        return self.inner.get(team_id, session_id)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 (all else is the store's)
        return getattr(self.inner, name)


def test_a_session_that_cannot_be_compared_holds_up_no_other_and_is_not_passed(world: Platform) -> None:
    first, second = paid(world), paid(world)
    goes(world)
    of_first, of_second = (str(one["id"]) for one in world.books_of(world.account)["charges"])
    world.stripe.refund_in_dashboard(of_first)
    nights(world, 5)
    world.stripe.refund_in_dashboard(of_second)
    comes_back(world, 4 * DAY)
    until, sessions = _account(world).reconciled_until, world.context.sessions
    world.context = replace(world.context, sessions=cast("SessionStore", OneUnreadable(sessions, first.session_id)))
    for _ in range(2):
        assert night(world).failed == 1
    world.context = replace(world.context, sessions=sessions)
    assert (world.status(first), world.status(second)) == (PaymentStatus.PAID, PaymentStatus.REFUNDED)
    assert (_account(world).reconciled_until, len(told(world, first))) == (until, 1)
    assert night(world).failed == 0
    assert (world.status(first), told(world, first)) == (PaymentStatus.REFUNDED, [])


def _account(world: Platform) -> Any:  # noqa: ANN401 (it is there)
    return world.newest().account(world.account)


def test_all_is_known_until_where_the_night_has_looked(world: Platform) -> None:
    paid(world)
    assert _account(world).reconciled_until == world.clock() - timedelta(minutes=15)
    own = world.newest(world.other_team).account(None)
    assert own is not None
    assert own.reconciled_until == world.clock() - timedelta(minutes=15)


def test_nights_that_did_not_come_are_made_up_for(world: Platform, caplog: pytest.LogCaptureFixture) -> None:
    """On the deployment's own account, too; and the webhooks did not come either."""
    caplog.set_level(logging.INFO, "anteroom")
    session = world.schedule(starts_in=60 * DAY, team=world.other_team)
    nights(world, 1)
    world.stripe.set_webhooks("drop")
    world.pay(session)
    world.clock.advance(days=8)
    caplog.clear()
    assert night(world) == Night(accounts=2, found=1)
    assert world.status(session) is PaymentStatus.PAID
    assert len([one for one in caplog.records if one.message == "reconciled"]) == 2 * 3
    assert night(world) == Night(accounts=2)


def test_an_account_that_is_new_owes_nothing(world: Platform, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "anteroom")
    assert night(world) == Night(accounts=2)
    assert caplog.messages.count("reconciled") == 2
