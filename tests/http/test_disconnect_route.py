"""`DELETE /v1/stripe/account` as a clinic's software meets it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from chalicelib.domain.sessions import Session
from tests.support.clinic import Clinic, fields_of
from tests.support.edge import Edge
from tests.support.platform import Platform
from tests.support.world import World


@pytest.fixture
def world() -> Platform:
    return Platform()


@pytest.fixture
def clinic(edge: Edge, world: Platform) -> Clinic:
    """The clinic of the platform that has an account of its own."""
    made = Clinic(edge)
    world.team = made.team = world.connect(made.team)
    return made


def offered(world: Platform) -> Session:
    session = world.schedule(starts_in=timedelta(days=1))
    world.pay_page(session)
    return session


def test_it_answers_with_what_is_left(clinic: Clinic, world: Platform) -> None:
    reply = clinic.ask("DELETE", "/v1/stripe/account")
    assert reply.status == 200
    (shown,) = reply.json()["accounts"]
    assert (shown["connected"], shown["disconnected_at"]) == (False, "2026-03-02T12:00:00.000Z")
    assert shown["attention"] == "It is not connected any more: connect it again, or another one."
    assert world.newest().accounts[0].disconnected_at == world.clock()


def test_money_in_the_way_is_409_that_names_whose_and_why(clinic: Clinic, world: Platform) -> None:
    session = offered(world)
    reply = clinic.ask("DELETE", "/v1/stripe/account")
    assert reply.status == 409
    assert "send force=true" in reply.json()["detail"]
    assert reply.json()["errors"] == [
        {"field": session.participant_id(2), "message": "somebody may be paying at this moment"}
    ]
    assert clinic.ask("DELETE", "/v1/stripe/account?force=1").status == 200


def test_of_several_one_must_be_named(clinic: Clinic, world: Platform) -> None:
    world.team = clinic.team = world.connect(clinic.team)
    reply = clinic.ask("DELETE", "/v1/stripe/account")
    assert (reply.status, fields_of(reply)) == (422, ["account"])
    second = str(clinic.team.accounts[-1].stripe_account_id)
    left = clinic.ask("DELETE", f"/v1/stripe/account?account={second}").json()["accounts"]
    assert [one["connected"] for one in left] == [True, False]


@pytest.mark.parametrize("account", ["acct_unknown", "x" * 3000, "%00", "..%2f..", "null"])
def test_an_account_that_the_clinic_has_not_is_404(clinic: Clinic, account: str) -> None:
    assert clinic.ask("DELETE", f"/v1/stripe/account?account={account}").status == 404


def test_another_clinics_account_is_404_and_stays(clinic: Clinic, edge: Edge, world: Platform) -> None:
    neighbour = Clinic(edge, "Hill Street Practice")
    neighbour.team = world.connect(neighbour.team)
    theirs = str(neighbour.team.accounts[-1].stripe_account_id)
    for query in (f"?account={theirs}", f"?account={theirs}&force=true"):
        assert clinic.ask("DELETE", f"/v1/stripe/account{query}").status == 404
    assert world.teams.get(neighbour.team.team_id).can_charge()
    assert world.books_of(theirs)["authorized"]


@pytest.mark.parametrize("value", ["yes", "2", "force"])
def test_a_force_that_is_neither_is_422(clinic: Clinic, value: str) -> None:
    reply = clinic.ask("DELETE", f"/v1/stripe/account?force={value}")
    assert (reply.status, fields_of(reply)) == (422, ["force"])


def test_one_clinics_own_deployment_has_nothing_to_disconnect() -> None:
    clinic = Clinic(Edge(World()))
    reply = clinic.ask("DELETE", "/v1/stripe/account")
    assert reply.status == 409
    assert "the deployment's own Stripe account" in reply.json()["detail"]
