"""Unbroken stretches of failing responses, exact to seconds where the log carries times.

A stretch begins with a failing response (5xx) and goes on until a 2xx is answered on a route that
failed in it. Health checks, preflights, 3xx and 4xx are passed over. Most failing responses are
single ones among many that succeed, so little is looked at closely: the responses from a failing
one up to the 2xx that ends its stretch, and few stretches more than one in ten seconds.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from checks.engine.model import MAX_FAILED, FailingStretch
from checks.sources.logs.routes import route_of
from checks.sources.logs.text import Text

STEP = 10.0
"""Seconds in which failing responses may be passed over: times of outages are exact to these."""

_SHORTEST = 30.0
"""Seconds of the shortest stretch that is kept."""
_MOST_KEPT = 500
_IN_FULL = 300
"""Failing responses in a row that are all looked at; of more, in one text, every `_EVERY`th is."""
_EVERY = 16
_FIRST_BLOCK, _BLOCK = 32, 512
_PREFLIGHT = b"OPTIONS"

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Request:
    """Whose request a failing response answers. `client`, `unit`: None where not named."""

    method: bytes
    path: bytes
    client: bytes | None = None
    unit: bytes | None = None

    @property
    def route(self) -> str:
        """The route, without ids."""
        return route_of(self.method, self.path)


class Requests(Protocol):
    """How a format tells of the request that the response at a place of a text answers."""

    def begin(self, _data: bytes, start: int, /) -> int | None:
        """Where method and path stand, as `METHOD /path`; None where they stand apart."""
        ...

    def request(self, data: bytes, start: int, /) -> Request:
        """The whole request."""
        ...


@dataclass(slots=True, kw_only=True)
class _Stretch:
    """A stretch that no 2xx has ended. `literals`: how its routes begin, up to the first id."""

    first: float
    last: float
    routes: set[str] = field(default_factory=set[str], repr=False)
    clients: set[bytes] = field(default_factory=set[bytes], repr=False)
    literals: tuple[bytes, ...] = field(default=(), repr=False)

    def add(self, request: Request) -> None:
        route = request.route
        if route not in self.routes and len(self.routes) < MAX_FAILED:
            self.routes.add(route)
            method = request.method + b" " if request.method else b""
            path = request.path.partition(b"?")[0]
            # A path that holds an id is compared up to the segment before.
            known = route.partition(" ")[2].encode()
            same = 0
            while same < min(len(path), len(known)) and path[same] == known[same]:
                same += 1
            self.literals = tuple({*self.literals, method + path[:same]})
        if len(self.clients) < MAX_FAILED:
            self.clients.add(request.client or request.path.partition(b"?")[0])

    def frozen(self) -> FailingStretch:
        return FailingStretch(
            first=self.first,
            last=self.last,
            routes=len(self.routes),
            clients=len(self.clients),
        )

    def copy(self) -> _Stretch:
        return _Stretch(
            first=self.first,
            last=self.last,
            routes=set(self.routes),
            clients=set(self.clients),
            literals=self.literals,
        )


@dataclass(slots=True, kw_only=True)
class Outages:
    """The failing stretches of one file.

    open:      the one that goes on
    ended:     those that ended, and lasted long enough to matter
    idle:      until when (epoch seconds) failing responses may be passed over: a stretch that began
               in between is found a step late at most
    passed:    how many of them are passed over next
    succeeded: whether any response below 400 was seen
    clients, units: of all failing responses that were looked at
    """

    open: _Stretch | None = None
    ended: list[FailingStretch] = field(default_factory=list[FailingStretch])
    idle: float = float("-inf")
    passed: int = 0
    succeeded: bool = False
    clients: set[bytes] = field(default_factory=set[bytes], repr=False)
    units: set[bytes] = field(default_factory=set[bytes], repr=False)

    def copy(self) -> Outages:
        """An independent copy."""
        return Outages(
            open=None if self.open is None else self.open.copy(),
            ended=list(self.ended),
            idle=self.idle,
            passed=self.passed,
            succeeded=self.succeeded,
            clients=set(self.clients),
            units=set(self.units),
        )

    def stretches(self) -> tuple[FailingStretch, ...]:
        """All that are long enough, the one that goes on included."""
        going = () if self.open is None else (self.open.frozen(),)
        return (*self.ended, *(one for one in going if one.last - one.first >= _SHORTEST))

    def begin(self, at: float, request: Request) -> None:
        """A stretch begins with a failing response at an instant."""
        self.open = _Stretch(first=at, last=at)
        self.open.add(request)

    def may_end(self, request: Request) -> bool:
        """Whether a 2xx on this route ends the stretch that goes on."""
        return self.open is not None and request.route in self.open.routes

    def end(self) -> None:
        """A response was 2xx, on a route that failed."""
        ended, self.open = self.open, None
        if ended is None:
            return
        self.idle = ended.last + STEP
        if ended.last - ended.first >= _SHORTEST:
            self.ended = [*self.ended, ended.frozen()][-_MOST_KEPT:]

    def touched(self, request: Request) -> None:
        """Remember whom a failing response was for."""
        if request.client is not None and len(self.clients) < MAX_FAILED:
            self.clients.add(request.client)
        if request.unit is not None and len(self.units) < MAX_FAILED:
            self.units.add(request.unit)


def follow(
    outages: Outages,
    text: Text,
    starts: Numbers,
    statuses: npt.NDArray[np.int64] | npt.NDArray[np.int16],
    requests: Requests,
) -> None:
    """Go through the responses of a text that count, without those to health checks.

    Args:
        outages: what was known before; it is changed.
        text: where the responses stand.
        starts: where each of them begins, in order.
        statuses: the status of each; 0 for what is no response.
        requests: tells which request was answered.
    """
    failing = (statuses >= 500) & (statuses <= 599)
    if outages.open is None and not failing.any():
        return
    events = np.flatnonzero(failing | ((statuses >= 200) & (statuses < 300)))
    following = _Following(
        outages=outages,
        text=text,
        starts=starts[events],
        failing=failing[events],
        requests=requests,
    )
    following.run()


@dataclass(slots=True, kw_only=True)
class _Following:
    """One pass over the failing and the successful responses of a text."""

    outages: Outages
    text: Text
    starts: Numbers
    failing: npt.NDArray[np.bool_]
    requests: Requests
    _last: int | None = None

    def run(self) -> None:
        index = 0
        fails: list[int] = np.flatnonzero(self.failing).tolist()
        while index < len(self.starts):
            if self.outages.open is None:
                begin = self._next(fails, index)
                if begin is None:
                    return
                index = begin[0] + 1
                self._begin(*begin)
            if self.outages.open is not None:
                index = self._walk(index)
        self._settle()

    def _at(self, index: int) -> float | None:
        return self.text.instant_at(int(self.starts[index]))

    def _next(self, fails: Sequence[int], index: int) -> tuple[int, float] | None:
        """A failing response from an index on that a stretch is taken to begin with, and when.

        The first, or a later one no more than a step after the stretch before.
        """
        first, outages = bisect_left(fails, index), self.outages
        if first == len(fails):
            return None
        passed = min(outages.passed, len(fails) - 1 - first)
        at = self._at(fails[first + passed])
        while passed and at is not None and at > outages.idle:
            passed //= 2
            at = self._at(fails[first + passed])
        if at is None:
            return None
        # By their rate up to here, so many come in most of a step.
        since = at - outages.idle + STEP
        rate = (passed + 1) / since if since > 0 else float("inf")
        outages.passed = int(min(2 * passed + 1, 0.8 * STEP * rate))
        return fails[first + passed], at

    def _begin(self, index: int, at: float) -> None:
        request = self.requests.request(self.text.data, int(self.starts[index]))
        if request.method != _PREFLIGHT:
            self.outages.begin(at, request)

    def _walk(self, index: int) -> int:
        """Go on from an index until the open stretch ends; the index after that."""
        data, requests, outages = self.text.data, self.requests, self.outages
        stretch = outages.open
        looked, size = 0, _FIRST_BLOCK
        while stretch is not None and index < len(self.starts):
            block = slice(index, index + size)
            pairs = zip(self.starts[block].tolist(), self.failing[block].tolist(), strict=True)
            for place, (start, failing) in enumerate(pairs, index):
                if failing:
                    looked += 1
                    if looked <= _IN_FULL or looked % _EVERY == 0:
                        request = requests.request(data, start)
                        if request.method == _PREFLIGHT:
                            continue
                        stretch.add(request)
                    self._last = place
                    continue
                begin = requests.begin(data, start)
                if begin is not None and not data.startswith(stretch.literals, begin):
                    continue
                if outages.may_end(requests.request(data, start)):
                    self._settle()
                    outages.end()
                    return place + 1
            index, size = index + size, min(2 * size, _BLOCK)
        return len(self.starts)

    def _settle(self) -> None:
        """Bring the end of the open stretch up to the last failing response that was seen."""
        stretch, last = self.outages.open, self._last
        self._last = None
        if stretch is None or last is None:
            return
        at = self._at(last)
        if at is not None:
            stretch.last = max(stretch.last, at)
