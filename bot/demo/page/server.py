"""The page's addresses, on the workspace's own server."""

from __future__ import annotations

import mimetypes
from collections.abc import Callable, Sequence
from importlib.resources import files
from typing import Final

from aiohttp import web

from bot.demo.pace import Speed
from bot.demo.page import words
from bot.demo.page.guard import HEADERS, guarded
from bot.demo.page.reader import Reader
from bot.demo.show import Show
from bot.demo.workspace.values import Json

_STATIC: Final = files("bot.demo.page").joinpath("static")
_CALLS: Final = 200
_LARGEST: Final = 256 * 1024


class Page:
    """Serves the page, and tells every open one what happens.

    Args:
        show: what is shown.
        me: whom a page acts as at first.
        speed: the pace of the moment.
        choose_speed: sets it.
    """

    def __init__(
        self,
        show: Show,
        *,
        me: str,
        speed: Callable[[], Speed],
        choose_speed: Callable[[float], None],
    ) -> None:
        self._show = show
        self._workspace = show.workspace
        self._me = me
        self._speed = speed
        self._choose_speed = choose_speed
        self._seen = 0
        self.readers: list[Reader] = []
        self._workspace.add_routes(
            [
                web.get("/", guarded(self._index)),
                web.get("/page/live", guarded(self._live)),
                web.get("/page/{name:[a-z.-]+}", guarded(self._file)),
            ]
        )
        show.log.followers.append(self._logged)
        show.counted.append(self._counted)
        self._workspace.journal.observers.append(self._passed)

    def paced(self) -> None:
        """The pace of the clock changed."""
        self._tell(self._clock())

    async def close(self) -> None:
        """Nothing to be told any more."""
        self.readers.clear()

    # --- addresses ------------------------------------------------------------------------------

    async def _index(self, _request: web.Request) -> web.StreamResponse:
        return _served("index.html")

    async def _file(self, request: web.Request) -> web.StreamResponse:
        return _served(request.match_info["name"])

    async def _live(self, request: web.Request) -> web.StreamResponse:
        ws = web.WebSocketResponse(heartbeat=20.0, max_msg_size=_LARGEST)
        await ws.prepare(request)
        me = request.query.get("as", self._me)
        known = {user.id for user in self._workspace.state.users if not user.is_bot}
        reader = Reader(
            self._workspace,
            me=me if me in known else self._me,
            extras=self._extras,
            choose_speed=self._choose_speed,
        )
        self.readers.append(reader)
        try:
            await reader.serve(ws)
        finally:
            if reader in self.readers:
                self.readers.remove(reader)
        return ws

    # --- what every page is told ----------------------------------------------------------------

    def _extras(self) -> Sequence[Json]:
        entries = self._workspace.journal.entries()[-_CALLS:]
        calls = [said for said in map(words.entry_words, entries) if said is not None]
        return (
            {"t": "scenario", "about": self._show.scenario.about},
            self._clock(),
            words.log_words(self._show.log.tail[-100:], self._secrets),
            words.figure_words(self._show.figures),
            {"t": "calls", "list": calls},
        )

    def _clock(self) -> Json:
        now, since = self._show.clock.now(), self._show.hour.world.deployed_at
        return words.pace_words(now.timestamp(), self._speed(), since.timestamp())

    @property
    def _secrets(self) -> tuple[str, ...]:
        return (self._show.hour.world.apikey,)

    def _logged(self, lines: Sequence[str]) -> None:
        self._tell(words.log_words(lines, self._secrets))

    def _counted(self) -> None:
        self._tell(words.figure_words(self._show.figures))

    def _passed(self) -> None:
        fresh = self._workspace.journal.since(self._seen)
        self._seen += len(fresh)
        calls = [said for said in map(words.entry_words, fresh) if said is not None]
        if calls and self.readers:
            self._tell({"t": "calls", "list": calls})

    def _tell(self, news: Json) -> None:
        for reader in self.readers:
            reader.tell(news)


def _served(name: str) -> web.Response:
    """A file of the page."""
    found = _STATIC.joinpath(name)
    if "/" in name or name.startswith(".") or not found.is_file():
        return web.Response(status=404, text="There is no such page.", headers=HEADERS)
    kind = mimetypes.guess_type(name)[0] or "text/plain"
    if name.endswith(".js"):
        kind = "text/javascript"
    return web.Response(
        body=found.read_bytes(), content_type=kind, charset="utf-8", headers=HEADERS
    )
