"""What the product is told in the sandbox: settings, keys made up at each start, and the stand-ins' addresses."""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass, field, replace

TEST_KEYS = ("sk_test_", "rk_test_")
REGION = "us-east-1"
STRIPE_API = "https://api.stripe.com"
STRIPE_CHECKOUT = "https://checkout.stripe.com"
STRIPE_OAUTH = "https://connect.stripe.com"
STRIPE_KEY = "STRIPE_SECRET_KEY"
STRIPE_WEBHOOK_SECRET = "STRIPE_WEBHOOK_SECRET"
STRIPE_CONNECT_WEBHOOK_SECRET = "STRIPE_CONNECT_WEBHOOK_SECRET"
STRIPE_CLIENT_ID = "STRIPE_CLIENT_ID"

AWS = {"AWS_ACCESS_KEY_ID": "sandbox", "AWS_SECRET_ACCESS_KEY": "sandbox", "AWS_REGION": REGION}
"""Made up: the stand-in takes any."""

_AWS_OF_OTHERS = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL")


class EnvironmentUnusableError(Exception):
    """The sandbox does not start with such a setting. The message does not repeat it."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where things are: the product, the sandbox's own pages (`control`), and DynamoDB."""

    app: str
    control: str
    dynamodb: str


@dataclass(frozen=True, slots=True)
class Platform:
    """What a platform has beside: the secret of the endpoint for clinics' accounts, and its OAuth application.

    `client_id` None: it has no such application. The stand-in gives its own, once it is made.
    """

    webhook_secret: str = field(repr=False)
    client_id: str | None = None


@dataclass(frozen=True, slots=True)
class StripeChoice:
    """Which Stripe: the stand-in, or Stripe's own test mode. `platform` None: one clinic, on the deployment's own."""

    secret_key: str = field(repr=False)
    webhook_secret: str = field(repr=False)
    is_real: bool
    platform: Platform | None = None

    @property
    def connect(self) -> str:
        """The setting's value, and the command line's."""
        return "on" if self.platform else "off"

    def with_application(self, client_id: str) -> StripeChoice:
        """The same, for a platform with this OAuth application; one clinic needs none."""
        return replace(self, platform=replace(self.platform, client_id=client_id)) if self.platform else self


def stripe_choice(
    environment: Mapping[str, str], entropy: Callable[[int], bytes], *, connect: bool = False
) -> StripeChoice:
    """The stand-in, unless the environment holds a test key. Raises EnvironmentUnusableError for any other key."""
    key = environment.get(STRIPE_KEY, "").strip()
    if not key:
        platform = Platform(f"whsec_{entropy(16).hex()}") if connect else None
        return StripeChoice(
            f"sk_test_{entropy(16).hex()}", f"whsec_{entropy(16).hex()}", is_real=False, platform=platform
        )
    _require_test_key(key)
    webhook_secret = environment.get(STRIPE_WEBHOOK_SECRET) or f"whsec_{entropy(16).hex()}"
    platform = _real_platform(environment, entropy) if connect else None
    return StripeChoice(key, webhook_secret, is_real=True, platform=platform)


def _real_platform(environment: Mapping[str, str], entropy: Callable[[int], bytes]) -> Platform:
    webhook_secret = environment.get(STRIPE_CONNECT_WEBHOOK_SECRET) or f"whsec_{entropy(16).hex()}"
    client_id = environment.get(STRIPE_CLIENT_ID, "").strip()
    if client_id and not re.fullmatch(r"ca_[A-Za-z0-9]{1,100}", client_id):
        raise EnvironmentUnusableError(
            f"{STRIPE_CLIENT_ID} is no platform's client id (ca_…). Stripe's dashboard has it: Settings, Connect, OAuth"
        )
    return Platform(webhook_secret, client_id or None)


def _require_test_key(key: str) -> None:
    if not key.startswith(TEST_KEYS):
        raise EnvironmentUnusableError(
            f"{STRIPE_KEY} is no test key (sk_test_…), and the sandbox never touches real money. "
            f"Unset it to use the stand-in: env -u {STRIPE_KEY} make run"
        )


def settings_environment(
    addresses: Addresses, choice: StripeChoice, room_key: str, entropy: Callable[[int], bytes]
) -> dict[str, str]:
    """The environment variables of `chalicelib.config`, as a deployment would be given them."""
    secrets = {
        "link_keys": {"1": base64.b64encode(entropy(32)).decode()},
        "link_key": 1,
        "api_key": base64.b64encode(entropy(32)).decode(),
        "stripe_secret_key": choice.secret_key,
        "stripe_webhook_secrets": [choice.webhook_secret],
        "room": {"kind": "template", "url": f"{addresses.control}/room/{{room}}?token={{token}}", "key": room_key},
        **_platform_secrets(choice.platform),
    }
    return {
        "ANTEROOM_STAGE": "sandbox",
        "ANTEROOM_PUBLIC_URL": addresses.app,
        "ANTEROOM_TABLE_PREFIX": "anteroom-sandbox-",
        "ANTEROOM_SECRETS_JSON": json.dumps(secrets),
        "ANTEROOM_DYNAMODB_ENDPOINT": addresses.dynamodb,
        "ANTEROOM_STRIPE_API": STRIPE_API if choice.is_real else addresses.control,
        "ANTEROOM_CONNECT": choice.connect,
        "ANTEROOM_STRIPE_CONNECT": STRIPE_OAUTH if choice.is_real else addresses.control,
        "ANTEROOM_CHECKOUT_ORIGIN": STRIPE_CHECKOUT if choice.is_real else addresses.control,
        "AWS_REGION": REGION,
    }


def _platform_secrets(platform: Platform | None) -> dict[str, object]:
    if platform is None:
        return {}
    application = {"stripe_client_id": platform.client_id} if platform.client_id else {}
    return {"stripe_connect_webhook_secrets": [platform.webhook_secret], **application}


def shut_out(environment: MutableMapping[str, str] = os.environ) -> None:
    """Let this process reach no AWS account and no proxy: made-up credentials, and this machine directly."""
    for name in _AWS_OF_OTHERS:
        environment.pop(name, None)
    environment.update(AWS)
    direct = [environment[name] for name in ("NO_PROXY", "no_proxy") if environment.get(name)]
    environment["NO_PROXY"] = environment["no_proxy"] = ",".join([*direct, "127.0.0.1"])
