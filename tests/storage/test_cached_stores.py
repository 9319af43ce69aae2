"""Teams and API clients are remembered for 60 s per process, and never longer."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.domain.teams import Team
from chalicelib.storage.cached import MOST_KEPT, CachedApiClients, CachedTeams, Memory
from chalicelib.storage.stores import ConflictError, NotFoundError
from tests.fakes.memory_teams import MemoryApiClients, MemoryTeams
from tests.storage.samples import CLIENT, CLINIC, NOON, OTHER_TEAM_ID, TEAM_ID


class Ticks:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class CountedTeams(MemoryTeams):
    def __init__(self) -> None:
        super().__init__()
        self.reads = 0

    def newest(self, team_id: str) -> Team:
        self.reads += 1
        return super().newest(team_id)


@pytest.fixture
def ticks() -> Ticks:
    return Ticks()


@pytest.fixture
def behind() -> CountedTeams:
    return CountedTeams()


@pytest.fixture
def teams(behind: CountedTeams, ticks: Ticks) -> CachedTeams:
    return CachedTeams(behind, ticks)


def test_a_team_is_read_once_in_sixty_seconds(teams: CachedTeams, behind: CountedTeams, ticks: Ticks) -> None:
    teams.create(CLINIC)
    for ticks.now in (0.0, 30.0, 59.9):
        assert teams.get(TEAM_ID) == CLINIC
    assert behind.reads == 1
    ticks.now = 60.0
    assert teams.get(TEAM_ID) == CLINIC
    assert behind.reads == 2


def test_what_another_process_changed_is_seen_after_sixty_seconds(
    teams: CachedTeams, behind: CountedTeams, ticks: Ticks
) -> None:
    teams.create(CLINIC)
    teams.get(TEAM_ID)
    behind.save(CLINIC, replace(CLINIC, suspended=True))
    ticks.now = 59.9
    assert teams.get(TEAM_ID).suspended is False
    ticks.now = 60.0
    assert teams.get(TEAM_ID).suspended is True


def test_what_this_process_changed_is_seen_at_once(teams: CachedTeams) -> None:
    teams.create(CLINIC)
    teams.get(TEAM_ID)
    teams.save(CLINIC, replace(CLINIC, suspended=True))
    assert teams.get(TEAM_ID).suspended is True


def test_a_team_that_is_not_there_is_looked_for_again(teams: CachedTeams) -> None:
    with pytest.raises(NotFoundError):
        teams.get(TEAM_ID)
    teams.create(CLINIC)
    assert teams.get(TEAM_ID) == CLINIC


def test_all_teams_come_from_the_store(teams: CachedTeams, behind: CountedTeams) -> None:
    teams.create(CLINIC)
    behind.create(replace(CLINIC, team_id=OTHER_TEAM_ID))
    assert {team.team_id for team in teams.all()} == {TEAM_ID, OTHER_TEAM_ID}


def test_a_disabled_client_is_refused_after_sixty_seconds(ticks: Ticks) -> None:
    behind = MemoryApiClients()
    clients = CachedApiClients(behind, ticks)
    clients.create(CLIENT)
    assert clients.find("client-1") == CLIENT
    behind.save(CLIENT, replace(CLIENT, disabled_at=NOON))
    ticks.now = 59.9
    assert clients.find("client-1") == CLIENT
    ticks.now = 60.0
    assert clients.find("client-1") == replace(CLIENT, disabled_at=NOON)


def test_an_unknown_client_is_looked_for_again(ticks: Ticks) -> None:
    clients = CachedApiClients(MemoryApiClients(), ticks)
    assert clients.find("client-1") is None
    clients.create(CLIENT)
    assert clients.find("client-1") == CLIENT


def test_a_stale_memory_never_lets_a_write_through(teams: CachedTeams, behind: CountedTeams) -> None:
    teams.create(CLINIC)
    remembered = teams.get(TEAM_ID)
    behind.save(CLINIC, replace(CLINIC, suspended=True))
    with pytest.raises(ConflictError):
        teams.save(remembered, replace(remembered, name="Bay Road Clinic"))
    assert teams.get(TEAM_ID).suspended is True


def test_the_memory_does_not_grow_without_end() -> None:
    fetched: list[int] = []

    def fetch(key: int) -> int:
        fetched.append(key)
        return key

    memory = Memory(fetch, lambda: 0.0)
    for key in range(MOST_KEPT + 1):
        memory.get(key)
    memory.get(0)
    assert fetched.count(0) == 2
    assert len(memory._kept) == 2
