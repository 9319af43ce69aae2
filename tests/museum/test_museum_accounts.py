"""Museum: many clinics with Stripe accounts of their own, which are mixed up, restricted, and gone.

Each test is named after a report from users of another system, and holds what happened to them against this one.
"""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlsplit

import pytest

from chalicelib.domain.teams import Plan
from chalicelib.flows.nightly import NIGHTLY_SECONDS, reconcile_nightly
from sandbox.stripe_standin.deliveries import signature
from tests.museum.appointment import DAY, FEE, Appointment, book, fee_of
from tests.support.clinic import Clinic
from tests.support.edge import Edge
from tests.support.platform import CONNECT_WEBHOOK_SECRET, Platform
from tests.support.world import checkout_id


@pytest.fixture
def platform() -> Platform:
    return Platform()


@pytest.fixture
def bay_road(platform: Platform) -> Clinic:
    return connected(platform, Clinic(Edge(platform)))


@pytest.fixture
def hill_street(bay_road: Clinic, platform: Platform) -> Clinic:
    return connected(platform, Clinic(bay_road.edge, "Hill Street Practice"))


def connected(platform: Platform, clinic: Clinic) -> Clinic:
    clinic.team = platform.connect(clinic.team)
    return clinic


def account_of(clinic: Clinic) -> str:
    """Its newest."""
    return str(clinic.edge.world.teams.get(clinic.team.team_id).accounts[-1].stripe_account_id)


def paid(clinic: Clinic) -> Appointment:
    one = book(clinic.edge, clinic, starts_in=DAY)
    one.pay_at_stripe()
    clinic.edge.deliver_webhooks()
    return one


def ids_of(platform: Platform, one: Appointment) -> tuple[str, str, str]:
    """All that an offer to pay tells Stripe of where it belongs."""
    (attempt,) = platform.participant(one.session).history.attempts
    return one.session.team_id, one.session.participant_id(2), attempt.attempt_id


# --- whose account -------------------------------------------------------------------------------------------------


def test_flowglad_1140_an_account_is_connected_to_who_began_it_whoever_is_at_it_meanwhile(
    platform: Platform, bay_road: Clinic, hill_street: Clinic
) -> None:
    """The account was linked to whichever organisation was looked up at the callback, and not to the one that began.

    https://github.com/flowglad/flowglad/pull/1140
    """
    begun = [clinic.ask("POST", "/v1/stripe/connect").json()["url"] for clinic in (bay_road, hill_street)]
    states = [parse_qs(urlsplit(url).query)["state"][0] for url in begun]
    accounts = [platform.stripe.create_account(connected=False) for _ in states]
    for state, account in reversed(list(zip(states, accounts, strict=True))):
        query = f"state={state}&code={platform.stripe.grant(account)}"
        assert bay_road.edge.get(f"/stripe/connect/callback?{query}", Accept="text/html").status == 200
    assert [account_of(clinic) for clinic in (bay_road, hill_street)] == accounts


def test_mirakl_148_what_another_clinics_account_tells_under_our_ids_is_not_believed(
    platform: Platform, bay_road: Clinic, hill_street: Clinic
) -> None:
    """Any seller's account could claim another shop's order, by writing its id into the metadata of a charge.

    https://github.com/stripe/stripe-mirakl-connector/pull/148
    """
    ours, theirs = book(bay_road.edge, bay_road), paid(hill_street)
    ours.press_pay()
    event = next(one for one in platform.books_of(account_of(hill_street))["events"] if one["type"].startswith("check"))
    told = json.dumps(event)
    for theirs_id, ours_id in zip(ids_of(platform, theirs), ids_of(platform, ours), strict=True):
        told = told.replace(theirs_id, ours_id)
    header = signature(CONNECT_WEBHOOK_SECRET, told.encode(), platform.clock())
    reply = bay_road.edge.request("POST", "/stripe/connect/webhook", told, {"Stripe-Signature": header})
    assert (reply.status, reply.json()["settled"]) == (200, "other_account")
    assert ours.door() == "pay"


def test_mirakl_62_the_update_of_an_account_that_nobody_connected_here_is_answered_200(
    platform: Platform, bay_road: Clinic
) -> None:
    """Other accounts of the same platform were answered 400, until Stripe would have disabled the endpoint.

    https://github.com/stripe/stripe-mirakl-connector/issues/62
    """
    platform.stripe.set_charges_enabled(platform.stripe.create_account("A shop elsewhere"), enabled=False)
    bay_road.edge.deliver_webhooks()
    answers = [one.state.value for one in platform.stripe.deliveries if one.event_type == "account.updated"]
    assert answers == ["delivered"]


# --- an account that cannot charge, or is gone ---------------------------------------------------------------------


def test_market_dot_dev_170_a_connected_account_that_cannot_charge_asks_nobody_to_pay(
    platform: Platform, bay_road: Clinic
) -> None:
    """Accounts seemed connected, and every payment on them failed.

    https://github.com/market-dot-dev/studio/issues/170
    """
    one = book(bay_road.edge, bay_road)
    platform.stripe.set_charges_enabled(account_of(bay_road), enabled=False)
    bay_road.edge.deliver_webhooks()
    assert one.door() == "cannot_charge"
    assert bay_road.ask("GET", "/v1/stripe/account").json()["accounts"][-1]["charges_enabled"] is False
    assert bay_road.schedule(fee_of()).status == 409


def test_calcom_2170_without_its_account_a_clinic_schedules_nothing_that_costs(
    platform: Platform, bay_road: Clinic
) -> None:
    """The Stripe account was removed; booking said that creating the payment failed, and the booking was there.

    https://github.com/calcom/cal.diy/issues/2170
    """
    platform.stripe.deauthorize(account_of(bay_road))
    bay_road.edge.deliver_webhooks()
    before = bay_road.ask("GET", "/v1/sessions").json()
    assert bay_road.schedule(fee_of()).status == 409
    assert bay_road.ask("GET", "/v1/sessions").json() == before


def test_calcom_6948_a_fee_that_nobody_can_be_asked_for_does_not_wait_for_ever(
    platform: Platform, bay_road: Clinic
) -> None:
    """Stripe was switched off; the client was never asked, and the organiser read "pending payment".

    https://github.com/calcom/cal.diy/issues/6948
    """
    one = book(bay_road.edge, bay_road)
    platform.stripe.deauthorize(account_of(bay_road))
    bay_road.edge.deliver_webhooks()
    assert one.door() == "cannot_charge"
    assert one.payment()["status"] == "unpaid"
    (told,) = bay_road.ask("GET", "/v1/stripe/account").json()["accounts"]
    assert "is not connected any more" in told["attention"]


def test_brambling_909_what_was_paid_on_the_former_account_is_refunded_there(
    platform: Platform, bay_road: Clinic
) -> None:
    """After another account was attached, refunds of older charges were refused: "No such charge".

    https://github.com/dancerfly/django-brambling/issues/909
    """
    former, one = account_of(bay_road), paid(bay_road)
    bay_road.team = platform.connect(platform.newest(bay_road.team))
    assert bay_road.ask("GET", "/v1/stripe/account").json()["accounts"][-1]["account_id"] != former
    assert one.refund().status == 200
    assert [refund["amount"] for refund in platform.books_of(former)["refunds"]] == [FEE]


# --- its part ------------------------------------------------------------------------------------------------------


def test_pinax_557_the_refund_of_a_direct_charge_is_made_on_the_account_that_has_it(
    platform: Platform, bay_road: Clinic, hill_street: Clinic
) -> None:
    """The refund was sought on the platform's account, where the charge is not.

    https://github.com/pinax/pinax-stripe-light/pull/557
    """
    first, second = paid(bay_road), paid(hill_street)
    assert second.refund().status == first.refund().status == 200
    for clinic in (bay_road, hill_street):
        assert [refund["amount"] for refund in platform.books_of(account_of(clinic))["refunds"]] == [FEE]


@pytest.mark.parametrize(("amount", "fee"), [(350, 5), (300, 5), (299, 4), (8001, 120), (8033, 120), (8034, 121)])
def test_laravel_connect_29_the_platforms_fee_is_whole_minor_units(
    platform: Platform, bay_road: Clinic, amount: int, fee: int
) -> None:
    """5 % of 3.15 made a fee of 15.75 cents, which Stripe refuses: nobody could pay.

    https://github.com/l4nos/laravel-cashier-stripe-connect/issues/29
    """
    bay_road.change_team(plan=Plan.STANDARD, fee_basis_points=150)
    one = book(bay_road.edge, bay_road, guest=fee_of(amount))
    pressed = one.pay()
    assert "/cs_" in pressed.headers["location"]
    platform.stripe.pay(checkout_id(pressed.headers["location"]))
    (charge,) = platform.books_of(account_of(bay_road))["charges"]
    assert charge["application_fee_amount"] == fee


def test_unlock_12594_a_clinic_in_a_country_without_platform_fees_is_paid_all_the_same(
    platform: Platform, bay_road: Clinic
) -> None:
    """Stripe takes no platform fee from accounts of some countries, and every payment that named one was refused.

    https://github.com/unlock-protocol/unlock/issues/12594
    """
    platform.stripe.set_country(account_of(bay_road), "BR")
    bay_road.team = platform.newest(bay_road.team)
    reconcile_nightly(platform.context.within(NIGHTLY_SECONDS))
    one = paid(bay_road)
    offered = [attempt.application_fee for attempt in platform.participant(one.session).history.attempts]
    assert (one.door(), offered) == ("early", [0])
