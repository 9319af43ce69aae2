"""What the museum's tests share: the deployed application on a world of its own."""

import pytest

from tests.support.edge import Edge
from tests.support.world import World


@pytest.fixture
def edge(world: World) -> Edge:
    return Edge(world)
