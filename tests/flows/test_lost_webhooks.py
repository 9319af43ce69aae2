"""Every webhook is lost for three days (calcom/cal.diy#18011): all figures are right all the same, by asking Stripe."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import pytest

from chalicelib.domain.books import LedgerRow
from chalicelib.domain.payments import PaymentStatus
from chalicelib.domain.sessions import Session, cancel
from tests.support.reconciling import reconciled
from tests.support.world import World, checkout_id

LATER = timedelta(days=40)
HELD = {
    "paid": 8000,
    "paid twice": 8000,
    "cancelled": 0,
    "a part went back": 5000,
    "all went back": 0,
    "disputed": 8000,
    "the dispute lost": 0,
}
"""What the clinic holds in the end, in cents."""

STATUSES = {
    "paid": PaymentStatus.PAID,
    "paid twice": PaymentStatus.PAID,
    "cancelled": PaymentStatus.REFUNDED,
    "a part went back": PaymentStatus.PARTIALLY_REFUNDED,
    "all went back": PaymentStatus.REFUNDED,
    "disputed": PaymentStatus.DISPUTED,
    "the dispute lost": PaymentStatus.REFUNDED,
}
OURS = ("paid", "cancelled")
"""What clients and the clinic do with us; the rest is done in Stripe's dashboard, by a bank, or breaks its promises."""


def sweeps(world: World, hours: int) -> None:
    for _ in range(hours):
        world.clock.advance(hours=1)
        world.sweep()


def happened(world: World, names: tuple[str, ...], *, sweeping: bool) -> dict[str, Session]:
    """Three days of it, for one guest each; with or without a sweep every hour."""

    def pause(hours: int) -> None:
        if sweeping:
            sweeps(world, hours)
        else:
            world.clock.advance(hours=hours)

    world.stripe.set_webhooks("drop")
    sessions = {name: world.schedule(starts_in=LATER) for name in names}
    first = checkout_id(world.pay_page(sessions["paid twice"]).url) if "paid twice" in names else None
    charges = {name: world.pay(session).charge_id for name, session in sessions.items() if name != "paid twice"}
    pause(25)
    if first:
        world.pay(sessions["paid twice"])
        world.stripe.force_pay(first)
    world.change(sessions["cancelled"], lambda session: cancel(session, now=world.clock()))
    if "disputed" in names:
        world.stripe.refund_in_dashboard(charges["a part went back"], 3000)
        world.stripe.refund_in_dashboard(charges["all went back"])
        world.stripe.dispute(charges["disputed"])
        world.stripe.dispute_close(world.stripe.dispute(charges["the dispute lost"]), "lost")
    pause(46)
    return sessions


def held(world: World, session: Session) -> int:
    """What the clinic holds of this session's money, by Stripe's books alone."""
    participant_id, books = session.participant_id(2), world.books()
    charges = [one for one in books["charges"] if one["metadata"]["anteroom_participant"] == participant_id]
    ids = {one["id"] for one in charges if one["status"] == "succeeded"}
    refunds = sum(one["amount"] for one in books["refunds"] if one["charge"] in ids and one["status"] == "succeeded")
    lost = sum(one["amount"] for one in books["disputes"] if one["charge"] in ids and one["status"] == "lost")
    return int(sum(one["amount"] for one in charges if one["id"] in ids) - refunds - lost)


def figures(world: World, sessions: Mapping[str, Session]) -> dict[str, tuple[PaymentStatus, int, int]]:
    """Of each: how it stands, what the clinic holds by Stripe, and what it holds by our ledger."""
    rows: dict[str, list[LedgerRow]] = {}
    for row in world.ledger.between(world.team.team_id, world.clock() - timedelta(days=9), world.clock()):
        rows.setdefault(row.session_id, []).append(row)
    return {
        name: (
            world.status(session),
            held(world, session),
            sum(row.amount - row.refunded - row.charged_back for row in rows[session.session_id]),
        )
        for name, session in sessions.items()
    }


def expected(names: tuple[str, ...]) -> dict[str, tuple[PaymentStatus, int, int]]:
    return {name: (STATUSES[name], HELD[name], HELD[name]) for name in names}


def test_reconciling_alone_gets_all_figures_right_after_three_days_without_webhook_and_sweep(world: World) -> None:
    sessions = happened(world, tuple(HELD), sweeping=False)
    report = reconciled(world, repairs=True)
    assert report.tally.is_clean
    assert report.tally.found >= len(HELD)
    # What is owed for it (the second payment, the cancelled one) is the sweep's, at its next minute.
    world.sweep()
    world.clock.advance(seconds=1)
    assert figures(world, sessions) == expected(tuple(HELD))
    assert reconciled(world).sentences == []


def test_the_sweep_alone_gets_the_figures_of_all_that_was_done_here_right(world: World) -> None:
    sessions = happened(world, OURS, sweeping=True)
    assert figures(world, sessions) == expected(OURS)
    assert reconciled(world).sentences == []


def test_a_night_after_the_sweep_gets_the_rest_right(world: World) -> None:
    """What was done at Stripe alone, and told by a webhook alone."""
    sessions = happened(world, tuple(HELD), sweeping=True)
    report = reconciled(world, repairs=True)
    assert sorted(report.kinds) == ["dispute_unknown"] * 2 + ["payment_unknown"] + ["refunded_differs"] * 2
    assert report.tally.is_clean
    world.sweep()
    world.clock.advance(seconds=1)
    assert figures(world, sessions) == expected(tuple(HELD))


def test_the_return_page_alone_gets_a_payment_right(world: World) -> None:
    world.stripe.set_webhooks("drop")
    session = world.schedule(starts_in=LATER)
    started = world.pay_page(session)
    world.stripe.pay(checkout_id(started.url))
    world.clock.advance(days=3)
    world.come_back(started)
    assert world.status(session) is PaymentStatus.PAID
    assert reconciled(world, back=timedelta(days=4)).sentences == []


@pytest.mark.parametrize("name", ["a part went back", "all went back", "disputed", "the dispute lost"])
def test_without_reconciling_nobody_would_know_of_what_was_done_at_stripe_alone(world: World, name: str) -> None:
    """What the nightly function is for: were it not so, it would be too much."""
    sessions = happened(world, tuple(HELD), sweeping=True)
    assert world.status(sessions[name]) is PaymentStatus.PAID
