"""A real browser, made once: the pages are looked at as people look at them."""

import os
import shutil
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, async_playwright

from tests.support.prerequisites import missing


@pytest.fixture
async def chromium() -> AsyncIterator[Browser]:
    """Chromium as the system ships it, nothing downloaded; loopback only."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        missing("no Chromium is installed")
    flags = [
        "--no-proxy-server",
        "--disable-dev-shm-usage",
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    ]
    if os.geteuid() == 0:
        flags.append("--no-sandbox")  # it refuses to sandbox itself as root; it only sees our own pages
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=found, args=flags)
        yield browser
        await browser.close()
