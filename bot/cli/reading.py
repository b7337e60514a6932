"""How golive reads a log: what `golive signals` asks, without judging any of it."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from bot.cli.progress import ScanProgress
from bot.render.signals import Format
from bot.sources import file_log
from checks.engine.model import LogEvidence, Problem, Window
from checks.engine.runbook import Runbook
from checks.sources.logs.recognise import Recognised
from checks.sources.logs.source import ScanRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A log's format, and all of its signals from the first byte on."""

    form: Format
    log: LogEvidence


async def read_log(
    path: Path,
    runbook: Runbook,
    *,
    known: Sequence[str],
    now: datetime,
    progress: ScanProgress,
) -> Reading | Problem:
    """Recognise a log and count its signals over the whole file.

    Args:
        path: the log.
        runbook: whose profiles are tried.
        known: live secrets, to be found as leaks and masked.
        now: the instant of the scan, for log lines that name no year.
        progress: shows how far the scan is.

    Returns:
        The reading, or why there is none.
    """
    log = file_log([path], runbook, lambda: now)
    found = await log.recognise(path)
    if isinstance(found, Problem):
        return found
    request = ScanRequest(
        window=Window(since=now - runbook.default_window, until=now),
        since_offset=0,
        secrets=tuple(known),
        fingerprint_key=secrets.token_bytes(32),
    )
    with progress:
        evidence, _ = await log.scan(request, progress=progress.advance)
    return evidence.problem or Reading(form=_form(found), log=evidence)


def _form(found: Recognised) -> Format:
    times = "none"
    if found.timed:
        times = "in the prefix" if found.prefix.read is not None else "in the lines themselves"
    return Format(
        profile=found.profile.name,
        prefix=found.prefix.name,
        times=times,
        sampled=found.sampled,
        matched=found.matched,
        response=found.profile.spec.responses.example,
        events=found.profile.events,
    )
