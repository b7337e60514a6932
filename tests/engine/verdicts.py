"""Findings, criteria and verdicts with only what the decision looks at."""

from __future__ import annotations

from collections.abc import Sequence

from checks.engine.decision import Policy, decide
from checks.engine.model import (
    Criterion,
    Decision,
    Finding,
    Json,
    Level,
    Problem,
    Quantity,
    Verdict,
)

MATRIX = ("http_5xx", "auth_errors", "unknown_instances", "retries", "rate_limits")
OTHERS = ("health", "campaigns", "outbound_success", "inbound_flow", "tenant_isolation")
ROLLBACK = ("secret_leak", "tenant_leak", "messages_failing", "service_down")
SUCCESS = ("no_critical", "inbound_processed", "outbound_sent")
FINAL = Policy(matrix=MATRIX, critical=1, matrix_warnings=3, due=SUCCESS)
WORSE = {
    Level.OK: Level.UNKNOWN,
    Level.UNKNOWN: Level.WARNING,
    Level.WARNING: Level.CRITICAL,
}
RANK = {Decision.GO: 0, Decision.MONITOR: 1, Decision.NO_GO: 2}


def finding(
    check: str,
    level: Level = Level.OK,
    *,
    by: str | None = None,
    title: str = "",
    summary: str = "It was measured.",
    threshold: dict[str, Json] | None = None,
    would_change: str = "",
    unknown: Problem | None = None,
) -> Finding:
    """A finding with only what the decision looks at."""
    return Finding(
        check=check,
        title=title or check,
        level=level,
        value=1,
        unit="",
        summary=summary,
        threshold=threshold,
        details={},
        quantities={"value": Quantity(value=1)},
        would_change=would_change,
        unknown=unknown,
        accepted_by=by,
    )


def met(*ids: str) -> list[Criterion]:
    """Criteria that are met."""
    return [Criterion(id=i, met=True, why="It is.") for i in ids]


def rollback(*ids: str) -> list[Criterion]:
    """All rollback criteria, of which only these are met."""
    return [Criterion(id=i, met=i in ids, why="Because.") for i in ROLLBACK]


def verdict(
    findings: Sequence[Finding],
    *,
    back: Sequence[Criterion] = (),
    success: Sequence[Criterion] | None = None,
    policy: Policy = FINAL,
) -> Verdict:
    """The verdict on findings, with every success criterion met unless told otherwise."""
    return decide(findings, back, met(*SUCCESS) if success is None else success, policy)
