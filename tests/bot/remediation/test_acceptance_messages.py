"""Incident 3 from the red check to its undoing: every figure that is shown, and every row."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from bot.demo.workspace import people
from bot.demo.workspace.messages import Message
from bot.demo.workspace.views import View
from tests.bot.remediation.planted import plant_failures
from tests.bot.remediation.slack import Bench, bench, button_ids, read
from tests.manifests.roles import RoleUrls
from tests.support.crm_rows import Rows

SHEETS = {
    "Norte": """\
*Reset failed messages of Norte*
20 messages failed in the last hour; 15 would be reset.

*Mind*
▲ Nothing in this application sends `queued` messages by itself: after the reset they stay there \
until somebody triggers their sending.
▲ 10 of them ended in a timeout or a broken connection: they may have been sent all the \
same, and would then arrive twice.

*By error*
5 × Request failed with status code 429
5 × socket hang up
5 × timeout of 15000ms exceeded

*By unit*
15 × Norte

*Left out*
5 with a permanent error, which no further try mends

""",
    "Sul": """\
*Reset failed messages of Sul*
10 messages failed in the last hour; 10 would be reset.

*Mind*
▲ Nothing in this application sends `queued` messages by itself: after the reset they stay there \
until somebody triggers their sending.
▲ 7 of them ended in a timeout or a broken connection: they may have been sent all the \
same, and would then arrive twice.

*By error*
4 × timeout of 15000ms exceeded
3 × Request failed with status code 429
3 × socket hang up

*By unit*
10 × Sul

""",
    "Leste": """\
*Reset failed messages of Leste*
7 messages failed in the last hour; 5 would be reset.

*Mind*
▲ Nothing in this application sends `queued` messages by itself: after the reset they stay there \
until somebody triggers their sending.
▲ 3 of them ended in a timeout or a broken connection: they may have been sent all the \
same, and would then arrive twice.

*By error*
2 × Request failed with status code 429
2 × socket hang up
1 × timeout of 15000ms exceeded

*By unit*
5 × Leste

*Left out*
2 with evidence of having been sent

""",
    "all units": """\
*Reset failed messages of all units*
37 messages failed in the last hour; 30 would be reset.

*Mind*
▲ Nothing in this application sends `queued` messages by itself: after the reset they stay there \
until somebody triggers their sending.
▲ 20 of them ended in a timeout or a broken connection: they may have been sent all the \
same, and would then arrive twice.

*By error*
10 × Request failed with status code 429
10 × socket hang up
10 × timeout of 15000ms exceeded

*By unit*
15 × Norte
10 × Sul
5 × Leste

*Left out*
5 with a permanent error, which no further try mends
2 with evidence of having been sent

""",
}
"""How each preview begins, in the order of the buttons."""

WAS = "206 of 276 outbound messages sent (74.6 %): 37 failed, 33 marked sent without a provider id."
RAW = (
    "Outbound success, as measured: CRITICAL. 326 of 409 outbound messages sent (79.7 %):"
    " 30 failed, 52 marked sent without a provider id, 1 waiting."
)
ADJUSTED = (
    "Adjusted, with what the fix only renamed as it was before: CRITICAL. 326 of 409 outbound"
    " messages sent (79.7 %): 31 failed, 52 marked sent without a provider id."
)
HELPED = (
    "Outbound success, as measured: CRITICAL. 350 of 409 outbound messages sent (85.6 %): 7 failed,"
    " 52 marked sent without a provider id."
)


@pytest.fixture(autouse=True)
def failures(roles: RoleUrls) -> None:
    """37 failed messages: 3 units, 4 errors, 5 of them permanent, 2 with a provider's id."""
    with Rows(roles.owner) as rows:
        plant_failures(rows)


async def diagnosed(table: Bench) -> Message:
    """The diagnosis behind the button of the red check's own checkpoint."""
    await table.stage.command("/golive start v2.4.0 31m")
    await table.stage.timer.advance(timedelta(seconds=40))
    red = table.post("checkpoint 3 (T+30) · 1 min late")
    assert WAS in red.text
    assert button_ids(red) == [
        "golive.ack",
        "golive.rollback",
        "golive.diagnose:3",
        "golive.diagnose:4",
    ]
    await table.click(red, "golive.diagnose:3")
    return table.post("Incident 3")


async def pressed(table: Bench, post: Message, action: str) -> View:
    """The preview behind a button, whatever was open before."""
    top = table.top()
    if top is not None:
        await table.workspace.actor.close(people.OPERATOR, top, all_of_them=True)
    view = await table.click(post, action)
    assert view is not None
    return view


def by_unit(table: Bench) -> dict[str, dict[str, int]]:
    """How many of the planted messages stand where, by unit."""
    found: dict[str, dict[str, int]] = {}
    for unit, status, count in table.rows(
        "SELECT u.name, m.status, count(*) FROM messages m"
        " JOIN conversations c ON c.id = m.conversation_id JOIN units u ON u.id = c.unit_id"
        " WHERE u.name = ANY(%s) GROUP BY 1, 2 ORDER BY 1, 2",
        ["Norte", "Sul", "Leste"],
    ):
        assert isinstance(count, int)
        found.setdefault(str(unit), {})[str(status)] = count
    return found


def queued(table: Bench) -> list[UUID]:
    """The messages that a reset left waiting."""
    found = table.rows("SELECT id FROM messages WHERE status = 'queued' ORDER BY id")
    return [key for (key,) in found if isinstance(key, UUID)]


async def test_one_unit_and_then_all_of_them(roles: RoleUrls, store_database: str) -> None:
    """Button, preview, confirmation, execution, a second look after two minutes, undo: twice."""
    async with bench(roles, store_database) as table:
        post = await diagnosed(table)
        assert "86 of 381 outbound messages of the last hour did not go out" in read(post)
        labels = "Reset Norte (20)\nReset Sul (10)\nReset Leste (7)\nReset all units (37)\n"
        assert labels in read(post)
        for number, name in enumerate(SHEETS):
            sheet = read(await pressed(table, post, f"golive.fix:{number}"))
            assert sheet.startswith(f"{SHEETS[name]}*Steps by hand*\n"), sheet
            assert f"for failed outbound messages of {name} of the last hour" in sheet
            assert "UPDATE messages AS m\nSET status = 'queued', retry_count = 0" in sheet
        assert by_unit(table) == {
            "Leste": {"failed": 7},
            "Norte": {"failed": 20},
            "Sul": {"failed": 10},
        }
        await _one_unit(table, await pressed(table, post, "golive.fix:1"))
        await _all_units(table, await pressed(table, post, "golive.fix:3"))


async def _one_unit(table: Bench, view: View) -> None:
    """Ten of Sul: six are sent, three fail again, one stays where the reset left it."""
    said = await table.submit(view)
    assert "*Done*: Reset failed messages of Sul, 10 rows. The thread has it." in said
    fixed = table.post("*Fixed*")
    assert fixed.thread_ts == table.stage.posts[0].ts
    assert "By <@U0OLIVIA001>: Evolution is back" in read(fixed)
    assert button_ids(fixed) == ["golive.tick:0", "golive.undo"]
    assert by_unit(table)["Sul"] == {"queued": 10}
    assert table.rows("SELECT count(*) FROM golive.fix_before_images") == [(10,)]
    touched = queued(table)
    with Rows(table.roles.owner) as rows:
        for key in touched[:6]:
            rows.run(
                "UPDATE messages SET status = 'sent', external_id = 'X' WHERE id = %(i)s", i=key
            )
        rows.run(
            "UPDATE messages m SET status = 'failed', retry_count = 3, error_details ="
            " b.before ->> 'error_details' FROM golive.fix_before_images b"
            " WHERE b.row_id = m.id AND m.id = ANY(%(ids)s)",
            ids=touched[6:8],
        )
        rows.run(
            "UPDATE messages SET status = 'failed', retry_count = 3, error_details = 'other'"
            " WHERE id = %(i)s",
            i=touched[8],
        )
    await table.stage.timer.advance(timedelta(minutes=2, seconds=30))
    outcome = table.post("*It did not help*")
    assert (
        "10 reset: 6 sent, 2 failed again with the same error, 1 failed again with another error,"
        " 1 stranded in queued."
    ) in outcome.text
    assert read(outcome).splitlines()[-3:] == [
        "Nothing sends queued messages by itself: undo, or have them sent.",
        RAW,
        ADJUSTED,
    ]
    await table.command("/golive diagnose 3")
    assert "✖ *Messages stranded in queued* holds: 1 message of the last hour stranded" in read(
        table.stage.posts[-1]
    )
    assert "▲ 1 message of the last hour stands in queued already." in read(
        await table.reopened("/golive fix reset_messages Sul")
    )
    assert "in queued already" not in read(await table.reopened("/golive fix reset_messages Norte"))
    await table.click(fixed, "golive.undo", people.SECOND_OPERATOR)
    assert "Undone: 1 restored, 9 left as they are." in table.told(people.SECOND_OPERATOR)
    conflicts = read(table.post("*Undone*")).splitlines()
    for key, now in zip(touched, ["sent"] * 6 + ["failed"] * 3, strict=False):
        assert f"{str(key)[:8]}: {now} now" in conflicts
    assert by_unit(table)["Sul"] == {"failed": 4, "sent": 6}
    assert button_ids(table.post("*Fixed*")) == []
    assert table.actions() == [
        *["proposed"] * 5,
        "executed",
        "verified",
        *["proposed"] * 2,
        "undone",
    ]


async def _all_units(table: Bench, view: View) -> None:
    """What failed of all three units: 24 that are sent, and nothing that could be taken back."""
    assert read(view).startswith(
        "*Reset failed messages of all units*\n31 messages failed in the last hour; 24 would be"
        " reset.\n"
    )
    assert "\n*By unit*\n15 × Norte\n5 × Leste\n4 × Sul\n" in read(view)
    assert "Reset failed messages of all units, 24 rows" in await table.submit(view, "Sul is well")
    assert by_unit(table) == {
        "Leste": {"failed": 2, "queued": 5},
        "Norte": {"failed": 5, "queued": 15},
        "Sul": {"queued": 4, "sent": 6},
    }
    with Rows(table.roles.owner) as rows:
        rows.run("UPDATE messages SET status = 'sent', external_id = 'Y' WHERE status = 'queued'")
    await table.stage.timer.advance(timedelta(minutes=2, seconds=30))
    outcome = table.post("*It helped*")
    assert "24 reset: 24 sent." in outcome.text
    assert HELPED in read(outcome)
    await table.click(table.post("*Fixed* · Reset failed messages of all units"), "golive.undo")
    assert "Undone: 0 restored, 24 left as they are." in table.told()
    assert by_unit(table)["Norte"] == {"failed": 5, "sent": 15}
