"""Incident 4 from the red check to its undoing: refused while a worker may live, reset once not."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from bot.demo.workspace import people
from bot.demo.workspace.messages import Message
from tests.bot.remediation.planted import plant_campaigns
from tests.bot.remediation.slack import Bench, all_words, bench, button_ids, read, words
from tests.manifests.roles import RoleUrls
from tests.support.crm_rows import Rows

PREVIEW = """\
*Reset the campaign Dead (Norte)*
4 sent, 2 failed, 9 pending of 15.
A re-dispatch would send to the 9 pending only; the 2 failed stay failed.

*Mind*
▲ While the first worker lives, reset and re-dispatch send twice.

*Steps by hand*
☐ Dispatch it again in the admin panel (the runbook's step).
"""


@pytest.fixture
def campaigns(roles: RoleUrls) -> tuple[UUID, UUID]:
    """One whose worker lives, one whose is dead."""
    with Rows(roles.owner) as rows:
        # Of what was recorded, Evolution's 429s would be another cause that holds.
        rows.run("UPDATE messages SET error_details = NULL WHERE error_details LIKE '%%429%%'")
        return plant_campaigns(rows)


def send(table: Bench, campaign: UUID, number: int = 1) -> None:
    """The worker sends to some more."""
    with Rows(table.roles.owner) as rows:
        rows.run(
            "UPDATE campaign_recipients SET status = 'sent', sent_at = %(at)s WHERE id IN (SELECT"
            " id FROM campaign_recipients WHERE campaign_id = %(c)s AND status = 'pending'"
            " LIMIT %(n)s)",
            at=table.stage.clock.now(),
            c=campaign,
            n=number,
        )


def status(table: Bench, campaign: UUID) -> object:
    """What a campaign is."""
    return table.rows("SELECT status FROM campaigns WHERE id = %s", campaign)[0][0]


async def diagnosed(table: Bench) -> Message:
    """The diagnosis behind the button of a checkpoint whose campaigns are red."""
    await table.stage.command("/golive checkpoint")
    await table.stage.timer.advance(timedelta(seconds=10))
    red = [m for m in table.stage.posts if "asked for (T+" in m.text][-1]
    assert "golive.diagnose:4" in button_ids(red)
    await table.click(red, "golive.diagnose:4")
    return [m for m in table.stage.posts if "Incident 4" in m.text][-1]


async def test_one_that_lives_and_one_that_is_dead(
    roles: RoleUrls, store_database: str, campaigns: tuple[UUID, UUID], tmp_path: Path
) -> None:
    """The dead one by the button, to its undoing; the other one when its worker is gone too."""
    alive, dead = campaigns
    (tmp_path / "app.log").write_text("")
    async with bench(roles, store_database, log=tmp_path / "app.log") as table:
        unseen = words(await table.open("/golive fix reset_campaign Dead"))
        assert "No watch has observed Dead (Norte)" in unseen
        await table.stage.command("/golive start v2.4.0 31m")
        for minute in range(12):
            if minute in {3, 6, 9}:
                send(table, alive)
            await table.stage.timer.advance(timedelta(minutes=1))
        post = await diagnosed(table)
        assert "1 campaign without any progress for 10 minutes or more" in post.text
        assert "\nReset Dead (Norte)\n" in read(post)
        assert button_ids(post) == ["golive.fix:0"]
        assert (
            "Alive (Norte): 7 sent, 2 failed, 6 pending of 15. A re-dispatch would send to the"
            " 6 pending only; the 2 failed stay failed."
        ) in read(post)
        await _refused(table, alive)
        await _dead(table, post, dead)
        await _alive_no_more(table, alive)


async def _refused(table: Bench, alive: UUID) -> None:
    """While it moves: with the reason, the figures and what to say after a restart."""
    refused = await table.reopened("/golive fix reset_campaign Alive")
    assert not refused.payload.get("submit")
    said = words(refused)
    assert "Alive (Norte) has a live worker, as far as can be seen: it moved " in said
    assert "and 10 minutes without progress are needed. 7 sent, 2 failed, 6 pending." in said
    assert f"`/golive fix reset_campaign {alive} restarted`" in said
    assert status(table, alive) == "processing"
    assert table.actions() == ["refused", "refused"]


async def _dead(table: Bench, post: Message, dead: UUID) -> None:
    """Shown, confirmed, draft, looked at again, and taken back."""
    view = await table.click(post, "golive.fix:0")
    assert view is not None
    assert read(view).startswith(PREVIEW), read(view)
    assert "SET status = 'draft', started_at = NULL" in read(view)
    said = await table.submit(view, "the backend crashed")
    assert "*Done*: Reset the campaign Dead (Norte), 1 row. The thread has it." in said
    assert status(table, dead) == "draft"
    await table.stage.timer.advance(timedelta(minutes=3))
    outcome = table.post("*It did not help*")
    assert "1 reset: 1 campaign that is draft now." in outcome.text
    assert read(outcome).splitlines()[-4:] == [
        "4 sent, 2 failed, 9 pending.",
        "Nobody has dispatched it again: it stays a draft until somebody does.",
        "Campaigns, as measured: CRITICAL. 2 campaigns failed; 5 of 30 recipients failed (16.7 %).",
        "Adjusted, with what the fix only renamed as it was before: CRITICAL. 1 campaign stands"
        " still with 9 recipients pending; 2 campaigns failed; 5 of 30 recipients failed (16.7 %).",
    ]
    await table.stage.command("/golive status")
    assert "1 campaign stands still with 9 recipients pending" in all_words(table.stage.posts[-1])
    await table.click(table.post("*Fixed*"), "golive.undo", people.SECOND_OPERATOR)
    assert "Undone: 1 restored. The thread has it." in table.told(people.SECOND_OPERATOR)
    assert status(table, dead) == "processing"


async def _alive_no_more(table: Bench, alive: UUID) -> None:
    """Ten minutes without progress later it may be reset; dispatched again, it is not undone."""
    await table.stage.timer.advance(timedelta(minutes=11))
    post = await diagnosed(table)
    assert "2 campaigns without any progress for 10 minutes or more" in post.text
    offered = [line for line in read(post).splitlines() if line.startswith("Reset ")]
    assert sorted(offered) == ["Reset Alive (Norte)", "Reset Dead (Norte)"]
    view = await table.click(post, f"golive.fix:{offered.index('Reset Alive (Norte)')}")
    assert view is not None
    assert "7 sent, 2 failed, 6 pending of 15." in read(view)
    assert "1 row" in await table.submit(view, "its worker is gone too")
    assert status(table, alive) == "draft"
    send(table, alive, 6)
    with Rows(table.roles.owner) as rows:
        rows.run("UPDATE campaigns SET status = 'completed' WHERE id = %(c)s", c=alive)
    await table.stage.timer.advance(timedelta(minutes=3))
    outcome = table.post("*It helped*")
    assert "1 reset: 1 campaign that is completed now." in outcome.text
    assert "13 sent, 2 failed, 0 pending." in read(outcome)
    await table.click(table.post("*Fixed* · Reset the campaign Alive"), "golive.undo")
    assert "Undone: 0 restored, 1 left as it is." in table.told()
    undone = table.post("*Undone* · Reset the campaign Alive")
    assert f"{str(alive)[:8]}: completed now" in read(undone)
    assert status(table, alive) == "completed"


async def test_a_restart_can_be_stated(
    roles: RoleUrls, store_database: str, campaigns: tuple[UUID, UUID]
) -> None:
    """By the operator, in words, which the audit keeps; recipients that move are a drift."""
    alive, _ = campaigns
    async with bench(roles, store_database) as table:
        view = await table.open(f"/golive fix reset_campaign {alive} restarted")
        assert "You state that the backend was restarted" in words(view)
        send(table, alive)
        assert "the rows have changed since" in await table.submit(view)
        assert status(table, alive) == "processing"
        fresh = table.top()
        assert fresh is not None
        assert "5 sent, 2 failed, 8 pending of 15." in words(fresh)
        assert "1 row" in await table.submit(fresh)
        assert status(table, alive) == "draft"
        kept = table.rows("SELECT parameters ->> 'stated' FROM golive.fix_claims")
        assert kept == [("restarted",), ("restarted",)]
