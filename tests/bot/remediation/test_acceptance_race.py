"""Who is first: fifty operators at once, two replicas, every envelope twice: one execution."""

from __future__ import annotations

import pytest

from bot.demo.workspace import people
from tests.bot.remediation.crew import all_approve, all_open, all_submit, all_undo, enlist
from tests.bot.remediation.planted import plant_failures
from tests.bot.remediation.slack import Bench, bench, button_ids, rules_of, words
from tests.manifests.roles import RoleUrls
from tests.support.crm_rows import Rows

ALL = "/golive fix reset_messages all"


@pytest.fixture(autouse=True)
def failures(roles: RoleUrls) -> None:
    """37 failed messages, of which 30 can be reset."""
    with Rows(roles.owner) as rows:
        plant_failures(rows)


def who(table: Bench, user: str) -> str:
    """The sentence that whoever came too late reads."""
    return f"<@{user}> did that {table.instant('executed_at')}: "


def queued(table: Bench) -> object:
    """How many messages a fix has reset."""
    return table.rows("SELECT count(*) FROM messages WHERE status = 'queued'")[0][0]


@pytest.mark.parametrize("replicas", [1, 2])
async def test_of_fifty_operators_one_executes(
    roles: RoleUrls, store_database: str, replicas: int
) -> None:
    """Each has a preview of their own; 49 modals name the one who was first, and when."""
    async with bench(roles, store_database, replicas=replicas) as table:
        crew = enlist(table, 50)
        views = await all_open(table, crew, ALL)
        assert all("30 would be reset" in words(view) for view in views.values())
        table.workspace.faults.wire.duplicate = 50
        said = await all_submit(table, views, "Evolution is back")
        done = [user for user, text in said.items() if "*Done*" in text]
        late = [text for text in said.values() if who(table, done[0]) in text]
        assert (len(done), len(late)) == (1, 49)
        assert all("all units, 30 rows. Nothing was done now." in text for text in late)
        assert queued(table) == 30
        assert table.rows(
            "SELECT state, count(*) FROM golive.fix_claims GROUP BY state ORDER BY state"
        ) == [("executed", 1), ("superseded", 49)]
        assert sorted(table.actions()) == ["executed", *["proposed"] * 50]
        assert table.post("*Fixed*")
        shares = [len(socket.acked) for socket in table.workspace.sockets.connected]
        assert len(shares) == replicas
        assert min(shares) >= 150 // replicas


async def test_of_fifty_clicks_on_undo_one_takes_it_back(
    roles: RoleUrls, store_database: str
) -> None:
    """Five operators press ten times each, on two replicas; 49 answers name the first one."""
    async with bench(roles, store_database, replicas=2) as table:
        crew = enlist(table, 5)
        await table.submit(await table.open(ALL))
        post = table.post("*Fixed*")
        answers = await all_undo(table, crew * 10, post)
        done = [text for text in answers if "Undone: 30 restored. The thread has it." in text]
        (undone_by,) = [str(u) for (u,) in table.rows("SELECT undone_by FROM golive.fix_claims")]
        late = [text for text in answers if f"<@{undone_by}> undid that" in text]
        assert (len(done), len(late)) == (1, 49)
        assert table.actions() == ["proposed", "executed", "undone"]
        assert button_ids(table.post("*Fixed*")) == []
        assert queued(table) == 0


async def test_of_many_who_approve_one_executes(roles: RoleUrls, store_database: str) -> None:
    """Twenty open the sheet behind the button and submit it at once; 19 hear who approved."""
    async with bench(roles, store_database, runbook=rules_of(approvals=2), replicas=2) as table:
        crew = enlist(table, 20)
        assert "A second, different operator" in await table.submit(await table.open(ALL))
        asked = table.post("*Approval needed*")
        said = await all_submit(table, await all_approve(table, crew, asked), None)
        done = [user for user, text in said.items() if "*Done*" in text]
        late = [text for text in said.values() if who(table, done[0]) in text]
        assert (len(done), len(late)) == (1, 19)
        assert queued(table) == 30
        assert table.actions() == ["proposed", "confirmed", "executed"]
        answered = table.post("*Approved*")
        assert button_ids(answered) == []
        assert f"Approved by <@{done[0]}>." in answered.text
        pressed = await table.click(asked, "golive.approve", people.SECOND_OPERATOR)
        assert pressed is not None
        assert who(table, done[0]) in words(pressed)


async def test_one_unit_and_all_units_at_once(roles: RoleUrls, store_database: str) -> None:
    """Whoever is late for a part of the same rows hears of the whole, and the other way round."""
    async with bench(roles, store_database) as table:
        norte = await table.open("/golive fix reset_messages Norte")
        whole = await table.open(ALL, people.SECOND_OPERATOR)
        assert "30 rows" in await table.submit(whole, user=people.SECOND_OPERATOR)
        late = await table.submit(norte)
        assert who(table, people.SECOND_OPERATOR) in late
        assert "all units, 30 rows. Nothing was done now." in late
        nothing = words(await table.reopened("/golive fix reset_messages Norte"))
        assert "There is nothing to change for Norte." in nothing
        assert who(table, people.SECOND_OPERATOR) in nothing
        assert queued(table) == 30


async def test_all_units_after_one_unit_shows_the_rest(
    roles: RoleUrls, store_database: str
) -> None:
    """What is left can still be confirmed, in the same modal."""
    async with bench(roles, store_database) as table:
        whole = await table.open(ALL, people.SECOND_OPERATOR)
        assert "15 rows" in await table.submit(await table.open("/golive fix reset_messages Norte"))
        stale = await table.submit(whole, user=people.SECOND_OPERATOR)
        assert "*Nothing was done:* the rows have changed since the preview." in stale
        assert "15 would be reset." in stale
        assert queued(table) == 15
        fresh = table.top(people.SECOND_OPERATOR)
        assert fresh is not None
        assert "15 rows" in await table.submit(fresh, user=people.SECOND_OPERATOR)
        assert queued(table) == 30
