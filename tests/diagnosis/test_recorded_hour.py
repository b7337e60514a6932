"""The recorded hour of the real application, diagnosed from its rows alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from checks.diagnosis import Incident, procedure_of
from checks.diagnosis.model import Diagnosis, State
from checks.diagnosis.runner import Sources, diagnose
from checks.engine.model import Window
from checks.engine.plan import Occasion
from checks.sources.database import PostgresDatabase
from tests.diagnosis.worlds import cause, states
from tests.support.database_runs import RUNBOOK

_END = datetime(2026, 11, 23, 22, 1, 10, tzinfo=UTC)
_HOUR = Window(since=_END - timedelta(hours=1), until=_END)


async def _diagnosed(url: str, incident: Incident) -> Diagnosis:
    occasion = Occasion(checkpoint="final", window=_HOUR, now=_END)
    async with PostgresDatabase(url) as database:
        return await diagnose(procedure_of(incident), Sources(database=database), occasion, RUNBOOK)


async def test_its_failures_are_grouped(crm_fixture_database: str) -> None:
    """The messages that only say that they were sent are counted, and their errors named."""
    diagnosis = await _diagnosed(crm_fixture_database, Incident.OUTBOUND_FAILING)
    found = cause(diagnosis, "failed")
    assert found.state is State.HOLDS
    assert "52 of them marked as sent without the provider's id" in found.why
    assert found.evidence[0].startswith("17 × Request failed with status code 400")
    assert states(diagnosis)["stranded"] is State.CLEAR


async def test_its_campaigns_are_not_stuck(crm_fixture_database: str) -> None:
    """What was answered with 429 is told from the rows."""
    diagnosis = await _diagnosed(crm_fixture_database, Incident.CAMPAIGN_STUCK)
    assert states(diagnosis)["rate_limit"] is State.HOLDS
    assert states(diagnosis)["database_lock"] is State.CLEAR
