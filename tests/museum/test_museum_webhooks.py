"""Museum: events that came twice, late, out of order, without our ids, or to an address where nobody was.

Each test is named after a report from users of another system, and holds what happened to them against this one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from itertools import permutations
from pathlib import Path

import pytest
from chalice.deploy.swagger import TemplatedSwaggerGenerator

import app as deployed
from chalicelib.domain.facts import AttemptState
from chalicelib.domain.payments import PaymentStatus
from chalicelib.domain.sessions import Session
from chalicelib.flows.settle import settle
from chalicelib.storage.stores import StoreUnavailableError
from sandbox.stripe_standin.deliveries import signature
from tests.http.doors import Visitor
from tests.museum.appointment import (
    CHARGED,
    COMPLETED,
    DAY,
    DEBIT,
    FEE,
    HOUR,
    book,
    deliver_one,
    events,
    in_ledger,
    rewinder,
    with_debits,
)
from tests.support.clinic import Clinic
from tests.support.crashes import Crash, Side, every_crash
from tests.support.edge import Edge, Reply
from tests.support.interleaving import Ended, Judge, Race, every_order
from tests.support.invariants import settled_in_the_end
from tests.support.seam import Io, Seam
from tests.support.world import WEBHOOK_SECRET, WEBHOOK_URL, World

README = Path(deployed.__file__).with_name("README.md")


def _paid_unheard_of() -> tuple[Edge, Session]:
    """A client has paid, and nothing of it has arrived."""
    world = World()
    session = world.schedule(starts_in=HOUR)
    world.stripe.set_webhooks("drop")
    world.pay(session)
    return Edge(world), session


# --- twice, and at once ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [COMPLETED, CHARGED])
def test_dj_stripe_1239_the_same_event_twice_at_once_is_taken_twice_and_kept_once(kind: str) -> None:
    """A duplicate event ran into a unique constraint and was answered 500.

    https://github.com/dj-stripe/dj-stripe/issues/1239
    """

    def prepare() -> tuple[Race, Judge]:
        edge, session = _paid_unheard_of()

        def judge(ended: list[Ended]) -> None:
            assert [reply.status for end in ended if isinstance(reply := end.result, Reply)] == [200, 200]
            edge.world.sweep()
            assert len(edge.world.participant(session).history.payments) == 1
            assert in_ledger(edge.world, session) == [FEE]
            assert edge.world.status(session) is PaymentStatus.PAID

        return Race(edge.world.seam, (lambda: deliver_one(edge, kind), lambda: deliver_one(edge, kind))), judge

    assert every_order(prepare) >= 6


# --- of another attempt ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("second", ["paid", "at the bank"])
def test_polar_14274_a_late_failure_of_the_first_attempt_leaves_the_second_alone(edge: Edge, second: str) -> None:
    """The late failure of one attempt reopened another one, which had been paid.

    https://github.com/polarsource/polar/issues/14274
    """
    one = book(edge, with_debits(Clinic(edge)), starts_in=14 * DAY)
    world, stripe = edge.world, edge.world.stripe
    stripe.set_webhooks("drop")
    first = one.press_pay()
    world.clock.advance(hours=24)
    stripe.pay(one.press_pay(), DEBIT if second == "at the bank" else "4242424242424242")
    stripe.settle_delayed(stripe.force_pay(first, DEBIT).payment_intent_id, succeeded=False)
    told = events(world, COMPLETED, CHARGED, "checkout.session.expired", "checkout.session.async_payment_failed")
    assert len(told) == (5 if second == "paid" else 4)
    rewind, stands = rewinder(world), PaymentStatus.PAID if second == "paid" else PaymentStatus.PROCESSING
    for order in permutations(told):
        rewind()
        for event in order:
            settle(world.ctx, event)
        assert world.status(one.session) is stands, [event.kind for event in order]
        assert world.attempt_states(one.session)[0] is AttemptState.FAILED
    assert one.door() == ("early" if second == "paid" else "processing")
    assert one.pay("application/json").status == 409
    assert world.open_checkouts() == []


# --- 200 is a promise -----------------------------------------------------------------------------------------------


def _fails_at(seam: Seam, crash: Crash, act: Callable[[], Reply]) -> Reply:
    """The database does not answer there, before or after its effect."""
    seen = 0

    def throttled(_io: Io) -> None:
        nonlocal seen
        seen += 1
        if seen == crash.index + 1:
            raise StoreUnavailableError(str(crash))

    with seam.armed(**{crash.side: throttled}):
        return act()


@pytest.mark.parametrize("kind", [COMPLETED, CHARGED])
def test_payload_10890_an_answer_of_200_means_that_the_fact_is_kept(kind: str) -> None:
    """200 went out before the work was done; then the function was frozen, and the work was lost.

    https://github.com/payloadcms/payload/issues/10890
    """
    edge, session = _paid_unheard_of()
    threads = threading.active_count()
    _keeps_its_promise(deliver_one(edge, kind), edge, session)
    assert threading.active_count() == threads, "nothing goes on behind the answer"

    def prepare() -> tuple[Seam, Callable[[], object]]:
        edge, _ = _paid_unheard_of()
        return edge.world.seam, lambda: deliver_one(edge, kind)

    crashes = list(every_crash(prepare))
    assert {crash.side for crash in crashes} == set(Side)
    for crash in crashes:
        edge, session = _paid_unheard_of()
        reply = _fails_at(edge.world.seam, crash, lambda edge=edge: deliver_one(edge, kind))  # type: ignore[misc] # bound now
        assert reply.status == 503, f"failed {crash}"
        edge.world.clock.advance(minutes=1)
        _keeps_its_promise(deliver_one(edge, kind), edge, session)


def _keeps_its_promise(reply: Reply, edge: Edge, session: Session) -> None:
    assert reply.status == 200
    payments = edge.world.participant(session).history.payments
    assert [bool(payment.paid or payment.charge) for payment in payments] == [True]


# --- the address ----------------------------------------------------------------------------------------------------

SENT_BY_STRIPE = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "Stripe/1.0"}


def test_eventyay_2463_the_address_that_stripe_is_given_is_the_one_that_is_deployed(edge: Edge) -> None:
    """The path of the webhook answered 404 for nine days, until Stripe switched it off.

    https://github.com/fossasia/eventyay/issues/2463
    """
    path = WEBHOOK_URL.removeprefix(edge.world.context.settings.public_url)
    assert f"`PUBLIC_URL{path}`" in README.read_text("utf-8")
    gateway = TemplatedSwaggerGenerator().generate_swagger(deployed.app)["paths"]
    assert path in gateway
    assert gateway[path]["post"]["x-amazon-apigateway-integration"]["type"] == "aws_proxy"
    body = b'{"id": "evt_1", "object": "event", "type": "ping", "livemode": false, "data": {"object": {}}}'
    signed = {**SENT_BY_STRIPE, "Stripe-Signature": signature(WEBHOOK_SECRET, body, edge.world.clock())}
    assert edge.request("POST", path, body, signed).json() == {"settled": "not_ours"}
    assert edge.request("POST", path, body, SENT_BY_STRIPE).status == 400
    visitor = Visitor(edge, edge.world.schedule(starts_in=HOUR))
    visitor.pay()
    edge.world.stripe.pay(visitor.checkout_session_id())
    assert edge.deliver_webhooks() == len(edge.world.stripe.deliveries) > 0
    assert edge.world.status(visitor.session) is PaymentStatus.PAID


# --- without our ids ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("verdict", "status", "door"), [("won", "paid", "early"), ("lost", "refunded", "refunded")])
def test_stripe_official_186_a_dispute_is_found_by_its_payment(
    edge: Edge, verdict: str, status: str, door: str
) -> None:
    """A dispute was ignored, since a dispute carries no metadata.

    https://github.com/202-ecommerce/stripe_official/issues/186
    """
    one = book(edge)
    one.pay_at_stripe()
    edge.deliver_webhooks()
    dispute_id = edge.world.stripe.dispute(edge.world.charges()[0]["id"])
    [opened] = events(edge.world, "charge.dispute.created")
    assert opened.place is None
    edge.deliver_webhooks()
    assert (one.payment()["status"], one.door()) == ("disputed", "early")
    edge.world.clock.advance(minutes=1)
    edge.world.stripe.dispute_close(dispute_id, verdict)
    edge.deliver_webhooks()
    assert (one.payment()["status"], one.door()) == (status, door)
    assert edge.world.refunds() == []
    if verdict == "won":
        settled_in_the_end(edge.world, one.session, owed=FEE)
