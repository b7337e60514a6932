"""Rights that were taken away: they end within 15 seconds, whatever is typed, pressed or sent."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncGenerator
from dataclasses import replace

import psycopg
import pytest

from bot.actions import ACTIONS, APPROVE, CALLBACKS, CONFIRM, OF_FIXES, PREFIX, TICK, UNDO
from bot.commands import COMMANDS
from bot.demo.workspace import people
from bot.demo.workspace.people import OPERATOR, OPERATORS, RELEASES
from bot.desk import Role
from bot.render.choosing import CHOOSE
from bot.render.reasons import REASON
from bot.slack.access import Wish
from bot.slack.payloads import DialogNote, SheetNote
from tests.bot.remediation.planted import plant_failures
from tests.bot.remediation.slack import bench, button_ids, rules_of
from tests.bot.slack.hands import MemoryStore
from tests.bot.slack.rig import Rig, connected, rigged
from tests.manifests.roles import RoleUrls, install
from tests.support.crm_rows import Rows

LOOKS = {"status", "history", "help"}
"""What changes nothing and shows no line of the log. Everything else asks Slack again."""

VALUES = {
    f"{PREFIX}diagnose": "3",
    f"{PREFIX}fix": "reset_messages Norte",
    f"{PREFIX}silence": "http_5xx 30m",
    f"{PREFIX}accept": "campaigns",
    APPROVE: "claim",
    UNDO: "claim",
    TICK: "claim 0",
}
"""What the buttons carry that carry something."""

COMMANDS_ASKED = [entry.name for entry in COMMANDS if entry.name not in LOOKS]
BUTTONS_ASKED = [
    action for action in (*ACTIONS, *OF_FIXES, CHOOSE) if action.removeprefix(PREFIX) not in LOOKS
]
SUBMITS_ASKED = [CONFIRM, *CALLBACKS]

_NUMBERS = itertools.count()


@pytest.fixture
async def rig() -> AsyncGenerator[Rig]:
    """Somebody's rights were asked for a moment ago, in the release channel."""
    async with connected(MemoryStore()) as rig:
        await rig.workspace.actor.command(OPERATOR, RELEASES, "/golive close")
        await rig.idle()
        rig.desk.asked.clear()
        yield rig


async def act(rig: Rig, route: str) -> None:
    """Type a command, press a button or submit a modal, and let the bot come to rest."""
    number = next(_NUMBERS)
    trigger = rig.workspace.state.views.trigger(OPERATOR)
    kind, _, name = route.partition(" ")
    if kind == "command":
        entry = next(one for one in COMMANDS if one.name == name)
        await rig.workspace.actor.command(OPERATOR, RELEASES, entry.example)
    elif kind == "button":
        element: dict[str, object] = {"action_id": name, "action_ts": str(number)}
        payload: dict[str, object] = {
            "type": "block_actions",
            "team": {"id": people.TEAM},
            "user": {"id": OPERATOR},
            "trigger_id": trigger,
        }
        if name == CHOOSE:
            note = SheetNote(claim="claim", channel=RELEASES)
            element["selected_option"] = {"value": "reset_messages Norte failed"}
            payload["view"] = {"id": "V1", "private_metadata": note.model_dump_json()}
        else:
            element["value"] = VALUES.get(name, "")
            payload["channel"] = {"id": RELEASES}
        await rig.deliver("interactive", {**payload, "actions": [element]})
    else:
        sheet = SheetNote(claim="claim", channel=RELEASES).model_dump_json()
        dialog = DialogNote(check="campaigns", channel=RELEASES).model_dump_json()
        view = {
            "id": f"V{number}",
            "type": "modal",
            "callback_id": name,
            "private_metadata": sheet if name == CONFIRM else dialog,
            "state": {"values": {REASON: {REASON: {"value": "none is planned tonight"}}}},
        }
        payload = {
            "type": "view_submission",
            "team": {"id": people.TEAM},
            "user": {"id": OPERATOR},
            "view": view,
        }
        await rig.deliver("interactive", payload)
    await rig.idle()


ROUTES = [
    *(f"command {name}" for name in COMMANDS_ASKED),
    *(f"button {name}" for name in BUTTONS_ASKED),
    *(f"submit {name}" for name in SUBMITS_ASKED),
]


@pytest.mark.parametrize("route", ROUTES)
async def test_slack_is_asked_again_after_fifteen_seconds(rig: Rig, route: str) -> None:
    """By everything that changes something or shows log lines; whoever may no more does nothing."""
    state = rig.workspace.state
    await rig.time.advance(16)
    before = len(rig.workspace.journal.calls("users.info"))
    state.put_user(replace(state.user(OPERATOR), deleted=True))
    state.put_group(replace(state.group(OPERATORS), members=()))
    await act(rig, route)
    assert len(rig.workspace.journal.calls("users.info")) == before + 1
    assert rig.desk.asked == []


@pytest.mark.parametrize("route", [r for r in ROUTES if r.startswith("command")])
async def test_what_slack_said_a_moment_ago_is_not_asked_again(rig: Rig, route: str) -> None:
    """Its limits on such questions are few a minute."""
    await rig.time.advance(14)
    await act(rig, route)
    # Whether a watch could post here is asked whenever one begins.
    begins = route == "command start"
    expected = {"users.info": 1, "usergroups.users.list": 1, "conversations.info": 1 + begins}
    for method, times in expected.items():
        assert len(rig.workspace.journal.calls(method)) == times, method


async def test_every_button_has_a_value_that_its_handler_reads(rig: Rig) -> None:
    """Else the table above would refuse for another reason."""
    for route in ROUTES:
        if route.startswith("button") and CHOOSE not in route and "accept" not in route:
            asked = len(rig.desk.asked)
            await act(rig, route)
            assert len(rig.desk.asked) == asked + 1, route


async def test_who_only_looks_may_for_a_minute(rig: Rig) -> None:
    """These change nothing and show no line of the log."""
    await rig.time.advance(59)
    for name in sorted(LOOKS):
        await act(rig, f"command {name}")
    assert len(rig.workspace.journal.calls("users.info")) == 1


# --- one question for all, and what becomes of it -------------------------------------------------

CLOSE = Wish(name="close", least=Role.OPERATOR)


async def said(rig: Rig, count: int = 1) -> list[str]:
    """What so many who come at once are refused with."""
    asked = (rig.side.access.check(OPERATOR, RELEASES, CLOSE) for _ in range(count))
    answers = asyncio.gather(*asked)
    await rig.settle(answers.done)
    return [one.refusal.text if one.refusal else "" for one in answers.result()]


@pytest.mark.parametrize("method", ["users.info", "usergroups.users.list", "conversations.info"])
async def test_where_slack_limits_questions_all_who_wait_are_refused_at_once(method: str) -> None:
    """One question is asked for all; and none while Slack asks to wait."""
    async with rigged(MemoryStore()) as rig:
        await said(rig)
        await rig.time.advance(16)
        before = len(rig.workspace.journal.calls(method))
        rig.workspace.faults.api.rate_limit(method, retry_after=30, times=99)
        refusals = await said(rig, 50)
        assert len(rig.workspace.journal.calls(method)) == before + 1
        assert set(refusals) == {refusals[0]}
        assert "so nothing was done. It limits how often golive may ask." in refusals[0]
        assert "Try again in 30 seconds." in refusals[0]
        await rig.time.advance(10)
        (later,) = await said(rig)
        assert "Try again in 20 seconds." in later
        assert len(rig.workspace.journal.calls(method)) == before + 1
        rig.workspace.faults.api.clear()
        await rig.time.advance(21)
        assert await said(rig) == [""]


async def test_who_waits_for_a_question_that_is_given_up_asks_anew() -> None:
    """The process of the first one's command ended; the others are not cut off with it."""
    async with rigged(MemoryStore()) as rig:
        gate = rig.workspace.faults.api.hang("users.info")
        access = rig.side.access
        first = asyncio.ensure_future(access.check(OPERATOR, RELEASES, CLOSE))
        second = asyncio.ensure_future(access.check(OPERATOR, RELEASES, CLOSE))
        await asyncio.wait_for(gate.reached.wait(), 5)
        first.cancel()
        gate.release()
        await rig.settle(second.done)
        assert second.result().refusal is None


@pytest.mark.parametrize("method", ["users.info", "usergroups.users.list", "conversations.info"])
@pytest.mark.parametrize(
    ("code", "mend"),
    [
        ("missing_scope", "Add it and install it again."),
        ("account_inactive", "Install the app again."),
        ("token_revoked", "Install the app again."),
        ("invalid_auth", "Check SLACK_BOT_TOKEN."),
        ("something_new", f"refuses {'{method}'}: something_new."),
    ],
)
async def test_a_refusal_passes_on_the_mend_of_slack_s_error(
    method: str, code: str, mend: str
) -> None:
    """Waiting a minute mends none of these."""
    async with rigged(MemoryStore()) as rig:
        rig.workspace.faults.api.error(method, code, times=9)
        (refusal,) = await said(rig)
        assert mend.format(method=method) in refusal
        assert "Try again in a minute" not in refusal


@pytest.mark.parametrize(
    ("code", "mend"),
    [("no_such_subteam", "Check its id."), ("paid_teams_only", "Name the users instead.")],
)
async def test_a_group_that_cannot_be_asked_says_why(code: str, mend: str) -> None:
    """Both are mended in GOLIVE_OPERATORS."""
    async with rigged(MemoryStore()) as rig:
        rig.workspace.faults.api.error("usergroups.users.list", code, times=9)
        (refusal,) = await said(rig)
        assert mend in refusal


# --- two operators --------------------------------------------------------------------------------

PAUL = people.SECOND_OPERATOR


@pytest.fixture
def roles(crm_fixture_database: str) -> RoleUrls:
    """The application's recorded rows, with messages that can be reset, and the roles."""
    found = install(crm_fixture_database)
    with Rows(found.owner) as rows:
        plant_failures(rows)
    return found


async def test_what_two_operators_made_two_undo(roles: RoleUrls, store_database: str) -> None:
    """The first one asks, the same one again is refused, a different one does it."""
    queued = "SELECT count(*) FROM messages WHERE status = 'queued'"
    async with bench(roles, store_database, runbook=rules_of(approvals=2)) as table:
        await table.submit(await table.open("/golive fix reset_messages Norte"))
        sheet = await table.click(table.post("*Approval needed*"), "golive.approve", PAUL)
        assert sheet is not None
        await table.submit(sheet, None, PAUL)
        made = table.rows(queued)
        assert made != [(0,)]
        await table.click(table.post("*Fixed*"), "golive.undo")
        assert "A different operator must press Undo too." in table.told()
        asked = table.post("*Approval needed to undo*")
        assert "golive.undo" in button_ids(asked)
        await table.click(table.post("*Fixed*"), "golive.undo")
        assert "a different operator must press it too" in table.told()
        assert table.rows(queued) == made
        await table.click(asked, "golive.undo", PAUL)
        assert table.rows(queued) == [(0,)]
        assert "Undone" in table.told(PAUL)
        (answered,) = [p for p in table.stage.posts if p.ts == asked.ts]
        assert "*Undo approved*" in answered.text
        assert button_ids(answered) == []
        assert table.actions()[-3:] == ["undo-asked", "refused", "undone"]


async def test_the_database_itself_wants_two(roles: RoleUrls, store_database: str) -> None:
    """Whoever has the role of fixes cannot undo alone what two operators made."""
    async with bench(roles, store_database, runbook=rules_of(approvals=2)) as table:
        await table.submit(await table.open("/golive fix reset_messages Norte"))
        sheet = await table.click(table.post("*Approval needed*"), "golive.approve", PAUL)
        assert sheet is not None
        await table.submit(sheet, None, PAUL)
    undone = f"UPDATE golive.fix_claims SET state = 'undone', undone_by = '{OPERATOR}'"
    with (
        psycopg.connect(roles.fixer, autocommit=True) as fixer,
        pytest.raises(psycopg.errors.CheckViolation, match="two operators"),
    ):
        fixer.execute(f"{undone} WHERE state = 'executed'".encode())


async def test_a_fix_of_one_operator_is_undone_by_one(roles: RoleUrls, store_database: str) -> None:
    """As ever."""
    async with bench(roles, store_database) as table:
        await table.submit(await table.open("/golive fix reset_messages Norte"))
        await table.click(table.post("*Fixed*"), "golive.undo")
        assert "Undone" in table.told()
        assert table.actions()[-1] == "undone"
