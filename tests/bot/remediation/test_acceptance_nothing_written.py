"""What keeps a fix from being made: nothing is written, and the sentence says what to do."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import psycopg
import pytest

from bot.demo.workspace import people
from tests.bot.remediation.planted import Failures, plant_failures
from tests.bot.remediation.slack import Bench, bench, button_ids, read, rules_of, words
from tests.manifests.roles import RoleUrls
from tests.support.crm_rows import Rows

ALL = "/golive fix reset_messages all"
NORTE = "/golive fix reset_messages Norte"


@pytest.fixture
def failures(roles: RoleUrls) -> Failures:
    """37 failed messages, of which 30 can be reset."""
    with Rows(roles.owner) as rows:
        return plant_failures(rows)


def planted(table: Bench, failures: Failures) -> list[tuple[object, ...]]:
    """The planted messages as they are."""
    return table.rows(
        "SELECT id, status, retry_count, error_details FROM messages WHERE id = ANY(%s)"
        " ORDER BY id",
        list(failures.ids),
    )


def nothing_kept(table: Bench) -> None:
    """No before-image, and no claim that was executed."""
    assert table.rows("SELECT count(*) FROM golive.fix_before_images") == [(0,)]
    assert table.rows("SELECT count(*) FROM golive.fix_claims WHERE executed_at IS NOT NULL") == [
        (0,)
    ]


async def test_rows_that_changed_since_the_preview(
    roles: RoleUrls, store_database: str, failures: Failures
) -> None:
    """One was sent, one failed for another reason: a fresh preview, which can be confirmed."""
    async with bench(roles, store_database) as table:
        view = await table.open(NORTE)
        with Rows(roles.owner) as rows:
            sent, other = failures.ids[6], failures.ids[7]
            rows.run("UPDATE messages SET status = 'sent' WHERE id = %(i)s", i=sent)
            rows.run("UPDATE messages SET error_details = 'other' WHERE id = %(i)s", i=other)
        before = planted(table, failures)
        shown = await table.submit(view)
        assert "*Nothing was done:* the rows have changed since the preview." in shown
        assert "19 messages failed in the last hour; 14 would be reset." in shown
        assert planted(table, failures) == before
        nothing_kept(table)
        assert table.actions() == ["proposed", "drifted", "proposed"]
        fresh = table.top()
        assert fresh is not None
        assert "1 × other" in read(fresh)
        assert "14 rows" in await table.submit(fresh)
        assert table.rows("SELECT count(*) FROM messages WHERE status = 'queued'") == [(14,)]


async def test_the_cap_on_rows_at_the_preview(
    roles: RoleUrls, store_database: str, failures: Failures
) -> None:
    """No preview of too many rows; one unit of them is few enough."""
    async with bench(roles, store_database, runbook=rules_of(max_rows=29)) as table:
        before = planted(table, failures)
        refused = await table.open(ALL)
        assert (
            "More than 29 rows would be changed, which is the most that a fix may change. Nothing"
            " was written. Fix one unit at a time, or raise remediation.max_rows in runbook.yaml."
        ) in read(refused)
        assert not refused.payload.get("submit")
        assert planted(table, failures) == before
        nothing_kept(table)
        assert table.actions() == ["refused"]
        assert "15 rows" in await table.submit(await table.reopened(NORTE))


async def test_the_cap_on_rows_at_the_execution(
    roles: RoleUrls, store_database: str, failures: Failures
) -> None:
    """What was few enough at the preview has grown."""
    async with bench(roles, store_database, runbook=rules_of(max_rows=30)) as table:
        view = await table.open(ALL)
        with Rows(roles.owner) as rows:
            rows.run(
                "UPDATE messages SET error_details = 'socket hang up' WHERE id = %(i)s",
                i=failures.ids[0],
            )
        before = planted(table, failures)
        assert "More than 30 rows would be changed" in await table.submit(view)
        assert planted(table, failures) == before
        nothing_kept(table)
        assert table.actions() == ["proposed", "refused"]


async def test_rows_that_another_session_holds(
    roles: RoleUrls, store_database: str, failures: Failures
) -> None:
    """Neither a preview nor a fix waits for them; once they are free, it is made."""
    book = rules_of(lock_timeout=timedelta(milliseconds=100))
    held = "Another session holds these rows for longer than a fix may wait. Nothing was written."
    async with bench(roles, store_database, runbook=book) as table:
        view = await table.open(NORTE)
        before = planted(table, failures)
        with psycopg.connect(roles.owner) as other:
            other.execute("SELECT FROM messages WHERE id = %s FOR UPDATE", [failures.ids[6]])
            said = await table.submit(view)
            assert f"{held} `/golive diagnose 4` shows who blocks whom; then try again." in said
            assert held in words(await table.reopened(NORTE))
        assert planted(table, failures) == before
        nothing_kept(table)
        assert "15 rows" in await table.submit(await table.reopened(NORTE))


async def test_undo_leaves_what_the_application_touched(
    roles: RoleUrls, store_database: str
) -> None:
    """3 of 37 were touched since: 34 are as they were, and 3 are listed."""
    with Rows(roles.owner) as rows:
        failures = plant_failures(rows, permanent=0, sent=0)
    async with bench(roles, store_database) as table:
        before = {row[0]: row for row in planted(table, failures)}
        assert "37 rows" in await table.submit(await table.open(ALL))
        touched: dict[UUID, str] = dict(
            zip(failures.ids[:3], ("sent", "pending", "queued"), strict=True)
        )
        with Rows(roles.owner) as rows:
            for key, status in touched.items():
                rows.run(
                    "UPDATE messages SET status = %(s)s, retry_count = 1 WHERE id = %(i)s",
                    s=status,
                    i=key,
                )
        await table.stage.timer.advance(timedelta(minutes=20))
        fixed = table.post("*Fixed*")
        await table.click(fixed, "golive.undo", people.SECOND_OPERATOR)
        assert "Undone: 34 restored, 3 left as they are." in table.told(people.SECOND_OPERATOR)
        undone = table.post("*Undone*")
        assert "34 restored, 3 left as they are" in undone.text
        listed = read(undone).splitlines()
        assert "*Changed since by somebody else, so not restored*" in listed
        assert sorted(line for line in listed if line.endswith(" now")) == sorted(
            f"{str(key)[:8]}: {status} now" for key, status in touched.items()
        )
        after = {row[0]: row for row in planted(table, failures)}
        assert {key for key in before if after[key] != before[key]} == set(touched)
        assert button_ids(table.post("*Fixed*")) == []
        assert table.actions() == ["proposed", "executed", "verified", "undone"]
