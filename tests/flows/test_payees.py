"""Several practitioners of one clinic, each paid on an account of their own: all that follows a payment follows its
attempt's account; and the platform's share is what it was when the offer was made.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.accounts import made_default
from chalicelib.domain.admission import Admission, Door
from chalicelib.domain.by_hand import RefundWish
from chalicelib.domain.payments import PaymentStatus
from chalicelib.domain.sessions import Fee, FeeNotPossibleError, InvalidSessionError, Session
from chalicelib.domain.teams import ChargeBar, Plan
from chalicelib.flows.edit_session import cancel_session
from chalicelib.flows.refund import refund
from tests.support.platform import Platform
from tests.support.world import NOON, checkout_id, guest, host

DAY = timedelta(days=1)


@pytest.fixture
def world() -> Platform:
    """The team's default account, and that of Dr Lee beside it."""
    platform = Platform()
    platform.team = platform.connect(platform.newest())
    return platform


def lee(world: Platform) -> str:
    return str(world.team.accounts[-1].stripe_account_id)


def scheduled(world: Platform, payee: str | None, amount: int = 8000) -> Session:
    return world.schedule(host(), guest(Fee(amount, "aud", payee=payee)), starts_in=DAY)


def paid(world: Platform, payee: str | None, amount: int = 8000) -> Session:
    session = scheduled(world, payee, amount)
    world.pay(session)
    world.deliver()
    assert world.status(session) is PaymentStatus.PAID
    return session


def objects(world: Platform, account: str, kind: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = world.books_of(account)[kind]
    return found


def test_a_fee_with_a_payee_is_paid_on_that_account_and_one_without_on_the_default(world: Platform) -> None:
    paid(world, lee(world))
    assert (len(objects(world, lee(world), "charges")), len(objects(world, world.account, "charges"))) == (1, 0)
    paid(world, None)
    assert (len(objects(world, lee(world), "charges")), len(objects(world, world.account, "charges"))) == (1, 1)


def test_refunds_go_from_the_account_that_was_paid(world: Platform) -> None:
    session = paid(world, lee(world))
    refund(world.ctx, session.team_id, session.participant_id(2), RefundWish(3000))
    cancel_session(world.ctx, session.team_id, session.session_id)
    world.deliver()
    assert [one["amount"] for one in objects(world, lee(world), "refunds")] == [3000, 5000]
    assert objects(world, world.account, "refunds") == []
    assert world.status(session) is PaymentStatus.REFUNDED


def test_the_ledger_says_which_account_it_was(world: Platform) -> None:
    for payee in (lee(world), None):
        paid(world, payee)
    rows = world.ledger.between(world.team.team_id, NOON - DAY, NOON + DAY)
    assert sorted(str(row.stripe_account_id) for row in rows) == sorted([lee(world), world.account])


def test_another_default_changes_nothing_of_what_was_offered_or_paid(world: Platform) -> None:
    session, first = scheduled(world, None), world.account
    page = checkout_id(world.pay_page(session).url)
    before = world.newest()
    world.team = made_default(before, lee(world))
    world.teams.save(before, world.team)
    world.clock.advance(minutes=1)
    assert checkout_id(world.pay_page(session).url) == page, "the offer that was made is good"
    world.stripe.pay(page)
    world.deliver()
    cancel_session(world.ctx, session.team_id, session.session_id)
    assert len(objects(world, first, "refunds")) == 1
    paid(world, None)
    assert len(objects(world, lee(world), "charges")) == 1


def test_one_payees_account_that_is_restricted_closes_the_door_of_their_fees_alone(world: Platform) -> None:
    theirs, others = scheduled(world, lee(world)), scheduled(world, None)
    world.stripe.set_charges_enabled(lee(world), enabled=False)
    world.deliver()
    world.team = world.newest()
    answered = world.press_pay(theirs)
    assert isinstance(answered, Admission)
    assert answered.door is Door.CANNOT_CHARGE
    assert world.pay_page(others).url
    with pytest.raises(FeeNotPossibleError) as raised:
        scheduled(world, lee(world))
    assert raised.value.bar is ChargeBar.RESTRICTED


@pytest.mark.parametrize("payee", ["acct_unknown", "", "own", "acct_" + "x" * 300])
def test_a_payee_that_is_none_of_the_teams_accounts_is_refused(world: Platform, payee: str) -> None:
    with pytest.raises(InvalidSessionError) as raised:
        scheduled(world, payee)
    assert [one.field for one in raised.value.problems] == ["participants[1].fee.payee"]


def test_another_teams_account_is_no_payee(world: Platform) -> None:
    world.other_team = world.connect(world.other_team)
    with pytest.raises(InvalidSessionError):
        scheduled(world, str(world.other_team.accounts[0].stripe_account_id))


def test_an_account_that_is_gone_is_no_payee_any_more(world: Platform) -> None:
    account = lee(world)
    world.stripe.deauthorize(account)
    world.deliver()
    world.team = world.newest()
    with pytest.raises(InvalidSessionError):
        scheduled(world, account)


# --- the platform's share -----------------------------------------------------------------------------------------


def change(world: Platform, **changes: Any) -> None:
    before = world.newest()
    world.team = replace(before, **changes)
    world.teams.save(before, world.team)


def share(world: Platform) -> int:
    """What the newest charge on the default account carried."""
    return int(objects(world, world.account, "charges")[-1]["application_fee_amount"] or 0)


@pytest.mark.parametrize(
    ("changes", "amount", "expected"),
    [
        ({"plan": Plan.ESSENTIALS, "scheduling_add_on": True}, 8000, 200),
        ({"plan": Plan.STANDARD}, 8000, 120),
        ({"plan": Plan.PREMIUM}, 8000, 120),
        ({"plan": Plan.ENTERPRISE}, 8000, 120),
        ({"plan": Plan.ENTERPRISE, "fee_basis_points": 90}, 8000, 72),
        ({"plan": Plan.ESSENTIALS, "scheduling_add_on": True, "fee_basis_points": 0}, 8000, 0),
        ({"fee_basis_points": 10_000}, 8000, 8000),
        ({"fee_basis_points": 1}, 4999, 0),
        ({"fee_basis_points": 1}, 5000, 1),
        ({"fee_basis_points": 150}, 8033, 120),
        ({"fee_basis_points": 150}, 8034, 121),
    ],
)
def test_the_share_is_the_plans_or_as_agreed_rounded_half_up_and_left_out_at_nothing(
    world: Platform, changes: dict[str, Any], amount: int, expected: int
) -> None:
    change(world, **changes)
    paid(world, None, amount)
    assert share(world) == expected


def test_a_change_of_plan_in_mid_payment_does_not_touch_the_offer_and_the_next_one_has_it(world: Platform) -> None:
    session = scheduled(world, None)
    page = checkout_id(world.pay_page(session).url)
    change(world, plan=Plan.ESSENTIALS, scheduling_add_on=True)
    world.clock.advance(minutes=1)
    assert checkout_id(world.pay_page(session).url) == page
    world.stripe.pay(page)
    world.deliver()
    assert share(world) == 120
    (attempt,) = world.participant(session).history.attempts
    assert attempt.application_fee == 120
    paid(world, None)
    assert share(world) == 200


def test_an_offer_whose_answer_was_lost_is_sent_again_with_the_share_that_it_was_planned_with(world: Platform) -> None:
    session = scheduled(world, None)
    world.stripe.fail_next("timeout_before", 2)
    with pytest.raises(Exception, match="status none"):
        world.press_pay(session)
    change(world, fee_basis_points=1000)
    world.pay(session)
    assert share(world) == 120


def test_a_refund_gives_the_share_back_in_proportion_by_the_rate_of_then(world: Platform) -> None:
    session = paid(world, None)
    change(world, fee_basis_points=1000)
    refund(world.ctx, session.team_id, session.participant_id(2), RefundWish(2000))
    fees = world.books()["application_fees"]
    assert [(one["amount"], one["amount_refunded"]) for one in fees] == [(120, 30)]
    cancel_session(world.ctx, session.team_id, session.session_id)
    assert [one["amount_refunded"] for one in world.books()["application_fees"]] == [120]


def test_a_charge_without_a_share_is_refunded_without_asking_for_one(world: Platform) -> None:
    change(world, fee_basis_points=0)
    session = paid(world, None)
    change(world, fee_basis_points=1000)
    cancel_session(world.ctx, session.team_id, session.session_id)
    world.deliver()
    assert world.status(session) is PaymentStatus.REFUNDED
    assert world.books()["application_fees"] == []
