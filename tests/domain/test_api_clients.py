"""API clients: their secrets are kept as hashes, and known again."""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.api_clients import (
    CLIENT_ID_BYTES,
    MOST_SECRETS,
    SECRET_BYTES,
    ApiClient,
    fingerprint,
    hash_secret,
    is_secret_of,
    kept_hash,
    text_key,
)

PEPPER = bytes(32)
CREATED_AT = datetime(2026, 3, 2, tzinfo=UTC)
CLIENT = ApiClient("client-1", "team-1", (hash_secret(PEPPER, "first"), hash_secret(PEPPER, "second")), CREATED_AT)


@given(st.binary(min_size=1, max_size=40))
def test_keys_are_text_that_needs_no_percent_encoding(entropy: bytes) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_-]+", text_key(entropy))


def test_keys_are_long_enough_not_to_be_guessed() -> None:
    assert text_key(bytes(CLIENT_ID_BYTES)) == "A" * 16
    assert text_key(b"\xff" * SECRET_BYTES) == "_" * 42 + "8"


@pytest.mark.parametrize(
    ("secret", "good"),
    [("first", True), ("second", True), ("third", False), ("First", False), ("first ", False), ("", False)],
)
def test_any_of_a_clients_secrets_is_good_and_nothing_else(secret: str, *, good: bool) -> None:
    assert is_secret_of(CLIENT, PEPPER, secret) is good


def test_a_secret_is_bound_to_the_deployments_own_key() -> None:
    assert not is_secret_of(CLIENT, bytes([1]) * 32, "first")


def test_of_two_hashes_of_one_secret_the_first_that_is_kept_is_told() -> None:
    former = bytes([1]) * 32
    twice = replace(CLIENT, secret_hashes=(hash_secret(former, "first"), hash_secret(PEPPER, "first")))
    assert kept_hash(twice, (PEPPER, former), "first") == hash_secret(former, "first")


def test_a_client_may_have_the_secret_in_use_and_its_successor() -> None:
    assert MOST_SECRETS == 2


def test_a_client_without_secrets_knows_none() -> None:
    assert not is_secret_of(replace(CLIENT, secret_hashes=()), PEPPER, "")


def test_a_secret_is_kept_as_its_keyed_sha_256() -> None:
    assert hash_secret(PEPPER, "first") == hmac.new(PEPPER, b"first", hashlib.sha256).hexdigest()


@pytest.mark.parametrize("secret", ["ü", "\ud800", "\x00"])
def test_a_secret_of_any_characters_is_only_wrong(secret: str) -> None:
    assert not is_secret_of(CLIENT, PEPPER, secret)


def test_a_client_is_enabled_until_it_is_disabled() -> None:
    assert CLIENT.is_enabled
    assert not replace(CLIENT, disabled_at=CREATED_AT).is_enabled


def test_the_hashes_do_not_show_when_a_client_is_printed() -> None:
    assert CLIENT.secret_hashes[0] not in repr(CLIENT)


def test_a_fingerprint_tells_hashes_apart_and_is_half_of_a_sha_256() -> None:
    assert fingerprint("abc") == "ba7816bf8f01cfea414140de5dae2223"
