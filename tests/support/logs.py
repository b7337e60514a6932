"""Logs for the tests: the shipped profiles, a scan in one call, and lines of every format."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from pathlib import Path
from typing import cast

import yaml

from checks.engine.model import LogEvidence, Window
from checks.engine.profiles import PUBLIC_SIGNALS, SIGNALS, ProfileSpec
from checks.sources.logs.file_log import FileLog
from checks.sources.logs.profile import Profile, compile_profiles
from checks.sources.logs.source import Mark, ScanRequest, ScanState

_TREE = Path(__file__).parents[2]
_FIXTURES = _TREE / "tests" / "fixtures" / "crm"

NOW = datetime(2026, 11, 23, 23, 0, tzinfo=UTC)
"""The instant of every scan that names no other."""

AGES = Window(since=datetime(2000, 1, 1, tzinfo=UTC), until=datetime(2100, 1, 1, tzinfo=UTC))
"""A window that holds every line."""

FIXTURES = ("app", "app-old-schema")


@lru_cache(maxsize=1)
def profiles() -> tuple[Profile, ...]:
    """The log profiles of the shipped runbook, compiled; nothing else of the runbook is read."""
    whole = yaml.safe_load((_TREE / "manifests" / "runbook.yaml").read_text("utf-8"))
    raw = cast("Mapping[str, object]", whole["log"]["profiles"])
    return compile_profiles({name: ProfileSpec.model_validate(spec) for name, spec in raw.items()})


@lru_cache(maxsize=2)
def fixture_log(name: str) -> bytes:
    """A recorded log of the application."""
    return gzip.decompress((_FIXTURES / f"{name}.log.gz").read_bytes())


def fixture_truth(name: str) -> tuple[int, dict[str, int]]:
    """The true number of lines and the true count of every signal of a recorded log."""
    truth = json.loads((_FIXTURES / f"{name}.signals.json").read_text("utf-8"))
    return truth["lines"], truth["signals"]


def log_of(paths: Path | Sequence[Path], *, zone: tzinfo = UTC, now: datetime = NOW) -> FileLog:
    """The log source over these files, with a clock that stands still."""
    found = [paths] if isinstance(paths, Path) else paths
    return FileLog(found, profiles=profiles(), zone=zone, now=lambda: now)


def scan_on(
    paths: Path | Sequence[Path],
    state: ScanState | None = None,
    *,
    window: Window = AGES,
    since_offset: int | None = None,
    secrets: Sequence[str] = (),
    key: bytes = b"key",
    marks: Sequence[Mark] = (),
    zone: tzinfo = UTC,
    now: datetime = NOW,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[LogEvidence, ScanState]:
    """Scan what is new since `state`: the evidence, and the state to go on from."""
    request = ScanRequest(
        window=window,
        since_offset=since_offset,
        secrets=tuple(secrets),
        fingerprint_key=key,
        marks=tuple(marks),
    )
    return asyncio.run(log_of(paths, zone=zone, now=now).scan(request, state, progress))


def scan(
    paths: Path | Sequence[Path],
    *,
    window: Window = AGES,
    since_offset: int | None = None,
    secrets: Sequence[str] = (),
    key: bytes = b"key",
    marks: Sequence[Mark] = (),
    zone: tzinfo = UTC,
    now: datetime = NOW,
    progress: Callable[[int, int], None] | None = None,
) -> LogEvidence:
    """Scan once, from nothing known before."""
    return scan_on(
        paths,
        window=window,
        since_offset=since_offset,
        secrets=secrets,
        key=key,
        marks=marks,
        zone=zone,
        now=now,
        progress=progress,
    )[0]


def scan_text(path: Path, text: bytes | str, *, secrets: Sequence[str] = ()) -> LogEvidence:
    """Write a log and scan the whole of it."""
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return scan(path, since_offset=0, secrets=secrets)


def counts(evidence: LogEvidence, signals: Iterable[str] = PUBLIC_SIGNALS) -> dict[str, int]:
    """Signal → events, also of those that never occurred."""
    return {
        name: found.count if (found := evidence.signals.get(name)) is not None else 0
        for name in signals
    }


def some(evidence: LogEvidence) -> dict[str, int]:
    """Signal → events, of those that occurred."""
    return {name: n for name, n in counts(evidence, SIGNALS).items() if n}


# --- lines of the application ---------------------------------------------------------------------


def uid(number: int) -> str:
    """A request id."""
    return f"{number:08x}-0000-4000-8000-{number:012x}"


def request(number: int, path: str = "/leads", *, method: str = "GET") -> list[str]:
    """A request record of four lines."""
    return [
        f"[INFO] [REQ] {method} {path} {{",
        f"  requestId: '{uid(number)}',",
        "  ip: '203.0.113.10'",
        "}",
    ]


def response(
    number: int, status: int = 200, path: str = "/leads", *, method: str = "GET"
) -> list[str]:
    """A response record of seven lines."""
    return [
        f"[INFO] [RES] {method} {path} {{",
        f"  requestId: '{uid(number)}',",
        f"  status: {status},",
        "  duration: 77,",
        "  unitId: 'anon',",
        "  userId: 'anon'",
        "}",
    ]


def exchange(
    number: int, status: int = 200, path: str = "/leads", *, method: str = "GET"
) -> list[str]:
    """A request and its response."""
    return [
        *request(number, path, method=method),
        *response(number, status, path, method=method),
    ]


def exchanges(first: int, *statuses: int) -> list[str]:
    """Requests and responses with these statuses, numbered on from `first`."""
    return [line for n, status in enumerate(statuses, first) for line in exchange(n, status)]


def retry(number: int = 1) -> str:
    """A line that is an event of its own."""
    return f"[Message:{uid(number)}] Retry 1/3 after 1000ms"


def text(lines: Iterable[str], end: str = "\n") -> bytes:
    """Lines as bytes, each with its line end."""
    return "".join(f"{line}{end}" for line in lines).encode()


def stamp(at: datetime) -> str:
    """An instant as `docker logs -t` writes it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "Z"


def stamped(lines: Iterable[str], at: datetime, step: timedelta = timedelta(0)) -> list[str]:
    """The lines with the platform's times before them."""
    return [f"{stamp(at + step * n)} {line}" for n, line in enumerate(lines)]


def access(
    status: int = 200,
    path: str = "/leads",
    *,
    at: datetime = NOW,
    agent: str = "curl/8.5.0",
    method: str = "GET",
) -> str:
    """A line of a combined access log."""
    when = at.strftime("%d/%b/%Y:%H:%M:%S %z")
    return f'203.0.113.10 - - [{when}] "{method} {path} HTTP/1.1" {status} 512 "-" "{agent}"'


def span(since: datetime, until: datetime) -> Window:
    """The half-open window between two instants."""
    return Window(since=since, until=until)
