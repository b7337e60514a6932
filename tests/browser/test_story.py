"""A whole hour in the browser, with the real bot: what an operator, a member and a guest can do."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

from bot.demo.place import GUEST, MEMBER, OPERATOR
from tests.browser.visits import Local, Visits, anything, be, faults, write

pytestmark = pytest.mark.asyncio(loop_scope="module")

FAST = 240.0
"""Simulated seconds a real one: the hour in a quarter of a minute."""


async def test_left_alone_the_hour_ends_in_no_go_with_the_escalation(
    local: Local, visits: Visits
) -> None:
    """Started by typing; checkpoints come in; others are refused; the final review says NO-GO."""
    page = await visits.open()
    await be(page, MEMBER)
    await write(page, "/golive start v2.4.0")
    await anything(page, "Only visible to you").to_contain_text("operator")
    await be(page, GUEST)
    await write(page, "/golive status")
    await anything(page, "Only visible to you").to_be_visible()
    await be(page, OPERATOR)
    await expect(page.get_by_text("Only visible to you")).to_have_count(0)

    await write(page, "/golive start v2.4.0")
    status = page.locator("#messages .message", has_text="No verdict yet").first
    await expect(status).to_be_visible()
    local.pace.choose(FAST)
    await page.get_by_role("button", name="repl").first.click()
    thread = page.get_by_role("complementary", name="Thread")
    first = thread.locator(".message", has_text="✔ GO so far · v2.4.0 · checkpoint 1 (T+10)")
    await expect(first).to_be_visible()
    await anything(page, "between checkpoints").to_contain_text("✖ NO-GO")
    assert await faults(page) == []
    await anything(page, "2 CRITICAL at once").to_contain_text("@oncall")
    await expect(page.locator("#messages img").last).to_have_attribute("alt", ALT)
    await anything(page, "final review (T+60)").to_contain_text("✖ NO-GO")
    await local.show.finished()
    local.pace.choose(1)


ALT = re.compile("5xx")


async def test_whoever_is_on_it_says_so_by_a_button(visits: Visits) -> None:
    """A member may; the thread names them, and the button is gone from the status."""
    page = await visits.open()
    await be(page, MEMBER)
    await page.get_by_role("button", name="I am on it").last.click()
    await expect(page.get_by_text("you are on it").last).to_be_visible()


async def test_app_home_shows_the_watch(visits: Visits) -> None:
    """Running watches, and what the reader may do."""
    page = await visits.open()
    await page.get_by_role("button", name="golive · App Home").click()
    home = page.get_by_role("region", name="App Home")
    await expect(home).to_contain_text("v2.4.0")
    await expect(home).to_contain_text("/golive start")


async def test_the_panel_shows_what_the_bot_sees(visits: Visits) -> None:
    """The log's end, the numbers of the database, and each call with its answer."""
    page = await visits.open()
    panel = page.get_by_role("complementary", name="What the bot sees")
    await expect(panel.locator(".log")).to_contain_text("[INFO] [RES]")
    await expect(panel.get_by_text("Units connected")).to_be_visible()
    call = panel.locator("summary", has_text="chat.postMessage").first
    await expect(call).to_contain_text("200")
    await call.click()
    await expect(panel.locator("details[open] pre")).to_contain_text('"channel"')
