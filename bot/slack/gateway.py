"""What golive does in Slack: posts, updates, answers, views; and what it asks there."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, cast
from urllib.parse import urlsplit

import aiohttp

from bot.slack.trouble import Permanent, RetryLater, refused
from bot.slack.waiting import Pause
from bot.slack.web import LONGEST_WAIT, SECONDS, TRIES, Answer, Web
from checks.engine.known_secrets import hide_in
from checks.engine.model import Json

EVENT_TYPE: Final = "golive_post"
"""Of the metadata by which a post is found again."""
PAGES: Final = 10
PAGE: Final = 200

ANSWERS: Final = ("https://hooks.slack.com/", "https://hooks.slack-gov.com/")
"""How every response_url of Slack begins, and of GovSlack."""

_QUIET: Final[Mapping[str, Json]] = {"unfurl_links": False, "unfurl_media": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who the bot is in Slack, by the ids of its workspace."""

    team: str
    enterprise: str | None
    bot: str
    user: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """What Slack says about a user."""

    id: str
    team: str
    enterprise: str | None = None
    bot: bool = False
    guest: bool = False
    stranger: bool = False
    deleted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """Who is in a conversation.

    outside:  whether people from another organisation are, or are invited
    direct:   whether it is one between people, not a channel
    with_bot: the person who is alone in it with the bot; "" where it is not such a one
    """

    outside: bool
    direct: bool = False
    with_bot: str = ""


class Gateway:
    """Slack's Web API in golive's words; every method may raise SlackTrouble.

    Args:
        web: the calls.
        pause: the clock that repetitions go by.
    """

    def __init__(self, web: Web, pause: Pause) -> None:
        self.web = web
        self.pause = pause
        api = urlsplit(web.base_url)
        self._answers = (*ANSWERS, f"{api.scheme}://{api.netloc}/")
        self._identity: Identity | None = None
        self._asking = asyncio.Lock()

    async def identity(self) -> Identity:
        """Who the bot is; asked once."""
        async with self._asking:
            if self._identity is None:
                answer = await self.web.call("auth.test", {})
                self._identity = Identity(
                    team=_text(answer, "team_id"),
                    enterprise=_text(answer, "enterprise_id") or None,
                    bot=_text(answer, "bot_id"),
                    user=_text(answer, "user_id"),
                )
            return self._identity

    @property
    def known_identity(self) -> Identity | None:
        """Who the bot is, where that was asked already."""
        return self._identity

    # --- messages ---

    async def post(
        self,
        channel: str,
        payload: Mapping[str, Json],
        *,
        post_id: str,
        thread_ts: str | None = None,
        broadcast: bool = False,
    ) -> str:
        """Post a message once and return its ts; nothing is repeated here."""
        arguments: dict[str, Json] = {
            **payload,
            **_QUIET,
            "channel": channel,
            "metadata": {"event_type": EVENT_TYPE, "event_payload": {"post_id": post_id}},
        }
        if thread_ts is not None:
            arguments |= {"thread_ts": thread_ts, "reply_broadcast": broadcast}
        answer = await self.web.once("chat.postMessage", arguments)
        ts = _text(answer, "ts")
        if not ts:
            raise RetryLater("Slack's answer cannot be read.", unsure=True)
        return ts

    async def update(self, channel: str, ts: str, payload: Mapping[str, Json]) -> None:
        """Replace all of a message: what is left out of the payload is lost."""
        whole: dict[str, Json] = {"blocks": [], "attachments": [], **payload}
        await self.web.once("chat.update", {**whole, **_QUIET, "channel": channel, "ts": ts})

    async def find_post(self, channel: str, post_id: str, thread_ts: str | None) -> str | None:
        """The ts of the bot's post with this id; None if Slack has none among the newest."""
        for message in await self._recent(channel, thread_ts):
            metadata = _object(message, "metadata")
            if metadata.get("event_type") != EVENT_TYPE:
                continue
            if _text(_object(metadata, "event_payload"), "post_id") == post_id:
                return _text(message, "ts") or None
        return None

    async def has_file(self, channel: str, file_id: str, thread_ts: str) -> bool:
        """Whether a file is in a thread already."""
        return any(
            _text(file, "id") == file_id
            for message in await self._recent(channel, thread_ts)
            for file in _objects(message, "files")
        )

    async def _recent(self, channel: str, thread_ts: str | None) -> list[Answer]:
        """The newest messages of a channel, or all of a thread."""
        method = "conversations.history" if thread_ts is None else "conversations.replies"
        found: list[Answer] = []
        cursor: str | None = None
        for _ in range(PAGES):
            answer = await self.web.call(
                method,
                {
                    "channel": channel,
                    "ts": thread_ts,
                    "include_all_metadata": True,
                    "limit": PAGE,
                    "cursor": cursor,
                },
            )
            found += _objects(answer, "messages")
            cursor = _text(_object(answer, "response_metadata"), "next_cursor") or None
            if cursor is None:
                break
        return found

    # --- answers and views ---

    async def respond(
        self, url: str, payload: Mapping[str, Json], *, in_channel: bool = False
    ) -> None:
        """Answer a command or a click through its response_url; not against the channel's limit.

        An address that is neither Slack's nor SLACK_API_URL's is not followed: whoever could name
        one would make the bot call it, and read there what golive says.
        """
        body: dict[str, Json] = {
            **payload,
            **_QUIET,
            "response_type": "in_channel" if in_channel else "ephemeral",
            "replace_original": False,
        }
        for remaining in reversed(range(TRIES)):
            try:
                await self._respond_once(url, body)
            except RetryLater as trouble:
                # An answer that may have arrived is said once rather than twice.
                if not remaining or trouble.unsure:
                    raise
                await self.pause.span(trouble.after or timedelta(seconds=1))
            else:
                return

    async def _respond_once(self, url: str, body: Mapping[str, Json]) -> None:
        if not url.startswith(self._answers):
            raise Permanent("The address for the answer is not one of Slack's.")
        try:
            async with (
                asyncio.timeout(SECONDS),
                self.web.session.post(url, json=hide_in(body), allow_redirects=False) as answer,
            ):
                status, after = answer.status, answer.headers.get("Retry-After", "")
        except aiohttp.ClientConnectorError:
            raise RetryLater("Slack cannot be reached.") from None
        except (aiohttp.ClientError, TimeoutError, OSError):
            raise RetryLater("The connection to Slack broke.", unsure=True) from None
        if status == 429 or status >= 500:
            wait = int(after[:6]) if after.isascii() and after.isdigit() else 1
            raise RetryLater("Slack asks to wait.", after=timedelta(seconds=wait))
        if status != 200:
            raise Permanent("The answer came too late for Slack, or too often.")

    async def open_view(self, trigger: str, view: Mapping[str, Json]) -> tuple[str, str]:
        """Open a modal, which works once and within three seconds; its id and hash."""
        answer = await self.web.once("views.open", {"trigger_id": trigger, "view": view})
        opened = _object(answer, "view")
        return _text(opened, "id"), _text(opened, "hash")

    async def update_view(
        self, view_id: str, view: Mapping[str, Json], *, of_hash: str | None = None
    ) -> None:
        """Replace a modal, unless somebody else did since `of_hash`."""
        arguments: dict[str, Json] = {"view_id": view_id, "view": dict(view)}
        if of_hash is not None:
            arguments["hash"] = of_hash
        await self.web.call("views.update", arguments)

    async def publish_home(self, user: str, view: Mapping[str, Json]) -> None:
        """Show somebody their Home."""
        await self.web.call("views.publish", {"user_id": user, "view": view})

    # --- people and places ---

    async def person(self, user: str, *, longest: timedelta = LONGEST_WAIT) -> Person:
        """What Slack says about a user now; `longest`: as of `Web.call`."""
        answer = await self.web.call("users.info", {"user": user}, longest=longest)
        said = _object(answer, "user")
        return Person(
            id=_text(said, "id"),
            team=_text(said, "team_id"),
            enterprise=_text(_object(said, "enterprise_user"), "enterprise_id") or None,
            bot=bool(said.get("is_bot")) or _text(said, "id") == "USLACKBOT",
            guest=bool(said.get("is_restricted") or said.get("is_ultra_restricted")),
            stranger=bool(said.get("is_stranger")),
            deleted=bool(said.get("deleted")),
        )

    async def members_of(self, group: str, *, longest: timedelta = LONGEST_WAIT) -> frozenset[str]:
        """The users in a user group."""
        answer = await self.web.call("usergroups.users.list", {"usergroup": group}, longest=longest)
        users = answer.get("users")
        return frozenset(str(user) for user in users) if isinstance(users, list) else frozenset()

    async def has_group(self, group: str) -> bool:
        """Whether a user group is there and enabled."""
        answer = await self.web.call("usergroups.list", {})
        return any(
            _text(entry, "id") == group and not entry.get("date_delete")
            for entry in _objects(answer, "usergroups")
        )

    async def conversation(
        self, channel: str, *, longest: timedelta = LONGEST_WAIT
    ) -> Conversation:
        """Who is in a channel or a direct conversation."""
        answer = await self.web.call("conversations.info", {"channel": channel}, longest=longest)
        said = _object(answer, "channel")
        return Conversation(
            outside=any(said.get(flag) for flag in ("is_ext_shared", "is_pending_ext_shared")),
            direct=bool(said.get("is_im") or said.get("is_mpim")),
            with_bot=_text(said, "user") if said.get("is_im") else "",
        )

    async def channel_trouble(self, channel: str) -> str | None:
        """Why nothing can be posted into a channel, with the mend.

        None where nothing speaks against it, which includes that Slack does not say.
        """
        try:
            answer = await self.web.once("conversations.info", {"channel": channel})
        except Permanent as trouble:
            return None if trouble.code == "missing_scope" else trouble.sentence
        except RetryLater:
            return None
        said = _object(answer, "channel")
        if said.get("is_archived"):
            return refused("chat.postMessage", "is_archived").sentence
        if said.get("is_member") is False:
            return refused("chat.postMessage", "not_in_channel").sentence
        return None

    async def trouble(self, channels: Iterable[str]) -> str | None:
        """Why golive can say nothing in Slack: its token is refused, or every channel of its own.

        None where it can, or where Slack does not say.
        """
        try:
            await self.web.once("auth.test", {})
        except Permanent as trouble:
            return f"{trouble.sentence} Slack says: {trouble.code}."
        except RetryLater:
            return None
        several = {one: await self.channel_trouble(one) for one in sorted(channels)}
        if not several or None in several.values():
            return None
        reasons = " ".join(f"{channel}: {why}" for channel, why in several.items())
        return f"golive can post into none of its channels. {reasons}"

    async def direct_channel(self, user: str) -> str:
        """The conversation between the bot and somebody."""
        answer = await self.web.call("conversations.open", {"users": user})
        return _text(_object(answer, "channel"), "id")


def _text(said: Answer, name: str) -> str:
    value = said.get(name)
    return value if isinstance(value, str) else ""


def _object(said: Answer, name: str) -> Answer:
    value = said.get(name)
    return value if isinstance(value, dict) else {}


def _objects(said: Answer, name: str) -> list[Answer]:
    value = said.get(name)
    entries = cast("Iterable[Json]", value) if isinstance(value, list) else ()
    return [entry for entry in entries if isinstance(entry, dict)]
