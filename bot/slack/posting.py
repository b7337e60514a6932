"""One claimed post on its way into Slack: what was done already is not done again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Final, TypeVar

import structlog

from bot.render import limits
from bot.render.blocks import context
from bot.render.message import Message
from bot.render.mrkdwn import escape
from bot.render.wire import payload
from bot.slack.files import Files
from bot.slack.gateway import Gateway
from bot.slack.outbox import Outbox
from bot.slack.trouble import Permanent, RetryLater, SlackTrouble
from bot.slack.waiting import Limiter, Pause
from bot.storage.values import STATUS_UPDATE, PostClaim
from checks.engine.model import Json

PICTURE_ATTEMPTS: Final = 3
FILE_ATTEMPTS: Final = 5
SHARED_ATTEMPTS: Final = 5
"""So often it is asked who is in the channel; then a verdict goes out, and nothing else of it."""
LONGEST_TURN: Final = timedelta(seconds=5)
"""A turn that is further away is waited for in the outbox, not with a claim in hand."""

_PEOPLE: Final = ("U", "W")
"""How a user's id begins, which stands for the direct conversation with the bot."""

_UNFIT: Final = frozenset(
    {
        "invalid_blocks",
        "invalid_blocks_format",
        "invalid_attachments",
        "invalid_arguments",
        "msg_blocks_too_long",
        "msg_too_long",
        "too_many_attachments",
    }
)
"""Slack refuses the form of a message: its words alone still get through."""

_NO_THREAD: Final = frozenset({"thread_not_found", "message_not_found", "cannot_reply_to_message"})
"""There is no such thread: its message was deleted."""
_NO_MESSAGE: Final = "message_not_found"
_WITHHELD: Final = "People from outside are in the channel, and this is for members only."

T = TypeVar("T")

_log = structlog.get_logger(__name__)


class ClaimLost(Exception):  # noqa: N818 - it names what happened
    """Somebody else has the post now: nothing more may be done with it here."""


class Posting:
    """Brings claimed posts into Slack within its limits; may raise SlackTrouble and ClaimLost.

    Args:
        outbox: is told of every step.
        gateway: posts, updates and looks posts up.
        files: uploads pictures and texts.
        pause: the clock that the limits go by.
        shared: whether people from another organisation are in a channel; may raise SlackTrouble.
    """

    def __init__(
        self,
        outbox: Outbox,
        gateway: Gateway,
        files: Files,
        pause: Pause,
        *,
        shared: Callable[[str], Awaitable[bool]],
    ) -> None:
        self._outbox = outbox
        self._gateway = gateway
        self._files = files
        self._posts = Limiter(
            pause, calls=limits.POST_PER_CHANNEL_PER_SECOND, span=timedelta(seconds=1)
        )
        self._updates = Limiter(pause, calls=limits.UPDATES_PER_MINUTE, span=timedelta(minutes=1))
        self._pause = pause
        self._shared = shared
        self._lost: dict[str, str] = {}

    async def deliver(self, claim: PostClaim) -> bool:
        """Bring a post into Slack, all that its channel may see; False if that is nothing."""
        if await self._outsiders(claim):
            line = claim.message.public
            if not line:
                _log.warning("a post is withheld from a shared channel", key=claim.key)
                await self._outbox.gave_up(claim, _WITHHELD)
                return False
            claim = replace(claim, message=Message(text=line))
        if claim.update_ts is not None:
            ts = await self._update(claim, claim.update_ts)
            await self._outbox.sent(claim, ts)
            return True
        if claim.ts is not None:
            ts, thread = claim.ts, claim.thread_ts
        else:
            ts, thread = await self._post(claim)
        ids: Mapping[int, str] = {}
        if claim.message.files:
            _held(await self._outbox.posted(claim, ts))
            try:
                ids = await self._share_files(claim, thread or ts)
            except Permanent as trouble:
                if thread is None or trouble.code not in _NO_THREAD:
                    raise
                ids = await self._share_files(claim, ts)
        await self._outbox.sent(claim, ts, ids)
        return True

    async def _outsiders(self, claim: PostClaim) -> bool:
        """Whether people from outside read the channel; where Slack does not say, as if they do."""
        if claim.channel.startswith(_PEOPLE):
            return False
        try:
            return await self._shared(claim.channel)
        except RetryLater as trouble:
            if claim.attempt < SHARED_ATTEMPTS:
                raise RetryLater(trouble.sentence, after=trouble.after) from None
            _log.warning("a channel cannot be checked", key=claim.key, why=trouble.sentence)
        except Permanent as trouble:
            _log.warning("a channel cannot be checked", key=claim.key, why=trouble.sentence)
        return True

    def lost(self, claim: PostClaim, sentence: str) -> None:
        """A post was given up: the next one in its channel says so."""
        self._lost[claim.channel] = sentence

    def held(self, claim: PostClaim, wait: timedelta) -> None:
        """Slack asked to wait: the calls of this kind wait as well."""
        limiter, key = self._limit_of(claim)
        limiter.hold(self._pause.now() + wait, key)

    def _limit_of(self, claim: PostClaim) -> tuple[Limiter, str]:
        return (self._posts, claim.channel) if claim.update_ts is None else (self._updates, "")

    async def _turn(self, claim: PostClaim, limiter: Limiter, key: str) -> None:
        wait = limiter.free_at(key) - self._pause.now()
        if wait > LONGEST_TURN:
            raise RetryLater("Slack's limit is reached.", after=wait)
        await limiter.turn(key)
        # A process that stood still for longer than its lease learns here that it may not post.
        _held(await self._outbox.extend(claim))

    async def _update(self, claim: PostClaim, ts: str) -> str:
        """Replace a message; the ts of the one that shows the content now."""
        body = payload(claim.message, await self._pictures(claim))
        try:
            await _in_words_at_least(claim, body, partial(self._edit, claim, ts))
        except Permanent as trouble:
            if trouble.code != _NO_MESSAGE or claim.key != STATUS_UPDATE:
                raise
        else:
            return ts
        found = await self._look_up(claim, None) if claim.unsure else None
        if found is None:
            _log.warning("the status message is gone, so it is posted anew", key=claim.key)
            new = await _in_words_at_least(claim, body, partial(self._send, claim, None))
            _held(await self._outbox.moved(claim, new))
            return new
        # An earlier attempt posted it, perhaps with content that was replaced since.
        _held(await self._outbox.moved(claim, found))
        await _in_words_at_least(claim, body, partial(self._edit, claim, found))
        return found

    async def _edit(self, claim: PostClaim, ts: str, body: Mapping[str, Json]) -> None:
        await self._turn(claim, self._updates, "")
        await self._gateway.update(claim.channel, ts, body)

    async def _post(self, claim: PostClaim) -> tuple[str, str | None]:
        """Post a message; its ts, and the thread that it is in."""
        thread = claim.thread_ts
        if claim.unsure:
            found = await self._look_up(claim, thread)
            if found is not None:
                return found, thread
        body = self._with_lost(claim, payload(claim.message, await self._pictures(claim)))
        try:
            ts = await _in_words_at_least(claim, body, partial(self._send, claim, thread))
        except Permanent as trouble:
            if thread is None or trouble.code not in _NO_THREAD:
                raise
            _log.warning("a thread is gone, so its post goes to the channel", key=claim.key)
            thread = None
            ts = await _in_words_at_least(claim, body, partial(self._send, claim, None))
        self._lost.pop(claim.channel, None)
        return ts, thread

    async def _send(self, claim: PostClaim, thread: str | None, body: Mapping[str, Json]) -> str:
        await self._turn(claim, self._posts, claim.channel)
        return await self._gateway.post(
            claim.channel,
            body,
            post_id=str(claim.id),
            thread_ts=thread,
            broadcast=claim.broadcast and thread is not None,
        )

    async def _look_up(self, claim: PostClaim, thread: str | None) -> str | None:
        """Whether an earlier attempt is in Slack; while that is not known, nothing is posted."""
        try:
            return await self._gateway.find_post(claim.channel, str(claim.id), thread)
        except RetryLater as trouble:
            raise RetryLater(trouble.sentence, after=trouble.after, unsure=True) from None
        except Permanent as trouble:
            if thread is None or trouble.code not in _NO_THREAD:
                raise
            return await self._look_up(claim, None)

    async def _pictures(self, claim: PostClaim) -> Mapping[int, str]:
        """The file ids of the pictures; after some attempts a verdict goes without them."""
        ids: dict[int, str] = {}
        for number, picture in enumerate(claim.message.pictures):
            known = claim.uploaded.get(number)
            if known is not None:
                ids[number] = known
                continue
            try:
                ids[number] = await self._files.upload_picture(picture)
            except SlackTrouble as trouble:
                if isinstance(trouble, RetryLater) and claim.attempt < PICTURE_ATTEMPTS:
                    # The message itself was not sent: it is certain that it is not in Slack.
                    raise RetryLater(trouble.sentence, after=trouble.after) from None
                _log.warning("a picture is left out", key=claim.key, why=trouble.sentence)
                continue
            _held(await self._outbox.file_uploaded(claim, number, ids[number]))
        return ids

    async def _share_files(self, claim: PostClaim, thread: str) -> Mapping[int, str]:
        ids = dict(claim.uploaded)
        for number, file in enumerate(claim.message.files, start=len(claim.message.pictures)):
            known = claim.uploaded.get(number)
            if known and await self._gateway.has_file(claim.channel, known, thread):
                continue

            async def reserved(file_id: str, number: int = number) -> None:
                ids[number] = file_id
                _held(await self._outbox.file_uploaded(claim, number, file_id))

            try:
                await self._files.share_text(
                    file, channel=claim.channel, thread_ts=thread, reserved=reserved
                )
            except SlackTrouble as trouble:
                retried = isinstance(trouble, RetryLater) and claim.attempt < FILE_ATTEMPTS
                if retried or trouble.code in _NO_THREAD:
                    raise
                _log.error("a file is left out", key=claim.key, why=trouble.sentence)
        return ids

    def _with_lost(self, claim: PostClaim, body: dict[str, Json]) -> dict[str, Json]:
        """A payload that also says what could not be posted before it."""
        sentence = self._lost.get(claim.channel)
        if sentence is None:
            return body
        note = f"An earlier message could not be posted. {escape(sentence)}"
        blocks = body.get("blocks")
        if isinstance(blocks, list) and blocks:
            full = len(blocks) >= limits.BLOCKS_PER_MESSAGE
            return body if full else {**body, "blocks": [*blocks, context(note)]}
        return {**body, "text": f"{body.get('text')}\n{note}"}


async def _in_words_at_least(
    claim: PostClaim, body: Mapping[str, Json], send: Callable[[Mapping[str, Json]], Awaitable[T]]
) -> T:
    """Send a message; where Slack refuses its form, its words alone."""
    try:
        return await send(body)
    except Permanent as trouble:
        if trouble.code not in _UNFIT:
            raise
        _log.error("a message does not fit Slack", key=claim.key, code=trouble.code)
    return await send(_words_only(claim.message))


def _words_only(message: Message) -> dict[str, Json]:
    return {"text": message.text[: limits.SECTION_TEXT], "blocks": [], "attachments": []}


def _held(ours: bool) -> None:
    if not ours:
        raise ClaimLost
