"""What each request may cost, row by row of tests/flows/test_budgets.py, as requests that Amazon's engine answers."""

from __future__ import annotations

from itertools import count

import pytest

from tests.flows import test_budgets as budgets
from tests.storage.wire import Wire
from tests.support.metered import MeteredDynamoWorld

pytestmark = [pytest.mark.engine, pytest.mark.allow_hosts(["127.0.0.1"])]

ROWS = {name: test for name, test in vars(budgets).items() if name.startswith("test_")}
globals().update(ROWS)  # every row of the table, and those that come


SEEDS = count(1)
"""DynamoDB remembers a transaction's token for ten minutes, and the tokens of a world are drawn from its seed."""


@pytest.fixture
def world(wire: Wire) -> MeteredDynamoWorld:
    return MeteredDynamoWorld(wire, next(SEEDS))


def test_the_rows_of_the_table_are_here() -> None:
    assert len(ROWS) >= 27
