"""The page alone: what it renders, what it asks, whom it shows what, and who can use it."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, expect

from bot.demo.place import GUEST, INCIDENTS, MEMBER, OPERATOR, SECOND_OPERATOR
from bot.demo.workspace import Draft, Message, Traffic, people
from bot.demo.workspace.values import Json, mapping
from tests.browser.visits import Local, Visits, anything, be, faults, write

pytestmark = pytest.mark.asyncio(loop_scope="module")

INJECTION = "<img src=x onerror=alert(1)> & <script>alert(2)</script>"
CONFIRM: Json = {
    "title": {"type": "plain_text", "text": "Reset 37 messages?"},
    "text": {"type": "plain_text", "text": "37 rows of messages get status queued."},
    "confirm": {"type": "plain_text", "text": "Reset 37"},
    "deny": {"type": "plain_text", "text": "Cancel"},
    "style": "danger",
}


def words(text: str, kind: str = "mrkdwn") -> Json:
    """A text object."""
    return {"type": kind, "text": text}


def plain(text: str) -> Json:
    """A plain text object."""
    return words(text, "plain_text")


def options(*texts: str) -> list[Json]:
    """Options with their own words as values."""
    return [{"text": plain(text), "value": text.lower()} for text in texts]


def field(name: str, label: str, element: Json, **more: object) -> Json:
    """An input block."""
    return {
        "type": "input",
        "block_id": name,
        "label": plain(label),
        "element": {"action_id": name, **element},
        **more,
    }


BLOCKS: list[Json] = [
    {"type": "header", "text": plain("A header")},
    {
        "type": "section",
        "text": words(
            "*bold* _italic_ ~struck~ `code` <https://example.org/a?b=1|a link>\n> quoted"
        ),
        "fields": [words("*One*\n1"), words("*Two*\n2")],
        "accessory": {
            "type": "button",
            "action_id": "beside",
            "text": plain("Beside"),
            "value": "1",
        },
    },
    {"type": "divider"},
    {
        "type": "rich_text",
        "elements": [
            {
                "type": "rich_text_preformatted",
                "elements": [{"type": "text", "text": INJECTION}],
            },
            {
                "type": "rich_text_list",
                "style": "bullet",
                "elements": [
                    {"type": "rich_text_section", "elements": [{"type": "text", "text": "an item"}]}
                ],
            },
        ],
    },
    {
        "type": "table",
        "rows": [
            [{"type": "raw_text", "text": "Unit"}, {"type": "raw_text", "text": "Rows"}],
            [{"type": "raw_text", "text": "alfa"}, {"type": "raw_text", "text": "37"}],
        ],
    },
    {"type": "markdown", "text": "**strong** and `code`\n\n- first\n- second"},
    {"type": "context", "elements": [words("fine print")]},
    {"type": "video", "title": plain("A film")},
]


def post(local: Local, draft: Draft, **more: object) -> Message:
    """Something that the bot says, whatever Slack's rules say to it."""
    given: dict[str, object] = {
        "channel": INCIDENTS,
        "user": people.BOT_USER,
        "bot": True,
        "draft": draft,
        **more,
    }
    return local.show.workspace.state.messages.post(**given)  # pyright: ignore[reportArgumentType]


async def test_every_block_is_shown_and_nothing_is_run(local: Local, visits: Visits) -> None:
    """Each kind by its looks, foreign text as text, a block that is not known as such."""
    page = await visits.open()
    draft = Draft(
        text=f"&lt;b&gt; {INJECTION}",
        attachments=({"color": "#D55E00", "fallback": "f", "blocks": BLOCKS},),
    )
    post(local, draft)
    message = page.locator(".message").last
    await expect(message.locator(".header")).to_have_text("A header")
    for tag, text in (("strong", "bold"), ("em", "italic"), ("s", "struck"), ("code", "code")):
        await expect(message.locator(f".section {tag}", has_text=text).first).to_be_visible()
    await expect(message.get_by_role("link", name="a link")).to_have_attribute(
        "href", "https://example.org/a?b=1"
    )
    await expect(message.locator("pre").first).to_contain_text(INJECTION)
    await expect(message.get_by_role("columnheader", name="Rows")).to_be_visible()
    await expect(message.locator("li", has_text="an item")).to_be_visible()
    await expect(message.locator(".unknown")).to_contain_text("does not know this block: video")
    assert await message.locator("script, img[src=x]").count() == 0
    bar = await message.locator(".attachment").evaluate(
        "(each) => getComputedStyle(each, '::before').backgroundColor"
    )
    assert bar == "rgb(213, 94, 0)"


async def test_dates_are_in_the_readers_zone_and_mentions_have_names(
    local: Local, visits: Visits
) -> None:
    """One message, read in Berlin and in New York."""
    date = "<!date^1795500000^{date_short} {time}|fallback>"
    said = f"{date} <@{OPERATOR}> <!subteam^{people.OPERATORS}>"
    post(local, Draft(text=said))
    for zone, clock in (
        ("Europe/Berlin", "24 Nov 2026 7:00"),
        ("America/New_York", "24 Nov 2026 1:00"),
    ):
        page = await visits.open(zone=zone)
        message = page.locator(".message").last
        await expect(message.locator("time").last).to_contain_text(clock)
        await expect(message.locator(".mention")).to_have_text(["@olivia", "@oncall"])


async def test_a_confirm_dialog_asks_and_cancel_sends_nothing(local: Local, visits: Visits) -> None:
    """The bot's own words; nothing goes out before yes, and once after it."""
    page = await visits.open()
    button: Json = {
        "type": "button",
        "action_id": "danger",
        "text": plain("Reset"),
        "style": "danger",
        "confirm": CONFIRM,
    }
    post(local, Draft(text="t", blocks=({"type": "actions", "elements": [button]},)))
    dialog = page.get_by_role("alertdialog", name="Reset 37 messages?")
    reset = page.get_by_role("button", name="Reset", exact=True)
    await reset.click()
    await expect(dialog).to_contain_text("37 rows of messages get status queued.")
    await page.keyboard.press("Escape")
    await expect(dialog).to_have_count(0)
    await reset.click()
    await dialog.get_by_role("button", name="Cancel").click()
    assert clicked(local, "danger") == 0
    await reset.click()
    await dialog.get_by_role("button", name="Reset 37").click()
    await local.show.workspace.until(lambda: clicked(local, "danger") == 1)


def clicked(local: Local, action: str) -> int:
    """How often the bot heard of an action."""
    entries = local.show.workspace.journal.entries(Traffic.ENVELOPE)
    return sum(f"'{action}'" in str(mapping(e.body.get("payload")).get("actions")) for e in entries)


async def test_a_modal_takes_every_input_and_says_what_is_missing(
    local: Local, visits: Visits
) -> None:
    """A required field is asked for; what was typed survives an update; all of it is submitted."""
    page = await visits.open()
    blocks: list[Json] = [
        {"type": "section", "text": words("*37 rows* of `messages`")},
        field("why", "Reason", {"type": "plain_text_input", "multiline": True}),
        field("which", "Unit", {"type": "radio_buttons", "options": options("Alfa", "Beta")}),
        field(
            "also",
            "Also",
            {"type": "checkboxes", "options": options("Failed", "Queued")},
            optional=True,
            hint=plain("As many as you like."),
        ),
        field("to", "Status", {"type": "static_select", "options": options("Queued", "Pending")}),
    ]
    view = local.open_modal(OPERATOR, blocks)
    dialog = page.get_by_role("dialog", name="A dialog")
    await dialog.get_by_role("button", name="Confirm").click()
    await expect(dialog.get_by_text("Please complete this required field.")).to_have_count(3)
    await dialog.get_by_label("Reason").fill("the sends were failing")
    await dialog.get_by_label("Alfa").check()
    views = local.show.workspace.state.views
    current = views.get(view.id)
    assert current is not None
    views.update(current, {**view.payload, "blocks": [*blocks, {"type": "divider"}]})
    await expect(dialog.locator("hr")).to_have_count(1)
    await expect(dialog.get_by_label("Reason")).to_have_value("the sends were failing")
    await dialog.get_by_label("Queued").first.check()
    await dialog.get_by_label("Status").select_option("pending")
    await dialog.get_by_role("button", name="Confirm").click()
    await expect(dialog).to_have_count(0)
    (entry,) = [
        entry
        for entry in local.show.workspace.journal.entries(Traffic.ENVELOPE)
        if mapping(entry.body.get("payload")).get("type") == "view_submission"
    ]
    state = entry.body["payload"]["view"]["state"]["values"]
    assert state["why"]["why"]["value"] == "the sends were failing"
    assert state["which"]["which"]["selected_option"]["value"] == "alfa"
    assert [o["value"] for o in state["also"]["also"]["selected_options"]] == ["queued"]
    assert state["to"]["to"]["selected_option"]["value"] == "pending"


async def test_only_its_reader_sees_an_ephemeral_or_a_modal(local: Local, visits: Visits) -> None:
    """Two pages at once, as two people."""
    hers, his = await visits.open(), await visits.open()
    await be(his, SECOND_OPERATOR)
    post(local, Draft(text="for olivia alone"), reader=OPERATOR)
    post(local, Draft(text="for everybody"))
    await anything(his, "for everybody").to_be_visible()
    await anything(hers, "for olivia alone").to_be_visible()
    await expect(his.get_by_text("for olivia alone")).to_have_count(0)
    view = local.open_modal(OPERATOR, [{"type": "section", "text": words("hers")}])
    await expect(hers.get_by_role("dialog", name="A dialog")).to_be_visible()
    await expect(his.get_by_role("dialog")).to_have_count(0)
    await be(hers, GUEST)
    await expect(hers.get_by_role("dialog")).to_have_count(0)
    local.show.workspace.state.views.close(view.id)


async def test_a_thread_opens_and_takes_a_reply_by_keyboard(local: Local, visits: Visits) -> None:
    """Replies stand in the thread, their number below the parent; Escape closes it."""
    page = await visits.open()
    parent = post(local, Draft(text="a parent"))
    post(local, Draft(text="a first reply"), thread_ts=parent.ts)
    message = page.locator("#messages .message", has_text="a parent").last
    await message.get_by_role("button", name="1 reply").press("Enter")
    thread = page.get_by_role("complementary", name="Thread")
    await expect(thread.get_by_text("a first reply")).to_be_visible()
    await thread.get_by_role("combobox", name="Reply").fill("a second one")
    await page.keyboard.press("Enter")
    await expect(message.get_by_role("button", name="2 replies")).to_be_visible()
    await page.locator("#threadscroll").focus()
    await page.keyboard.press("Escape")
    await expect(thread).to_be_hidden()
    await page.keyboard.press("/")
    await expect(page.locator("#composer textarea")).to_be_focused()


async def test_commands_are_completed_as_they_are_typed(visits: Visits) -> None:
    """The list narrows, arrows choose, Tab completes."""
    page = await visits.open()
    box = page.locator("#composer textarea")
    await box.fill("/golive s")
    found = page.get_by_role("listbox", name="Commands").get_by_role("option")
    await expect(found).to_have_count(3)
    await box.press("ArrowDown")
    await expect(found.first).to_have_attribute("aria-selected", "true")
    await box.press("Tab")
    await expect(box).to_have_value("/golive start ")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_nothing_serious_stands_in_anybodys_way(
    local: Local, visits: Visits, scheme: str
) -> None:
    """axe-core on the channel, a thread, App Home, a modal and a confirm dialog."""
    page = await visits.open(scheme="dark" if scheme == "dark" else "light")
    button: Json = {
        "type": "button",
        "action_id": f"ask-{scheme}",
        "text": plain(f"Ask in {scheme}"),
        "confirm": CONFIRM,
    }
    parent = post(local, Draft(text=f"<@{MEMBER}> *look*", blocks=(BLOCKS[1],)))
    post(local, Draft(text="r", attachments=({"blocks": BLOCKS},)), thread_ts=parent.ts)
    post(local, Draft(text="b", blocks=({"type": "actions", "elements": [button]},)))
    await page.get_by_role("button", name="1 reply, last").last.click()
    assert await faults(page) == []
    await page.get_by_role("button", name=f"Ask in {scheme}").click()
    assert await faults(page) == []
    await page.keyboard.press("Escape")
    reason = field("why", "Reason", {"type": "plain_text_input", "multiline": True})
    choice = field("which", "Unit", {"type": "radio_buttons", "options": options("Alfa", "Beta")})
    view = local.open_modal(OPERATOR, [reason, choice])
    dialog = page.get_by_role("dialog", name="A dialog")
    await dialog.get_by_role("button", name="Confirm").click()
    assert await faults(page) == []
    local.show.workspace.state.views.close(view.id)
    await page.get_by_role("button", name="golive · App Home").click()
    await expect(page.get_by_role("region", name="App Home")).to_contain_text("golive")
    assert await faults(page) == []


async def test_a_phone_shows_it_all_in_one_column(local: Local, visits: Visits) -> None:
    """Nothing is wider than the screen; channels and panel come by their buttons."""
    post(local, Draft(text="t", attachments=({"blocks": BLOCKS},)))
    page = await visits.open(width=390, height=780)
    assert not await too_wide(page)
    await page.get_by_role("button", name="Menu").click()
    await page.get_by_role("button", name="# random").click()
    await expect(page.get_by_role("heading", name="#random")).to_be_visible()
    await page.get_by_role("button", name="What the bot sees").click()
    await expect(page.get_by_role("heading", name="Slack calls")).to_be_visible()
    assert not await too_wide(page)
    assert await faults(page) == []


async def too_wide(page: Page) -> bool:
    """Whether the page scrolls sideways."""
    wide: bool = await page.evaluate("document.documentElement.scrollWidth > innerWidth")
    return wide


async def test_two_thousand_messages_do_not_stand_in_the_way(local: Local, visits: Visits) -> None:
    """With all of them there, one types, sends, is shown what one sent, and opens a thread."""
    for number in range(2_000):
        post(local, Draft(text=f"*{number}* of two thousand", blocks=(BLOCKS[1],)))
    page = await visits.open()
    assert await page.locator("#messages .message").count() >= 2_000
    await write(page, "still quick")
    await anything(page, "still quick").to_be_in_viewport()
    mine = page.locator("#messages .message", has_text="still quick").last
    await mine.get_by_role("button", name="Reply in thread").press("Enter")
    await expect(page.get_by_role("complementary", name="Thread")).to_contain_text("still quick")
