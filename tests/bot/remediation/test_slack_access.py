"""Who may fix, through Slack: at the click and again at the submit; refusals are kept."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.demo.workspace import people
from tests.bot.remediation.planted import Failures, plant_failures
from tests.bot.remediation.slack import Bench, bench, button_ids, rules_of, words
from tests.manifests.roles import RoleUrls
from tests.support.crm_rows import Rows

FIX = "/golive fix reset_messages Norte"


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


def queued(table: Bench) -> object:
    """How many messages a fix has reset."""
    return table.rows("SELECT count(*) FROM messages WHERE status = 'queued'")[0][0]


@pytest.mark.parametrize(
    ("user", "why"), [(people.MEMBER, "Only operators"), (people.GUEST, "full members")]
)
async def test_others_see_a_refusal_and_no_preview(table: Bench, user: str, why: str) -> None:
    """In the modal, without a submit button; and the audit has it."""
    view = await table.open(FIX, user)
    assert why in words(view)
    assert not view.payload.get("submit")
    assert table.actions() == ["refused"]
    assert queued(table) == 0


async def test_removed_from_the_group_since_the_preview(table: Bench) -> None:
    """What Slack said at the click does not count at the submit."""
    view = await table.open(FIX)
    group = table.workspace.state.group(people.OPERATORS)
    table.workspace.state.put_group(replace(group, members=(people.SECOND_OPERATOR,)))
    await table.stage.timer.advance(timedelta(seconds=10))
    assert "Only operators" in await table.submit(view)
    assert table.actions() == ["proposed", "refused"]
    assert queued(table) == 0


async def test_a_channel_that_is_shared_outside_since_the_preview(table: Bench) -> None:
    """The place counts at the submit too."""
    view = await table.open(FIX)
    channel = table.workspace.state.place(people.RELEASES)
    table.workspace.state.put_channel(replace(channel, is_ext_shared=True))
    await table.stage.timer.advance(timedelta(seconds=61))
    assert "People from outside" in await table.submit(view)
    assert table.actions() == ["proposed", "refused"]


async def test_a_guest_cannot_undo(table: Bench) -> None:
    """The button is there for everybody to see."""
    await table.submit(await table.open(FIX))
    post = table.post("*Fixed*")
    await table.click(post, "golive.undo", people.GUEST)
    assert table.actions()[-1] == "refused"
    assert queued(table) == 15


async def test_a_preview_that_is_too_old(table: Bench) -> None:
    """Ten minutes later it says so."""
    view = await table.open(FIX)
    await table.stage.timer.advance(timedelta(minutes=11))
    assert "expired" in await table.submit(view)
    assert queued(table) == 0


async def test_two_operators(roles: RoleUrls, store_database: str, failures: Failures) -> None:
    """The first confirms, the second approves by the button; the first one may not."""
    del failures
    async with bench(roles, store_database, runbook=rules_of(approvals=2)) as table:
        said = await table.submit(await table.open(FIX))
        assert "A second, different operator must" in said
        assert queued(table) == 0
        asked = table.post("*Approval needed*")
        own = await table.click(asked, "golive.approve")
        assert own is not None
        assert "a different operator must approve" in await table.submit(own, None)
        assert queued(table) == 0
        other = await table.click(asked, "golive.approve", people.SECOND_OPERATOR)
        assert other is not None
        assert "15 rows" in await table.submit(other, None, people.SECOND_OPERATOR)
        assert queued(table) == 15
        assert table.actions() == ["proposed", "confirmed", "refused", "executed"]
        posts = [m for m in table.stage.posts if "golive.approve" in button_ids(m)]
        assert posts == []
