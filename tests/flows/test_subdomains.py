"""Every team has a subdomain, no two the same one, and a team is found by its own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain.money import UnknownCurrencyError
from chalicelib.domain.subdomains import SubdomainError
from chalicelib.domain.team_edits import TeamEdit
from chalicelib.flows.delete_team import erase_team
from chalicelib.flows.edit_team import update_team
from chalicelib.flows.enrol import enrol_team
from chalicelib.flows.subdomains import SubdomainTakenError, team_at, with_subdomain
from chalicelib.storage.stores import NotFoundError, StoreUnavailableError
from tests.fakes.failing import Failing
from tests.support.crashes import die, every_crash
from tests.support.interleaving import Ended, Judge, Race, every_order
from tests.support.seam import Spent
from tests.support.world import OTHER_TEAM_ID, TEAM_ID, World


def subdomain_of(world: World, team_id: str = TEAM_ID) -> str | None:
    return world.teams.newest(team_id).subdomain


def change(world: World, subdomain: str, team_id: str = TEAM_ID) -> None:
    update_team(world.ctx, team_id, TeamEdit(subdomain=subdomain))


# --- made -----------------------------------------------------------------------------------------------------------


def test_a_new_team_has_one_made_of_its_name_and_is_found_by_it(world: World) -> None:
    team = enrol_team(world.ctx, "Bay Road Clinic").team
    assert team.subdomain == "bay-road-clinic"
    assert team_at(world.ctx, "Bay-Road-Clinic") == team


def test_a_second_team_of_that_name_has_another_one(world: World) -> None:
    first, second = (enrol_team(world.ctx, "Bay Road Clinic").team for _ in range(2))
    assert second.subdomain is not None
    assert second.subdomain.startswith("bay-road-clinic-")
    assert team_at(world.ctx, "bay-road-clinic") == first
    assert team_at(world.ctx, second.subdomain) == second


def test_a_new_team_has_the_one_that_was_asked_for_or_is_not_made(world: World) -> None:
    assert enrol_team(world.ctx, "Bay Road Clinic", subdomain="Bay").team.subdomain == "bay"
    before = len(list(world.teams.all()))
    with pytest.raises(SubdomainTakenError):
        enrol_team(world.ctx, "Another", subdomain="bay")
    with pytest.raises(SubdomainError):
        enrol_team(world.ctx, "Another", subdomain="www")
    assert len(list(world.teams.all())) == before


def test_two_that_are_created_at_once_with_one_name_have_two_in_every_order() -> None:
    def prepare() -> tuple[Race, Judge]:
        world = World()

        def judge(ended: list[Ended]) -> None:
            assert [one.error for one in ended] == [None, None]
            teams = [team for team in world.teams.all() if team.name == "Bay"]
            assert len({team.subdomain for team in teams}) == 2
            for team in teams:
                assert team_at(world.ctx, str(team.subdomain)) == team

        return Race(world.seam, [lambda: enrol_team(world.ctx, "Bay"), lambda: enrol_team(world.ctx, "Bay")]), judge

    assert every_order(prepare) > 5


def test_a_team_that_could_not_be_kept_leaves_its_own_free(world: World) -> None:
    down: Any = Failing(world.teams, StoreUnavailableError("down"), left=1)
    world.context = replace(world.context, teams=down)
    with pytest.raises(StoreUnavailableError):
        enrol_team(world.ctx, "Bay Road Clinic", subdomain="bay")
    assert world.subdomains.find("bay") is None
    assert enrol_team(world.ctx, "Bay Road Clinic", subdomain="bay").team.subdomain == "bay"


# --- given by a read ------------------------------------------------------------------------------------------------


def test_an_older_team_is_given_its_own_by_a_read_and_the_next_one_costs_nothing(world: World) -> None:
    given = with_subdomain(world.ctx, world.team)
    assert given.subdomain == subdomain_of(world) == "riverside-clinic"
    with world.seam.counted() as spent:
        assert with_subdomain(world.ctx, given) == given
    assert spent() == Spent()


def test_two_reads_at_once_answer_the_same_in_every_order() -> None:
    """Also where the name of the team is another's subdomain, so that each draws a suffix."""

    def prepare() -> tuple[Race, Judge]:
        world = World()
        world.subdomains.save("riverside-clinic", None, OTHER_TEAM_ID)

        def read() -> str | None:
            return with_subdomain(world.ctx, world.team).subdomain

        def judge(ended: list[Ended]) -> None:
            kept = subdomain_of(world)
            assert [(one.error, one.result) for one in ended] == [(None, kept), (None, kept)]
            assert kept is not None
            assert [name for name, team in world.subdomains._teams.items() if team == TEAM_ID] == [kept]

        return Race(world.seam, [read, read]), judge

    assert every_order(prepare) > 5


def test_a_read_does_not_fail_where_none_can_be_given(world: World, caplog: pytest.LogCaptureFixture) -> None:
    down: Any = Failing(world.subdomains, StoreUnavailableError("down"), left=1)
    world.context = replace(world.context, subdomains=down)
    assert with_subdomain(world.ctx, world.team) == world.team
    assert "was given no subdomain: StoreUnavailableError" in caplog.text
    assert with_subdomain(world.ctx, world.team).subdomain == "riverside-clinic"


def test_whatever_a_read_dies_at_the_next_one_gives_it() -> None:
    def prepared() -> tuple[World, Any]:
        world = World()
        return world, lambda: with_subdomain(world.ctx, world.team)

    def seamed() -> tuple[Any, Any]:
        world, act = prepared()
        return world.seam, act

    for crash in every_crash(seamed):
        world, act = prepared()
        die(world.seam, act, crash)
        assert with_subdomain(world.ctx, world.teams.newest(TEAM_ID)).subdomain == "riverside-clinic", str(crash)


# --- changed --------------------------------------------------------------------------------------------------------


def test_a_change_keeps_the_new_one_and_then_releases_the_former(world: World) -> None:
    change(world, "river")
    change(world, "side")
    assert subdomain_of(world) == "side"
    change(world, "river", OTHER_TEAM_ID)
    assert team_at(world.ctx, "river").team_id == OTHER_TEAM_ID
    assert team_at(world.ctx, "side").team_id == TEAM_ID


def test_another_teams_is_not_taken(world: World) -> None:
    change(world, "river")
    with pytest.raises(SubdomainTakenError):
        change(world, "river", OTHER_TEAM_ID)
    assert subdomain_of(world, OTHER_TEAM_ID) is None
    assert team_at(world.ctx, "river").team_id == TEAM_ID


def test_a_change_to_the_same_one_releases_nothing(world: World) -> None:
    change(world, "river")
    change(world, "river")
    assert team_at(world.ctx, "river").team_id == TEAM_ID


def test_a_change_that_is_refused_for_another_thing_claims_nothing(world: World) -> None:
    with pytest.raises(UnknownCurrencyError):
        update_team(world.ctx, TEAM_ID, TeamEdit(subdomain="river", more_currencies=("xxx",)))
    assert world.subdomains.find("river") is None


def test_whatever_a_change_dies_at_nobody_else_has_it_and_it_can_be_repeated() -> None:
    def prepared() -> tuple[World, Any]:
        world = World()
        change(world, "river")
        return world, lambda: change(world, "side")

    def seamed() -> tuple[Any, Any]:
        world, act = prepared()
        return world.seam, act

    for crash in every_crash(seamed):
        world, act = prepared()
        die(world.seam, act, crash)
        assert team_at(world.ctx, str(subdomain_of(world))).team_id == TEAM_ID, str(crash)
        act()
        assert team_at(world.ctx, "side").team_id == TEAM_ID


def test_two_operators_at_once_leave_the_team_with_one_that_is_its_own_in_every_order() -> None:
    def prepare() -> tuple[Race, Judge]:
        world = World()
        change(world, "river")

        def judge(ended: list[Ended]) -> None:
            assert [one.error for one in ended] == [None, None]
            assert world.subdomains.find(str(subdomain_of(world))) == TEAM_ID

        return Race(world.seam, [lambda: change(world, "side"), lambda: change(world, "river")]), judge

    assert every_order(prepare) > 5


# --- found and released ---------------------------------------------------------------------------------------------


def test_one_that_no_team_has_is_not_found(world: World) -> None:
    world.subdomains.save("claimed-only", None, TEAM_ID)
    for text in ("nobody", "claimed-only"):
        with pytest.raises(NotFoundError):
            team_at(world.ctx, text)


def test_a_deleted_team_leaves_its_own_to_others(world: World) -> None:
    change(world, "river")
    erase_team(world.ctx, TEAM_ID)
    assert world.subdomains.find("river") is None
    change(world, "river", OTHER_TEAM_ID)
    assert team_at(world.ctx, "river").team_id == OTHER_TEAM_ID


def test_whatever_an_erasure_dies_at_the_next_one_leaves_nothing_of_its_name() -> None:
    def prepared() -> tuple[World, Any]:
        world = World()
        change(world, "river")
        return world, lambda: erase_team(world.ctx, TEAM_ID)

    def seamed() -> tuple[Any, Any]:
        world, act = prepared()
        return world.seam, act

    for crash in every_crash(seamed):
        world, act = prepared()
        die(world.seam, act, crash)
        act()
        assert world.subdomains.find("river") is None, str(crash)


def test_what_a_deleted_team_could_not_release_is_taken_over(world: World) -> None:
    erase_team(world.ctx, TEAM_ID)
    world.subdomains.save("river", None, TEAM_ID)
    change(world, "river", OTHER_TEAM_ID)
    assert world.subdomains.find("river") == OTHER_TEAM_ID


def test_a_deleted_team_is_given_none(world: World) -> None:
    erase_team(world.ctx, TEAM_ID)
    assert with_subdomain(world.ctx, world.teams.newest(TEAM_ID)).subdomain is None
