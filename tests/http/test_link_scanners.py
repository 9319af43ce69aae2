"""A scanner that does more than look: it presses every button of a link it was never sent, and uses nothing up."""

from __future__ import annotations

from tests.support.edge import Edge
from tests.support.world import World, checkout_id

PRESSES = 25


def test_fifty_presses_of_a_scanner_leave_one_offer_which_the_client_pays() -> None:
    """Its presses are some minutes apart, so that each is more than the last one's echo."""
    world = World()
    edge, session = Edge(world), world.schedule()
    path = f"/session/{world.token(session)}"
    for _ in range(PRESSES):
        assert edge.request("POST", f"{path}/checkout", headers={"User-Agent": "Barracuda/5.0"}).status == 303
        assert edge.request("POST", f"{path}/join", headers={"User-Agent": "Barracuda/5.0"}).status == 403
        world.clock.advance(seconds=45)
    assert len(world.open_checkouts()) == 1
    assert len(world.checkouts()) == 1
    page = edge.request("POST", f"{path}/checkout").headers["location"]
    world.stripe.pay(checkout_id(page))
    edge.deliver_webhooks()
    assert edge.request("POST", f"{path}/join").status == 303
