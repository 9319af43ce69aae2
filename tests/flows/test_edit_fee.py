"""Another fee while the former one may be paid: the offer is closed first, and a payment is never lost or taken twice.

The former fee is 80.00 AUD, the other one 90.00; the guest is number 2.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain.admission import Door
from chalicelib.domain.edits import AlreadyPaidError, BeingPaidError
from chalicelib.domain.facts import AttemptState
from chalicelib.domain.sessions import Fee
from chalicelib.domain.teams import PayeeAccount
from chalicelib.flows.checkout import PaymentStarted, UnsettledError
from chalicelib.flows.preconditions import PreconditionFailedError
from chalicelib.gateways.stripe_api import StripeUncertainError
from tests.support.fee_stages import (
    OTHER,
    Stage,
    change_fee,
    expired,
    lapsed,
    offered,
    paid,
    processing,
    scheduled,
    unanswered,
    unsent,
)
from tests.support.invariants import FEE, settled_in_the_end
from tests.support.seam import Io, Kind, Spent, spent_on

CLOSABLE: dict[str, tuple[Callable[[], Stage], AttemptState, Spent]] = {
    "open": (offered, AttemptState.EXPIRED, Spent(reads=1, writes=1, stripe=1)),
    "expired": (expired, AttemptState.EXPIRED, Spent(reads=1, writes=1, stripe=2)),
    "unsent": (unsent, AttemptState.EXPIRED, Spent(reads=1, writes=1, stripe=2)),
    "unanswered": (unanswered, AttemptState.EXPIRED, Spent(reads=1, writes=1, stripe=2)),
}


@pytest.mark.parametrize(("stage", "state", "cost"), CLOSABLE.values(), ids=CLOSABLE)
def test_an_offer_is_closed_at_stripe_and_then_the_fee_is_another(
    stage: Callable[[], Stage], state: AttemptState, cost: Spent
) -> None:
    world, session = stage()
    with world.seam.counted() as spent:
        changed = change_fee(world, session)
        assert spent() == cost
    assert (changed.fee, changed.display_name) == (OTHER, "Jane")
    assert world.attempt_states(session) == [state]
    assert world.open_checkouts() == []
    world.pay(session)
    assert [charge["amount"] for charge in world.charges()] == [9000]
    world.clock.advance(seconds=31)
    assert world.open(session).admission.door is Door.PAY
    world.press_pay(session)
    assert world.open(session).admission.door is Door.JOIN
    settled_in_the_end(world, session, owed=9000)


def test_an_offer_that_lapsed_by_itself_is_learnt_of() -> None:
    world, session = lapsed()
    assert change_fee(world, session).fee == OTHER
    assert world.attempt_states(session) == [AttemptState.EXPIRED]


def test_an_unknown_offer_whose_key_is_forgotten_is_looked_for() -> None:
    for stage, state in ((unsent, AttemptState.VOID), (unanswered, AttemptState.EXPIRED)):
        world, session = stage()
        world.change(session, lambda one: replace(one, end_time=one.end_time + timedelta(hours=24)))
        world.clock.advance(hours=24)
        made = len(world.checkouts())
        change_fee(world, session)
        assert world.attempt_states(session) == [state]
        assert len(world.checkouts()) == made


def test_an_unknown_offer_that_stripe_refuses_now_was_never_made() -> None:
    """Its expiry would be less than 30 minutes away."""
    world, session = unsent()
    world.clock.advance(minutes=45)
    change_fee(world, session)
    assert world.attempt_states(session) == [AttemptState.VOID]
    assert world.checkouts() == []
    assert world.participant(session).history.troubles == ()


@pytest.mark.parametrize(("fault", "state"), [("500", AttemptState.VOID), ("500_after", AttemptState.EXPIRED)])
def test_an_unknown_offer_whose_key_is_broken_is_looked_for(fault: str, state: AttemptState) -> None:
    world, session = unsent()
    world.stripe.fail_next(fault, method="POST")
    change_fee(world, session)
    assert world.attempt_states(session) == [state]
    assert world.open_checkouts() == []


TAKEN: dict[str, tuple[Callable[[], Stage], type[Exception], AttemptState]] = {
    "paid": (paid, AlreadyPaidError, AttemptState.PAID),
    "processing": (processing, BeingPaidError, AttemptState.PROCESSING),
}


@pytest.mark.parametrize(("stage", "error", "state"), TAKEN.values(), ids=TAKEN)
def test_an_offer_that_turns_out_taken_refuses_the_change_and_is_learnt_of(
    stage: Callable[[], Stage], error: type[Exception], state: AttemptState
) -> None:
    world, session = stage()
    with pytest.raises(error) as refused:
        change_fee(world, session)
    assert type(refused.value) is error
    assert world.attempt_states(session) == [state]
    kept = world.participant(session)
    assert (kept.fee, kept.display_name) == (Fee(8000, "aud"), "Mary Smith")
    with world.seam.counted() as spent, pytest.raises(error):
        change_fee(world, session)
    assert spent() == Spent(reads=1)


def test_a_fee_that_was_paid_lets_in_after_the_change_was_refused() -> None:
    world, session = paid()
    with pytest.raises(AlreadyPaidError):
        change_fee(world, session)
    assert world.open(session).admission.door is Door.JOIN
    settled_in_the_end(world, session, owed=FEE)


@pytest.mark.parametrize("fault", ["timeout_before", "timeout_after", "429"])
@pytest.mark.parametrize("stage", [offered, unsent, unanswered])
def test_while_stripe_does_not_answer_nothing_is_changed(stage: Callable[[], Stage], fault: str) -> None:
    world, session = stage()
    before = world.session(session)
    world.stripe.fail_next(fault, 2)
    with pytest.raises(StripeUncertainError):
        change_fee(world, session)
    assert world.session(session) == before
    assert change_fee(world, session).fee == OTHER
    assert world.open_checkouts() == []


def test_another_payee_closes_the_offer_too() -> None:
    world, session = offered()
    account = world.stripe.create_account()
    world.change_team(accounts=(PayeeAccount(None), PayeeAccount(account, is_default=False)))
    change_fee(world, session, Fee(8000, "aud", payee=account))
    assert world.open_checkouts() == []
    assert world.pay_page(session).url != ""
    assert world.participant(session).history.attempts[-1].stripe_account_id == account


def test_the_same_fee_again_leaves_the_offer_open() -> None:
    world, session = offered()
    with world.seam.counted() as spent:
        change_fee(world, session, Fee(8000, "aud"))
        assert spent() == Spent(reads=1, writes=1)
    assert len(world.open_checkouts()) == 1


def test_what_stripe_refused_to_take_can_be_offered_at_another_fee() -> None:
    """Stripe's minimum is judged in the account's own currency, so a fee may turn out too small only then."""
    world, session = scheduled()
    world.stripe.set_minimum_charge("aud", 8500)
    world.press_pay(session)
    assert world.open(session).admission.door is Door.OFFER_REFUSED
    change_fee(world, session)
    assert world.attention(session) is None
    assert isinstance(world.press_pay(session), PaymentStarted)


def test_an_offer_made_while_the_former_one_was_closed_is_closed_too() -> None:
    world, session = offered()

    def pressed_once(io: Io) -> None:
        if io.kind is Kind.WRITE:
            with world.seam.armed():
                world.settle("checkout.session.expired")
                world.press_pay(session)
                cost.append(len(world.seam.done))

    cost: list[int] = []
    before = len(world.seam.done)
    with world.seam.armed(before=pressed_once):
        assert change_fee(world, session).fee == OTHER
    assert [one["status"] for one in world.checkouts()] == ["expired", "expired"]
    assert spent_on(world.seam.done[before : before + 3]) == Spent(reads=1, writes=1, stripe=1)
    assert spent_on(world.seam.done[cost[0] :]) == Spent(reads=1, writes=1, stripe=1)


def test_a_client_who_presses_pay_for_ever_does_not_hold_the_request_for_ever() -> None:
    world, session = offered()

    def presses_again(io: Io) -> None:
        if io.kind is Kind.WRITE and not world.open_checkouts():
            with world.seam.armed():
                world.settle("checkout.session.expired")
                world.press_pay(session)
            world.seam.before = presses_again

    with world.seam.armed(before=presses_again), pytest.raises(UnsettledError):
        change_fee(world, session)
    assert [one["status"] for one in world.checkouts()] == [*["expired"] * 5, "open"]
    assert world.participant(session).fee == Fee(8000, "aud")


# --- versions -----------------------------------------------------------------------------------------------------


def test_closing_an_offer_does_not_break_the_callers_own_condition() -> None:
    world, session = offered()
    version = world.session(session).revision.version
    assert change_fee(world, session, if_version=version).fee == OTHER


def test_a_stale_version_closes_nothing() -> None:
    world, session = offered()
    with world.seam.counted() as spent, pytest.raises(PreconditionFailedError):
        change_fee(world, session, if_version=1)
    assert spent() == Spent(reads=1)
    assert len(world.open_checkouts()) == 1


def test_who_wrote_while_the_offer_was_closed_breaks_the_condition() -> None:
    world, session = offered()
    version = world.session(session).revision.version

    def renamed(io: Io) -> None:
        if io.kind is Kind.STRIPE:
            world.sessions.save(replace(world.sessions.get(session.team_id, session.session_id), name="Renamed"))

    with world.seam.armed(after=renamed), pytest.raises(PreconditionFailedError):
        change_fee(world, session, if_version=version)
    kept = world.session(session)
    assert (kept.name, world.participant(session).fee) == ("Renamed", Fee(8000, "aud"))
    assert world.attempt_states(session) == [AttemptState.EXPIRED]
