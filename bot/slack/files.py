"""Files in Slack: pictures that a message shows, and texts in its thread."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

import aiohttp

from bot.render import limits
from bot.render.message import Picture, TextFile
from bot.slack.trouble import Permanent, RetryLater
from bot.slack.waiting import Pause
from bot.slack.web import SECONDS, Web
from checks.engine.known_secrets import hide

POLLS: Final = 8
FIRST_POLL: Final = timedelta(milliseconds=250)
LONGEST_POLL: Final = timedelta(seconds=2)


class Files:
    """Uploads, in the three steps that Slack wants; every method may raise SlackTrouble.

    Args:
        web: the calls and the session.
        pause: the clock that polls go by.
    """

    def __init__(self, web: Web, pause: Pause) -> None:
        self._web = web
        self._pause = pause

    async def upload_picture(self, picture: Picture) -> str:
        """Upload a picture without a channel; the id of the file, once a message may show it."""
        file_id, url = await self._reserve(
            picture.name, len(picture.png), picture.alt[: limits.FILE_ALT_TEXT]
        )
        await self._send(url, picture.png, picture.name)
        await self._complete(file_id, picture.name)
        await self._until_known(file_id)
        return file_id

    async def share_text(
        self,
        file: TextFile,
        *,
        channel: str,
        thread_ts: str | None = None,
        reserved: Callable[[str], Awaitable[None]] | None = None,
    ) -> str:
        """Share a text into a channel or a thread; the id of the file.

        Args:
            file: the text.
            channel: where it goes.
            thread_ts: of the thread; None for the channel itself.
            reserved: told the id before anything can be seen.
        """
        content = hide(file.text.encode("utf-8", "replace")) or b"(empty)\n"
        file_id, url = await self._reserve(file.name, len(content))
        if reserved is not None:
            await reserved(file_id)
        await self._send(url, content, file.name)
        await self._complete(file_id, file.title or file.name, channel, thread_ts)
        return file_id

    async def _reserve(self, name: str, length: int, alt: str | None = None) -> tuple[str, str]:
        if length == 0:
            raise Permanent("Slack takes no empty file.")
        answer = await self._web.call(
            "files.getUploadURLExternal",
            {"filename": name, "length": length, "alt_txt": alt or None},
        )
        file_id, url = answer.get("file_id"), answer.get("upload_url")
        if not isinstance(file_id, str) or not isinstance(url, str):
            raise RetryLater("Slack's answer cannot be read.")
        return file_id, url

    async def _send(self, url: str, content: bytes, name: str) -> None:
        """The bytes; the address holds a ticket of its own, so no token goes with them."""
        form = aiohttp.FormData()
        form.add_field(
            "file", io.BytesIO(content), filename=name, content_type="application/octet-stream"
        )
        try:
            async with asyncio.timeout(SECONDS), self._web.session.post(url, data=form) as answer:
                status = answer.status
        except (aiohttp.ClientError, TimeoutError, OSError):
            raise RetryLater("The connection broke while a file was sent.") from None
        if status == 429 or status >= 500:
            raise RetryLater("Slack could not take the file.")
        if status != 200:
            raise Permanent("Slack refuses the file.")

    async def _complete(
        self, file_id: str, title: str, channel: str | None = None, thread_ts: str | None = None
    ) -> None:
        await self._web.once(
            "files.completeUploadExternal",
            {
                "files": [{"id": file_id, "title": title}],
                "channel_id": channel,
                "thread_ts": thread_ts,
            },
        )

    async def _until_known(self, file_id: str) -> None:
        """Wait until Slack has looked at a file; before that no block may name it."""
        wait = FIRST_POLL
        for _ in range(POLLS):
            answer = await self._web.call("files.info", {"file": file_id})
            file = answer.get("file")
            if isinstance(file, dict) and file.get("mimetype"):
                return
            await self._pause.span(wait)
            wait = min(2 * wait, LONGEST_POLL)
        raise RetryLater("Slack did not get ready to show a picture.")
