"""What tells that a failed message was sent: the provider's id, and a log that names it."""

from __future__ import annotations

import gzip
from pathlib import Path
from uuid import UUID

import psycopg
import pytest

from tests.bot.remediation.planted import Failures, plant_failures
from tests.bot.remediation.slack import bench, read
from tests.manifests.roles import RoleUrls
from tests.support.crm_rows import Rows
from tests.support.recorded_hour import LOG

OWN_IDS = (
    "The end of the log tells of 283 sends, by ids of its own that are no message's in the"
    " database: only the provider's id (external_id) tells what was sent."
)


@pytest.fixture
def failures(roles: RoleUrls) -> Failures:
    """37 failed messages beside the recorded ones."""
    with Rows(roles.owner) as rows:
        return plant_failures(rows)


def recorded(folder: Path) -> Path:
    """The application's recorded log."""
    log = folder / "app.log"
    log.write_bytes(gzip.decompress(LOG.read_bytes()))
    return log


async def preview(roles: RoleUrls, store: str, log: Path) -> str:
    """What a reset of all units shows with this log."""
    async with bench(roles, store, log=log) as table:
        view = await table.open("/golive fix reset_messages all")
        shown = read(view)
        await table.submit(view)
        return shown


def reset(roles: RoleUrls) -> set[UUID]:
    """The messages that a reset left waiting."""
    with psycopg.connect(roles.owner) as owner:
        return {key for (key,) in owner.execute("SELECT id FROM messages WHERE status = 'queued'")}


@pytest.mark.usefixtures("failures")
async def test_the_recorded_log_names_no_message(
    roles: RoleUrls, store_database: str, tmp_path: Path
) -> None:
    """Its sends have ids of their own: that is said, and nothing is left out for them."""
    shown = await preview(roles, store_database, recorded(tmp_path))
    assert "37 messages failed in the last hour; 30 would be reset." in shown
    assert OWN_IDS in shown
    assert "2 with evidence of having been sent" in shown


async def test_a_log_that_names_a_message(
    roles: RoleUrls, store_database: str, failures: Failures, tmp_path: Path
) -> None:
    """A line about a message's own id leaves it out, counted, and it is not touched."""
    sent = failures.ids[12]
    log = recorded(tmp_path)
    with log.open("a") as end:
        end.write(f"[Message:{sent}] Sent successfully (attempt 2)\n")
    shown = await preview(roles, store_database, log)
    assert "37 messages failed in the last hour; 29 would be reset." in shown
    assert "3 with evidence of having been sent" in shown
    assert "by ids of its own" not in shown
    assert len(reset(roles)) == 29
    assert sent not in reset(roles)


@pytest.mark.usefixtures("failures")
async def test_without_a_log_nothing_is_said_of_one(roles: RoleUrls, store_database: str) -> None:
    """The provider's id alone; the sentence about a log would be untrue."""
    async with bench(roles, store_database) as table:
        shown = read(await table.open("/golive fix reset_messages all"))
    assert "2 with evidence of having been sent" in shown
    assert "The end of the log" not in shown
