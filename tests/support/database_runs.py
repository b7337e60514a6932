"""One check on a real PostgreSQL, judged by the shipped runbook: three lines a test."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from checks import CHECKS
from checks.engine.check import Check
from checks.engine.model import Finding, LogEvidence, Observed, Window
from checks.engine.plan import Occasion
from checks.engine.runbook import Runbook, load_runbook
from checks.engine.runner import Sources, run
from checks.sources.database import PostgresDatabase
from tests.support.evidence import HOUR
from tests.support.fakes import FakeLog

RUNBOOK = load_runbook(checks=CHECKS)


def changed(check: str, **changes: Any) -> Runbook:
    """The shipped runbook with something else in all rules of a check.

    `params` are put over those that are there; other fields of the rule are replaced.
    """
    params = changes.pop("params", {})
    rules = {
        key: replace(rule, params={**rule.params, **params}, **changes)
        if rule.check == check
        else rule
        for key, rule in RUNBOOK.rules.items()
    }
    return replace(RUNBOOK, rules=rules)


def minutes_ago(minutes: float, window: Window = HOUR) -> datetime:
    """An instant so long before the end of the window."""
    return window.until - timedelta(minutes=minutes)


async def found(
    url: str,
    check: Check,
    *,
    log: LogEvidence | None = None,
    observed: Observed | None = None,
    checkpoint: str = "final",
    window: Window = HOUR,
) -> Finding:
    """What a check finds in a database, in the hour before `NOW` unless told otherwise."""
    occasion = Occasion(
        checkpoint=checkpoint,
        window=window,
        now=window.until,
        observed=observed,
        only=(check.id,),
    )
    async with PostgresDatabase(url) as database:
        sources = Sources(log=FakeLog(evidence=log) if log else None, database=database)
        report = await run(CHECKS, RUNBOOK, sources, occasion)
    (finding,) = (f for f in report.findings if f.check == check.id)
    return finding
