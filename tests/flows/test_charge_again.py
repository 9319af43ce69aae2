"""A fee is charged again: what every order beside others, every death, and every order of Stripe's messages come to."""

from __future__ import annotations

import random
import string
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from chalicelib.domain.by_hand import NotGivenBackError, RefundWish
from chalicelib.domain.facts import AttemptState, Refund, RefundDecision, RefundSeen, RefundStatus
from chalicelib.domain.payments import PaymentStatus
from chalicelib.domain.sessions import InvalidSessionError, Session, saw
from chalicelib.flows.charge_again import charge_again, charging_again
from chalicelib.flows.checkout import PaymentStarted
from chalicelib.flows.idempotent import IdempotencyScope, InProgressError, once
from chalicelib.flows.refund import refund
from chalicelib.flows.settle import settle
from chalicelib.flows.waive import waive
from tests.support.examples import IS_LONG
from tests.support.interleaving import Ended, Flow, Judge, Race, every_order, some_orders
from tests.support.invariants import holds, settled_in_the_end
from tests.support.matrix import RECOVERIES, Recovery, Request, again, every_crashed
from tests.support.payment_states import paid, paid_without_a_charge
from tests.support.world import TEAM_ID, World

Case = tuple[Race, Judge]
FEE = 8000
GUEST = 2


def _given_back() -> tuple[World, Session]:
    """Paid, and given back as the clinic asked; a minute ago. Webhooks are held back."""
    world, session = paid()
    refund(world.ctx, TEAM_ID, session.participant_id(GUEST), RefundWish())
    world.clock.advance(minutes=1)
    return world, session


def _charged_again(world: World, session: Session) -> object:
    return charge_again(world.ctx, TEAM_ID, session.participant_id(GUEST), "refunded in error")


def _under_a_key(world: World, session: Session) -> object:
    scope = IdempotencyScope("client-1", "POST charge-again", "key-1")
    return once(world.ctx, scope, b"{}", charging_again(world.ctx, TEAM_ID, session.participant_id(GUEST), "error"))


def _is_charged_again(world: World, session: Session) -> bool:
    return world.participant(session).history.charged_again is not None


def _told(world: World) -> None:
    world.stripe.flush()
    world.deliver()


def _times(world: World, session: Session) -> int:
    """How often it was, by the audit."""
    start = world.session(session).created_at
    rows = world.sessions.books.audit().between(TEAM_ID, start.replace(hour=0), start.replace(hour=23))
    return sum(one.what == "charged_again" for row in rows for one in row.entries)


# --- deaths -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("recover", RECOVERIES.values(), ids=RECOVERIES)
@pytest.mark.parametrize("act", [_charged_again, _under_a_key])
def test_a_charge_again_that_died_anywhere_is_done_once_or_not_at_all(
    act: Callable[[World, Session], object], recover: Recovery
) -> None:
    request = Request(act, lambda _session: True, refusals=(InProgressError,))
    deaths = 0
    for crash, stage in every_crashed(request.about_to(_given_back)):
        deaths += 1
        world, session = stage.world, stage.session
        for _ in range(3):
            recover(stage)
        is_done = _is_charged_again(world, session)
        assert is_done or recover is not again, f"died {crash}"
        assert _times(world, session) == is_done
        started = world.press_pay(session)
        assert isinstance(started, PaymentStarted) is is_done
        if is_done:
            world.clock.advance(minutes=1)
            world.pay(session)
            _told(world)
            assert world.status(session) is PaymentStatus.PAID
        assert len(world.refunds()) == 1
        settled_in_the_end(world, session, owed=FEE if is_done else 0)
    assert deaths >= 4


# --- beside others ----------------------------------------------------------------------------------------------------


def _race(world: World, session: Session, *flows: Flow) -> Race:
    return Race(world.seam, flows, always=lambda: holds(world, session))


def _errors(ended: Sequence[Ended]) -> list[type[Exception] | None]:
    return [type(one.error) if one.error else None for one in ended]


def test_of_two_at_once_one_is_kept_and_both_are_answered() -> None:
    def prepare() -> Case:
        world, session = _given_back()

        def judge(ended: list[Ended]) -> None:
            assert _errors(ended) == [None, None]
            assert _times(world, session) == 1
            assert world.status(session) is PaymentStatus.UNPAID
            settled_in_the_end(world, session, owed=0)

        def flow() -> object:
            return _charged_again(world, session)

        return _race(world, session, flow, flow), judge

    assert every_order(prepare) >= 6


def test_beside_the_client_who_presses_pay_they_are_sent_to_pay_or_find_it_refunded() -> None:
    outcomes = set()

    def prepare() -> Case:
        world, session = _given_back()

        def judge(ended: list[Ended]) -> None:
            assert _errors(ended) == [None, None]
            outcomes.add(isinstance(ended[1].result, PaymentStarted))
            assert isinstance(world.press_pay(session), PaymentStarted)
            settled_in_the_end(world, session, owed=0)

        flows = (lambda: _charged_again(world, session), lambda: world.press_pay(session))
        return _race(world, session, *flows), judge

    if IS_LONG:
        assert every_order(prepare) >= 10
    else:
        some_orders(prepare, 60)
    assert outcomes == {False, True}


def test_beside_a_waiver_they_are_let_in_without_paying() -> None:
    """Whichever is first: a waiver stands above it, and it is refused after a waiver."""
    outcomes = set()

    def prepare() -> Case:
        world, session = _given_back()

        def judge(ended: list[Ended]) -> None:
            assert ended[1].error is None
            outcomes.add(_errors(ended)[0])
            assert world.status(session) is PaymentStatus.WAIVED
            settled_in_the_end(world, session, owed=0)

        def waived() -> object:
            return waive(world.ctx, TEAM_ID, session.participant_id(GUEST), "insured")

        return _race(world, session, lambda: _charged_again(world, session), waived), judge

    assert every_order(prepare) >= 6
    assert outcomes == {None, NotGivenBackError}


def test_beside_the_word_that_the_refund_failed_the_first_payment_counts_again() -> None:
    outcomes = set()

    def prepare() -> Case:
        world, session = _given_back()
        world.stripe.fail_refund(world.refunds()[0]["id"])
        event = world.event("refund.failed")

        def judge(ended: list[Ended]) -> None:
            assert ended[1].error is None
            outcomes.add(_errors(ended)[0])
            assert world.status(session) is PaymentStatus.PAID
            settled_in_the_end(world, session, owed=FEE, alarm=True)

        return _race(world, session, lambda: _charged_again(world, session), lambda: settle(world.ctx, event)), judge

    assert every_order(prepare) >= 6
    assert outcomes == {None, NotGivenBackError}


# --- what is told late ------------------------------------------------------------------------------------------------


def test_what_was_refunded_before_its_charge_is_known_is_asked_for_again_at_once() -> None:
    """Until the charge is known nobody can say when it was paid: Stripe is asked for it in the request."""
    world, session = paid_without_a_charge()
    seen = Refund("re_1", world.charges()[0]["payment_intent"], FEE, RefundStatus.SUCCEEDED, None)
    world.change(session, lambda one: saw(one, GUEST, RefundSeen(seen)))
    assert world.status(session) is PaymentStatus.REFUNDED
    _charged_again(world, session)
    assert world.status(session) is PaymentStatus.UNPAID


@pytest.mark.parametrize("seed", range(8))
def test_in_whatever_order_stripe_tells_of_three_rounds_the_last_payment_counts(seed: int) -> None:
    world, session = paid()
    for _ in range(2):
        refund(world.ctx, TEAM_ID, session.participant_id(GUEST), RefundWish())
        world.clock.advance(minutes=1)
        _charged_again(world, session)
        world.clock.advance(minutes=1)
        world.pay(session)
        world.settle("checkout.session.completed")
        world.settle("charge.succeeded")
    world.change(session, _untold)
    world.stripe.set_webhooks("deliver")
    _in_any_order(world, random.Random(seed))
    assert world.status(session) is PaymentStatus.PAID
    assert [one["amount"] for one in world.refunds()] == [FEE, FEE]
    settled_in_the_end(world, session, owed=FEE)


def _untold(session: Session) -> Session:
    """Of the guest, what we planned and people decided alone is kept."""
    host, guest = session.participants
    offered = tuple(replace(one, state=AttemptState.OPEN) for one in guest.history.attempts)
    bare = replace(guest.history, attempts=offered, payments=(), refunds=())
    return replace(session, participants=(host, replace(guest, history=bare)))


def _in_any_order(world: World, chance: random.Random) -> None:
    """Every message that Stripe sent, each twice."""
    sent = [*world.stripe.deliveries] * 2
    chance.shuffle(sent)
    for one in sent:
        world.stripe.resend(one.event_id)
        world.deliver()


# --- room -------------------------------------------------------------------------------------------------------------


def test_a_session_that_is_full_takes_no_reason_any_more() -> None:
    world, session = _given_back()
    world.change(session, _full)
    with pytest.raises(InvalidSessionError) as refused:
        _charged_again(world, session)
    assert [one.field for one in refused.value.problems] == ["reason"]
    assert not _is_charged_again(world, session)


def _full(session: Session) -> Session:
    """With more reasons than fit, of refunds that another guest got."""
    chance = random.Random(1)
    reasons = ("".join(chance.choices(string.printable[:94], k=255)) for _ in range(700))
    decisions = tuple(
        RefundDecision(f"d-{n}", "pi_x", 1, session.created_at, "x", one) for n, one in enumerate(reasons)
    )
    host, guest = session.participants
    return replace(session, participants=(replace(host, history=replace(host.history, decisions=decisions)), guest))
