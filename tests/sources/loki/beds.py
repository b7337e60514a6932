"""The same lines as a file and as a stream of Loki, to be scanned through the same port."""

from __future__ import annotations

import os
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import httpx

from bot.demo.formats import Format, Layout, Line, Prefix
from checks.engine.model import LogEvidence, Window
from checks.sources.logs.source import LogSource, ScanRequest, ScanState
from checks.sources.loki.address import Loki, loki_of
from checks.sources.loki.client import LokiClient
from checks.sources.loki.source import LokiLog
from checks.sources.loki.spans import milliseconds
from checks.sources.loki.transport import Transport
from tests.support.logs import log_of, profiles

REAL = os.environ.get("GOLIVE_TEST_LOKI_URL")
"""A real server, where there is one: its stream is this test's own."""

_FIRST = re.compile(
    r"^(?:\[?\d{4}-\S+ |<\d+>1 \S+ |[A-Z][a-z]{2} [ \d]\d \S+ )?(?:crm\S* crm\S+ )?\["
)


class Bed(ABC):
    """Somewhere that lines are written to and scanned from.

    begin: an instant that its lines may be of
    """

    begin: datetime
    now: datetime

    @abstractmethod
    async def write(self, lines: Sequence[Line], form: Format) -> None:
        """Add lines."""

    @abstractmethod
    def source(self) -> LogSource:
        """What scans them."""

    async def scan(
        self,
        window: Window,
        state: ScanState | None = None,
        secrets: Sequence[str] = (),
    ) -> tuple[LogEvidence, ScanState]:
        """Scan what is new since `state`."""
        request = ScanRequest(window=window, secrets=tuple(secrets), fingerprint_key=b"key")
        return await self.source().scan(request, state)

    def window(self, since: float = 0, until: float = 7_200) -> Window:
        """A window by seconds since `begin`."""
        return Window(
            since=self.begin + timedelta(seconds=since), until=self.begin + timedelta(seconds=until)
        )


class FileBed(Bed):
    """A log file."""

    def __init__(self, folder: Path, begin: datetime) -> None:
        self.begin, self.now = begin, begin + timedelta(hours=2)
        self._path = folder / "app.log"

    async def write(self, lines: Sequence[Line], form: Format) -> None:
        """Append to the file; a format without times gets the platform's."""
        with self._path.open("a", encoding="utf-8") as log:
            for line in lines:
                log.write(f"{'' if form.timed else _stamp(line.at)}{line.text}\n")

    def source(self) -> LogSource:
        """The file source."""
        return log_of(self._path, now=self.now)


class LokiBed(Bed):
    """A stream of Loki, real or not; a collector's multi-line stage makes entries of records."""

    def __init__(self, url: str, begin: datetime, *, lag: timedelta = timedelta(0)) -> None:
        self.begin, self.now = begin, begin + timedelta(hours=2)
        self._job = f"golive-{uuid4().hex[:12]}"
        self._url = url
        self.lag = lag
        self.transport = Transport(self.loki)

    @property
    def loki(self) -> Loki:
        """Where the stream is."""
        found = loki_of(self._url, f'{{job="{self._job}"}}')
        assert isinstance(found, Loki), found
        return found

    async def write(self, lines: Sequence[Line], form: Format) -> None:
        """Push the lines as entries."""
        values = [[str(at), text] for at, text in entries(lines, form)]
        body = {"streams": [{"stream": {"job": self._job}, "values": values}]}
        async with httpx.AsyncClient() as client:
            answer = await client.post(f"{self._url}/loki/api/v1/push", json=body)
        assert answer.status_code == 204, answer.text

    def source(self) -> LokiLog:
        """The Loki source."""
        return LokiLog(
            LokiClient(self.transport),
            profiles=profiles(),
            zone=UTC,
            now=lambda: self.now,
            lag=self.lag,
        )


def entries(lines: Iterable[Line], form: Format) -> list[tuple[int, str]]:
    """Lines as a collector sends them: of console records, all lines in one entry."""
    found: list[tuple[int, str]] = []
    seen: set[tuple[int, str]] = set()
    for line in lines:
        if form.layout is Layout.CONSOLE and found and not _FIRST.match(line.text):
            found[-1] = (found[-1][0], f"{found[-1][1]}\n{line.text}")
            continue
        entry = (milliseconds(line.at) * 1_000_000, line.text)
        while entry in seen:  # Loki keeps one of two equal entries of the same instant
            entry = (entry[0] + 1, line.text)
        seen.add(entry)
        found.append(entry)
    return found


def _stamp(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z "


CONSOLE = Format(Layout.CONSOLE)
DOCKER = Format(Layout.CONSOLE, Prefix.DOCKER)
