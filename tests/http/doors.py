"""Links in every state a door can be in, made through the stores and the Stripe stand-in, for the tests of the edge."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from chalicelib.domain import sessions
from chalicelib.domain.admission import Door
from chalicelib.domain.facts import ActFailed
from chalicelib.domain.sessions import Session
from chalicelib.domain.troubles import OFFER_KEY
from tests.support.edge import Edge, Reply
from tests.support.world import World, guest, host


@dataclass
class Visitor:
    """Somebody with a link, in a browser of their own."""

    edge: Edge
    session: Session
    number: int = 2

    @property
    def token(self) -> str:
        return self.edge.world.token(self.session, self.number)

    @property
    def path(self) -> str:
        return f"/session/{self.token}"

    def open(self, accept: str = "text/html") -> Reply:
        return self.edge.get(self.path, Accept=accept)

    def pay(self, accept: str = "text/html") -> Reply:
        return self.edge.post(f"{self.path}/checkout", Accept=accept)

    def join(self, accept: str = "text/html") -> Reply:
        return self.edge.post(f"{self.path}/join", Accept=accept)

    def checkout_session_id(self) -> str:
        """Of the newest attempt."""
        attempts = self.edge.world.participant(self.session, self.number).history.attempts
        assert attempts[-1].checkout_session_id is not None
        return attempts[-1].checkout_session_id

    def return_path(self) -> str:
        """Where Stripe sends the browser back to, below the public address."""
        found = self.edge.world.stripe.find_checkout(self.checkout_session_id())
        assert found is not None
        success_url, public_url = str(found[0]["success_url"]), self.edge.world.context.settings.public_url
        assert success_url == found[0]["cancel_url"]
        assert success_url.startswith(f"{public_url}/paid/")
        return success_url.removeprefix(public_url)


def unpaid(edge: Edge) -> Visitor:
    return Visitor(edge, edge.world.schedule())


def paid(edge: Edge) -> Visitor:
    visitor = unpaid(edge)
    visitor.pay()
    edge.world.stripe.pay(visitor.checkout_session_id())
    edge.deliver_webhooks()
    return visitor


def _cannot_charge(edge: Edge) -> Visitor:
    visitor = unpaid(edge)
    edge.world.change_team(accounts=())
    return visitor


def _offer_refused(edge: Edge) -> Visitor:
    visitor, world = unpaid(edge), edge.world
    failed = ActFailed(OFFER_KEY, world.clock(), "Stripe refuses", 0.0)
    world.sessions.save(sessions.saw(world.session(visitor.session), 2, failed))
    return visitor


def _processing(edge: Edge) -> Visitor:
    world = edge.world
    world.change_team(delayed_methods=("au_becs_debit",))
    visitor = Visitor(edge, world.schedule(starts_in=timedelta(days=10)))
    visitor.pay()
    world.stripe.pay(visitor.checkout_session_id(), "au_becs_debit")
    edge.deliver_webhooks()
    return visitor


def _refunded(edge: Edge) -> Visitor:
    visitor = paid(edge)
    [account] = edge.world.stripe.snapshot()["accounts"]
    edge.world.stripe.refund_in_dashboard(account["charges"][0]["id"])
    edge.deliver_webhooks()
    return visitor


def _early(edge: Edge) -> Visitor:
    return Visitor(edge, edge.world.schedule(host(), guest(), starts_in=timedelta(days=1)))


def _join(edge: Edge) -> Visitor:
    return Visitor(edge, edge.world.schedule(host(), guest()))


def _ended(edge: Edge) -> Visitor:
    visitor = unpaid(edge)
    edge.world.clock.advance(minutes=30)
    return visitor


def _changed(edge: Edge, change: Callable[[Session, World], Session]) -> Visitor:
    visitor, world = unpaid(edge), edge.world
    world.sessions.save(change(world.session(visitor.session), world))
    return visitor


def _canceled(edge: Edge) -> Visitor:
    return _changed(edge, lambda session, world: sessions.cancel(session, now=world.clock()))


def _removed(edge: Edge) -> Visitor:
    return _changed(edge, lambda session, world: sessions.remove(session, 2, now=world.clock()))


DOORS: dict[Door, Callable[[Edge], Visitor]] = {
    Door.PAY: unpaid,
    Door.CANNOT_CHARGE: _cannot_charge,
    Door.OFFER_REFUSED: _offer_refused,
    Door.PROCESSING: _processing,
    Door.REFUNDED: _refunded,
    Door.EARLY: _early,
    Door.JOIN: _join,
    Door.ENDED: _ended,
    Door.CANCELED: _canceled,
    Door.REMOVED: _removed,
}


# --- what every page has in common -------------------------------------------------------------------------------

HTML = "text/html; charset=utf-8"
FORGED = "A" * 68
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self' https://checkout.stripe.com https://rooms.example; base-uri 'none'; frame-ancestors 'none'"
)
POLICY_WITHOUT_ROOM = POLICY.replace(" https://rooms.example", "")


def is_kept_secret(reply: Reply, policy: str) -> None:
    """The headers that every page has, in every state, and every error."""
    assert reply.headers["cache-control"] == "no-store"
    assert reply.headers["referrer-policy"] == "no-referrer"
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert "noindex" in reply.headers["x-robots-tag"]
    assert reply.headers["content-security-policy"] == policy
    assert reply.headers["x-frame-options"] == "DENY"


def cookie_of(reply: Reply) -> str:
    """As a browser sends it back."""
    return reply.headers["set-cookie"].partition(";")[0]
