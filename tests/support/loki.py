"""A Loki that holds lines in memory and answers over HTTP as the real one does.

What it says is held to recorded answers of a real server by tests/sources/loki/test_recorded.py.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from aiohttp import web

from tests.support.logql import BadQueryError, Counting, LogQuery, parse, parse_selector

_MOST_POINTS = 11_000
_MOST_ENTRIES = 5_000
_MINUTE = 60 * 10**9
_ANSWER = "application/json; charset=UTF-8"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Said:
    """An answer that is given instead of the true one."""

    status: int
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    hangs: bool = False


@dataclass(slots=True)
class Stream:
    """Entries of one set of labels: nanoseconds and text."""

    labels: Mapping[str, str]
    entries: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])


class LokiStandIn:
    """`async with LokiStandIn() as loki: loki.push({"app": "crm"}, [(ns, "line")])`.

    Args:
        authorization: the header that is asked for; None asks for none.
        tenant: the tenant that is asked for.
        tls: what to show to clients.

    next:   answers to give instead of the true ones
    refuse: part of queries that are refused
    gather: how many requests must be open before the first is answered
    """

    def __init__(
        self,
        *,
        authorization: str | None = None,
        tenant: str | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.streams: list[Stream] = []
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.next: list[Said] = []
        self.refuse: str | None = None
        self.gather = 0
        self._gathered, self._closing = asyncio.Event(), asyncio.Event()
        self.open = self.most_open = 0
        self._authorization = authorization
        self._tenant = tenant
        self._tls = tls
        self._runner: web.AppRunner | None = None
        self.url = ""

    async def __aenter__(self) -> Self:
        @web.middleware
        async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
            return await self._guard(request, handler)

        app = web.Application(middlewares=[guard])
        api = "/loki/api/v1"
        app.router.add_get(f"{api}/query_range", self._query_range)
        app.router.add_get(f"{api}/query", self._query)
        app.router.add_get(f"{api}/labels", self._labels)
        app.router.add_get(f"{api}/series", self._series)
        app.router.add_post(f"{api}/push", self._push)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=self._tls)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"{'https' if self._tls else 'http'}://{host}:{port}"
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self._closing.set()
        if self._runner is not None:
            await self._runner.cleanup()

    def push(self, labels: Mapping[str, str], entries: Iterable[tuple[int, str]]) -> None:
        """Take up entries of a stream."""
        stream = next((s for s in self.streams if s.labels == labels), None)
        if stream is None:
            stream = Stream(dict(labels))
            self.streams.append(stream)
        stream.entries.extend(entries)
        stream.entries.sort(key=lambda entry: entry[0])

    @property
    def queries(self) -> list[str]:
        """Every text of a query that came in."""
        return [params["query"] for _path, params in self.asked if "query" in params]

    # --- HTTP -----------------------------------------------------------------------------------

    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        self.asked.append((request.path.rpartition("/")[2], dict(request.query)))
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        try:
            if self.next:
                said = self.next.pop(0)
                if said.hangs:
                    await self._closing.wait()
                return web.Response(text=said.body, status=said.status, headers=said.headers)
            if self.refuse is not None and self.refuse in request.query.get("query", ""):
                return web.Response(text="the query would read too many bytes", status=400)
            if self.open < self.gather:
                await self._gathered.wait()
            self._gathered.set()
            if self._authorization not in (None, request.headers.get("Authorization")):
                return web.Response(text="Unauthorized", status=401)
            if self._tenant not in (None, request.headers.get("X-Scope-OrgID")):
                return web.Response(text="no org id", status=401)
            return await handler(request)
        except BadQueryError as error:
            return web.Response(text=str(error), status=400)
        finally:
            self.open -= 1

    async def _query_range(self, request: web.Request) -> web.Response:
        start, end = int(request.query["start"]), int(request.query["end"])
        query = parse(request.query["query"])
        if isinstance(query, LogQuery):
            limit = int(request.query.get("limit", "100"))
            return _success("streams", self.entries(query, start, end, limit))
        step = int(request.query["step"].removesuffix("s")) * 10**9
        if (end - start) // step > _MOST_POINTS:
            raise BadQueryError(
                "exceeded maximum resolution of 11,000 points per time series."
                " Try increasing the value of the step parameter"
            )
        points = self.points(query, start, end, step)
        values = [[at / 10**9, str(n)] for at, n in points]
        return _success("matrix", [_series(values=values)] if values else [])

    async def _query(self, request: web.Request) -> web.Response:
        query, at = parse(request.query["query"]), int(request.query["time"])
        if not isinstance(query, Counting):
            raise BadQueryError("log queries are not supported as an instant query type")
        n = self._total(query, at)
        value: list[object] = [round(at / 10**9, 3), str(n)]
        return _success("vector", [_series(value=value)] if n else [])

    async def _labels(self, request: web.Request) -> web.Response:
        start, end = int(request.query["start"]), int(request.query["end"])
        names = {name for stream in self._within(start, end) for name in stream.labels}
        return web.json_response({"status": "success", "data": sorted(names)})

    async def _series(self, request: web.Request) -> web.Response:
        start, end = int(request.query["start"]), int(request.query["end"])
        query = parse_selector(request.query["match[]"])
        found = [dict(s.labels) for s in self._within(start, end) if query.selects(s.labels)]
        return web.json_response({"status": "success", "data": found})

    async def _push(self, request: web.Request) -> web.Response:
        for stream in (await request.json())["streams"]:
            self.push(stream["stream"], [(int(at), text) for at, text in stream["values"]])
        return web.Response(status=204)

    # --- evaluation -----------------------------------------------------------------------------

    def _within(self, start: int, end: int) -> list[Stream]:
        return [s for s in self.streams if any(start <= at < end for at, _text in s.entries)]

    def entries(self, query: LogQuery, start: int, end: int, limit: int) -> list[object]:
        """The newest entries in `start <= t < end` that pass, newest first, by stream."""
        if limit > _MOST_ENTRIES:
            raise BadQueryError(
                "max entries limit per query exceeded, limit > max_entries_limit_per_query"
                f" ({limit} > {_MOST_ENTRIES})"
            )
        found = [
            (at, line, number)
            for number, stream in enumerate(self.streams)
            if query.selects(stream.labels)
            for at, text in stream.entries
            if start <= at < end and (line := query.line(text, stream.labels)) is not None
        ]
        newest = sorted(found, key=lambda entry: -entry[0])[:limit]
        return [
            {
                "stream": dict(self.streams[number].labels),
                "values": [[str(at), line] for at, line, of in newest if of == number],
            }
            for number in sorted({number for _at, _line, number in newest})
        ]

    def points(self, query: Counting, start: int, end: int, step: int) -> list[tuple[int, int]]:
        """The count at every step; where there is none, no point.

        The frontend moves both ends to multiples of the step: down, and up.
        """
        start -= start % step
        end += -end % step
        found: Counter[int] = Counter()
        for at, n in self._samples(query):
            # A range is open at its beginning and closed at its end.
            first = -(-(at + query.offset) // step) * step
            for point in range(first, at + query.offset + query.span, step):
                if start <= point <= end:
                    found[point] += n
        return sorted(found.items())

    def _total(self, query: Counting, at: int) -> int:
        last = at - query.offset
        return sum(n for when, n in self._samples(query) if last - query.span < when <= last)

    def _samples(self, query: Counting) -> Iterable[tuple[int, int]]:
        for stream in self.streams:
            if query.query.selects(stream.labels):
                for at, text in stream.entries:
                    line = query.query.line(text, stream.labels)
                    if line is not None:
                        yield at, len(line.encode()) if query.of == "bytes" else 1


def _series(**points: object) -> dict[str, object]:
    return {"metric": dict[str, str](), **points}


def _success(kind: str, result: object) -> web.Response:
    data: dict[str, object] = {"resultType": kind, "result": result, "stats": dict[str, str]()}
    body = json.dumps({"status": "success", "data": data})
    return web.Response(body=body.encode(), headers={"Content-Type": _ANSWER})
