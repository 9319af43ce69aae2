"""A device whose clock is wrong: the page believes the server's."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.visitor import visitor
from tests.sandbox.script import Script

pytestmark = [pytest.mark.browser, pytest.mark.allow_hosts(["127.0.0.1"])]

SKEWED = """
const real = Date;
window.Date = class extends real {
  constructor(...given) { given.length ? super(...given) : super(real.now() + HOURS * 3600000); }
  static now() { return real.now() + HOURS * 3600000; }
};
"""


@pytest.mark.parametrize("hours", [-14, 14])
def test_the_page_counts_down_by_the_servers_clock_on_a_device_that_is_hours_off(
    chromium: Browser, script: Script, hours: int
) -> None:
    booked = script.schedule(fee=None, starts_in=timedelta(minutes=30))
    with visitor(chromium) as page:
        page.add_init_script(SKEWED.replace("HOURS", str(hours)))
        page.goto(booked.guest)
        off = page.evaluate("(Date.now() - performance.timeOrigin - performance.now()) / 3600000")
        assert round(off) == hours
        expect(page.locator("[data-countdown] b")).to_have_text("30 minutes")
        expect(page.get_by_role("button", name="Join the consultation")).to_have_count(0)
