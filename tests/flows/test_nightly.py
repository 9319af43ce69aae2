"""The nightly reconciliation: every account, a bounded time, log lines that alarms are made of."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest

from chalicelib.domain.payments import PaymentStatus
from chalicelib.domain.sessions import Session
from chalicelib.domain.teams import PayeeAccount, Team
from chalicelib.flows.nightly import NIGHTLY_SECONDS, Night, reconcile_nightly
from chalicelib.storage.stores import StoreUnavailableError
from tests.support.seam import Io
from tests.support.world import World

THIRD_TEAM_ID = "33333333-3333-4333-8333-333333333333"


def night(world: World) -> Night:
    return reconcile_nightly(world.context.within(NIGHTLY_SECONDS))


@pytest.fixture
def connected(world: World) -> Team:
    """A clinic that is paid on its own account."""
    account = world.stripe.create_account("Bay Road Clinic")
    return world.add_team(THIRD_TEAM_ID, "Bay Road Clinic", accounts=(PayeeAccount(account),))


def lost_payment(world: World, team: Team | None = None) -> Session:
    """Paid an hour ago, and nobody told us."""
    world.stripe.set_webhooks("drop")
    session = world.schedule(starts_in=timedelta(days=9), team=team)
    world.pay(session)
    world.clock.advance(hours=1)
    return session


def test_a_lost_payment_is_mended_and_told_by_its_ids_alone(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "anteroom")
    session = lost_payment(world)
    assert night(world) == Night(accounts=1, found=1)
    assert world.status(session) is PaymentStatus.PAID
    [line] = [one for one in caplog.records if one.message == "reconcile_difference"]
    told = {name: getattr(line, name) for name in ("account", "kind", "about", "session_id", "participant")}
    assert told == {
        "account": "own",
        "kind": "payment_unknown",
        "about": world.charges()[0]["id"],
        "session_id": session.session_id,
        "participant": 2,
    }
    assert (line.levelname, getattr(line, "is_mended", None)) == ("WARNING", True)
    [whole] = [one for one in caplog.records if one.message == "reconciled"]
    assert [getattr(whole, name) for name in ("account", "charges", "others", "found", "left")] == ["own", 1, 0, 1, 0]


def test_every_account_that_a_team_is_paid_on_is_compared_once(world: World, connected: Team) -> None:
    """Two clinics are on our own account, one on its own."""
    own, other = lost_payment(world), lost_payment(world, connected)
    assert night(world) == Night(accounts=2, found=2)
    assert world.status(own) is PaymentStatus.PAID
    assert world.status(other) is PaymentStatus.PAID
    assert night(world) == Night(accounts=2)


def test_no_account_is_always_the_last(world: World, connected: Team, caplog: pytest.LogCaptureFixture) -> None:
    """Else it would be the one for which there is no time, night after night."""
    caplog.set_level(logging.INFO, "anteroom")
    for _ in range(12):
        night(world)
    order = [getattr(one, "account", None) for one in caplog.records if one.message == "reconciled"]
    assert len(order) == 24
    assert set(order[0::2]) == {"own", connected.accounts[0].stripe_account_id}


def test_an_account_that_stripe_refuses_holds_up_no_other(
    world: World, connected: Team, caplog: pytest.LogCaptureFixture
) -> None:
    account = connected.accounts[0].stripe_account_id
    world.stripe.deauthorize(str(account))
    session = lost_payment(world)
    assert night(world) == Night(accounts=2, found=1, failed=1)
    assert world.status(session) is PaymentStatus.PAID
    [line] = [one for one in caplog.records if one.message == "reconcile_failed"]
    assert (getattr(line, "account", None), getattr(line, "error", None)) == (account, "AccountGoneError")


def test_what_happened_within_the_last_quarter_of_an_hour_is_still_on_its_way(world: World) -> None:
    world.stripe.set_webhooks("drop")
    world.pay(world.schedule(starts_in=timedelta(days=9)))
    world.clock.advance(minutes=15)
    assert night(world) == Night(accounts=1)
    world.clock.advance(seconds=1)
    assert night(world) == Night(accounts=1, found=1)


def test_three_days_are_looked_back(world: World) -> None:
    session = lost_payment(world)
    world.clock.advance(days=3)
    assert night(world) == Night(accounts=1)
    assert world.status(session) is PaymentStatus.UNPAID
    world.clock.advance(hours=-1)
    assert night(world) == Night(accounts=1, found=1)


def test_a_night_that_runs_out_of_time_says_so_and_begins_nothing_more(
    world: World, connected: Team, caplog: pytest.LogCaptureFixture
) -> None:
    sessions = [lost_payment(world), lost_payment(world, connected)]

    def slow(io: Io) -> None:
        if io.name.startswith("GET /v1/charges"):
            world.clock.advance(seconds=NIGHTLY_SECONDS - 10)

    with world.seam.armed(before=slow):
        assert night(world) == Night(accounts=2, unfinished=True)
    assert caplog.messages.count("reconcile_unfinished") == 2
    assert [world.status(session) for session in sessions] == [PaymentStatus.UNPAID] * 2
    assert night(world) == Night(accounts=2, found=2)


def test_what_cannot_be_mended_is_found_night_after_night(world: World, caplog: pytest.LogCaptureFixture) -> None:
    lost_payment(world)
    world.sessions._items.clear()
    for _ in range(2):
        assert night(world) == Night(accounts=1, found=1, left=1)
    assert caplog.messages.count("reconcile_difference") == 2


def test_a_ledger_that_does_not_answer_is_a_failure_and_not_a_difference(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    lost_payment(world)

    def down(io: Io) -> None:
        if io.name == "ledger.between":
            raise StoreUnavailableError(io.name)

    with world.seam.armed(before=down):
        done = night(world)
    assert (done.found, done.left) == (0, 0)
    assert done.failed >= 1
    assert "reconcile_difference" not in caplog.messages
    assert night(world) == Night(accounts=1, found=1)


def test_money_that_a_person_was_told_of_already_is_no_difference(world: World) -> None:
    """A payment that is not what was asked for stays as it is until somebody settles it: no alarm every night."""
    session = lost_payment(world)
    for kind in ("checkout.session.completed", "charge.succeeded"):
        world.settle(kind)
    [attempt] = world.participant(session).history.attempts
    copied = next(one for one in world.books()["charges"])
    strange = {**copied, "id": "ch_copied", "payment_intent": "pi_copied", "amount": 9000, "amount_captured": 9000}
    world.stripe._world.platform.add(strange)
    assert night(world) == Night(accounts=1, found=1)
    assert "look at it in Stripe" in (world.attention(session) or "")
    payments = {one.payment_intent_id: one for one in world.participant(session).history.payments}
    assert payments["pi_copied"].paid is None
    assert payments["pi_copied"].attempt_id == attempt.attempt_id
    assert night(world) == Night(accounts=1)


def test_no_team_no_account_nothing_to_do(world: World) -> None:
    world.teams._texts.clear()
    assert night(world) == Night()
