"""runbook.yaml: read with line numbers, checked as a whole, turned into one frozen value.

source → spec (shape) and rules (meaning) → issues, or the `Runbook` of model; lint reports what
is allowed but contradicts itself; schema helps editors.
"""

from __future__ import annotations

from checks.engine.runbook.issues import Issue, RunbookError
from checks.engine.runbook.lint import LintNote, lint
from checks.engine.runbook.load import load_runbook, parse_runbook, shipped_runbook
from checks.engine.runbook.model import (
    CHECKPOINTS,
    CriterionRule,
    CriterionSource,
    DecisionRule,
    LogRule,
    Phase,
    Runbook,
    SchedulePoint,
)
from checks.engine.runbook.remediation import Hook, Remediation, RollbackPlan
from checks.engine.runbook.schema import schema

__all__ = [
    "CHECKPOINTS",
    "CriterionRule",
    "CriterionSource",
    "DecisionRule",
    "Hook",
    "Issue",
    "LintNote",
    "LogRule",
    "Phase",
    "Remediation",
    "RollbackPlan",
    "Runbook",
    "RunbookError",
    "SchedulePoint",
    "lint",
    "load_runbook",
    "parse_runbook",
    "schema",
    "shipped_runbook",
]
