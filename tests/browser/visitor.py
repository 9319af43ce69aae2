"""A person at a browser, and what axe says of the page in front of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 900}


@contextmanager
def visitor(browser: Browser, **options: Any) -> Iterator[Page]:
    """A browser of their own; a message in its console, of a refused script or style say, is a failure."""
    context = browser.new_context(**{"viewport": PHONE, **options})
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    yield page
    context.close()
    # Chromium itself reports every page with an error status, which the pages of dead links have.
    assert [text for text in said if "Failed to load resource" not in text] == []


def faults_of(page: Page) -> list[str]:
    """What axe finds wrong, a line each; and whether the page is wider than the screen."""
    found = [f"{one['id']}: {one['nodes'][0]['html']}" for one in Axe().run(page).response["violations"]]
    if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
        found.append("the page is wider than the screen")
    return found
