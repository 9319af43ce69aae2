"""What a start makes of its environment, and what it tells people and scripts. No sockets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from chalicelib.config import fetch_secrets, load
from sandbox import announcement
from sandbox.accounts import Deed
from sandbox.environment import (
    Addresses,
    EnvironmentUnusableError,
    Platform,
    StripeChoice,
    settings_environment,
    shut_out,
    stripe_choice,
)
from sandbox.faults import FaultKind
from sandbox.stack import Running
from sandbox.start_page import Demo, OtherClinic, jumps, links_of
from sandbox.stripe_standin import Mode
from sandbox.stripe_standin.cards import CARDS
from sandbox.stripe_standin.deeds import PaymentDeed
from tests.sandbox.bench import bench_on
from tests.sandbox.script import ROOT
from tests.support.world import World

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ADDRESSES = Addresses("http://127.0.0.1:8000", "http://127.0.0.1:8001", "http://127.0.0.1:9000")
STAND_IN = StripeChoice("sk_test_made_up", "whsec_made_up", is_real=False)
DEMO = Demo(
    clinic="Riverside Clinic",
    team_id="team-1",
    client_id="client-1",
    client_secret="secret-1",
    app_url=ADDRESSES.app,
    links={
        name: f"{ADDRESSES.app}/session/{name}" for name in ("pay_now", "pay_tomorrow", "pay_later", "free", "host")
    },
    today_ends_at=NOON + timedelta(minutes=45),
    tomorrow_starts_at=NOON + timedelta(days=1),
)


PLATFORM = replace(STAND_IN, platform=Platform("whsec_of_clinics", "ca_ofTheSandbox"))
PLATFORM_DEMO = replace(
    DEMO,
    stripe_account_id="acct_riverside",
    payee="Dr Jonas Weber",
    other=OtherClinic("Hill Street Clinic", "team-2", "client-2", "secret-2", "acct_hill_street"),
)


def zeros(size: int) -> bytes:
    return bytes(size)


# --- environment ----------------------------------------------------------------------------------------------------


def test_without_a_key_the_stand_in_is_used_with_keys_made_up() -> None:
    choice = stripe_choice({}, zeros)
    assert (choice.secret_key, choice.is_real) == ("sk_test_" + "00" * 16, False)


def test_a_test_key_means_stripe_itself_and_its_webhook_secret_may_be_given() -> None:
    choice = stripe_choice({"STRIPE_SECRET_KEY": "sk_test_x", "STRIPE_WEBHOOK_SECRET": "whsec_x"}, zeros)
    assert choice == StripeChoice("sk_test_x", "whsec_x", is_real=True)


@pytest.mark.parametrize("key", ["sk_live_secret", "rk_live_secret", "pk_test_secret", "secret"])
def test_any_other_key_is_refused_and_not_repeated(key: str) -> None:
    with pytest.raises(EnvironmentUnusableError) as refused:
        stripe_choice({"STRIPE_SECRET_KEY": key}, zeros)
    assert key not in str(refused.value)


def test_a_platform_has_a_second_endpoint_whose_secret_is_made_up() -> None:
    choice = stripe_choice({}, zeros, connect=True)
    assert choice.platform == Platform("whsec_" + "00" * 16)
    assert (choice.connect, stripe_choice({}, zeros).connect) == ("on", "off")


def test_a_platform_at_stripe_itself_may_be_given_its_second_secret_and_its_application() -> None:
    given = {"STRIPE_SECRET_KEY": "sk_test_x", "STRIPE_CONNECT_WEBHOOK_SECRET": "whsec_y", "STRIPE_CLIENT_ID": "ca_x1"}
    assert stripe_choice(given, zeros, connect=True).platform == Platform("whsec_y", "ca_x1")
    assert stripe_choice(given, zeros).platform is None
    without = stripe_choice({"STRIPE_SECRET_KEY": "sk_test_x"}, zeros, connect=True)
    assert without.platform == Platform("whsec_" + "00" * 16, None)


def test_what_is_no_client_id_is_refused_and_not_repeated() -> None:
    given = {"STRIPE_SECRET_KEY": "sk_test_x", "STRIPE_CLIENT_ID": "sk_test_secret"}
    with pytest.raises(EnvironmentUnusableError, match="STRIPE_CLIENT_ID") as refused:
        stripe_choice(given, zeros, connect=True)
    assert "sk_test_secret" not in str(refused.value)


def test_only_a_platform_takes_the_stand_ins_application() -> None:
    assert STAND_IN.with_application("ca_x") == STAND_IN
    platform = replace(STAND_IN, platform=Platform("whsec_of_clinics"))
    assert platform.with_application("ca_ofTheSandbox") == PLATFORM


def test_the_settings_of_one_clinic_are_no_platforms() -> None:
    settings = load(settings_environment(ADDRESSES, STAND_IN, "k" * 32, zeros), fetch_secrets)
    assert not settings.is_platform
    assert settings.secrets.stripe_client_id is None
    assert settings.secrets.stripe_connect_webhook_secrets == ()


def test_the_settings_of_a_platform_reach_the_stand_ins_oauth() -> None:
    settings = load(settings_environment(ADDRESSES, PLATFORM, "k" * 32, zeros), fetch_secrets)
    assert settings.is_platform
    assert settings.stripe_connect == "http://127.0.0.1:8001"
    assert settings.secrets.stripe_client_id == "ca_ofTheSandbox"
    assert settings.connect_webhook_secrets == ("whsec_of_clinics",)


def test_the_settings_of_a_platform_at_stripe_itself_have_oauth_only_with_an_application() -> None:
    real = StripeChoice("sk_test_x", "whsec_x", is_real=True, platform=Platform("whsec_of_clinics"))
    settings = load(settings_environment(ADDRESSES, real, "k" * 32, zeros), fetch_secrets)
    assert (settings.stripe_connect, settings.has_oauth) == ("https://connect.stripe.com", False)
    named = load(settings_environment(ADDRESSES, real.with_application("ca_x1"), "k" * 32, zeros), fetch_secrets)
    assert named.has_oauth


def test_the_settings_reach_the_stand_ins() -> None:
    settings = load(settings_environment(ADDRESSES, STAND_IN, "k" * 32, zeros), fetch_secrets)
    assert settings.stripe_api == settings.checkout_origin == "http://127.0.0.1:8001"
    assert settings.dynamodb_endpoint == "http://127.0.0.1:9000"
    assert settings.secrets.room.url == "http://127.0.0.1:8001/room/{room}?token={token}"
    assert not settings.livemode


def test_the_settings_reach_stripe_itself_with_a_test_key() -> None:
    real = StripeChoice("sk_test_x", "whsec_x", is_real=True)
    settings = load(settings_environment(ADDRESSES, real, "k" * 32, zeros), fetch_secrets)
    assert (settings.stripe_api, settings.checkout_origin) == ("https://api.stripe.com", "https://checkout.stripe.com")


def test_the_process_reaches_no_aws_account_and_no_proxy() -> None:
    environment = {"AWS_PROFILE": "work", "AWS_ACCESS_KEY_ID": "AKIAREAL", "NO_PROXY": "example.com"}
    shut_out(environment)
    assert "AWS_PROFILE" not in environment
    assert environment["AWS_ACCESS_KEY_ID"] == "sandbox"
    assert environment["NO_PROXY"] == "example.com,127.0.0.1"


# --- what is told ---------------------------------------------------------------------------------------------------


def running(stripe: StripeChoice = STAND_IN, demo: Demo = DEMO) -> Running:
    return Running(ADDRESSES, stripe, demo, NOON, {"ANTEROOM_PUBLIC_URL": ADDRESSES.app})


def test_the_files_are_there_while_it_runs_and_gone_afterwards(tmp_path: Path) -> None:
    with announcement.files(running(), tmp_path / "local"):
        told = json.loads((tmp_path / "local" / "sandbox.json").read_text())
        assert told["stripe_url"] == "http://127.0.0.1:8001"
        ops = json.loads((tmp_path / "local" / "ops.json").read_text())
        assert ops["ANTEROOM_SANDBOX_CONTROL_URL"] == "http://127.0.0.1:8001"
        assert ops["AWS_ACCESS_KEY_ID"] == "sandbox"
    assert list((tmp_path / "local").iterdir()) == []


def test_the_files_of_a_sandbox_that_was_started_later_stay(tmp_path: Path) -> None:
    with announcement.files(running(), tmp_path):
        (tmp_path / "sandbox.json").write_text("{}")
    assert (tmp_path / "sandbox.json").read_text() == "{}"


def test_the_page_for_scripts_names_every_key_call_kind_mode_and_deed() -> None:
    page = (ROOT / "docs" / "sandbox.md").read_text()
    told = announcement.for_scripts(running(PLATFORM, PLATFORM_DEMO))
    calls = list(control_calls())
    assert [name for name in (*told, *told["links"], *told["other_clinic"]) if f'"{name}"' not in page] == []
    assert [name for name in (*FaultKind, *Mode, *Deed, *PaymentDeed) if f"`{name}`" not in page] == []
    assert [call for call in calls if f"POST {call}" not in page] == []
    assert len(calls) == 12
    assert "GET /state" in page


def control_calls() -> Iterator[str]:
    """Those that change something, as the application has them."""
    for rule in bench_on(World()).http.application.url_map.iter_rules():
        if rule.endpoint.startswith("control_calls.") and "POST" in (rule.methods or ()):
            yield rule.rule


def test_one_clinic_tells_that_nothing_is_connected() -> None:
    told = announcement.for_scripts(running())
    assert (told["connect"], told["stripe_account_id"], told["other_clinic"]) == (False, None, None)


def test_a_platform_tells_its_clinics_accounts_and_the_keys_of_the_second_clinic() -> None:
    told = announcement.for_scripts(running(PLATFORM, PLATFORM_DEMO))
    assert (told["connect"], told["stripe_account_id"]) == (True, "acct_riverside")
    assert told["other_clinic"] == {
        "client_id": "client-2",
        "client_secret": "secret-2",
        "team_id": "team-2",
        "stripe_account_id": "acct_hill_street",
    }


def test_the_start_page_jumps_only_ahead() -> None:
    assert jumps(DEMO, NOON) == [("After today’s session", 2702), ("Start of tomorrow’s session", 86402)]
    assert jumps(DEMO, NOON + timedelta(hours=1)) == [("Start of tomorrow’s session", 82802)]
    assert jumps(DEMO, NOON + timedelta(days=2)) == []
    assert jumps(None, NOON) == []


def test_the_page_says_who_else_is_paid_on_a_platform() -> None:
    says = {link.name: link.says for link in links_of(PLATFORM_DEMO)}
    assert says["Client of tomorrow"].endswith("Paid to Dr Jonas Weber’s own account.")
    assert "own account" not in " ".join(link.says for link in links_of(DEMO))
    assert links_of(None) == []


def test_a_platforms_text_says_which_clinic_is_to_be_connected(tmp_path: Path) -> None:
    text = announcement.for_people(running(PLATFORM, PLATFORM_DEMO), tmp_path)
    assert "Riverside Clinic takes payments on acct_riverside" in text
    assert 'press "Connect the Stripe account of Hill Street Clinic"' in text
    assert "redirect URIs" not in text
    assert "This is a platform" not in announcement.for_people(running(), tmp_path)


def test_a_platform_at_stripe_itself_says_what_stripe_must_be_told(tmp_path: Path) -> None:
    real = StripeChoice("sk_test_x", "whsec_x", is_real=True, platform=Platform("whsec_y", "ca_x1"))
    nothing = replace(DEMO, other=replace(_other(), stripe_account_id=None))
    text = announcement.for_people(running(real, nothing), tmp_path)
    assert "Riverside Clinic takes payments on the deployment's own account." in text
    assert "this must be among the redirect URIs:\n\n  http://127.0.0.1:8000/stripe/connect/callback" in text
    assert "--forward-connect-to http://127.0.0.1:8000/stripe/connect/webhook" in text
    assert "STRIPE_CONNECT_WEBHOOK_SECRET=whsec_… make run CONNECT=on" in text


def test_a_platform_without_an_application_at_stripe_makes_new_accounts_alone(tmp_path: Path) -> None:
    real = StripeChoice("sk_test_x", "whsec_x", is_real=True, platform=Platform("whsec_y"))
    text = announcement.for_people(running(real, replace(DEMO, other=_other())), tmp_path)
    assert 'press "Make a new account for it"' in text
    assert "With STRIPE_CLIENT_ID=ca_…" in text


def _other() -> OtherClinic:
    assert PLATFORM_DEMO.other is not None
    return PLATFORM_DEMO.other


def test_the_printed_session_starts_tomorrow() -> None:
    line = announcement.session_line("http://127.0.0.1:8000/v1", NOON)
    assert '"start_time": "2026-03-03T12:00:00Z", "end_time": "2026-03-03T12:30:00Z"' in line
    assert line.count("'") == 4


def test_with_stripe_itself_the_text_says_how_webhooks_are_forwarded(tmp_path: Path) -> None:
    text = announcement.for_people(running(StripeChoice("sk_test_x", "whsec_x", is_real=True)), tmp_path)
    assert "stripe listen --forward-to http://127.0.0.1:8000/stripe/webhook" in text
    assert "sk_test_x" not in text


def test_the_page_for_scripts_says_what_becomes_of_each_card() -> None:
    page = (ROOT / "docs" / "sandbox.md").read_text()
    assert [number for number, card in CARDS.items() if f"| `{number}` | {card.meaning} |" not in page] == []
