"""What each request costs, read from the sandbox's counters over real HTTP: the budgets of DESIGN, section 3."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.sandbox.script import Script

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])


def test_each_request_costs_what_it_may(script: Script) -> None:
    script.control("/webhooks", mode="hold")
    booked = script.schedule()
    booked.door()  # the caches are warm
    assert _cost(script, booked.door) == (1, 0, 0)
    assert _cost(script, booked.offer) == (1, 2, 1)
    assert _cost(script, booked.offer) == (1, 0, 0)
    script.control("/clock", advance=31)
    assert _cost(script, booked.offer) == (1, 0, 1)
    script.http.post(booked.offer(), data={"card": "4242424242424242"})
    script.control("/reset")
    script.control("/webhooks/flush")
    assert script.spent("webhooks") == (2, 2, 0)  # the session and the charge; the other events say nothing new
    assert _cost(script, lambda: booked.browser.post(f"{booked.guest}/join")) == (1, 1, 0)
    assert _cost(script, script.schedule) == (0, 1, 0)


def test_a_webhook_that_stripe_sends_twice_is_written_once(script: Script) -> None:
    booked = script.schedule()
    script.control("/webhooks", mode="duplicate", delay=60)
    booked.pay()
    script.control("/reset")
    script.control("/webhooks/flush")
    assert script.spent("webhooks") == (4, 2, 0)  # two events that say something, each read twice
    assert booked.payment()["amount_paid"] == 8000


def test_a_forged_webhook_costs_nothing(script: Script) -> None:
    now = int(script.now().timestamp())
    script.control("/reset")
    forged = script.http.post(
        f"{script.told['app_url']}/stripe/webhook",
        content=b'{"id": "evt_1", "type": "charge.succeeded"}',
        headers={"Stripe-Signature": f"t={now},v1={'0' * 64}"},
    )
    assert forged.status_code == 400
    assert script.spent("webhooks") == (0, 0, 0)


def test_a_sweep_with_nothing_due_is_one_query_for_each_shard(script: Script) -> None:
    script.control("/clock", advance=86_400)
    script.control("/sweep")
    script.control("/sweep")
    script.control("/reset")
    script.control("/sweep")
    assert script.spent("sweep") == (16, 0, 0)


def _cost(script: Script, act: Callable[[], object]) -> tuple[int, int, int]:
    script.control("/reset")
    act()
    return script.spent()
