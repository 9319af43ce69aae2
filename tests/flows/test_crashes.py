"""I10: the process dies between any two I/O calls; the same request, the webhook, or the sweep puts it right.

Every main flow x every I/O x before and after its effect x each way to recover; nothing is drawn by chance.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest

from chalicelib.domain.admission import Door
from chalicelib.domain.obligations import due_at
from chalicelib.domain.sessions import Session, cancel
from chalicelib.flows.checkout import PaymentStarted
from chalicelib.flows.come_back import come_back
from chalicelib.flows.join import Joined, join
from tests.support.crashes import Act, Crash, ProcessDied, die, every_crash
from tests.support.invariants import FEE, AtStripe, holds, settled_in_the_end
from tests.support.seam import Io, Kind, Seam
from tests.support.world import World, checkout_id

ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Stage:
    """A world in which `act` is about to be done to the session."""

    world: World
    session: Session
    act: Act


Story = Callable[[], Stage]
Recovery = Callable[[Stage], object]


def _stage(lasts: timedelta = timedelta(minutes=50)) -> tuple[World, Session]:
    """Webhooks are held back, and come only where they are what recovers."""
    world = World()
    session = world.schedule(lasts=lasts)
    world.stripe.set_webhooks("hold")
    return world, session


def _press_first() -> Stage:
    world, session = _stage()
    return Stage(world, session, lambda: world.press_pay(session))


def _press_again() -> Stage:
    world, session = _stage()
    world.pay_page(session)
    world.clock.advance(minutes=1)
    return Stage(world, session, lambda: world.press_pay(session))


def _press_for_a_new_page() -> Stage:
    """The former offer has under ten minutes to live: it is closed, and another made."""
    world, session = _stage(lasts=timedelta(hours=24))
    world.pay_page(session)
    world.clock.advance(hours=23, minutes=50)
    return Stage(world, session, lambda: world.press_pay(session))


def _press_after_paying() -> Stage:
    world, session = _stage()
    world.pay(session)
    world.clock.advance(minutes=1)
    return Stage(world, session, lambda: world.press_pay(session))


def _press_while_stripe_breaks() -> Stage:
    world, session = _stage()
    world.stripe.fail_next("500_after", 1, method="POST")
    return Stage(world, session, lambda: world.press_pay(session))


def _come_back() -> Stage:
    world, session = _stage()
    started = world.pay_page(session)
    world.stripe.pay(checkout_id(started.url))
    return Stage(world, session, lambda: world.come_back(started))


def _settle(kind: str) -> Story:
    def story() -> Stage:
        world, session = _stage()
        world.pay(session)
        return Stage(world, session, lambda: world.settle(kind))

    return story


def _sweep_after_paying() -> Stage:
    world, session = _stage()
    world.pay(session)
    world.clock.advance(minutes=2)
    return Stage(world, session, world.sweep)


PAYING: dict[str, Story] = {
    "press first": _press_first,
    "press again": _press_again,
    "press for a new page": _press_for_a_new_page,
    "press after paying": _press_after_paying,
    "press while Stripe breaks": _press_while_stripe_breaks,
    "come back": _come_back,
    "settle the checkout": _settle("checkout.session.completed"),
    "settle the charge": _settle("charge.succeeded"),
    "sweep after paying": _sweep_after_paying,
}


def _again(stage: Stage) -> None:
    """The same request, half a minute later the client's press, and a reload of the page that Stripe sent them to."""
    world = stage.world
    stage.act()
    world.clock.advance(seconds=31)
    world.press_pay(stage.session)
    come_back(world.ctx, str(world.checkouts()[-1]["success_url"]).rpartition("/")[2])


def _webhook(stage: Stage) -> None:
    stage.world.stripe.flush()
    stage.world.deliver()


def _sweep(stage: Stage) -> None:
    stage.world.clock.advance(minutes=2)
    stage.world.sweep()


RECOVERIES: dict[str, Recovery] = {"the request again": _again, "the webhook": _webhook, "the sweep": _sweep}


@pytest.mark.parametrize("recover", RECOVERIES.values(), ids=RECOVERIES)
@pytest.mark.parametrize("story", PAYING.values(), ids=PAYING)
def test_who_pays_gets_in_wherever_the_process_died(story: Story, recover: Recovery) -> None:
    for crash in every_crash(_armed(story)):
        stage = _crashed(story, crash)
        _client_pays_if_need_be(stage)
        for _ in range(ROUNDS):
            recover(stage)
            holds(stage.world, stage.session)
            if stage.world.open(stage.session).admission.door is Door.JOIN:
                break
        assert stage.world.open(stage.session).admission.door is Door.JOIN, f"died {crash}"
        assert len(stage.world.charges()) == 1
        settled_in_the_end(stage.world, stage.session, owed=FEE)


def _armed(story: Story) -> Callable[[], tuple[Seam, Act]]:
    def prepare() -> tuple[Seam, Act]:
        stage = story()
        return stage.world.seam, stage.act

    return prepare


def _crashed(story: Story, crash: Crash) -> Stage:
    stage = story()
    die(stage.world.seam, stage.act, crash)
    holds(stage.world, stage.session)
    return stage


def _client_pays_if_need_be(stage: Stage) -> None:
    """Whoever has not paid yet opens the link and does, whatever became of the process that died."""
    if not stage.world.charges():
        stage.world.pay(stage.session)
        holds(stage.world, stage.session)


# --- the end, and refunds -----------------------------------------------------------------------------------------


def _sweep_at_the_end() -> Stage:
    world, session = _stage(lasts=timedelta(minutes=20))
    world.pay_page(session)
    world.clock.advance(minutes=20)
    return Stage(world, session, world.sweep)


def _sweep_of_an_attempt_nobody_heard_of() -> Stage:
    """Made at Stripe, and the answer lost; then the consultation ended."""
    world, session = _stage(lasts=timedelta(minutes=20))
    with pytest.raises(ProcessDied):
        _die_after_the_call(world, session)
    world.clock.advance(minutes=20)
    return Stage(world, session, world.sweep)


def _die_after_the_call(world: World, session: Session) -> None:
    def dead(io: Io) -> None:
        if io.kind is Kind.STRIPE:
            raise ProcessDied

    with world.seam.armed(after=dead):
        world.press_pay(session)


def _sweep_with_a_late_payment() -> Stage:
    """Paid four minutes after the end, on a page that Stripe would not close earlier."""
    world, session = _stage(lasts=timedelta(minutes=20))
    page = world.pay_page(session)
    world.clock.advance(minutes=24)
    world.stripe.pay(checkout_id(page.url))
    return Stage(world, session, world.sweep)


def _sweep_with_a_refund_owed() -> Stage:
    world, session = _stage()
    world.pay(session)
    world.settle("checkout.session.completed")
    world.settle("charge.succeeded")
    world.change(session, lambda one: cancel(one, now=world.clock()))
    return Stage(world, session, world.sweep)


def _sweep_of_a_payment_unheard_of() -> Stage:
    """Paid, and cancelled before any of that was told."""
    world, session = _stage()
    page = world.pay_page(session)
    world.stripe.pay(checkout_id(page.url))
    world.change(session, lambda one: cancel(one, now=world.clock()))
    return Stage(world, session, world.sweep)


NOTHING_LEFT: dict[str, Story] = {
    "an unpaid offer at the end": _sweep_at_the_end,
    "an unheard-of offer at the end": _sweep_of_an_attempt_nobody_heard_of,
    "a payment after the end": _sweep_with_a_late_payment,
    "a refund owed": _sweep_with_a_refund_owed,
    "cancelled before the payment was heard of": _sweep_of_a_payment_unheard_of,
}


@pytest.mark.parametrize("with_webhooks", [False, True], ids=["the sweep alone", "the webhooks, and the sweep"])
@pytest.mark.parametrize("story", NOTHING_LEFT.values(), ids=NOTHING_LEFT)
def test_nothing_is_left_open_or_owed_wherever_the_sweep_died(story: Story, with_webhooks: bool) -> None:  # noqa: FBT001
    for crash in every_crash(_armed(story)):
        stage = _crashed(story, crash)
        world = stage.world
        for _ in range(ROUNDS):
            if with_webhooks:
                _webhook(stage)
            world.sweep()
            holds(world, stage.session)
            if due_at(world.session(stage.session)) is None:
                break
        assert due_at(world.session(stage.session)) is None, f"died {crash}"
        assert not world.open_checkouts()
        assert [one["amount"] for one in world.refunds()] == [one["amount"] for one in world.charges()]
        settled_in_the_end(world, stage.session, owed=0)


# --- scheduling and joining ---------------------------------------------------------------------------------------


def test_scheduling_leaves_nothing_half_done_wherever_the_process_died() -> None:
    def prepare() -> tuple[Seam, Act]:
        world = World()
        return world.seam, world.schedule

    for crash in every_crash(prepare):
        world = World()
        die(world.seam, world.schedule, crash)
        world.schedule()
        for team_id, session_id in world.sessions.ids():
            session = world.sessions.get(team_id, session_id)
            assert [one.role for one in session.participants] == ["HOST", "GUEST"]
            assert isinstance(world.press_pay(session), PaymentStarted)


def test_who_may_join_joins_wherever_the_process_died() -> None:
    def story() -> Stage:
        world, session = _stage()
        world.pay(session)
        world.settle("checkout.session.completed")
        return Stage(world, session, lambda: join(world.ctx, world.open(session)))

    for crash in every_crash(_armed(story)):
        stage = _crashed(story, crash)
        joined = stage.act()
        assert isinstance(joined, Joined)
        assert len(stage.world.entries.of(stage.session.team_id, stage.session.session_id)) == 1
        assert AtStripe.of(stage.world).held == FEE
