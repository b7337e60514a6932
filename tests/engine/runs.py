"""A runbook and four checks of the tests' own, for runs without any real source."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from checks.engine.check import Check, Query, View, unknown
from checks.engine.model import (
    Level,
    LogEvidence,
    Measurement,
    Quantity,
    Report,
    SignalEvidence,
    Window,
)
from checks.engine.runbook import (
    CHECKPOINTS,
    CriterionRule,
    DecisionRule,
    LogRule,
    Runbook,
)
from checks.engine.runbook.source import YamlSource
from checks.engine.runner import Occasion
from checks.engine.thresholds import Bound, Op, Rule, Threshold
from tests.support.evidence import SAMPLE

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
HOUR = Window(since=NOW - timedelta(hours=1), until=NOW)
FINAL = Occasion(checkpoint="final", window=HOUR, now=NOW)
ROWS = Query(name="rows", sql="SELECT 1", reads={"messages": ("id",)})
MORE = Query(name="more", sql="SELECT 2", reads={"messages": ("id",)})
LOG = LogEvidence(
    source="app.log",
    profile="crm-console",
    timed=True,
    carries=frozenset({"retry"}),
    signals={"retry": SignalEvidence(count=3)},
)
UUID = "3f2b0c1e-7a55-4a53-9d0e-2f6f1f3a9b10"


def counted(view: View) -> Measurement:
    """Retries, as the log shows them."""
    problem = view.log_unknown("retry")
    if problem is not None:
        return unknown("retries", problem)
    value = view.count("retry")
    return Measurement(
        value=value,
        unit="retries",
        summary=f"{value} retries.",
        quantities={"value": Quantity(value=value)},
    )


def crashing(view: View) -> Measurement:
    """Crashes with a secret in its message."""
    raise ZeroDivisionError(f"apikey: s3cr3t-of-{view.rule.check}")


def from_rows(view: View) -> Measurement:
    """Unknown without a database, else nothing bad."""
    result = view.rows(ROWS)
    if result.problem is not None:
        return unknown("rows", result.problem)
    return Measurement(
        value=0, unit="rows", summary="No rows.", quantities={"value": Quantity(value=0)}
    )


RETRIES = Check(id="retries", title="Retries", checkpoint=2, measure=counted, signals=("retry",))
BROKEN = Check(id="broken", title="Broken", checkpoint=1, measure=crashing)
DATABASE = Check(
    id="stored",
    title="Stored",
    checkpoint=3,
    measure=from_rows,
    queries=(ROWS,),
    params=("settle_seconds",),
)
PROBED = Check(
    id="probed",
    title="Probed",
    checkpoint=0,
    measure=lambda _view: Measurement(value=0, unit="failed", summary="Fine."),
    probes=True,
)
ALL = (PROBED, RETRIES, DATABASE)


def rule(
    check: str, *, window: timedelta | None = None, critical: float = 20, **params: float
) -> Rule:
    """A rule that warns from 6 on."""
    threshold = Threshold(
        quantity="value",
        warning=Bound(op=Op.AT_LEAST, value=6),
        critical=Bound(op=Op.AT_LEAST, value=critical),
    )
    return Rule(check=check, thresholds=(threshold,), window=window, params=params)


def runbook(
    *rules: Rule,
    off: dict[str, str] | None = None,
    rollback: tuple[CriterionRule, ...] = (),
    success: tuple[CriterionRule, ...] = (),
) -> Runbook:
    """A runbook of these rules, the same at every checkpoint."""
    return Runbook(
        rules={(r.check, checkpoint): r for r in rules for checkpoint in CHECKPOINTS},
        switched_off=off or {},
        matrix=("retries",),
        decision=DecisionRule(critical=1, matrix_warnings=3),
        escalation=2,
        remind_after=timedelta(minutes=5),
        links={},
        rollback_criteria=rollback,
        success_criteria=success,
        schedule=(),
        follow_up={},
        log=LogRule(timezone="UTC", profiles={}),
        default_window=timedelta(hours=1),
        sample=SAMPLE,
        source=YamlSource(path=Path("runbook.yaml"), data=None, lines={}),
    )


BOOK = runbook(rule("retries"), rule("stored", settle_seconds=60), rule("probed"), rule("broken"))


def levels(report: Report) -> dict[str, Level]:
    """Check id → level, in the report's order."""
    return {finding.check: finding.level for finding in report.findings}
