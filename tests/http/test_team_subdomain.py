"""The team that is read has a subdomain: one from before there were any is given its own by the first read."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.flows.change_team import change_team
from chalicelib.storage.stores import StoreUnavailableError
from tests.fakes.failing import Failing
from tests.support.clinic import Clinic
from tests.support.seam import Spent


@pytest.fixture
def older(clinic: Clinic) -> Clinic:
    """A clinic as an earlier release kept it."""
    world, team_id = clinic.edge.world, clinic.team.team_id
    change_team(world.ctx, team_id, lambda team: replace(team, subdomain=None))
    world.subdomains.remove("bay-road-clinic", team_id)
    return clinic


def read(clinic: Clinic) -> object:
    reply = clinic.ask("GET", "/v1/user/team")
    assert reply.status == 200
    return reply.json()["subdomain"]


def test_a_read_gives_it_and_the_next_costs_what_it_did(older: Clinic) -> None:
    world = older.edge.world
    assert read(older) == world.teams.newest(older.team.team_id).subdomain == "bay-road-clinic"
    assert world.subdomains.find("bay-road-clinic") == older.team.team_id
    with world.seam.counted() as spent:
        assert read(older) == "bay-road-clinic"
    assert spent() == Spent(reads=2)


@pytest.mark.parametrize("store", ["subdomains", "teams"])
def test_where_it_cannot_be_given_the_read_answers_without(older: Clinic, store: str) -> None:
    world = older.edge.world
    whole = getattr(world.context, store)
    down: Any = Failing(whole, StoreUnavailableError("down"), left=0)
    world.context = replace(world.context, **{store: down})
    down.left = 1
    if store == "teams":
        down.get = whole.get
    assert read(older) is None
    assert read(older) == "bay-road-clinic"
