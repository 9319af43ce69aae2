"""Clinics' subdomains, by the operator."""

from __future__ import annotations

import pytest

from tests.ops.desk import Desk
from tests.support.world import OTHER_TEAM_ID, TEAM_ID, World


def test_a_team_is_created_with_the_one_that_was_asked_for_or_one_of_its_name(desk: Desk) -> None:
    desk.run("team", "create", "Bay Road Clinic", "--subdomain", "Bay")
    assert desk.field("subdomain") == "bay"
    desk.run("team", "create", "Bay Road Clinic")
    assert desk.field("subdomain") == "bay-road-clinic"


def test_a_team_is_found_by_it(desk: Desk) -> None:
    desk.run("team", "create", "Bay Road Clinic")
    team_id = desk.field("team")
    assert desk.run("team", "find", "Bay-Road-Clinic") == 0
    assert desk.field("team") == team_id
    assert desk.run("team", "find", "nobody") == 1
    assert "no team has that subdomain" in desk.complained


@pytest.mark.parametrize(
    "command",
    [
        ("show", TEAM_ID),
        ("change", TEAM_ID, "--plan", "premium"),
        ("suspend", TEAM_ID, "--why", "unpaid bills"),
        ("resume", TEAM_ID),
    ],
)
def test_the_first_command_gives_an_older_team_its_own(desk: Desk, world: World, command: tuple[str, ...]) -> None:
    assert desk.run("team", *command) == 0
    assert world.teams.newest(TEAM_ID).subdomain == "riverside-clinic"


def test_another_one_is_kept_and_the_former_one_is_free(desk: Desk, world: World) -> None:
    desk.run("team", "show", TEAM_ID)
    assert desk.run("team", "change", TEAM_ID, "--subdomain", "River") == 0
    assert desk.field("subdomain") == "river"
    assert "Its former subdomain finds it no more, and may be another clinic's." in desk.printed
    assert desk.run("team", "change", OTHER_TEAM_ID, "--subdomain", "riverside-clinic") == 0
    assert world.subdomains.find("riverside-clinic") == OTHER_TEAM_ID


def test_another_teams_is_refused(desk: Desk, world: World) -> None:
    desk.run("team", "show", TEAM_ID)
    assert desk.run("team", "change", OTHER_TEAM_ID, "--subdomain", "riverside-clinic") == 1
    assert desk.complained == "another team has that subdomain; choose another one\n"
    assert desk.run("team", "create", "Bay Road Clinic", "--subdomain", "riverside-clinic") == 1
    assert world.subdomains.find("riverside-clinic") == TEAM_ID


@pytest.mark.parametrize("text", ["www", "ab", "bay_road", "-bay"])
def test_what_is_none_is_refused(desk: Desk, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        desk.run("team", "change", TEAM_ID, f"--subdomain={text}")
    assert "a subdomain is 3 to 63 of a-z, 0-9 and -" in capsys.readouterr().err
