"""The check that a fix is about, looked at again: as measured, and with what the fix only renamed.

A fix may not turn its own check green: a message that it set to queued has failed until it is sent,
and a campaign that it set to draft stands still until it is dispatched.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Final, LiteralString

from bot.remediation.database import FixDatabase, Row, fetch
from bot.remediation.values import Claim, FixUnavailable
from bot.storage.store import Store
from bot.storage.values import StoreUnavailable
from bot.watch.knowing import know, present, subject
from bot.watch.lookout import Lookout
from bot.watch.new_secret import NewSecrets
from checks import CHECKS
from checks.campaigns import PROCESSING
from checks.engine import runner
from checks.engine.model import (
    DatabaseEvidence,
    Evidence,
    Finding,
    QueryResult,
    Report,
)
from checks.engine.plan import Occasion
from checks.engine.runbook import Runbook
from checks.engine.runbook.model import FINAL
from checks.engine.wording import plural
from checks.outbound_success import OUTCOMES

_OF: Final = {
    "reset_messages": "outbound_success",
    "reset_campaign": "campaigns",
    "regenerate_secret": "unknown_instances",
}

_COUNTS: Final = "What was refused before the switch counts as before."

_MESSAGES: Final[LiteralString] = """
    WITH renamed AS (
        SELECT DISTINCT m.id, m.created_at
        FROM golive.fix_claims AS c
        JOIN golive.fix_before_images AS b ON b.claim_id = c.id AND b.table_name = 'messages'
        JOIN messages AS m ON m.id = b.row_id
        WHERE c.state IN ('executed', 'unsettled') AND c.executed_at >= %(since)s::timestamptz
          AND b.before ->> 'status' = 'failed'
          AND m.status::text = b.after ->> 'status' AND m.sender::text = 'agent'
          AND m.created_at >= %(since)s::timestamptz AND m.created_at < %(until)s::timestamptz
    )
    SELECT count(*) AS renamed, count(*) FILTER (WHERE created_at
        < %(now)s::timestamptz - make_interval(secs => %(waiting)s::float8)) AS late
    FROM renamed
"""
"""Messages that fixes renamed and nobody has sent; each once, however often it was reset.

A fix renames what was created before it: older ones have nothing of the window.
"""

_CAMPAIGNS: Final[LiteralString] = """
    SELECT DISTINCT ON (c.id) c.id, c.name, u.name AS unit, c.created_at::timestamptz AS due_at,
        (SELECT max(r.sent_at)::timestamptz FROM campaign_recipients AS r
            WHERE r.campaign_id = c.id) AS newest_sent,
        (SELECT count(*) FROM campaign_recipients AS r WHERE r.campaign_id = c.id) AS recipients,
        (SELECT count(*) FROM campaign_recipients AS r WHERE r.campaign_id = c.id
            AND r.status::text = 'pending') AS pending
    FROM golive.fix_claims AS f
    JOIN golive.fix_before_images AS b ON b.claim_id = f.id AND b.table_name = 'campaigns'
    JOIN campaigns AS c ON c.id = b.row_id
    JOIN units AS u ON u.id = c.unit_id
    WHERE f.state IN ('executed', 'unsettled') AND f.executed_at >= %(now)s - %(back)s::interval
      AND c.status::text = b.after ->> 'status'
    ORDER BY c.id
"""
"""Campaigns that a fix renamed and nobody has dispatched; each once."""

_BACK: Final = timedelta(hours=36)
"""Longer than a watch lasts with its whole follow-up: a draft left alone since is history."""


class Afterwards:
    """Adjusts evidence, and compares.

    Args:
        database: by the role that fixes, which sees what fixes changed.
        switches: follow what a new secret brings.
        lookout, store, runbook: look at the application as its watch does.
    """

    def __init__(
        self,
        database: FixDatabase,
        switches: NewSecrets,
        lookout: Lookout,
        store: Store,
        runbook: Runbook,
    ) -> None:
        self._database = database
        self._switches = switches
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
        if claim.kind == "regenerate_secret":
            return (said, _COUNTS, await self._switches.line(claim))
        other = _finding(await self.adjusted(report), check)
        if other is None:
            return (said,)
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
            known = await know(self._store, watch, self._runbook)
        except StoreUnavailable:
            return await self._lookout.live()
        now = self._lookout.now
        point = present(known, self._runbook, now)
        about = subject(known, point, self._runbook, now)
        # By the final thresholds, so that every check is in it whatever point the watch is at.
        return await self._lookout.raw(replace(about, checkpoint=FINAL, exact=False))

    async def adjusted(self, report: Report) -> Report:
        """The same report on evidence in which nothing is renamed."""
        evidence = report.evidence
        changed = await self._renamed_back(evidence, report.checkpoint)
        occasion = Occasion(checkpoint=report.checkpoint, window=evidence.window, now=evidence.now)
        return runner.assess(CHECKS, self._runbook, changed, occasion)

    async def adjust(self, evidence: Evidence, checkpoint: str) -> Evidence:
        """Evidence as watches judge it; without the database's answer, as it was measured."""
        try:
            expected = await self._switches.expected(evidence)
            evidence = replace(evidence, expected=expected)
            return await self._renamed_back(evidence, checkpoint)
        except FixUnavailable:
            return evidence

    async def _renamed_back(self, evidence: Evidence, checkpoint: str) -> Evidence:
        rule = self._runbook.rule("outbound_success", checkpoint)
        if rule is None or not evidence.database.results:
            return evidence
        window = evidence.window.last(rule.window)
        values: dict[str, object] = {
            "now": evidence.now,
            "back": _BACK,
            "since": window.since,
            "until": window.until,
            "waiting": rule.params.get("waiting_seconds", 0),
        }
        async with self._database.transaction(keep=False) as connection:
            (messages,) = await fetch(connection, _MESSAGES, values)
            campaigns = await fetch(connection, _CAMPAIGNS, values)
        return renamed_back(evidence, messages, campaigns)


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
    notes = (*evidence.log.notes, *_notes(messages, campaigns))
    log = replace(evidence.log, notes=notes)
    return replace(evidence, database=database, log=log)


def _notes(messages: Row, campaigns: list[Row]) -> tuple[str, ...]:
    """What every verdict says of it."""
    renamed, out = int(messages["renamed"]), list[str]()
    if renamed:
        out.append(
            f"{plural(renamed, 'message')} that a fix reset count as failed until they are sent."
        )
    if campaigns:
        out.append(
            f"{plural(len(campaigns), 'campaign')} that a fix reset count as standing still until"
            " they are dispatched."
        )
    return tuple(out)


def _finding(report: Report, check: str | None) -> Finding | None:
    return next((one for one in report.findings if one.check == check), None)


def _int(value: object) -> int:
    return value if isinstance(value, int) else 0
