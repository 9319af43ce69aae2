"""Links and ids: what we mint we read back, and everything else is refused in the same words."""

from __future__ import annotations

import base64
import hashlib
import hmac
import random
import traceback
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.ids import InvalidIdError, participant_id, session_id_at, split_participant_id
from chalicelib.domain.links import (
    InvalidLinkError,
    LinkClaims,
    LinkKeys,
    ReturnClaims,
    UnknownKeyError,
    derive_key,
    mint,
    mint_return,
    verify,
    verify_return,
)

OLD_KEY = bytes(range(32))
NEW_KEY = bytes(range(32, 64))
KEYS = LinkKeys({0: OLD_KEY, 7: NEW_KEY}, current=7)
TEAM = "0190a5a0-0000-7000-8000-00000000c11c"
OTHER_TEAM = "0190a5a0-0000-7000-8000-00000000c11d"
SESSION = "0197b3c4-d5e6-7788-99aa-bbccddeeff00"
ATTEMPT = "6ba7b810-9dad-41d1-80b4-00c04fd430c8"
LINK = LinkClaims(team_id=TEAM, session_id=SESSION, number=2, generation=3)
RETURN = ReturnClaims(team_id=TEAM, session_id=SESSION, number=2, attempt_id=ATTEMPT)

LINK_TOKEN = mint(KEYS, LINK, key_id=7)
RETURN_TOKEN = mint_return(KEYS, RETURN, key_id=7)
KINDS = pytest.mark.parametrize(
    ("read", "token"), [(verify, LINK_TOKEN), (verify_return, RETURN_TOKEN)], ids=["entry", "return"]
)
Reader = Callable[[LinkKeys, str], object]

uuids = st.uuids().map(str)
session_ids = st.binary(min_size=15, max_size=15).map(lambda raw: str(UUID(bytes=raw + b"\0")))
numbers = st.integers(1, 255)
links = st.builds(LinkClaims, team_id=uuids, session_id=session_ids, number=numbers, generation=st.integers(0, 65_535))
returns = st.builds(ReturnClaims, team_id=uuids, session_id=session_ids, number=numbers, attempt_id=uuids)


def decoded(token: str) -> bytearray:
    return bytearray(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))


def encoded(raw: bytes | bytearray) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def assert_refused(read: Reader, token: str) -> None:
    with pytest.raises(InvalidLinkError) as refused:
        read(KEYS, token)
    assert str(refused.value) == "this link is not valid"


# --- what is minted can be read -------------------------------------------------------------------------------------


def test_an_entry_token_is_laid_out_as_documented() -> None:
    raw = bytes(decoded(LINK_TOKEN))
    assert len(LINK_TOKEN) == 68
    assert raw[:1] == b"\x07"
    assert raw[1:17] == UUID(TEAM).bytes
    assert raw[17:33] == UUID("0197b3c4-d5e6-7788-99aa-bbccddeeff02").bytes
    assert raw[33:35] == b"\x00\x03"
    assert raw[35:] == hmac.digest(derive_key(NEW_KEY, "entry link"), raw[:35], hashlib.sha256)[:16]


def test_a_return_token_carries_its_attempt() -> None:
    assert len(RETURN_TOKEN) == 87
    raw = bytes(decoded(RETURN_TOKEN))
    assert raw[:33] == bytes(decoded(LINK_TOKEN))[:33]
    assert raw[33:49] == UUID(ATTEMPT).bytes
    assert raw[49:] == hmac.digest(derive_key(NEW_KEY, "return from checkout"), raw[:49], hashlib.sha256)[:16]
    assert verify_return(KEYS, RETURN_TOKEN) == RETURN


def test_the_same_participant_gets_the_same_token_every_time() -> None:
    assert mint(KEYS, LINK, key_id=7) == LINK_TOKEN


@given(claims=links, key_id=st.sampled_from([0, 7]))
def test_an_entry_token_says_what_it_was_minted_with(claims: LinkClaims, key_id: int) -> None:
    assert verify(KEYS, mint(KEYS, claims, key_id)) == claims


@given(claims=returns, key_id=st.sampled_from([0, 7]))
def test_a_return_token_says_what_it_was_minted_with(claims: ReturnClaims, key_id: int) -> None:
    assert verify_return(KEYS, mint_return(KEYS, claims, key_id)) == claims


@pytest.mark.parametrize(("generation", "octets"), [(0, b"\x00\x00"), (65_535, b"\xff\xff")])
def test_a_link_has_65536_generations(generation: int, octets: bytes) -> None:
    token = mint(KEYS, LinkClaims(TEAM, SESSION, 2, generation), key_id=7)
    assert bytes(decoded(token))[33:35] == octets


def test_an_older_generation_still_verifies_and_says_that_it_is_older() -> None:
    older = LinkClaims(team_id=TEAM, session_id=SESSION, number=2, generation=2)
    assert verify(KEYS, mint(KEYS, older, key_id=7)).generation == 2
    assert mint(KEYS, older, key_id=7) != LINK_TOKEN


# --- keys -----------------------------------------------------------------------------------------------------------


def test_key_ids_are_one_octet() -> None:
    assert LinkKeys({0: OLD_KEY, 255: NEW_KEY}, current=255).current == 255


@pytest.mark.parametrize("keys", [{7: NEW_KEY, 256: OLD_KEY}, {7: NEW_KEY, -1: OLD_KEY}, {7: NEW_KEY, 8: bytes(31)}])
def test_one_bad_key_beside_a_good_one_is_refused(keys: dict[int, bytes]) -> None:
    with pytest.raises(ValueError, match="key"):
        LinkKeys(keys, current=7)


def test_a_token_of_the_old_key_verifies_as_long_as_the_key_is_kept() -> None:
    token = mint(KEYS, LINK, key_id=0)
    assert verify(KEYS, token) == LINK
    with pytest.raises(InvalidLinkError):
        verify(LinkKeys({7: NEW_KEY}, current=7), token)


def test_another_key_under_the_same_id_refuses_the_token() -> None:
    with pytest.raises(InvalidLinkError):
        verify(LinkKeys({7: OLD_KEY}, current=7), LINK_TOKEN)


def test_a_retired_key_mints_nothing() -> None:
    with pytest.raises(UnknownKeyError):
        mint(LinkKeys({7: NEW_KEY}, current=7), LINK, key_id=0)


def test_the_keys_show_no_key() -> None:
    assert repr(KEYS) == "LinkKeys(current=7)"


def test_the_keys_cannot_be_changed_from_outside() -> None:
    given_keys = {7: NEW_KEY}
    keys = LinkKeys(given_keys, current=7)
    given_keys.clear()
    assert verify(keys, LINK_TOKEN) == LINK


@pytest.mark.parametrize(
    ("keys", "current"),
    [({}, 0), ({0: OLD_KEY}, 1), ({256: OLD_KEY}, 256), ({-1: OLD_KEY}, -1), ({0: OLD_KEY[:31]}, 0), ({0: b""}, 0)],
)
def test_unusable_keys_are_refused_without_showing_them(keys: dict[int, bytes], current: int) -> None:
    with pytest.raises(ValueError, match="key") as refused:
        LinkKeys(keys, current)
    assert "\\x" not in str(refused.value)


def test_a_derived_key_is_the_first_block_of_hkdf_expand() -> None:
    # RFC 5869, appendix A.3: the one example whose info (empty) is text.
    prk = bytes.fromhex("19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04")
    assert derive_key(prk, "").hex() == "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"


def test_each_purpose_has_its_own_key() -> None:
    assert derive_key(NEW_KEY, "entry link") != derive_key(NEW_KEY, "return from checkout")
    with pytest.raises(ValueError, match="32 bytes"):
        derive_key(b"short", "entry link")


# --- everything else is refused -------------------------------------------------------------------------------------


@KINDS
def test_a_flip_of_any_bit_is_refused(read: Reader, token: str) -> None:
    for place in range(len(decoded(token)) * 8):
        raw = decoded(token)
        raw[place // 8] ^= 1 << place % 8
        assert_refused(read, encoded(raw))


@KINDS
def test_every_truncation_is_refused(read: Reader, token: str) -> None:
    for length in range(len(token)):
        assert_refused(read, token[:length])
        assert_refused(read, token[len(token) - length :])


@KINDS
@pytest.mark.parametrize("more", ["A", "AAAA", "=", "==", "/", ".", " ", "\n", "\0", "%00", "é"])
def test_a_token_with_anything_around_it_is_refused(read: Reader, token: str, more: str) -> None:
    assert_refused(read, token + more)
    assert_refused(read, more + token)


@KINDS
@pytest.mark.parametrize("other", [" ", "\n", "+", "/", "=", ".", "é", "\uff21", "\ud800", "\0"])
def test_a_token_with_a_foreign_character_in_it_is_refused(read: Reader, token: str, other: str) -> None:
    for place in range(len(token)):
        assert_refused(read, token[:place] + other + token[place + 1 :])


def test_the_standard_alphabet_of_base64_is_no_second_spelling() -> None:
    token = next(token for token in (mint(KEYS, LinkClaims(TEAM, SESSION, 2, n), 7) for n in range(99)) if "-" in token)
    assert_refused(verify, token.replace("-", "+"))


def test_spare_bits_at_the_end_are_no_second_spelling() -> None:
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    last = alphabet.index(RETURN_TOKEN[-1])
    assert last % 4 == 0
    for spare in (1, 2, 3):
        other = RETURN_TOKEN[:-1] + alphabet[last + spare]
        assert decoded(other) == decoded(RETURN_TOKEN)
        assert_refused(verify_return, other)


def test_the_token_of_one_tenant_cannot_be_turned_into_one_of_another() -> None:
    raw = decoded(LINK_TOKEN)
    raw[1:17] = UUID(OTHER_TEAM).bytes
    assert_refused(verify, encoded(raw))
    assert verify(KEYS, mint(KEYS, LinkClaims(OTHER_TEAM, SESSION, 2, 3), 7)).team_id == OTHER_TEAM


def test_a_link_is_never_a_return_and_a_return_never_a_link() -> None:
    assert_refused(verify_return, LINK_TOKEN)
    assert_refused(verify, RETURN_TOKEN)


def test_the_same_bytes_under_the_other_purpose_are_refused() -> None:
    """The lengths differ today; the purposes must hold on their own."""
    signed = bytes(decoded(LINK_TOKEN)[:35])
    for key in (derive_key(NEW_KEY, "return from checkout"), NEW_KEY, derive_key(OLD_KEY, "entry link")):
        assert_refused(verify, encoded(signed + hmac.digest(key, signed, "sha256")[:16]))


def test_ten_thousand_random_tokens_are_refused() -> None:
    chance = random.Random(3)
    for _ in range(5_000):
        assert_refused(verify, encoded(chance.randbytes(51)))
        assert_refused(verify_return, encoded(b"\x07" + chance.randbytes(64)))


@given(text=st.text(max_size=100))
def test_any_text_is_refused(text: str) -> None:
    assert_refused(verify, text)
    assert_refused(verify_return, text)


@pytest.mark.parametrize("token", [LINK_TOKEN[:-1] + "!", LINK_TOKEN[:-1] + "A", LINK_TOKEN + "x", "é" * 68])
def test_the_error_of_a_refused_token_shows_neither_the_token_nor_why(token: str) -> None:
    with pytest.raises(InvalidLinkError) as refused:
        verify(KEYS, token)
    shown = "".join(traceback.format_exception(refused.value)) + repr(refused.value)
    assert token not in shown
    assert "binascii" not in shown


@pytest.mark.parametrize(
    "claims",
    [
        LinkClaims(TEAM, SESSION, 0, 0),
        LinkClaims(TEAM, SESSION, 256, 0),
        LinkClaims(TEAM, SESSION, 1, -1),
        LinkClaims(TEAM, SESSION, 1, 65_536),
        LinkClaims("not a team", SESSION, 1, 0),
        LinkClaims(TEAM.upper(), SESSION, 1, 0),
        LinkClaims(TEAM, "0197b3c4-d5e6-7788-99aa-bbccddeeff01", 1, 0),
    ],
)
def test_claims_that_fit_no_token_are_refused(claims: LinkClaims) -> None:
    with pytest.raises(ValueError, match=r"id|generation|number"):
        mint(KEYS, claims, key_id=7)


# --- ids ------------------------------------------------------------------------------------------------------------


def test_a_session_id_is_a_uuid_of_version_7_that_ends_in_00() -> None:
    # The example of RFC 9562, appendix A.6, with our last byte.
    now = datetime(2022, 2, 22, 14, 22, 22, tzinfo=timezone(-timedelta(hours=5)))
    entropy = bytes.fromhex("0cc318c4dc0c0c0739")
    session_id = session_id_at(now, entropy)
    assert session_id == "017f22e2-79b0-7cc3-98c4-dc0c0c073900"
    assert UUID(session_id).version == 7


def test_a_session_id_keeps_every_bit_of_chance_but_those_of_version_and_variant() -> None:
    now = datetime(2022, 2, 22, 19, 22, 22, tzinfo=UTC)
    assert session_id_at(now, b"\xff" * 9) == "017f22e2-79b0-7fff-bfff-ffffffffff00"
    assert session_id_at(now, b"\x00" * 9) == "017f22e2-79b0-7000-8000-000000000000"


@given(
    now=st.datetimes(datetime(1970, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001  Hypothesis wants naive bounds
    entropy=st.binary(min_size=9, max_size=16),
)
def test_every_session_id_holds_its_millisecond(now: datetime, entropy: bytes) -> None:
    uuid = UUID(session_id_at(now, entropy))
    assert (uuid.version, uuid.variant, uuid.bytes[-1]) == (7, "specified in RFC 4122", 0)
    assert uuid.int >> 80 == (now - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def test_session_ids_sort_by_their_time() -> None:
    early = datetime(2030, 1, 1, tzinfo=UTC)
    assert session_id_at(early, b"\xff" * 9) < session_id_at(early + timedelta(milliseconds=1), b"\x00" * 9)


@pytest.mark.parametrize(
    ("now", "entropy"),
    [(datetime(2030, 1, 1), bytes(9)), (datetime(2030, 1, 1, tzinfo=UTC), bytes(8))],  # noqa: DTZ001  the case itself
)
def test_a_session_id_takes_an_aware_time_and_enough_entropy(now: datetime, entropy: bytes) -> None:
    with pytest.raises(ValueError, match="aware time and 9 random bytes"):
        session_id_at(now, entropy)


def test_a_participants_id_is_the_sessions_with_the_number_in_its_last_byte() -> None:
    assert participant_id(SESSION, 1) == "0197b3c4-d5e6-7788-99aa-bbccddeeff01"
    assert participant_id(SESSION, 255) == "0197b3c4-d5e6-7788-99aa-bbccddeeffff"


@given(session_id=session_ids, number=numbers)
def test_a_participants_id_names_its_session_and_number(session_id: str, number: int) -> None:
    assert split_participant_id(participant_id(session_id, number)) == (session_id, number)


@pytest.mark.parametrize("number", [0, -1, 256])
def test_a_participant_number_outside_1_to_255_has_no_id(number: int) -> None:
    with pytest.raises(InvalidIdError):
        participant_id(SESSION, number)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Jane Doe",
        SESSION,
        SESSION.upper(),
        f"{{{ATTEMPT}}}",
        f"urn:uuid:{ATTEMPT}",
        ATTEMPT.replace("-", ""),
        ATTEMPT + "\n",
    ],
)
def test_what_is_not_a_participants_id_in_our_spelling_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(InvalidIdError) as refused:
        split_participant_id(text)
    assert not text or text not in str(refused.value)
