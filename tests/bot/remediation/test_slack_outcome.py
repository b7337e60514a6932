"""What is said two minutes after a reset, and to whoever looks at the next one."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from tests.bot.remediation.planted import DOWN, RECIPIENTS, T0, plant_failures
from tests.bot.remediation.slack import Bench, all_words, bench, read
from tests.manifests.roles import RoleUrls
from tests.support.crm_rows import Rows


async def reset(table: Bench, whose: str) -> list[object]:
    """Reset failed messages; the ids of those that wait now."""
    await table.submit(await table.reopened(f"/golive fix reset_messages {whose}"))
    found = table.rows("SELECT id FROM messages WHERE status = 'queued' ORDER BY id")
    return [key for (key,) in found]


async def test_sent_and_failed_again(roles: RoleUrls, store_database: str) -> None:
    """37 of them: what was sent, and what failed again with the same error."""
    with Rows(roles.owner) as rows:
        planted = plant_failures(rows, permanent=0, sent=0)
        rows.run(
            "UPDATE messages SET error_details = %(e)s WHERE id = ANY (%(ids)s)",
            e=DOWN,
            ids=list(planted.ids),
        )
    async with bench(roles, store_database) as table:
        waiting = await reset(table, "all")
        with Rows(roles.owner) as rows:
            rows.run(
                "UPDATE messages SET status = 'sent', external_id = 'X' WHERE id = ANY (%(ids)s)",
                ids=waiting[:30],
            )
            rows.run(
                "UPDATE messages SET status = 'failed', retry_count = 3, error_details = %(e)s"
                " WHERE id = ANY (%(ids)s)",
                e=DOWN,
                ids=waiting[30:],
            )
        await table.stage.timer.advance(timedelta(minutes=3))
        said = table.post("*It did not help*").text
        assert "37 reset: 30 sent, 7 failed again with the same error." in said


async def test_stranded_said_before_and_found_after(roles: RoleUrls, store_database: str) -> None:
    """Nothing drains the queue: the preview, the outcome and the next preview say so."""
    with Rows(roles.owner) as rows:
        plant_failures(rows)
    async with bench(roles, store_database) as table:
        shown = read(await table.open("/golive fix reset_messages Sul"))
        assert "Nothing in this application sends `queued` messages by itself" in shown
        assert "stand in queued already" not in shown
        assert len(await reset(table, "Sul")) == 10
        await table.stage.timer.advance(timedelta(minutes=3))
        said = all_words(table.post("10 reset: 10 stranded in queued."))
        assert "Nothing sends queued messages by itself: undo, or have them sent." in said
        again = read(await table.reopened("/golive fix reset_messages all"))
        assert "10 messages of the last hour stand in queued already." in again


async def test_what_was_reset_twice_counts_once(roles: RoleUrls, store_database: str) -> None:
    """Messages and a campaign; and a draft that was left alone for days is history."""
    with Rows(roles.owner) as rows:
        rows.run("UPDATE campaigns SET status = 'completed'")
        planted = plant_failures(rows)
        rows.campaign(
            planted.norte,
            name="Dead",
            created_at=T0 - timedelta(minutes=40),
            recipients=RECIPIENTS,
            sent_at=T0 - timedelta(minutes=30),
        )
    async with bench(roles, store_database) as table:
        for _ in range(2):
            await reset(table, "Sul")
            view = await table.reopened("/golive fix reset_campaign Dead restarted")
            await table.submit(view)
            drafts = table.rows("SELECT name FROM campaigns WHERE status = 'draft'")
            assert drafts.count(("Dead",)) == 1
            with Rows(roles.owner) as rows:
                rows.run(
                    "UPDATE messages SET status = 'failed', retry_count = 3,"
                    " error_details = 'socket hang up' WHERE status = 'queued'"
                )
                rows.run("UPDATE campaigns SET status = 'processing' WHERE name = 'Dead'")
        with Rows(roles.owner) as rows:
            rows.run("UPDATE messages SET status = 'queued' WHERE status = 'failed'")
            rows.run("UPDATE campaigns SET status = 'draft' WHERE name = 'Dead'")
        lookout = table.stage.bot.lookout
        evidence = (await lookout.live()).evidence
        notes = (await lookout.adjust(evidence, "final")).log.notes
        assert "10 messages that a fix reset count as failed until they are sent." in notes
        assert any(note.startswith("1 campaign that a fix reset") for note in notes)
        later = replace(evidence, now=evidence.now + timedelta(days=3))
        notes = (await lookout.adjust(later, "final")).log.notes
        assert not any("campaign" in note for note in notes)
