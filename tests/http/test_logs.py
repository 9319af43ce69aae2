"""Logs: one JSON line per decision; no name, address, token, secret or card number in one of them, nor in an error."""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.http import logs
from chalicelib.http.logs import JsonLines
from chalicelib.storage.stores import StoreUnavailableError
from sandbox.stripe_standin.deliveries import signature
from tests.fakes.failing import Failing
from tests.support.clinic import Clinic, path_of
from tests.support.edge import Edge, Reply
from tests.support.world import ROOM_KEY, SECRETS, STRIPE_KEY, WEBHOOK_SECRET, World, settings_of

CARD = "4242424242424242"
CANARIES = {
    "display_name": "Marigold Canary",
    "email": "marigold@canary.example",
    "phone": "+61 400 111 222",
    "state": "canary state",
    "picture": "https://canary.example/me.png",
}
SESSION_NAME = "Canary consultation"
DESCRIPTION = "canary description"


class Lines:
    """What was logged, as it is written in the deployment."""

    def __init__(self) -> None:
        self._stream = io.StringIO()
        self.handler = logging.StreamHandler(self._stream)
        self.handler.setFormatter(JsonLines())

    @property
    def text(self) -> str:
        return self._stream.getvalue()

    def all(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]

    def named(self, message: str) -> list[dict[str, Any]]:
        return [line for line in self.all() if line["message"] == message]


@pytest.fixture
def lines() -> Iterator[Lines]:
    """What the deployment would log, at its levels."""
    found, root = Lines(), logging.getLogger()
    before = (root.handlers[:], root.level)
    logs.configure_logs()
    root.handlers[:] = [found.handler]
    yield found
    root.handlers[:] = before[0]
    root.setLevel(before[1])


# --- the form -----------------------------------------------------------------------------------------------------


def test_a_request_is_one_line_with_these_fields_and_the_route_in_place_of_the_path(edge: Edge, lines: Lines) -> None:
    edge.get(f"/session/{edge.world.token(edge.world.schedule())}")
    [line] = lines.named("request")
    assert set(line) == {"at", "level", "logger", "message", "route", "method", "status", "ms", "request_id"}
    assert line["route"] == "/session/{token}"
    assert (line["method"], line["status"], line["request_id"]) == ("GET", 200, "request-1")
    assert (line["level"], line["logger"]) == ("INFO", "anteroom.http")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", line["at"])
    assert lines.text.count("\n") == 1


def test_an_event_of_stripes_is_one_line_with_its_id_and_what_became_of_it(edge: Edge, lines: Lines) -> None:
    body = json.dumps({"id": "evt_7", "type": "customer.created", "data": {"object": {"name": "Marigold"}}}).encode()
    header = {"Stripe-Signature": signature(WEBHOOK_SECRET, body, edge.world.clock())}
    edge.request("POST", "/stripe/webhook", body, header)
    [line] = lines.named("stripe_event")
    assert (line["event_id"], line["kind"], line["settled"]) == ("evt_7", "customer.created", "not_ours")
    assert "Marigold" not in lines.text


def test_a_failure_of_ours_is_one_line_more_that_says_where(clinic: Clinic, lines: Lines) -> None:
    world = clinic.edge.world
    broken: Any = Failing(world.sessions, RuntimeError("Marigold Canary"))
    world.context = replace(world.context, sessions=broken)
    assert clinic.read("019cae6b-6600-7d99-bf35-8c2e07187c00").status == 500
    [line] = lines.named("request_failed")
    assert (line["level"], line["error"], line["route"]) == ("ERROR", "RuntimeError", "/v1/sessions/{session_id}")
    assert any(frame.endswith(" read_session") for frame in line["stack"])
    assert "Marigold" not in lines.text


def test_an_outage_is_one_line_with_its_reason_and_no_stack(clinic: Clinic, lines: Lines) -> None:
    world = clinic.edge.world
    broken: Any = Failing(world.sessions, StoreUnavailableError("session 7: DynamoDB did not answer well"))
    world.context = replace(world.context, sessions=broken)
    assert clinic.read("019cae6b-6600-7d99-bf35-8c2e07187c00").status == 503
    [line] = lines.named("request_failed")
    assert line["reason"] == "session 7: DynamoDB did not answer well"
    assert "stack" not in line


def test_a_room_that_is_misconfigured_says_why_to_the_operator(lines: Lines) -> None:
    edge = Edge(World(settings_of({**SECRETS, "room": {"kind": "template", "url": "https://x.example/", "key": "k"}})))
    edge.post(f"/session/{edge.world.token(edge.world.schedule(), 1)}/join")
    [line] = lines.named("request_failed")
    assert line["reason"].startswith("the room template needs {token}")


def test_the_mistakes_of_callers_are_no_errors_of_ours(clinic: Clinic, lines: Lines) -> None:
    clinic.post("[")
    clinic.schedule({"fees": 1})
    clinic.read("x")
    assert [line["status"] for line in lines.named("request")] == [400, 422, 404]
    assert {line["level"] for line in lines.all()} == {"INFO"}


def test_a_stack_is_cut_to_its_innermost_frames() -> None:
    def deeper(left: int) -> None:
        if left:
            deeper(left - 1)
        raise ValueError(CANARIES["display_name"])

    with pytest.raises(ValueError, match="Marigold") as raised:
        deeper(300)
    told = (raised.type, raised.value, raised.tb)
    record = logging.LogRecord("anteroom", logging.ERROR, __file__, 1, "failed", None, told)
    line = json.loads(JsonLines().format(record))
    assert len(line["stack"]) == 30
    assert CANARIES["display_name"] not in json.dumps(line)


def test_whatever_a_field_holds_a_line_stays_one_line() -> None:
    record = logging.LogRecord("anteroom", logging.INFO, __file__, 1, "said", None, None)
    record.__dict__["field"] = "one\ntwo\u2028three\x00"
    record.__dict__["thing"] = object
    assert len(JsonLines().format(record).splitlines()) == 1


def test_ours_are_logged_from_info_and_the_libraries_from_warning() -> None:
    """Stripe's library logs parameters at INFO, and botocore requests at DEBUG."""
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    try:
        logs.configure_logs()
        assert [type(handler.formatter) for handler in root.handlers] == [JsonLines]
        assert not logging.getLogger("stripe").isEnabledFor(logging.INFO)
        assert not logging.getLogger("botocore").isEnabledFor(logging.INFO)
        assert logging.getLogger("anteroom.http").isEnabledFor(logging.INFO)
    finally:
        root.handlers[:] = before[0]
        root.setLevel(before[1])


# --- what is never in them ----------------------------------------------------------------------------------------


class Witness(Edge):
    """Keeps the problem details, beside what is logged. (A page is for whoever holds its link, and may name it.)"""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.errors: list[str] = []
        self.secrets: set[str] = set()

    def request(self, *args: Any, **named: Any) -> Reply:
        reply = super().request(*args, **named)
        if reply.status >= 400 and "json" in reply.headers["content-type"]:
            self.errors.append(reply.body)
        return reply


@pytest.fixture
def witness(world: World) -> Witness:
    return Witness(world)


def live(witness: Witness) -> None:
    """A whole life of one session, with everything that can be secret in it."""
    clinic = Clinic(witness)
    fee = {"amount": 8000, "currency": "aud", "description": DESCRIPTION}
    session = clinic.schedule({"role": "HOST", **CANARIES}, {**CANARIES, "fee": fee}, session_name=SESSION_NAME).json()
    link = path_of(session["participants"][1]["entry_url"])
    witness.secrets |= {
        clinic.client_secret,
        clinic.access_token,
        clinic.basic.partition(" ")[2],
        link.rpartition("/")[2],
    }
    witness.get(link)
    paying = witness.post(f"{link}/checkout")
    checkout = witness.world.stripe.find_checkout(paying.headers.get("location", "").rpartition("/")[2])
    if checkout is not None:
        back = path_of(checkout[0]["success_url"])
        witness.secrets |= {back.rpartition("/")[2]}
        witness.world.stripe.pay(checkout[0]["id"], CARD)
        witness.deliver_webhooks()
        witness.get(back, Cookie=paying.headers["set-cookie"].partition(";")[0])
    room = witness.post(f"{link}/join", Accept="application/json").json().get("url", "token=none")
    witness.secrets |= {room.rpartition("token=")[2]}
    witness.get(f"{link}/calendar.ics")
    clinic.read(session["session_id"])
    witness.run_schedule()


def stumble(witness: Witness) -> None:
    """The same secrets, in requests that go wrong."""
    clinic = Clinic(witness)
    clinic.ask_token(Authorization=f"Basic {CANARIES['display_name']}")
    clinic.ask_token(f"grant_type={clinic.client_secret}")
    clinic.post(json.dumps(CANARIES)[:-1])
    clinic.schedule({**CANARIES, "display_name": CANARIES["display_name"] * 50}, session_name=SESSION_NAME * 50)
    clinic.schedule({**CANARIES, "role": CANARIES["display_name"]}, start_time=CANARIES["display_name"])
    clinic.schedule({"fee": CANARIES["email"]}, {"fee": {"amount": CARD, "currency": CANARIES["email"]}})
    clinic.read(CANARIES["display_name"].replace(" ", ""))
    witness.get("/v1/sessions/x", Authorization=f"Bearer {clinic.access_token[:-3]}")
    witness.request("POST", "/stripe/webhook", json.dumps(CANARIES), {"Stripe-Signature": f"t=1,v1={WEBHOOK_SECRET}"})
    witness.secrets |= {clinic.client_secret, clinic.access_token[:-3], "Marigold"}


def never_told(witness: Witness, lines: Lines) -> None:
    keys = {STRIPE_KEY, WEBHOOK_SECRET, ROOM_KEY, CARD, *(SECRETS["link_keys"].values()), SECRETS["api_key"]}
    secrets = {*CANARIES.values(), SESSION_NAME, DESCRIPTION, *keys, *witness.secrets} - {"none"}
    told = lines.text + "\n".join(witness.errors)
    assert [secret for secret in secrets if secret in told] == []
    for line in lines.all():
        assert set(line) >= {"at", "level", "logger", "message"}
        assert re.fullmatch(r"[a-z_]+", line["message"]), "a constant message, with fields"


def test_nothing_secret_is_told_while_all_goes_well(witness: Witness, lines: Lines) -> None:
    live(witness)
    never_told(witness, lines)
    assert {line["status"] for line in lines.named("request")} == {200, 303}


def test_nothing_secret_is_told_when_callers_stumble(witness: Witness, lines: Lines) -> None:
    stumble(witness)
    never_told(witness, lines)
    assert len(witness.errors) == 9


@pytest.mark.parametrize("fault", ["timeout_before", "timeout_after", "500", "500_after", "429"])
def test_nothing_secret_is_told_when_stripe_fails(witness: Witness, lines: Lines, fault: str) -> None:
    witness.world.stripe.fail_next(fault, 3)
    live(witness)
    live(witness)
    never_told(witness, lines)


def test_nothing_secret_is_told_when_stripe_refuses(witness: Witness, lines: Lines) -> None:
    witness.world.stripe.set_minimum_charge("aud", 1_000_000)
    live(witness)
    never_told(witness, lines)


@pytest.mark.parametrize(
    "error",
    [StoreUnavailableError("session 7: throttled"), RuntimeError(CANARIES["display_name"])],
    ids=["down", "bug"],
)
@pytest.mark.parametrize("store", ["sessions", "teams", "entries"])
def test_nothing_secret_is_told_when_a_store_fails(
    witness: Witness, lines: Lines, store: str, error: Exception
) -> None:
    clinic = Clinic(witness)
    fee = {"amount": 8000, "currency": "aud"}
    session = clinic.schedule({"role": "HOST", **CANARIES}, {**CANARIES, "fee": fee}).json()
    links = [path_of(one["entry_url"]) for one in session["participants"]]
    world = witness.world
    broken: Any = Failing(getattr(world, store), error)
    changes: dict[str, Any] = {store: broken}
    world.context = replace(world.context, **changes)
    clinic.schedule(CANARIES)
    clinic.read(session["session_id"])
    for link in links:
        witness.get(link)
        witness.get(link, Accept="application/json")
        witness.post(f"{link}/checkout")
        witness.post(f"{link}/join")
    witness.secrets |= {clinic.access_token, *(link.rpartition("/")[2] for link in links)}
    assert lines.named("request_failed")
    never_told(witness, lines)
