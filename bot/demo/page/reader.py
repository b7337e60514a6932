"""One open page: who reads it, what it is told, and what its reader does."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeAlias

from aiohttp import WSMsgType, web

from bot.demo.page import words
from bot.demo.workspace import CanNotError, Change, Kind, Message, Outcome, View, Workspace
from bot.demo.workspace.inputs import Chosen
from bot.demo.workspace.values import Json, SlackError, mapping

_BATCH: Final = 200
_TOO_FAR_BEHIND: Final = 20_000
_SENTENCES: Final = {
    "dispatch_failed": "The bot is not there: nothing was delivered.",
    "operation_timeout": "The bot did not answer within three seconds.",
}
_Step: TypeAlias = Callable[[Json], Awaitable[Json]]


class Reader:
    """A page over its socket.

    Args:
        workspace: what it is a client of.
        me: whom it acts as, at first.
        extras: everything else that a page is told when it opens.
        choose_speed: sets the pace of the demo's clock.
    """

    def __init__(
        self,
        workspace: Workspace,
        *,
        me: str,
        extras: Callable[[], Sequence[Json]],
        choose_speed: Callable[[float], None],
    ) -> None:
        self._workspace = workspace
        self._state = workspace.state
        self._extras = extras
        self._choose_speed = choose_speed
        self._news: asyncio.Queue[Json] = asyncio.Queue()
        self._doing: set[asyncio.Task[None]] = set()
        self._steps: dict[str, _Step] = {
            "command": self._command,
            "say": self._say,
            "click": self._click,
            "submit": self._submit,
            "close": self._close,
            "home": self._home,
            "be": self._be,
            "speed": self._speed,
        }
        self.me = me

    async def serve(self, ws: web.WebSocketResponse) -> None:
        """Tell and listen until the page is closed."""
        unsubscribe = self._state.changes.subscribe(self._changed)
        sending = asyncio.create_task(self._send(ws))
        self._greet()
        try:
            async for frame in ws:
                if frame.type is WSMsgType.TEXT:
                    self._begin(mapping(json.loads(frame.data)))
        finally:
            unsubscribe()
            for task in (sending, *self._doing):
                task.cancel()
            await asyncio.gather(sending, *self._doing, return_exceptions=True)

    def tell(self, news: Json) -> None:
        """Something for the page; a page that reads no more is not told for ever."""
        if self._news.qsize() < _TOO_FAR_BEHIND:
            self._news.put_nowait(news)

    async def _send(self, ws: web.WebSocketResponse) -> None:
        while True:
            batch = [await self._news.get()]
            while not self._news.empty() and len(batch) < _BATCH:
                batch.append(self._news.get_nowait())
            await ws.send_str(json.dumps(batch, ensure_ascii=False))

    # --- what it is told ------------------------------------------------------------------------

    def _greet(self) -> None:
        self.tell(words.greeting(self._workspace, self.me))
        own = self._state.messages.ephemerals(self.me)
        for message in sorted((*self._state.messages.all(), *own), key=lambda m: m.ts):
            if self._sees(message):
                self.tell({"t": "message", "message": words.message_words(message)})
        self._tell_views()
        self._tell_home(self._state.views.home(self.me))
        for extra in self._extras():
            self.tell(extra)
        self.tell({"t": "ready"})

    def _sees(self, message: Message) -> bool:
        if message.reader not in {None, self.me}:
            return False
        return self.me in self._state.place(message.channel).members

    def _changed(self, change: Change) -> None:
        message, view, file = change.message, change.view, change.file
        if message is not None and self._sees(message):
            if change.kind is Kind.DELETED:
                self.tell({"t": "deleted", "channel": message.channel, "ts": message.ts})
            else:
                self.tell({"t": "message", "message": words.message_words(message)})
        if view is not None and view.user == self.me:
            if change.kind is Kind.HOME_PUBLISHED:
                self._tell_home(view)
            else:
                self._tell_views()
        if file is not None:
            self.tell({"t": "file", "file": words.file_words(file)})

    def _tell_views(self) -> None:
        stack = self._state.views.stack(self.me)
        self.tell({"t": "views", "stack": [words.view_words(view) for view in stack]})

    def _tell_home(self, view: View | None) -> None:
        self.tell({"t": "home", "view": None if view is None else words.view_words(view)})

    # --- what its reader does -------------------------------------------------------------------

    def _begin(self, asked: Json) -> None:
        task = asyncio.create_task(self._do(asked))
        self._doing.add(task)
        task.add_done_callback(self._doing.discard)

    async def _do(self, asked: Json) -> None:
        step = self._steps.get(str(asked.get("do")))
        try:
            answer = await step(asked) if step is not None else {"error": "No such step."}
        except (SlackError, CanNotError, KeyError, TypeError, ValueError) as error:
            answer = {"error": str(error) or type(error).__name__}
        self.tell({"t": "done", "re": asked.get("id"), **answer})

    async def _command(self, asked: Json) -> Json:
        given = str(asked["text"])
        return _told(await self._workspace.actor.command(self.me, asked["channel"], given))

    async def _say(self, asked: Json) -> Json:
        self._workspace.actor.say(
            self.me, asked["channel"], str(asked["text"]), asked.get("thread") or None
        )
        return {}

    async def _click(self, asked: Json) -> Json:
        value: Chosen | None = asked.get("value")
        outcome = await self._workspace.actor.click(
            self.me,
            self._place(asked),
            str(asked["action"]),
            block_id=asked.get("block"),
            value=value,
            confirm=bool(asked.get("confirm")),
        )
        return _told(outcome)

    def _place(self, asked: Json) -> Message | View:
        """The message or the view that was clicked in."""
        if asked.get("view"):
            view = self._state.views.get(str(asked["view"]))
            if view is None:
                raise CanNotError("That dialog is closed.")
            return view
        channel, ts = str(asked["channel"]), str(asked["ts"])
        own = self._state.messages.ephemerals(self.me, channel)
        found = next((message for message in own if message.ts == ts), None)
        return found or self._state.messages.find(channel, ts)

    async def _submit(self, asked: Json) -> Json:
        values: dict[str, Chosen] = mapping(asked.get("values"))
        return _told(await self._workspace.actor.submit(self.me, self._top(asked), values))

    async def _close(self, asked: Json) -> Json:
        outcome = await self._workspace.actor.close(self.me, self._top(asked))
        return {} if outcome is None else _told(outcome)

    def _top(self, asked: Json) -> View:
        view = self._state.views.get(str(asked["view"]))
        if view is None:
            raise CanNotError("That dialog is closed.")
        return view

    async def _home(self, _asked: Json) -> Json:
        return _told(await self._workspace.actor.open_home(self.me))

    async def _be(self, asked: Json) -> Json:
        """Read and act as somebody else."""
        self.me = self._state.user(str(asked["user"])).id
        self._greet()
        return {}

    async def _speed(self, asked: Json) -> Json:
        self._choose_speed(float(asked["speed"]))
        return {}


def _told(outcome: Outcome) -> Json:
    """What came of it, for whoever did it."""
    if outcome.error is not None:
        sentence = _SENTENCES.get(outcome.error, f"The bot's answer is not valid: {outcome.error}.")
        return {"error": sentence}
    return {"errors": outcome.errors} if outcome.errors else {}
