"""The real engines, one of each for every worker that asks; where one is missing, its tests say what to install."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from chalicelib.storage.tables import TABLES, TableSettings, connect, create_tables
from sandbox.environment import shut_out
from tests.engines.engine_wire import EngineWire, be_patient
from tests.engines.engines import dynamodb_local, missing_for_dynamodb, missing_for_stripe, stripe_mock
from tests.storage.wire import Wire, hung_on


@pytest.fixture(scope="session")
def dynamodb_address() -> Iterator[str]:
    """Amazon's DynamoDB Local."""
    if missing := missing_for_dynamodb():
        pytest.skip(missing)
    with dynamodb_local() as address:
        yield address


@pytest.fixture(scope="session")
def stripe_mock_address() -> Iterator[str]:
    """Stripe's stripe-mock."""
    if missing := missing_for_stripe():
        pytest.skip(missing)
    with stripe_mock() as address:
        yield address


@pytest.fixture(scope="session")
def stripe_document() -> None:
    """Stripe's OpenAPI document is there."""
    if missing := missing_for_stripe():
        pytest.skip(missing)


@pytest.fixture(scope="module")
def dynamodb(dynamodb_address: str) -> Iterator[None]:
    """The tables' clients speak to Amazon's engine."""
    with made_up_credentials():
        connect(TableSettings("anteroom-engine-", "us-east-1", dynamodb_address))
        be_patient()
        create_tables()
        yield


@pytest.fixture
def wire(dynamodb: None) -> Iterator[Wire]:
    """The tables, empty, for one test."""
    with hung_on(EngineWire()) as wire:
        yield wire
    empty_tables()


def empty_tables() -> None:
    """Item by item, which takes this engine a tenth of the time that new tables take it."""
    for model in TABLES.values():
        for item in model.scan(consistent_read=True):
            item.delete()


@contextmanager
def made_up_credentials() -> Iterator[None]:
    """As the sandbox has them: no account of Amazon's can be reached with them."""
    kept = dict(os.environ)
    shut_out()
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(kept)
