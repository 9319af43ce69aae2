"""What the product is told in the sandbox: settings, keys made up at each start, and the stand-ins' addresses."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass, field

TEST_KEYS = ("sk_test_", "rk_test_")
REGION = "us-east-1"
STRIPE_API = "https://api.stripe.com"
STRIPE_CHECKOUT = "https://checkout.stripe.com"
STRIPE_KEY = "STRIPE_SECRET_KEY"
STRIPE_WEBHOOK_SECRET = "STRIPE_WEBHOOK_SECRET"

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
class StripeChoice:
    """Which Stripe: the stand-in, or Stripe's own test mode."""

    secret_key: str = field(repr=False)
    webhook_secret: str = field(repr=False)
    is_real: bool


def stripe_choice(environment: Mapping[str, str], entropy: Callable[[int], bytes]) -> StripeChoice:
    """The stand-in, unless the environment holds a test key. Raises EnvironmentUnusableError for any other key."""
    webhook_secret = environment.get(STRIPE_WEBHOOK_SECRET) or f"whsec_{entropy(16).hex()}"
    key = environment.get(STRIPE_KEY, "").strip()
    if not key:
        return StripeChoice(f"sk_test_{entropy(16).hex()}", f"whsec_{entropy(16).hex()}", is_real=False)
    if not key.startswith(TEST_KEYS):
        raise EnvironmentUnusableError(
            f"{STRIPE_KEY} is no test key (sk_test_…), and the sandbox never touches real money. "
            f"Unset it to use the stand-in: env -u {STRIPE_KEY} make run"
        )
    return StripeChoice(key, webhook_secret, is_real=True)


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
    }
    return {
        "ANTEROOM_STAGE": "sandbox",
        "ANTEROOM_PUBLIC_URL": addresses.app,
        "ANTEROOM_TABLE_PREFIX": "anteroom-sandbox-",
        "ANTEROOM_SECRETS_JSON": json.dumps(secrets),
        "ANTEROOM_DYNAMODB_ENDPOINT": addresses.dynamodb,
        "ANTEROOM_STRIPE_API": STRIPE_API if choice.is_real else addresses.control,
        "ANTEROOM_CHECKOUT_ORIGIN": STRIPE_CHECKOUT if choice.is_real else addresses.control,
        "AWS_REGION": REGION,
    }


def shut_out(environment: MutableMapping[str, str] = os.environ) -> None:
    """Let this process reach no AWS account and no proxy: made-up credentials, and this machine directly."""
    for name in _AWS_OF_OTHERS:
        environment.pop(name, None)
    environment.update(AWS)
    direct = [environment[name] for name in ("NO_PROXY", "no_proxy") if environment.get(name)]
    environment["NO_PROXY"] = environment["no_proxy"] = ",".join([*direct, "127.0.0.1"])
