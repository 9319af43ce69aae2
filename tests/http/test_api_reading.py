"""Read a session again: its links, its payment, and what is left out."""

from __future__ import annotations

from dataclasses import replace

from chalicelib.domain import sessions
from tests.support.clinic import Clinic, path_of
from tests.support.world import NOON

ISO_START = "2026-03-02T12:00:00.000Z"


def test_each_participants_entry_url_opens_their_own_page(clinic: Clinic) -> None:
    people = ({"role": "HOST", "display_name": "Dr Lee"}, {"display_name": "Sam"}, {"display_name": "Kim"})
    for participant in clinic.schedule(*people).json()["participants"]:
        reply = clinic.edge.get(path_of(participant["entry_url"]))
        assert reply.status == 200
        assert f"<dt>You are</dt>\n<dd><bdi>{participant['display_name']}</bdi>" in reply.body


def test_the_entry_url_never_changes_by_a_rotation_and_is_null_once_its_key_is_retired(clinic: Clinic) -> None:
    session = clinic.schedule({}).json()
    session_id, entry_url = session["session_id"], session["participants"][0]["entry_url"]
    world = clinic.edge.world
    keys = world.context.settings.link_keys

    def with_keys(*key_ids: int) -> None:
        kept = {key_id: bytes([key_id]) * 32 for key_id in key_ids}
        secrets = replace(world.context.settings.secrets, link_keys=type(keys)(kept, key_ids[-1]))
        world.context = replace(world.context, settings=replace(world.context.settings, secrets=secrets))

    with_keys(2, 7)
    assert clinic.read(session_id).json()["participants"][0]["entry_url"] == entry_url
    with_keys(7)
    assert clinic.read(session_id).json()["participants"][0]["entry_url"] is None
    assert clinic.edge.get(path_of(entry_url)).status == 404


def test_a_cancelled_session_is_read_only_when_asked_for(clinic: Clinic) -> None:
    session_id = clinic.schedule({}).json()["session_id"]
    world = clinic.edge.world
    stored = world.sessions.get(clinic.team.team_id, session_id)
    world.sessions.save(sessions.cancel(stored, now=NOON))
    assert clinic.read(session_id).status == 404
    for query in ("?include_canceled=false", "?include_canceled=0", "?include_canceled=FALSE", "?include_canceled="):
        assert clinic.read(session_id, query).status == 404
    for query in ("?include_canceled=true", "?include_canceled=1", "?include_canceled=True&colour=red"):
        read = clinic.read(session_id, query)
        assert read.status == 200
        assert read.json()["canceled_at"] == ISO_START
        assert read.json()["canceled_time"] == ISO_START


def test_a_removed_participant_is_left_out(clinic: Clinic) -> None:
    session = clinic.schedule({"display_name": "Sam"}, {"display_name": "Kim"}).json()
    world = clinic.edge.world
    stored = world.sessions.get(clinic.team.team_id, session["session_id"])
    world.sessions.save(sessions.remove(stored, 1, now=NOON))
    assert [one["display_name"] for one in clinic.read(session["session_id"]).json()["participants"]] == ["Kim"]


def test_a_session_id_is_found_in_upper_case_too(clinic: Clinic) -> None:
    session = clinic.schedule().json()
    assert clinic.read(session["session_id"].upper()).json() == session


def test_head_is_read_without_a_body(clinic: Clinic) -> None:
    session_id = clinic.schedule().json()["session_id"]
    reply = clinic.edge.request(
        "HEAD", f"/v1/sessions/{session_id}", headers={"Authorization": f"Bearer {clinic.access_token}"}
    )
    assert (reply.status, reply.body) == (200, "")


def test_a_get_may_carry_any_content_type(clinic: Clinic) -> None:
    session_id = clinic.schedule().json()["session_id"]
    headers = {"Authorization": f"Bearer {clinic.access_token}", "Content-Type": "text/x-strange; charset=klingon"}
    assert clinic.edge.request("GET", f"/v1/sessions/{session_id}", headers=headers).status == 200


def test_a_payment_shows_in_the_session(clinic: Clinic) -> None:
    edge, world = clinic.edge, clinic.edge.world
    session = clinic.schedule({"fee": {"amount": 8000, "currency": "aud"}}).json()
    link = path_of(session["participants"][0]["entry_url"])
    url = edge.post(f"{link}/checkout", Accept="application/json").json()["url"]
    world.clock.advance(seconds=90)
    world.stripe.pay(url.rpartition("/")[2])
    assert edge.deliver_webhooks() > 0
    payment = clinic.read(session["session_id"]).json()["participants"][0]["payment"]
    assert payment.pop("receipt_url").startswith("https://pay.example/")
    [charge] = payment.pop("charges")
    assert charge == {
        "charge_id": world.charges()[0]["id"],
        "amount": 8000,
        "currency": "aud",
        "paid_at": "2026-03-02T12:01:30.000Z",
        "goes_back": None,
        "dispute": None,
        "refunds": [],
    }
    assert payment == {
        "status": "paid",
        "amount_paid": 8000,
        "amount_refunded": 0,
        "currency": "aud",
        "paid_at": "2026-03-02T12:01:30.000Z",
        "attention": None,
        "may_settle_late": False,
    }
