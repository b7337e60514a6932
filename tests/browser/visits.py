"""What somebody does on the page, and what a page must never do."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from playwright.async_api import Browser, BrowserContext, Page, expect

from bot.demo.pace import Pace
from bot.demo.show import Show
from bot.demo.workspace import View
from bot.demo.workspace.values import Json

AXE = Path(__file__).parent / "vendor" / "axe.min.js"
SERIOUS = {"serious", "critical"}
WAIT = 30_000
"""Milliseconds in which something must have come; nothing waits so long that comes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Local:
    """The demo as it runs, and its pace."""

    show: Show
    pace: Pace

    @property
    def url(self) -> str:
        """Where the page is."""
        return f"{self.show.workspace.base_url}/"

    def open_modal(self, user: str, blocks: list[Json], **more: Any) -> View:
        """A modal as the bot opens one, held against Slack's rules."""
        context, views = self.show.workspace.context, self.show.workspace.state.views
        words = {"title": "A dialog", "submit": "Confirm", "close": "Cancel", **more}
        texts = {name: {"type": "plain_text", "text": text} for name, text in words.items()}
        view: Json = {"type": "modal", "callback_id": "test", "blocks": blocks, **texts}
        return views.open(views.trigger(user), context.view(view, "modal"))


@dataclass(slots=True, kw_only=True)
class Visits:
    """Pages that are open, and what they complained of."""

    browser: Browser
    local: Local
    complaints: list[str] = field(default_factory=list[str])
    _contexts: list[BrowserContext] = field(default_factory=list[BrowserContext])

    async def open(
        self,
        *,
        width: int = 1440,
        height: int = 900,
        scheme: Literal["light", "dark"] = "light",
        zone: str = "Europe/Berlin",
    ) -> Page:
        """A page that has been told everything."""
        context = await self.browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme=scheme,
            timezone_id=zone,
            locale="en-GB",
            reduced_motion="reduce",
        )
        context.set_default_timeout(WAIT)
        self._contexts.append(context)
        page = await context.new_page()
        page.on("console", lambda said: self._heard(said.type, said.text))
        page.on("pageerror", lambda error: self._heard("error", str(error)))
        await page.goto(self.local.url)
        await ready(page)
        return page

    async def close(self) -> None:
        """Close all."""
        for context in self._contexts:
            await context.close()

    def _heard(self, kind: str, text: str) -> None:
        if kind in {"error", "warning"}:
            self.complaints.append(f"{kind}: {text}")


async def ready(page: Page) -> None:
    """Wait until the page knows what there is."""
    await page.wait_for_selector("body[data-ready]")


async def be(page: Page, user: str) -> None:
    """Become somebody else."""
    await page.get_by_label("You are").select_option(user)
    await ready(page)


async def write(page: Page, text: str) -> None:
    """Type into the message box, and send."""
    box = page.locator("#composer textarea")
    await box.fill(text)
    await box.press("Enter")


async def faults(page: Page) -> list[str]:
    """What axe-core finds that is serious."""
    # The page's policy lets no other script in; the browser's own door is not bound by it.
    await page.evaluate(AXE.read_text(encoding="utf-8") + "; null")
    found = json.loads(
        await page.evaluate("axe.run().then((all) => JSON.stringify(all.violations))")
    )
    return [
        f"{each['id']}: {node['html'][:160]}"
        for each in found
        if each["impact"] in SERIOUS
        for node in each["nodes"]
    ]


def anything(page: Page, text: str) -> Any:
    """The newest message with this text."""
    return expect(page.locator("#messages .message", has_text=text).last)
