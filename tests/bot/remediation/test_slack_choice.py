"""Which failed messages: chosen in the preview, which then shows exactly those."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.demo.workspace import people
from bot.demo.workspace.views import View
from bot.render.choosing import CHOOSE
from tests.bot.remediation.planted import Failures, plant_failures
from tests.bot.remediation.slack import Bench, bench, read, rules_of
from tests.manifests.roles import RoleUrls
from tests.support.crm_rows import Rows

UNTRIED = 12
"""Of Norte's messages these were never tried again."""


@pytest.fixture(autouse=True)
def failures(roles: RoleUrls) -> Failures:
    """37 failed messages, of which the last twelve of Norte's were never tried again."""
    with Rows(roles.owner) as rows:
        planted = plant_failures(rows)
        rows.run(
            "UPDATE messages SET retry_count = 0 WHERE id = ANY (%(ids)s)",
            ids=list(planted.ids[20 - UNTRIED : 20]),
        )
    return planted


def chosen(view: View) -> str:
    """Which way the modal has chosen."""
    (states,) = [states for states in view.values.values() if CHOOSE in states]
    return str(states[CHOOSE]["selected_option"]["value"]).rpartition(" ")[2]


def ways(view: View) -> dict[str, str]:
    """Each way's value by its last word."""
    (block,) = [block for block in view.blocks if "accessory" in block]
    values = [str(option["value"]) for option in block["accessory"]["options"]]
    return {value.rpartition(" ")[2]: value for value in values}


async def choose(table: Bench, view: View, way: str, user: str = people.OPERATOR) -> View:
    """Choose a way; what the modal shows then."""
    await table.workspace.actor.click(user, view, CHOOSE, value=ways(view)[way])
    await table.rest()
    top = table.top(user)
    assert top is not None
    return top


def queued(table: Bench) -> object:
    """How many messages a fix has reset."""
    return table.rows("SELECT count(*) FROM messages WHERE status = 'queued'")[0][0]


async def test_the_preview_follows_the_choice(roles: RoleUrls, store_database: str) -> None:
    """What is executed is what is shown, whichever was proposed first; the reason stays."""
    async with bench(roles, store_database) as table:
        view = await table.open("/golive fix reset_messages Norte")
        assert chosen(view) == "retried_only"
        assert "20 messages failed in the last hour; 3 would be reset." in read(view)
        assert "12 that were never tried again (retry_count = 0)" in read(view)
        wide = await choose(table, view, "all_failed")
        assert (wide.id, chosen(wide)) == (view.id, "all_failed")
        assert "20 messages failed in the last hour; 15 would be reset." in read(wide)
        assert "that were never tried again" not in read(wide)
        assert "that were tried again" not in read(wide)
        narrow = await choose(table, wide, "retried_only")
        assert "3 would be reset." in read(narrow)
        again = await choose(table, narrow, "all_failed")
        assert "15 rows" in await table.submit(again)
        assert queued(table) == 15
        ((stated,),) = table.rows(
            "SELECT details ->> 'stated' FROM golive.fix_audit WHERE action = 'executed'"
        )
        assert stated == "all_failed"


async def test_drift_keeps_the_choice(
    roles: RoleUrls, store_database: str, failures: Failures
) -> None:
    """The fresh preview is of the same way."""
    async with bench(roles, store_database) as table:
        view = await table.open("/golive fix reset_messages Norte")
        wide = await choose(table, view, "all_failed")
        with Rows(roles.owner) as rows:
            rows.run("UPDATE messages SET status = 'sent' WHERE id = %(id)s", id=failures.ids[12])
        assert "the rows have changed since" in await table.submit(wide)
        fresh = table.top()
        assert fresh is not None
        assert chosen(fresh) == "all_failed"
        assert "14 would be reset." in read(fresh)
        assert "14 rows" in await table.submit(fresh)


async def test_nothing_for_one_way_offers_the_other(
    roles: RoleUrls, store_database: str, failures: Failures
) -> None:
    """A refusal that names what is left out lets it be chosen."""
    with Rows(roles.owner) as rows:
        rows.run("UPDATE messages SET retry_count = 0 WHERE id = ANY (%(i)s)", i=list(failures.ids))
    async with bench(roles, store_database) as table:
        view = await table.open("/golive fix reset_messages Sul")
        assert "There is nothing to change for Sul." in read(view)
        assert "10 that were never tried again" in read(view)
        assert not view.payload.get("submit")
        wide = await choose(table, view, "all_failed")
        assert "10 would be reset." in read(wide)
        assert "10 rows" in await table.submit(wide)


async def test_submitted_before_the_other_preview_came(
    roles: RoleUrls, store_database: str
) -> None:
    """What was not shown is not executed: the modal shows it, and asks again."""
    async with bench(roles, store_database) as table:
        view = await table.open("/golive fix reset_messages Norte")
        values = {"reason": "back", CHOOSE: ways(view)["all_failed"]}
        await table.workspace.actor.submit(people.OPERATOR, view, dict(values))
        await table.filled(people.OPERATOR)
        await table.rest()
        top = table.top()
        assert top is not None
        assert "15 would be reset." in read(top)
        assert queued(table) == 0
        assert "15 rows" in await table.submit(top)


async def test_of_two_choices_at_once_one_is_shown(roles: RoleUrls, store_database: str) -> None:
    """An update is bound to the modal as it was: what stands chosen is what is shown."""
    async with bench(roles, store_database) as table:
        view = await table.open("/golive fix reset_messages Norte")
        table.workspace.faults.wire.duplicate = 1
        wide = await choose(table, view, "all_failed")
        stale = await choose(table, view, "all_failed")
        assert chosen(wide) == chosen(stale) == "all_failed"
        assert "15 would be reset." in read(stale)
        assert "15 rows" in await table.submit(stale)


async def test_who_is_no_operator_any_more(roles: RoleUrls, store_database: str) -> None:
    """A choice is authorised as a click is; a refusal is kept."""
    async with bench(roles, store_database, operators=(people.OPERATORS,)) as table:
        view = await table.open("/golive fix reset_messages Norte")
        state = table.workspace.state
        group = state.group(people.OPERATORS)
        state.put_group(replace(group, members=(people.SECOND_OPERATOR,)))
        await table.stage.timer.advance(timedelta(seconds=10))
        refused = await choose(table, view, "all_failed")
        assert "Only operators" in read(refused)
        assert table.actions() == ["proposed", "refused"]


async def test_the_runbook_says_what_is_chosen_first(roles: RoleUrls, store_database: str) -> None:
    """`only_retried: false` begins with all that failed; it can still be narrowed."""
    book = rules_of()
    assert book.remediation is not None
    wide_first = replace(book.remediation.reset_messages, only_retried=False)
    async with bench(roles, store_database, runbook=rules_of(reset_messages=wide_first)) as table:
        view = await table.open("/golive fix reset_messages Norte")
        assert chosen(view) == "all_failed"
        assert "15 would be reset." in read(view)
        assert "3 would be reset." in read(await choose(table, view, "retried_only"))
