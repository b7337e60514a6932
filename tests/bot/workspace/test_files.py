"""Files: three steps, a mimetype that comes later, and images that need it."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from bot.demo.workspace import Kind, Workspace
from bot.demo.workspace.people import RELEASES, WITHOUT_BOT
from tests.bot.workspace.bolt import Client
from tests.bot.workspace.calls import refusal, refused

PNG = b"\x89PNG\r\n\x1a\n"


async def upload(client: Client, session: aiohttp.ClientSession, **alt: Any) -> str:
    """The first two steps; returns the file's id."""
    place = await client.files_getUploadURLExternal(
        filename="hour.png", length=len(PNG), alt_txt=alt.get("alt_txt", "A chart")
    )
    async with session.post(place["upload_url"], data=PNG) as answer:
        assert await answer.text() == f"OK - {len(PNG)}"
    return place["file_id"]


async def test_an_image_is_shown_only_when_slack_has_looked_at_it(
    client: Client, session: aiohttp.ClientSession
) -> None:
    """The first look at a new file finds no mimetype."""
    file = await upload(client, session)
    assert await refusal(client.files_info(file=file)) == "file_not_found"
    await client.files_completeUploadExternal(files=[{"id": file, "title": "The hour"}])
    image = {"type": "image", "slack_file": {"id": file}, "alt_text": "The hour"}
    early = client.chat_postMessage(channel=RELEASES, text="x", blocks=[image])
    assert await refusal(early) == "invalid_blocks"
    assert (await client.files_info(file=file))["file"]["mimetype"] == ""
    info = (await client.files_info(file=file))["file"]
    assert (info["mimetype"], info["title"]) == ("image/png", "The hour")
    assert (await client.chat_postMessage(channel=RELEASES, text="x", blocks=[image]))["ok"]
    async with session.get(info["url_private"]) as answer:
        assert await answer.read() == PNG
        assert answer.content_type == "image/png"


async def test_a_file_can_be_shared_as_a_message_in_a_thread(
    workspace: Workspace, client: Client, session: aiohttp.ClientSession
) -> None:
    """With a channel, a thread and a comment."""
    kinds: list[Kind] = []
    workspace.state.changes.subscribe(lambda change: kinds.append(change.kind))
    parent = await client.chat_postMessage(channel=RELEASES, text="Verdict")
    file = await upload(client, session)
    await client.files_completeUploadExternal(
        files=[{"id": file}],
        channel_id=RELEASES,
        thread_ts=parent["ts"],
        initial_comment="The log",
    )
    shared = workspace.state.messages.thread(RELEASES, parent["ts"])[1]
    assert shared.text == "The log"
    assert shared.to_json()["files"][0]["id"] == file
    assert Kind.FILE in kinds


async def test_the_sdks_own_upload_works(workspace: Workspace, client: Client) -> None:
    """files_upload_v2 takes the three steps by itself."""
    await client.files_upload_v2(filename="a.txt", content="one line", channel=RELEASES)
    (message,) = workspace.state.messages.of(RELEASES)
    file = workspace.state.files.find(message.to_json()["files"][0]["id"])
    assert file.content == b"one line"


async def test_what_can_not_be_uploaded(client: Client, session: aiohttp.ClientSession) -> None:
    """Nothing, too little, an endless alternative text, or a place where the bot is not."""
    empty = client.files_getUploadURLExternal(filename="a", length=0)
    assert await refusal(empty) == "invalid_arguments"
    wordy = client.files_getUploadURLExternal(filename="a", length=1, alt_txt="x" * 1001)
    assert await refusal(wordy) == "invalid_arguments"
    place = await client.files_getUploadURLExternal(filename="a", length=9, alt_txt="x" * 1000)
    async with session.post(place["upload_url"], data=b"short") as answer:
        assert answer.status == 400
    early = client.files_completeUploadExternal(files=[{"id": place["file_id"]}])
    assert await refusal(early) == "file_not_found"
    file = await upload(client, session)
    away = client.files_completeUploadExternal(files=[{"id": file}], channel_id=WITHOUT_BOT)
    assert await refusal(away) == "not_in_channel"
    missing = await refused(client.files_info(file="F0"))
    assert missing["error"] == "file_not_found"


@pytest.mark.parametrize("polls", [0, 3])
async def test_how_long_slack_looks_can_be_set(
    workspace: Workspace, client: Client, session: aiohttp.ClientSession, polls: int
) -> None:
    """In answers of files.info; or at once, by hand."""
    workspace.state.files.polls = polls
    file = await upload(client, session)
    await client.files_completeUploadExternal(files=[{"id": file}])
    seen = [(await client.files_info(file=file))["file"]["mimetype"] for _ in range(4)]
    assert seen == [""] * polls + ["image/png"] * (4 - polls)
    other = await upload(client, session)
    assert workspace.state.files.finish(other).mimetype == "image/png"
