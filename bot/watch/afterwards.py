"""The check that a fix is about, looked at again: as measured, and with what the fix only renamed.

A fix may not turn its own check green: a message that it set to queued has failed until it is sent,
and a campaign that it set to draft stands still until it is dispatched.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final, LiteralString

from bot.remediation.database import FixDatabase, Row, fetch
from bot.remediation.values import Claim
from bot.storage.store import Store
from bot.storage.values import StoreUnavailable
from bot.watch.knowing import know, present, subject
from bot.watch.lookout import Lookout
from checks import CHECKS
from checks.campaigns import PROCESSING
from checks.engine import runner
from checks.engine.model import DatabaseEvidence, Evidence, Finding, QueryResult, Report
from checks.engine.plan import Occasion
from checks.engine.runbook import Runbook
from checks.outbound_success import OUTCOMES

_OF: Final = {
    "reset_messages": "outbound_success",
    "reset_campaign": "campaigns",
    "regenerate_secret": "unknown_instances",
}

_MESSAGES: Final[LiteralString] = """
    SELECT count(*) AS renamed, count(*) FILTER (WHERE m.created_at
        < %(now)s::timestamptz - make_interval(secs => %(waiting)s::float8)) AS late
    FROM golive.fix_claims AS c
    JOIN golive.fix_before_images AS b ON b.claim_id = c.id AND b.table_name = 'messages'
    JOIN messages AS m ON m.id = b.row_id
    WHERE c.state IN ('executed', 'unsettled') AND b.before ->> 'status' = 'failed'
      AND m.status = b.after ->> 'status' AND m.sender = 'agent'
      AND m.created_at >= %(since)s::timestamptz AND m.created_at < %(until)s::timestamptz
"""
"""Messages that a fix renamed and nobody has sent."""

_CAMPAIGNS: Final[LiteralString] = """
    SELECT c.id, c.name, u.name AS unit, c.created_at AS due_at,
        (SELECT max(r.sent_at) FROM campaign_recipients AS r WHERE r.campaign_id = c.id)
            AS newest_sent,
        (SELECT count(*) FROM campaign_recipients AS r WHERE r.campaign_id = c.id) AS recipients,
        (SELECT count(*) FROM campaign_recipients AS r WHERE r.campaign_id = c.id
            AND r.status = 'pending') AS pending
    FROM golive.fix_claims AS f
    JOIN golive.fix_before_images AS b ON b.claim_id = f.id AND b.table_name = 'campaigns'
    JOIN campaigns AS c ON c.id = b.row_id
    JOIN units AS u ON u.id = c.unit_id
    WHERE f.state IN ('executed', 'unsettled') AND c.status = b.after ->> 'status'
"""
"""Campaigns that a fix renamed and nobody has dispatched."""


class Afterwards:
    """Adjusts evidence, and compares.

    Args:
        database: by the role that fixes, which sees what fixes changed.
        lookout, store, runbook: look at the application as its watch does.
    """

    def __init__(
        self, database: FixDatabase, lookout: Lookout, store: Store, runbook: Runbook
    ) -> None:
        self._database = database
        self._lookout = lookout
        self._store = store
        self._runbook = runbook

    async def lines(self, claim: Claim) -> tuple[str, ...]:
        """The check of a fix: its raw and its adjusted value, as sentences."""
        check = _OF.get(claim.kind)
        report = await self.report(claim)
        finding = _finding(report, check)
        if check is None or finding is None:
            return ()
        said = f"{finding.title}, as measured: {finding.level}. {finding.summary}"
        adjusted = await self.adjusted(report)
        other = _finding(adjusted, check)
        if other is None or claim.kind == "regenerate_secret":
            return (said, "The fix changes nothing that this check counts.")
        return (
            said,
            f"Adjusted, with what the fix only renamed as it was before: {other.level}."
            f" {other.summary}",
        )

    async def healthy(self, claim: Claim) -> tuple[bool, str]:
        """Whether health and checks are good after a rollback."""
        report = await self.report(claim)
        met = [criterion.why for criterion in report.rollback_criteria if criterion.met]
        health = _finding(report, "health")
        if health is None or health.value is None:
            return False, "health could not be looked at"
        if health.level != "OK":
            return False, health.summary
        if met:
            return False, f"health is good, but a rollback criterion is met: {met[0]}"
        return True, "health is good, and no rollback criterion is met"

    async def report(self, claim: Claim) -> Report:
        """All checks now, as the claim's watch sees them."""
        try:
            watch = await self._store.watch(claim.deployment) if claim.deployment else None
            if watch is None or watch.closed_at is not None:
                return await self._lookout.live()
            known = await know(self._store, watch)
        except StoreUnavailable:
            return await self._lookout.live()
        now = self._lookout.now
        point = present(known, self._runbook, now)
        about = subject(known, point, self._runbook, now)
        return await self._lookout.watch(replace(about, exact=False))

    async def adjusted(self, report: Report) -> Report:
        """The same report on evidence in which nothing is renamed."""
        evidence = report.evidence
        rule = self._runbook.rule("outbound_success", report.checkpoint)
        if rule is None:
            return report
        window = evidence.window.last(rule.window)
        values: dict[str, object] = {
            "now": evidence.now,
            "since": window.since,
            "until": window.until,
            "waiting": rule.params.get("waiting_seconds", 0),
        }
        async with self._database.transaction(keep=False) as connection:
            (messages,) = await fetch(connection, _MESSAGES, values)
            campaigns = await fetch(connection, _CAMPAIGNS)
        changed = renamed_back(evidence, messages, campaigns)
        occasion = Occasion(checkpoint=report.checkpoint, window=evidence.window, now=evidence.now)
        return runner.assess(CHECKS, self._runbook, changed, occasion)


def renamed_back(evidence: Evidence, messages: Row, campaigns: list[Row]) -> Evidence:
    """Evidence with renamed messages counted as failed, and renamed campaigns as processing."""
    results = dict(evidence.database.results)
    outcome = results.get(OUTCOMES.name)
    if outcome is not None and outcome.rows and messages["renamed"]:
        row = dict(outcome.rows[0])
        late, all_of_them = int(messages["late"]), int(messages["renamed"])
        row["failed"] = _int(row["failed"]) + all_of_them
        row["waiting"] = max(0, _int(row["waiting"]) - late)
        row["under_way"] = max(0, _int(row["under_way"]) - (all_of_them - late))
        results[OUTCOMES.name] = QueryResult(rows=(row,))
    processing = results.get(PROCESSING.name)
    if processing is not None and processing.problem is None and campaigns:
        known = {row["id"] for row in processing.rows}
        more = tuple({**row, "id": str(row["id"])} for row in campaigns if row["id"] not in known)
        results[PROCESSING.name] = QueryResult(rows=(*processing.rows, *more))
    database: DatabaseEvidence = replace(evidence.database, results=results)
    return replace(evidence, database=database)


def _finding(report: Report, check: str | None) -> Finding | None:
    return next((one for one in report.findings if one.check == check), None)


def _int(value: object) -> int:
    return value if isinstance(value, int) else 0
