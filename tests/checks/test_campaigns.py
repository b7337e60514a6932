"""campaigns on a real PostgreSQL, judged by the shipped runbook."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import pytest

from checks.campaigns import CHECK
from checks.engine.model import Level
from tests.support.crm_rows import Rows, Unit
from tests.support.database_runs import found, minutes_ago
from tests.support.evidence import log, watched

LONG_AGO = minutes_ago(60 * 24 * 30)


def unit_of(rows: Rows) -> Unit:
    """A unit that has existed for long."""
    return rows.unit("Alfa", created_at=LONG_AGO)


def sending(
    url: str, *, last_sent: float, pending: int = 3, created: float = 50
) -> tuple[UUID, dict[str, datetime]]:
    """A campaign whose last send was so many minutes ago; and that the watch saw it begin."""
    with Rows(url) as rows:
        campaign = rows.campaign(
            unit_of(rows),
            created_at=minutes_ago(created),
            recipients=("sent",) * 5 + ("pending",) * pending,
            sent_at=minutes_ago(last_sent),
        )
    return campaign, {str(campaign): minutes_ago(created)}


async def test_no_campaign(crm_database: str) -> None:
    """Without a campaign there is nothing to stand still."""
    finding = await found(crm_database, CHECK)
    assert (finding.level, finding.summary) == (Level.OK, "No campaign in processing.")


@pytest.mark.parametrize(("last_sent", "level"), [(9.9, Level.OK), (10, Level.WARNING)])
async def test_standing_still_is_ten_minutes_without_a_send(
    crm_database: str, last_sent: float, level: Level
) -> None:
    """A campaign that has been processing for 50 minutes stands still 10 minutes after a send."""
    _, progress = sending(crm_database, last_sent=last_sent)
    finding = await found(crm_database, CHECK, observed=watched(progress=progress))
    assert finding.level is level


async def test_evidence_names_the_campaign(crm_database: str) -> None:
    """The line says which campaign of which unit, how many are pending, and the last send."""
    _, progress = sending(crm_database, last_sent=20)
    finding = await found(crm_database, CHECK, observed=watched(progress=progress))
    assert finding.summary == "1 campaign stands still with 3 recipients pending."
    assert finding.evidence == ("Promo (Alfa): 3 of 8 pending, last send 2026-03-05 11:40:00 UTC",)


async def test_failures_are_progress(crm_database: str) -> None:
    """Failed recipients carry no time, but the watch saw pending ones become fewer."""
    campaign, _ = sending(crm_database, last_sent=40)
    observed = watched(progress={str(campaign): minutes_ago(2)})
    assert (await found(crm_database, CHECK, observed=observed)).level is Level.OK


async def test_a_log_line_is_progress(crm_database: str) -> None:
    """A line of the campaign in the log is as good as a send."""
    campaign, progress = sending(crm_database, last_sent=40)
    seen = log(campaigns={str(campaign): minutes_ago(3).timestamp()})
    finding = await found(crm_database, CHECK, observed=watched(progress=progress), log=seen)
    assert finding.level is Level.OK


async def test_seen_for_the_first_time(crm_database: str) -> None:
    """A campaign that the watch sees for the first time has not stood still under its eyes."""
    sending(crm_database, last_sent=40)
    assert (await found(crm_database, CHECK, observed=watched())).level is Level.OK


async def test_two_at_once_are_critical(crm_database: str) -> None:
    """Two campaigns that stand still at once are the worker."""
    progress: dict[str, datetime] = {}
    with Rows(crm_database) as rows:
        unit = unit_of(rows)
        for _ in range(2):
            campaign = rows.campaign(unit, created_at=minutes_ago(30), recipients=("pending",))
            progress[str(campaign)] = minutes_ago(30)
    finding = await found(crm_database, CHECK, observed=watched(progress=progress))
    assert (finding.level, finding.value) == (Level.CRITICAL, 2)


@pytest.mark.parametrize(("pending", "level"), [(50, Level.WARNING), (51, Level.CRITICAL)])
async def test_many_pending_are_critical(crm_database: str, pending: int, level: Level) -> None:
    """One that stands still with more than 50 pending is critical by itself."""
    _, progress = sending(crm_database, last_sent=20, pending=pending)
    finding = await found(crm_database, CHECK, observed=watched(progress=progress))
    assert finding.level is level


async def test_many_pending_that_move_are_not(crm_database: str) -> None:
    """300 recipients take ten minutes: processing for long is not stuck."""
    _, progress = sending(crm_database, last_sent=0.1, pending=300)
    finding = await found(crm_database, CHECK, observed=watched(progress=progress))
    assert finding.level is Level.OK


@pytest.mark.parametrize(("last_sent", "level"), [(5, Level.OK), (15, Level.WARNING)])
async def test_a_single_run_only_suspects(
    crm_database: str, last_sent: float, level: Level
) -> None:
    """Nothing was observed: no send for ten minutes looks stuck, however many are pending."""
    sending(crm_database, last_sent=last_sent, pending=80)
    finding = await found(crm_database, CHECK)
    assert finding.level is level
    assert "standing" not in finding.quantities
    assert ("looks stuck" in finding.summary) is (level is Level.WARNING)


async def test_a_scheduled_campaign_begins_at_its_time(crm_database: str) -> None:
    """Written days ago and due a minute ago: it had no time to send yet."""
    with Rows(crm_database) as rows:
        rows.campaign(
            unit_of(rows),
            created_at=LONG_AGO,
            scheduled_at=minutes_ago(1),
            recipients=("pending",),
        )
    assert (await found(crm_database, CHECK)).level is Level.OK


@pytest.mark.parametrize(
    ("recipients", "level"),
    [
        (("sent", "delivered", "read") * 7 + ("failed",), Level.OK),
        (("sent", "delivered", "read") * 7 + ("failed", "pending"), Level.WARNING),
    ],
)
async def test_sums_of_a_completed_campaign(
    crm_database: str, recipients: tuple[str, ...], level: Level
) -> None:
    """Sent, delivered, read and failed together are all recipients, or the sum is off."""
    with Rows(crm_database) as rows:
        rows.campaign(
            unit_of(rows),
            created_at=minutes_ago(30),
            recipients=recipients,
            sent_at=minutes_ago(25),
            status="completed",
            completed_at=minutes_ago(20),
        )
    finding = await found(crm_database, CHECK, observed=watched())
    assert finding.level is level
    assert finding.quantities["sums_off"].value == (level is Level.WARNING)


@pytest.mark.parametrize("status", ["completed", "failed", "draft", "scheduled"])
async def test_old_campaigns_are_history(crm_database: str, status: str) -> None:
    """An old campaign whose sums are off, or that failed, moves nothing."""
    with Rows(crm_database) as rows:
        rows.campaign(
            unit_of(rows),
            created_at=LONG_AGO,
            recipients=("sent", "pending", "pending"),
            sent_at=LONG_AGO,
            status=status,
            completed_at=LONG_AGO,
        )
    assert (await found(crm_database, CHECK)).level is Level.OK
    assert (await found(crm_database, CHECK, observed=watched())).level is Level.OK
