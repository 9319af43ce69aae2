"""What the deployed functions may do: named actions on named things, and not a word more."""

import json
from typing import Any

import pytest

from infra.package import PROJECT, STAGES

CHALICE = PROJECT / ".chalice"
CONFIG = json.loads((CHALICE / "config.json").read_text("utf-8"))
FUNCTIONS = {"api": "APIHandler", "sweep": "Sweep", "reconcile": "Reconcile"}
"""What each is called in the stack, and so in the name of its log."""


def statements(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((CHALICE / f"policy-{name}.json").read_text("utf-8"))["Statement"]
    return found


def as_list(value: object) -> list[Any]:
    return value if isinstance(value, list) else [value]


def written(resource: object) -> str:
    """A resource as text: `SessionsTable.Arn`, `${SessionsTable.Arn}/index/due`, `arn:…`."""
    match resource:
        case {"Fn::GetAtt": [logical_id, attribute]}:
            return f"{logical_id}.{attribute}"
        case {"Fn::Sub": str(text)}:
            return text
        case _:
            return str(resource)


def permissions(name: str) -> set[tuple[str, str]]:
    return {
        (action, written(resource))
        for statement in statements(name)
        for action in as_list(statement["Action"])
        for resource in as_list(statement["Resource"])
    }


each = pytest.mark.parametrize("name", ["api", "sweep", "reconcile"])


@each
def test_no_action_is_a_pattern(name: str) -> None:
    assert [action for action, _ in permissions(name) if "*" in action] == []


@each
def test_no_resource_is_a_pattern_but_for_the_streams_of_the_functions_own_log(name: str) -> None:
    patterns = {resource.rpartition(":log-group:")[2] for _, resource in permissions(name) if "*" in resource}
    assert patterns == {f"/aws/lambda/${{AWS::StackName}}-{FUNCTIONS[name]}-*:*"}


@each
def test_every_statement_allows_and_names_its_resource(name: str) -> None:
    for statement in statements(name):
        assert set(statement) == {"Sid", "Effect", "Action", "Resource"}
        assert statement["Effect"] == "Allow"


def test_the_api_may_scan_teams_alone_and_read_neither_keys_of_all_nor_the_audit() -> None:
    assert {p for p in permissions("api") if p[0].startswith("dynamodb:")} == {
        ("dynamodb:GetItem", "SessionsTable.Arn"),
        ("dynamodb:PutItem", "SessionsTable.Arn"),
        ("dynamodb:Query", "SessionsTable.Arn"),
        ("dynamodb:Query", "${SessionsTable.Arn}/index/by_start"),
        ("dynamodb:GetItem", "TeamsTable.Arn"),
        ("dynamodb:PutItem", "TeamsTable.Arn"),
        ("dynamodb:Scan", "TeamsTable.Arn"),
        ("dynamodb:GetItem", "ApiClientsTable.Arn"),
        ("dynamodb:GetItem", "StripeAccountsTable.Arn"),
        ("dynamodb:PutItem", "StripeAccountsTable.Arn"),
        ("dynamodb:GetItem", "SubdomainsTable.Arn"),
        ("dynamodb:PutItem", "SubdomainsTable.Arn"),
        ("dynamodb:DeleteItem", "SubdomainsTable.Arn"),
        ("dynamodb:PutItem", "EntriesTable.Arn"),
        ("dynamodb:Query", "EntriesTable.Arn"),
        ("dynamodb:GetItem", "IdempotencyTable.Arn"),
        ("dynamodb:PutItem", "IdempotencyTable.Arn"),
        ("dynamodb:PutItem", "LedgerTable.Arn"),
        ("dynamodb:Query", "LedgerTable.Arn"),
        ("dynamodb:PutItem", "AuditTable.Arn"),
        ("dynamodb:GetItem", "ParkedEventsTable.Arn"),
        ("dynamodb:PutItem", "ParkedEventsTable.Arn"),
        ("dynamodb:DeleteItem", "ParkedEventsTable.Arn"),
    }


def test_the_sweep_sees_what_is_due_and_neither_keys_nor_entries() -> None:
    assert {p for p in permissions("sweep") if p[0].startswith("dynamodb:")} == {
        ("dynamodb:GetItem", "SessionsTable.Arn"),
        ("dynamodb:PutItem", "SessionsTable.Arn"),
        ("dynamodb:UpdateItem", "SessionsTable.Arn"),
        ("dynamodb:Query", "${SessionsTable.Arn}/index/due"),
        ("dynamodb:PutItem", "LedgerTable.Arn"),
        ("dynamodb:PutItem", "AuditTable.Arn"),
    }


def test_the_night_reads_the_ledger_and_what_stripe_says_of_teams_and_writes_no_event() -> None:
    assert {p for p in permissions("reconcile") if p[0].startswith("dynamodb:")} == {
        ("dynamodb:GetItem", "SessionsTable.Arn"),
        ("dynamodb:PutItem", "SessionsTable.Arn"),
        ("dynamodb:GetItem", "TeamsTable.Arn"),
        ("dynamodb:PutItem", "TeamsTable.Arn"),
        ("dynamodb:Scan", "TeamsTable.Arn"),
        ("dynamodb:PutItem", "LedgerTable.Arn"),
        ("dynamodb:Query", "LedgerTable.Arn"),
        ("dynamodb:PutItem", "AuditTable.Arn"),
    }


@each
def test_one_secret_is_readable_and_it_is_the_stages_own(name: str) -> None:
    secrets = {resource for action, resource in permissions(name) if action.startswith(("ssm:", "secretsmanager:"))}
    (secret,) = secrets
    for stage in STAGES:
        named = CONFIG["stages"][stage]["environment_variables"]["ANTEROOM_SECRETS"]
        assert secret.replace("${Stage}", stage).endswith(f":parameter{named}")


def test_chalice_writes_no_policy_of_its_own() -> None:
    assert CONFIG["autogen_policy"] is False
    assert {function["iam_policy_file"] for function in CONFIG["lambda_functions"].values()} == {
        "policy-api.json",
        "policy-reconcile.json",
        "policy-sweep.json",
    }
