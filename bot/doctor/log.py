"""The application's log: there, readable, understood, alive."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Protocol

import aiofiles.os

from bot.doctor.model import Line, failed, ok, warning
from checks.engine.linear import LinearPattern
from checks.engine.model import LogEvidence, Problem, Window
from checks.engine.profiles import PUBLIC_SIGNALS
from checks.engine.wording import percent, plural
from checks.sources.logs.profile import Profile
from checks.sources.logs.recognise import Recognised
from checks.sources.logs.source import ScanRequest, ScanState

NEWEST_BYTES: Final = 256 * 1024 * 1024
"""How much of the log's end is read for its signals."""

_QUIET: Final = timedelta(minutes=10)
_LITTLE: Final = 0.6


class Log(Protocol):
    """A log file that can be recognised and scanned."""

    async def recognise(self, path: Path) -> Recognised | Problem:
        """Its format, or why it has none."""
        ...

    async def scan(
        self,
        request: ScanRequest,
        state: ScanState | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> tuple[LogEvidence, ScanState]:
        """All signals in a part of it."""
        ...


async def look_at_log(log: Log, path: Path, now: datetime) -> list[Line]:
    """Recognise a log and count the signals in its newest part.

    Args:
        log: the source that the checks read.
        path: the file.
        now: the instant of the test.
    """
    form = await log.recognise(path)
    if isinstance(form, Problem):
        return [failed(form.what, form.mend)]
    seen = await aiofiles.os.stat(path)
    lines = [
        _recognised(path, form),
        _times(form),
        _written(path, datetime.fromtimestamp(seen.st_mtime, UTC), now),
    ]
    request = ScanRequest(
        window=Window(since=now - timedelta(hours=1), until=now),
        since_offset=max(0, seen.st_size - NEWEST_BYTES),
        fingerprint_key=secrets.token_bytes(32),
    )
    evidence, _ = await log.scan(request)
    if evidence.problem is not None:
        return [*lines, failed(evidence.problem.what, evidence.problem.mend)]
    return [*lines, *signal_lines(form.profile, evidence)]


def _recognised(path: Path, form: Recognised) -> Line:
    share = form.matched / form.sampled if form.sampled else 0.0
    said = (
        f"{path} is readable and in the format {form.profile.name}"
        f" ({form.matched} of {form.sampled} sampled records fit)."
    )
    if share >= _LITTLE:
        return ok(said)
    return warning(
        f"{said} Only {percent(share)} is little.",
        "If other programs write to it too, give golive a log of the application alone; else add a"
        " profile under log.profiles in runbook.yaml.",
    )


def _times(form: Recognised) -> Line:
    if form.timed:
        where = "the platform's prefix" if form.prefix.read is not None else "the lines"
        return ok(f"Its times stand in {where}.")
    return ok(
        "It carries no times: golive run marks how long it is at each instant, and golive check"
        " needs --since-offset."
    )


def _written(path: Path, last: datetime, now: datetime) -> Line:
    age = now - last
    if age <= _QUIET:
        return ok(
            f"It was last written {plural(max(0, round(age.total_seconds())), 'second')} ago."
        )
    minutes = round(age.total_seconds() / 60)
    ago = plural(minutes, "minute") if minutes < 180 else plural(minutes // 60, "hour")
    return warning(
        f"{path} was last written {ago} ago.",
        "Check that the application writes to this file, and that it was not rotated away.",
    )


def signal_lines(profile: Profile, evidence: LogEvidence) -> list[Line]:
    """Which patterns of a format are alive: seen, quiet, dead, or not carried by the format."""
    seen = [s for s in PUBLIC_SIGNALS if s in evidence.signals and evidence.signals[s].count]
    absent = [s for s in PUBLIC_SIGNALS if s not in seen]
    dead = [s for s in absent if _dead(s, profile)]
    quiet = [s for s in absent if s in evidence.carries and s not in dead]
    foreign = [s for s in absent if s not in evidence.carries]
    lines: list[Line] = []
    if "http_responses" in evidence.carries and "http_responses" not in seen:
        lines.append(
            failed(
                "No response was recognised in it, so every HTTP check stays UNKNOWN.",
                "Send a request through the application, and check log.profiles in runbook.yaml.",
            )
        )
    lines += [
        failed(
            f"The pattern of {signal} no longer matches its own example.",
            f"Mend log.profiles → {profile.name} → {signal} in runbook.yaml.",
        )
        for signal in dead
    ]
    lines.append(ok(f"Signals seen: {', '.join(seen) or 'none'}."))
    if quiet:
        lines.append(ok(f"Quiet (nothing like it in this log): {', '.join(quiet)}."))
    if foreign:
        lines.append(
            warning(
                f"The format {profile.name} does not carry {', '.join(foreign)}.",
                "Their checks stay UNKNOWN, unless golive is given the application's own log too.",
            )
        )
    return lines


def _dead(signal: str, profile: Profile) -> bool:
    spec = profile.events.get(signal)
    if spec is None:
        return False
    return LinearPattern(spec.pattern.encode()).search(spec.example.encode()) is None
