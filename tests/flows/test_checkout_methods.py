"""Delayed ways of paying: offered where they fit, left out where Stripe refuses them, and cards always."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain.admission import Admission, Door
from chalicelib.domain.edits import ParticipantEdit
from chalicelib.domain.facts import AttemptState
from chalicelib.domain.sessions import Fee, Session
from chalicelib.domain.team_edits import TeamEdit
from chalicelib.domain.teams import PayeeAccount, RefusedMethod
from chalicelib.flows.accounts import refresh
from chalicelib.flows.checkout import PaymentStarted, start_checkout
from chalicelib.flows.edit_team import update_team
from chalicelib.gateways.stripe_api import StripeUncertainError
from chalicelib.storage.stores import StripeAccount
from tests.support.crashes import Act, die, every_crash
from tests.support.edge import Edge
from tests.support.editing import update_guest
from tests.support.invariants import settled_in_the_end
from tests.support.seam import Seam
from tests.support.world import NOON, TEAM_ID, World, guest, host

IN_TEN_DAYS = timedelta(days=10)
CARDS, BECS, ALL = ["card"], ["card", "au_becs_debit"], ("card", "au_becs_debit", "sepa_debit")


def _ahead(world: World, currency: str = "aud") -> Session:
    """A session that the bank has time before."""
    return world.schedule(host(), guest(Fee(8000, currency)), starts_in=IN_TEN_DAYS)


def _asked_for(world: World) -> list[list[str]]:
    return [page["payment_method_types"] for page in world.checkouts()]


def _refused(world: World, account_id: str | None = None) -> list[str]:
    account = world.teams.get(world.team.team_id).account(account_id)
    assert account is not None
    return [one.method for one in account.refused_methods]


@pytest.fixture
def world() -> World:
    """A clinic with debits of two currencies chosen, and an account without them."""
    made = World()
    made.change_team(delayed_methods=("au_becs_debit", "sepa_debit"), more_currencies=("usd", "jpy", "eur"))
    made.stripe.set_methods(None, CARDS)
    return made


# --- only where it fits ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("currency", ["usd", "jpy"])
def test_a_debit_that_takes_another_currency_is_left_out_and_a_card_does(world: World, currency: str) -> None:
    """woocommerce-payments#3232: the whole page was refused."""
    world.stripe.set_methods(None, ALL)
    assert isinstance(world.press_pay(_ahead(world, currency)), PaymentStarted)
    assert _asked_for(world) == [CARDS]


def test_each_debit_goes_with_the_fees_of_its_currency(world: World) -> None:
    world.stripe.set_methods(None, ALL)
    for currency in ("aud", "eur"):
        world.pay_page(_ahead(world, currency))
    assert _asked_for(world) == [BECS, ["card", "sepa_debit"]]


def test_a_debit_is_left_out_on_accounts_of_other_countries(world: World) -> None:
    world.stripe.set_methods(None, ALL)
    world.team = world.change_team(accounts=(PayeeAccount(None, country="NZ"),))
    world.pay_page(_ahead(world))
    assert _asked_for(world) == [CARDS]


def test_a_canadian_debit_is_asked_for_with_the_terms_of_its_mandate(world: World) -> None:
    """odoo#269307: Stripe refuses the page without them. Sent again, it is the same bytes."""
    world.stripe.set_methods(None, ["card", "acss_debit"])
    world.stripe.set_country(None, "CA")
    world.change_team(delayed_methods=("acss_debit",), default_currency="cad")
    session = _ahead(world, "cad")
    world.stripe.fail_next("timeout_after", 2)
    with pytest.raises(StripeUncertainError):
        world.press_pay(session)
    world.pay_page(session)
    (page,) = world.checkouts()
    assert page["payment_method_types"] == ["card", "acss_debit"]
    assert page["payment_method_options"] == {
        "acss_debit": {"mandate_options": {"payment_schedule": "sporadic", "transaction_type": "personal"}}
    }


# --- refused by Stripe ----------------------------------------------------------------------------------------------


def test_where_a_debit_is_not_activated_cards_alone_are_offered_at_once(world: World) -> None:
    """opencollective#8564, woocommerce-gateway-stripe#327: nobody could pay, not by card either."""
    session = _ahead(world)
    assert isinstance(world.press_pay(session), PaymentStarted)
    assert _asked_for(world) == [CARDS]
    assert world.attempt_states(session) == [AttemptState.VOID, AttemptState.OPEN]
    assert world.attention(session) is None
    settled_in_the_end(world, session, owed=0)


def test_the_next_clients_are_offered_cards_at_once_and_the_clinic_is_told(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.pay_page(_ahead(world))
    account = world.teams.get(world.team.team_id).account(None)
    assert account is not None
    assert account.refused_methods == (RefusedMethod("au_becs_debit", NOON),)
    (line,) = [one for one in caplog.records if one.message == "methods_refused"]
    told = (line.levelno, line.__dict__["team_id"], line.__dict__["account"], line.__dict__["methods"])
    assert told == (logging.WARNING, world.team.team_id, "own", "au_becs_debit")
    with world.seam.counted() as spent:
        world.pay_page(_ahead(world))
        assert spent().stripe == 1
    world.pay_page(_ahead(world, "eur"))
    assert _refused(world) == ["au_becs_debit", "sepa_debit"]
    assert _asked_for(world) == [CARDS] * 3


def test_a_fee_of_another_account_is_not_affected(world: World) -> None:
    account = world.stripe.create_account()
    world.team = world.change_team(accounts=(PayeeAccount(None), PayeeAccount(account, is_default=False)))
    world.pay_page(_ahead(world))
    world.pay_page(world.schedule(host(), guest(Fee(8000, "aud", payee=account)), starts_in=IN_TEN_DAYS))
    made = world.stripe.snapshot()["accounts"][-1]["checkout_sessions"]
    assert [one["payment_method_types"] for one in made] == [BECS]
    assert _refused(world, account) == []


def test_what_is_activated_is_used_again_once_stripe_says_so(world: World) -> None:
    world.pay_page(_ahead(world))
    assert refresh(world.ctx, None) is True
    assert _refused(world) == ["au_becs_debit"]
    world.stripe.set_methods(None, ALL)
    world.deliver()
    assert _refused(world) == []
    world.pay_page(_ahead(world))
    assert _asked_for(world) == [CARDS, BECS]


def test_it_is_used_again_once_the_operator_chooses_anew(world: World) -> None:
    world.pay_page(_ahead(world))
    world.stripe.set_webhooks("drop")
    world.stripe.set_methods(None, ALL)
    update_team(world.ctx, world.team.team_id, TeamEdit(delayed_methods=("au_becs_debit",)))
    world.pay_page(_ahead(world))
    assert _asked_for(world) == [CARDS, BECS]


def test_whoever_was_not_told_yet_learns_it_without_a_write_of_the_team(world: World) -> None:
    """Another process remembers the team for 60 s."""
    former, session = world.teams.get(world.team.team_id), _ahead(world)
    world.pay_page(_ahead(world))
    link = world.open(session)
    with world.seam.counted() as spent:
        assert isinstance(start_checkout(world.ctx, replace(link, team=former)), PaymentStarted)
        assert (spent().stripe, spent().writes) == (2, 3)
    assert _refused(world) == ["au_becs_debit"]


def test_an_account_without_cards_needs_the_clinic_and_is_offered_once_it_has_them(world: World) -> None:
    world.stripe.set_methods(None, ["au_becs_debit"])
    session = _ahead(world)
    assert world.press_pay(session) == Admission(Door.OFFER_REFUSED, session.start_time)
    assert world.attempt_states(session) == [AttemptState.VOID, AttemptState.VOID]
    assert world.attention(session) is not None
    world.stripe.set_methods(None, ALL)
    world.deliver()
    assert isinstance(world.press_pay(session), PaymentStarted)
    assert world.attention(session) is None


# --- a refusal is held against its terms ----------------------------------------------------------------------------


def _too_small(world: World) -> Session:
    world.stripe.set_minimum_charge("aud", 10_000)
    session = world.schedule()
    assert world.press_pay(session) == Admission(Door.OFFER_REFUSED, session.start_time)
    return session


def test_the_same_terms_are_not_tried_at_the_next_press(world: World) -> None:
    session = _too_small(world)
    with world.seam.counted() as spent:
        assert world.press_pay(session) == Admission(Door.OFFER_REFUSED, NOON)
        assert spent().stripe == 0


def test_another_fee_is_offered_at_the_next_press(world: World) -> None:
    edge = Edge(world)
    session = _too_small(world)
    token = world.token(session)
    assert edge.post(f"/session/{token}/checkout", Accept="application/json").status == 409
    update_guest(world, session, ParticipantEdit(fee=Fee(12_000, "aud")))
    assert world.open(session).admission.door is Door.PAY
    assert isinstance(world.press_pay(session), PaymentStarted)
    assert world.attention(session) is None


def test_another_rate_of_the_platform_is_offered_at_the_next_press(world: World) -> None:
    session = _too_small(world)
    update_team(world.ctx, world.team.team_id, TeamEdit(fee_basis_points=0))
    world.stripe.set_minimum_charge("aud", 50)
    assert isinstance(world.press_pay(session), PaymentStarted)


def test_an_account_that_was_activated_meanwhile_is_asked_at_the_next_press() -> None:
    world = World()
    account = world.stripe.create_account()
    world.team = world.change_team(accounts=(PayeeAccount(account, country="AU", default_currency="aud"),))
    world.stripe_accounts.save(None, StripeAccount(account, TEAM_ID, livemode=False, connected_at=NOON))
    world.stripe.set_charges_enabled(account, enabled=False)
    session = world.schedule()
    assert world.press_pay(session) == Admission(Door.OFFER_REFUSED, NOON)
    world.stripe.set_charges_enabled(account, enabled=True)
    assert refresh(world.ctx, account) is True
    assert isinstance(world.press_pay(session), PaymentStarted)


def test_a_new_refusal_of_other_terms_starts_waiting_anew(world: World) -> None:
    session = _too_small(world)
    update_guest(world, session, ParticipantEdit(fee=Fee(9000, "aud")))
    assert world.press_pay(session) == Admission(Door.OFFER_REFUSED, NOON)
    (trouble,) = world.participant(session).history.troubles
    assert (trouble.failures, trouble.terms is not None and trouble.terms.amount) == (1, 9000)


# --- crashes --------------------------------------------------------------------------------------------------------


def test_wherever_the_process_dies_the_next_press_leads_to_one_page_with_cards_alone() -> None:
    def prepare() -> tuple[World, Session]:
        world = World()
        world.change_team(delayed_methods=("au_becs_debit",))
        world.stripe.set_methods(None, CARDS)
        return world, _ahead(world)

    def armed() -> tuple[Seam, Act]:
        world, session = prepare()
        return world.seam, lambda: world.press_pay(session)

    crashes = list(every_crash(armed))
    for crash in crashes:
        world, session = prepare()
        die(world.seam, lambda world=world, session=session: world.press_pay(session), crash)  # type: ignore[misc]
        world.clock.advance(seconds=31)
        assert isinstance(world.press_pay(session), PaymentStarted), crash
        assert _asked_for(world) == [CARDS], crash
        assert _refused(world) == ["au_becs_debit"], crash
    assert len(crashes) >= 14
