"""What the tests of connecting accounts share: a platform, and a clinic of it that has no account yet."""

import pytest

from tests.support.clinic import Clinic
from tests.support.edge import Edge
from tests.support.platform import Platform


@pytest.fixture
def world() -> Platform:
    return Platform()


@pytest.fixture
def platform(world: Platform) -> Platform:
    return world


@pytest.fixture
def clinic(edge: Edge) -> Clinic:
    made = Clinic(edge)
    made.change_team(accounts=())
    return made
