"""axe finds nothing on any page, on phone and desktop, light and dark; and no page is wider than its screen."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Browser

from tests.browser.visitor import DESKTOP, PHONE, faults_of, visitor
from tests.sandbox.script import Script

pytestmark = [pytest.mark.browser, pytest.mark.allow_hosts(["127.0.0.1"])]


@pytest.fixture(scope="module")
def pages(script: Script) -> dict[str, str]:
    """An address for every kind of page."""
    unpaid, paid, early = script.schedule(), script.schedule(), script.schedule(starts_in=timedelta(days=2))
    free, over = script.schedule(fee=None), script.schedule()
    paid.pay()
    early.pay()
    checkout = unpaid.offer()
    paid_checkout = script.stripe_objects("checkout_sessions")[0]
    room = free.browser.post(f"{free.guest}/join").headers["location"]
    script.control("/clock", advance=31 * 60)
    return {
        "pay": script.schedule().guest,
        "join": script.schedule(fee=None).guest,
        "host": script.schedule().host,
        "all set": early.guest,
        "ended": over.guest,
        "ended, paid": paid.guest,
        "forged": unpaid.guest[:-4] + "AAAA",
        "returned": paid_checkout["success_url"],
        "checkout": script.schedule().offer(),
        "checkout that is over": checkout,
        "room": script.schedule(fee=None).browser.post(f"{script.schedule(fee=None).guest}/join").headers["location"],
        "room that is over": room,
        "start page": script.told["control_url"],
        "reference": script.told["app_url"] + "/docs",
    }


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("screen", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_axe_finds_nothing_on_any_page(
    chromium: Browser, pages: dict[str, str], screen: dict[str, int], scheme: str
) -> None:
    assert dict(_found(chromium, pages, screen, scheme)) == {}


def _found(
    browser: Browser, pages: dict[str, str], screen: dict[str, int], scheme: str
) -> Iterator[tuple[str, list[str]]]:
    for name, url in pages.items():
        with visitor(browser, viewport=screen, color_scheme=scheme) as page:
            page.goto(url)
            faults = faults_of(page)
            if faults:
                yield name, faults
