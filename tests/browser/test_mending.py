"""The incident mended in the browser: each fix through its preview, and the hour is no NO-GO."""

from __future__ import annotations

import pytest
from playwright.async_api import Locator, Page, expect

from bot.demo.place import MEMBER, OPERATOR
from tests.browser.visits import Local, Visits, anything, be, faults, write

pytestmark = pytest.mark.asyncio(loop_scope="module")

FAST = 150.0


async def test_pressing_the_offered_fixes_mends_it(local: Local, visits: Visits) -> None:
    """Secret, failed messages and campaign; the member is refused; the review says MONITOR."""
    page = await visits.open()
    await write(page, "/golive start v2.4.0")
    await anything(page, "v2.4.0").to_be_visible()

    await to(local, page, "checkpoint 2 (T+20)")
    await refused(page)
    preview = await offered(page, "Diagnose: connections")
    await expect(preview).to_contain_text("Messages that arrive during the switch are lost")
    assert await faults(page) == []
    await confirm(page, preview, "Regenerate")

    local.pace.choose(FAST)
    await expect(page.get_by_role("button", name="Diagnose: outbound").last).to_be_visible()
    local.pace.choose(1)
    preview = await offered(page, "Diagnose: outbound")
    await expect(preview).to_contain_text("would be reset")
    await confirm(page, preview, "Reset")
    await undo(page)

    local.pace.choose(FAST)
    await expect(page.get_by_role("button", name="Diagnose: campaigns").last).to_be_visible()
    local.pace.choose(1)
    preview = await offered(page, "Diagnose: campaigns")
    await confirm(page, preview, "Reset")

    await to(local, page, "final review (T+60)")
    await anything(page, "final review (T+60)").to_contain_text("▲ MONITOR")
    secrets = [unit.secret for unit in local.show.hour.world.units]
    said = str([post.to_json() for post in local.show.posts])
    assert not any(secret in said for secret in (*secrets, local.show.hour.world.apikey))


async def to(local: Local, page: Page, words: str) -> None:
    """Let the hour go on until the bot says so."""
    local.pace.choose(FAST)
    await anything(page, f"v2.4.0 · {words}").to_be_visible()
    local.pace.choose(1)


async def refused(page: Page) -> None:
    """Somebody without rights presses the same button as the operator, and is told why not."""
    await be(page, MEMBER)
    await write(page, "/golive fix regenerate_secret")
    told = page.get_by_role("dialog", name="golive")
    await expect(told).to_contain_text("Only operators may run")
    await told.get_by_role("button", name="Close").click()
    await expect(told).to_have_count(0)
    await be(page, OPERATOR)


async def offered(page: Page, diagnose: str) -> Locator:
    """What a diagnosis offers, as its preview."""
    messages = page.locator("#messages")
    fixes = messages.locator("[data-action^='golive.fix']")
    before = await fixes.count()
    await messages.get_by_role("button", name=diagnose).last.click()
    await fixes.nth(before).click()
    preview = page.get_by_role("dialog", name="Preview")
    await preview.get_by_label("Why?").fill("Customers wait for it.")
    return preview


async def confirm(page: Page, preview: Locator, word: str) -> None:
    """Say yes, and see that it was done."""
    await preview.get_by_role("button", name=word).click()
    done = page.get_by_role("dialog", name="golive")
    await expect(done).to_contain_text("Done:")
    await done.get_by_role("button", name="Close").click()
    await expect(page.get_by_role("dialog")).to_have_count(0)


async def undo(page: Page) -> None:
    """Take it back by the thread's button, which asks first; the thread says what came of it."""
    thread = page.get_by_role("complementary", name="Thread")
    await page.locator("#messages").get_by_role("button", name="repl").first.click()
    await thread.get_by_role("button", name="Undo").last.click()
    await page.get_by_role("alertdialog").locator("[data-confirm=confirm]").click()
    await expect(thread.locator(".message", has_text="Undone").last).to_contain_text("By @olivia")
    await page.get_by_role("button", name="Close thread").click()
