"""A stuck campaign through Slack: refused while its worker may live, reset once it is gone."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from uuid import UUID

from tests.bot.remediation.planted import T0
from tests.bot.remediation.slack import Bench, all_words, bench, words
from tests.manifests.roles import RoleUrls
from tests.support.crm_rows import Rows

RECIPIENTS = (*("sent",) * 4, *("failed",) * 2, *("pending",) * 9)
"""15: 4 sent, 2 failed."""


def plant(roles: RoleUrls) -> tuple[UUID, UUID]:
    """Two campaigns of 15 with 4 sent and 2 failed: one whose worker lives, one whose is dead."""
    with Rows(roles.owner) as rows:
        unit = rows.unit("Norte", created_at=T0 - timedelta(days=9))
        made = [
            rows.campaign(
                unit,
                name=name,
                created_at=T0 - timedelta(minutes=40),
                recipients=RECIPIENTS,
                sent_at=T0 - timedelta(minutes=ago),
            )
            for name, ago in (("Alive", 0), ("Dead", 30))
        ]
    return made[0], made[1]


def send_one(roles: RoleUrls, campaign: UUID, table: Bench) -> None:
    """The worker sends to one more."""
    with Rows(roles.owner) as rows:
        rows.run(
            "UPDATE campaign_recipients SET status = 'sent', sent_at = %(at)s WHERE id = (SELECT id"
            " FROM campaign_recipients WHERE campaign_id = %(c)s AND status = 'pending' LIMIT 1)",
            at=table.stage.clock.now(),
            c=campaign,
        )


async def test_refused_while_it_moves_and_allowed_when_its_worker_is_gone(
    roles: RoleUrls, store_database: str, tmp_path: Path
) -> None:
    """Ten minutes observed without progress; sent, failed and pending are shown."""
    alive, dead = plant(roles)
    (tmp_path / "app.log").write_text("")
    async with bench(roles, store_database, log=tmp_path / "app.log") as table:
        unseen = words(await table.open("/golive fix reset_campaign Dead"))
        assert "No watch has observed Dead (Norte)" in unseen
        await table.stage.command("/golive start v2.4.0")
        for _ in range(11):
            send_one(roles, alive, table)
            await table.stage.timer.advance(timedelta(minutes=1))
        refused = words(await table.reopened("/golive fix reset_campaign Alive"))
        assert "has a live worker, as far as can be seen" in refused
        view = await table.reopened("/golive fix reset_campaign Dead")
        shown = words(view)
        assert "4 sent, 2 failed, 9 pending of 15." in shown
        assert "A re-dispatch would send to the 9 pending only; the 2 failed stay failed." in shown
        assert "1 row" in await table.submit(view)
        assert table.rows("SELECT status FROM campaigns WHERE id = %s", dead) == [("draft",)]
        await table.stage.timer.advance(timedelta(minutes=3))
        outcome = all_words(table.post("Nobody has dispatched it again"))
        assert "Adjusted, with what the fix only renamed as it was before: WARNING" in outcome
        await table.stage.timer.advance(timedelta(minutes=17))
        await table.stage.command("/golive status")
        status = all_words(table.stage.posts[-1])
        assert (
            "2 campaigns stand still with 9 recipients pending" in status
        )  # a fix does not turn its own check green
        await table.click(table.post("*Fixed*"), "golive.undo")
        assert table.rows("SELECT status FROM campaigns WHERE id = %s", dead) == [("processing",)]


async def test_a_restart_can_be_stated(roles: RoleUrls, store_database: str) -> None:
    """By the operator, in words, which the audit keeps."""
    alive, _ = plant(roles)
    async with bench(roles, store_database) as table:
        view = await table.open(f"/golive fix reset_campaign {alive} restarted")
        assert "You state that the backend was restarted" in words(view)
        send_one(roles, alive, table)
        assert "the rows have changed since" in await table.submit(view)
        fresh = table.top()
        assert fresh is not None
        assert "5 sent, 2 failed, 8 pending of 15." in words(fresh)
        assert "1 row" in await table.submit(fresh)
