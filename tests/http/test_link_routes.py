"""The client's link at the edge: what every state answers, to people and to scripts, and with which headers."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlsplit

import jwt
import pytest

from chalicelib.domain import sessions
from chalicelib.domain.admission import Door
from chalicelib.domain.concerns import attention
from chalicelib.domain.teams import RoomSettings
from tests.http.doors import (
    DOORS,
    FORGED,
    HTML,
    POLICY,
    POLICY_WITHOUT_ROOM,
    Visitor,
    cookie_of,
    is_kept_secret,
    paid,
    unpaid,
)
from tests.support.clinic import fingerprint
from tests.support.edge import Edge
from tests.support.world import ROOM_KEY, SECRETS, World, guest, host, settings_of

CLOSED = {Door.ENDED, Door.CANCELED, Door.REMOVED}


# --- opening ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("door", DOORS)
def test_every_state_is_a_page_and_the_same_as_data(edge: Edge, door: Door) -> None:
    visitor = DOORS[door](edge)
    status = 410 if door in CLOSED else 200
    page = visitor.open()
    assert (page.status, page.headers["content-type"]) == (status, HTML)
    assert page.body.startswith("<!doctype html>")
    is_kept_secret(page, POLICY)
    told = visitor.open("application/json")
    assert (told.status, told.headers["content-type"]) == (status, "application/json")
    is_kept_secret(told, POLICY_WITHOUT_ROOM)
    assert told.json()["status"] == door.value
    assert told.json()["can_pay"] == (door is Door.PAY)
    assert told.json()["can_join"] == (door is Door.JOIN)


def test_the_data_of_a_link_are_these(edge: Edge) -> None:
    assert unpaid(edge).open("application/json").json() == {
        "status": "pay",
        "now": "2026-03-02T12:00:00.000Z",
        "start_time": "2026-03-02T12:00:00.000Z",
        "end_time": "2026-03-02T12:30:00.000Z",
        "opens_at": "2026-03-02T12:00:00.000Z",
        "clinic": "Riverside Clinic",
        "session_name": "Consultation",
        "role": "GUEST",
        "fee": {"amount": 8000, "currency": "aud", "description": None, "payee": None},
        "payment": {
            "status": "unpaid",
            "amount_paid": 0,
            "amount_refunded": 0,
            "currency": "aud",
            "paid_at": None,
            "receipt_url": None,
            "attention": None,
            "charges": [],
            "may_settle_late": False,
        },
        "can_pay": True,
        "can_join": False,
    }


def test_what_needs_a_person_is_told_to_the_clinic_and_not_to_the_client(edge: Edge) -> None:
    visitor = DOORS[Door.OFFER_REFUSED](edge)
    participant = edge.world.participant(visitor.session)
    assert attention(edge.world.session(visitor.session), participant, edge.world.clock()) == "Stripe refuses"
    assert visitor.open("application/json").json()["payment"]["attention"] is None
    assert "Stripe refuses" not in visitor.open().body


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("", HTML),
        ("*/*", HTML),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", HTML),
        ("application/json", "application/json"),
        ("application/json, text/plain, */*", "application/json"),
        ("application/json;q=0.1, text/html", HTML),
    ],
)
def test_a_browser_gets_a_page_and_who_names_json_alone_gets_json(edge: Edge, accept: str, content_type: str) -> None:
    assert unpaid(edge).open(accept).headers["content-type"] == content_type


@pytest.mark.parametrize("path", ["", "/calendar.ics", "/checkout", "/join"])
def test_a_link_that_is_none_is_404_for_people_and_scripts(edge: Edge, path: str) -> None:
    visitor = unpaid(edge)
    revoked = visitor.token
    world = edge.world
    world.sessions.save(sessions.revoke_link(world.session(visitor.session), 2, key_id=2))
    other_team = visitor.token[:10] + ("A" if visitor.token[10] != "A" else "B") + visitor.token[11:]
    method = "POST" if path in {"/checkout", "/join"} else "GET"
    pages = set()
    for token in (revoked, other_team, FORGED, visitor.token[:-1], visitor.token + "A", "x"):
        page = edge.request(method, f"/session/{token}{path}")
        assert (page.status, page.headers["content-type"]) == (404, HTML)
        is_kept_secret(page, POLICY_WITHOUT_ROOM)
        pages.add(page.body)
        problem = edge.request(method, f"/session/{token}{path}", headers={"Accept": "application/json"})
        assert (problem.status, problem.json()["detail"]) == (404, "this link is not valid")
        is_kept_secret(problem, POLICY_WITHOUT_ROOM)
    assert len(pages) == 1
    assert edge.get(visitor.path).status == 200


def test_frames_are_allowed_to_the_teams_own_sites_alone(edge: Edge) -> None:
    visitor = unpaid(edge)
    edge.world.change_team(frame_ancestors=("https://www.clinic.example", "https://*.clinic.example", "nonsense; x"))
    reply = visitor.open()
    ancestors = "frame-ancestors https://www.clinic.example https://*.clinic.example"
    assert reply.headers["content-security-policy"] == POLICY.replace("frame-ancestors 'none'", ancestors)
    assert "x-frame-options" not in reply.headers
    assert edge.get("/session/x").headers["x-frame-options"] == "DENY"


@pytest.mark.parametrize(
    "url",
    [
        "nonsense",
        "http://rooms.example/{token}",
        "https://rooms.example:/{token}",
        "https://rooms.example./{token}",
        "https://-rooms.example/{token}",
        "https://rooms.example;script-src/{token}",
        "http://[::1]:9000/{token}",
    ],
)
def test_a_misconfigured_room_closes_the_room_and_not_the_page(edge: Edge, url: str) -> None:
    visitor = unpaid(edge)
    edge.world.change_team(room=RoomSettings("template", url, ROOM_KEY))
    reply = visitor.open()
    assert reply.status == 200
    assert reply.headers["content-security-policy"] == POLICY_WITHOUT_ROOM


@pytest.mark.parametrize("door", DOORS)
def test_a_mail_scanner_changes_nothing_however_often_it_opens_a_link(edge: Edge, door: Door) -> None:
    visitor = DOORS[door](edge)
    asked: list[str] = []
    edge.world.stripe.on_request = lambda method, path: asked.append(f"{method} {path}")
    before = fingerprint(edge.world)
    for number in range(50):
        method = "GET" if number % 2 else "HEAD"
        assert edge.request(method, visitor.path, headers={"User-Agent": "Barracuda/5.0"}).status in {200, 410}
        edge.request(method, f"{visitor.path}/calendar.ics")
        edge.request(method, f"{visitor.path}/checkout")
        edge.request(method, f"{visitor.path}/join")
    assert fingerprint(edge.world) == before
    assert asked == []


# --- joining ------------------------------------------------------------------------------------------------------


def test_joining_leads_to_the_room_with_a_token_for_this_person_and_is_kept(edge: Edge) -> None:
    visitor = paid(edge)
    reply = visitor.join()
    assert (reply.status, reply.body) == (303, "")
    is_kept_secret(reply, POLICY_WITHOUT_ROOM)
    room = urlsplit(reply.headers["location"])
    assert (room.scheme, room.netloc) == ("https", "rooms.example")
    claims = jwt.decode(
        room.query.removeprefix("token="), ROOM_KEY, algorithms=["HS256"], options={"verify_exp": False}
    )
    assert (claims["name"], claims["role"], claims["room"]) == ("Mary Smith", "GUEST", visitor.session.session_id)
    assert [one.number for one in edge.world.entries.of(visitor.session.team_id, visitor.session.session_id)] == [2]


def test_joining_as_json_answers_the_rooms_address(edge: Edge) -> None:
    visitor = Visitor(edge, edge.world.schedule(host(), guest()), 1)
    reply = visitor.join("application/json")
    assert (reply.status, reply.headers["content-type"]) == (200, "application/json")
    assert reply.json()["url"].startswith("https://rooms.example/")


@pytest.mark.parametrize("ends_after", [1800.0, 1800.001, 1800.5, 1800.999999])
@pytest.mark.parametrize("before_the_end", [1.5, 1.0, 0.999, 0.5, 0.001, 0.0])
def test_in_the_last_second_who_is_told_that_they_can_join_can(
    edge: Edge, ends_after: float, before_the_end: float
) -> None:
    world = edge.world
    session = world.schedule(host(), guest(), lasts=timedelta(seconds=ends_after))
    world.clock.set(session.end_time - timedelta(seconds=before_the_end))
    visitor = Visitor(edge, session)
    told = visitor.open("application/json").json()["can_join"]
    reply = visitor.join("application/json")
    assert reply.status == (200 if told else 403)
    if told:
        token = reply.json()["url"].partition("token=")[2]
        said = jwt.decode(token, ROOM_KEY, algorithms=["HS256"], options={"verify_exp": False})
        assert world.clock().timestamp() < said["exp"] <= session.end_time.timestamp()


def test_in_the_first_moment_the_rooms_token_is_good_already_also_by_a_clock_that_is_behind(edge: Edge) -> None:
    world = edge.world
    session = world.schedule(host(), guest(), starts_in=timedelta(seconds=60.5))
    visitor = Visitor(edge, session)
    world.clock.set(session.start_time - timedelta(microseconds=1))
    assert (visitor.open("application/json").json()["can_join"], visitor.join().status) == (False, 403)
    world.clock.set(session.start_time)
    assert visitor.open("application/json").json()["can_join"]
    token = visitor.join("application/json").json()["url"].partition("token=")[2]
    said = jwt.decode(token, ROOM_KEY, algorithms=["HS256"], options={"verify_exp": False})
    second_behind = session.start_time.timestamp() - 1
    assert max(said["nbf"], said["iat"]) <= second_behind < said["exp"]


@pytest.mark.parametrize("door", [door for door in DOORS if door is not Door.JOIN])
def test_who_may_not_join_gets_403_with_the_reason_and_nothing_is_kept(edge: Edge, door: Door) -> None:
    visitor = DOORS[door](edge)
    before = fingerprint(edge.world)
    page, problem = visitor.join(), visitor.join("application/json")
    assert (page.status, page.headers["content-type"]) == (403, HTML)
    is_kept_secret(page, POLICY)
    assert page.body == visitor.open().body
    assert (problem.status, problem.json()["detail"]) == (403, f"not admitted now: the state is {door.value}")
    is_kept_secret(problem, POLICY_WITHOUT_ROOM)
    assert "rooms.example" not in page.body + problem.body
    assert fingerprint(edge.world) == before


@pytest.mark.parametrize(
    "room",
    [
        {"kind": "carrier pigeon", "url": "https://rooms.example/{token}", "key": ROOM_KEY},
        {"kind": "template", "url": "https://rooms.example/", "key": ROOM_KEY},
        {"kind": "template", "url": "https://rooms.example/{token}", "key": "short"},
        {"kind": "jitsi", "url": "https://meet.example", "key": ROOM_KEY},
    ],
)
def test_a_room_that_cannot_be_entered_is_503_and_the_payment_is_untouched(room: dict[str, str]) -> None:
    edge = Edge(World(settings_of({**SECRETS, "room": room})))
    visitor = paid(edge)
    before = fingerprint(edge.world)
    page, problem = visitor.join(), visitor.join("application/json")
    for answer in (page, problem):
        assert (answer.status, answer.headers["retry-after"]) == (503, "3")
        is_kept_secret(answer, POLICY_WITHOUT_ROOM)
    assert "The room is not ready" in page.body
    assert problem.json()["detail"].startswith("the video room cannot be reached")
    assert fingerprint(edge.world) == before


# --- the date -----------------------------------------------------------------------------------------------------


def test_the_date_can_be_kept_as_a_calendar_file(edge: Edge) -> None:
    visitor = unpaid(edge)
    reply = edge.get(f"{visitor.path}/calendar.ics")
    assert (reply.status, reply.headers["content-type"]) == (200, "text/calendar; charset=utf-8")
    assert reply.headers["content-disposition"] == 'attachment; filename="appointment.ics"'
    is_kept_secret(reply, POLICY_WITHOUT_ROOM)
    assert reply.body.startswith("BEGIN:VCALENDAR\r\n")
    assert "DTSTART:20260302T120000Z\r\n" in reply.body
    unfolded = reply.body.replace("\r\n ", "")
    assert f"URL:https://anteroom.example{visitor.path}\r\n" in unfolded
    head = edge.request("HEAD", f"{visitor.path}/calendar.ics")
    assert (head.status, head.body) == (200, "")


# --- a stage in the path ------------------------------------------------------------------------------------------


def test_below_a_stage_every_address_has_its_prefix() -> None:
    world = World(settings_of(ANTEROOM_PUBLIC_URL="https://gateway.example/api"))
    edge = Edge(world)
    visitor = unpaid(edge)
    for page in (visitor.open(), edge.get("/session/x"), visitor.join()):
        addresses = re.findall(r'(?:href|src|action|data-self-url)="([^"]*)"', page.body)
        assert addresses
        assert [address for address in addresses if not address.startswith("/api/")] == []
    assert f'action="/api{visitor.path}/checkout"' in visitor.open().body
    paying = visitor.pay()
    assert "; Path=/api/paid/;" in paying.headers["set-cookie"]
    assert edge.get(visitor.return_path(), Cookie=cookie_of(paying)).headers["location"] == f"/api{visitor.path}"
    world.stripe.fail_next("timeout_before", 100)
    world.clock.advance(minutes=1)
    assert f'href="/api{visitor.path}"' in visitor.pay().body
    world.stripe.clear_faults()
    world.stripe.pay(visitor.checkout_session_id())
    edge.get(visitor.return_path())
    assert visitor.pay().headers["location"] == f"/api{visitor.path}"
    assert f'action="/api{visitor.path}/join"' in visitor.open().body
    calendar = edge.get(f"{visitor.path}/calendar.ics").body.replace("\r\n ", "")
    assert f"URL:https://gateway.example/api{visitor.path}\r\n" in calendar


def test_a_link_under_an_older_key_still_opens(edge: Edge) -> None:
    visitor = unpaid(edge)
    world = edge.world
    stored = world.session(visitor.session)
    world.sessions.save(sessions.with_participant(stored, 2, lambda p: replace(p, key_id=1)))
    assert visitor.open().status == 200
