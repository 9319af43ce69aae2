"""Settings: every variable, its default, and what is wrong named but never shown."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.config import VARIABLES, Settings, SettingsError, load, secrets_from
from chalicelib.domain.teams import Plan, RoomSettings, Team
from tests.support.world import SECRETS, key_text, settings_of

MINIMUM = {"ANTEROOM_PUBLIC_URL": "https://anteroom.example", "ANTEROOM_SECRETS": "/anteroom/test/secrets"}


def fetched(name: str) -> str:
    assert name == "/anteroom/test/secrets"
    return json.dumps(SECRETS)


def settings_with(**changes: str) -> Settings:
    return load({**MINIMUM, **changes}, fetched)


def error_of(**changes: str) -> str:
    with pytest.raises(SettingsError) as raised:
        settings_with(**changes)
    return str(raised.value)


# --- variables ----------------------------------------------------------------------------------------------------


def test_these_are_the_variables_with_their_defaults() -> None:
    assert {variable.name: variable.default for variable in VARIABLES} == {
        "ANTEROOM_STAGE": "local",
        "ANTEROOM_PUBLIC_URL": None,
        "ANTEROOM_TABLE_PREFIX": "anteroom-local-",
        "ANTEROOM_SECRETS": None,
        "ANTEROOM_SECRETS_JSON": "",
        "ANTEROOM_DYNAMODB_ENDPOINT": "",
        "ANTEROOM_STRIPE_API": "https://api.stripe.com",
        "ANTEROOM_CONNECT": "off",
        "ANTEROOM_STRIPE_CONNECT": "https://connect.stripe.com",
        "ANTEROOM_CHECKOUT_ORIGIN": "https://checkout.stripe.com",
        "ANTEROOM_FEE_ESSENTIALS": "250",
        "ANTEROOM_FEE_STANDARD": "150",
        "ANTEROOM_FEE_PREMIUM": "150",
        "ANTEROOM_FEE_ENTERPRISE": "150",
        "ANTEROOM_FEE_ABROAD": "charge_without",
        "ANTEROOM_RETENTION_DAYS": "400",
        "ANTEROOM_BOOKS_DAYS": "3653",
        "AWS_REGION": "us-east-1",
    }
    assert all(variable.meaning for variable in VARIABLES)


def test_what_is_left_out_takes_its_default() -> None:
    settings = settings_with()
    assert settings.stage == "local"
    assert settings.table_prefix == "anteroom-local-"
    assert settings.dynamodb_endpoint is None
    assert settings.region == "us-east-1"
    assert settings.stripe_api == "https://api.stripe.com"
    assert settings.checkout_origin == "https://checkout.stripe.com"
    assert settings.retention == timedelta(days=400)
    assert settings.fee_basis_points == {
        Plan.ESSENTIALS: 250,
        Plan.STANDARD: 150,
        Plan.PREMIUM: 150,
        Plan.ENTERPRISE: 150,
    }


def test_where_no_platform_fee_can_be_taken_it_is_charged_without_unless_that_is_refused() -> None:
    assert not settings_with().refuses_fees_abroad
    assert not settings_with(ANTEROOM_FEE_ABROAD="charge_without").refuses_fees_abroad
    assert settings_with(ANTEROOM_FEE_ABROAD="refuse").refuses_fees_abroad
    assert error_of(ANTEROOM_FEE_ABROAD="on") == "ANTEROOM_FEE_ABROAD must be refuse or charge_without"


def test_what_is_set_is_taken() -> None:
    settings = settings_with(
        ANTEROOM_STAGE="production",
        ANTEROOM_TABLE_PREFIX="clinic-",
        ANTEROOM_DYNAMODB_ENDPOINT="http://127.0.0.1:5000",
        ANTEROOM_STRIPE_API="http://127.0.0.1:6000/",
        ANTEROOM_CHECKOUT_ORIGIN="http://127.0.0.1:6000",
        ANTEROOM_FEE_ESSENTIALS="1",
        ANTEROOM_FEE_STANDARD="2",
        ANTEROOM_FEE_PREMIUM="0",
        ANTEROOM_FEE_ENTERPRISE="10000",
        ANTEROOM_RETENTION_DAYS="7",
        AWS_REGION="ap-southeast-2",
    )
    assert settings.stage == "production"
    assert settings.table_prefix == "clinic-"
    assert settings.dynamodb_endpoint == "http://127.0.0.1:5000"
    assert settings.stripe_api == "http://127.0.0.1:6000"
    assert settings.checkout_origin == "http://127.0.0.1:6000"
    assert [settings.fee_basis_points[plan] for plan in Plan] == [1, 2, 0, 10000]
    assert settings.retention == timedelta(days=7)
    assert settings.region == "ap-southeast-2"


@pytest.mark.parametrize("name", ["ANTEROOM_PUBLIC_URL", "ANTEROOM_SECRETS"])
@pytest.mark.parametrize("value", [None, ""])
def test_what_must_be_set_is_named_with_its_meaning(name: str, value: str | None) -> None:
    environment = {key: text for key, text in MINIMUM.items() if key != name}
    if value is not None:
        environment[name] = value
    with pytest.raises(SettingsError, match=f"^{name} is not set: "):
        load(environment, fetched)


def test_the_secrets_may_stand_in_the_environment_instead() -> None:
    def never(name: str) -> str:
        raise AssertionError(name)

    environment = {"ANTEROOM_PUBLIC_URL": "https://anteroom.example", "ANTEROOM_SECRETS_JSON": json.dumps(SECRETS)}
    assert load(environment, never).secrets.stripe_secret_key == "sk_test_of_the_world"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("https://anteroom.example", "https://anteroom.example"),
        ("https://anteroom.example/", "https://anteroom.example"),
        ("https://gateway.example/api/", "https://gateway.example/api"),
        ("https://gateway.example:8443/a/b", "https://gateway.example:8443/a/b"),
        ("http://localhost:8000", "http://localhost:8000"),
        ("http://127.0.0.1:8000/api", "http://127.0.0.1:8000/api"),
    ],
)
def test_links_begin_with_the_public_address_without_a_slash_at_its_end(written: str, read: str) -> None:
    assert settings_with(ANTEROOM_PUBLIC_URL=written).public_url == read


@pytest.mark.parametrize(
    "address",
    [
        "anteroom.example",
        "http://anteroom.example",
        "http://localhost.evil.example",
        "http://127.0.0.1.evil.example",
        "https://",
        "https:///path",
        "https://user:word@anteroom.example",
        "https://anteroom.example?x=1",
        "https://anteroom.example/#x",
        "https://anteroom.example/a;b",
        "https://anteroom.example/a b",
        "https://anteroom.example\nX-Evil: 1",
        "https://anteroom.example/\u00e9",
        "ftp://anteroom.example",
    ],
)
@pytest.mark.parametrize("name", ["ANTEROOM_PUBLIC_URL", "ANTEROOM_STRIPE_API", "ANTEROOM_CHECKOUT_ORIGIN"])
def test_an_address_that_is_none_is_named_and_not_shown(name: str, address: str) -> None:
    message = error_of(**{name: address})
    assert message.startswith(f"{name} must be an https address")
    assert address not in message


def test_checkout_has_an_origin_and_no_path_since_it_stands_in_a_policy() -> None:
    message = "ANTEROOM_CHECKOUT_ORIGIN must be an https address without a path"
    assert error_of(ANTEROOM_CHECKOUT_ORIGIN="https://checkout.stripe.com/c") == message


@pytest.mark.parametrize("text", ["x", "-1", "1.5", " 1", "10001", "\u00b2", "\u0661", "9" * 5000])
def test_a_rate_is_a_whole_number_of_basis_points(text: str) -> None:
    assert error_of(ANTEROOM_FEE_STANDARD=text) == "ANTEROOM_FEE_STANDARD must be a whole number from 0 to 10000"


def test_days_are_a_whole_number() -> None:
    assert (
        error_of(ANTEROOM_RETENTION_DAYS="a year") == "ANTEROOM_RETENTION_DAYS must be a whole number from 0 to 36500"
    )


# --- secrets ------------------------------------------------------------------------------------------------------


def test_the_secrets_are_read() -> None:
    secrets = secrets_from(json.dumps(SECRETS))
    assert dict(secrets.link_keys.keys) == {1: b"\x01" * 32, 2: b"\x02" * 32}
    assert secrets.link_keys.current == 2
    assert secrets.api_key == b"\x03" * 32
    assert secrets.stripe_secret_key == "sk_test_of_the_world"
    assert secrets.stripe_webhook_secrets == ("whsec_of_the_world",)
    assert secrets.room == RoomSettings("template", "https://rooms.example/{room}?token={token}", "r" * 32)


def test_jitsis_room_is_read_with_its_application_and_audience() -> None:
    room = {"kind": "jitsi", "url": "https://meet.example", "key": "k" * 32, "app_id": "clinic", "audience": "clinics"}
    read = secrets_from(json.dumps({**SECRETS, "room": room})).room
    assert read == RoomSettings("jitsi", "https://meet.example", "k" * 32, app_id="clinic", audience="clinics")


@pytest.mark.parametrize("name", list(SECRETS))
def test_a_secret_that_is_missing_is_named(name: str) -> None:
    kept = {key: value for key, value in SECRETS.items() if key != name}
    with pytest.raises(SettingsError, match=f"^the secrets lack '{name}'$"):
        secrets_from(json.dumps(kept))


@pytest.mark.parametrize("name", ["kind", "url", "key"])
def test_what_a_room_lacks_is_named(name: str) -> None:
    room = {key: value for key, value in SECRETS["room"].items() if key != name}
    with pytest.raises(SettingsError, match=f"^the secrets lack 'room.{name}'$"):
        secrets_from(json.dumps({**SECRETS, "room": room}))


CANARY = "sk_live_CANARY"
MALFORMED: list[tuple[Mapping[str, Any], str]] = [
    ({"link_keys": CANARY}, "'link_keys'"),
    ({"link_keys": {}}, "'link_key'"),
    ({"link_keys": {"256": key_text(1)}, "link_key": 256}, "'link_key'"),
    ({"link_keys": {"one": key_text(1)}}, "'link_keys'"),
    ({"link_keys": {CANARY: key_text(1)}}, "'link_keys'"),
    ({"link_keys": {"2": CANARY}}, "'link_keys.2'"),
    ({"link_keys": {"2": key_text(1)[:-4]}}, "'link_keys.2'"),
    ({"link_keys": {"2": None}}, "'link_keys.2'"),
    ({"link_key": 9}, "'link_key'"),
    ({"link_key": CANARY}, "'link_key'"),
    ({"link_key": True}, "'link_key'"),
    ({"api_key": CANARY}, "'api_key'"),
    ({"api_key": ""}, "'api_key'"),
    ({"api_key": "\u00e9" * 44}, "'api_key'"),
    ({"api_key": [CANARY]}, "'api_key'"),
    ({"stripe_secret_key": ""}, "'stripe_secret_key'"),
    ({"stripe_secret_key": None}, "'stripe_secret_key'"),
    ({"stripe_secret_key": [CANARY]}, "'stripe_secret_key'"),
    ({"stripe_webhook_secrets": CANARY}, "'stripe_webhook_secrets'"),
    ({"stripe_webhook_secrets": [""]}, "'stripe_webhook_secrets'"),
    ({"stripe_webhook_secrets": [CANARY, "  "]}, "'stripe_webhook_secrets'"),
    ({"stripe_webhook_secrets": [CANARY, None]}, "'stripe_webhook_secrets'"),
    ({"stripe_webhook_secrets": {CANARY: CANARY}}, "'stripe_webhook_secrets'"),
    ({"room": CANARY}, "'room'"),
    ({"room": {**SECRETS["room"], "key": 5}}, "'room.key'"),
    ({"room": {**SECRETS["room"], "app_id": [CANARY]}}, "'room.app_id'"),
]


@pytest.mark.parametrize(("changes", "name"), MALFORMED)
def test_a_secret_of_the_wrong_form_is_named_and_never_shown(changes: Mapping[str, Any], name: str) -> None:
    """`"stripe_webhook_secrets": "whsec_…"` was once read as a list of letters, each of which could sign."""
    with pytest.raises(SettingsError) as raised:
        secrets_from(json.dumps({**SECRETS, **changes}))
    assert str(raised.value).startswith(f"{name} of the secrets must ")
    assert "CANARY" not in str(raised.value)
    assert raised.value.__suppress_context__ or raised.value.__context__ is None


@pytest.mark.parametrize("text", ["", "x", f"{{'{CANARY}'}}", "[]", "null", f'"{CANARY}"'])
def test_secrets_that_are_no_json_object_say_so_and_show_nothing(text: str) -> None:
    with pytest.raises(SettingsError, match=r"^the secrets are not (JSON|a JSON object)$"):
        secrets_from(text)


def test_a_bad_room_is_found_when_it_is_entered_and_stops_nothing_before() -> None:
    room = {"kind": "carrier pigeon", "url": "", "key": ""}
    assert secrets_from(json.dumps({**SECRETS, "room": room})).room.kind == "carrier pigeon"


def test_settings_show_no_secret_when_they_are_printed() -> None:
    settings = settings_with()
    for shown in (repr(settings), str(settings), repr(settings.secrets.link_keys), repr(settings.secrets.room)):
        assert "sk_test_of_the_world" not in shown
        assert "rrrr" not in shown
        assert "\\x01\\x01" not in shown


# --- what follows -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "livemode"), [("sk_test_1", False), ("rk_test_1", False), ("sk_live_1", True), ("rk_live_1", True)]
)
def test_whether_money_is_real_is_told_by_the_key(key: str, livemode: bool) -> None:  # noqa: FBT001 (a table's column)
    secrets = {**SECRETS, "stripe_secret_key": key}
    assert settings_with(ANTEROOM_SECRETS_JSON=json.dumps(secrets)).livemode is livemode


def test_a_team_pays_its_plans_rate_or_what_was_agreed() -> None:
    settings = settings_with()
    team = Team("t", "Clinic", datetime(2026, 3, 2, tzinfo=UTC), Plan.ESSENTIALS)
    assert settings.basis_points(team) == 250
    assert settings.basis_points(replace(team, fee_basis_points=0)) == 0


def test_a_team_has_its_own_rooms_or_the_deployments() -> None:
    settings = settings_with()
    team = Team("t", "Clinic", datetime(2026, 3, 2, tzinfo=UTC))
    own = RoomSettings("jitsi", "https://meet.example", "k" * 32)
    assert settings.room_of(team).kind == "template"
    assert settings.room_of(replace(team, room=own)) == own


@pytest.mark.parametrize(
    "entry", [{"stripe_client_id": "ca_1"}, {"stripe_connect_webhook_secrets": ["whsec_of_connected"]}]
)
def test_a_platforms_secrets_without_the_switch_are_refused(entry: dict[str, Any]) -> None:
    """An operator's shell that lacks it would make new clinics that are paid on the platform's own account."""
    with pytest.raises(SettingsError, match="set ANTEROOM_CONNECT=on") as raised:
        settings_of({**SECRETS, **entry})
    assert "whsec" not in str(raised.value)
    assert settings_of({**SECRETS, **entry}, ANTEROOM_CONNECT="on").is_platform
