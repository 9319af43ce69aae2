"""Webhook events: who sent one is proven before anything is read, and what lacks a field never becomes a wrong fact."""

from __future__ import annotations

import copy
import hashlib
import hmac
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.facts import ChargeSeen, CheckoutSeen, DisputeSeen, RefundSeen
from chalicelib.gateways.stripe_events import (
    CHARGE_EVENTS,
    CHECKOUT_EVENTS,
    DISPUTE_EVENTS,
    PAYMENT_EVENTS,
    REFUND_EVENTS,
    BadSignatureError,
    Event,
    read_event,
)
from chalicelib.gateways.stripe_objects import StrangeObjectError
from tests.support.world import World

NOW = 1_772_452_800
SECRET = "whsec_present"
BODY = b'{"id": "evt_1", "type": "some.event", "livemode": false, "data": {"object": {}}}'


def _signature(body: bytes, secret: str = SECRET, stamped: str = str(NOW), number: int = NOW) -> str:
    digest = hmac.new(secret.encode(), b"%d.%s" % (number, body), hashlib.sha256).hexdigest()
    return f"t={stamped},v1={digest}"


def _signed_at(seconds: int) -> str:
    return _signature(BODY, stamped=str(NOW + seconds), number=NOW + seconds)


def _read(body: bytes, *secrets: str) -> Event:
    return read_event(body, _signature(body), secrets or (SECRET,), NOW)


# --- signatures ---------------------------------------------------------------------------------------------------


def test_a_signed_event_is_read() -> None:
    assert _read(BODY) == Event("evt_1", "some.event", livemode=False, stripe_account_id=None)


@pytest.mark.parametrize("secrets", [("whsec_new", SECRET), (SECRET, "whsec_new")])
def test_during_a_rotation_either_secret_proves_the_sender(secrets: tuple[str, str]) -> None:
    assert read_event(BODY, _signature(BODY), secrets, NOW).event_id == "evt_1"


def test_one_good_signature_among_several_is_enough() -> None:
    """While its secret is being rolled, Stripe signs with both."""
    good = _signature(BODY).partition("v1=")[2]
    assert read_event(BODY, f"t={NOW},v1={'0' * 64},v1={good},v0=x", [SECRET], NOW).event_id == "evt_1"


@pytest.mark.parametrize("seconds", [-300, 0, 300])
def test_a_delivery_of_the_last_five_minutes_is_taken(seconds: int) -> None:
    assert read_event(BODY, _signed_at(seconds), [SECRET], NOW).event_id == "evt_1"


@pytest.mark.parametrize("seconds", [-86_400, -301, 301, 86_400])
def test_an_old_or_future_delivery_is_refused(seconds: int) -> None:
    with pytest.raises(BadSignatureError):
        read_event(BODY, _signed_at(seconds), [SECRET], NOW)


OLD = NOW - 86_400
HEADERS = {
    "empty": "",
    "no timestamp": _signature(BODY).partition(",")[2],
    "no signature": f"t={NOW}",
    "another scheme": _signature(BODY).replace("v1=", "v0="),
    "another secret": _signature(BODY, "whsec_other"),
    "another body": _signature(BODY + b" "),
    "a timestamp that was not signed": _signature(BODY, stamped=str(NOW + 1)),
    "not a number": _signature(BODY, stamped="now"),
    "a very large number": _signature(BODY, stamped="9" * 400),
    "not ASCII": f"t={NOW},v1=\xe9\xe9",
    "not ASCII, and a timestamp in other digits": f"t=\u0661,t={NOW},v1=00",
    "an old delivery, with a second timestamp": f"{_signature(BODY, number=OLD, stamped=f'+{OLD}')},t={NOW}",
    "an old delivery, behind a second timestamp": f"t={NOW},{_signature(BODY, number=OLD, stamped=str(OLD))}",
    "an old delivery, its timestamp spelt otherwise": f"t=0{OLD // 10}_{OLD % 10},t={NOW},"
    + _signature(BODY, number=OLD).partition(",")[2],
    "very long": "v1=0," * 10_000 + f"t={NOW}",
}


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS)
def test_a_header_that_proves_nothing_is_refused(header: str) -> None:
    with pytest.raises(BadSignatureError):
        read_event(BODY, header, [SECRET], NOW)


@pytest.mark.parametrize("secrets", [(), ("",), (" ",)])
def test_without_a_secret_nothing_is_proven(secrets: tuple[str, ...]) -> None:
    """Seen elsewhere: the signature was verified only if a secret was configured."""
    for secret in ("", " "):
        with pytest.raises(BadSignatureError):
            read_event(BODY, _signature(BODY, secret), secrets, NOW)


BODIES = {
    "nothing": b"",
    "not UTF-8": b'{"id": "\xff"}',
    "UTF-16": BODY.decode().encode("utf-16"),
    "half a document": BODY[:20],
    "a list": b"[]",
    "a number": b"1",
    "a number of 5,000 digits": b'{"id": ' + b"1" * 5000 + b"}",
    "nested 100,000 deep": b"[" * 100_000,
    "objects nested 50,000 deep": b'{"a":' * 50_000,
    "a megabyte": b'{"id": "' + b"x" * 1_048_576 + b'"}',
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_a_body_that_is_no_event_is_refused_however_well_it_is_signed(body: bytes) -> None:
    with pytest.raises(BadSignatureError):
        _read(body)


def test_why_a_delivery_was_refused_is_not_said() -> None:
    with pytest.raises(BadSignatureError) as raised:
        read_event(b'{"id": "Xanthippe"', "t=0", [SECRET], NOW)
    assert str(raised.value) == ""
    assert raised.value.__cause__ is None


SHAPES: list[dict[str, Any]] = [
    {},
    {"type": None, "data": None},
    {"type": "charge.succeeded", "data": []},
    {"type": "charge.succeeded", "data": {"object": []}},
    {"type": ["charge.succeeded"], "data": {"object": {}}},
    {"type": "charge.succeeded", "data": {"object": {"metadata": []}}},
    {"type": "charge.succeeded", "data": {"object": {"metadata": {"anteroom_team": 1}}}},
    {"type": "refund.created", "data": {"object": {"payment_intent": None}}},
    {"type": "charge.dispute.created", "data": {"object": {}}},
]


@pytest.mark.parametrize("shape", SHAPES)
def test_an_event_of_no_known_shape_is_none_of_our_business(shape: dict[str, Any]) -> None:
    """A refund or dispute of a charge without a PaymentIntent is the clinic's other business, too."""
    event = _read(json.dumps(shape).encode())
    assert (event.place, event.payment_intent_id, event.seen) == (None, None, ())


# --- each key of each event, dropped in turn ----------------------------------------------------------------------


def _every_event() -> dict[str, dict[str, Any]]:
    """One event of each kind that is handled, as the stand-in tells it."""
    world = World()
    world.change_team(delayed_methods=("au_becs_debit",))
    world.stripe.set_webhooks("drop")
    for succeeded in (True, False):
        session = world.schedule(starts_in=timedelta(days=14))
        world.stripe.settle_delayed(world.pay(session, "au_becs_debit").payment_intent_id, succeeded=succeeded)
    world.pay(world.schedule())
    world.stripe.set_refunds_pending(pending=True)
    world.stripe.fail_refund(world.stripe.refund_in_dashboard(world.charges()[-1]["id"], 500))
    dispute_id = world.stripe.dispute(world.charges()[-1]["id"])
    world.stripe.dispute_update(dispute_id)
    world.stripe.dispute_close(dispute_id, "won")
    world.pay_page(world.schedule())
    world.clock.advance(hours=1)
    found = {one.event_type: json.loads(one.body) for one in world.stripe.deliveries}
    return {kind: found[kind] for kind in PAYMENT_EVENTS}


EVERY_EVENT = _every_event()


def test_every_event_that_is_handled_is_read() -> None:
    kinds = {kind: type(_read(json.dumps(event).encode()).seen[0]) for kind, event in EVERY_EVENT.items()}
    assert kinds == {
        **dict.fromkeys(CHECKOUT_EVENTS, CheckoutSeen),
        **dict.fromkeys(CHARGE_EVENTS, ChargeSeen),
        **dict.fromkeys(REFUND_EVENTS, RefundSeen),
        **dict.fromkeys(DISPUTE_EVENTS, DisputeSeen),
    }


def _paths(thing: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:  # noqa: ANN401 (any JSON)
    if isinstance(thing, dict):
        for name, value in thing.items():
            yield (*path, name)
            yield from _paths(value, (*path, name))


def _without(event: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    changed = copy.deepcopy(event)
    inner = changed
    for name in path[:-1]:
        inner = inner[name]
    del inner[path[-1]]
    return changed


SHOWN_ONLY = {"url", "receipt_url", "pending_reason"}
"""Where a page is, why a refund is pending: without it there is none to show, and nothing else is said."""

ALSO_OF_REFUNDS = {"created"}
"""Since when it is pending: without it, nobody is told that it takes long."""


@pytest.mark.parametrize("kind", PAYMENT_EVENTS)
def test_an_event_that_lacks_a_key_is_the_same_or_ignored_or_strange_and_never_another_fact(kind: str) -> None:
    whole = EVERY_EVENT[kind]
    expected = _read(json.dumps(whole).encode())
    met = set()
    for path in _paths(whole):
        if path[-1] in SHOWN_ONLY | (ALSO_OF_REFUNDS if kind in REFUND_EVENTS else set()):
            continue
        try:
            read = _read(json.dumps(_without(whole, path)).encode())
        except StrangeObjectError:
            met.add("strange")
            continue
        if read.strange:
            met.add("strange")
            continue
        met.add("ignored" if not read.seen else "same")
        assert read.seen in ((), expected.seen), path
        assert read.place in (None, expected.place)
    assert met == {"strange", "ignored", "same"}


STRANGE_VALUES: list[Any] = [[], {}, "x" * 30, -(10**30), 1.5]


@pytest.mark.parametrize("kind", PAYMENT_EVENTS)
def test_an_event_with_a_key_of_another_type_is_the_same_or_ignored_or_strange(kind: str) -> None:
    """A newer API version may tell a field in another way; that is never a crash, and never another amount."""
    whole = EVERY_EVENT[kind]
    expected = _read(json.dumps(whole).encode()).seen[0]
    for path in _paths(whole["data"]["object"]):
        for strange in STRANGE_VALUES:
            changed = copy.deepcopy(whole)
            inner = changed["data"]["object"]
            for name in path[:-1]:
                inner = inner[name]
            inner[path[-1]] = strange
            try:
                seen = _read(json.dumps(changed).encode()).seen
            except StrangeObjectError:
                continue
            if seen and isinstance(expected, CheckoutSeen) and isinstance(seen[0], CheckoutSeen):
                assert seen[0].state is expected.state, (path, strange)
