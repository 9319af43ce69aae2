"""What each request may cost: DESIGN.md's table, row by row, counted at the stores and once more on DynamoDB's wire.

Everything goes through the HTTP edge that is deployed. Nothing is timed.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain.links import InvalidLinkError
from chalicelib.domain.sessions import Session, cancel, remove
from chalicelib.flows.checkout import PaymentStarted, start_checkout
from chalicelib.flows.open_link import open_link
from tests.storage.wire import mocked_dynamodb, tables_on_a_wire
from tests.support.metered import CLIENT_ID, CLIENT_SECRET, MeteredDynamoWorld, MeteredWorld
from tests.support.seam import NOTHING_SPENT, Spent
from tests.support.world import WEBHOOK_URL, World

DAY = timedelta(days=1)
FORGED = "A" * 68


@pytest.fixture(scope="module")
def dynamodb() -> Iterator[None]:
    with mocked_dynamodb():
        yield


@pytest.fixture(params=["in memory", "on DynamoDB's wire"])
def world(request: pytest.FixtureRequest) -> Iterator[MeteredWorld]:
    if request.param == "in memory":
        yield MeteredWorld()
        return
    request.getfixturevalue("dynamodb")
    with tables_on_a_wire() as wire:
        yield MeteredDynamoWorld(wire)


# --- opening ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [f"/session/{FORGED}", "/session/x", "/session/%00", f"/paid/{'A' * 87}"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_forged_or_garbled_link_costs_nothing(world: MeteredWorld, method: str, path: str) -> None:
    with world.metered() as spent:
        assert world.edge.request(method, path).status == 404
        assert spent() == NOTHING_SPENT


@pytest.mark.parametrize("action", ["checkout", "join"])
def test_posting_to_a_forged_link_costs_nothing(world: MeteredWorld, action: str) -> None:
    with world.metered() as spent:
        assert world.edge.post(f"/session/{FORGED}/{action}").status == 404
        assert spent() == NOTHING_SPENT


def test_ten_thousand_forged_tokens_cost_nothing() -> None:
    world = World()
    genuine = world.token(world.schedule())
    with world.seam.counted() as spent:
        for _ in range(10_000):
            with pytest.raises(InvalidLinkError):
                open_link(world.ctx, _forged(world, genuine))
        assert spent() == NOTHING_SPENT


def _forged(world: World, genuine: str) -> str:
    """The head of a link that is good, with another tag: what somebody who knows the format would try."""
    tag = base64.urlsafe_b64encode(world.random.randbytes(30)).decode()
    return genuine[:28] + tag


def _unpaid(world: MeteredWorld) -> Session:
    return world.schedule()


def _offered(world: MeteredWorld) -> Session:
    session = world.schedule()
    world.pay_page(session)
    return session


def _paid(world: MeteredWorld) -> Session:
    session = world.schedule()
    world.pay(session)
    world.deliver()
    return session


def _paid_for_tomorrow(world: MeteredWorld) -> Session:
    session = world.schedule(starts_in=DAY)
    world.pay(session)
    world.deliver()
    return session


def _processing(world: MeteredWorld) -> Session:
    world.change_team(delayed_methods=("au_becs_debit",))
    session = world.schedule(starts_in=14 * DAY)
    world.pay(session, "au_becs_debit")
    world.deliver()
    return session


def _refunded(world: MeteredWorld) -> Session:
    session = _paid(world)
    world.stripe.refund_in_dashboard(world.charges()[0]["id"])
    world.deliver()
    return session


def _canceled(world: MeteredWorld) -> Session:
    session = _paid(world)
    world.change(session, lambda one: cancel(one, now=world.clock()))
    return session


def _removed(world: MeteredWorld) -> Session:
    session = _paid(world)
    world.change(session, lambda one: remove(one, 2, now=world.clock()))
    return session


def _ended(world: MeteredWorld) -> Session:
    session = _paid(world)
    world.clock.advance(hours=1)
    return session


STATES = {
    "pay": (_unpaid, 200),
    "pay, offered": (_offered, 200),
    "join": (_paid, 200),
    "early": (_paid_for_tomorrow, 200),
    "processing": (_processing, 200),
    "refunded": (_refunded, 200),
    "canceled": (_canceled, 410),
    "removed": (_removed, 410),
    "ended": (_ended, 410),
}


@pytest.mark.parametrize(("prepared", "status"), STATES.values(), ids=STATES)
def test_opening_a_link_in_any_state_costs_one_read(
    world: MeteredWorld, prepared: Callable[[MeteredWorld], Session], status: int
) -> None:
    path = world.path(prepared(world))
    for method in ("GET", "HEAD"):
        with world.metered() as spent:
            assert world.edge.request(method, path).status == status
            assert spent() == Spent(reads=1)
    with world.metered() as spent:
        assert world.edge.get(f"{path}/calendar.ics").status == 200
        assert spent() == Spent(reads=1)


def test_fifty_scanners_before_the_client_change_nothing(world: MeteredWorld) -> None:
    session = world.schedule()
    before = world.session(session)
    with world.metered() as spent:
        for _ in range(25):
            world.edge.get(world.path(session))
            world.edge.request("HEAD", world.path(session))
        assert spent() == Spent(reads=50)
    assert world.session(session) == before
    assert world.edge.post(f"{world.path(session)}/checkout").status == 303


def test_a_cold_cache_costs_one_read_more(world: MeteredWorld) -> None:
    path = world.path(world.schedule())
    with world.metered() as spent:
        world.clock.advance(seconds=61)
        assert world.edge.get(path).status == 200
        assert spent() == Spent(reads=2)


# --- paying -------------------------------------------------------------------------------------------------------


def test_starting_to_pay_costs_a_read_two_writes_and_one_call(world: MeteredWorld) -> None:
    path = world.path(world.schedule())
    with world.metered() as spent:
        assert world.edge.post(f"{path}/checkout").status == 303
        assert spent() == Spent(reads=1, writes=2, stripe=1)


def test_a_method_that_stripe_refuses_costs_a_write_and_a_call_more_and_once_a_read_and_a_write_of_the_team(
    world: MeteredWorld,
) -> None:
    """A process that remembers the team as it was pays for the session alone; once all know it, it costs nothing."""
    before = world.change_team(delayed_methods=("au_becs_debit",))
    world.stripe.set_methods(None, ["card"])
    first, second, third = (world.schedule(starts_in=14 * DAY) for _ in range(3))
    world.edge.get(world.path(first))
    with world.metered() as spent:
        assert world.edge.post(f"{world.path(first)}/checkout").status == 303
        # DynamoDB's store reads a team once more to save it.
        assert spent() == Spent(reads=3 if isinstance(world, MeteredDynamoWorld) else 2, writes=4, stripe=2)
    link = replace(world.open(second), team=before)
    with world.metered() as spent:
        assert isinstance(start_checkout(world.ctx, link), PaymentStarted)
        assert spent() == Spent(reads=1, writes=3, stripe=2)
    with world.metered() as spent:
        assert world.edge.post(f"{world.path(third)}/checkout").status == 303
        assert spent() == Spent(reads=1, writes=2, stripe=1)


def test_paying_again_within_half_a_minute_costs_one_read(world: MeteredWorld) -> None:
    session = _offered(world)
    world.clock.advance(seconds=29)
    with world.metered() as spent:
        assert world.edge.post(f"{world.path(session)}/checkout").status == 303
        assert spent() == Spent(reads=1)


def test_paying_again_later_costs_a_read_and_one_look(world: MeteredWorld) -> None:
    session = _offered(world)
    world.clock.advance(seconds=30)
    with world.metered() as spent:
        assert world.edge.post(f"{world.path(session)}/checkout").status == 303
        assert spent() == Spent(reads=1, stripe=1)


def test_paying_again_later_writes_when_stripe_knows_more(world: MeteredWorld) -> None:
    session = world.schedule()
    world.pay(session)
    world.clock.advance(seconds=30)
    with world.metered() as spent:
        answer = world.edge.post(f"{world.path(session)}/checkout")
        assert (answer.status, answer.headers["location"]) == (303, world.path(session))
        assert spent() == Spent(reads=1, writes=1, stripe=1)


@pytest.mark.parametrize("prepared", [_paid, _processing, _refunded, _canceled, _ended])
def test_pressing_pay_where_nothing_is_to_pay_costs_one_read(
    world: MeteredWorld, prepared: Callable[[MeteredWorld], Session]
) -> None:
    path = world.path(prepared(world))
    with world.metered() as spent:
        assert world.edge.post(f"{path}/checkout").status == 303
        assert spent() == Spent(reads=1)


def test_coming_back_costs_a_read_a_look_and_what_is_new(world: MeteredWorld) -> None:
    session = world.schedule()
    started = world.pay_page(session)
    back = f"/paid/{world.return_token(started)}"
    with world.metered() as spent:
        assert world.edge.get(back).status == 200
        assert spent() == Spent(reads=1, stripe=1)
    world.pay(session)
    with world.metered() as spent:
        assert world.edge.get(back).status == 200
        assert spent() == Spent(reads=1, writes=1, stripe=1)
    with world.metered() as spent:
        assert world.edge.get(back).status == 200
        assert spent() == Spent(reads=1)


# --- webhooks -----------------------------------------------------------------------------------------------------


def _last_event(world: MeteredWorld, kind: str) -> Callable[[], int]:
    """Delivers the newest event of that kind, and no other."""
    delivery = next(one for one in reversed(world.stripe.deliveries) if one.event_type == kind)

    def deliver() -> int:
        world.stripe.resend(delivery.event_id)
        world.stripe.set_webhooks("deliver")
        return world.edge.deliver_webhooks()

    world.stripe.set_webhooks("deliver")
    return deliver


@pytest.mark.parametrize("kind", ["checkout.session.completed", "charge.succeeded"])
def test_a_webhook_of_a_payment_costs_a_read_and_a_write_and_its_duplicate_a_read(
    world: MeteredWorld, kind: str
) -> None:
    world.stripe.set_webhooks("drop")
    world.pay(world.schedule())
    deliver = _last_event(world, kind)
    with world.metered() as spent:
        assert deliver() == 1
        assert spent() == Spent(reads=1, writes=1)
    with world.metered() as spent:
        assert deliver() == 1
        assert spent() == Spent(reads=1)


def test_a_webhook_of_a_refund_or_dispute_costs_one_look_beside(world: MeteredWorld) -> None:
    _paid(world)
    world.stripe.set_webhooks("drop")
    world.stripe.refund_in_dashboard(world.charges()[0]["id"], 1000)
    world.stripe.dispute(world.charges()[0]["id"])
    for kind in ("refund.created", "charge.dispute.created"):
        deliver = _last_event(world, kind)
        with world.metered() as spent:
            assert deliver() == 1
            assert spent() == Spent(reads=1, writes=1, stripe=1)
        with world.metered() as spent:
            assert deliver() == 1
            assert spent() == Spent(reads=1, stripe=1)


def test_an_event_of_no_interest_costs_nothing(world: MeteredWorld) -> None:
    world.stripe.set_webhooks("drop")
    world.pay(world.schedule())
    deliver = _last_event(world, "payment_intent.succeeded")
    with world.metered() as spent:
        assert deliver() == 1
        assert spent() == NOTHING_SPENT


@pytest.mark.parametrize("signature", ["", "t=1772452800,v1=00", "t=1772452800", "v1=é,t=é", "x" * 9000])
def test_a_forged_webhook_costs_nothing(world: MeteredWorld, signature: str) -> None:
    body = json.dumps({"type": "checkout.session.completed"})
    with world.metered() as spent:
        answer = world.edge.request("POST", WEBHOOK_URL, body, {"Stripe-Signature": signature})
        assert answer.status == 400
        assert spent() == NOTHING_SPENT


# --- joining, and the clinic's API --------------------------------------------------------------------------------


def test_joining_costs_a_read_and_an_entry(world: MeteredWorld) -> None:
    path = world.path(_paid(world))
    with world.metered() as spent:
        assert world.edge.post(f"{path}/join").status == 303
        assert spent() == Spent(reads=1, writes=1)


def test_being_refused_at_the_door_costs_one_read(world: MeteredWorld) -> None:
    path = world.path(world.schedule())
    with world.metered() as spent:
        assert world.edge.post(f"{path}/join").status == 403
        assert spent() == Spent(reads=1)


def _wanted(participants: int) -> dict[str, object]:
    guests = [{"display_name": f"Guest {n}", "fee": {"amount": 8000, "currency": "aud"}} for n in range(participants)]
    return {"start_time": "2026-03-02T13:00:00Z", "end_time": "2026-03-02T14:00:00Z", "participants": guests}


@pytest.mark.parametrize("participants", [0, 2, 50])
def test_creating_a_session_costs_one_write_however_many_take_part(world: MeteredWorld, participants: int) -> None:
    authorization = world.bearer()
    with world.metered() as spent:
        answer = world.edge.post("/v1/sessions", _wanted(participants), Authorization=authorization)
        assert answer.status == 200
        assert spent() == Spent(writes=1)


def test_reading_a_session_costs_one_read(world: MeteredWorld) -> None:
    session, authorization = world.schedule(), world.bearer()
    with world.metered() as spent:
        answer = world.edge.get(f"/v1/sessions/{session.session_id}", Authorization=authorization)
        assert answer.status == 200
        assert spent() == Spent(reads=1)


def test_a_page_of_payments_costs_one_query_wherever_it_is(world: MeteredWorld) -> None:
    for _ in range(3):
        _paid(world)
        world.clock.advance(seconds=1)
    page, authorization = "/v1/payments?from=2026-03-02T12:00:00Z&page_size=1", world.bearer()
    path, more = page, True
    for _ in range(3):
        with world.metered() as spent:
            answer = world.edge.get(path, Authorization=authorization).json()
            assert (len(answer["content"]), more) == (1, True)
            assert spent() == Spent(queries=1)
        path, more = f"{page}&cursor={answer['next']}", answer["more"]
    assert more is False


def test_a_cold_cache_costs_an_api_call_its_client_and_its_team(world: MeteredWorld) -> None:
    authorization = world.bearer()
    with world.metered() as spent:
        world.clock.advance(seconds=61)
        assert world.edge.post("/v1/sessions", _wanted(1), Authorization=authorization).status == 200
        assert spent() == Spent(reads=2, writes=1)


@pytest.mark.parametrize("authorization", ["", "Bearer x", "Bearer a.b.c", "Basic eDp5"])
def test_a_forged_access_token_costs_nothing(world: MeteredWorld, authorization: str) -> None:
    with world.metered() as spent:
        assert world.edge.post("/v1/sessions", _wanted(1), Authorization=authorization).status == 401
        assert spent() == NOTHING_SPENT


def test_giving_an_access_token_to_a_known_client_costs_nothing(world: MeteredWorld) -> None:
    basic = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
    with world.metered() as spent:
        answer = world.edge.request(
            "POST", "/v1/auth/token", "grant_type=client_credentials", {"Authorization": f"Basic {basic}"}
        )
        assert answer.status == 200
        assert spent() == NOTHING_SPENT


# --- the sweep ----------------------------------------------------------------------------------------------------


def test_a_sweep_with_nothing_due_costs_one_query_a_shard(world: MeteredWorld) -> None:
    world.schedule()
    with world.metered() as spent:
        assert world.edge.run_schedule()["sessions"] == 0
        assert spent() == Spent(queries=16)


def test_a_session_that_only_its_index_entry_calls_due_costs_a_read_and_a_write(world: MeteredWorld) -> None:
    """It is written again, so that the entry tells the truth."""
    session = _offered(world)
    world.context.sessions.push_back(session.team_id, session.session_id, world.clock())
    with world.metered() as spent:
        assert world.edge.run_schedule()["sessions"] == 1
        assert spent() == Spent(reads=1, writes=1, queries=16)
    with world.metered() as spent:
        assert world.edge.run_schedule()["sessions"] == 0
        assert spent() == Spent(queries=16)


def test_looking_at_an_open_checkout_costs_a_call_beside(world: MeteredWorld) -> None:
    _offered(world)
    world.clock.advance(minutes=2)
    with world.metered() as spent:
        assert world.edge.run_schedule()["sessions"] == 1
        assert spent() == Spent(reads=1, writes=1, stripe=1, queries=16)


def test_the_page_to_pay_on_is_the_same_for_a_person_and_a_script(world: MeteredWorld) -> None:
    session = world.schedule()
    started = world.pay_page(session)
    assert world.edge.post(f"{world.path(session)}/checkout", Accept="application/json").json() == {"url": started.url}
