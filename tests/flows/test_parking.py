"""Events that fail whatever Stripe does: parked at the fifth failure, in nobody's way, and replayed when asked."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.payments import PaymentStatus
from chalicelib.domain.sessions import Session
from chalicelib.domain.teams import PayeeAccount
from chalicelib.flows.park import replay, settle_or_park
from chalicelib.flows.settle import Settled
from chalicelib.gateways.stripe_api import StripeRefusedError
from chalicelib.gateways.stripe_events import Event, read_event
from chalicelib.gateways.stripe_objects import StrangeObjectError
from chalicelib.storage.stores import ConflictError, NewerSchemaError, ParkedEvent, StoreUnavailableError
from sandbox.stripe_standin.deliveries import signature
from tests.support.seam import Io, Spent
from tests.support.world import WEBHOOK_SECRET, World

COMPLETED = "checkout.session.completed"
THIRD_TEAM_ID = "33333333-3333-4333-8333-333333333333"


@pytest.fixture
def session(world: World) -> Session:
    """Paid at Stripe; nothing of it has arrived."""
    session = world.schedule(starts_in=timedelta(days=40))
    world.stripe.set_webhooks("drop")
    world.pay(session)
    return session


def changed_event(world: World, kind: str, change: Callable[[dict[str, Any]], object]) -> Event:
    """The newest event of that kind as another API version might tell it, signed."""
    body = next(one.body for one in reversed(world.stripe.deliveries) if one.event_type == kind)
    written: dict[str, Any] = json.loads(body)
    change(written["data"]["object"])
    return signed(world, written)


def signed(world: World, written: Mapping[str, Any]) -> Event:
    body, now = json.dumps(written).encode(), world.clock()
    return read_event(body, signature(WEBHOOK_SECRET, body, now), [WEBHOOK_SECRET], now.timestamp())


def strange_event(world: World, kind: str = COMPLETED) -> Event:
    """One that cannot be read: its amount is written as text."""
    return changed_event(world, kind, lambda thing: thing.update(amount_total="80.00", amount="80.00"))


def fail(world: World, event: Event, times: int, error: type[Exception] = StrangeObjectError) -> None:
    for _ in range(times):
        with pytest.raises(error):
            settle_or_park(world.ctx, event)
        world.clock.advance(hours=1)


def poisoned(error: Exception) -> Callable[[Io], None]:
    """Every read of a session raises."""

    def raised(io: Io) -> None:
        if io.name == "sessions.get":
            raise error

    return raised


def parked(world: World) -> list[ParkedEvent]:
    return list(world.parked_events.all())


# --- on the way there ---------------------------------------------------------------------------------------------


def test_four_failures_are_delivered_again_and_the_fifth_is_parked_and_answered(
    world: World, session: Session, caplog: pytest.LogCaptureFixture
) -> None:
    event, first = strange_event(world), world.clock()
    fail(world, event, 4)
    assert [(one.failures, one.is_parked) for one in parked(world)] == [(4, False)]
    assert "event_parked" not in caplog.messages
    last = world.clock()
    assert settle_or_park(world.ctx, event) is Settled.PARKED
    assert parked(world) == [
        ParkedEvent("own", event.event_id, COMPLETED, 5, "StrangeObjectError", first, last, is_parked=True)
    ]
    assert world.status(session) is PaymentStatus.UNPAID


def test_a_parked_event_is_logged_by_its_id_and_its_kind_of_error(
    world: World, session: Session, caplog: pytest.LogCaptureFixture
) -> None:
    """The alarm counts this line."""
    event = strange_event(world)
    fail(world, event, 4)
    settle_or_park(world.ctx, event)
    [line] = [one for one in caplog.records if one.message == "event_parked"]
    told = {name: getattr(line, name) for name in ("event_id", "account", "kind", "error", "failures")}
    assert told == {
        "event_id": event.event_id,
        "account": "own",
        "kind": COMPLETED,
        "error": "StrangeObjectError",
        "failures": 5,
    }
    assert line.levelno == logging.ERROR


def test_an_error_that_nobody_foresaw_is_parked_too(world: World, session: Session) -> None:
    event = world.event(COMPLETED)
    with world.seam.armed(before=poisoned(ZeroDivisionError())):
        fail(world, event, 4, ZeroDivisionError)
        assert settle_or_park(world.ctx, event) is Settled.PARKED
    assert [one.error for one in parked(world)] == ["ZeroDivisionError"]


@pytest.mark.parametrize(
    "error", [StoreUnavailableError("throttled"), ConflictError("others"), NewerSchemaError("newer")]
)
def test_what_another_delivery_will_mend_is_never_counted(world: World, session: Session, error: Exception) -> None:
    event = world.event(COMPLETED)
    with world.seam.armed(before=poisoned(error)):
        fail(world, event, 7, type(error))
    assert parked(world) == []
    assert settle_or_park(world.ctx, event) is Settled.KEPT


def test_a_stripe_that_does_not_answer_parks_nothing(world: World, session: Session) -> None:
    settle_or_park(world.ctx, world.event(COMPLETED))
    world.stripe.refund_in_dashboard(world.charges()[0]["id"])
    world.stripe.fail_next("timeout_before", 100)
    event = world.event("refund.created")
    for _ in range(7):
        with pytest.raises(Exception, match="status none"):
            settle_or_park(world.ctx, event)
    assert parked(world) == []


def test_where_failures_cannot_be_counted_stripe_delivers_again(world: World, session: Session) -> None:
    def down(io: Io) -> None:
        if io.name.startswith("parked_events"):
            raise StoreUnavailableError(io.name)

    event = strange_event(world)
    with world.seam.armed(before=down):
        fail(world, event, 7)
    assert parked(world) == []


def test_two_deliveries_that_fail_at_once_count_one_and_are_both_delivered_again(
    world: World, session: Session
) -> None:
    event = strange_event(world)
    met: list[str] = []

    def beside(io: Io) -> None:
        if io.name == "parked_events.save" and not met:
            met.append(io.name)
            fail(world, event, 1)

    with world.seam.armed(before=beside):
        fail(world, event, 1)
    assert [one.failures for one in parked(world)] == [1]


# --- in nobody's way ----------------------------------------------------------------------------------------------


def test_other_events_flow_while_one_is_poison(world: World, session: Session) -> None:
    """ai-shifu/ai-shifu#2855: the sweeper failed on the same item every minute."""
    bad = strange_event(world)
    fail(world, bad, 4)
    assert settle_or_park(world.ctx, world.event("charge.succeeded")) is Settled.KEPT
    assert settle_or_park(world.ctx, bad) is Settled.PARKED
    world.sweep()
    assert world.status(session) is PaymentStatus.PAID


def test_a_strange_event_of_the_clinics_other_business_is_ignored(world: World, session: Session) -> None:
    settle_or_park(world.ctx, world.event(COMPLETED))
    world.stripe.refund_in_dashboard(world.charges()[0]["id"])
    event = changed_event(
        world, "refund.created", lambda refund: refund.update(amount="80.00", payment_intent="pi_of_others")
    )
    assert settle_or_park(world.ctx, event) is Settled.NOT_OURS
    assert parked(world) == []


def test_a_strange_event_of_another_account_or_of_no_session_is_ignored(world: World, session: Session) -> None:
    [body] = [one.body for one in world.stripe.deliveries if one.event_type == COMPLETED]
    written = json.loads(body)
    written["data"]["object"]["amount_total"] = "80.00"
    assert settle_or_park(world.ctx, signed(world, {**written, "account": "acct_1Stranger"})) is Settled.OTHER_ACCOUNT
    world.sessions._items.clear()
    assert settle_or_park(world.ctx, signed(world, written)) is Settled.NO_SESSION
    assert parked(world) == []


# --- what it costs ------------------------------------------------------------------------------------------------


def test_an_event_that_comes_at_once_costs_nothing_more(world: World, session: Session) -> None:
    event = world.event(COMPLETED)
    world.clock.advance(seconds=30)
    with world.seam.counted() as spent:
        assert settle_or_park(world.ctx, event) is Settled.KEPT
        assert spent() == Spent(reads=1, writes=1)


def test_one_that_comes_late_is_looked_for_among_the_parked_for_one_read(world: World, session: Session) -> None:
    event = world.event(COMPLETED)
    world.clock.advance(seconds=31)
    with world.seam.counted() as spent:
        assert settle_or_park(world.ctx, event) is Settled.KEPT
        assert spent() == Spent(reads=2, writes=1)


def test_a_failure_costs_one_read_and_one_write(world: World, session: Session) -> None:
    event = strange_event(world)
    for _ in range(2):
        with world.seam.counted() as spent:
            fail(world, event, 1)
            assert spent() == Spent(reads=2, writes=1)


# --- out again ----------------------------------------------------------------------------------------------------


def test_a_parked_event_that_stripe_sends_again_and_that_succeeds_is_parked_no_more(
    world: World, session: Session
) -> None:
    event = world.event(COMPLETED)
    with world.seam.armed(before=poisoned(ZeroDivisionError())):
        fail(world, event, 4, ZeroDivisionError)
        settle_or_park(world.ctx, event)
    assert settle_or_park(world.ctx, event) is Settled.KEPT
    assert parked(world) == []
    assert world.status(session) is PaymentStatus.PAID


def test_what_was_counted_and_cannot_be_forgotten_does_not_fail_what_is_kept(world: World, session: Session) -> None:
    def down(io: Io) -> None:
        if io.name == "parked_events.remove":
            raise StoreUnavailableError(io.name)

    event = world.event(COMPLETED)
    with world.seam.armed(before=poisoned(ZeroDivisionError())):
        fail(world, event, 1, ZeroDivisionError)
    with world.seam.armed(before=down):
        assert settle_or_park(world.ctx, event) is Settled.KEPT
    assert len(parked(world)) == 1


def parked_by_a_bug(world: World, kind: str = COMPLETED) -> ParkedEvent:
    event = world.event(kind)
    with world.seam.armed(before=poisoned(ZeroDivisionError())):
        fail(world, event, 4, ZeroDivisionError)
        settle_or_park(world.ctx, event)
    [one] = parked(world)
    return one


def test_a_replay_fetches_the_event_from_stripe_and_settles_it(world: World, session: Session) -> None:
    one = parked_by_a_bug(world)
    assert replay(world.ctx, one) is Settled.KEPT
    assert parked(world) == []
    assert world.status(session) is PaymentStatus.PAID


def test_a_replay_that_fails_again_is_one_failure_more(world: World, session: Session) -> None:
    one = parked_by_a_bug(world)
    with world.seam.armed(before=poisoned(KeyError("session"))), pytest.raises(KeyError):
        replay(world.ctx, one)
    assert [(kept.failures, kept.error, kept.is_parked) for kept in parked(world)] == [(6, "KeyError", True)]


def test_stripe_gives_an_event_for_thirty_days(world: World, session: Session) -> None:
    one = parked_by_a_bug(world)
    world.clock.advance(days=31)
    with pytest.raises(StripeRefusedError) as refused:
        replay(world.ctx, one)
    assert refused.value.code == "resource_missing"
    assert parked(world) == [one]


def test_an_event_of_a_connected_account_is_fetched_from_that_account(world: World) -> None:
    account = world.stripe.create_account("Bay Road Clinic")
    team = world.add_team(THIRD_TEAM_ID, "Bay Road Clinic", accounts=(PayeeAccount(account),))
    world.stripe.set_webhooks("drop")
    session = world.schedule(team=team)
    world.stripe.add_webhook_endpoint("https://anteroom.example/stripe/connect/webhook", "whsec_connect", connect=True)
    world.pay(session)
    [body] = [one.body for one in world.stripe.deliveries if one.event_type == COMPLETED]
    event = signed(world, json.loads(body))
    assert event.stripe_account_id == account
    with world.seam.armed(before=poisoned(ZeroDivisionError())):
        fail(world, event, 4, ZeroDivisionError)
        assert settle_or_park(world.ctx, event) is Settled.PARKED
    [one] = parked(world)
    assert one.account == account
    assert replay(world.ctx, one) is Settled.KEPT
    assert world.status(session) is PaymentStatus.PAID
