"""Clinics and their API clients, by the operator."""

from __future__ import annotations

import base64

import pytest

from chalicelib.domain.money import UnknownCurrencyError
from chalicelib.domain.teams import PayeeAccount, Plan, TeamNameError
from chalicelib.flows.enrol import enrol_team
from chalicelib.http.exchange import Request
from chalicelib.http.token_routes import give_token
from tests.ops.desk import Desk
from tests.support.world import NOON, TEAM_ID, World


def test_a_new_team_can_schedule_and_charge_on_the_deployments_own_account(desk: Desk, world: World) -> None:
    assert desk.run("team", "create", "Bay Road Clinic") == 0
    team = world.teams.get(desk.field("team"))
    assert team.name == "Bay Road Clinic"
    assert team.plan is Plan.STANDARD
    assert team.accounts == (PayeeAccount(None, reconciled_until=NOON),)
    assert team.may_schedule
    assert team.can_charge()
    assert desk.field("account") == "our own account, the default"


def test_a_team_is_created_as_it_was_asked_for(desk: Desk, world: World) -> None:
    desk.run(
        "team", "create", "Kiwi", "--plan", "starter", "--scheduling-add-on", "--currency", "NZD", "--also-takes", "aud"
    )
    team = world.teams.get(desk.field("team"))
    assert team.plan is Plan.ESSENTIALS
    assert team.scheduling_add_on is True
    assert team.default_currency == "nzd"
    assert team.more_currencies == ("aud",)


def test_the_new_clients_secret_is_printed_once_and_gets_a_token(desk: Desk, world: World) -> None:
    desk.run("team", "create", "Bay Road Clinic")
    client_id, secret = desk.field("client_id"), desk.field("client_secret")
    assert desk.printed.count(secret) == 1
    assert "shown this once" in desk.printed
    assert token_status(world, client_id, secret) == 200
    assert token_status(world, client_id, secret + "x") == 401


def test_a_secret_is_kept_as_its_hash_alone(desk: Desk, world: World) -> None:
    desk.run("client", "add", TEAM_ID, "--name", "Booking page")
    client = world.api_clients.find(desk.field("client_id"))
    assert client is not None
    assert client.team_id == TEAM_ID
    assert client.name == "Booking page"
    assert desk.field("client_secret") not in repr(world.api_clients.__dict__)
    assert len(client.secret_hashes) == 1


def test_a_client_of_an_unknown_team_is_not_added(desk: Desk) -> None:
    assert desk.run("client", "add", "0197b3c4-d5e6-7788-99aa-bbccddeeff00") == 1
    assert "no such team 0197b3c4-d5e6-7788-99aa-bbccddeeff00" in desk.complained
    assert desk.printed == ""


def test_a_disabled_client_gets_no_more_tokens(desk: Desk, world: World) -> None:
    desk.run("client", "add", TEAM_ID)
    client_id, secret = desk.field("client_id"), desk.field("client_secret")
    assert desk.run("client", "disable", client_id) == 0
    assert desk.printed.splitlines()[0] == (
        f"client {client_id} of team {TEAM_ID} is disabled since 2026-03-02T12:00:00Z"
    )
    assert token_status(world, client_id, secret) == 401


def test_a_client_disabled_again_stays_disabled_since_the_first_time(desk: Desk, world: World) -> None:
    desk.run("client", "add", TEAM_ID)
    client_id = desk.field("client_id")
    desk.run("client", "disable", client_id)
    world.clock.advance(hours=1)
    assert desk.run("client", "disable", client_id) == 0
    assert "since 2026-03-02T12:00:00Z" in desk.printed


def test_an_unknown_client_cannot_be_disabled(desk: Desk) -> None:
    assert desk.run("client", "disable", "nobody") == 1
    assert desk.complained.startswith("no such API client")


def test_a_team_is_shown(desk: Desk, world: World) -> None:
    world.change_team(suspended=True, fee_basis_points=90)
    assert desk.run("team", "show", TEAM_ID) == 0
    assert desk.field("name") == "Riverside Clinic"
    assert desk.field("state") == "suspended"
    assert desk.field("can charge") == "no: it is suspended"
    assert desk.field("platform fee") == "90 basis points, as agreed"


def test_teams_are_listed_the_oldest_first(desk: Desk, world: World) -> None:
    world.clock.advance(minutes=1)
    desk.run("team", "create", "Youngest Clinic")
    desk.run("team", "list")
    assert [line.split("  ")[-1] for line in desk.printed.splitlines()] == [
        "Riverside Clinic",
        "Hill Street Clinic",
        "Youngest Clinic",
    ]


def test_what_a_terminal_would_obey_is_not_printed(desk: Desk, world: World) -> None:
    world.change_team(name="Clinic\x1b[31m\nline")
    desk.run("team", "show", TEAM_ID)
    assert desk.field("name") == "Clinic?[31m?line"


@pytest.mark.parametrize("name", ["", "   ", "x" * 201, "two\nlines"])
def test_a_team_needs_a_name_that_can_be_printed(desk: Desk, world: World, name: str) -> None:
    assert desk.run("team", "create", name) == 2
    assert desk.complained == "a team's name is 1 to 200 printable characters\n"
    with pytest.raises(TeamNameError):
        enrol_team(world.ctx, name)
    assert len(list(world.teams.all())) == 2


def test_a_team_needs_a_currency_that_stripe_takes(world: World) -> None:
    with pytest.raises(UnknownCurrencyError):
        enrol_team(world.ctx, "Bay Road Clinic", default_currency="xxx")
    assert len(list(world.teams.all())) == 2


def token_status(world: World, client_id: str, secret: str) -> int:
    """What the token endpoint answers."""
    basic = base64.b64encode(f"{client_id}:{secret}".encode()).decode()
    headers = {"authorization": f"Basic {basic}", "content-type": "application/x-www-form-urlencoded"}
    body = b"grant_type=client_credentials"
    return give_token(world.ctx, Request("POST", "/v1/auth/token", headers, body, {}, {}, "r1")).status
