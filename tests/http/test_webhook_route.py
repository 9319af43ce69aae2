"""The webhook of the deployment's own account: who signed it, how old it is, and what 200 promises."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from chalicelib.storage.stores import ConflictError, StoreUnavailableError, UnreadableError
from sandbox.stripe_standin.deliveries import signature
from tests.fakes.failing import Failing
from tests.http.doors import Visitor, paid, unpaid
from tests.support.clinic import fingerprint
from tests.support.edge import Edge, Reply
from tests.support.world import NOON, SECRETS, WEBHOOK_SECRET, World, settings_of

COMPLETED = "checkout.session.completed"


def post(edge: Edge, body: bytes, header: str) -> Reply:
    return edge.request("POST", "/stripe/webhook", body, {"Stripe-Signature": header} if header else {})


def signed(edge: Edge, body: bytes, secret: str = WEBHOOK_SECRET) -> Reply:
    return post(edge, body, signature(secret, body, edge.world.clock()))


def paid_elsewhere(edge: Edge) -> tuple[Visitor, bytes]:
    """A client who has paid, and the event that says so, which has not arrived."""
    visitor = unpaid(edge)
    visitor.pay()
    edge.world.stripe.set_webhooks("hold")
    edge.world.stripe.pay(visitor.checkout_session_id())
    [body] = [one.body for one in edge.world.stripe.deliveries if one.event_type == COMPLETED]
    return visitor, body


def test_a_signed_event_is_kept_and_the_client_may_enter(edge: Edge) -> None:
    visitor, body = paid_elsewhere(edge)
    reply = signed(edge, body)
    assert (reply.status, reply.json()) == (200, {"settled": "kept"})
    assert visitor.open("application/json").json()["status"] == "join"


def test_the_same_event_again_is_200_and_changes_nothing(edge: Edge) -> None:
    _, body = paid_elsewhere(edge)
    signed(edge, body)
    before = fingerprint(edge.world)
    for _ in range(3):
        reply = signed(edge, body)
        assert (reply.status, reply.json()) == (200, {"settled": "known"})
    assert fingerprint(edge.world) == before


def old(moment: datetime, body: bytes) -> str:
    return signature(WEBHOOK_SECRET, body, moment)


NOW = int(NOON.timestamp())


def forged_headers(body: bytes) -> dict[str, str]:
    good = signature(WEBHOOK_SECRET, body, NOON)
    tag = good.partition("v1=")[2]
    hour_ago = old(NOON - timedelta(hours=1), body)
    stale = hour_ago.partition("v1=")[2]
    return {
        "none": "",
        "nonsense": "nonsense",
        "no tag": f"t={NOW}",
        "no time": f"v1={tag}",
        "an empty tag": f"t={NOW},v1=",
        "the test scheme alone": f"t={NOW},v0={tag}",
        "another secret": signature("whsec_of_another", body, NOON),
        "an empty secret": signature("", body, NOON),
        "another time": f"t={NOW + 1},v1={tag}",
        "one digit changed": f"t={NOW},v1={'0' if tag[0] != '0' else '1'}{tag[1:]}",
        "a character that is not ASCII": f"t={NOW},v1=\u00e9",
        "an hour old": hour_ago,
        "301 s old": old(NOON - timedelta(seconds=301), body),
        "301 s ahead": old(NOON + timedelta(seconds=301), body),
        "a day ahead": old(NOON + timedelta(days=1), body),
        "an old one with a fresh time behind it": f"{hour_ago},t={NOW}",
        "an old one with a fresh time before it": f"t={NOW},{hour_ago}",
        "an old one that our clock and the library's reader take differently": f"t=+{NOW - 3600},t={NOW},v1={stale}",
        "an old one with spaces": f"t= {NOW - 3600},t={NOW},v1={stale}",
        "a time of 5,000 digits": f"t={'1' * 5000},v1={tag}",
        "a negative time": f"t=-{NOW},v1={tag}",
    }


@pytest.mark.parametrize("name", forged_headers(b""))
def test_what_stripe_did_not_sign_just_now_is_400_and_costs_nothing(edge: Edge, name: str) -> None:
    visitor, body = paid_elsewhere(edge)
    before = fingerprint(edge.world)
    down: Any = Failing(edge.world.sessions, StoreUnavailableError("nothing may be read"))
    edge.world.context = replace(edge.world.context, sessions=down)
    reply = post(edge, body, forged_headers(body)[name])
    assert reply.status == 400
    assert reply.json()["detail"] == "the signature does not prove that Stripe sent this"
    assert visitor.session.session_id not in reply.body
    assert fingerprint(edge.world) == before


@pytest.mark.parametrize("seconds", [-300, 0, 300])
def test_five_minutes_of_difference_between_clocks_are_forgiven(edge: Edge, seconds: int) -> None:
    _, body = paid_elsewhere(edge)
    moment = edge.world.clock() + timedelta(seconds=seconds)
    assert post(edge, body, signature(WEBHOOK_SECRET, body, moment)).status == 200


def test_while_secrets_are_changed_either_signs() -> None:
    edge = Edge(World(settings_of({**SECRETS, "stripe_webhook_secrets": ["whsec_old", WEBHOOK_SECRET, "whsec_new"]})))
    _, body = paid_elsewhere(edge)
    for secret in ("whsec_old", "whsec_new"):
        assert signed(edge, body, secret).status == 200
    assert signed(edge, body, "whsec_older").status == 400


def test_one_changed_byte_of_the_body_breaks_the_signature(edge: Edge) -> None:
    _, body = paid_elsewhere(edge)
    header = signature(WEBHOOK_SECRET, body, NOON)
    assert post(edge, body.replace(b"8000", b"8001"), header).status == 400
    assert post(edge, body + b" ", header).status == 400


@pytest.mark.parametrize("body", [b"\xff\xfe", b"{", b"[]", b"null", b"[" * 990, b"x" * 1_000_000])
def test_a_signed_body_that_is_no_event_is_400(edge: Edge, body: bytes) -> None:
    assert signed(edge, body).status == 400


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"id": "evt_1", "type": "customer.created", "data": {"object": {"id": "cus_1"}}},
        {"id": "evt_1", "type": COMPLETED},
        {"id": "evt_1", "type": COMPLETED, "data": None},
        {"id": "evt_1", "type": COMPLETED, "data": {"object": []}},
        {"id": "evt_1", "type": COMPLETED, "data": {"object": {"metadata": None}}},
        {"id": 5, "type": None, "data": {"object": {}}, "livemode": 0, "account": 7},
    ],
)
def test_an_event_that_is_none_of_our_business_is_200_and_ignored(edge: Edge, content: dict[str, Any]) -> None:
    before = fingerprint(edge.world)
    reply = signed(edge, json.dumps(content).encode())
    assert (reply.status, reply.json()) == (200, {"settled": "not_ours"})
    assert fingerprint(edge.world) == before


def changed(body: bytes, change: Callable[[dict[str, Any]], object]) -> bytes:
    event: dict[str, Any] = json.loads(body)
    change(event)
    return json.dumps(event).encode()


def test_an_event_of_the_other_mode_is_200_and_ignored(edge: Edge) -> None:
    _, body = paid_elsewhere(edge)
    before = fingerprint(edge.world)
    reply = signed(edge, changed(body, lambda event: event.update(livemode=True)))
    assert (reply.status, reply.json()) == (200, {"settled": "other_mode"})
    assert fingerprint(edge.world) == before


def test_an_event_of_another_account_pays_for_nobody(edge: Edge) -> None:
    visitor, body = paid_elsewhere(edge)
    assert signed(edge, changed(body, lambda event: event.update(account="acct_1Foreign"))).status == 200
    assert visitor.open("application/json").json()["can_join"] is False


def test_an_event_of_a_session_that_is_gone_is_200(edge: Edge) -> None:
    _, body = paid_elsewhere(edge)
    edge.world.sessions._items.clear()
    assert signed(edge, body).json() == {"settled": "no_session"}


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (StoreUnavailableError("throttled"), 503),
        (ConflictError("others"), 409),
        (UnreadableError("broken"), 500),
        (RuntimeError("unforeseen"), 500),
    ],
)
def test_what_could_not_be_kept_is_no_200_and_stripe_delivers_it_again(
    edge: Edge, error: Exception, status: int
) -> None:
    visitor, body = paid_elsewhere(edge)
    working = edge.world.context
    down: Any = Failing(edge.world.sessions, error)
    edge.world.context = replace(working, sessions=down)
    assert signed(edge, body).status == status
    edge.world.context = working
    assert visitor.open("application/json").json()["status"] == "pay"
    assert signed(edge, body).json() == {"settled": "kept"}
    assert visitor.open("application/json").json()["status"] == "join"


def test_stripe_may_be_silent_while_its_own_events_arrive(edge: Edge) -> None:
    visitor, body = paid_elsewhere(edge)
    edge.world.stripe.fail_next("timeout_before", 100)
    assert signed(edge, body).json() == {"settled": "kept"}
    assert visitor.join().status == 303


def test_a_refund_that_names_no_session_waits_for_stripe_to_say_whose_it_is(edge: Edge) -> None:
    visitor = paid(edge)
    edge.world.stripe.set_webhooks("hold")
    [account] = edge.world.stripe.snapshot()["accounts"]
    edge.world.stripe.refund_in_dashboard(account["charges"][0]["id"])
    [body] = [one.body for one in edge.world.stripe.deliveries if one.event_type == "refund.created"]
    edge.world.stripe.fail_next("timeout_before", 100)
    assert signed(edge, body).status == 503
    edge.world.stripe.clear_faults()
    assert signed(edge, body).json() == {"settled": "kept"}
    assert visitor.open("application/json").json()["status"] == "refunded"


def test_an_event_that_fails_for_reasons_of_its_own_is_200_at_the_fifth_time_and_others_flow(edge: Edge) -> None:
    visitor, body = paid_elsewhere(edge)
    strange = changed(body, lambda event: event["data"]["object"].update(amount_total="80.00"))
    answers = []
    for _ in range(6):
        reply = signed(edge, strange)
        answers.append((reply.status, reply.json().get("settled")))
        edge.world.clock.advance(minutes=1)
    assert answers == [(503, None)] * 4 + [(200, "parked")] * 2
    assert visitor.open("application/json").json()["status"] == "pay"
    assert signed(edge, body).json() == {"settled": "kept"}
    assert visitor.open("application/json").json()["status"] == "join"
    assert list(edge.world.parked_events.all()) == []
