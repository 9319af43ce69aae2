"""Settings: from the environment, and the secrets from one SSM parameter; one frozen object, made once per process.

Read where the process is put together (`wiring.py`), never at import. The table in README.md is checked against
`VARIABLES` by a test.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from chalicelib.domain.links import LinkKeys
from chalicelib.domain.teams import Plan, RoomSettings, Team


class SettingsError(Exception):
    """The deployment is not configured rightly. The message names the variable or secret, never its value."""


@dataclass(frozen=True, slots=True)
class Variable:
    """One environment variable. `default` None: it must be set."""

    name: str
    meaning: str
    default: str | None = None


VARIABLES = (
    Variable("ANTEROOM_STAGE", "name of the stage, for logs and tags", "local"),
    Variable("ANTEROOM_PUBLIC_URL", "where clients reach the deployment; links begin with it"),
    Variable("ANTEROOM_TABLE_PREFIX", "put before every table's name", "anteroom-local-"),
    Variable("ANTEROOM_SECRETS", "name of the SSM SecureString parameter that holds the secrets"),
    Variable("ANTEROOM_SECRETS_JSON", "the secrets themselves, instead of the parameter: for local runs and tests", ""),
    Variable("ANTEROOM_DYNAMODB_ENDPOINT", "address of a DynamoDB stand-in; empty: DynamoDB itself", ""),
    Variable("ANTEROOM_STRIPE_API", "address of Stripe's API", "https://api.stripe.com"),
    Variable("ANTEROOM_CHECKOUT_ORIGIN", "where Checkout pages live", "https://checkout.stripe.com"),
    Variable("ANTEROOM_FEE_ESSENTIALS", "platform fee of the essentials plan, in basis points", "250"),
    Variable("ANTEROOM_FEE_STANDARD", "platform fee of the standard plan, in basis points", "150"),
    Variable("ANTEROOM_FEE_PREMIUM", "platform fee of the premium plan, in basis points", "150"),
    Variable("ANTEROOM_FEE_ENTERPRISE", "platform fee of the enterprise plan, in basis points", "150"),
    Variable("ANTEROOM_RETENTION_DAYS", "days that a session is kept after its end", "400"),
    Variable("AWS_REGION", "region of the tables; Lambda sets it", "us-east-1"),
)


@dataclass(frozen=True, slots=True)
class Secrets:
    """What the SSM parameter holds, as JSON.

    `link_keys`: {"1": base64 of 32 bytes, …} and `link_key`: the id of the current one; `api_key`: base64 of 32 bytes,
    from which the keys for access tokens and secret hashes are derived; `stripe_secret_key`; `stripe_webhook_secrets`:
    a list, any of which signs; `room`: {"kind", "url", "key", "app_id"} for teams without rooms of their own.
    """

    link_keys: LinkKeys
    api_key: bytes
    stripe_secret_key: str
    stripe_webhook_secrets: tuple[str, ...]
    room: RoomSettings


@dataclass(frozen=True, slots=True)
class Settings:
    """All that a deployment decides. `fee_basis_points` by plan."""

    stage: str
    public_url: str
    table_prefix: str
    dynamodb_endpoint: str | None
    region: str
    stripe_api: str
    checkout_origin: str
    fee_basis_points: Mapping[Plan, int]
    retention: timedelta
    secrets: Secrets = field(repr=False)

    @property
    def link_keys(self) -> LinkKeys:
        return self.secrets.link_keys

    @property
    def livemode(self) -> bool:
        """Whether the deployment moves real money, told by its Stripe key."""
        return self.secrets.stripe_secret_key.startswith(("sk_live_", "rk_live_"))

    def room_of(self, team: Team) -> RoomSettings:
        """The team's own rooms, or the deployment's."""
        return team.room or self.secrets.room

    def basis_points(self, team: Team) -> int:
        """The platform fee of this team: its own agreement, or its plan's rate."""
        agreed = team.fee_basis_points
        return self.fee_basis_points[team.plan] if agreed is None else agreed


def load(environment: Mapping[str, str], fetch_secrets: Callable[[str], str]) -> Settings:
    """The settings of this environment. `fetch_secrets` reads the named SSM parameter. Raises SettingsError."""
    values = {variable.name: _value(environment, variable) for variable in VARIABLES}
    public_url = values["ANTEROOM_PUBLIC_URL"].rstrip("/")
    if not public_url.startswith(("https://", "http://localhost", "http://127.0.0.1")):
        message = "ANTEROOM_PUBLIC_URL must be an https address"
        raise SettingsError(message)
    written = values["ANTEROOM_SECRETS_JSON"] or fetch_secrets(values["ANTEROOM_SECRETS"])
    return Settings(
        stage=values["ANTEROOM_STAGE"],
        public_url=public_url,
        table_prefix=values["ANTEROOM_TABLE_PREFIX"],
        dynamodb_endpoint=values["ANTEROOM_DYNAMODB_ENDPOINT"] or None,
        region=values["AWS_REGION"],
        stripe_api=values["ANTEROOM_STRIPE_API"].rstrip("/"),
        checkout_origin=values["ANTEROOM_CHECKOUT_ORIGIN"].rstrip("/"),
        fee_basis_points={plan: _number(values, f"ANTEROOM_FEE_{plan.name}", most=10_000) for plan in Plan},
        retention=timedelta(days=_number(values, "ANTEROOM_RETENTION_DAYS", most=36_500)),
        secrets=secrets_from(written),
    )


def _value(environment: Mapping[str, str], variable: Variable) -> str:
    value = environment.get(variable.name) or variable.default
    if value is None and variable.name == "ANTEROOM_SECRETS" and environment.get("ANTEROOM_SECRETS_JSON"):
        return ""
    if value is None:
        message = f"{variable.name} is not set: {variable.meaning}"
        raise SettingsError(message)
    return value


def _number(values: Mapping[str, str], name: str, *, most: int) -> int:
    text = values[name]
    if not text.isascii() or not text.isdigit() or int(text) > most:
        message = f"{name} must be a whole number from 0 to {most}"
        raise SettingsError(message)
    return int(text)


def secrets_from(text: str) -> Secrets:
    """Read the JSON of the secrets. Raises SettingsError that names the entry at fault."""
    try:
        written = json.loads(text)
    except ValueError:
        message = "the secrets are not JSON"
        raise SettingsError(message) from None
    try:
        return Secrets(
            link_keys=LinkKeys(
                {int(key_id): _key(key) for key_id, key in written["link_keys"].items()}, int(written["link_key"])
            ),
            api_key=_key(written["api_key"]),
            stripe_secret_key=written["stripe_secret_key"],
            stripe_webhook_secrets=tuple(written["stripe_webhook_secrets"]),
            room=_room(written["room"]),
        )
    except KeyError as error:
        message = f"the secrets lack {error.args[0]!r}"
        raise SettingsError(message) from None
    except (TypeError, ValueError, AttributeError):
        message = "the secrets are not of the form that README.md shows"
        raise SettingsError(message) from None


def _key(text: str) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except binascii.Error:
        key = b""
    if len(key) != 32:
        message = "a key is base64 of 32 bytes"
        raise ValueError(message)
    return key


def _room(written: Mapping[str, Any]) -> RoomSettings:
    return RoomSettings(kind=written["kind"], url=written["url"], key=written["key"], app_id=written.get("app_id", ""))


def fetch_secrets(name: str) -> str:
    """The SSM SecureString parameter of that name. boto3 is not needed for one call; botocore is there already."""
    from botocore.session import get_session  # noqa: PLC0415 (only a deployed process, once, at its start)

    client = get_session().create_client("ssm")
    return str(client.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"])
