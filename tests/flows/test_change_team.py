"""A team is changed as it was read, whoever else changes it meanwhile, and who decided is kept with it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.domain.books import AuditEntry, operator
from chalicelib.domain.teams import Team
from chalicelib.flows.change import TRIES, ContendedError
from chalicelib.flows.change_team import change_team
from chalicelib.storage.stores import NotFoundError
from tests.support.seam import Io
from tests.support.world import NOON, OTHER_TEAM_ID, TEAM_ID, World


@pytest.fixture
def world() -> World:
    return World()


def suspended(team: Team) -> Team:
    return replace(team, suspended=True)


def test_a_change_is_kept_with_who_decided_it(world: World) -> None:
    changed = change_team(world.ctx.acting_for(operator("pat")), TEAM_ID, suspended)
    assert changed == world.teams.get(TEAM_ID)
    assert changed.suspended
    (row,) = world.audit.between(TEAM_ID, NOON, NOON.replace(hour=13))
    assert row.entries == (AuditEntry("suspended", "operator:pat"),)
    assert not world.teams.get(OTHER_TEAM_ID).suspended


def test_what_changes_nothing_is_not_written(world: World) -> None:
    with world.seam.counted() as spent:
        change_team(world.ctx, TEAM_ID, lambda team: team)
    assert (spent().reads, spent().writes) == (1, 0)


def test_what_is_neither_money_nor_access_is_not_audited(world: World) -> None:
    change_team(world.ctx, TEAM_ID, lambda team: replace(team, name="Bay Road Clinic"))
    assert world.teams.get(TEAM_ID).name == "Bay Road Clinic"
    assert list(world.audit.between(TEAM_ID, NOON, NOON.replace(hour=13))) == []


def test_who_loses_the_race_decides_again_on_what_the_other_wrote(world: World) -> None:
    others = iter([lambda team: replace(team, name="Newer")])

    def interrupt(io: Io) -> None:
        if io.name == "teams.save" and (other := next(others, None)):
            before = world.teams.get(TEAM_ID)
            world.teams.save(before, other(before))

    with world.seam.armed(before=interrupt):
        change_team(world.ctx, TEAM_ID, suspended)
    assert (world.teams.get(TEAM_ID).name, world.teams.get(TEAM_ID).suspended) == ("Newer", True)


def test_among_too_many_it_fails_and_says_so(world: World) -> None:
    tries = []

    def interrupt(io: Io) -> None:
        if io.name == "teams.save":
            tries.append(io)
            before = world.teams.get(TEAM_ID)
            world.teams.save(before, replace(before, name=f"Name {len(tries)}"))

    with world.seam.armed(before=interrupt), pytest.raises(ContendedError, match=TEAM_ID):
        change_team(world.ctx, TEAM_ID, suspended)
    assert len(tries) == TRIES
    assert not world.teams.get(TEAM_ID).suspended


def test_an_unknown_team_is_not_found(world: World) -> None:
    with pytest.raises(NotFoundError):
        change_team(world.ctx, "0197b3c4-d5e6-7788-99aa-bbccddeeff00", suspended)
