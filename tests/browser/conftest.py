"""Chromium, and the running product that it opens."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.sandbox.script import Script, Started

QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("Chromium is not installed (on Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Script]:
    """One clinic's."""
    yield from _script(Started(tmp_path_factory.mktemp("local")))


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Script]:
    """A platform's first clinic's; another, Hill Street Clinic, has connected no account."""
    yield from _script(Started(tmp_path_factory.mktemp("local"), connect="on"))


def _script(running: Started) -> Iterator[Script]:
    script = Script(running.told)
    with script.closing:
        yield script
    assert running.end() == 0
