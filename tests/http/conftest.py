"""What the tests of the edge share: the deployed application on a world of its own, and a clinic that uses it."""

import pytest

from tests.support.clinic import Clinic
from tests.support.edge import Edge
from tests.support.world import World


@pytest.fixture
def edge(world: World) -> Edge:
    return Edge(world)


@pytest.fixture
def clinic(edge: Edge) -> Clinic:
    return Clinic(edge)
