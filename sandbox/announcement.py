"""What a start tells: the text for the person at the console, and the files for scripts and operators."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sandbox.environment import AWS, STRIPE_API
from sandbox.stack import Running
from sandbox.start_page import OtherClinic

SCRIPTS_FILE = "sandbox.json"
OPS_FILE = "ops.json"
LOG_FILE = "sandbox.log"


def for_scripts(running: Running) -> dict[str, Any]:
    """The content of sandbox.json; docs/sandbox.md promises exactly these keys."""
    demo, addresses, stripe = running.demo, running.addresses, running.stripe
    return {
        "app_url": addresses.app,
        "api_url": f"{addresses.app}/v1",
        "control_url": addresses.control,
        "client_id": demo.client_id,
        "client_secret": demo.client_secret,
        "team_id": demo.team_id,
        "stripe_url": STRIPE_API if stripe.is_real else addresses.control,
        "stripe_secret_key": stripe.secret_key,
        "stripe_account_id": demo.stripe_account_id,
        "connect": stripe.platform is not None,
        "links": dict(demo.links),
        "other_clinic": _other_for_scripts(demo.other) if demo.other else None,
    }


def _other_for_scripts(other: OtherClinic) -> dict[str, Any]:
    return {
        "client_id": other.client_id,
        "client_secret": other.client_secret,
        "team_id": other.team_id,
        "stripe_account_id": other.stripe_account_id,
    }


def for_ops(running: Running) -> dict[str, str]:
    """The environment in which `python -m ops` reaches this sandbox."""
    return {**running.environment, **AWS, "ANTEROOM_SANDBOX_CONTROL_URL": running.addresses.control}


@contextmanager
def files(running: Running, directory: Path) -> Iterator[None]:
    """The two files, there while the sandbox runs; at the end those of a sandbox that was started later stay."""
    written = {directory / SCRIPTS_FILE: for_scripts(running), directory / OPS_FILE: for_ops(running)}
    for path, content in reversed(written.items()):
        write_private(path, content)
    try:
        yield
    finally:
        for path, content in written.items():
            if _is_still(path, content):
                path.unlink()


def _is_still(path: Path, content: Mapping[str, Any]) -> bool:
    try:
        return bool(json.loads(path.read_text()) == content)
    except (OSError, ValueError):
        return False


def write_private(path: Path, content: Mapping[str, Any]) -> None:
    """All of it at once, readable by its owner alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".new")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(content, file, indent=2)
        file.write("\n")
    unfinished.replace(path)


def for_people(running: Running, directory: Path) -> str:
    """What to do next."""
    demo, api = running.demo, f"{running.addresses.app}/v1"
    return f"""
Anteroom is running on this machine. Start here:

  Start page      {running.addresses.control}/     (clock, webhooks, faults, what Stripe sees)

Links of {demo.clinic}:

  Pay and join    {demo.links["pay_now"]}
  Pay for later   {demo.links["pay_tomorrow"]}
  Pay by debit    {demo.links["pay_later"]}
  No fee          {demo.links["free"]}
  The clinician   {demo.links["host"]}

{_clinics_words(running)}{_stripe_words(running)}

The API             {api}
  client id         {demo.client_id}
  client secret     {demo.client_secret}

Get a token, then schedule a session for tomorrow:

{token_line(api, demo.client_id, demo.client_secret)}

{session_line(api, running.now)}

For scripts: {directory / SCRIPTS_FILE} (see docs/sandbox.md). The log: {directory / LOG_FILE}
Ctrl-C ends it, and forgets everything.
"""


def _clinics_words(running: Running) -> str:
    """On a platform: whose Stripe account is connected, and how the other one is; nothing where there is one clinic."""
    demo, other = running.demo, running.demo.other
    if other is None:
        return ""
    on_account = "on the deployment's own account" if running.stripe.is_real else f"on {demo.stripe_account_id}"
    also = f";\n{demo.payee}, who sees the client of tomorrow, on an account of his own" if demo.payee else ""
    return f"""This is a platform of two clinics. {demo.clinic} takes payments {on_account}{also}.
{other.clinic} cannot yet: press "{_button(running, other)}" on the start page.
{_at_stripe(running)}
"""


def _button(running: Running, other: OtherClinic) -> str:
    return f"Connect the Stripe account of {other.clinic}" if _application(running) else "Make a new account for it"


def _application(running: Running) -> str | None:
    return running.stripe.platform.client_id if running.stripe.platform else None


def _at_stripe(running: Running) -> str:
    """What Stripe itself must be told before a clinic can connect an account."""
    if not running.stripe.is_real:
        return ""
    where = "Stripe's dashboard, test mode, Settings, Connect"
    if _application(running) is None:
        return f"""
Connect must be set up at Stripe ({where}).
With STRIPE_CLIENT_ID=ca_… (there, under OAuth) clinics connect accounts that they have, too.
"""
    return f"""
{where}, OAuth: this must be among the redirect URIs:

  {running.addresses.app}/stripe/connect/callback
"""


def _stripe_words(running: Running) -> str:
    if not running.stripe.is_real:
        return """Cards, at the Checkout page (a stand-in for Stripe, no money moves):

  4242 4242 4242 4242   pays
  4000 0000 0000 0002   is declined, and can be tried again"""
    webhook, secret, more = f"{running.addresses.app}/stripe/webhook", "STRIPE_WEBHOOK_SECRET=whsec_…", ""
    if running.stripe.platform:
        connected = f"{running.addresses.app}/stripe/connect/webhook"
        webhook = f"{webhook} --forward-connect-to {connected}"
        secret, more = f"{secret} STRIPE_CONNECT_WEBHOOK_SECRET=whsec_…", " CONNECT=on"
    return f"""Payments go to Stripe's test mode, with your key. Webhooks cannot reach this machine by themselves:
payments are seen when the client comes back, and by the scheduled sweep. Or forward them:

  stripe listen --forward-to {webhook}
  {secret} make run{more}"""


def token_line(api: str, client_id: str, client_secret: str) -> str:
    """A line for a shell that sets TOKEN."""
    read = """python3 -c 'import json, sys; print(json.load(sys.stdin)["access_token"])'"""
    asks = f"curl -s -u {client_id}:{client_secret} -d grant_type=client_credentials {api}/auth/token"
    return f"TOKEN=$({asks} | {read})"


def session_line(api: str, now: datetime) -> str:
    """A line for a shell that schedules a session, and shows it."""
    start = now.replace(minute=0, second=0, microsecond=0) + timedelta(days=1)
    wish = {
        "session_name": "Consultation",
        "start_time": f"{start:%Y-%m-%dT%H:%M:%SZ}",
        "end_time": f"{start + timedelta(minutes=30):%Y-%m-%dT%H:%M:%SZ}",
        "participants": [
            {"role": "HOST", "display_name": "Dr Lee"},
            {"role": "GUEST", "display_name": "Alex", "fee": {"amount": 9500, "currency": "aud"}},
        ],
    }
    authorized = """-H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json'"""
    return f"curl -s {api}/sessions {authorized} -d '{json.dumps(wish)}'"
