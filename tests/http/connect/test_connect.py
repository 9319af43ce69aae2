"""Connecting a clinic's Stripe account as its staff and its software do it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain.payment_methods import CAPABILITIES
from chalicelib.domain.teams import PayeeAccount
from tests.http.connect.connecting import (
    CALLBACK,
    begun,
    come_back,
    come_back_as_script,
    query_of,
    start,
    team_of,
    unconnected,
)
from tests.support.clinic import Clinic, fields_of, fingerprint
from tests.support.edge import Edge
from tests.support.platform import OAUTH_ID, Platform, platform_settings
from tests.support.world import NOON, PUBLIC_URL, World

# --- the way there ------------------------------------------------------------------------------------------------


def test_the_clinics_software_is_told_where_its_staff_go(clinic: Clinic) -> None:
    reply = start(clinic)
    assert reply.status == 200
    assert reply.headers["cache-control"] == "no-store"
    url = reply.json()["url"]
    assert url.startswith("https://connect.stripe.com/oauth/authorize?")
    asked = query_of(url)
    assert asked.pop("state").count(".") == 2
    assert asked == {
        "response_type": "code",
        "client_id": OAUTH_ID,
        "scope": "read_write",
        "redirect_uri": f"{PUBLIC_URL}{CALLBACK}",
    }


def test_under_a_key_a_repetition_is_another_way_to_the_same_and_another_body_is_refused(clinic: Clinic) -> None:
    replies = [clinic.ask("POST", "/v1/stripe/connect", {"account": "existing"}, Idempotency_Key="k") for _ in "ab"]
    assert [reply.status for reply in replies] == [200, 200]
    assert [reply.headers.get("idempotent-replayed") for reply in replies] == [None, "true"]
    assert clinic.ask("POST", "/v1/stripe/connect", {"account": "new"}, Idempotency_Key="k").status == 422


def test_asking_for_it_keeps_nothing_and_asks_nobody(clinic: Clinic, platform: Platform) -> None:
    before = fingerprint(platform)
    with platform.seam.counted() as spent:
        states = {begun(clinic) for _ in range(3)}
    assert len(states) == 3
    assert (spent().writes, spent().stripe) == (0, 0)
    assert fingerprint(platform) == before


@pytest.mark.parametrize("content", [None, {}, {"account": None}, {"account": "existing"}])
def test_an_account_that_the_clinic_has_is_the_usual_one(clinic: Clinic, content: object) -> None:
    assert "/oauth/authorize" in start(clinic, content).json()["url"]


@pytest.mark.parametrize("named", ["old", "", "NEW", 1, ["new"]])
def test_another_kind_of_account_is_422(clinic: Clinic, named: object) -> None:
    reply = start(clinic, {"account": named})
    assert (reply.status, fields_of(reply)) == (422, ["account"])


def test_a_misspelt_field_is_refused_since_it_is_about_money(clinic: Clinic) -> None:
    assert fields_of(start(clinic, {"acount": "new"})) == ["acount"]


def test_without_oauth_an_existing_account_is_409_and_a_new_one_the_usual() -> None:
    clinic = Clinic(Edge(Platform(platform_settings(stripe_client_id=None))))
    assert "/setup/" in start(clinic).json()["url"]
    reply = start(clinic, {"account": "existing"})
    assert reply.status == 409
    assert '{"account": "new"}' in reply.json()["detail"]


def test_one_clinics_own_deployment_connects_nothing() -> None:
    clinic = Clinic(Edge(World()))
    for content in (None, {"account": "new"}):
        reply = start(clinic, content)
        assert reply.status == 409
        assert "on its own Stripe account" in reply.json()["detail"]


# --- the way back -------------------------------------------------------------------------------------------------


def test_a_granted_account_is_connected_and_the_page_says_what_is_next(
    edge: Edge, clinic: Clinic, platform: Platform
) -> None:
    account = unconnected(platform)
    page = come_back(edge, state=begun(clinic), code=platform.stripe.grant(account), scope="read_write")
    assert page.status == 200
    assert "Your Stripe account is connected" in page.body
    assert "The clinic can take payments from now on." in page.body
    assert clinic.team.name in page.body
    assert account not in page.body
    (kept,) = team_of(clinic).accounts
    told = replace(kept, active_methods=(), reconciled_until=None)
    assert told == PayeeAccount(account, country="AU", default_currency="aud", connected_at=NOON, platform_country="AU")
    assert set(kept.active_methods) == set(CAPABILITIES)
    assert clinic.schedule({"fee": {"amount": 8000, "currency": "aud"}}).status == 200


def test_the_clinics_software_sees_it_at_once(edge: Edge, clinic: Clinic, platform: Platform) -> None:
    assert clinic.ask("GET", "/v1/stripe/account").json() == {"accounts": []}
    account = unconnected(platform)
    shown = come_back_as_script(edge, state=begun(clinic), code=platform.stripe.grant(account)).json()
    expected = {
        "account_id": account,
        "is_default": True,
        "connected": True,
        "charges_enabled": True,
        "details_submitted": True,
        "disabled_reason": None,
        "refused_methods": [],
        "country": "AU",
        "default_currency": "aud",
        "connected_at": "2026-03-02T12:00:00.000Z",
        "disconnected_at": None,
        "attention": None,
        "platform_fee": "taken",
        "platform_fee_note": None,
    }
    assert shown == expected
    assert clinic.ask("GET", "/v1/stripe/account").json() == {"accounts": [expected]}


def test_it_is_audited_by_the_client_who_began_it(edge: Edge, clinic: Clinic, platform: Platform) -> None:
    account = unconnected(platform)
    come_back(edge, state=begun(clinic), code=platform.stripe.grant(account))
    rows = platform.audit.between(clinic.team.team_id, NOON, NOON + timedelta(hours=1))
    told = [(entry.what, entry.who, entry.about) for row in rows for entry in row.entries]
    assert ("account_connected", f"api_client:{clinic.client_id}", account) in told


def test_a_restricted_account_is_connected_and_the_page_says_that_stripe_looks_at_it(
    edge: Edge, clinic: Clinic, platform: Platform
) -> None:
    account = unconnected(platform)
    platform.stripe.set_charges_enabled(account, enabled=False)
    page = come_back(edge, state=begun(clinic), code=platform.stripe.grant(account))
    assert "Stripe is still checking it" in page.body
    (shown,) = clinic.ask("GET", "/v1/stripe/account").json()["accounts"]
    assert (shown["connected"], shown["charges_enabled"]) == (True, False)
    assert shown["disabled_reason"] == "requirements.past_due"
    assert "does not let it take payments" in shown["attention"]
    reply = clinic.schedule({"fee": {"amount": 8000, "currency": "aud"}})
    assert (reply.status, "see in Stripe what it asks for" in reply.json()["detail"]) == (409, True)


def test_what_it_costs(edge: Edge, clinic: Clinic, platform: Platform) -> None:
    state, code = begun(clinic), platform.stripe.grant(unconnected(platform))
    with platform.seam.counted() as spent:
        come_back(edge, state=state, code=code)
    assert (spent().writes, spent().stripe, spent().queries) == (3, 3, 0)


def test_a_second_account_is_a_payee_and_a_fee_can_name_it(edge: Edge, clinic: Clinic, platform: Platform) -> None:
    first, second = unconnected(platform), unconnected(platform)
    for account in (first, second):
        come_back(edge, state=begun(clinic), code=platform.stripe.grant(account))
    shown = clinic.ask("GET", "/v1/stripe/account").json()["accounts"]
    assert [(one["account_id"], one["is_default"]) for one in shown] == [(first, True), (second, False)]
    reply = clinic.schedule({"fee": {"amount": 8000, "currency": "aud", "payee": second}})
    assert reply.json()["participants"][0]["fee"]["payee"] == second
