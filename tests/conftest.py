"""What every test is given: a world of its own, in which the test owns time, chance, Stripe and the database."""

import pytest

from tests.support.world import World

pytest_plugins = ["tests.no_skips_in_ci"]


@pytest.fixture
def world() -> World:
    """A deployment with one clinic, at noon; nothing outside this process, no sockets."""
    return World()
