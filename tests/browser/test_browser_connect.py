"""A clinic's owner connects its Stripe account, in Chromium on a running platform; and axe on every page of the way."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.test_browser_walk import pay_with
from tests.browser.visitor import DESKTOP, PHONE, faults_of, visitor
from tests.sandbox.script import VISA, Script

pytestmark = [pytest.mark.browser, pytest.mark.allow_hosts(["127.0.0.1"])]

OTHER = "Hill Street Clinic"


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def clinic_on(page: Page, platform: Script, name: str) -> Page:
    """The start page, and that it shows the clinic."""
    page.goto(platform.told["control_url"])
    expect(page.get_by_role("heading", name=name, exact=True)).to_be_visible()
    return page


def card_of(page: Page, name: str) -> str:
    return page.get_by_role("listitem").filter(has_text=name).inner_text()


def headed(page: Page, text: str) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text(text)


# --- axe ------------------------------------------------------------------------------------------------------------


def the_way_of_an_existing_account(page: Page, platform: Script) -> Iterator[str]:
    """Each page of the way, by name; connects nothing."""
    page.goto(platform.told["control_url"])
    yield "start page"
    press(page, f"Connect the Stripe account of {OTHER}")
    yield "Stripe’s page"
    press(page, "Cancel")
    yield "cancelled"
    page.goto(f"{platform.told['app_url']}/stripe/connect/callback?state=forged&code=ac_1")
    yield "forged"
    clinic_on(page, platform, OTHER)
    press(page, f"Connect the Stripe account of {OTHER}")
    page.get_by_label("Account").select_option(platform.told["stripe_account_id"])
    press(page, "Connect")
    yield "another clinic’s"


def the_way_of_a_new_account(page: Page, platform: Script) -> Iterator[str]:
    name = f"Bay Road Clinic {len(platform.state()['stripe']['accounts'])}"
    made = platform.control("/teams", name=name)
    page.goto(platform.control("/teams/connect", team_id=made["team_id"], account="new")["url"])
    yield "Stripe’s page of a new account"
    press(page, "Leave for now")
    yield "almost done"
    clinic_on(page, platform, name)
    yield "start page with an unfinished account"
    page.get_by_role("button", name="Go on with its new account").click()
    press(page, "Leave for now")
    page.get_by_role("link", name="Go on at Stripe").click()
    press(page, "Finish")
    yield "connected"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("screen", [PHONE, DESKTOP], ids=["phone", "desktop"])
@pytest.mark.parametrize("way", [the_way_of_an_existing_account, the_way_of_a_new_account], ids=["existing", "new"])
def test_axe_finds_nothing_on_the_way(
    chromium: Browser,
    platform: Script,
    way: Callable[[Page, Script], Iterator[str]],
    screen: dict[str, int],
    scheme: str,
) -> None:
    with visitor(chromium, viewport=screen, color_scheme=scheme) as page:
        found = {name: faults_of(page) for name in way(page, platform)}
    assert {name: faults for name, faults in found.items() if faults} == {}


# --- the walk -------------------------------------------------------------------------------------------------------


def test_an_owner_who_cancels_is_told_that_nothing_is_connected(chromium: Browser, platform: Script) -> None:
    with visitor(chromium) as page:
        press(clinic_on(page, platform, OTHER), f"Connect the Stripe account of {OTHER}")
        expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("Connect an account to"))
        press(page, "Cancel")
        headed(page, "Not connected")
        assert "no Stripe account" in card_of(clinic_on(page, platform, OTHER), OTHER)


def test_an_owner_connects_a_client_pays_on_it_and_the_page_shows_the_platforms_fee(
    chromium: Browser, platform: Script
) -> None:
    with visitor(chromium, viewport=DESKTOP) as page:
        press(clinic_on(page, platform, OTHER), f"Connect the Stripe account of {OTHER}")
        press(page, "Connect")
        headed(page, "Your Stripe account is connected")
        expect(page.get_by_text("The clinic can take payments from now on.")).to_be_visible()
        expect(page.get_by_text(OTHER)).to_be_visible()
        clinic_on(page, platform, OTHER)
        assert "takes payments" in card_of(page, OTHER)
        clinic = page.get_by_role("listitem").filter(has_text=OTHER)
        clinic.get_by_role("button", name="Schedule a client who owes A$80.00").click()
        clinic.get_by_role("link", name="The client who owes A$80.00").click()
        page.get_by_role("button", name="Pay 80.00 AUD").click()
        pay_with(page, VISA)
        expect(page.get_by_role("button", name="Join the consultation")).to_be_visible()
        clinic_on(page, platform, OTHER)
        charge = page.get_by_role("region", name="Charges").get_by_role("row").filter(has_text=OTHER)
        expect(charge).to_contain_text("A$2.00")


def test_an_account_is_restricted_deauthorised_and_connected_again_with_buttons(
    chromium: Browser, platform: Script
) -> None:
    made = platform.control("/teams", name="Lake Road Clinic")
    with visitor(chromium, viewport=DESKTOP) as page:
        page.goto(platform.control("/teams/connect", team_id=made["team_id"], account="existing")["url"])
        page.get_by_label("Account").select_option("new")
        press(page, "Connect")
        headed(page, "Your Stripe account is connected")
        name = platform.state()["stripe"]["accounts"][-1]["account"]["id"]
        clinic_on(page, platform, "Lake Road Clinic")
        row = page.get_by_role("region", name="Stripe accounts").get_by_role("row").filter(has_text=name)
        for button, shows, standing in (
            ("Restrict", "restricted", "restricted by Stripe"),
            ("Restore", "enabled", "takes payments"),
            ("Deauthorise", "not connected", "disconnected"),
        ):
            row.get_by_role("button", name=re.compile(f"^{button}")).click()
            expect(row).to_contain_text(shows)
            expect(page.get_by_role("listitem").filter(has_text="Lake Road Clinic")).to_contain_text(standing)
        press(page, "Connect the Stripe account of Lake Road Clinic")
        page.get_by_label("Account").select_option(name)
        press(page, "Connect")
        headed(page, "Your Stripe account is connected")
