"""The webhook of connected accounts: its own secrets, its own accounts, and nothing of it reaches another clinic."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.payments import PaymentStatus
from chalicelib.domain.sessions import Revision, Session
from chalicelib.domain.teams import ChargeBar
from sandbox.stripe_standin.deliveries import signature
from tests.support.clinic import fingerprint
from tests.support.edge import Edge, Reply
from tests.support.platform import CONNECT_WEBHOOK_SECRET, Platform, platform_settings
from tests.support.world import WEBHOOK_SECRET, World

OWN, CONNECTED = "/stripe/webhook", "/stripe/connect/webhook"


@pytest.fixture
def world() -> Platform:
    return Platform()


@pytest.fixture
def platform(world: Platform) -> Platform:
    return world


def send(edge: Edge, path: str, body: bytes, secret: str) -> Reply:
    return edge.request("POST", path, body, {"Stripe-Signature": signature(secret, body, edge.world.clock())})


def told(edge: Edge, body: bytes, path: str = CONNECTED, secret: str = CONNECT_WEBHOOK_SECRET) -> str:
    """What became of a signed event."""
    reply = send(edge, path, body, secret)
    assert reply.status == 200, reply.body
    return str(reply.json()["settled"])


def body_of(world: World, kind: str) -> bytes:
    return next(one.body for one in reversed(world.stripe.deliveries) if one.event_type == kind)


def paid_unheard_of(world: World) -> tuple[Session, bytes]:
    session = world.schedule()
    world.stripe.set_webhooks("hold")
    world.pay(session)
    return session, body_of(world, "checkout.session.completed")


def test_a_payment_on_a_connected_account_is_kept(edge: Edge, platform: Platform) -> None:
    session, body = paid_unheard_of(platform)
    assert told(edge, body) == "kept"
    assert platform.status(session) is PaymentStatus.PAID
    assert told(edge, body) == "known"


def test_the_two_endpoints_have_secrets_of_their_own(edge: Edge, platform: Platform) -> None:
    _, body = paid_unheard_of(platform)
    before = fingerprint(platform)
    assert send(edge, CONNECTED, body, WEBHOOK_SECRET).status == 400
    assert send(edge, OWN, body, CONNECT_WEBHOOK_SECRET).status == 400
    assert send(edge, CONNECTED, body, "").status == 400
    assert fingerprint(platform) == before


def test_during_a_rotation_either_secret_of_the_endpoint_is_good() -> None:
    world = Platform(platform_settings(stripe_connect_webhook_secrets=["whsec_new", CONNECT_WEBHOOK_SECRET]))
    _, body = paid_unheard_of(world)
    assert told(Edge(world), body, secret="whsec_new") == "kept"
    assert told(Edge(world), body) == "known"


@pytest.mark.parametrize("world", [World(), Platform(platform_settings(stripe_connect_webhook_secrets=None))])
def test_without_a_secret_nothing_is_taken(world: World) -> None:
    for secret in ("", CONNECT_WEBHOOK_SECRET, WEBHOOK_SECRET):
        assert send(Edge(world), CONNECTED, b"{}", secret).status == 400


def test_an_event_at_the_other_endpoints_address_is_ignored_and_called_so(edge: Edge, platform: Platform) -> None:
    """Whoever set one up wrongly at Stripe sees it in the log."""
    session, body = paid_unheard_of(platform)
    assert told(edge, body, OWN, WEBHOOK_SECRET) == "wrong_endpoint"
    own = json.loads(body)
    del own["account"]
    assert told(edge, json.dumps(own).encode()) == "wrong_endpoint"
    assert platform.status(session) is PaymentStatus.UNPAID


def test_events_of_accounts_that_nobody_connected_are_ignored(edge: Edge, platform: Platform) -> None:
    stranger = platform.stripe.create_account()
    before = fingerprint(platform)
    for kind in ("account.updated", "account.application.deauthorized"):
        event: dict[str, Any] = {
            "id": "evt_1",
            "type": kind,
            "livemode": False,
            "account": stranger,
            "data": {"object": {}},
        }
        assert told(edge, json.dumps(event).encode()) == "unknown_account"
    assert fingerprint(platform) == before


def test_a_restricted_account_closes_the_door_and_the_goodbye_does(edge: Edge, platform: Platform) -> None:
    platform.stripe.set_charges_enabled(platform.account, enabled=False)
    assert edge.deliver_webhooks() == 1
    assert platform.newest().charge_bar() is ChargeBar.RESTRICTED
    platform.stripe.deauthorize(platform.account)
    assert edge.deliver_webhooks() == 1
    assert platform.newest().charge_bar() is ChargeBar.DISCONNECTED


# --- nothing crosses ----------------------------------------------------------------------------------------------


def neighbour(world: Platform) -> str:
    """The other team gets an account of its own."""
    world.other_team = world.connect(world.other_team)
    return str(world.other_team.accounts[-1].stripe_account_id)


def test_another_accounts_payment_under_our_ids_pays_for_nobody(edge: Edge, platform: Platform) -> None:
    session, body = paid_unheard_of(platform)
    theirs = json.loads(body) | {"account": neighbour(platform)}
    before = fingerprint(platform)
    assert told(edge, json.dumps(theirs).encode()) == "other_account"
    assert fingerprint(platform) == before
    assert platform.status(session) is PaymentStatus.UNPAID


def test_another_accounts_goodbye_ends_nothing_of_ours(edge: Edge, platform: Platform) -> None:
    theirs = neighbour(platform)
    platform.stripe.deauthorize(theirs)
    edge.deliver_webhooks()
    assert platform.newest().can_charge()
    assert not platform.newest(platform.other_team).can_charge()


def test_two_teams_with_a_session_of_the_same_id_are_paid_apart(edge: Edge, platform: Platform) -> None:
    neighbour(platform)
    mine = platform.schedule(starts_in=timedelta(hours=1))
    theirs = platform.sessions.create(_copied(mine, platform.other_team.team_id))
    assert theirs.session_id == mine.session_id
    for session in (mine, theirs):
        platform.pay_page(session)
    platform.stripe.set_webhooks("hold")
    platform.pay(theirs)
    platform.stripe.flush()
    edge.deliver_webhooks()
    assert platform.status(theirs) is PaymentStatus.PAID
    assert platform.status(mine) is PaymentStatus.UNPAID


def _copied(session: Session, team_id: str) -> Session:
    return replace(session, team_id=team_id, revision=Revision())


# --- every parameter of every event, mutated ----------------------------------------------------------------------

MUTATIONS: list[Any] = [None, "", "x", 0, -1, True, [], {}, "acct_other", "\u202e", "9" * 400, 1.5]


def every_event(world: Platform) -> dict[str, dict[str, Any]]:
    """One of each kind that a connected account can send, unheard of so far."""
    world.change_team(delayed_methods=("au_becs_debit",))
    world.stripe.set_webhooks("hold")
    world.pay(world.schedule())
    charge = world.books_of(world.account)["charges"][-1]["id"]
    world.stripe.set_refunds_pending(pending=True)
    world.stripe.fail_refund(world.stripe.refund_in_dashboard(charge, 500))
    world.stripe.dispute_close(world.stripe.dispute(charge), "lost")
    world.stripe.set_charges_enabled(world.account, enabled=False)
    world.stripe.set_charges_enabled(world.account, enabled=True)
    world.stripe.deauthorize(world.account)
    return {one.event_type: json.loads(one.body) for one in world.stripe.deliveries}


def paths(thing: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:  # noqa: ANN401 (any JSON)
    if isinstance(thing, dict):
        for name, value in thing.items():
            yield (*path, name)
            yield from paths(value, (*path, name))


def mutated(event: dict[str, Any], path: tuple[str, ...], value: object) -> dict[str, Any]:
    changed = copy.deepcopy(event)
    inner = changed
    for name in path[:-1]:
        inner = inner[name]
    inner[path[-1]] = value
    return changed


def test_no_mutation_of_an_accounts_event_is_an_error_of_ours_or_touches_another_team() -> None:
    world = Platform()
    neighbour(world)
    events = every_event(world)
    assert {"account.updated", "account.application.deauthorized", "charge.succeeded"} <= set(events)
    world.stripe.authorize(world.account)
    edge, theirs = Edge(world), world.teams.get(world.other_team.team_id)
    for kind in ("account.updated", "account.application.deauthorized"):
        for path in paths(events[kind]):
            for value in MUTATIONS:
                body = json.dumps(mutated(events[kind], path, value)).encode()
                reply = send(edge, CONNECTED, body, CONNECT_WEBHOOK_SECRET)
                assert reply.status == 200, (kind, path, value, reply.body)
                assert world.teams.get(theirs.team_id) == theirs


def test_no_mutation_of_a_payments_event_touches_another_team() -> None:
    world = Platform()
    other_account = neighbour(world)
    events = every_event(world)
    world.stripe.authorize(world.account)
    theirs = world.sessions.create(_copied(world.session(world.schedule(team=world.other_team)), "x" * 8))
    edge, before = Edge(world), world.sessions._items.copy()
    others = {key: kept for key, kept in before.items() if key[0] != world.team.team_id}
    assert (theirs.team_id, theirs.session_id) in others
    for kind in ("checkout.session.completed", "charge.succeeded", "refund.updated", "charge.dispute.closed"):
        for path in (*paths({"account": 0, "livemode": 0}), *paths(events[kind]["data"], ("data",))):
            for value in ("", None, other_account, world.other_team.team_id, theirs.session_id, 1):
                body = json.dumps(mutated(events[kind], path, value)).encode()
                reply = send(edge, CONNECTED, body, CONNECT_WEBHOOK_SECRET)
                assert reply.status in {200, 503}, (kind, path, value, reply.body)
        kept = {key: one for key, one in world.sessions._items.items() if key[0] != world.team.team_id}
        assert kept == others
