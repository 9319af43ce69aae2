"""Which deployment the command line works on: the one its environment names, or the local stack that is running.

While it runs, the local stack keeps `.local/ops.json`: a JSON object whose keys and values are strings, the environment
variables that `chalicelib.config.load` needs to reach it (`ANTEROOM_PUBLIC_URL`, `ANTEROOM_TABLE_PREFIX`,
`ANTEROOM_SECRETS_JSON`, `ANTEROOM_DYNAMODB_ENDPOINT`, `ANTEROOM_STRIPE_API`, `ANTEROOM_CHECKOUT_ORIGIN`,
`ANTEROOM_CONNECT`, `ANTEROOM_STRIPE_CONNECT`), the made-up
credentials that its DynamoDB wants (`AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_REGION`), and
`ANTEROOM_SANDBOX_CONTROL_URL`, whose `GET /state` tells the sandbox's time as `clock` (ISO 8601).

It is used with `--local`, or where no `ANTEROOM_*` variable is set and the file is there. Nothing is read at import.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, build_opener

from chalicelib.config import fetch_secrets, load, store_secrets
from chalicelib.flows.context import Context
from chalicelib.wiring import make_context

LOCAL_FILE = Path(".local/ops.json")
DEFAULT_REGION = "us-east-1"
ANSWER_SECONDS = 5

_OTHER_CREDENTIALS = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL")


class NoDeploymentError(Exception):
    """There is nothing to work on, or it does not answer. The message says what to do."""


@dataclass(frozen=True, slots=True)
class SecretsParameter:
    """Where the deployment keeps its secrets: `read()` gives the text, `write(text)` replaces it."""

    name: str
    read: Callable[[], str]
    write: Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Deployment:
    """What a command works on. `secrets` is None for the local stack, which makes its own at each start."""

    ctx: Context
    secrets: SecretsParameter | None


def connect(environment: MutableMapping[str, str], *, local: bool) -> Deployment:
    """The deployment of this environment. Raises SettingsError, NoDeploymentError, botocore's errors."""
    named = any(name.startswith("ANTEROOM_") for name in environment)
    if local or (not named and LOCAL_FILE.is_file()):
        return _local_stack(environment, _written())
    return _deployed(environment)


def _deployed(environment: MutableMapping[str, str]) -> Deployment:
    region = environment.get("AWS_REGION") or DEFAULT_REGION
    settings = load(environment, partial(fetch_secrets, region=region))
    name = environment.get("ANTEROOM_SECRETS", "")
    parameter = SecretsParameter(
        name,
        partial(fetch_secrets, name, region=region),
        partial(store_secrets, name, region=region),
    )
    written_out = bool(environment.get("ANTEROOM_SECRETS_JSON"))
    return Deployment(make_context(settings), None if written_out else parameter)


def _written() -> dict[str, str]:
    try:
        written = json.loads(LOCAL_FILE.read_text("utf-8"))
    except (OSError, ValueError):
        message = f"the local stack is not running ({LOCAL_FILE} is not there); start it with: make run"
        raise NoDeploymentError(message) from None
    return {str(name): str(value) for name, value in written.items()}


def _local_stack(environment: MutableMapping[str, str], written: Mapping[str, str]) -> Deployment:
    for name in _OTHER_CREDENTIALS:
        environment.pop(name, None)
    # botocore and the Stripe library look into the process's environment themselves, for credentials and proxies.
    environment.update({name: value for name, value in written.items() if name.startswith("AWS_")})
    environment["NO_PROXY"] = environment["no_proxy"] = "127.0.0.1"
    ahead = _clock_of(written.get("ANTEROOM_SANDBOX_CONTROL_URL", "")) - datetime.now(UTC)
    ctx = make_context(load(written, fetch_secrets))
    return Deployment(replace(ctx, clock=partial(_moved, ahead)), None)


def _moved(ahead: timedelta) -> datetime:
    return datetime.now(UTC) + ahead


def _clock_of(control_url: str) -> datetime:
    """The sandbox's time: people move it, and what is due is due by it."""
    if urlsplit(control_url).scheme != "http":
        message = f"{LOCAL_FILE} does not say where the local stack is; start it again with: make run"
        raise NoDeploymentError(message)
    try:
        with build_opener(ProxyHandler({})).open(f"{control_url}/state", timeout=ANSWER_SECONDS) as answer:
            return datetime.fromisoformat(json.load(answer)["clock"])
    except (URLError, OSError, ValueError, KeyError):
        message = f"the local stack does not answer at {control_url}; start it with: make run"
        raise NoDeploymentError(message) from None
