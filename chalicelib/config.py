"""Settings: from the environment, and the secrets from one SSM parameter; one frozen object, made once per process.

Read where the process is put together (`wiring.py`), never at import. The table in README.md is checked against
`VARIABLES` by a test.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar

from chalicelib.domain.links import MASTER_KEY_BYTES, LinkKeys
from chalicelib.domain.teams import Plan, RoomSettings, Team

Kind = TypeVar("Kind")


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
    Variable("ANTEROOM_CONNECT", "`on`: a platform, whose clinics connect Stripe accounts of their own", "off"),
    Variable("ANTEROOM_STRIPE_CONNECT", "where clinics connect them (OAuth)", "https://connect.stripe.com"),
    Variable("ANTEROOM_CHECKOUT_ORIGIN", "where Checkout pages live", "https://checkout.stripe.com"),
    Variable("ANTEROOM_FEE_ESSENTIALS", "platform fee of the essentials plan, in basis points", "250"),
    Variable("ANTEROOM_FEE_STANDARD", "platform fee of the standard plan, in basis points", "150"),
    Variable("ANTEROOM_FEE_PREMIUM", "platform fee of the premium plan, in basis points", "150"),
    Variable("ANTEROOM_FEE_ENTERPRISE", "platform fee of the enterprise plan, in basis points", "150"),
    Variable(
        "ANTEROOM_FEE_ABROAD",
        "where Stripe takes no platform fee: `charge_without` it, or `refuse` to schedule fees",
        "charge_without",
    ),
    Variable("ANTEROOM_RETENTION_DAYS", "days that a session is kept after its end", "400"),
    Variable("ANTEROOM_BOOKS_DAYS", "days that ledger and audit rows are kept", "3653"),
    Variable("AWS_REGION", "region of the tables; Lambda sets it", "us-east-1"),
)


@dataclass(frozen=True, slots=True)
class Secrets:
    """What the SSM parameter holds, as JSON.

    `link_keys`: {"1": base64 of 32 bytes, …} and `link_key`: the id of the current one; `api_key`: base64 of 32 bytes,
    from which the keys for tokens and secret hashes are derived; `former_api_keys`: a list of them, may be absent: what
    was made with these is still good; `stripe_secret_key`; `stripe_webhook_secrets`: a list, any of which signs;
    For a platform, all of which may be absent: `stripe_connect_webhook_secrets`, the same of the endpoint for connected
    accounts; `stripe_client_id`: that of the platform's OAuth settings at Stripe.
    `room`: {"kind", "url", "key"}, for Jitsi "app_id" and "audience" too, for teams without rooms of their own.
    """

    link_keys: LinkKeys
    api_key: bytes
    stripe_secret_key: str
    stripe_webhook_secrets: tuple[str, ...]
    room: RoomSettings
    former_api_keys: tuple[bytes, ...] = ()
    stripe_connect_webhook_secrets: tuple[str, ...] = ()
    stripe_client_id: str | None = None

    @property
    def api_keys(self) -> tuple[bytes, ...]:
        """The current one first."""
        return (self.api_key, *self.former_api_keys)


@dataclass(frozen=True, slots=True)
class Settings:
    """All that a deployment decides. `fee_basis_points` by plan.

    `is_platform`: clinics connect Stripe accounts of their own; else one clinic takes payments on the deployment's.
    """

    stage: str
    public_url: str
    table_prefix: str
    dynamodb_endpoint: str | None
    region: str
    stripe_api: str
    is_platform: bool
    stripe_connect: str
    checkout_origin: str
    fee_basis_points: Mapping[Plan, int]
    retention: timedelta
    books_retention: timedelta
    secrets: Secrets = field(repr=False)
    refuses_fees_abroad: bool = False
    """No fee may be scheduled on an account that cannot pay the platform's; else it is charged without."""

    @property
    def link_keys(self) -> LinkKeys:
        return self.secrets.link_keys

    @property
    def livemode(self) -> bool:
        """Whether the deployment moves real money, told by its Stripe key."""
        return self.secrets.stripe_secret_key.startswith(("sk_live_", "rk_live_"))

    @property
    def connect_webhook_secrets(self) -> tuple[str, ...]:
        """Those that sign the events of connected accounts; without a platform nothing does."""
        return self.secrets.stripe_connect_webhook_secrets if self.is_platform else ()

    @property
    def has_oauth(self) -> bool:
        """Whether clinics can connect accounts that they have already."""
        return self.is_platform and self.secrets.stripe_client_id is not None

    def room_of(self, team: Team) -> RoomSettings:
        """The team's own rooms, or the deployment's."""
        return team.room or self.secrets.room

    def basis_points(self, team: Team) -> int:
        """The platform fee of this team: its own agreement, or its plan's rate."""
        agreed = team.fee_basis_points
        return self.fee_basis_points[team.plan] if agreed is None else agreed

    def refuses_without_fee(self, team: Team) -> bool:
        """Whether this team may schedule no fee on an account that cannot pay the platform's: it owes one."""
        return self.refuses_fees_abroad and self.basis_points(team) > 0


_ADDRESSES = ("ANTEROOM_PUBLIC_URL", "ANTEROOM_STRIPE_API", "ANTEROOM_STRIPE_CONNECT")
_SWITCH = {"on": True, "off": False}
_FEE_ABROAD = {"refuse": True, "charge_without": False}


def load(environment: Mapping[str, str], fetch_secrets: Callable[[str], str]) -> Settings:
    """The settings of this environment. `fetch_secrets` reads the named SSM parameter. Raises SettingsError."""
    values = {variable.name: _value(environment, variable) for variable in VARIABLES}
    addresses = {name: _address(values, name) for name in _ADDRESSES}
    checkout_origin = _address(values, "ANTEROOM_CHECKOUT_ORIGIN", path="")
    secrets = secrets_from(values["ANTEROOM_SECRETS_JSON"] or fetch_secrets(values["ANTEROOM_SECRETS"]))
    is_platform = _switch(values, "ANTEROOM_CONNECT")
    if not is_platform and (secrets.stripe_client_id or secrets.stripe_connect_webhook_secrets):
        message = (
            "the secrets are a platform's (stripe_client_id, stripe_connect_webhook_secrets): set ANTEROOM_CONNECT=on"
        )
        raise SettingsError(message)
    return Settings(
        stage=values["ANTEROOM_STAGE"],
        public_url=addresses["ANTEROOM_PUBLIC_URL"],
        table_prefix=values["ANTEROOM_TABLE_PREFIX"],
        dynamodb_endpoint=values["ANTEROOM_DYNAMODB_ENDPOINT"] or None,
        region=values["AWS_REGION"],
        stripe_api=addresses["ANTEROOM_STRIPE_API"],
        is_platform=is_platform,
        stripe_connect=addresses["ANTEROOM_STRIPE_CONNECT"],
        checkout_origin=checkout_origin,
        fee_basis_points={plan: _number(values, f"ANTEROOM_FEE_{plan.name}", most=10_000) for plan in Plan},
        retention=timedelta(days=_number(values, "ANTEROOM_RETENTION_DAYS", most=36_500)),
        books_retention=timedelta(days=_number(values, "ANTEROOM_BOOKS_DAYS", most=36_500)),
        secrets=secrets,
        refuses_fees_abroad=_switch(values, "ANTEROOM_FEE_ABROAD", _FEE_ABROAD),
    )


def _value(environment: Mapping[str, str], variable: Variable) -> str:
    value = environment.get(variable.name) or variable.default
    if value is None and variable.name == "ANTEROOM_SECRETS" and environment.get("ANTEROOM_SECRETS_JSON"):
        return ""
    if value is None:
        message = f"{variable.name} is not set: {variable.meaning}"
        raise SettingsError(message)
    return value


def _address(values: Mapping[str, str], name: str, path: str = r"(?:/[\w.~-]+)*") -> str:
    """Without a slash at its end. It stands in links, cookies and headers, so it is held to plain characters."""
    address = values[name].rstrip("/")
    if not re.fullmatch(
        rf"(?:https://[\w.-]+|http://(?:localhost|127\.0\.0\.1))(?::\d{{1,5}})?{path}", address, re.ASCII
    ):
        message = f"{name} must be an https address{'' if path else ' without a path'}"
        raise SettingsError(message)
    return address


def _switch(values: Mapping[str, str], name: str, choices: Mapping[str, bool] = _SWITCH) -> bool:
    found = choices.get(values[name].lower())
    if found is None:
        message = f"{name} must be {' or '.join(choices)}"
        raise SettingsError(message)
    return found


def _number(values: Mapping[str, str], name: str, *, most: int) -> int:
    text = values[name]
    if not re.fullmatch(r"[0-9]{1,9}", text) or int(text) > most:
        message = f"{name} must be a whole number from 0 to {most}"
        raise SettingsError(message)
    return int(text)


# --- the secrets: what is wrong is named, and never shown -----------------------------------------------------------


def secrets_from(text: str) -> Secrets:
    """Read the JSON of the secrets. Raises SettingsError that names the entry at fault."""
    try:
        written = json.loads(text)
    except ValueError:
        message = "the secrets are not JSON"
        raise SettingsError(message) from None
    if not isinstance(written, dict):
        message = "the secrets are not a JSON object"
        raise SettingsError(message)
    return Secrets(
        link_keys=_link_keys(written),
        api_key=_key(_entry(written, "api_key", str), "api_key"),
        stripe_secret_key=_filled(_entry(written, "stripe_secret_key", str), "stripe_secret_key"),
        stripe_webhook_secrets=_webhook_secrets(written, "stripe_webhook_secrets"),
        room=_room(_entry(written, "room", dict)),
        former_api_keys=_former_api_keys(written),
        stripe_connect_webhook_secrets=_webhook_secrets({_CONNECT_SECRETS: [], **written}, _CONNECT_SECRETS),
        stripe_client_id=_client_id(written),
    )


def _entry(written: Mapping[str, Any], name: str, kind: type[Kind], within: str = "") -> Kind:
    if name not in written:
        message = f"the secrets lack {within + name!r}"
        raise SettingsError(message)
    value = written[name]
    if not isinstance(value, kind) or isinstance(value, bool):
        raise _malformed(within + name, f"must be {_KINDS[kind]}")
    return value


_KINDS: Mapping[type, str] = {str: "a text", int: "a whole number", list: "a list", dict: "an object"}


def _malformed(name: str, what: str) -> SettingsError:
    return SettingsError(f"{name!r} of the secrets {what}")


def _link_keys(written: Mapping[str, Any]) -> LinkKeys:
    keys = _entry(written, "link_keys", dict)
    if not all(re.fullmatch(r"[0-9]{1,3}", key_id) for key_id in keys):
        raise _malformed("link_keys", "must have numbers from 0 to 255 as its names")
    read = {int(key_id): _key(key, f"link_keys.{key_id}") for key_id, key in keys.items()}
    try:
        return LinkKeys(read, _entry(written, "link_key", int))
    except ValueError:
        raise _malformed("link_key", "must be the number of one of the 'link_keys', from 0 to 255") from None


def _key(text: object, name: str) -> bytes:
    try:
        key = base64.b64decode(text, validate=True) if isinstance(text, str) else b""
    except ValueError:
        key = b""
    if len(key) != MASTER_KEY_BYTES:
        raise _malformed(name, f"must be base64 of {MASTER_KEY_BYTES} bytes")
    return key


def _former_api_keys(written: Mapping[str, Any]) -> tuple[bytes, ...]:
    keys = _entry(written, "former_api_keys", list) if "former_api_keys" in written else []
    return tuple(_key(key, "former_api_keys") for key in keys)


_CONNECT_SECRETS = "stripe_connect_webhook_secrets"


def _webhook_secrets(written: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """An empty secret would let anybody sign, so it is no secret."""
    return tuple(_filled(secret, name) for secret in _entry(written, name, list))


def _client_id(written: Mapping[str, Any]) -> str | None:
    """https://docs.stripe.com/connect/oauth-reference: `ca_` and letters. It stands in addresses."""
    if "stripe_client_id" not in written:
        return None
    client_id = _entry(written, "stripe_client_id", str)
    if not re.fullmatch(r"ca_[A-Za-z0-9]{1,100}", client_id):
        raise _malformed("stripe_client_id", "must look like ca_1A2b3C4d5E6f7G8h")
    return client_id


def _filled(value: object, name: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise _malformed(name, "must not be empty, and of text")
    return value


def _room(written: Mapping[str, Any]) -> RoomSettings:
    """Its values are looked at when a room is entered, so that a bad one closes rooms only."""
    kind, url, key = (_entry(written, name, str, "room.") for name in ("kind", "url", "key"))
    more = {name: _entry(written, name, str, "room.") for name in ("app_id", "audience") if name in written}
    return RoomSettings(kind=kind, url=url, key=key, **more)


def fetch_secrets(name: str, region: str | None = None) -> str:
    """The SSM SecureString parameter of that name. boto3 is not needed for one call; botocore is there already.

    `region` None: where Lambda runs the process.
    """
    return str(_ssm(region).get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"])


def store_secrets(name: str, text: str, region: str | None = None) -> None:
    """Replace that parameter by `text`, under the same key of KMS: SSM would take the account's default otherwise.

    For operators alone: what is deployed may not write it. Raises SettingsError for text that `secrets_from` refuses.
    https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html
    """
    secrets_from(text)
    client = _ssm(region)
    filters = [{"Key": "Name", "Option": "Equals", "Values": [name]}]
    described = client.describe_parameters(ParameterFilters=filters)["Parameters"]
    kept = {key: described[0][key] for key in ("KeyId", "Tier") if described and key in described[0]}
    client.put_parameter(Name=name, Value=text, Type="SecureString", Overwrite=True, **kept)


def _ssm(region: str | None) -> Any:  # noqa: ANN401 (botocore has no types)
    from botocore.config import Config  # noqa: PLC0415 (as below)
    from botocore.session import get_session  # noqa: PLC0415 (only a deployed process, once, at its start)

    limits = Config(connect_timeout=2, read_timeout=3, retries={"total_max_attempts": 2})
    return get_session().create_client("ssm", region_name=region, config=limits)
