"""The stores on Amazon's own engine keep what every store promises, the largest session included."""

from __future__ import annotations

import pytest

from tests.storage.dynamo_contract import (
    DynamoApiClientContract,
    DynamoBooksContract,
    DynamoEntryContract,
    DynamoIdempotencyContract,
    DynamoParkedEventContract,
    DynamoSessionContract,
    DynamoStripeAccountContract,
    DynamoSubdomainContract,
    DynamoTeamContract,
)

pytestmark = [pytest.mark.engine, pytest.mark.allow_hosts(["127.0.0.1"])]


class TestEngineSessions(DynamoSessionContract):
    pass


class TestEngineBooks(DynamoBooksContract):
    pass


class TestEngineTeams(DynamoTeamContract):
    pass


class TestEngineApiClients(DynamoApiClientContract):
    pass


class TestEngineStripeAccounts(DynamoStripeAccountContract):
    pass


class TestEngineSubdomains(DynamoSubdomainContract):
    pass


class TestEngineEntries(DynamoEntryContract):
    pass


class TestEngineIdempotency(DynamoIdempotencyContract):
    pass


class TestEngineParkedEvents(DynamoParkedEventContract):
    pass
