"""The sweep: carries out what is due, whatever else is broken; twice, late or beside itself it does no harm."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from typing_extensions import override

from chalicelib.domain.admission import Door
from chalicelib.domain.facts import AttemptState
from chalicelib.domain.ids import session_id_at
from chalicelib.domain.obligations import due_at
from chalicelib.domain.sessions import Session, cancel
from chalicelib.flows.sweep import Swept
from chalicelib.gateways.stripe_api import StripeApi, stripe_client
from chalicelib.storage import codec
from chalicelib.storage.stores import ConflictError, StoreUnavailableError
from sandbox.stripe_standin.client import InProcessHTTPClient
from tests.support.edge import Edge
from tests.support.invariants import FEE, settled_in_the_end
from tests.support.seam import Io, Kind, Spent
from tests.support.world import STRIPE_KEY, TEAM_ID, World, checkout_id, no_sleep


@pytest.fixture(autouse=True)
def no_webhooks(world: World) -> None:
    world.stripe.set_webhooks("drop")


def _offered(world: World, count: int, **length: float) -> list[Session]:
    sessions = [world.schedule(lasts=timedelta(**length)) for _ in range(count)]
    for session in sessions:
        world.pay_page(session)
    return sessions


# --- what it does -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("minutes", [2, 15, 60])
def test_a_payment_is_found_out_by_the_sweep_alone(world: World, minutes: int) -> None:
    """calcom/cal.diy#18011 and #26768: paid, every webhook lost, and the appointment cancelled or never confirmed."""
    session = world.schedule(lasts=timedelta(hours=2))
    page = world.pay_page(session)
    world.clock.advance(minutes=minutes - 1, seconds=50)
    world.sweep()
    world.stripe.pay(checkout_id(page.url))
    world.clock.advance(seconds=10)
    world.sweep()
    assert world.open(session).admission.door is Door.JOIN
    settled_in_the_end(world, session, owed=FEE)


def test_whoever_paid_long_before_is_found_out_when_the_window_opens_at_the_latest(world: World) -> None:
    session = world.schedule(starts_in=timedelta(hours=5))
    page = world.pay_page(session)
    for _ in range(4):
        world.clock.advance(hours=1)
        world.sweep()
    world.stripe.pay(checkout_id(page.url))
    world.clock.set(session.start_time)
    world.sweep()
    assert world.open(session).admission.door is Door.JOIN


def test_pressing_pay_finds_out_too(world: World) -> None:
    session = world.schedule()
    world.pay(session)
    world.clock.advance(seconds=30)
    world.press_pay(session)
    assert world.open(session).admission.door is Door.JOIN


def test_a_debit_is_followed_to_its_end_by_the_sweep_alone(world: World) -> None:
    world.change_team(delayed_methods=("au_becs_debit",))
    session = world.schedule(starts_in=timedelta(days=14))
    payment = world.pay(session, "au_becs_debit")
    world.clock.advance(hours=1)
    world.sweep()
    assert world.open(session).admission.door is Door.PROCESSING
    world.stripe.settle_delayed(payment.payment_intent_id, succeeded=False)
    world.clock.advance(hours=7)
    world.sweep()
    assert world.open(session).admission.door is Door.PAY


def test_a_debit_still_at_the_bank_an_hour_after_the_end_shows_to_the_clinic(world: World) -> None:
    """I11: nothing stays pending unseen."""
    world.change_team(delayed_methods=("au_becs_debit",))
    session = world.schedule(starts_in=timedelta(days=10))
    world.pay(session, "au_becs_debit")
    world.clock.set(session.end_time + timedelta(minutes=59))
    world.sweep()
    assert world.attention(session) is None
    world.clock.advance(minutes=1)
    world.sweep()
    assert "is not settled with Stripe yet" in (world.attention(session) or "")


def test_an_unpaid_offer_is_closed_at_the_end_and_nothing_is_left(world: World) -> None:
    (session,) = _offered(world, 1, minutes=20)
    world.clock.advance(minutes=19, seconds=59)
    world.sweep()
    assert len(world.open_checkouts()) == 1
    world.clock.advance(seconds=1)
    world.sweep()
    assert [page["status"] for page in world.checkouts()] == ["expired"]
    assert due_at(world.session(session)) is None
    settled_in_the_end(world, session, owed=0)


def test_an_offer_of_a_cancelled_session_is_closed_at_the_next_tick(world: World) -> None:
    (session,) = _offered(world, 1, hours=1)
    world.change(session, lambda one: cancel(one, now=world.clock()))
    world.sweep()
    assert not world.open_checkouts()


def test_stripe_is_asked_before_anything_is_closed_for_good(world: World) -> None:
    """woocommerce/woocommerce#20928: the time limit cancelled orders that were paid."""
    session = world.schedule(lasts=timedelta(minutes=20))
    world.pay(session)
    world.clock.advance(minutes=20)
    world.sweep()
    assert [attempt.state for attempt in world.participant(session).history.attempts] == [AttemptState.PAID]
    settled_in_the_end(world, session, owed=FEE)


@pytest.mark.parametrize(("fault", "left"), [("timeout_before", 0), ("timeout_after", 1)])
def test_an_attempt_whose_answer_was_lost_is_found_or_void(world: World, fault: str, left: int) -> None:
    edge, session = Edge(world), world.schedule()
    world.stripe.fail_next(fault, 2)
    assert edge.post(f"/session/{world.token(session)}/checkout").status == 503
    world.clock.advance(minutes=2)
    world.sweep()
    assert len(world.open_checkouts()) == left
    state = world.participant(session).history.attempts[0].state
    assert state is (AttemptState.OPEN if left else AttemptState.VOID)


# --- twice, late, beside itself -----------------------------------------------------------------------------------


def test_a_second_sweep_finds_nothing_to_do(world: World) -> None:
    _offered(world, 3, minutes=20)
    world.clock.advance(minutes=20)
    assert world.sweep().sessions == 3
    with world.seam.counted() as spent:
        assert world.sweep() == Swept()
        assert spent() == Spent(queries=16)


def test_a_sweep_skipped_for_days_puts_everything_right_in_one_run(world: World) -> None:
    session = world.schedule(lasts=timedelta(minutes=20))
    page = world.pay_page(session)
    world.clock.advance(minutes=25)
    world.stripe.pay(checkout_id(page.url))
    world.clock.advance(days=3)
    world.sweep()
    assert [one["amount"] for one in world.refunds()] == [FEE]
    assert due_at(world.session(session)) is None


def test_a_sweep_inside_a_sweep_refunds_once(world: World) -> None:
    """EventBridge may start a run while the former still goes."""
    session = world.schedule()
    world.pay(session)
    world.change(session, lambda one: cancel(one, now=world.clock()))
    inner: list[object] = []

    def overlapped(io: Io) -> None:
        if io.kind is Kind.STRIPE and not inner:
            inner.append(None)
            world.sweep()

    with world.seam.armed(before=overlapped):
        world.sweep()
    assert inner
    assert [one["amount"] for one in world.refunds()] == [FEE]
    settled_in_the_end(world, session, owed=0)


def test_a_stale_index_entry_is_written_anew(world: World) -> None:
    (session,) = _offered(world, 1, hours=1)
    world.context.sessions.push_back(session.team_id, session.session_id, world.clock())
    assert world.sweep() == Swept(sessions=1)
    due = due_at(world.session(session))
    assert due == world.clock() + timedelta(minutes=2)
    assert world.sweep() == Swept()


def test_a_session_that_is_gone_is_nothing_to_worry_about(world: World) -> None:
    """Its index entry may outlive it for a moment."""
    _offered(world, 1, hours=1)
    world.clock.advance(minutes=2)

    def conflict(io: Io) -> None:
        if io.name == "sessions.get":
            raise ConflictError(io.name)

    with world.seam.armed(before=conflict):
        assert world.sweep() == Swept()
    assert world.sweep().sessions == 1


# --- one bad item among a hundred ---------------------------------------------------------------------------------


def test_one_item_that_cannot_be_read_holds_up_nobody(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """ai-shifu/ai-shifu#2855: the sweeper failed on the same item every minute. Each shard has a bad one, and first."""
    sessions = _offered(world, 100, minutes=20)
    bad = _one_in_each_shard(world)
    world.clock.advance(minutes=20)
    for session_id in bad:
        world.sessions.unreadable(TEAM_ID, session_id)
    swept = world.sweep()
    assert (swept.sessions, swept.failed) == (116, 16)
    assert not world.open_checkouts()
    assert all(due_at(world.session(session)) is None for session in sessions)
    assert {record.getMessage() for record in caplog.records if record.levelname == "ERROR"} == {"sweep_failed"}
    assert world.sweep() == Swept()
    world.clock.advance(minutes=15)
    assert world.sweep().failed == 16


def _one_in_each_shard(world: World) -> list[str]:
    found: dict[int, str] = {}
    while len(found) < 16:
        session_id = session_id_at(world.clock(), world.random.randbytes(9))
        found.setdefault(codec.due_shard(session_id), session_id)
    return list(found.values())


def test_one_session_that_raises_holds_up_nobody(world: World) -> None:
    sessions = _offered(world, 20, minutes=20)
    world.clock.advance(minutes=20)
    world.sessions.written_by_newer_code(sessions[7].team_id, sessions[7].session_id)
    swept = world.sweep()
    assert (swept.sessions, swept.failed) == (20, 1)
    assert [page["client_reference_id"] for page in world.open_checkouts()] == [
        world.participant(sessions[7]).history.attempts[-1].attempt_id
    ], "nothing is done at Stripe by rules that do not know all of the session"


def test_one_shard_that_does_not_answer_holds_up_no_other(world: World) -> None:
    _offered(world, 20, minutes=20)
    world.clock.advance(minutes=20)
    asked: list[Io] = []

    def throttled(io: Io) -> None:
        if io.name == "sessions.due":
            asked.append(io)
            if len(asked) == 1:
                raise StoreUnavailableError(io.name)

    with world.seam.armed(before=throttled):
        swept = world.sweep()
    assert swept.failed == 1
    assert len(asked) == 16
    world.sweep()
    assert not world.open_checkouts()


def test_a_push_back_that_fails_too_is_logged_and_holds_up_nobody(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    _offered(world, 5, minutes=20)
    (bad, *_others) = _one_in_each_shard(world)
    world.clock.advance(minutes=20)
    world.sessions.unreadable(TEAM_ID, bad)

    def throttled(io: Io) -> None:
        if io.name == "sessions.push_back":
            raise StoreUnavailableError(io.name)

    with world.seam.armed(before=throttled):
        assert world.sweep().sessions == 6
    assert not world.open_checkouts()
    assert [record.getMessage() for record in caplog.records] == ["sweep_failed", "push_back_failed"]


@pytest.mark.parametrize("fault", ["timeout_before", "500", "429"])
def test_a_stripe_that_fails_is_asked_ever_more_rarely_and_shows_after_three_failures(world: World, fault: str) -> None:
    (session,) = _offered(world, 1, hours=20)
    world.stripe.fail_next(fault, 1000)
    told = []
    with world.seam.counted() as spent:
        for _ in range(40):
            world.clock.advance(minutes=1)
            world.sweep()
            told.append(world.attention(session) is not None)
        assert 5 <= spent().stripe <= 12
    assert (told[2], told[-1]) == (False, True)
    world.stripe.clear_faults()
    world.clock.advance(hours=2)
    world.sweep()
    assert world.attention(session) is None


def test_a_charge_that_stripe_cannot_show_is_not_asked_for_at_every_tick(world: World) -> None:
    """Somebody took our ids off the charge in the dashboard: the answer teaches nothing, and is no success."""
    session = world.schedule(lasts=timedelta(hours=3))
    world.pay(session)
    world.settle("checkout.session.completed")
    _forget_our_ids(world)
    with world.seam.counted() as spent:
        for _ in range(60):
            world.clock.advance(minutes=1)
            world.sweep()
        assert spent().stripe <= 10
    assert "Fetching a charge did not succeed" in (world.attention(session) or "")
    assert world.open(session).admission.door is Door.JOIN


def _forget_our_ids(world: World) -> None:
    for _, charge in world.stripe._world.everywhere("charge"):
        charge["metadata"] = {}


class NeverCloses(InProcessHTTPClient):
    """Refuses to expire any Checkout Session, and shows it open all the same."""

    @override
    def request(self, method: str, url: str, *args: Any, **named: Any) -> tuple[str, int, Any]:
        if url.endswith("/expire"):
            return '{"error": {"type": "invalid_request_error"}}', 400, {}
        return super().request(method, url, *args, **named)


def test_an_act_that_changes_nothing_is_not_repeated_at_every_tick(world: World) -> None:
    """It is no success: it is put off ever longer, and shows to the clinic, until Stripe itself lets it expire."""
    (session,) = _offered(world, 1, minutes=20)
    client = stripe_client(STRIPE_KEY, "https://api.stripe.com", NeverCloses(world.stripe))
    world.context = replace(world.context, stripe=StripeApi(client, no_sleep))
    world.clock.advance(minutes=20)
    with world.seam.counted() as spent:
        for _ in range(14):
            world.sweep()
            world.clock.advance(minutes=1)
        assert spent().stripe <= 6
    assert "Closing an offer to pay did not succeed" in (world.attention(session) or "")
