"""The tables are written down twice, for DynamoDB and for PynamoDB: here they are compared."""

from typing import Any

import pytest

from chalicelib.storage.tables import TABLES
from infra.stage_template import stage_template

RESOURCES = stage_template("staging")["Resources"]
DEPLOYED = {
    resource["Properties"]["TableName"]["Fn::Sub"].removeprefix("anteroom-${Stage}-"): resource
    for resource in RESOURCES.values()
    if resource.get("Type") == "AWS::DynamoDB::Table"
}
EXPIRE = {"sessions", "entries", "idempotency", "ledger", "audit", "parked_events"}

every_table = pytest.mark.parametrize("name", sorted(DEPLOYED))


def test_the_same_tables_are_deployed_and_used() -> None:
    assert sorted(DEPLOYED) == [
        "api_clients",
        "audit",
        "entries",
        "idempotency",
        "ledger",
        "parked_events",
        "sessions",
        "stripe_accounts",
        "subdomains",
        "teams",
    ]
    assert sorted(TABLES) == sorted(DEPLOYED)


@every_table
def test_keys_and_their_types_are_the_same(name: str) -> None:
    deployed, used = DEPLOYED[name]["Properties"], created_by_pynamodb(name)
    assert keys(deployed["KeySchema"]) == keys(used["key_schema"])
    assert types(deployed["AttributeDefinitions"]) == types(used["attribute_definitions"])


@every_table
def test_indexes_and_what_they_hold_are_the_same(name: str) -> None:
    deployed = DEPLOYED[name]["Properties"].get("GlobalSecondaryIndexes", [])
    used = created_by_pynamodb(name)["global_secondary_indexes"]
    assert {index["IndexName"]: (keys(index["KeySchema"]), index["Projection"]) for index in deployed} == {
        index["index_name"]: (keys(index["key_schema"]), index["projection"]) for index in used
    }


def test_the_index_of_what_is_due_holds_keys_only_and_the_one_by_start_everything() -> None:
    indexes = {i["IndexName"]: i for i in DEPLOYED["sessions"]["Properties"]["GlobalSecondaryIndexes"]}
    assert indexes["due"]["Projection"] == {"ProjectionType": "KEYS_ONLY"}
    assert keys(indexes["due"]["KeySchema"]) == ["due_shard", "due_at"]
    assert indexes["by_start"]["Projection"] == {"ProjectionType": "ALL"}
    assert keys(indexes["by_start"]["KeySchema"]) == ["team_id", "start_time"]


@every_table
def test_a_table_outlives_its_stack_and_can_be_brought_back(name: str) -> None:
    resource = DEPLOYED[name]
    assert resource["DeletionPolicy"] == "Retain"
    assert resource["UpdateReplacePolicy"] == "Retain"
    assert resource["Properties"]["DeletionProtectionEnabled"] is True
    assert resource["Properties"]["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert resource["Properties"]["SSESpecification"] == {"SSEEnabled": True}
    assert resource["Properties"]["BillingMode"] == "PAY_PER_REQUEST"


@every_table
def test_items_expire_where_the_code_gives_them_an_end(name: str) -> None:
    expiry = DEPLOYED[name]["Properties"].get("TimeToLiveSpecification")
    attributes = TABLES[name].get_attributes()
    assert ("expires_at_epoch" in attributes) is (name in EXPIRE)
    assert expiry == ({"AttributeName": "expires_at_epoch", "Enabled": True} if name in EXPIRE else None)


def created_by_pynamodb(name: str) -> dict[str, Any]:
    """What PynamoDB would ask DynamoDB to create for the model."""
    return dict(TABLES[name]._get_schema())


def keys(schema: list[dict[str, str]]) -> list[str]:
    """The key's attributes, the hash key first."""
    return [key["AttributeName"] for key in sorted(schema, key=lambda key: key["KeyType"])]


def types(definitions: list[dict[str, str]]) -> dict[str, str]:
    return {definition["AttributeName"]: definition["AttributeType"] for definition in definitions}
