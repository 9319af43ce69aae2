"""Changing an API client's secret with an overlap, and whose pages may call the API."""

from __future__ import annotations

import pytest

from tests.ops.desk import Desk
from tests.ops.test_ops_teams import token_status
from tests.support.world import TEAM_ID, World


@pytest.fixture
def client_id(desk: Desk) -> str:
    desk.run("client", "add", TEAM_ID)
    return desk.field("client_id")


def test_both_secrets_are_good_until_the_former_is_dropped(desk: Desk, world: World) -> None:
    desk.run("client", "add", TEAM_ID)
    client_id, former = desk.field("client_id"), desk.field("client_secret")
    assert desk.run("client", "rotate-secret", client_id) == 0
    assert desk.field("client_id") == client_id
    newer = desk.field("client_secret")
    assert newer != former
    assert desk.lines_with("drop-secret") == [f"python -m ops client drop-secret {client_id}"]
    assert [token_status(world, client_id, secret) for secret in (former, newer)] == [200, 200]
    assert desk.run("client", "drop-secret", client_id) == 0
    assert desk.printed.startswith(f"client {client_id} has its newest secret alone; dropped: 1\n")
    assert newer not in desk.printed
    assert [token_status(world, client_id, secret) for secret in (former, newer)] == [401, 200]


def test_a_third_secret_is_refused_and_changes_nothing(desk: Desk, world: World, client_id: str) -> None:
    desk.run("client", "rotate-secret", client_id)
    before = world.api_clients.find(client_id)
    assert desk.run("client", "rotate-secret", client_id) == 1
    assert desk.complained == "the client has 2 secrets; drop the older one first\n"
    assert world.api_clients.find(client_id) == before


def test_an_only_secret_is_never_dropped(desk: Desk, world: World, client_id: str) -> None:
    before = world.api_clients.find(client_id)
    assert desk.run("client", "drop-secret", client_id) == 0
    assert desk.printed == f"client {client_id} has one secret; nothing was dropped\n"
    assert world.api_clients.find(client_id) == before


@pytest.mark.parametrize("command", ["rotate-secret", "drop-secret"])
def test_an_unknown_client_has_no_secret_to_change(desk: Desk, command: str) -> None:
    assert desk.run("client", command, "nobody") == 1
    assert desk.complained.startswith("no such API client")


def test_a_teams_origins_are_replaced_by_those_given(desk: Desk, world: World) -> None:
    asked = ("https://App.Clinic.example:443", "http://localhost:3000", "https://app.clinic.example")
    assert desk.run("team", "allow-origins", TEAM_ID, *asked) == 0
    assert world.teams.get(TEAM_ID).allowed_origins == ("https://app.clinic.example", "http://localhost:3000")
    assert "https://app.clinic.example, http://localhost:3000" in desk.printed
    desk.run("team", "show", TEAM_ID)
    assert desk.field("pages of") == "https://app.clinic.example, http://localhost:3000"
    assert desk.run("team", "allow-origins", TEAM_ID) == 0
    assert world.teams.get(TEAM_ID).allowed_origins == ()


@pytest.mark.parametrize(
    "text",
    [
        "*",
        "null",
        "app.clinic.example",
        "http://clinic.example",
        "https://clinic.example/",
        "https://*.example",
        "https://a.example\nX: y",
    ],
)
def test_what_is_no_origin_is_refused(desk: Desk, world: World, text: str) -> None:
    with pytest.raises(SystemExit):
        desk.run("team", "allow-origins", TEAM_ID, text)
    assert world.teams.get(TEAM_ID).allowed_origins == ()
