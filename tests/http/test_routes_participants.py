"""Participants under their own addresses, from being added to a new link; and that a POST with a key is made once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

import app as deployed
from chalicelib.flows.enrol import add_client
from tests.support.clinic import Clinic, basic, fields_of, fingerprint, path_of
from tests.support.edge import Reply
from tests.support.seam import Io

UNKNOWN = "019cae6b-6600-7d99-bf35-8c2e07187c00"
FEE = {"amount": 8000, "currency": "aud"}


@dataclass
class Scheduled:
    """A session with a host and a guest who owes 80.00 AUD, and the addresses of it all."""

    clinic: Clinic
    session_id: str
    host: str
    guest: str

    @property
    def participants(self) -> str:
        return f"/v1/sessions/{self.session_id}/participants"

    def read(self) -> dict[str, Any]:
        """The guest, as GET answers them."""
        found: dict[str, Any] = self.clinic.ask("GET", self.guest).json()
        return found

    def change(self, **fields: object) -> Reply:
        return self.clinic.ask("PUT", self.guest, fields)

    def press_pay(self) -> str:
        """The client presses "Pay": the Checkout Session that they are sent to."""
        reply = self.clinic.edge.post(f"{path_of(self.read()['entry_url'])}/checkout", Accept="application/json")
        return str(reply.json()["url"]).rpartition("/")[2]

    def pay(self) -> None:
        self.clinic.edge.world.stripe.pay(self.press_pay())
        self.clinic.edge.deliver_webhooks()


@pytest.fixture
def scheduled(clinic: Clinic) -> Scheduled:
    session = clinic.schedule({"display_name": "Dr Who", "role": "host"}, {"display_name": "Mary", "fee": FEE}).json()
    host, guest = (f"/v1/participants/{one['participant_id']}" for one in session["participants"])
    return Scheduled(clinic, session["session_id"], host, guest)


# --- list and add -------------------------------------------------------------------------------------------------


def test_the_list_is_a_plain_array_in_the_order_they_were_added(clinic: Clinic, scheduled: Scheduled) -> None:
    added = clinic.ask("POST", scheduled.participants, {"display_name": "Ann", "role": "participant"}).json()
    listed = clinic.ask("GET", scheduled.participants)
    assert listed.status == 200
    assert [(one["display_name"], one["role"]) for one in listed.json()] == [
        ("Dr Who", "HOST"),
        ("Mary", "GUEST"),
        ("Ann", "PARTICIPANT"),
    ]
    assert listed.json()[2] == added


def test_an_added_participant_has_an_address_a_tag_and_a_link_that_opens(clinic: Clinic, scheduled: Scheduled) -> None:
    reply = clinic.ask("POST", scheduled.participants, {"display_name": "Ann", "fee": FEE})
    added = reply.json()
    assert reply.status == 200
    assert reply.headers["location"] == f"https://anteroom.example/v1/participants/{added['participant_id']}"
    assert (added["role"], added["session_id"], added["client_id"]) == (
        "GUEST",
        scheduled.session_id,
        clinic.client_id,
    )
    assert added["fee"] == {"amount": 8000, "currency": "aud", "description": None, "payee": None}
    assert added["payment"]["status"] == "unpaid"
    read = clinic.ask("GET", path_of(reply.headers["location"]))
    assert (read.json(), read.headers["etag"]) == (added, reply.headers["etag"])
    assert clinic.edge.get(path_of(added["entry_url"]), Accept="application/json").json()["status"] == "pay"


@pytest.mark.parametrize(
    ("wish", "field", "message"),
    [
        ({"fee": "80"}, "fee", '{"amount"'),
        ({"fee": "80.00"}, "fee", '{"amount"'),
        ({"fees": FEE}, "fees", "check its spelling"),
        ({"fee": {**FEE, "ammount": 1}}, "fee.ammount", "check its spelling"),
        ({"fee": {"amount": 10, "currency": "aud"}}, "fee.amount", "1.00 AUD"),
        ({"role": "owner"}, "role", "HOST"),
        ({"display_name": "x" * 256}, "display_name", "at most 255 characters; 256 were sent"),
    ],
)
def test_what_cannot_be_kept_is_422_that_names_the_field_and_writes_nothing(
    clinic: Clinic, scheduled: Scheduled, wish: dict[str, object], field: str, message: str
) -> None:
    before = fingerprint(clinic.edge.world)
    for reply in (clinic.ask("POST", scheduled.participants, wish), scheduled.change(**wish)):
        assert reply.status == 422
        assert fields_of(reply) == [field]
        assert message in reply.json()["errors"][0]["message"]
    assert fingerprint(clinic.edge.world) == before


def test_the_51st_participant_is_one_too_many(clinic: Clinic) -> None:
    session = clinic.schedule(*({"display_name": str(number)} for number in range(49))).json()
    path = f"/v1/sessions/{session['session_id']}/participants"
    assert clinic.ask("POST", path, {}).status == 200
    before = fingerprint(clinic.edge.world)
    reply = clinic.ask("POST", path, {})
    assert (reply.status, fields_of(reply)) == (422, ["participants"])
    assert "50" in reply.json()["errors"][0]["message"]
    assert fingerprint(clinic.edge.world) == before


def test_nobody_is_added_after_the_end_or_to_a_cancelled_session(clinic: Clinic, scheduled: Scheduled) -> None:
    later = clinic.schedule(start_time="2026-03-02T14:00:00Z", end_time="2026-03-02T15:00:00Z").json()["session_id"]
    assert clinic.ask("DELETE", f"/v1/sessions/{later}").status == 200
    clinic.edge.world.clock.advance(minutes=30)
    over = clinic.ask("POST", scheduled.participants, {})
    canceled = clinic.ask("POST", f"/v1/sessions/{later}/participants", {})
    assert (over.status, over.json()["detail"]) == (409, "the session is over")
    assert (canceled.status, canceled.json()["detail"][:24]) == (409, "the session is cancelled")


# --- change -------------------------------------------------------------------------------------------------------


def test_what_is_absent_stays_as_it_is_and_so_does_a_fee_of_null(scheduled: Scheduled) -> None:
    before = scheduled.read()
    reply = scheduled.change(phone="+61 400 000 000", fee=None)
    assert reply.status == 200
    assert reply.json() == {**before, "phone": "+61 400 000 000"}
    assert scheduled.read() == reply.json()


def test_a_put_of_exactly_what_get_returned_writes_nothing(clinic: Clinic, scheduled: Scheduled) -> None:
    read = clinic.ask("GET", scheduled.guest)
    before = fingerprint(clinic.edge.world)
    reply = clinic.ask("PUT", scheduled.guest, read.json())
    assert (reply.status, reply.json()) == (200, read.json())
    assert reply.headers["etag"] == read.headers["etag"]
    assert fingerprint(clinic.edge.world) == before


def test_another_fee_closes_the_open_checkout_first_so_the_former_fee_cannot_be_paid(scheduled: Scheduled) -> None:
    world = scheduled.clinic.edge.world
    first = scheduled.press_pay()
    assert len(world.open_checkouts()) == 1
    reply = scheduled.change(fee={"amount": 9000, "currency": "aud"})
    assert (reply.status, reply.json()["fee"]["amount"]) == (200, 9000)
    assert world.open_checkouts() == []
    assert scheduled.press_pay() != first
    assert [one["amount_total"] for one in world.open_checkouts()] == [9000]


def test_when_stripe_does_not_answer_the_fee_is_not_changed(scheduled: Scheduled) -> None:
    world = scheduled.clinic.edge.world
    scheduled.press_pay()
    world.stripe.fail_next("timeout_before", 100)
    reply = scheduled.change(fee={"amount": 9000, "currency": "aud"})
    assert (reply.status, reply.headers["retry-after"]) == (503, "3")
    assert scheduled.read()["fee"]["amount"] == 8000


def test_a_fee_that_is_paid_is_not_changed_but_all_else_is(scheduled: Scheduled) -> None:
    world = scheduled.clinic.edge.world
    scheduled.pay()
    paid = scheduled.read()
    assert (paid["payment"]["status"], paid["payment"]["amount_paid"]) == ("paid", 8000)
    before = fingerprint(world)
    reply = scheduled.change(fee={"amount": 9000, "currency": "aud"})
    assert reply.status == 409
    assert "refund" in reply.json()["detail"]
    assert fingerprint(world) == before
    assert scheduled.change(**{**paid, "display_name": "Mary Smith"}).json() == {**paid, "display_name": "Mary Smith"}


# --- remove -------------------------------------------------------------------------------------------------------


def test_one_who_was_removed_is_404_and_shown_only_when_asked_for(clinic: Clinic, scheduled: Scheduled) -> None:
    link = path_of(scheduled.read()["entry_url"])
    reply = clinic.ask("DELETE", scheduled.guest)
    assert (reply.status, reply.json()) == (200, {"ok": True})
    assert clinic.ask("GET", scheduled.guest).status == 404
    assert clinic.edge.get(link, Accept="application/json").status == 410
    assert len(clinic.ask("GET", scheduled.participants).json()) == 1
    gone = clinic.ask("GET", f"{scheduled.guest}?deleted_participants=TRUE").json()
    assert (gone["deleted_at"], gone["display_name"]) == ("2026-03-02T12:00:00.000Z", None)
    assert clinic.ask("GET", f"{scheduled.participants}?deleted_participants=1").json()[1] == gone
    session = clinic.read(scheduled.session_id, "?deleted_participants=true").json()
    assert session["participants"][1] == gone


def test_removing_again_is_silent_and_writes_nothing(clinic: Clinic, scheduled: Scheduled) -> None:
    clinic.ask("DELETE", scheduled.guest)
    before = fingerprint(clinic.edge.world)
    assert clinic.ask("DELETE", scheduled.guest).json() == {"ok": True}
    assert fingerprint(clinic.edge.world) == before


@pytest.mark.parametrize(("query", "given_back"), [("", [8000]), ("?refund=full", [8000]), ("?refund=none", [])])
def test_who_is_removed_gets_their_money_back_unless_it_is_kept(
    clinic: Clinic, scheduled: Scheduled, query: str, given_back: list[int]
) -> None:
    scheduled.pay()
    clinic.edge.world.clock.advance(minutes=1)
    assert clinic.ask("DELETE", scheduled.guest + query).status == 200
    assert [one["amount"] for one in clinic.edge.world.refunds()] == given_back


def test_a_refund_of_another_word_is_422_and_removes_nobody(clinic: Clinic, scheduled: Scheduled) -> None:
    reply = clinic.ask("DELETE", f"{scheduled.guest}?refund=half")
    assert (reply.status, fields_of(reply)) == (422, ["refund"])
    assert scheduled.read()["deleted_at"] is None


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "POST"])
@pytest.mark.parametrize("participant_id", [UNKNOWN, f"{UNKNOWN[:-2]}07", "x", "%00", "0" * 3000])
def test_an_id_that_nobody_has_is_404(clinic: Clinic, scheduled: Scheduled, method: str, participant_id: str) -> None:
    before = fingerprint(clinic.edge.world)
    path = f"/v1/participants/{participant_id}" + ("/link" if method == "POST" else "")
    assert clinic.ask(method, path, {} if method == "PUT" else None).status == 404
    beyond = scheduled.guest[:-2] + "63" + ("/link" if method == "POST" else "")
    assert clinic.ask(method, beyond, {} if method == "PUT" else None).status == 404
    assert fingerprint(clinic.edge.world) == before


@pytest.mark.parametrize(("method", "more"), [("PUT", ""), ("POST", "/link")])
def test_one_who_was_removed_is_neither_changed_nor_given_a_link(
    clinic: Clinic, scheduled: Scheduled, method: str, more: str
) -> None:
    clinic.ask("DELETE", scheduled.guest)
    assert clinic.ask(method, scheduled.guest + more, {}).status == 404


def test_a_change_of_an_older_version_is_412_and_of_this_one_is_made(clinic: Clinic, scheduled: Scheduled) -> None:
    tag = clinic.ask("GET", scheduled.guest).headers["etag"]
    assert clinic.ask("PUT", scheduled.guest, {"phone": "1"}, If_Match=tag).status == 200
    before = fingerprint(clinic.edge.world)
    assert clinic.ask("PUT", scheduled.guest, {"phone": "2"}, If_Match=tag).status == 412
    assert clinic.ask("DELETE", scheduled.guest, If_Match=tag).status == 412
    assert fingerprint(clinic.edge.world) == before


# --- a new link ---------------------------------------------------------------------------------------------------


def test_a_renewed_link_opens_and_the_old_one_is_dead(clinic: Clinic, scheduled: Scheduled) -> None:
    before = scheduled.read()
    renewed = clinic.ask("POST", f"{scheduled.guest}/link")
    assert renewed.status == 200
    assert renewed.json() == {**before, "entry_url": renewed.json()["entry_url"]}
    assert clinic.edge.get(path_of(before["entry_url"]), Accept="application/json").status == 404
    assert clinic.edge.get(path_of(renewed.json()["entry_url"]), Accept="application/json").status == 200


# --- Idempotency-Key ----------------------------------------------------------------------------------------------

BODIES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "/v1/sessions": (
        {"start_time": "2026-03-02T12:00:00Z", "end_time": "2026-03-02T13:00:00Z"},
        {"start_time": "2026-03-02T12:00:00Z", "end_time": "2026-03-02T14:00:00Z"},
    ),
    "/v1/sessions/{session_id}/participants": ({"display_name": "Ann"}, {"display_name": "Bob"}),
    "/v1/participants/{participant_id}/link": ({}, {"again": True}),
}
"""Every authenticated POST: a body, and another one."""
MONEY = {f"/v1/participants/{{participant_id}}/{act}" for act in ("refund", "charge-again", "waive")}
"""These have their own tests: what they do can be done once, or not at all."""

ACCOUNTS = {"/v1/stripe/connect"}
"""Asked again, it gives another way to the same: nothing is made by it that could be made twice."""

POSTS = pytest.mark.parametrize("route", BODIES)


def address(scheduled: Scheduled, route: str) -> str:
    participant_id = scheduled.guest.rpartition("/")[2]
    return route.format(session_id=scheduled.session_id, participant_id=participant_id)


def post(scheduled: Scheduled, route: str, key: str = "key-1", *, other: bool = False) -> Reply:
    return scheduled.clinic.ask("POST", address(scheduled, route), BODIES[route][other], Idempotency_Key=key)


def test_every_authenticated_post_is_here() -> None:
    posts = {
        path for path, handlers in deployed.routes.paths().items() if path.startswith("/v1/") and "POST" in handlers
    }
    assert posts == {*BODIES, *MONEY, *ACCOUNTS, "/v1/auth/token"}


@POSTS
def test_the_same_post_six_times_has_one_effect_and_one_answer(scheduled: Scheduled, route: str) -> None:
    first = post(scheduled, route)
    after = fingerprint(scheduled.clinic.edge.world)
    assert first.status == 200
    assert "idempotent-replayed" not in first.headers
    for _ in range(5):
        again = post(scheduled, route)
        assert (again.status, again.body) == (200, first.body)
        assert again.headers == {**first.headers, "idempotent-replayed": "true"}
    assert fingerprint(scheduled.clinic.edge.world) == after


@POSTS
def test_the_key_with_another_body_is_422_and_has_no_effect(scheduled: Scheduled, route: str) -> None:
    post(scheduled, route)
    after = fingerprint(scheduled.clinic.edge.world)
    reply = post(scheduled, route, other=True)
    assert (reply.status, reply.json()["detail"][:24]) == (422, "this Idempotency-Key was")
    assert fingerprint(scheduled.clinic.edge.world) == after


@POSTS
def test_while_the_first_is_at_work_the_second_is_409_and_told_when_to_come_again(
    scheduled: Scheduled, route: str
) -> None:
    meanwhile: list[Reply] = []
    effects = {"sessions.create", "sessions.save"}

    def ask_again(io: Io) -> None:
        if io.name in effects and not meanwhile:
            meanwhile.append(post(scheduled, route))

    with scheduled.clinic.edge.world.seam.armed(before=ask_again):
        first = post(scheduled, route)
    assert (first.status, [one.status for one in meanwhile]) == (200, [409])
    assert 1 <= int(meanwhile[0].headers["retry-after"]) <= 60
    assert post(scheduled, route).body == first.body


@POSTS
@pytest.mark.parametrize("key", ["", "k" * 256, "caf\u00e9", "a\tb"])
def test_a_key_that_is_none_is_422_and_has_no_effect(scheduled: Scheduled, route: str, key: str) -> None:
    before = fingerprint(scheduled.clinic.edge.world)
    reply = post(scheduled, route, key)
    assert (reply.status, fields_of(reply)) == (422, ["Idempotency-Key"])
    assert fingerprint(scheduled.clinic.edge.world) == before
    assert post(scheduled, route, "k" * 255).status == 200


@POSTS
def test_after_24_hours_the_key_is_free_again(scheduled: Scheduled, route: str) -> None:
    clinic, world = scheduled.clinic, scheduled.clinic.edge.world
    times = {"start_time": "2026-03-04T12:00:00Z", "end_time": "2026-03-04T13:00:00Z"}
    assert clinic.ask("PUT", f"/v1/sessions/{scheduled.session_id}", times).status == 200
    body = {**BODIES[route][0], **(times if route == "/v1/sessions" else {})}

    def sent() -> Reply:
        return clinic.ask("POST", address(scheduled, route), body, Idempotency_Key="key-1")

    first = sent()
    world.clock.advance(hours=23, minutes=59)
    clinic.access_token = str(clinic.ask_token().json()["access_token"])
    assert sent().headers["idempotent-replayed"] == "true"
    world.clock.advance(minutes=1)
    again = sent()
    assert "idempotent-replayed" not in again.headers
    assert again.status == 200
    assert again.body != first.body


@POSTS
def test_a_key_means_nothing_to_another_client_of_the_team(scheduled: Scheduled, route: str) -> None:
    clinic = scheduled.clinic
    post(scheduled, route)
    before = fingerprint(clinic.edge.world)
    second = add_client(clinic.edge.world.ctx, clinic.team.team_id)
    told = clinic.ask_token(Authorization=basic(second.client_id, second.client_secret)).json()
    clinic.access_token = told["access_token"]
    reply = post(scheduled, route)
    assert reply.status == 200
    assert "idempotent-replayed" not in reply.headers
    assert fingerprint(clinic.edge.world) != before


def test_one_key_serves_every_route_and_every_participant(scheduled: Scheduled) -> None:
    for route in BODIES:
        reply = post(scheduled, route)
        assert (reply.status, reply.headers.get("idempotent-replayed")) == (200, None)
    host = scheduled.clinic.ask("POST", f"{scheduled.host}/link", {}, Idempotency_Key="key-1")
    assert (host.status, host.headers.get("idempotent-replayed")) == (200, None)


def test_a_refused_request_leaves_its_key_free_for_the_corrected_one(scheduled: Scheduled) -> None:
    path = scheduled.participants
    refused = scheduled.clinic.ask("POST", path, {"fee": "80"}, Idempotency_Key="key-1")
    made = scheduled.clinic.ask("POST", path, {"fee": FEE}, Idempotency_Key="key-1")
    assert (refused.status, made.status) == (422, 200)
