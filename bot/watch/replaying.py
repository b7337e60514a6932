"""Judging a past watch again from what it saw: with its own runbook, or with a proposed one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bot.storage.store import Store
from bot.watch.knowing import Known, deployment_before, know, subject
from bot.watch.model import Deployment, Taken
from checks.engine import runner
from checks.engine.check import Check
from checks.engine.model import Finding, Level, Report
from checks.engine.runbook import Runbook
from checks.engine.runner import Occasion


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """A check whose level is another one now. None: it was, or is, not part of the report."""

    check: str
    before: Level | None
    now: Level | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """One point of a watch, judged again.

    same: whether the whole report came out as it is stored, bit for bit
    """

    taken: Taken
    stored: Report
    report: Report
    same: bool
    moved: tuple[Moved, ...]


async def replayed(
    url: str, wanted: str, checks: Sequence[Check], runbook: Runbook
) -> tuple[Deployment, tuple[Replayed, ...]] | None:
    """A watch of a store, judged again; None where there is none.

    Raises:
        StoreUnavailable: the store does not answer.
    """
    async with Store(url) as store:
        deployment = await find(store, wanted)
        if deployment is None:
            return None
        return deployment, await replay(store, deployment, checks, runbook)


async def find(store: Store, wanted: str) -> Deployment | None:
    """A watch by its id (or the beginning of it), by its version, or the "last" one."""
    past = [one.deployment for one in await store.recent(None, 500)]
    if wanted == "last":
        return past[0] if past else None
    for one in past:
        if one.version == wanted or (len(wanted) >= 8 and str(one.id).startswith(wanted)):
            return one
    return None


async def replay(
    store: Store, deployment: Deployment, checks: Sequence[Check], runbook: Runbook
) -> tuple[Replayed, ...]:
    """Judge every point of a watch again, from its stored evidence; nothing is looked at anew."""
    known = await know(store, deployment, runbook)
    judged = [one for one in known.taken if one.decision is not None]
    reports = await store.reports(deployment.id, [one.point.key for one in judged])
    out: list[Replayed] = []
    for one in judged:
        stored = reports.get(one.point.key)
        if stored is not None:
            occasion = await _occasion(store, known, one, stored, runbook)
            report = runner.assess(checks, runbook, stored.evidence, occasion)
            out.append(
                Replayed(
                    taken=one,
                    stored=stored,
                    report=report,
                    same=report == stored,
                    moved=_moved(stored, report),
                )
            )
    return tuple(out)


async def _occasion(
    store: Store, known: Known, taken: Taken, stored: Report, runbook: Runbook
) -> Occasion:
    """What the point was about: what people had decided by then, and what came before."""
    at = stored.taken_at
    then = replace(
        known,
        taken=tuple(one for one in known.taken if _order(one) < _order(taken)),
        notes=tuple(note for note in known.notes if note.at <= at),
    )
    about = subject(then, taken.point, runbook, at)
    evidence = stored.evidence
    return Occasion(
        checkpoint=stored.checkpoint,
        window=evidence.window,
        now=evidence.now,
        observed=evidence.observed,
        own_probes=evidence.own_probes,
        accepted=about.accepted,
        silenced=about.silenced,
        earlier=about.earlier,
        between=about.between,
        past=await deployment_before(store, known.deployment, taken.point.key, at),
        only=about.only,
        looked_at=evidence.looked_at,
        present=about.present,
        superseded=about.superseded,
    )


def _order(taken: Taken) -> tuple[datetime, datetime]:
    """Several that were missed may have been taken at one instant, the oldest first."""
    return taken.taken_at, taken.point.due_at


def _moved(before: Report, now: Report) -> tuple[Moved, ...]:
    old, new = _levels(before.findings), _levels(now.findings)
    return tuple(
        Moved(check=check, before=old.get(check), now=new.get(check))
        for check in dict.fromkeys((*old, *new))
        if old.get(check) is not new.get(check)
    )


def _levels(findings: Sequence[Finding]) -> Mapping[str, Level]:
    return {finding.check: finding.level for finding in findings}
