"""Who is refused, whatever they press: nothing is written, and the audit has who, where, why."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.demo.workspace import people
from tests.bot.remediation.planted import plant_failures
from tests.bot.remediation.slack import Bench, bench, read, rules_of, words
from tests.manifests.roles import RoleUrls
from tests.support.crm_rows import Rows
from tests.support.slack_bot import CHANNEL

NORTE = "/golive fix reset_messages Norte"
PAUL = people.SECOND_OPERATOR


@pytest.fixture(autouse=True)
def failures(roles: RoleUrls) -> None:
    """37 failed messages, of which 30 can be reset."""
    with Rows(roles.owner) as rows:
        plant_failures(rows)


def refusals(table: Bench) -> list[tuple[object, ...]]:
    """Who was refused what and where, oldest first, and how the reason begins."""
    return table.rows(
        "SELECT actor, split_part(target, ' ', 1), details ->> 'channel',"
        " left(details ->> 'why', 20), claim_id IS NOT NULL FROM golive.fix_audit"
        " WHERE action = 'refused' ORDER BY seq"
    )


def reset(table: Bench) -> object:
    """How many messages stand where a fix puts them."""
    return table.rows("SELECT count(*) FROM messages WHERE status = 'queued'")[0][0]


@pytest.mark.parametrize(
    ("user", "why"),
    [
        (people.MEMBER, "Only operators may r"),
        (people.GUEST, "golive answers full "),
        (people.SINGLE_CHANNEL_GUEST, "golive answers full "),
    ],
)
async def test_every_button_refuses_them(
    roles: RoleUrls, store_database: str, user: str, why: str
) -> None:
    """Preview, approval, undo, tick and rollback, by a command or a button."""
    async with bench(roles, store_database, runbook=rules_of(approvals=2)) as table:
        await table.command("/golive diagnose 3")
        await table.submit(await table.open(NORTE))
        asked = table.post("*Approval needed*")
        sheet = await table.click(asked, "golive.approve", PAUL)
        assert sheet is not None
        await table.submit(sheet, None, PAUL)
        fixed = table.post("*Fixed*")
        for view in (
            await table.open(NORTE, user),
            await table.click(table.post("Incident 3"), "golive.fix:1", user),
            await table.click(asked, "golive.approve", user),
            await table.open("/golive rollback", user),
        ):
            assert view is not None
            assert why in words(view)
            assert not view.payload.get("submit")
        for action in ("golive.undo", "golive.tick:0"):
            await table.click(fixed, action, user)
            assert why in table.told(user)
        assert refusals(table) == [
            (user, "fix", CHANNEL, why, False),
            (user, "fix", CHANNEL, why, False),
            (user, "approve", CHANNEL, why, True),
            (user, "rollback", CHANNEL, why, False),
            (user, "undo", CHANNEL, why, True),
            (user, "tick", CHANNEL, why, True),
        ]
        assert reset(table) == 15


async def test_what_was_asked_for_is_kept(roles: RoleUrls, store_database: str) -> None:
    """The audit of a refusal names the fix and its target."""
    async with bench(roles, store_database) as table:
        await table.open(NORTE, people.MEMBER)
        assert table.rows("SELECT target FROM golive.fix_audit") == [("fix reset_messages Norte",)]


@pytest.mark.parametrize(
    ("user", "why"),
    [(people.OPERATOR, "People from outside "), (people.STRANGER, "golive answers full ")],
)
async def test_a_channel_with_people_from_outside(
    roles: RoleUrls, store_database: str, user: str, why: str
) -> None:
    """Nobody fixes anything from there: neither an operator nor whoever came in."""
    async with bench(roles, store_database) as table:
        await table.workspace.actor.command(user, people.SHARED, NORTE)
        await table.filled(user)
        view = table.top(user)
        assert view is not None
        assert why in words(view)
        await table.rest()
        assert refusals(table) == [(user, "fix", people.SHARED, why, False)]


async def test_a_channel_that_was_shared_a_moment_ago(roles: RoleUrls, store_database: str) -> None:
    """What Slack said of it at the preview does not count at the submit, nor at the undo."""
    async with bench(roles, store_database) as table:
        await table.submit(await table.open("/golive fix reset_messages Sul"))
        view = await table.reopened(NORTE)
        channel = table.workspace.state.place(CHANNEL)
        table.workspace.state.put_channel(replace(channel, is_ext_shared=True))
        await table.stage.timer.advance(timedelta(seconds=10))
        assert "People from outside are in this channel" in await table.submit(view)
        await table.click(table.post("*Fixed*"), "golive.undo")
        assert "People from outside are in this channel" in table.told()
        assert [row[1:4] for row in refusals(table)] == [
            ("confirm", CHANNEL, "People from outside "),
            ("undo", CHANNEL, "People from outside "),
        ]
        assert reset(table) == 10


async def test_removed_from_the_group_since(roles: RoleUrls, store_database: str) -> None:
    """Between preview and submit, and between the question and the approval."""
    async with bench(roles, store_database, runbook=rules_of(approvals=2)) as table:
        await table.submit(await table.open(NORTE))
        asked = table.post("*Approval needed*")
        sheet = await table.click(asked, "golive.approve", PAUL)
        assert sheet is not None
        other = await table.reopened("/golive fix reset_messages Sul")
        group = table.workspace.state.group(people.OPERATORS)
        table.workspace.state.put_group(replace(group, members=()))
        await table.stage.timer.advance(timedelta(seconds=10))
        assert "Only operators" in await table.submit(sheet, None, PAUL)
        assert "Only operators" in await table.submit(other)
        assert refusals(table) == [
            (PAUL, "confirm", CHANNEL, "Only operators may r", True),
            (people.OPERATOR, "confirm", CHANNEL, "Only operators may r", True),
        ]
        assert reset(table) == 0


async def test_a_group_that_slack_does_not_tell(roles: RoleUrls, store_database: str) -> None:
    """Who cannot be looked up is no operator."""
    async with bench(roles, store_database) as table:
        view = await table.open(NORTE)
        await table.stage.timer.advance(timedelta(seconds=10))
        table.workspace.faults.api.error("usergroups.users.list", "missing_scope", times=9)
        said = await table.submit(view)
        assert "Slack does not say who is in the operators' group, so nothing was done." in said
        assert refusals(table) == [
            (people.OPERATOR, "confirm", CHANNEL, "Slack does not say w", True)
        ]
        assert reset(table) == 0


async def test_a_second_approval_by_the_same_person(roles: RoleUrls, store_database: str) -> None:
    """Refused and kept with its claim; the question stays, and a different operator may answer."""
    async with bench(roles, store_database, runbook=rules_of(approvals=2)) as table:
        said = await table.submit(await table.open(NORTE))
        assert "A second, different operator must approve it in the channel until" in said
        asked = table.post("*Approval needed*")
        own = await table.click(asked, "golive.approve")
        assert own is not None
        assert "a different operator must approve" in await table.submit(own, None)
        assert refusals(table) == [
            (people.OPERATOR, "reset_messages", CHANNEL, "You confirmed this f", True)
        ]
        assert reset(table) == 0
        sheet = await table.click(table.post("*Approval needed*"), "golive.approve", PAUL)
        assert sheet is not None
        assert "15 rows" in await table.submit(sheet, None, PAUL)
        assert reset(table) == 15
        assert table.actions() == ["proposed", "confirmed", "refused", "executed"]
        fixed = table.post("*Fixed*")
        who = f"By <@{people.OPERATOR}>, approved by <@{PAUL}>: Evolution is back"
        assert who in read(fixed)
