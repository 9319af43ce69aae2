"""Which deployment is worked on: what the environment names, or the local stack by its file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from botocore.session import get_session
from moto import mock_aws

from chalicelib.config import SettingsError
from ops.environment import NoDeploymentError, connect
from tests.support.world import PUBLIC_URL, SECRETS

WRITTEN = {
    "ANTEROOM_PUBLIC_URL": "http://127.0.0.1:8000",
    "ANTEROOM_TABLE_PREFIX": "anteroom-sandbox-",
    "ANTEROOM_SECRETS_JSON": json.dumps(SECRETS),
    "ANTEROOM_DYNAMODB_ENDPOINT": "http://127.0.0.1:9",
    "AWS_ACCESS_KEY_ID": "sandbox",
    "AWS_SECRET_ACCESS_KEY": "sandbox",
    "AWS_REGION": "us-east-1",
}
DEPLOYED = {
    "ANTEROOM_PUBLIC_URL": PUBLIC_URL,
    "ANTEROOM_TABLE_PREFIX": "anteroom-staging-",
    "ANTEROOM_SECRETS": "/anteroom/staging/secrets",
    "AWS_REGION": "eu-central-1",
}


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project directory of the test's own, to be run from."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(directory: Path, text: str) -> None:
    (directory / ".local").mkdir()
    (directory / ".local" / "ops.json").write_text(text, "utf-8")


@pytest.fixture
def control_url() -> Iterator[str]:
    """A sandbox whose clock shows the year 2030."""

    class State(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/state" else 404)
            self.end_headers()
            self.wfile.write(b'{"clock": "2030-01-01T00:00:00+00:00"}')

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), State) as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.allow_hosts(["127.0.0.1"])
def test_the_local_stack_is_found_by_its_file_and_goes_by_its_clock(directory: Path, control_url: str) -> None:
    write(directory, json.dumps(WRITTEN | {"ANTEROOM_SANDBOX_CONTROL_URL": control_url}))
    environment = {"AWS_PROFILE": "of-the-operator"}
    deployment = connect(environment, local=False)
    assert deployment.ctx.settings.public_url == "http://127.0.0.1:8000"
    assert deployment.secrets is None
    assert datetime(2030, 1, 1, tzinfo=UTC) <= deployment.ctx.clock() < datetime(2030, 1, 1, 0, 1, tzinfo=UTC)
    assert environment["AWS_ACCESS_KEY_ID"] == "sandbox"
    assert "AWS_PROFILE" not in environment


@pytest.mark.allow_hosts(["127.0.0.1"])
def test_local_wins_over_what_the_environment_names(directory: Path, control_url: str) -> None:
    write(directory, json.dumps(WRITTEN | {"ANTEROOM_SANDBOX_CONTROL_URL": control_url}))
    assert connect(dict(DEPLOYED), local=True).ctx.settings.table_prefix == "anteroom-sandbox-"


@pytest.mark.allow_hosts(["127.0.0.1"])
def test_a_local_stack_that_was_killed_is_said_not_to_answer(directory: Path) -> None:
    write(directory, json.dumps(WRITTEN | {"ANTEROOM_SANDBOX_CONTROL_URL": "http://127.0.0.1:9"}))
    with pytest.raises(NoDeploymentError, match=r"does not answer at http://127\.0\.0\.1:9; start it"):
        connect({}, local=True)


def test_a_local_stack_that_is_not_running_is_said_to_be_so() -> None:
    with pytest.raises(NoDeploymentError, match="the local stack is not running"):
        connect({}, local=True)


@pytest.mark.parametrize("text", ["", "{"])
def test_a_file_that_is_no_json_is_no_local_stack(directory: Path, text: str) -> None:
    write(directory, text)
    with pytest.raises(NoDeploymentError, match="the local stack is not running"):
        connect({}, local=True)


def test_only_a_plain_http_address_is_asked_for_the_time(directory: Path) -> None:
    write(directory, json.dumps(WRITTEN | {"ANTEROOM_SANDBOX_CONTROL_URL": "file:///etc"}))
    with pytest.raises(NoDeploymentError, match="does not say where the local stack is"):
        connect({}, local=True)


def test_without_a_file_and_without_variables_it_says_what_is_missing() -> None:
    with pytest.raises(SettingsError, match="ANTEROOM_PUBLIC_URL is not set"):
        connect({}, local=False)


def test_a_deployment_is_found_by_its_variables_and_its_parameter(directory: Path) -> None:
    write(directory, json.dumps(WRITTEN))
    with mock_aws():
        client = get_session().create_client("ssm", region_name="eu-central-1")
        client.put_parameter(Name="/anteroom/staging/secrets", Value=json.dumps(SECRETS), Type="SecureString")
        deployment = connect(dict(DEPLOYED), local=False)
        assert deployment.ctx.settings.table_prefix == "anteroom-staging-"
        assert deployment.secrets is not None
        assert deployment.secrets.name == "/anteroom/staging/secrets"
        deployment.secrets.write(json.dumps(SECRETS | {"link_key": 1}))
        assert json.loads(deployment.secrets.read())["link_key"] == 1
    assert abs(deployment.ctx.clock() - datetime.now(UTC)) < timedelta(minutes=1)


def test_secrets_written_out_in_the_environment_are_in_no_parameter() -> None:
    environment = DEPLOYED | {"ANTEROOM_SECRETS_JSON": json.dumps(SECRETS)}
    assert connect(environment, local=False).secrets is None
