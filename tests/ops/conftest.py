"""Fixtures of the command line's tests."""

import pytest

from tests.ops.desk import Desk
from tests.support.world import World


@pytest.fixture
def desk(world: World) -> Desk:
    return Desk(world)
