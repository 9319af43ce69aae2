"""Museum: what banks ask about, and what they take of a payment.

Each test is named after a report from users of another system, and holds what happened to them against this one.
"""

from __future__ import annotations

from tests.museum.appointment import FEE, book
from tests.support.edge import Edge
from tests.support.invariants import settled_in_the_end


def test_woocommerce_payments_531_money_goes_back_in_an_inquiry_and_that_ends_it(edge: Edge) -> None:
    """An inquiry was taken for a dispute: the refund that would have ended it was not offered.

    https://github.com/Automattic/woocommerce-payments/issues/531
    """
    world, one = edge.world, book(edge)
    one.pay_at_stripe()
    one.come_back()
    dispute_id = world.stripe.dispute(world.charges()[0]["id"], inquiry=True)
    edge.deliver_webhooks()
    assert (one.payment()["status"], one.payment()["attention"], one.door()) == ("disputed", None, "early")
    assert one.ask("DELETE").status == 200
    assert [refund["amount"] for refund in world.refunds()] == [FEE]
    edge.deliver_webhooks()
    assert [(dispute["id"], dispute["status"]) for dispute in world.books()["disputes"]] == [
        (dispute_id, "warning_closed")
    ]
    assert (one.payment()["status"], one.payment()["attention"]) == ("refunded", None)


def test_woocommerce_payments_7298_the_clinic_gives_a_part_back_in_an_inquiry(edge: Edge) -> None:
    """An inquiry was shown as a dispute to accept or to challenge; what a shop can do in it is to refund.

    https://github.com/Automattic/woocommerce-payments/pull/7298
    """
    world, one = edge.world, book(edge)
    one.pay_at_stripe()
    one.come_back()
    world.stripe.dispute(world.charges()[0]["id"], inquiry=True)
    edge.deliver_webhooks()
    path = f"/v1/participants/{one.session.participant_id(one.number)}/refund"
    assert one.clinic.ask("POST", path, {"amount": 3000}, Idempotency_Key="key-1").status == 200
    edge.deliver_webhooks()
    assert [refund["amount"] for refund in world.refunds()] == [3000]
    assert (one.payment()["status"], one.payment()["amount_refunded"]) == ("disputed", 3000)


def test_woocommerce_payments_6196_a_part_that_the_bank_took_is_a_part(edge: Edge) -> None:
    """A dispute of a part was lost, beside a refund of another part, and the order was called fully refunded.

    https://github.com/Automattic/woocommerce-payments/issues/6196
    """
    world, one = edge.world, book(edge)
    one.pay_at_stripe()
    one.come_back()
    dispute_id = world.stripe.dispute(world.charges()[0]["id"], amount=2000)
    edge.deliver_webhooks()
    world.clock.advance(minutes=1)
    world.stripe.dispute_close(dispute_id, "lost")
    edge.deliver_webhooks()
    assert (one.payment()["status"], one.door()) == ("partially_refunded", "early")
    start, end = one.session.created_at, one.session.end_time
    rows = [(row.amount, row.charged_back) for row in world.ledger.between(one.session.team_id, start, end)]
    assert rows == [(FEE, 2000)]
    settled_in_the_end(world, one.session, owed=FEE - 2000)
