"""Link keys: one more, another current one, one fewer; and nothing else of the secrets changes."""

from __future__ import annotations

import base64
import json
import re

import pytest
from botocore.exceptions import ClientError
from botocore.session import get_session
from moto import mock_aws

from chalicelib.config import SettingsError, fetch_secrets, secrets_from, store_secrets
from chalicelib.domain.links import LinkClaims, mint, verify
from ops.link_keys import LinkKeyError, with_current, with_key, without_key
from tests.ops.desk import Desk
from tests.support.world import SECRETS, TEAM_ID, key_text

TEXT = json.dumps(SECRETS)
CLAIMS = LinkClaims(TEAM_ID, "0197b3c4-d5e6-7788-99aa-bbccddeeff00", 2, 0)


# --- what the commands do -------------------------------------------------------------------------------------------


def test_a_new_key_is_kept_before_it_is_used(desk: Desk) -> None:
    assert desk.run("link-key", "rotate") == 0
    keys = secrets_from(desk.secrets).link_keys
    assert sorted(keys.keys) == [1, 2, 3]
    assert keys.current == 2
    assert "Link key 3 is kept in /anteroom/test/secrets; key 2 is the current one." in desk.printed
    assert "python -m ops link-key use 3" in desk.printed
    assert "update-function-configuration" in desk.printed


def test_the_second_step_makes_new_links_with_it_and_old_links_stay_good(desk: Desk) -> None:
    old = mint(secrets_from(desk.secrets).link_keys, CLAIMS, 2)
    desk.run("link-key", "rotate")
    assert desk.run("link-key", "use", "3") == 0
    keys = secrets_from(desk.secrets).link_keys
    assert keys.current == 3
    assert verify(keys, old) == CLAIMS
    assert verify(keys, mint(keys, CLAIMS, keys.current)) == CLAIMS


def test_at_once_it_is_one_step(desk: Desk) -> None:
    assert desk.run("link-key", "rotate", "--at-once") == 0
    assert secrets_from(desk.secrets).link_keys.current == 3
    assert len(desk.writes) == 1


def test_each_key_is_made_by_chance_and_never_printed(desk: Desk) -> None:
    desk.run("link-key", "rotate")
    desk.run("link-key", "rotate")
    keys = secrets_from(desk.secrets).link_keys.keys
    assert keys[3] != keys[4]
    assert base64.b64encode(keys[4]).decode() not in desk.printed


def test_an_old_key_is_retired_only_by_who_knows_what_that_means(desk: Desk) -> None:
    assert desk.run("link-key", "retire", "1") == 1
    assert "would lose its links" in desk.complained
    assert desk.writes == []
    assert desk.run("link-key", "retire", "1", "--yes") == 0
    assert sorted(secrets_from(desk.secrets).link_keys.keys) == [2]


def test_the_current_key_is_never_retired(desk: Desk) -> None:
    assert desk.run("link-key", "retire", "2", "--yes") == 1
    assert desk.complained.startswith("key 2 is the current one")
    assert desk.writes == []


@pytest.mark.parametrize("command", ["use", "retire"])
def test_a_key_that_is_not_there_is_refused(desk: Desk, command: str) -> None:
    assert desk.run("link-key", command, "9") == 1
    assert desk.complained == "there is no link key 9; there are: 1, 2\n"
    assert desk.writes == []


@pytest.mark.parametrize("argv", [("rotate",), ("use", "1"), ("retire", "1", "--yes")])
def test_the_local_stack_makes_its_own_keys(desk: Desk, argv: tuple[str, ...]) -> None:
    desk.in_parameter = False
    assert desk.run("link-key", *argv) == 1
    assert "the local stack makes new keys at each start" in desk.complained


# --- the text of the secrets ----------------------------------------------------------------------------------------


def test_what_else_is_among_the_secrets_stays() -> None:
    text, key_id = with_key(json.dumps(SECRETS | {"from_a_later_release": [1]}), bytes(32))
    written = json.loads(without_key(with_current(text, key_id), 1))
    assert written == SECRETS | {
        "link_keys": {"2": key_text(2), "3": key_text(0)},
        "link_key": 3,
        "from_a_later_release": [1],
    }


def test_after_the_last_id_come_those_that_were_retired() -> None:
    keys = {str(key_id): key_text(1) for key_id in (0, 1, 3, 255)}
    text, key_id = with_key(json.dumps(SECRETS | {"link_keys": keys, "link_key": 1}), bytes(32))
    assert key_id == 2
    assert secrets_from(text).link_keys.keys[2] == bytes(32)


def test_there_are_256_keys_at_most() -> None:
    keys = {str(key_id): key_text(1) for key_id in range(256)}
    with pytest.raises(LinkKeyError, match="retire old ones first"):
        with_key(json.dumps(SECRETS | {"link_keys": keys}), bytes(32))


def test_secrets_of_another_form_are_left_alone() -> None:
    with pytest.raises(SettingsError):
        with_key("{}", bytes(32))


# --- the parameter --------------------------------------------------------------------------------------------------


def test_the_parameter_keeps_its_own_key_of_kms_and_its_tier() -> None:
    with mock_aws():
        client = get_session().create_client("ssm", region_name="eu-central-1")
        client.put_parameter(Name="/anteroom/s", Value=TEXT, Type="SecureString", KeyId="alias/clinic", Tier="Advanced")
        changed, _ = with_key(fetch_secrets("/anteroom/s", "eu-central-1"), bytes(32))
        store_secrets("/anteroom/s", changed, "eu-central-1")
        assert fetch_secrets("/anteroom/s", "eu-central-1") == changed
        described = client.describe_parameters()["Parameters"][0]
    assert (described["Type"], described["KeyId"], described["Tier"]) == ("SecureString", "alias/clinic", "Advanced")
    assert described["Version"] == 2


def test_secrets_that_could_not_be_read_again_are_not_written() -> None:
    with mock_aws(), pytest.raises(SettingsError):
        store_secrets("/anteroom/s", "{}", "eu-central-1")


def test_a_parameter_that_is_not_there_is_told_by_aws_own_code() -> None:
    with mock_aws(), pytest.raises(ClientError, match=re.escape("ParameterNotFound")):
        fetch_secrets("/anteroom/nothing", "eu-central-1")
