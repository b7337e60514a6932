"""Buttons that are used, expired or superseded: who did what and when, and they are gone."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import timedelta

import psycopg
import pytest

from bot.demo.workspace import Workspace, people
from tests.bot.remediation.planted import T0, plant_failures
from tests.bot.remediation.slack import (
    Bench,
    all_words,
    bench,
    button_ids,
    read,
    rules_of,
    words,
)
from tests.manifests.roles import RoleUrls
from tests.support.crm_rows import Rows
from tests.support.hand import HandClock

NORTE = "/golive fix reset_messages Norte"
ALL = "/golive fix reset_messages all"
PAUL = people.SECOND_OPERATOR


@pytest.fixture(autouse=True)
def failures(roles: RoleUrls) -> None:
    """37 failed messages, of which 30 can be reset."""
    with Rows(roles.owner) as rows:
        plant_failures(rows)


@pytest.fixture
async def table(roles: RoleUrls, store_database: str) -> AsyncGenerator[Bench]:
    """A bot with fixes."""
    async with bench(roles, store_database) as made:
        yield made


@pytest.fixture
async def two(roles: RoleUrls, store_database: str) -> AsyncGenerator[Bench]:
    """A bot whose fixes need two operators."""
    async with bench(roles, store_database, runbook=rules_of(approvals=2)) as made:
        yield made


def did(table: Bench) -> str:
    """Who reset Norte, and when."""
    when = table.instant("executed_at")
    return f"<@{people.OPERATOR}> did that {when}: Reset failed messages of Norte, 15 rows."


async def test_a_preview_that_is_too_old(table: Bench) -> None:
    """Ten minutes later nothing is done, and it says until when it could be confirmed."""
    view = await table.open(NORTE)
    await table.stage.timer.advance(timedelta(minutes=11))
    said = await table.submit(view)
    assert f"That preview expired {table.instant('expires_at')}. Nothing was done; open a" in said
    assert table.actions() == ["proposed"]


async def test_undo_when_its_time_is_over(table: Bench) -> None:
    """The message loses the button by itself; an old one says what was done and until when."""
    await table.submit(await table.open(NORTE))
    old = table.post("*Fixed*")
    await table.stage.timer.advance(timedelta(minutes=31))
    assert button_ids(table.post("*Fixed*")) == ["golive.tick:0"]
    await table.click(old, "golive.undo", PAUL)
    assert table.told(PAUL).startswith(
        f"{did(table)} Nothing was done now. A fix can be undone for 30 minutes only."
    )
    assert "undone" not in table.actions()


async def test_used_buttons_of_an_undone_fix(table: Bench) -> None:
    """A second undo and a tick hear who undid it; nothing is noted for them."""
    await table.submit(await table.open(NORTE))
    old = table.post("*Fixed*")
    await table.click(old, "golive.undo", PAUL)
    assert button_ids(table.post("*Fixed*")) == []
    when = table.instant("undone_at")
    said = f"<@{PAUL}> undid that {when}: Reset failed messages of Norte. Nothing was done now."
    for action in ("golive.undo", "golive.tick:0"):
        await table.click(old, action)
        assert table.told().startswith(said)
    assert table.actions() == ["proposed", "executed", "undone"]


async def test_a_step_is_ticked_once(table: Bench) -> None:
    """Whoever ticks it again hears who has done it."""
    await table.submit(await table.open(NORTE))
    old = table.post("*Fixed*")
    await table.click(old, "golive.tick:0", PAUL)
    assert f"☑ Trigger their sending by hand (the runbook's step). · <@{PAUL}>" in read(
        table.post("*Fixed*")
    )
    assert button_ids(table.post("*Fixed*")) == ["golive.undo"]
    await table.click(old, "golive.tick:0")
    assert table.told().startswith(f"<@{PAUL}> has done that step already.")
    assert table.actions() == ["proposed", "executed", "ticked"]


async def test_buttons_of_a_bot_before_its_restart(roles: RoleUrls, store_database: str) -> None:
    """The next process takes it back by the same button, and posts the outcome of another fix."""
    clock = HandClock(T0)
    async with Workspace(now=clock.now, rate_limits=False) as place:
        async with bench(roles, store_database, clock=clock, place=place) as table:
            await table.submit(await table.open(NORTE))
            await table.submit(await table.reopened("/golive fix reset_messages Sul"))
        async with bench(roles, store_database, clock=clock, place=place) as after:
            await after.click(after.post("Reset failed messages of Norte"), "golive.undo", PAUL)
            assert "Undone: 15 restored. The thread has it." in after.told(PAUL)
            await after.stage.timer.advance(timedelta(minutes=3))
            assert after.post("10 reset: 10 stranded in queued.")
        clock.instant += timedelta(hours=3)
        async with bench(roles, store_database, clock=clock, place=place) as late:
            old = late.post("*Fixed* · Reset failed messages of Sul")
            assert "golive.undo" in button_ids(old)
            await late.click(old, "golive.undo", PAUL)
            assert "did that" in late.told(PAUL)
            assert "A fix can be undone for 30 minutes only." in late.told(PAUL)
            assert "golive.undo" not in button_ids(
                late.post("*Fixed* · Reset failed messages of Sul")
            )


async def test_an_approval_of_rows_that_changed(two: Bench) -> None:
    """The question is over with the drift; its button says who met it."""
    await two.submit(await two.open(NORTE))
    asked = two.post("*Approval needed*")
    sheet = await two.click(asked, "golive.approve", PAUL)
    assert sheet is not None
    with Rows(two.roles.owner) as rows:
        rows.run("UPDATE messages SET status = 'sent' WHERE error_details LIKE 'timeout%%'")
    assert "the rows have changed since the preview" in await two.submit(sheet, None, PAUL)
    over = two.post("*Not approved*")
    assert button_ids(over) == []
    why = (
        f"That preview is superseded {two.instant('state_at')}: the rows had changed when"
        f" <@{PAUL}> confirmed it. Nothing was done; open a new preview."
    )
    assert why in over.text
    pressed = await two.click(asked, "golive.approve")
    assert pressed is not None
    assert why in words(pressed)


async def test_an_approval_that_somebody_overtook(two: Bench) -> None:
    """Both proposed; one was approved and made: the other's button names who approved it."""
    await two.submit(await two.open(NORTE))
    first = two.post("*Approval needed*")
    await two.submit(await two.open(NORTE, PAUL), user=PAUL)
    second = two.post(f"By <@{PAUL}>: Evolution is back")
    sheet = await two.click(second, "golive.approve")
    assert sheet is not None
    assert "*Done*" in await two.submit(sheet, None)
    pressed = await two.click(first, "golive.approve", PAUL)
    assert pressed is not None
    assert f"{did(two)} Nothing was done now." in words(pressed)
    assert not pressed.payload.get("submit")
    posts = [m for m in two.stage.posts if "golive.approve" in button_ids(m)]
    assert posts == []
    assert two.post("*Not approved*").ts == first.ts


async def test_an_approval_that_nobody_gave(two: Bench) -> None:
    """After ten minutes it is over; the old button says since when."""
    await two.submit(await two.open(NORTE))
    asked = two.post("*Approval needed*")
    await two.stage.timer.advance(timedelta(minutes=11))
    assert button_ids(two.post("Nobody approved in time: Reset failed messages of Norte.")) == []
    pressed = await two.click(asked, "golive.approve", PAUL)
    assert pressed is not None
    assert f"That preview expired {two.instant('expires_at')}." in words(pressed)


async def test_an_approved_rollback(two: Bench) -> None:
    """Its question loses the button, and a second rollback hears who declared the first."""
    await two.submit(await two.open("/golive rollback"), "it fails")
    asked = two.post("*Approval needed*")
    sheet = await two.click(asked, "golive.approve", PAUL)
    assert sheet is not None
    assert "The rollback is declared." in await two.submit(sheet, None, PAUL)
    approved = two.post("*Approved* · Roll back the release")
    assert f"Approved by <@{PAUL}>." in approved.text
    assert button_ids(approved) == []
    again = words(await two.reopened("/golive rollback"))
    assert "A rollback is under way already." in again
    when = two.instant("executed_at")
    assert f"<@{PAUL}> confirmed that {when}: Roll back the release. It is under way" in again


async def test_a_fix_that_the_channel_could_not_be_told_of(
    table: Bench, store_database: str
) -> None:
    """The modal says both; the thread gets it as soon as it can, and so does what is undone."""
    view = await table.open(NORTE)
    with psycopg.connect(store_database, autocommit=True) as store:
        store.execute(
            "ALTER TABLE golive.posts ADD CONSTRAINT no_room CHECK (key NOT LIKE 'fix:%') NOT VALID"
        )
        said = await table.submit(view)
        assert "*Done*: Reset failed messages of Norte, 15 rows. The channel could not be" in said
        assert [m for m in table.stage.posts if "*Fixed*" in all_words(m)] == []
        store.execute("ALTER TABLE golive.posts DROP CONSTRAINT no_room")
    await table.stage.timer.advance(timedelta(seconds=31))
    assert button_ids(table.post("*Fixed*")) == ["golive.tick:0", "golive.undo"]
    assert table.actions() == ["proposed", "executed"]
