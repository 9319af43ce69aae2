"""FAILURES.md's invariants, judged from outside: by what Stripe holds, never by what the product believes.

For worlds with one session, whose guest (number 2) owes 80.00 AUD.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from chalicelib.domain.admission import admit
from chalicelib.domain.concerns import attention
from chalicelib.domain.obligations import due_at
from chalicelib.domain.sessions import Session
from chalicelib.flows.sweep import sweep_session
from sandbox.stripe_standin.errors import JsonObject
from tests.support.world import World

FEE = 8000
STANDING = frozenset({"succeeded", "pending"})
"""Refunds that gave money back, or will; the money of a failed one is with the clinic again."""


@dataclass(frozen=True, slots=True)
class AtStripe:
    """The deployment's own account at Stripe, at one moment."""

    checkouts: list[JsonObject]
    charges: list[JsonObject]
    refunds: list[JsonObject]
    disputes: list[JsonObject]

    @classmethod
    def of(cls, world: World) -> AtStripe:
        books = world.books()
        charges = [one for one in books["charges"] if one["status"] == "succeeded"]
        return cls(books["checkout_sessions"], charges, books["refunds"], books["disputes"])

    @property
    def captured(self) -> int:
        """What clients paid, in cents."""
        return int(sum(charge["amount"] for charge in self.charges))

    @property
    def held(self) -> int:
        """What was captured, did not go back and was not charged back, in cents."""
        back = sum(one["amount"] for one in self.refunds if one["status"] in STANDING)
        lost = sum(one["amount"] for one in self.disputes if one["status"] == "lost")
        return int(self.captured - back - lost)


def holds(world: World, session: Session) -> None:
    """What holds at every moment."""
    stripe = AtStripe.of(world)
    _at_most_one_payable(stripe)
    _admitted_only_when_paid(stripe, world, session)
    _each_refund_once(stripe)


def _at_most_one_payable(stripe: AtStripe) -> None:
    """I2."""
    payable = [one["id"] for one in stripe.checkouts if one["status"] == "open"]
    assert len(payable) <= 1, "two Checkout Sessions can be paid at once"


def _admitted_only_when_paid(stripe: AtStripe, world: World, session: Session) -> None:
    """I1."""
    stored, participant = world.session(session), world.participant(session)
    if admit(stored, participant, world.team, world.clock()).may_join:
        assert stripe.held > 0 or participant.history.waiver, "admitted, and the clinic has no money"
        assert stored.canceled_at is None
        assert stored.start_time <= world.clock() < stored.end_time


def _each_refund_once(stripe: AtStripe) -> None:
    """I3, its second half."""
    for charge in stripe.charges:
        mine = [refund for refund in stripe.refunds if refund["charge"] == charge["id"]]
        back = sum(refund["amount"] for refund in mine if refund["status"] in STANDING)
        assert back <= charge["amount"], "a charge was refunded beyond its amount"


def settled_in_the_end(world: World, session: Session, *, owed: int, alarm: bool = False) -> None:
    """I3 and I11: let the clock run past the end, with the sweep alone.

    `owed` is what the clinic may keep, in cents; `alarm`: whether a person is told that something needs them.
    """
    over = world.session(session).end_time + timedelta(hours=1)
    while (left := over - world.clock()) > timedelta(0):
        sweep_session(world.ctx, session.team_id, session.session_id)
        holds(world, session)
        world.clock.set(world.clock() + min(left, max(timedelta(minutes=20), left / 3)))
    sweep_session(world.ctx, session.team_id, session.session_id)
    stored, stripe = world.session(session), AtStripe.of(world)
    needs = attention(stored, world.participant(session), world.clock())
    assert bool(needs) is alarm, f"what a person is told: {needs}"
    assert alarm or due_at(stored) is None, "something is pending, and nobody is told"
    assert stripe.held == owed, f"the clinic holds {stripe.held} and may keep {owed}"
    assert not [one for one in stripe.checkouts if one["status"] == "open"]
