"""Failed messages reset through Slack: button, preview, confirm, execute, verify, undo."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import timedelta

import pytest

from bot.demo.workspace import people
from tests.bot.remediation.planted import Failures, plant_failures
from tests.bot.remediation.slack import Bench, all_words, bench, button_ids, words
from tests.manifests.roles import RoleUrls
from tests.support.crm_rows import Rows


@pytest.fixture
def failures(roles: RoleUrls) -> Failures:
    """37 failed messages beside the recorded ones."""
    with Rows(roles.owner) as rows:
        return plant_failures(rows)


@pytest.fixture
async def table(roles: RoleUrls, store_database: str, failures: Failures) -> AsyncGenerator[Bench]:
    """A bot with fixes, and failed messages."""
    del failures
    async with bench(roles, store_database) as made:
        yield made


async def test_end_to_end(table: Bench, failures: Failures) -> None:
    """37 failed: 30 shown and reset; 20 sent since, 10 stranded; the rest undone."""
    view = await table.open("/golive fix reset_messages all")
    shown = words(view)
    assert "37 messages failed in the last hour; 30 would be reset." in shown
    assert "10 × socket hang up" in shown
    assert "15 × Norte" in shown
    assert "5 with a permanent error" in shown
    assert "2 with evidence of having been sent" in shown
    assert "Nothing in this application sends ˋqueuedˋ messages by itself" in shown
    assert "UPDATE messages AS m" in shown
    said = await table.submit(view)
    assert "Reset failed messages of all units, 30 rows" in said
    post = table.post("*Fixed*")
    assert button_ids(post) == ["golive.tick:0", "golive.undo"]
    queued = table.rows("SELECT id FROM messages WHERE status = 'queued' ORDER BY id")
    assert len(queued) == 30
    with Rows(table.roles.owner) as rows:
        for (key,) in queued[:20]:
            rows.run(
                "UPDATE messages SET status = 'sent', external_id = 'X' WHERE id = %(i)s", i=key
            )
    await table.stage.timer.advance(timedelta(minutes=3))
    outcome = all_words(table.post("30 changed: 20 sent, 10 stranded where the reset left them."))
    assert "as measured" in outcome
    assert "Adjusted" in outcome
    await table.click(post, "golive.undo")
    assert "Undone: 10 restored, 20 left as they are" in table.told()
    assert button_ids(table.post("*Fixed*")) == []
    assert table.rows("SELECT count(*) FROM messages WHERE status = 'failed'") == [(17,)]
    assert table.actions() == ["proposed", "executed", "verified", "undone"]
    del failures


async def test_a_used_button_says_who_and_when(table: Bench) -> None:
    """The undo of an undone fix, and the fix of what is fixed."""
    view = await table.open("/golive fix reset_messages Norte")
    await table.submit(view)
    old = table.post("*Fixed*")
    await table.click(old, "golive.undo", people.SECOND_OPERATOR)
    await table.click(old, "golive.undo")
    assert f"<@{people.SECOND_OPERATOR}> undid that" in table.told()
