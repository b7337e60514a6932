"""Rolling back through Slack: a command, a hook that is none, or the steps by hand."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import timedelta

from bot.demo.workspace import people
from checks.engine.runbook import Runbook
from checks.engine.runbook.remediation import RollbackPlan
from tests.bot.remediation.slack import Bench, all_words, bench, button_ids, rules_of, words
from tests.manifests.roles import RoleUrls
from tests.support.health import HealthServer

TOKEN = "deploy-token-of-the-tests-1234567890"


def with_plan(**changes: object) -> Runbook:
    """The shipped runbook with another plan."""
    book = rules_of()
    assert book.remediation is not None
    plan: RollbackPlan = replace(book.remediation.rollback, **changes)  # pyright: ignore[reportArgumentType]
    return rules_of(rollback=plan)


async def begun(table: Bench) -> None:
    """A watch whose first look is posted."""
    await table.stage.command("/golive start v2.4.0")
    await table.stage.timer.advance(timedelta(seconds=40))


async def test_a_command_without_a_shell(roles: RoleUrls, store_database: str) -> None:
    """Declared, done, verified; its output is masked, and every later message says where it is."""
    code = (
        f"import os; print('deploying', '{TOKEN}', sorted(k for k in os.environ if 'GOLIVE' in k))"
    )
    book = with_plan(command=(sys.executable, "-c", code, "; echo pwned"))
    async with HealthServer() as health:
        given = {"runbook": book, "base_url": health.base_url, "tokens": {"DEPLOY": TOKEN}}
        async with bench(roles, store_database, **given) as table:  # pyright: ignore[reportArgumentType]
            await begun(table)
            view = await table.open("/golive rollback")
            assert "Runs without a shell" in words(view)
            assert "The rollback is declared" in await table.submit(view, "it fails")
            await table.stage.bot.repairs.end()
            await table.stage.timer.rest()
            ended = all_words(table.post("*Rollback done*"))
            assert "the command ended with 0" in ended
            assert "deploying [MASKED] []" in ended
            assert "pwned" not in ended.replace(code, "")
            assert "done: the command ended with 0" in all_words(table.stage.posts[0])
            await table.stage.bot.repairs.begin()
            await table.stage.timer.advance(timedelta(minutes=3))
            assert "health is good" in all_words(table.post("*Rollback verified*"))
            assert table.actions() == ["proposed", "declared", "running", "executed", "verified"]


async def test_a_command_that_fails_or_hangs(roles: RoleUrls, store_database: str) -> None:
    """It is ended with its children when its time is over; the outcome is said."""
    hanging = "import threading; threading.Event().wait()"
    book = with_plan(command=(sys.executable, "-c", hanging), timeout=timedelta(milliseconds=300))
    async with bench(roles, store_database, runbook=book) as table:
        await begun(table)
        await table.submit(await table.open("/golive rollback"), "it fails")
        await table.stage.bot.repairs.end()
        await table.stage.timer.rest()
        ended = all_words(table.post("*Rollback cut off*"))
        assert "the command took longer than 0.3 s, and was ended." in ended
        assert "Look at the platform's deployments and at GET /health" in ended
        assert table.actions() == ["proposed", "declared", "running", "failed"]


async def test_steps_by_hand(roles: RoleUrls, store_database: str) -> None:
    """The runbook's five steps, a tick each; the last one ends it."""
    async with bench(roles, store_database) as table:
        await begun(table)
        view = await table.open("/golive rollback")
        assert "Tag the current state" in words(view)
        await table.submit(view, "it fails")
        again = words(await table.reopened("/golive rollback", people.SECOND_OPERATOR))
        assert "A rollback is under way already." in again
        assert table.actions() == ["proposed", "declared", "refused"]
        for number in range(5):
            post = table.post("Rollback declared")
            assert f"golive.tick:{number}" in button_ids(post)
            await table.click(post, f"golive.tick:{number}", people.SECOND_OPERATOR)
        post = table.post("*Rollback done*")
        assert all_words(post).count("☑") == 5
        assert button_ids(post) == []
        assert "done by hand" in all_words(table.stage.posts[0])
