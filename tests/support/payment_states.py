"""A guest who owes 80.00 AUD for a session in two hours, in each state that the payment may be in.

Webhooks are held back: they come only where a test delivers them.
"""

from __future__ import annotations

import pytest

from chalicelib.domain.sessions import Session
from tests.support.crashes import ProcessDied
from tests.support.editing import HOUR, cancel
from tests.support.matrix import State
from tests.support.seam import Io, Kind
from tests.support.world import World


def unpaid() -> tuple[World, Session]:
    """Ahead, so that everything may still be asked for."""
    world = World()
    session = world.schedule(starts_in=2 * HOUR, lasts=HOUR)
    world.stripe.set_webhooks("hold")
    return world, session


def offered() -> tuple[World, Session]:
    world, session = unpaid()
    world.pay_page(session)
    return world, session


def unanswered() -> tuple[World, Session]:
    """Stripe made the offer, and the process died before it heard so."""
    world, session = unpaid()

    def dead(io: Io) -> None:
        if io.kind is Kind.STRIPE:
            raise ProcessDied

    with world.seam.armed(after=dead), pytest.raises(ProcessDied):
        world.press_pay(session)
    return world, session


def paid_unheard_of() -> tuple[World, Session]:
    world, session = unpaid()
    world.pay(session)
    world.clock.advance(minutes=1)
    return world, session


def paid() -> tuple[World, Session]:
    world, session = paid_unheard_of()
    world.settle("checkout.session.completed")
    world.settle("charge.succeeded")
    return world, session


def paid_without_a_charge() -> tuple[World, Session]:
    """That it is paid is told, and not yet with which charge."""
    world, session = paid_unheard_of()
    world.settle("checkout.session.completed")
    return world, session


def canceled_and_kept() -> tuple[World, Session]:
    """The clinic cancelled, and kept what was paid."""
    world, session = paid()
    cancel(world, session, keep_payments=True)
    return world, session


def refund_sent_back() -> tuple[World, Session]:
    """The clinic cancelled, and days later the bank sent the refund back."""
    world, session = paid()
    cancel(world, session)
    world.stripe.fail_refund(world.refunds()[0]["id"])
    world.settle("refund.failed")
    return world, session


def refund_in_trouble() -> tuple[World, Session]:
    """The clinic cancelled, and Stripe has not answered since."""
    world, session = paid()
    world.stripe.fail_next("timeout_before", 4, path_prefix="/v1/refunds")
    cancel(world, session)
    world.clock.advance(minutes=2)
    world.sweep()
    return world, session


UNPAID: dict[str, State] = {"unpaid": unpaid, "offered": offered, "unanswered": unanswered}
PAID: dict[str, State] = {"paid, unheard of": paid_unheard_of, "paid": paid}
