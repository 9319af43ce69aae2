"""A clinic's account across a border that no platform fee crosses: its staff and its software are told."""

from __future__ import annotations

from dataclasses import replace

from tests.http.connect.connecting import begun, come_back
from tests.support.clinic import Clinic
from tests.support.platform import Platform

WITHOUT = "Stripe takes no platform fee from accounts in BR for a platform in AU: its fees are charged without one."
NONE = "Stripe takes no platform fee from accounts in BR for a platform in AU: no new fee can be scheduled on it."


def from_brazil(platform: Platform, clinic: Clinic) -> str:
    """What the staff read when they come back."""
    account = platform.stripe.create_account("Clinica", connected=False, country="BR")
    page = come_back(clinic.edge, state=begun(clinic), code=platform.stripe.grant(account))
    assert page.status == 200
    return page.body


def refusing(platform: Platform) -> None:
    platform.context = replace(platform.context, settings=replace(platform.context.settings, refuses_fees_abroad=True))


def test_it_is_charged_without_and_page_account_and_quote_say_so(clinic: Clinic, platform: Platform) -> None:
    page = from_brazil(platform, clinic)
    assert "payments are charged without one" in page
    assert "The clinic can take payments from now on." in page
    (shown,) = clinic.ask("GET", "/v1/stripe/account").json()["accounts"]
    assert (shown["platform_fee"], shown["platform_fee_note"], shown["attention"]) == ("not_possible", WITHOUT, None)
    told = clinic.ask("GET", "/v1/fees/quote?amount=8000&currency=aud").json()
    assert (told["platform_fee"], told["net"], told["platform_fee_note"]) == (0, 8000, WITHOUT)
    assert clinic.schedule({"fee": {"amount": 8000, "currency": "aud"}}).status == 200


def test_where_the_operator_refuses_that_all_of_them_say_so(clinic: Clinic, platform: Platform) -> None:
    refusing(platform)
    page = from_brazil(platform, clinic)
    assert "schedules no fees without one" in page
    assert "The clinic can take payments from now on." not in page
    (shown,) = clinic.ask("GET", "/v1/stripe/account").json()["accounts"]
    assert (shown["platform_fee"], shown["platform_fee_note"]) == ("not_possible", NONE)
    reply = clinic.schedule({"fee": {"amount": 8000, "currency": "aud"}})
    assert reply.status == 409
    assert "connect an account of the platform's country" in reply.json()["detail"]
    assert clinic.schedule({}).status == 200


def test_an_account_to_fill_in_is_told_both_what_is_missing_and_that_no_fee_is_taken(
    clinic: Clinic, platform: Platform
) -> None:
    refusing(platform)
    account = platform.stripe.create_account("Clinica", connected=False, country="BR")
    platform.stripe.set_charges_enabled(account, enabled=False)
    page = come_back(clinic.edge, state=begun(clinic), code=platform.stripe.grant(account)).body
    assert "schedules no fees without one" in page
    assert "Stripe is still checking it" in page or "Stripe still needs some details" in page


def test_of_a_clinic_that_owes_the_platform_nothing_nothing_is_refused(clinic: Clinic, platform: Platform) -> None:
    refusing(platform)
    before = platform.teams.get(clinic.team.team_id)
    platform.teams.save(before, replace(before, fee_basis_points=0))
    assert "payments are charged without one" in from_brazil(platform, clinic)
    (shown,) = clinic.ask("GET", "/v1/stripe/account").json()["accounts"]
    assert shown["platform_fee_note"] == WITHOUT
    assert clinic.ask("GET", "/v1/user/team").json()["stripe"]["accounts"] == [shown]
    assert clinic.ask("GET", "/v1/fees/quote?amount=8000&currency=aud").json()["platform_fee_note"] is None
    assert clinic.schedule({"fee": {"amount": 8000, "currency": "aud"}}).status == 200
