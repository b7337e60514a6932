"""A real Chromium that looks at a real show. Without a browser these tests are skipped, loudly."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright, expect

from bot.clock import SystemClock
from bot.demo.databases import make_databases
from bot.demo.pace import Pace, PacedClock, PacedTimer
from bot.demo.page.serving import serve
from bot.demo.postgres import EmbeddedPostgres
from bot.demo.scenarios import BY_NAME
from bot.demo.show import Times, open_show
from tests.browser.visits import WAIT, Local, Visits
from tests.support.secrecy.planted import plant_password

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_NONE = (
    "NO BROWSER FOUND: the tests that click through the local workspace did NOT run."
    " `apt install chromium` brings one."
)


@pytest.fixture(scope="session")
def chromium() -> str:
    """The distribution's browser."""
    for name in _NAMES:
        found = shutil.which(name)
        if found is not None:
            return found
    pytest.skip(_NONE)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser(chromium: str) -> AsyncIterator[Browser]:
    """One browser for the tests of a module."""
    expect.set_options(timeout=WAIT)
    async with async_playwright() as playwright:
        # Its own sandbox does not work for root; what it opens is this process's own server.
        opened = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield opened
        await opened.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def local(
    chromium: str, postgres_server: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Local]:
    """The whole demo without a watch, at life's pace until a test says otherwise."""
    del chromium  # without a browser there is nothing to show
    folder: Path = tmp_path_factory.mktemp("show")
    databases = make_databases(postgres_server)
    plant_password(databases.reader)
    clock = PacedClock(datetime.now(UTC) - timedelta(hours=1), speed=Pace.LIFE)
    pace, timer = Pace(clock, Pace.LIFE), PacedTimer(clock)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(timer.stop)
        show = await stack.enter_async_context(
            open_show(
                BY_NAME["incident"],
                seed=1,
                times=Times(clock=clock, timer=timer, life=SystemClock()),
                databases=databases,
                folder=folder,
                before=lambda show: serve(show, pace),
            )
        )
        yield Local(show=show, pace=pace)


@pytest_asyncio.fixture(loop_scope="module")
async def visits(browser: Browser, local: Local) -> AsyncIterator[Visits]:
    """Opens pages; at the end none of them may have complained."""
    opened = Visits(browser=browser, local=local)
    yield opened
    await opened.close()
    assert opened.complaints == []
