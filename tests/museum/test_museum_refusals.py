"""Museum: what Stripe refused, and what became of it.

Each test is named after a report from users of another system, and holds what happened to them against this one.
"""

from __future__ import annotations

import pytest

from tests.museum.appointment import FEE, book
from tests.support.edge import Edge
from tests.support.invariants import settled_in_the_end


@pytest.mark.parametrize("minutes", [0, 90], ids=["topped up at once", "topped up after many tries"])
def test_woocommerce_payments_10025_a_refund_without_balance_says_so_and_is_made_after_the_top_up(
    edge: Edge, minutes: int
) -> None:
    """A refund failed for want of balance; the merchant read that it failed, and not that funds had to be added.

    https://github.com/Automattic/woocommerce-payments/issues/10025
    """
    world, one = edge.world, book(edge)
    one.pay_at_stripe()
    one.come_back()
    world.stripe.set_balance(None, enough=False)
    assert one.refund().status == 200
    assert "adds funds to its balance in Stripe" in str(one.payment()["attention"])
    for _ in range(minutes):
        world.clock.advance(minutes=1)
        world.sweep()
    assert world.refunds() == []
    world.stripe.set_balance(None, enough=True)
    world.clock.advance(hours=2)
    world.sweep()
    assert [refund["amount"] for refund in world.refunds()] == [FEE]
    assert (one.payment()["status"], one.payment()["attention"]) == ("refunded", None)
    settled_in_the_end(world, one.session, owed=0)
