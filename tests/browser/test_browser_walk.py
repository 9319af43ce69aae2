"""The main job as people do it, in Chromium, on the running product."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.visitor import visitor
from tests.sandbox.script import DECLINED, VISA, Script

pytestmark = [pytest.mark.browser, pytest.mark.allow_hosts(["127.0.0.1"])]


def pay_with(page: Page, card: str) -> None:
    page.get_by_label("Card number").fill(card)
    page.get_by_role("button", name=re.compile("^Pay")).click()


def test_a_client_is_declined_tries_again_pays_and_enters_the_room(chromium: Browser, script: Script) -> None:
    booked = script.schedule()
    with visitor(chromium, timezone_id="Australia/Sydney") as page:
        page.goto(booked.guest)
        expect(page.get_by_role("heading", level=1)).to_have_text("Pay for your consultation")
        expect(page.get_by_text("Dr Lee")).to_be_visible()
        expect(page.get_by_text(re.compile("Australian Eastern"))).to_be_visible()
        page.get_by_role("button", name="Pay 80.00 AUD").click()
        pay_with(page, DECLINED)
        expect(page.get_by_text(re.compile("declined")).first).to_be_visible()
        pay_with(page, VISA)
        expect(page).to_have_url(booked.guest)
        page.get_by_role("button", name="Join the consultation").click()
        expect(page.get_by_text("Alex <b>Moor").first).to_be_visible()
        assert page.url.startswith(f"{script.told['control_url']}/room/")
    assert booked.payment()["status"] == "paid"


def test_tomorrows_session_is_paid_today_and_the_page_counts_down(chromium: Browser, script: Script) -> None:
    booked = script.schedule(starts_in=timedelta(days=1))
    with visitor(chromium) as page:
        page.goto(booked.guest)
        page.get_by_role("button", name="Pay 80.00 AUD").click()
        pay_with(page, VISA)
        expect(page.get_by_role("heading", level=1)).to_have_text("You are all set")
        expect(page.get_by_role("timer")).to_contain_text(re.compile(r"23 h|1 day|23:5|24 h", re.IGNORECASE))
        expect(page.get_by_role("button", name="Join the consultation")).to_have_count(0)
        with page.expect_download() as download:
            page.get_by_role("link", name=re.compile("calendar", re.IGNORECASE)).click()
        assert "BEGIN:VEVENT" in Path(download.value.path()).read_text()


def test_the_offer_is_ready_before_pay_is_pressed_and_pressing_makes_no_second(
    chromium: Browser, script: Script
) -> None:
    booked = script.schedule()
    made = len(script.stripe_objects("checkout_sessions"))
    with visitor(chromium) as page:
        with page.expect_response(re.compile("/checkout$")) as prepared:
            page.goto(booked.guest)
        assert prepared.value.status == 200
        page.get_by_role("button", name="Pay 80.00 AUD").click()
        expect(page.get_by_label("Card number")).to_be_visible()
    assert len(script.stripe_objects("checkout_sessions")) == made + 1


def test_without_javascript_the_same_button_pays(chromium: Browser, script: Script) -> None:
    booked = script.schedule()
    with visitor(chromium, java_script_enabled=False) as page:
        page.goto(booked.guest)
        expect(page.get_by_text("UTC").first).to_be_visible()
        page.get_by_role("button", name="Pay 80.00 AUD").click()
        pay_with(page, VISA)
        page.get_by_role("button", name="Join the consultation").click()
        expect(page.get_by_text("Alex <b>Moor").first).to_be_visible()


def test_another_browser_on_the_success_address_never_gets_to_the_link(chromium: Browser, script: Script) -> None:
    booked = script.schedule()
    booked.pay()
    [success_url] = {
        one["success_url"] for one in script.stripe_objects("checkout_sessions")[-1:] if one["status"] == "complete"
    }
    with visitor(chromium) as page:
        page.goto(success_url)
        expect(page.get_by_role("heading", level=1)).to_have_text("Payment received")
        assert "/session/" not in page.content()


def test_the_page_left_open_turns_into_ended_when_the_end_comes(chromium: Browser, script: Script) -> None:
    booked = script.schedule(fee=None)
    with visitor(chromium) as page:
        page.goto(booked.guest)
        expect(page.get_by_role("button", name="Join the consultation")).to_be_visible()
        script.control("/clock", advance=31 * 60)
        page.reload()
        expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("ended"))
        page.go_back()
        page.goto(booked.guest)
        expect(page.get_by_role("button", name="Join the consultation")).to_have_count(0)


def test_times_are_in_the_clients_own_zone(chromium: Browser, script: Script) -> None:
    booked = script.schedule(starts_in=timedelta(hours=3))
    shown = {}
    for zone in ("Pacific/Kiritimati", "Pacific/Midway"):
        with visitor(chromium, timezone_id=zone, locale="en-GB") as page:
            page.goto(booked.guest)
            expect(page.locator("[data-zone]")).to_contain_text("In your time zone")
            shown[zone] = page.locator("[data-when]").inner_text()
    assert shown["Pacific/Kiritimati"] != shown["Pacific/Midway"]
