"""One call of Slack's Web API: the methods that golive uses; answers as values, or as trouble."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, Literal, Protocol, TypeAlias, cast

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.operations.metrics import UNMEASURED, CallOutcome, Metrics
from bot.render import limits
from bot.slack.quiet import LIBRARY
from bot.slack.trouble import TRANSIENT, Permanent, RetryLater, SlackTrouble, refused
from bot.slack.waiting import Limiter, Pause
from checks.engine.known_secrets import hide_in
from checks.engine.model import Json

Answer: TypeAlias = Mapping[str, Json]

SECONDS: Final = 10.0
"""How long one call may take; a claim of the outbox outlives it."""
TRIES: Final = 3
LONGEST_WAIT: Final = timedelta(seconds=60)
SHORT_WAIT: Final = timedelta(seconds=3)
"""How long Slack may ask to wait where somebody waits for the answer to what they pressed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """A method of the Web API, and what it needs.

    body:   how its arguments travel; those that read want a query
    scopes: any one of a group is enough for its kind of channel; the app asks for all of them
    calls:  a minute, over all of its `family`; None where the sender minds it, or nobody has to
    """

    body: Literal["json", "form", "query"]
    scopes: tuple[str, ...] = ()
    calls: int | None = None
    family: str = ""


METHODS: Final[Mapping[str, Method]] = {
    "auth.test": Method(body="form"),
    "chat.postMessage": Method(body="json", scopes=("chat:write",)),
    "chat.update": Method(body="json", scopes=("chat:write",)),
    "conversations.history": Method(
        body="query", scopes=("channels:history", "groups:history"), calls=50
    ),
    "conversations.replies": Method(
        body="query", scopes=("channels:history", "groups:history"), calls=50
    ),
    "conversations.info": Method(
        body="query",
        scopes=("channels:read", "groups:read", "im:read", "mpim:read"),
        calls=50,
    ),
    "conversations.open": Method(body="json", scopes=("im:write",), calls=50),
    "files.getUploadURLExternal": Method(
        body="form", scopes=("files:write",), calls=limits.FILE_CALLS_PER_MINUTE, family="files"
    ),
    "files.completeUploadExternal": Method(
        body="json", scopes=("files:write",), calls=limits.FILE_CALLS_PER_MINUTE, family="files"
    ),
    "files.info": Method(
        body="query", scopes=("files:read",), calls=limits.FILE_CALLS_PER_MINUTE, family="files"
    ),
    "usergroups.list": Method(
        body="query",
        scopes=("usergroups:read",),
        calls=limits.TIER_2_PER_MINUTE,
        family="usergroups",
    ),
    "usergroups.users.list": Method(
        body="query",
        scopes=("usergroups:read",),
        calls=limits.TIER_2_PER_MINUTE,
        family="usergroups",
    ),
    "users.info": Method(body="query", scopes=("users:read",), calls=100),
    "views.open": Method(body="json", calls=limits.VIEW_CALLS_PER_MINUTE, family="views"),
    "views.update": Method(body="json", calls=limits.VIEW_CALLS_PER_MINUTE, family="views"),
    "views.publish": Method(body="json", calls=limits.VIEW_CALLS_PER_MINUTE, family="views"),
}
"""Every method that golive calls; the manifest's scopes are these methods' scopes."""


class _Client(Protocol):
    """The one method of the client that is used, with types."""

    async def api_call(
        self,
        api_method: str,
        *,
        http_verb: str = "POST",
        data: dict[str, Any] | None = None,
        params: dict[str, Any] | None = None,
        json: dict[str, Any] | None = None,
    ) -> object: ...


class _Response(Protocol):
    """What an answer of the client carries, with types."""

    status_code: int
    headers: Mapping[str, str]
    data: object


def open_session() -> aiohttp.ClientSession:
    """The one session for calls, sockets and files. A socket outlives the bound on a request."""
    return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=3 * SECONDS))


class Web:
    """Calls the Web API over one session.

    Nothing is repeated for a method that posts: the outbox looks in Slack before it posts again.

    Args:
        session: shared with the sockets and the uploads; whoever made it closes it.
        token: the bot token.
        base_url: of the Web API, ending in a slash.
        pause: the clock that the limits and the repetitions go by.
        metrics: are told of every call.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        *,
        token: str,
        base_url: str,
        pause: Pause,
        metrics: Metrics = UNMEASURED,
    ) -> None:
        self.session = session
        self.base_url = base_url
        self.client = AsyncWebClient(
            token=token, base_url=base_url, session=session, logger=LIBRARY, retry_handlers=[]
        )
        self._pause = pause
        self._metrics = metrics
        self._limits = {
            spec.family or name: Limiter(pause, calls=spec.calls, span=timedelta(minutes=1))
            for name, spec in METHODS.items()
            if spec.calls is not None
        }

    async def once(self, method: str, arguments: Mapping[str, object]) -> Answer:
        """One call, never repeated.

        Raises:
            SlackTrouble: RetryLater or Permanent.
        """
        begun = time.monotonic()
        outcome: CallOutcome = "cancelled"
        try:
            answer = await self._answer(method, METHODS[method], arguments)
            outcome = "ok"
        except RetryLater as trouble:
            outcome = "ratelimited" if trouble.code == "ratelimited" else "failed"
            raise
        except Permanent:
            outcome = "refused"
            raise
        finally:
            self._metrics.slack_call(method, outcome, time.monotonic() - begun)
        return answer

    async def _answer(self, method: str, spec: Method, arguments: Mapping[str, object]) -> Answer:
        try:
            async with asyncio.timeout(SECONDS):
                return await self._send(method, spec, arguments)
        except SlackApiError as error:
            raise _trouble(method, cast("object", error.response)) from None
        except aiohttp.ClientConnectorError:
            raise RetryLater("Slack cannot be reached.") from None
        except (aiohttp.ClientError, TimeoutError, OSError):
            raise RetryLater("The connection to Slack broke.", unsure=True) from None
        except (SlackClientError, AttributeError, ValueError):
            # The client raises AttributeError where a proxy answers 200 with plain text.
            raise RetryLater("Slack's answer cannot be read.", unsure=True) from None

    async def call(
        self,
        method: str,
        arguments: Mapping[str, object],
        *,
        longest: timedelta = LONGEST_WAIT,
    ) -> Answer:
        """A call that may be repeated: after the wait that Slack asks for, or a broken connection.

        Args:
            method: its name.
            arguments: without those that are None.
            longest: a wait that Slack asks for and that is longer is not waited for.

        Raises:
            SlackTrouble: RetryLater after the last try, or Permanent.
        """
        spec = METHODS[method]
        limiter = self._limits.get(spec.family or method)
        for remaining in reversed(range(TRIES)):
            if limiter is not None:
                if (held := limiter.held_for()) > longest:
                    raise RetryLater("Slack asks to wait.", code="ratelimited", after=held)
                await limiter.turn()
            try:
                return await self.once(method, arguments)
            except RetryLater as trouble:
                wait = trouble.after or timedelta(seconds=1)
                if limiter is not None and trouble.code == "ratelimited":
                    limiter.hold(self._pause.now() + wait)
                if not remaining or wait > longest:
                    raise
                await self._pause.span(wait)
        raise AssertionError(method)  # the last try returns or raises

    async def _send(self, method: str, spec: Method, arguments: Mapping[str, object]) -> Answer:
        given = {name: hide_in(value) for name, value in arguments.items() if value is not None}
        client = cast("_Client", self.client)
        if spec.body == "json":
            answer = await client.api_call(method, json=given)
        elif spec.body == "form":
            answer = await client.api_call(method, data=given)
        else:
            answer = await client.api_call(method, http_verb="GET", params=given)
        return cast("Answer", cast("_Response", answer).data)


def _trouble(method: str, given: object) -> SlackTrouble:
    """What an answer that is not ok means."""
    if not isinstance(given, AsyncSlackResponse):
        # The client hands over the bare HTTP response where the body is no JSON at all.
        return RetryLater("Slack's answer cannot be read.", unsure=True)
    response = cast("_Response", given)
    data = response.data
    body: Answer = cast("Answer", data) if isinstance(data, Mapping) else {}
    code = str(body.get("error") or "")
    if response.status_code == 429 or code == "ratelimited":
        return RetryLater("Slack asks to wait.", code="ratelimited", after=_after(response.headers))
    if response.status_code >= 500 or code in TRANSIENT or not code:
        return RetryLater("Slack has trouble of its own.", code=code, unsure=True)
    return refused(method, code, str(body.get("needed") or ""))


def _after(headers: Mapping[str, str]) -> timedelta:
    said = next((value for name, value in headers.items() if name.lower() == "retry-after"), "")
    return timedelta(seconds=int(said[:6]) if said.isascii() and said.isdigit() else 1)
