"""What would be deployed, looked at as Lambda gets it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from chalicelib.flows.nightly import NIGHTLY_SECONDS
from infra.package import PROJECT
from tests.packaging.conftest import Package
from tests.packaging.locks import pins

pytestmark = pytest.mark.packaging

API_GATEWAY_GIVES_UP_AFTER = 29
"""Seconds: "Amazon API Gateway quotas", integration timeout of regional APIs."""

IMPORT_EACH_HANDLER = """
import importlib, sys
sys.path.insert(0, sys.argv[1])
for handler in sys.argv[2:]:
    module, function = handler.rsplit(".", 1)
    found = importlib.import_module(module)
    assert callable(getattr(found, function)), handler
    assert found.__file__.startswith(sys.argv[1]), found.__file__
"""


def test_exactly_the_api_the_sweep_and_the_reconciliation_are_deployed(packaged: Package) -> None:
    assert sorted(packaged.functions) == ["app.app", "app.reconcile", "app.sweep"]


def test_the_handlers_import_from_the_unpacked_archive_without_any_setting(packaged: Package, unpacked: Path) -> None:
    # The archive's compiled parts are for Lambda's processor, so what is not pure Python comes from this environment.
    for compiled in ("msgspec", "markupsafe", "charset_normalizer"):
        (unpacked / compiled).rename(unpacked / f"{compiled}_for_lambda")
    run = subprocess.run(
        [sys.executable, "-P", "-c", IMPORT_EACH_HANDLER, str(unpacked), *packaged.functions],
        cwd=unpacked,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.stderr == ""
    assert run.returncode == 0


def test_the_archive_holds_our_code_and_the_pinned_libraries_and_nothing_else(packaged: Package) -> None:
    ours = {"app.py", "chalice", "chalicelib"}
    theirs = {name.split("/")[0] for name in packaged.names} - ours
    leftovers = {"tests", "sandbox", "ops", "infra", "bench", "docs", "moto", "flask", "pytest", "boto3", ".chalice"}
    assert not theirs & leftovers
    distributions = {_distribution(name) for name in theirs if name.endswith(".dist-info")}
    assert distributions == set(pins(PROJECT / "requirements.txt"))


def test_nothing_compiled_here_is_in_the_archive(packaged: Package) -> None:
    assert [name for name in packaged.names if "__pycache__" in name or name.endswith(".pyc")] == []


def test_every_library_is_compiled_for_the_processor_it_runs_on(packaged: Package) -> None:
    libraries = [name for name in packaged.names if name.endswith(".so")]
    assert {properties["Architectures"][0] for properties in packaged.functions.values()} == {"arm64"}
    assert libraries
    assert [name for name in libraries if not name.endswith("-aarch64-linux-gnu.so")] == []


def test_chalice_comes_with_only_what_runs_in_lambda(packaged: Package) -> None:
    assert sorted(name for name in packaged.names if name.startswith("chalice/")) == [
        "chalice/__init__.py",
        "chalice/app.py",
    ]


def test_http_functions_end_before_the_gateway_gives_up(packaged: Package) -> None:
    assert packaged.functions["app.app"]["Timeout"] < API_GATEWAY_GIVES_UP_AFTER


def test_the_sweep_runs_every_minute_and_a_failed_run_is_left_to_the_next(packaged: Package) -> None:
    sweep = packaged.functions["app.sweep"]
    (event,) = sweep["Events"].values()
    assert event == {"Type": "Schedule", "Properties": {"Schedule": "rate(1 minute)"}}
    assert sweep["Timeout"] <= 60
    assert sweep["EventInvokeConfig"]["MaximumRetryAttempts"] == 0


def test_the_night_has_all_the_time_that_lambda_gives_and_ends_before_it(packaged: Package) -> None:
    night = packaged.functions["app.reconcile"]
    (event,) = night["Events"].values()
    assert event == {"Type": "Schedule", "Properties": {"Schedule": "cron(17 3 * * ? *)"}}
    assert night["Timeout"] == 900
    assert night["Timeout"] - NIGHTLY_SECONDS >= 60


def test_each_line_that_needs_a_person_is_counted_and_each_count_has_an_alarm(packaged: Package) -> None:
    resources = packaged.template["Resources"].values()
    filters = [one["Properties"] for one in resources if one["Type"] == "AWS::Logs::MetricFilter"]
    counted = {
        (line, one["LogGroupName"]["Ref"], one["MetricTransformations"][0]["MetricName"]["Fn::Sub"])
        for one in filters
        for line in re.findall(r'"(\w+)"', one["FilterPattern"])
    }
    assert counted == {
        ("sweep_failed", "SweepLogGroup", "sweep-trouble-${Stage}"),
        ("shard_failed", "SweepLogGroup", "sweep-trouble-${Stage}"),
        ("push_back_failed", "SweepLogGroup", "sweep-trouble-${Stage}"),
        ("needs_attention", "ApiHandlerLogGroup", "needs-attention-${Stage}"),
        ("methods_refused", "ApiHandlerLogGroup", "needs-attention-${Stage}"),
        ("platform_fee_refused", "ApiHandlerLogGroup", "needs-attention-${Stage}"),
        ("needs_attention", "SweepLogGroup", "needs-attention-${Stage}"),
        ("needs_attention", "ReconcileLogGroup", "needs-attention-${Stage}"),
        ("event_parked", "ApiHandlerLogGroup", "events-parked-${Stage}"),
        ("reconcile_difference", "ReconcileLogGroup", "reconcile-differs-${Stage}"),
        ("reconcile_failed", "ReconcileLogGroup", "reconcile-differs-${Stage}"),
        ("reconcile_unfinished", "ReconcileLogGroup", "reconcile-differs-${Stage}"),
        ("reconcile_beyond_events", "ReconcileLogGroup", "reconcile-differs-${Stage}"),
    }
    alarms = [one["Properties"] for one in resources if one["Type"] == "AWS::CloudWatch::Alarm"]
    watched = {one["MetricName"]["Fn::Sub"] for one in alarms if one["Namespace"] == "Anteroom"}
    assert watched == {metric for _, _, metric in counted}
    assert {one["AlarmActions"][0]["Ref"] for one in alarms} == {"Alarms"}


def test_each_line_that_is_counted_is_one_that_the_code_writes(packaged: Package) -> None:
    resources = packaged.template["Resources"].values()
    patterns = [one["Properties"]["FilterPattern"] for one in resources if one["Type"] == "AWS::Logs::MetricFilter"]
    lines = {line for pattern in patterns for line in re.findall(r'"(\w+)"', pattern)}
    code = "".join(path.read_text("utf-8") for path in (PROJECT / "chalicelib" / "flows").glob("*.py"))
    assert {line for line in lines if f'("{line}"' not in code} == set()


def test_all_functions_know_their_stage_and_only_theirs(packaged: Package) -> None:
    stage = packaged.stage
    for properties in packaged.functions.values():
        assert properties["Environment"]["Variables"] == {
            "ANTEROOM_STAGE": stage,
            "ANTEROOM_TABLE_PREFIX": f"anteroom-{stage}-",
            "ANTEROOM_SECRETS": f"/anteroom/{stage}/secrets",
            "ANTEROOM_PUBLIC_URL": {"Ref": "PublicUrl"},
            "ANTEROOM_CONNECT": {"Ref": "Connect"},
        }
    assert packaged.template["Parameters"]["Stage"] == {"Type": "String", "AllowedValues": [stage], "Default": stage}


def test_each_function_has_a_role_of_its_own(packaged: Package) -> None:
    roles = {properties["Role"]["Fn::GetAtt"][0] for properties in packaged.functions.values()}
    assert roles == {"ApiHandlerRole", "ReconcileRole", "SweepRole"}


def test_the_gateway_answers_its_own_errors_as_the_api_does(packaged: Package) -> None:
    definition = packaged.template["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]
    unknown_path = definition["x-amazon-apigateway-gateway-responses"]["MISSING_AUTHENTICATION_TOKEN"]
    assert unknown_path["statusCode"] == "404"
    assert "/health" in definition["paths"]


def test_no_log_of_paths_is_switched_on_since_links_are_paths(packaged: Package) -> None:
    properties = packaged.template["Resources"]["RestAPI"]["Properties"]
    assert not {"AccessLogSetting", "MethodSettings", "TracingEnabled", "CanarySetting"} & set(properties)


def _distribution(directory: str) -> str:
    return directory.removesuffix(".dist-info").rsplit("-", 1)[0].lower().replace("_", "-")
