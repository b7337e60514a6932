"""`python -m bot.demo.pictures`: the README's pictures, taken from the running demo.

It presses what a person would press. It needs Playwright and a Chromium, which the tests need too.
"""

from __future__ import annotations

import asyncio
import io
import shutil
import sys
import tempfile
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from PIL import Image
from playwright.async_api import Browser, FloatRect, Locator, Page, async_playwright

from bot.clock import SystemClock
from bot.demo.databases import make_databases
from bot.demo.pace import Pace, PacedClock, PacedTimer
from bot.demo.page.serving import serve
from bot.demo.postgres import EmbeddedPostgres
from bot.demo.scenarios import SCENARIOS
from bot.demo.show import VERSION, Show, Times, open_show

FOLDER: Final = Path(__file__).parents[2] / "manifests" / "pictures"
_FAST: Final = 200.0
_WAIT: Final = 60_000
_WIDE: Final = 1280
_COLUMN: Final = 720
_TALLEST: Final = 760


class Photographer:
    """Goes through the hour and takes the pictures on the way.

    Args:
        show: what plays.
        pace: of its clock.
        browser: looks at it.
    """

    def __init__(self, show: Show, pace: Pace, browser: Browser) -> None:
        self._show = show
        self._pace = pace
        self._browser = browser

    async def take_all(self) -> None:
        """All pictures, in the order in which the hour gives them."""
        wide = await self._page(_WIDE, 800)
        tall = await self._page(_COLUMN, 3000)
        await self._show.start_watch()
        await self._to(tall, "checkpoint 2 (T+20)")
        await self._found(wide, "checkpoint 2 (T+20)").evaluate("(each) => each.scrollIntoView()")
        _keep("incidents.png", await wide.screenshot(animations="disabled"))
        await self._message(self._found(tall, "checkpoint 2 (T+20)"), "checkpoint.png")
        await self._preview(tall)
        await self._to(tall, "T+50")
        await self._message(_message(tall, "2 CRITICAL at once"), "escalation.png")
        await self._to(tall, "final review (T+60)")
        await self._message(self._found(tall, "final review (T+60)"), "final.png")
        await self._message(tall.locator("#messages .message:not(.own)").first, "status.png")

    async def _page(self, width: int, height: int) -> Page:
        context = await self._browser.new_context(
            viewport={"width": width, "height": height}, color_scheme="light", locale="en-GB"
        )
        page = await context.new_page()
        page.set_default_timeout(_WAIT)
        await page.goto(self._show.workspace.base_url)
        await page.wait_for_selector("body[data-ready]")
        return page

    async def _to(self, page: Page, words: str) -> None:
        """Let the hour go on until the bot says so."""
        self._pace.choose(_FAST)
        await self._found(page, words).wait_for()
        self._pace.choose(Pace.LIFE)
        await page.wait_for_timeout(1500)  # the posts that go with it

    @staticmethod
    def _found(page: Page, words: str) -> Locator:
        return _message(page, f"{VERSION} · {words}")

    async def _preview(self, page: Page) -> None:
        """The preview of a fix, as the diagnosis offers it; nothing is confirmed."""
        messages = page.locator("#messages")
        await messages.get_by_role("button", name="Diagnose: connections").last.click()
        await messages.get_by_role("button", name="Regenerate secret").last.click()
        dialog = page.get_by_role("dialog", name="Preview")
        await dialog.get_by_label("Why?").fill("Their customers are waiting.")
        _keep("preview.png", await dialog.screenshot(animations="disabled"))
        await dialog.get_by_role("button", name="Cancel").click()

    @staticmethod
    async def _message(message: Locator, name: str) -> None:
        """The upper part of a message: verdict, reasons, what to do."""
        await message.scroll_into_view_if_needed()
        box = await message.bounding_box()
        if box is None:
            raise LookupError(f"{name}: the message is not to be seen.")
        clip: FloatRect = {
            "x": box["x"],
            "y": box["y"],
            "width": box["width"],
            "height": min(box["height"], _TALLEST),
        }
        _keep(name, await message.page.screenshot(clip=clip, animations="disabled"))


def _message(page: Page, words: str) -> Locator:
    return page.locator("#messages .message", has_text=words).last


def _keep(name: str, png: bytes) -> None:
    """Write a picture with few colours: text on a plain ground needs no more."""
    with Image.open(io.BytesIO(png)) as picture:
        picture.convert("RGB").quantize(128).save(FOLDER / name, optimize=True)


async def run(server: EmbeddedPostgres, folder: Path, chromium: str) -> None:
    """Play the incident, and take the pictures."""
    clock = PacedClock(datetime.now(UTC) - timedelta(hours=1), speed=Pace.LIFE)
    pace, timer = Pace(clock, Pace.LIFE), PacedTimer(clock)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(timer.stop)
        show = await stack.enter_async_context(
            open_show(
                SCENARIOS[0],
                seed=1,
                times=Times(clock=clock, timer=timer, life=SystemClock()),
                databases=make_databases(server),
                folder=folder,
                before=lambda show: serve(show, pace),
            )
        )
        playwright = await stack.enter_async_context(async_playwright())
        browser = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        stack.push_async_callback(browser.close)
        await Photographer(show, pace, browser).take_all()


def main() -> int:
    """Take the pictures; 1 where there is no browser."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        sys.stderr.write("No Chromium is found: `apt install chromium` brings one.\n")
        return 1
    FOLDER.mkdir(exist_ok=True)
    with EmbeddedPostgres() as server, tempfile.TemporaryDirectory() as folder:
        asyncio.run(run(server, Path(folder), chromium))
    return 0


if __name__ == "__main__":
    sys.exit(main())
