"""One scan of a stream: all signals asked for at once, evidence fetched, candidates compared."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from checks.engine import own_events
from checks.engine.model import Problem
from checks.engine.profiles import INTERNAL_SIGNALS
from checks.sources.logs.profile import Pattern
from checks.sources.logs.routes import STATUS_SIGNALS
from checks.sources.logs.source import ScanRequest, named
from checks.sources.logs.state import EVIDENCE_LINES, MAX_CREATED, MAX_OWN_EVENTS
from checks.sources.loki.answers import Entry
from checks.sources.loki.candidates import MOST, alike, shaped
from checks.sources.loki.client import LokiClient
from checks.sources.loki.failures import ONE_QUERY, Failure, LokiError
from checks.sources.loki.form import Form
from checks.sources.loki.logql import quoted
from checks.sources.loki.questions import questions
from checks.sources.loki.reading import Reading, Shown
from checks.sources.loki.spans import Span

_BAD = frozenset({"http_5xx", *STATUS_SIGNALS.values()})
_NOT_SHOWN = frozenset({"http_responses", *INTERNAL_SIGNALS})
_ROUTED = 100
"""Bad responses of a signal whose routes are looked at, the newest."""

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What was found of one signal: entries by minute, evidence, and events that name ids.

    own: entries that name something like golive's own test events
    """

    minutes: Mapping[int, int]
    shown: Sequence[Shown] = ()
    kept: Sequence[tuple[Pattern, Entry]] = field(default=(), repr=False)
    own: Sequence[Entry] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """Entries that may hold a secret, or how many there are where they are too many."""

    entries: Sequence[Entry] = field(default=(), repr=False)
    beyond: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """All that one scan was told about a span.

    failed: what could not be asked, by signal
    """

    span: Span
    lines: Mapping[int, int]
    sizes: Mapping[int, int]
    heads: Mapping[int, int]
    found: Mapping[str, Found]
    candidates: Candidates
    failed: Mapping[str, Problem]


class Asking:
    """Asks everything about one span of a stream."""

    def __init__(
        self,
        client: LokiClient,
        form: Form,
        span: Span,
        request: ScanRequest,
        progress: Callable[[int, int], None],
    ) -> None:
        self._client = client
        self._form = form
        self._span = span
        self._request = request
        self._progress = progress
        self._reading = Reading(form)
        self._questions = questions(form.profile, form.prefix, coloured=form.coloured)
        self._done = 0
        self._total = len(self._questions.signals) + 3

    async def ask(self) -> Answers:
        """Every question, several at once.

        Raises:
            LokiError: the server cannot be asked, or answers nothing at all.
        """
        signals = self._questions.signals
        async with asyncio.TaskGroup() as group:
            lines = group.create_task(self._asked(self._client.minutes("", self._span)))
            size = group.create_task(self._asked(self._client.minutes("", self._span, of="bytes")))
            heads = group.create_task(self._asked(self._heads()))
            leaks = group.create_task(self._asked(self._candidates()))
            tasks = {name: group.create_task(self._asked(self._signal(name))) for name in signals}
        asked = {name: task.result() for name, task in tasks.items()}
        asked |= {"secret_leak": leaks.result()} | _heads_of(heads.result())
        failed = {name: found for name, found in asked.items() if isinstance(found, Failure)}
        counted, weighed = lines.result(), size.result()
        grave = [found for found in failed.values() if found.kind not in ONE_QUERY]
        for found in (counted, weighed, *grave, *_all(failed, len(signals))):
            if isinstance(found, Failure):
                raise LokiError(found)
        candidates, starts = leaks.result(), heads.result()
        return Answers(
            span=self._span,
            lines=_sure(counted),
            sizes=_sure(weighed),
            heads={} if isinstance(starts, Failure) else starts,
            found={name: found for name, found in asked.items() if isinstance(found, Found)},
            candidates=Candidates() if isinstance(candidates, Failure) else candidates,
            failed={name: found.problem for name, found in failed.items()},
        )

    async def _asked(self, question: Coroutine[None, None, _T]) -> _T | Failure:
        """An answer, or the reason why there is none; the other questions go on."""
        try:
            answer = await question
        except LokiError as error:
            return error.failure
        self._done += 1
        self._progress(self._done, self._total)
        return answer

    async def _heads(self) -> dict[int, int]:
        heads = self._questions.heads
        return {} if heads is None else await self._client.minutes(heads, self._span)

    async def _signal(self, name: str) -> Found:
        pipeline = self._questions.signals[name]
        naming = self._request.naming
        if naming is not None and name in self._form.profile.events:
            pipeline = f"|~ {quoted(named(naming))} {pipeline}"
        minutes = await self._client.minutes(pipeline, self._span)
        pattern = self._reading.keeps(name)
        if not minutes or name in _NOT_SHOWN:
            return Found(minutes=minutes)
        limit = MAX_CREATED if pattern else _ROUTED if name in _BAD else EVIDENCE_LINES
        entries = await self._client.entries(pipeline, self._span, limit)
        return Found(
            minutes=minutes,
            shown=self._reading.shown(name, entries),
            kept=[(pattern, entry) for entry in entries] if pattern else (),
            own=await self._own(pipeline) if name == own_events.SIGNAL else (),
        )

    async def _own(self, pipeline: str) -> Sequence[Entry]:
        named = f"|= {quoted(own_events.PREFIX)} {pipeline}"
        return await self._client.entries(named, self._span, MAX_OWN_EVENTS)

    async def _candidates(self) -> Candidates:
        """What looks like a secret: of a known shape, or of a live one's length and alphabet."""
        found: dict[tuple[int, str], Entry] = {}
        beyond = 0
        for pipeline in (shaped(self._form), alike(self._form, self._request.secrets)):
            if pipeline is None:
                continue
            entries = await self._client.entries(pipeline, self._span, MOST)
            if len(entries) >= MOST:
                there = await self._client.count(pipeline, self._span)
                beyond += max(0, there - len(entries))
            found |= {(entry.nanoseconds, entry.text): entry for entry in entries}
        return Candidates(entries=[found[key] for key in sorted(found)], beyond=beyond)


def _sure(found: Mapping[int, int] | Failure) -> Mapping[int, int]:
    return {} if isinstance(found, Failure) else found


def _all(failed: Mapping[str, Failure], signals: int) -> list[Failure]:
    """The failures, where nothing but failures came back."""
    return list(failed.values()) if len(failed) >= signals else []


def _heads_of(heads: Mapping[int, int] | Failure) -> dict[str, Failure]:
    """Whether responses arrive whole is part of knowing how many there are."""
    return {"http_responses": heads} if isinstance(heads, Failure) else {}
