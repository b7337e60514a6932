"""The listeners: acknowledge, then hand over. The only module that knows the Bolt framework."""

from __future__ import annotations

import asyncio
import re
import time
import traceback
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol, cast

import structlog
from aiohttp import web
from pydantic import ValidationError
from slack_bolt.adapter.aiohttp import to_aiohttp_response
from slack_bolt.adapter.socket_mode.async_internals import run_async_bolt_app, send_async_response
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.error import BoltUnhandledRequestError
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest

from bot.actions import CALLBACKS, CONFIRM, action_of, loading, refusal_text
from bot.commands import SLASH, Wrong, parse
from bot.home import Homes
from bot.render.reasons import REASON
from bot.render.sentences import failed, say
from bot.render.wire import view_payload
from bot.slack.counter import Counter
from bot.slack.delivery import Delivery, Taken
from bot.slack.gateway import Gateway, Identity
from bot.slack.http import Payload, Refused
from bot.slack.payloads import Click, DialogNote, HomeOpened, Origin, SheetNote, Submission, Typed
from bot.slack.quiet import LIBRARY
from bot.slack.trouble import SlackTrouble

BUSY: Final = "golive is busy: too much is waiting already, so nothing was done. Try again shortly."
HOME_OPENED: Final = "app_home_opened"
EVENTS: Final = (HOME_OPENED,)

_EVERY: Final = re.compile(r".*", re.DOTALL)
_BUSY_ANSWERS: Final = 16
_IDENTITY_WITHIN: Final = 2.0
"""Seconds to learn whose workspace the bot is in; Slack waits three for the acknowledgement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Route:
    """The way of the delivery that is being routed.

    http:         whether its answer can tell Slack that it was not taken
    acknowledged: set when Slack was sent the acknowledgement
    """

    http: bool = False
    acknowledged: asyncio.Event = field(default_factory=asyncio.Event)


_ROUTE: Final[ContextVar[_Route]] = ContextVar("route")

_log = structlog.get_logger(__name__)
_Work = Callable[[], Awaitable[None]]


class _Register(Protocol):
    """How Bolt takes a listener, with types."""

    def command(self, command: str) -> Callable[[object], object]: ...
    def action(self, constraints: re.Pattern[str]) -> Callable[[object], object]: ...
    def view(self, constraints: re.Pattern[str]) -> Callable[[object], object]: ...
    def event(self, event: str) -> Callable[[object], object]: ...
    def error(self, func: object) -> object: ...


class SlackApp:
    """What Slack delivers, routed.

    Args:
        counter: serves commands and clicks.
        homes: shows App Home.
        gateway: whose client and identity Bolt uses.
        delivery: runs the work after the ack.
        reference: makes an id that the log and the user are told of the same failure.
    """

    def __init__(
        self,
        *,
        counter: Counter,
        homes: Homes,
        gateway: Gateway,
        delivery: Delivery,
        reference: Callable[[], str],
    ) -> None:
        self._counter = counter
        self._homes = homes
        self._gateway = gateway
        self._delivery = delivery
        self._reference = reference
        self._busy: set[asyncio.Task[None]] = set()

        async def authorize() -> AuthorizeResult:
            return self._authorized()  # Bolt would pass a method its own self once more

        self._bolt = AsyncApp(
            name="golive",
            logger=LIBRARY,
            client=gateway.web.client,
            authorize=authorize,
            process_before_response=False,
            # Else Bolt writes what it knows no listener for into its log, payload and all.
            raise_error_for_unhandled_request=True,
        )
        self._listen(cast("_Register", self._bolt))

    async def handle_socket(
        self, client: AsyncBaseSocketModeClient, request: SocketModeRequest
    ) -> None:
        """Route what came over a socket, and acknowledge it there."""
        started = time.time()
        route = _Route()
        _ROUTE.set(route)
        response = await run_async_bolt_app(self._bolt, request)
        try:
            await send_async_response(client, request, response, started)
        except ConnectionError:
            _log.warning("an acknowledgement was lost with its socket", type=request.type)
        finally:
            route.acknowledged.set()

    async def handle_http(self, request: web.BaseRequest, payload: Payload) -> web.Response:
        """Route what Slack posted and signed, and acknowledge it in the answer.

        Raises:
            Refused: it comes from another workspace, or is nothing that Slack sends.
        """
        await self._accept(payload)
        route = _Route(http=True)
        _ROUTE.set(route)
        try:
            # Bolt checks no signature of what came over a socket; this one is checked already.
            posted = AsyncBoltRequest(mode="socket_mode", body=dict(payload))
            response = await self._bolt.async_dispatch(posted)
        except Exception as error:  # the listener guard: what Bolt itself cannot read
            raise Refused(400, "malformed", signed=True) from error
        if response.status == 400:
            raise Refused(400, "malformed", signed=True)
        answer = await to_aiohttp_response(response)
        try:
            await answer.prepare(request)
            await answer.write_eof()
        finally:
            route.acknowledged.set()
        return answer

    async def _accept(self, payload: Payload) -> None:
        """Raise Refused unless something comes from the bot's own workspace or enterprise."""
        try:
            origin = Origin.model_validate(payload)
        except ValidationError:
            raise Refused(400, "malformed", signed=True) from None
        if origin.of_nobody:
            return
        ours = await self._identity()
        if ours.enterprise is not None and ours.enterprise in origin.enterprises:
            return
        if origin.teams != frozenset({ours.team}):
            raise Refused(403, "foreign", signed=True)

    async def _identity(self) -> Identity:
        try:
            async with asyncio.timeout(_IDENTITY_WITHIN):
                return await self._gateway.identity()
        except (SlackTrouble, TimeoutError):
            raise Refused(503, "unready", signed=True) from None

    def _listen(self, bolt: _Register) -> None:
        bolt.command(SLASH)(self._on_command)
        bolt.action(_EVERY)(self._on_click)
        bolt.view(_EVERY)(self._on_submission)
        bolt.event(HOME_OPENED)(self._on_home)
        bolt.error(self._on_error)

    def _authorized(self) -> AuthorizeResult:
        """The one workspace's token; nothing is asked of Slack for it."""
        known = self._gateway.known_identity
        return AuthorizeResult(
            enterprise_id=known.enterprise if known else None,
            team_id=known.team if known else None,
            bot_token=self._gateway.web.client.token,
            bot_id=known.bot if known else None,
            bot_user_id=known.user if known else None,
        )

    async def _on_command(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        typed = Typed.model_validate(body)

        async def work() -> None:
            await self._counter.serve(
                parse(typed.text),
                user=typed.user_id,
                channel=typed.channel_id,
                url=typed.response_url,
                trigger=typed.trigger_id,
            )

        taken = self._submit(typed.key, work, where="command", url=typed.response_url)
        await (ack(BUSY) if taken is Taken.BUSY else ack())

    async def _on_click(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        click = Click.model_validate(body)
        action = action_of(click.element.action_id)

        async def work() -> None:
            await self._counter.press(click, action)

        taken = self._submit(click.key, work, where="click", url=click.response_url)
        await ack()
        if taken is Taken.BUSY:
            self._say_busy(click.response_url)

    async def _on_submission(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        submission = Submission.model_validate(body)
        if submission.view.callback_id == CONFIRM:
            await self._on_confirmation(ack, submission)
            return
        dialog = CALLBACKS.get(submission.view.callback_id)
        if dialog is None:
            await ack()
            return
        note = DialogNote.model_validate_json(submission.view.private_metadata)
        command = dialog.read(note.check, submission.view.text_of(REASON))
        if isinstance(command, Wrong):
            await ack(response_action="errors", errors={REASON: refusal_text(command)})
            return

        async def work() -> None:
            await self._counter.serve(
                command, user=submission.user.id, channel=note.channel, url=note.response_url
            )

        taken = self._submit(submission.key, work, where="dialog", url=note.response_url)
        if taken is Taken.BUSY:
            await ack(response_action="errors", errors={REASON: BUSY})
        else:
            await ack()

    async def _on_confirmation(self, ack: AsyncAck, submission: Submission) -> None:
        """A preview was submitted: the modal stays, and shows what comes of it."""
        note = SheetNote.model_validate_json(submission.view.private_metadata)
        reason = submission.view.text_of(REASON)

        acknowledged = _ROUTE.get().acknowledged

        async def work() -> None:
            # Else what comes of it could be overwritten by the acknowledgement's own view.
            await acknowledged.wait()
            await self._counter.confirm(submission, note, reason)

        taken = self._submit(submission.key, work, where="confirmation", url=note.response_url)
        if taken is Taken.BUSY:
            await ack(response_action="errors", errors={REASON: BUSY})
        else:
            await ack(response_action="update", view=view_payload(loading()))

    async def _on_home(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        opened = HomeOpened.model_validate(body)

        async def work() -> None:
            await self._homes.show(opened.event.user)

        if opened.event.tab == "home":
            self._submit(opened.key, work, where="home", url="")
        await ack()

    def _submit(self, key: str, work: _Work, *, where: str, url: str) -> Taken:
        async def guarded() -> None:
            try:
                await work()
            except Exception as error:  # noqa: BLE001 - the error listener, for work after the ack
                await self._report(error, where=where, url=url)

        taken = self._delivery.submit(key, guarded)
        if taken is Taken.BUSY:
            _log.warning("too much is waiting", where=where)
        return taken

    def _say_busy(self, url: str) -> None:
        """A click's ack holds no words; so many answers at a time do, and no more."""
        if len(self._busy) < _BUSY_ANSWERS:
            task = asyncio.create_task(self._counter.answer(url, say(BUSY)))
            self._busy.add(task)
            task.add_done_callback(self._busy.discard)

    async def _on_error(
        self, error: Exception, body: dict[str, Any], response: BoltResponse | None
    ) -> BoltResponse | None:
        """What a listener raised before it handed over, and what no listener is for."""
        if isinstance(error, BoltUnhandledRequestError):
            _log.warning("nothing is for this", type=str(body.get("type", ""))[:40])
        elif response is not None and _ROUTE.get().http:
            if not isinstance(error, ValidationError):
                _log.error("a listener failed", where="listener", **_place(error))
            return BoltResponse(status=400, body="")
        else:
            await self._report(error, where="listener", url=str(body.get("response_url") or ""))
        # Acknowledged, so that Slack does not send it again; else Bolt's answer is gone already.
        return BoltResponse(status=200, body="") if response is not None else None

    async def _report(self, error: Exception, *, where: str, url: str) -> None:
        """Say where it happened in the log, and to the user only how to find that."""
        reference = self._reference()
        _log.error("a listener failed", reference=reference, where=where, **_place(error))
        await self._counter.answer(url, failed(reference))


def _place(error: Exception) -> dict[str, object]:
    """What failed and where, without its words: they may quote what somebody said."""
    frames = traceback.extract_tb(error.__traceback__)[-6:]
    return {
        "error": type(error).__name__,
        "at": [f"{Path(f.filename).name}:{f.lineno} {f.name}" for f in frames],
    }
