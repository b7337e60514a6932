"""The application's log in Loki: reachable, the right stream, understood, whole, alive."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Final

from bot.doctor.log import signal_lines
from bot.doctor.model import Line, failed, ok, warning
from checks.engine.model import Problem, Window
from checks.engine.wording import plural
from checks.sources.logs.source import ScanRequest
from checks.sources.loki.address import Loki
from checks.sources.loki.form import Form
from checks.sources.loki.source import LokiLog

_NEWEST: Final = timedelta(hours=1)


async def look_at_loki(log: LokiLog, loki: Loki, lag: timedelta, now: datetime) -> list[Line]:
    """Recognise a stream and count the signals of its last hour.

    Args:
        log: the source that the checks read.
        loki: where it is.
        lag: how long its lines may take to arrive.
        now: the instant of the test.
    """
    looked = await log.look(_NEWEST)
    if isinstance(looked, Problem):
        return [failed(looked.what, looked.mend), *_plain(loki)]
    form, trouble = looked
    lines = [_recognised(loki, form), *_plain(loki), _lag(lag)]
    if trouble is not None:
        lines.append(failed(trouble.what, trouble.mend))
    request = ScanRequest(
        window=Window(since=now - _NEWEST, until=now), fingerprint_key=secrets.token_bytes(32)
    )
    evidence, _ = await log.scan(request)
    if evidence.problem is not None:
        if evidence.problem != trouble:
            lines.append(failed(evidence.problem.what, evidence.problem.mend))
        return lines
    lines += [
        failed(problem.what, problem.mend)
        for problem in dict.fromkeys(evidence.unknown.values())
        if problem != trouble
    ]
    lines.append(ok(f"{plural(evidence.lines, 'entry', 'entries')} came in the last hour."))
    if form.profile.has_ids:
        lines.append(
            ok("Requests and responses are not paired in Loki: forged responses cannot be told.")
        )
    return [*lines, *signal_lines(form.profile, evidence)]


def _recognised(loki: Loki, form: Form) -> Line:
    said = (
        f"{loki.base} has the stream {loki.selector}, in the format {form.profile.name}"
        f" ({form.matched} of {form.sampled} sampled records fit)."
    )
    if 10 * form.matched >= 6 * form.sampled:
        return ok(said)
    return warning(
        said,
        "If other programs write to it too, narrow GOLIVE_LOKI_SELECTOR to the application alone.",
    )


def _plain(loki: Loki) -> list[Line]:
    """A warning where lines and credentials cross a network without TLS."""
    if not loki.in_plain_text:
        return []
    return [
        warning(
            f"{loki.base} is asked over http://: its credentials and the log's lines cross the"
            " network in plain text.",
            "Give Loki a certificate, and write https:// in GOLIVE_LOKI_URL.",
        )
    ]


def _lag(lag: timedelta) -> Line:
    return ok(f"Windows end {lag.total_seconds():g} s before now (log.loki.lag in runbook.yaml).")
