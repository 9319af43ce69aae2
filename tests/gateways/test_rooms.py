"""Rooms: what stands in the address and the token, and that a bad setting closes the room without telling why."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
import traceback
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest

from chalicelib.domain.sessions import Role
from chalicelib.domain.teams import RoomSettings
from chalicelib.gateways.rooms import (
    JitsiRooms,
    RoomEntry,
    Rooms,
    RoomUnavailableError,
    TemplateRooms,
    room_origin,
    rooms_of,
)

KEY = "a room key of at least 32 characters"
START = datetime(2030, 1, 8, 9, 0, tzinfo=UTC)
END = START + timedelta(minutes=30)
NOW = START + timedelta(minutes=1)
SESSION = "0197b3c4-d5e6-7788-99aa-bbccddeeff00"
GUEST_ID = "0197b3c4-d5e6-7788-99aa-bbccddeeff02"

TEMPLATE = RoomSettings(kind="template", url="https://video.example/rooms/{room}?token={token}", key=KEY)
JITSI = RoomSettings(kind="jitsi", url="https://meet.example", key=KEY, app_id="anteroom")
GUEST = RoomEntry(
    team_id="0190a5a0-0000-7000-8000-00000000c11c",
    session_id=SESSION,
    participant_id=GUEST_ID,
    display_name="Zoë & Söhne ?#%",
    role=Role.GUEST,
    not_before=START,
    expires_at=END,
    now=NOW,
    entropy=bytes(range(16)),
)
HOST = dataclasses.replace(GUEST, role=Role.HOST, display_name="Dr. Ada")

EITHER = pytest.mark.parametrize("settings", [TEMPLATE, JITSI], ids=["template", "jitsi"])


def claims_of(url: str, parameter: str, audience: str | None = None) -> dict[str, object]:
    """Return the claims of the token in this address, once its signature is verified."""
    token = parse_qs(urlsplit(url).query, strict_parsing=True)[parameter][0]
    signed = jwt.decode_complete(
        token,
        KEY,
        algorithms=["HS256"],
        audience=audience,
        options={"verify_exp": False, "verify_nbf": False, "verify_iat": False},
    )
    assert signed["header"] == {"alg": "HS256", "typ": "JWT"}
    return dict(signed["payload"])


def claims(settings: RoomSettings, request: RoomEntry) -> dict[str, object]:
    url = rooms_of(settings).entry(request)
    return claims_of(url, "jwt", "jitsi") if settings.kind == "jitsi" else claims_of(url, "token")


# --- template -------------------------------------------------------------------------------------------------------


def test_the_template_gets_the_room_and_a_token_that_says_who_enters_when() -> None:
    url = rooms_of(TEMPLATE).entry(GUEST)
    assert url.startswith(f"https://video.example/rooms/{SESSION}?token=ey")
    assert claims_of(url, "token") == {
        "sub": GUEST_ID,
        "name": "Zoë & Söhne ?#%",
        "role": "GUEST",
        "room": SESSION,
        "iat": 1894093250,
        "nbf": 1894093190,
        "exp": 1894095000,
        "jti": "000102030405060708090a0b0c0d0e0f",
    }


def test_a_provider_that_wants_an_issuer_gets_one() -> None:
    assert claims(dataclasses.replace(TEMPLATE, app_id="clinic"), GUEST)["iss"] == "clinic"


def test_the_room_may_be_named_by_the_token_alone_or_stand_in_the_fragment() -> None:
    alone = dataclasses.replace(TEMPLATE, url="https://video.example/join?token={token}")
    fragment = dataclasses.replace(TEMPLATE, url="https://video.example/#/{room}/{token}")
    assert rooms_of(alone).entry(GUEST).startswith("https://video.example/join?token=ey")
    assert rooms_of(fragment).entry(GUEST).startswith(f"https://video.example/#/{SESSION}/ey")


@pytest.mark.parametrize("role", list(Role))
def test_the_template_token_carries_the_role_as_it_is(role: Role) -> None:
    assert claims(TEMPLATE, dataclasses.replace(GUEST, role=role))["role"] == role.value


# --- Jitsi ----------------------------------------------------------------------------------------------------------


def test_jitsi_gets_its_own_claims() -> None:
    url = rooms_of(JITSI).entry(HOST)
    assert url.startswith(f"https://meet.example/{SESSION}?jwt=ey")
    assert claims_of(url, "jwt", "jitsi") == {
        "aud": "jitsi",
        "iss": "anteroom",
        "sub": "meet.example",
        "room": SESSION,
        "context": {"user": {"id": GUEST_ID, "name": "Dr. Ada", "moderator": "true", "affiliation": "owner"}},
        "moderator": True,
        "iat": 1894093250,
        "nbf": 1894093190,
        "exp": 1894095000,
        "jti": "000102030405060708090a0b0c0d0e0f",
    }


@pytest.mark.parametrize("role", [Role.GUEST, Role.PARTICIPANT])
def test_only_a_host_moderates_in_jitsi(role: Role) -> None:
    said = claims(JITSI, dataclasses.replace(GUEST, role=role))
    assert said["moderator"] is False
    assert said["context"] == {
        "user": {"id": GUEST_ID, "name": "Zoë & Söhne ?#%", "moderator": "false", "affiliation": "member"}
    }


def test_jitsi_is_told_no_name_where_there_is_none() -> None:
    said = claims(JITSI, dataclasses.replace(GUEST, display_name=""))
    assert said["context"] == {"user": {"id": GUEST_ID, "moderator": "false", "affiliation": "member"}}


@pytest.mark.parametrize(
    ("url", "start", "subject"),
    [
        ("https://meet.example/", f"https://meet.example/{SESSION}?jwt=", "meet.example"),
        ("https://Meet.Example:8443", f"https://Meet.Example:8443/{SESSION}?jwt=", "meet.example"),
        ("https://meet.example/Clinic", f"https://meet.example/Clinic/{SESSION}?jwt=", "clinic"),
    ],
)
def test_jitsis_subject_is_the_tenant_or_else_the_domain(url: str, start: str, subject: str) -> None:
    settings = dataclasses.replace(JITSI, url=url)
    assert rooms_of(settings).entry(GUEST).startswith(start)
    assert claims(settings, GUEST)["sub"] == subject


def test_the_audience_of_jitsi_is_a_setting() -> None:
    url = rooms_of(dataclasses.replace(JITSI, audience="clinic")).entry(GUEST)
    assert claims_of(url, "jwt", "clinic")["aud"] == "clinic"


# --- both -----------------------------------------------------------------------------------------------------------


@EITHER
def test_everyone_of_a_session_enters_the_same_room_and_others_another(settings: RoomSettings) -> None:
    other = dataclasses.replace(GUEST, session_id="0197b3c4-d5e6-7788-99aa-bbccddeefe00")
    assert claims(settings, GUEST)["room"] == claims(settings, HOST)["room"]
    assert claims(settings, GUEST)["room"] != claims(settings, other)["room"]


def test_the_room_is_percent_encoded_in_an_address() -> None:
    strange = dataclasses.replace(GUEST, session_id="a/b?c=ü")
    assert rooms_of(TEMPLATE).entry(strange).startswith("https://video.example/rooms/a%2Fb%3Fc%3D%C3%BC?token=ey")
    assert rooms_of(JITSI).entry(strange).startswith("https://meet.example/a%2Fb%3Fc%3D%C3%BC?jwt=ey")


@EITHER
def test_each_click_gets_a_token_of_its_own(settings: RoomSettings) -> None:
    again = dataclasses.replace(GUEST, entropy=bytes(range(1, 17)))
    assert rooms_of(settings).entry(GUEST) != rooms_of(settings).entry(again)


@EITHER
def test_a_token_never_outlives_the_session(settings: RoomSettings) -> None:
    odd_end = dataclasses.replace(GUEST, expires_at=END + timedelta(microseconds=999_999))
    assert claims(settings, odd_end)["exp"] == END.timestamp()


@EITHER
@pytest.mark.parametrize("into_the_second", [timedelta(0), timedelta(microseconds=999_999)])
def test_a_room_whose_clock_is_ten_seconds_behind_takes_the_token_of_the_first_moment(
    settings: RoomSettings, into_the_second: timedelta
) -> None:
    said = claims(settings, dataclasses.replace(GUEST, now=START + into_the_second))
    assert (said["iat"], said["nbf"], said["exp"]) == (1894093190, 1894093190, 1894095000)


@EITHER
def test_in_the_last_second_the_token_ends_with_the_session(settings: RoomSettings) -> None:
    said = claims(settings, dataclasses.replace(GUEST, now=END - timedelta(microseconds=1)))
    assert (said["iat"], said["exp"]) == (1894094989, 1894095000)


@EITHER
@pytest.mark.parametrize("late_for", [timedelta(0), timedelta(seconds=1)])
def test_there_is_no_room_once_the_session_has_ended(settings: RoomSettings, late_for: timedelta) -> None:
    with pytest.raises(RoomUnavailableError, match="no time left"):
        rooms_of(settings).entry(dataclasses.replace(GUEST, now=END + late_for))


@EITHER
def test_a_wrong_key_does_not_read_the_token(settings: RoomSettings) -> None:
    token = rooms_of(settings).entry(GUEST).rpartition("=")[2]
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(token, "another key of at least 32 characters", algorithms=["HS256"])


@pytest.mark.parametrize(
    "change",
    [
        {"entropy": bytes(15)},
        {"now": datetime(2030, 1, 8, 9, 1)},  # noqa: DTZ001  the case itself
        {"not_before": datetime(2030, 1, 8, 9, 0)},  # noqa: DTZ001
        {"expires_at": datetime(2030, 1, 8, 9, 30)},  # noqa: DTZ001
    ],
)
def test_an_entry_takes_aware_times_and_enough_entropy(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"aware times|random bytes"):
        dataclasses.replace(GUEST, **change)  # type: ignore[arg-type]  # each value fits the field it names


# --- misconfigured --------------------------------------------------------------------------------------------------

BAD_URLS = [
    "",
    "video.example/{room}/{token}",
    "http://video.example/{room}?token={token}",
    "ftp://video.example/{room}?token={token}",
    "javascript://video.example/{room}?token={token}",
    "https:///{room}?token={token}",
    "https://user:word@video.example/{room}?token={token}",
    "https://video.example:port/{room}?token={token}",
    "https://[video/{room}?token={token}",
    "https://vidéo.example/{room}?token={token}",
    "https://video.example/{room}?token={token}\n",
    "https://video.example/ {room}?token={token}",
    "https://video.example\\.evil.example/{room}?token={token}",
    "https://video.example;script-src/{room}?token={token}",
]
BAD_TEMPLATES = [
    *BAD_URLS,
    "https://video.example/{room}",
    "https://video.example/{room}?token={token}&name={name}",
    "https://video.example/{room}?token={token}}",
    "https://{room}.video.example/?token={token}",
]
BAD_JITSI = [
    *BAD_URLS,
    "https://meet.example/{room}",
    "https://meet.example/a/b",
    "https://meet.example/?jwt=1",
    "https://meet.example/#room",
]


@pytest.mark.parametrize(
    "settings",
    [
        *(dataclasses.replace(TEMPLATE, url=url) for url in BAD_TEMPLATES),
        *(dataclasses.replace(JITSI, url=url) for url in BAD_JITSI),
        *(dataclasses.replace(kind, key=key) for kind in (TEMPLATE, JITSI) for key in ("", "under 32 characters")),
        dataclasses.replace(TEMPLATE, key="ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQC7"),
        dataclasses.replace(JITSI, app_id=""),
        dataclasses.replace(JITSI, audience=""),
        dataclasses.replace(JITSI, kind="zoom"),
    ],
)  # fmt: skip
def test_a_misconfigured_room_is_unavailable_and_says_neither_key_nor_name(settings: RoomSettings) -> None:
    with pytest.raises(RoomUnavailableError) as refused:
        rooms_of(settings).entry(GUEST)
    shown = "".join(traceback.format_exception_only(refused.value)) + repr(refused.value.__cause__)
    assert refused.value.reason in shown
    assert not settings.key or settings.key not in shown
    assert "Zoë" not in shown
    assert "video.example" not in shown


def test_rooms_on_the_own_machine_may_go_without_tls() -> None:
    for host in ("127.0.0.1:8000", "localhost:8000", "[::1]:8000"):
        settings = dataclasses.replace(TEMPLATE, url=f"http://{host}/room/{{room}}?token={{token}}")
        assert rooms_of(settings).entry(GUEST).startswith(f"http://{host}/room/{SESSION}?token=")


def test_the_origin_of_a_room_is_what_a_security_policy_names() -> None:
    assert room_origin(TEMPLATE) == "https://video.example"
    assert (
        room_origin(dataclasses.replace(JITSI, url="https://meet.example:8443/clinic")) == "https://meet.example:8443"
    )
    with pytest.raises(RoomUnavailableError):
        room_origin(dataclasses.replace(TEMPLATE, url="https://video.example; script-src */"))


def test_settings_and_entries_print_without_key_name_or_entropy() -> None:
    shown = repr((TEMPLATE, rooms_of(JITSI), GUEST))
    assert KEY not in shown
    assert "Zoë" not in shown
    assert "entropy" not in shown


def test_both_kinds_are_rooms() -> None:
    either: list[Rooms] = [TemplateRooms(TEMPLATE), JitsiRooms(JITSI)]
    assert [rooms_of(TEMPLATE), rooms_of(JITSI)] == either


def test_importing_the_gateway_does_not_import_the_jwt_library() -> None:
    program = "import sys, chalicelib.gateways.rooms; sys.exit('jwt' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
