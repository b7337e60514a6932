"""What is said two minutes after a reset, and to whoever looks at the next one."""

from __future__ import annotations

from datetime import timedelta

from tests.bot.remediation.planted import DOWN, plant_failures
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
        assert "Nothing in this application sends ˋqueuedˋ messages by itself" in shown
        assert "stand in queued already" not in shown
        assert len(await reset(table, "Sul")) == 10
        await table.stage.timer.advance(timedelta(minutes=3))
        said = all_words(table.post("10 reset: 10 stranded in queued."))
        assert "Nothing sends queued messages by itself: undo, or have them sent." in said
        again = read(await table.reopened("/golive fix reset_messages all"))
        assert "10 messages of the last hour stand in queued already." in again
