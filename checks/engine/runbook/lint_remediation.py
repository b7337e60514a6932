"""Contradictions in what the runbook lets fixes do."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from checks.engine.runbook.model import FINAL, Runbook
from checks.engine.runbook.source import Fault

LONGEST_STATEMENT: Final = timedelta(seconds=30)
"""A fix is left to its process for twice as long (`bot.remediation.engine.LEASE`)."""


def remediation_faults(runbook: Runbook) -> Iterator[Fault]:
    """Bounds of fixes that cannot all be meant."""
    rules = runbook.remediation
    if rules is None:
        return
    if rules.undo_for <= rules.verify_after:
        message = "ends before the fix is looked at again, so nobody knows yet whether to undo it"
        yield Fault(loc=("remediation", "undo_for"), message=message)
    if rules.lock_timeout >= rules.statement_timeout:
        message = "is not shorter than statement_timeout, which ends the wait first"
        yield Fault(loc=("remediation", "lock_timeout"), message=message)
    if rules.statement_timeout > LONGEST_STATEMENT:
        message = (
            "is longer than 30s: another process could take the fix for given up while it runs"
        )
        yield Fault(loc=("remediation", "statement_timeout"), message=message)
    hook = rules.rollback.hook
    if hook is not None and hook.timeout > rules.rollback.timeout:
        message = "is longer than rollback.timeout, which bounds the whole rollback"
        yield Fault(loc=("remediation", "rollback", "hook", "timeout"), message=message)
    if rules.reset_messages.within > runbook.default_window:
        message = "is longer than default_window: messages would be reset that no check counts"
        yield Fault(loc=("remediation", "reset_messages", "within"), message=message)
    rule = None if "campaigns" in runbook.switched_off else runbook.rule("campaigns", FINAL)
    still = timedelta(seconds=rule.params.get("still_seconds", 0)) if rule is not None else None
    if still is not None and rules.reset_campaign.still_for < still:
        message = "is shorter than checks.campaigns.params.still_seconds: it could be reset before"
        message += " the check says that it stands still"
        yield Fault(loc=("remediation", "reset_campaign", "still_for"), message=message)
