"""A report as the JSON of `golive check --format json`, in the shape that scripts rely on."""

from __future__ import annotations

import json
import math

from bot.render.words import clean
from checks.engine.model import (
    Criterion,
    DatabaseEvidence,
    Finding,
    Json,
    LogEvidence,
    Problem,
    Report,
    Window,
)
from checks.engine.profiles import PUBLIC_SIGNALS

VERSION = 1
"""Raised when a name of this shape changes its meaning; additions leave it."""


def render_json(report: Report) -> str:
    """The report as JSON text, masked and without control characters."""
    return json.dumps(_safe(report_json(report)), indent=2, ensure_ascii=False, allow_nan=False)


def report_json(report: Report) -> dict[str, Json]:
    """The report as plain values, not yet masked."""
    verdict = report.verdict
    return {
        "version": VERSION,
        "verdict": {
            "decision": verdict.decision.value,
            "because": list(verdict.because),
            "missing": list(verdict.missing),
            "would_change": list(verdict.would_change),
        },
        "checkpoint": report.checkpoint,
        "taken_at": report.taken_at.isoformat(),
        "window": _window(report.window),
        "findings": [_finding(finding) for finding in report.findings],
        "rollback_criteria": [_criterion(c) for c in report.rollback_criteria],
        "success_criteria": [_criterion(c) for c in report.success_criteria],
        "switched_off": dict(report.switched_off),
        "sources": {
            "log": _log(report.evidence.log),
            "database": _database(report.evidence.database),
        },
    }


def _finding(finding: Finding) -> dict[str, Json]:
    unknown = finding.unknown
    return {
        "check": finding.check,
        "title": finding.title,
        "level": finding.level.value,
        "value": finding.value,
        "unit": finding.unit,
        "summary": finding.summary,
        "threshold": finding.threshold,
        "window": _window(finding.window),
        "details": dict(finding.details),
        "evidence": list(finding.evidence),
        "unknown": {"what": unknown.what, "mend": unknown.mend} if unknown else None,
        "would_change": finding.would_change,
        "accepted_by": finding.accepted_by,
    }


def _criterion(criterion: Criterion) -> dict[str, Json]:
    return {"id": criterion.id, "met": criterion.met, "why": criterion.why}


def _window(window: Window | None) -> dict[str, Json] | None:
    if window is None:
        return None
    return {"since": window.since.isoformat(), "until": window.until.isoformat()}


def _log(log: LogEvidence) -> dict[str, Json]:
    counts: dict[str, Json] = {
        signal: log.signals[signal].count if signal in log.signals else 0
        for signal in PUBLIC_SIGNALS
        if signal in log.carries
    }
    return {
        "source": log.source,
        "profile": log.profile,
        "bytes": log.bytes,
        "lines": log.lines,
        "timed": log.timed,
        "recognised": log.recognised,
        "not_counted": log.unpaired,
        "secrets_searched": log.secrets_searched,
        "notes": list(log.notes),
        "problem": _problem(log.problem or log.unwindowed),
        "signals": counts,
    }


def _database(database: DatabaseEvidence) -> dict[str, Json]:
    return {
        "server_version": database.server_version,
        "standby": database.standby,
        "hidden": list(database.hidden),
        "clock_offset_seconds": round(database.clock_offset, 3),
        "timezone": database.timezone,
        "problem": _problem(database.problem),
    }


def _problem(problem: Problem | None) -> str | None:
    return None if problem is None else str(problem)


def _safe(value: Json) -> Json:
    """Every string cleaned, keys too (a route stands in one), and no number that JSON lacks."""
    match value:
        case str():
            return clean(value)
        case dict():
            return {clean(key): _safe(item) for key, item in value.items()}
        case list():
            return [_safe(item) for item in value]
        case float() if not math.isfinite(value):
            return None
        case _:
            return value
