"""One run of the checks from the shell: what to look at, the run itself, and its exit code."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from bot import arguments
from bot.arguments import UsageError
from bot.cli.ending import NOTHING_MEASURED
from bot.cli.progress import ScanProgress
from bot.loki import loki_target
from bot.settings import Settings
from bot.sources import Targets, known_secrets, open_sources
from checks.engine import runner
from checks.engine.check import Check
from checks.engine.known_secrets import know
from checks.engine.model import Decision, Level, Report
from checks.engine.runbook import CHECKPOINTS, Runbook
from checks.engine.runner import Occasion
from checks.sources.loki.address import Loki

_EXITS = {Decision.GO: 0, Decision.MONITOR: 1, Decision.NO_GO: 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options of `golive check` as they were typed; None where one was left out."""

    logs: Sequence[Path] = ()
    loki: str | None = None
    selector: str | None = None
    database: str | None = None
    base_url: str | None = None
    checkpoint: str = "final"
    since: str | None = None
    until: str | None = None
    since_offset: int | None = None
    only: Sequence[str] = ()


def targets(options: Options, settings: Settings) -> Targets:
    """Where to look: what was typed, else what the environment says.

    Raises:
        UsageError: nothing was given, or the base URL is none, or two places for the log.
    """
    configured = settings.database_url.get_secret_value() if settings.database_url else None
    url = options.base_url or settings.base_url
    found = Targets(
        logs=_logs(options, settings),
        loki=_loki(options, settings),
        database_url=options.database or configured,
        base_url=arguments.base_url(url) if url else None,
    )
    if not found:
        raise UsageError(
            "Nothing to look at: give --log PATH or --base-url URL, or set GOLIVE_LOG, BASE_URL or"
            " GOLIVE_DATABASE_URL (or GOLIVE_DATABASE_URL_FILE)."
        )
    if found.loki is not None and options.since_offset is not None:
        raise UsageError(
            "--since-offset counts the bytes of a file; of a stream in Loki give --since TIME."
        )
    return found


def _logs(options: Options, settings: Settings) -> tuple[Path, ...]:
    """The files that were typed, else that of the environment, unless Loki was typed."""
    if options.logs or options.loki:
        return tuple(options.logs)
    return (settings.log,) if settings.log else ()


def _loki(options: Options, settings: Settings) -> Loki | None:
    """The stream that was typed, else that of the environment, unless a file was typed.

    Raises:
        UsageError: half of it was typed, or a file as well.
        SettingsError: the address or the selector cannot be used.
    """
    if bool(options.loki) != bool(options.selector):
        raise UsageError("--loki URL and --selector '{app=\"crm\"}' are given together.")
    if options.loki and options.logs:
        raise UsageError("Give --log or --loki, not both: the log is read from one place.")
    if options.logs:
        return None
    return loki_target(settings, url=options.loki, selector=options.selector)


def occasion(
    options: Options,
    settings: Settings,
    looked_at: Targets,
    *,
    checks: Sequence[Check],
    runbook: Runbook,
    now: datetime,
) -> Occasion:
    """What the run is about; ages are measured from the end of the window.

    Raises:
        UsageError: a checkpoint, a time or a check that does not exist.
    """
    known = known_secrets(settings, looked_at)
    know(known)
    window = arguments.window(options.since, options.until, now, runbook.default_window)
    return Occasion(
        checkpoint=arguments.one_of("--checkpoint", options.checkpoint, CHECKPOINTS),
        window=window,
        now=window.until,
        since_offset=options.since_offset,
        secrets=known,
        fingerprint_key=secrets.token_bytes(32),
        only=arguments.only(options.only, [check.id for check in checks], runbook.switched_off),
    )


async def check_once(
    looked_at: Targets,
    checks: Sequence[Check],
    runbook: Runbook,
    about: Occasion,
    progress: ScanProgress,
) -> Report:
    """Open the sources, run the checks, close the sources."""
    async with open_sources(looked_at, runbook, lambda: about.now) as sources:
        with progress:
            return await runner.run(checks, runbook, sources, about, progress=progress.advance)


def exit_code(report: Report) -> int:
    """As Nagios has them: 0 GO, 1 MONITOR, 2 NO-GO, 3 when nothing could be measured.

    A share of too few events to be judged is measured.
    """
    decision = report.verdict.decision
    unseen = all(
        finding.level is Level.UNKNOWN and not any(q.sample for q in finding.quantities.values())
        for finding in report.findings
    )
    return NOTHING_MEASURED if unseen and decision is not Decision.NO_GO else _EXITS[decision]
