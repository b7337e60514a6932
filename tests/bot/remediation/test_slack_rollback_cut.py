"""A rollback that is cut off at each of its steps: run at most once, and told as what is known."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from bot.demo.workspace import people
from bot.remediation.steps import Step
from bot.watch.fix_shop import Workshop
from tests.bot.remediation.hook_server import hook_server
from tests.bot.remediation.pair import Crashing
from tests.bot.remediation.slack import Bench, all_words, bench, button_ids, words
from tests.bot.remediation.test_slack_rollback import begun, with_plan
from tests.manifests.roles import RoleUrls

CUT = "golive ended while it ran; whether it was done is not known. It is not run again by itself."
LOOK = "Look at the platform's deployments and at GET /health before anybody rolls back once more."
NOTHING = "golive ended before anything was run: nothing was rolled back."


def shop_of(table: Bench) -> Workshop:
    """What fixes are made with."""
    shop = table.stage.bot.repairs.shop
    assert shop is not None
    return shop


@asynccontextmanager
async def one_of_both(
    kind: str, roles: RoleUrls, store: str, folder: Path
) -> AsyncGenerator[tuple[Bench, Callable[[], int]]]:
    """A bot that rolls back by a command or a hook, and how often that ran."""
    mark = folder / "ran"
    argv = (sys.executable, "-c", f"open({str(mark)!r}, 'a').write('x')")
    async with hook_server() as server:
        plan = {"command": argv} if kind == "command" else {"hook": server.hook(token=None)}
        async with bench(roles, store, runbook=with_plan(**plan)) as table:
            await begun(table)

            def ran() -> int:
                return (len(mark.read_text()) if mark.exists() else 0) + len(server.asked)

            yield table, ran


async def cut_off(table: Bench, at: Step) -> None:
    """Somebody rolls back, and the process that does it is gone at a step."""
    view = await table.reopened("/golive rollback")
    assert view.payload.get("submit"), words(view)
    shop = shop_of(table)
    shop.engine.steps = Crashing(at=at)
    # Not `Bench.submit`: where the listener is cut off, its modal is never filled.
    await table.workspace.actor.submit(people.OPERATOR, view, {"reason": at.value})
    await table.rest()
    await shop.rolling_back.end()
    shop.engine.steps = Crashing()


def told(table: Bench, since: int) -> list[str]:
    """What the channel heard since so many posts, but for what is about the watch itself."""
    return [all_words(m) for m in table.stage.posts[since:] if "*Rollback " in m.text]


@pytest.mark.parametrize("kind", ["command", "hook"])
async def test_at_each_step(
    roles: RoleUrls, store_database: str, tmp_path: Path, kind: str
) -> None:
    """Before anything ran that is said; behind that nobody knows; nothing runs twice."""
    async with one_of_both(kind, roles, store_database, tmp_path) as (table, ran):
        for step in (Step.CONFIRMED, Step.COMMITTING):
            before = len(table.stage.posts)
            await cut_off(table, step)
            await table.stage.timer.advance(timedelta(minutes=3))
            assert (ran(), told(table, before)) == (0, [])
        for step, runs, how in (
            (Step.COMMITTED, 0, NOTHING),
            (Step.RUNNING, 0, CUT),
            (Step.RAN, 1, CUT),
        ):
            before = len(table.stage.posts)
            await cut_off(table, step)
            assert "A rollback is under way already." in words(
                await table.reopened("/golive rollback")
            )
            await table.stage.timer.advance(timedelta(minutes=3))
            said = told(table, before)[-1]
            word = "failed" if how == NOTHING else "cut off"
            assert f"*Rollback {word}*" in said
            assert how in said
            assert (LOOK in said) == (how == CUT)
            assert f"*Rollback:* {word}: {how[:40]}" in all_words(table.stage.posts[0])
            assert ran() == runs
            again = words(await table.reopened("/golive rollback"))
            assert ("Whether the last rollback was done is not known." in again) == (how == CUT)
        before = len(table.stage.posts)
        await cut_off(table, Step.RECORDED)
        assert [said[:19] for said in told(table, before)] == ["*Rollback declared*"]
        await table.stage.timer.advance(timedelta(minutes=1))
        assert ["*Rollback done*" in said for said in told(table, before)] == [False, True]
        await table.stage.timer.advance(timedelta(minutes=10))
        assert ran() == 2
        assert [m.text for m in table.stage.posts if "golive.tick" in str(button_ids(m))] == []


async def test_its_lease_is_renewed_while_it_runs(
    roles: RoleUrls, store_database: str, tmp_path: Path
) -> None:
    """Ten minutes of a running command are no crash; its end counts, whoever looks meanwhile."""
    os.mkfifo(tmp_path / "go")
    code = f"print('gone on', open({str(tmp_path / 'go')!r}).read())"
    plan = with_plan(command=(sys.executable, "-c", code))
    async with bench(roles, store_database, runbook=plan) as table:
        await begun(table)
        await table.submit(await table.open("/golive rollback"), "it fails")
        await table.stage.timer.advance(timedelta(minutes=9))
        assert "*Rollback:* running, declared by" in all_words(table.stage.posts[0])
        assert "under way already" in words(await table.reopened("/golive rollback"))
        await asyncio.to_thread((tmp_path / "go").write_text, "with it")
        await shop_of(table).rolling_back.end()
        await table.stage.timer.rest()
        assert "gone on with it" in all_words(table.post("*Rollback done*"))
        assert table.actions()[-3:] == ["running", "refused", "executed"]


async def test_golive_is_told_to_end_meanwhile(
    roles: RoleUrls, store_database: str, tmp_path: Path
) -> None:
    """What does not end in time is ended with its children, recorded, and told as not known."""
    os.mkfifo(tmp_path / "pid")
    code = (
        f"import os, threading; open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()));"
        "threading.Event().wait()"
    )
    plan = with_plan(command=(sys.executable, "-c", code))
    async with bench(roles, store_database, runbook=plan) as table:
        await begun(table)
        await table.submit(await table.open("/golive rollback"), "it fails")
        pid = int(await asyncio.to_thread((tmp_path / "pid").read_text))
        await shop_of(table).rolling_back.end(grace=0)
        await table.stage.timer.rest()
        with pytest.raises(ProcessLookupError):
            os.killpg(pid, 0)
        said = all_words(table.post("*Rollback cut off*"))
        assert "golive was told to end while it ran, and ended it too" in said
        assert LOOK in said
        assert table.actions() == ["proposed", "declared", "running", "failed"]


async def test_an_end_that_comes_after_it_was_given_up(
    roles: RoleUrls, store_database: str
) -> None:
    """Another process took it for lost; what it came to is told all the same, and kept."""
    plan = with_plan(command=(sys.executable, "-c", "print('gone on')"))
    async with bench(roles, store_database, runbook=plan) as table:
        await begun(table)
        view = await table.open("/golive rollback")
        shop = shop_of(table)

        async def given_up() -> None:
            ((claim_id,),) = table.rows("SELECT id FROM golive.fix_claims WHERE state <> 'expired'")
            assert isinstance(claim_id, UUID)
            claim = await shop.engine.find(claim_id)
            assert claim is not None
            await shop.rolling_back.ended(claim, await shop.rollback.lost(claim))

        shop.engine.steps = Crashing(at=Step.RUNNING, then=given_up)
        await table.submit(view, "it fails")
        await shop.rolling_back.end()
        await table.stage.timer.rest()
        assert CUT in all_words(table.post("*Rollback cut off*"))
        assert "gone on" in all_words(table.post("*Rollback done*"))
        assert table.actions()[-3:] == ["running", "failed", "executed late"]
        again = words(await table.reopened("/golive rollback"))
        assert "is not known" not in again
