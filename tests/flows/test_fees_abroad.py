"""Paying on an account that pays no platform fee: the client pays all the same, new fees are as the operator says."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from typing_extensions import override

from chalicelib.domain.edits import ParticipantEdit
from chalicelib.domain.facts import Attempt, AttemptState, CheckoutSeen
from chalicelib.domain.payments import PaymentStatus
from chalicelib.domain.refusals import Refusal
from chalicelib.domain.sessions import Fee, FeeNotPossibleError, Session
from chalicelib.domain.team_edits import TeamEdit, edit_team
from chalicelib.domain.teams import ChargeBar
from chalicelib.flows.change_team import change_team
from chalicelib.flows.edit_participants import add_participant, update_participant
from chalicelib.flows.nightly import NIGHTLY_SECONDS, reconcile_nightly
from chalicelib.gateways.deadline import Deadline
from chalicelib.gateways.stripe_api import StripeApi, StripeRefusedError
from tests.support.platform import Platform
from tests.support.world import guest, host, no_sleep

DAY = timedelta(days=1)


@pytest.fixture
def world() -> Platform:
    return Platform()


def moved_to(world: Platform, country: str) -> None:
    """The clinic's account is of that country, and the night has seen it."""
    world.stripe.set_country(world.account, country)
    world.deliver()
    reconcile_nightly(world.context.within(NIGHTLY_SECONDS))
    world.team = world.newest()


def refusing(world: Platform) -> None:
    world.context = replace(world.context, settings=replace(world.context.settings, refuses_fees_abroad=True))


def paid(world: Platform, session: Session) -> list[int]:
    """The platform's fees of the attempts, once the client has paid."""
    world.pay(session)
    world.deliver()
    assert world.status(session) is PaymentStatus.PAID
    return [one.application_fee for one in world.participant(session).history.attempts]


@pytest.mark.parametrize(("country", "fee"), [("BR", 0), ("SG", 0), ("NZ", 120), ("AU", 120)])
def test_a_client_pays_whether_or_not_the_platform_gets_a_fee(world: Platform, country: str, fee: int) -> None:
    moved_to(world, country)
    assert paid(world, world.schedule(starts_in=DAY)) == [fee]


def test_an_account_of_before_learns_of_the_border_in_the_night(world: Platform) -> None:
    assert world.team.accounts[0].platform_country is None
    moved_to(world, "MX")
    account = world.newest().accounts[0]
    assert (account.platform_country, account.pays_platform_fee) == ("AU", False)


def test_a_change_of_the_platforms_own_account_reaches_every_clinic(world: Platform) -> None:
    moved_to(world, "MX")
    world.stripe.set_country(None, "MX")
    world.deliver()
    assert world.newest().accounts[0].pays_platform_fee


def test_where_that_is_refused_no_new_fee_is_scheduled_or_added(world: Platform) -> None:
    moved_to(world, "BR")
    refusing(world)
    with pytest.raises(FeeNotPossibleError) as raised:
        world.schedule(starts_in=DAY)
    assert raised.value.bar is ChargeBar.FEE_ABROAD
    session = world.schedule(host(), starts_in=DAY)
    with pytest.raises(FeeNotPossibleError):
        add_participant(world.ctx, world.team, session.session_id, guest(Fee(8000, "aud")))


def test_where_that_is_refused_who_was_scheduled_before_pays_at_the_door(world: Platform) -> None:
    session = world.schedule(starts_in=DAY)
    moved_to(world, "BR")
    refusing(world)
    assert paid(world, session) == [0]


def test_a_refusal_beyond_the_table_is_answered_without_the_fee_told_once_and_remembered(
    world: Platform, caplog: pytest.LogCaptureFixture
) -> None:
    world.stripe.refuse_fees(world.account)
    session = world.schedule(starts_in=DAY)
    assert paid(world, session) == [120, 0]
    assert world.attempt_states(session)[0] is AttemptState.VOID
    world.team = world.newest()
    assert world.team.accounts[0].fee_refused
    assert paid(world, world.schedule(starts_in=DAY)) == [0]
    assert caplog.messages.count("platform_fee_refused") == 1


def test_the_operator_sets_the_rate_and_the_fee_is_tried_again(world: Platform) -> None:
    world.change_team(accounts=tuple(replace(one, fee_refused=True) for one in world.team.accounts))
    assert paid(world, world.schedule(starts_in=DAY)) == [0]
    change_team(world.ctx, world.team.team_id, lambda team: edit_team(team, TeamEdit(fee_basis_points=150)))
    world.team = world.newest()
    assert paid(world, world.schedule(starts_in=DAY)) == [120]


class RefusesEveryPage(StripeApi):
    """By the code that is reported of fees abroad, which Stripe has for other things, too."""

    @override
    def create_checkout(self, attempt: Attempt, deadline: Deadline) -> CheckoutSeen:
        raise StripeRefusedError(Refusal("charge_invalid_parameter"))


def test_a_page_that_is_refused_without_the_fee_too_leaves_the_fee_as_it_was(world: Platform) -> None:
    session = world.schedule(starts_in=DAY)
    world.context = replace(world.context, stripe=RefusesEveryPage(world.context.stripe._client, no_sleep))
    world.press_pay(session)
    assert [one.application_fee for one in world.participant(session).history.attempts] == [120, 0]
    assert not world.newest().accounts[0].fee_refused
    assert "code charge_invalid_parameter" in (world.attention(session) or "")


def test_a_page_refused_for_a_method_and_for_the_fee_is_offered_without_both_in_one_request(world: Platform) -> None:
    world.change_team(delayed_methods=("au_becs_debit",))
    world.stripe.set_methods(world.account, ["card"])
    world.stripe.refuse_fees(world.account)
    session = world.schedule(starts_in=10 * DAY)
    assert paid(world, session)[-1] == 0
    account = world.newest().accounts[0]
    assert (account.fee_refused, [one.method for one in account.refused_methods]) == (True, ["au_becs_debit"])


def test_another_fee_is_refused_and_another_word_for_the_same_is_not(world: Platform) -> None:
    session = world.schedule(starts_in=DAY)
    moved_to(world, "BR")
    refusing(world)
    theirs = session.participant_id(2)
    with pytest.raises(FeeNotPossibleError):
        update_participant(world.ctx, world.team, theirs, ParticipantEdit(fee=Fee(9000, "aud")))
    told = update_participant(world.ctx, world.team, theirs, ParticipantEdit(fee=Fee(8000, "aud", "First visit")))
    assert told.participant.fee == Fee(8000, "aud", "First visit")


def test_a_platform_that_cannot_be_read_holds_up_nobody_and_the_night_makes_up_for_it(world: Platform) -> None:
    moved_to(world, "BR")
    world.stripe.fail_next("500", 2, path_prefix="/v1/account")
    reconcile_nightly(world.context.within(NIGHTLY_SECONDS))
    assert world.newest().accounts[0].platform_country == "AU"
