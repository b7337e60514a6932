"""What people do in Slack, until the desk is asked and they are answered; over real sockets."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest
from structlog.testing import capture_logs

from bot.demo.workspace.people import ARCHIVED, MEMBER, OPERATOR, RELEASES, WITHOUT_BOT
from bot.desk import Reply, Role
from bot.render.message import Message, TextFile
from bot.render.sentences import say
from tests.bot.slack.hands import FakeDesk, MemoryStore
from tests.bot.slack.rig import Rig, connected


@pytest.fixture
def store() -> MemoryStore:
    """What remembers deliveries."""
    return MemoryStore()


@pytest.fixture
async def rig(store: MemoryStore) -> AsyncIterator[Rig]:
    """A bot that is connected."""
    async with connected(store) as rig:
        yield rig


async def test_a_command_reaches_the_desk_with_who_and_where(rig: Rig) -> None:
    """Parsed, authorised by ids, stamped with the clock; answered to the caller alone."""
    outcome = await rig.workspace.actor.command(OPERATOR, RELEASES, "/golive start v2.4.0 10m")
    assert outcome.error is None
    assert await rig.told(OPERATOR) == "The desk did start."
    ((name, call, words),) = rig.desk.asked
    assert (name, words) == ("start", ("v2.4.0", timedelta(minutes=10)))
    assert (call.user, call.channel, call.role) == (OPERATOR, RELEASES, Role.OPERATOR)
    assert call.at == rig.time.now()
    assert rig.posts() == ()


@pytest.mark.parametrize(
    ("channel", "why"),
    [
        (WITHOUT_BOT, "The bot is not in the channel. Invite it there."),
        (ARCHIVED, "The channel is archived. Unarchive it"),
    ],
)
async def test_no_watch_is_started_where_nothing_can_be_posted(
    rig: Rig, channel: str, why: str
) -> None:
    """Whoever starts one hears it now, and not by a silence of an hour."""
    await rig.workspace.actor.command(OPERATOR, channel, "/golive start v2.4.0")
    told = await rig.told(OPERATOR)
    assert f"No watch was started: nothing can be posted here. {why}" in told
    assert rig.desk.asked == []
    await rig.workspace.actor.command(OPERATOR, channel, "/golive status")
    assert await rig.told(OPERATOR, 2) == "The desk did status."


async def test_a_watch_is_started_where_slack_does_not_say(rig: Rig) -> None:
    """Its trouble of a moment stops nobody."""
    assert (await rig.workspace.actor.command(OPERATOR, RELEASES, "/golive checkpoint")).ack
    await rig.told(OPERATOR)  # and whether strangers are in the channel is known from now on
    rig.workspace.faults.api.server_error("conversations.info")
    await rig.workspace.actor.command(OPERATOR, RELEASES, "/golive start v2.4.0")
    assert await rig.told(OPERATOR, 2) == "The desk did start."


async def test_an_answer_for_all_goes_into_the_channel(rig: Rig) -> None:
    """Through the response_url, which does not count against the channel's limit."""
    rig.desk.replies["status"] = Reply(message=say("All is well."), in_channel=True)
    await rig.workspace.actor.command(MEMBER, RELEASES, "/golive status")
    await rig.workspace.until(lambda: len(rig.posts()) == 1)
    assert rig.posts()[0].text == "All is well."
    assert rig.workspace.journal.calls("chat.postMessage") == ()


async def test_the_ack_does_not_wait_for_the_desk(rig: Rig) -> None:
    """However long the desk takes, Slack has its ack at once."""
    rig.desk.gate = asyncio.Event()
    outcome = await rig.workspace.actor.command(MEMBER, RELEASES, "/golive status")
    assert outcome.ack is not None
    assert outcome.ack.seconds < 3
    assert rig.said_to(MEMBER) == []
    rig.desk.gate.set()
    assert await rig.told(MEMBER) == "The desk did status."


async def test_the_same_envelope_twice_is_one_command(rig: Rig) -> None:
    """Bolt would run the listener twice."""
    rig.workspace.faults.wire.duplicate = 1
    await rig.workspace.actor.command(OPERATOR, RELEASES, "/golive checkpoint")
    await rig.told(OPERATOR)
    await rig.idle()
    assert rig.desk.names == ["checkpoint"]
    assert len(rig.said_to(OPERATOR)) == 1


@dataclass(kw_only=True)
class OutrunStore(MemoryStore):
    """A store in which another replica took every delivery before."""

    asked: list[str] = field(default_factory=list[str])

    async def deliver_once(self, key: str, at: datetime) -> bool:
        """It never is new."""
        del at
        self.asked.append(key)
        return False


async def test_the_store_tells_deliveries_of_all_replicas_apart() -> None:
    """What another replica took is not done again here."""
    store = OutrunStore()
    async with connected(store) as rig:
        await rig.workspace.actor.command(MEMBER, RELEASES, "/golive status")
        await rig.idle()
        assert len(store.asked) == 1
        assert rig.desk.names == []


async def test_duplicates_are_told_apart_while_the_store_is_down(
    rig: Rig, store: MemoryStore
) -> None:
    """By this replica's own memory."""
    store.down = True
    rig.workspace.faults.wire.duplicate = 1
    await rig.workspace.actor.command(MEMBER, RELEASES, "/golive status")
    await rig.told(MEMBER)
    await rig.idle()
    assert rig.desk.names == ["status"]


async def test_beyond_the_bound_the_answer_is_busy_at_once(store: MemoryStore) -> None:
    """In the ack itself, because nothing may be left to wait."""
    async with connected(store, workers=1, waiting=1) as rig:
        rig.desk.gate = asyncio.Event()
        for _ in range(2):
            await rig.workspace.actor.command(MEMBER, RELEASES, "/golive status")
        third = await rig.workspace.actor.command(MEMBER, RELEASES, "/golive status")
        assert third.ack is not None
        assert third.ack.payload is not None
        assert "golive is busy" in str(third.ack.payload["text"])
        rig.desk.gate.set()
        await rig.idle()
        assert rig.desk.names == ["status", "status"]


async def test_a_crash_is_told_by_its_reference_and_not_in_its_words(rig: Rig) -> None:
    """The log says where; the user hears how to find it; neither hears what it said."""
    rig.desk.breaks = RuntimeError("password=hunter2")
    with capture_logs() as logs:
        outcome = await rig.workspace.actor.command(MEMBER, RELEASES, "/golive status")
        told = await rig.told(MEMBER)
    assert outcome.error is None
    assert "Something went wrong in golive" in told
    assert "ref-1" in told
    assert "hunter2" not in f"{told} {logs}"
    (entry,) = [log for log in logs if log["event"] == "a listener failed"]
    assert (entry["reference"], entry["error"]) == ("ref-1", "RuntimeError")
    assert "hands.py" in entry["at"][-1]


async def test_what_cannot_be_read_is_acknowledged_and_reported(rig: Rig) -> None:
    """A payload without what it must have; Slack is not asked to send it again."""
    with capture_logs() as logs:
        body = {"command": "/golive", "text": "status", "team_id": "T1", "trigger_id": "t"}
        await rig.deliver("slash_commands", {**body, "token": "xoxb-very-secret"})
    assert "a listener failed" in [log["event"] for log in logs]
    assert "very-secret" not in str(logs)


async def test_an_unknown_event_is_acknowledged_without_a_word_of_it(rig: Rig) -> None:
    """Bolt would write all of it into its log."""
    with capture_logs() as logs:
        body = {"type": "event_callback", "event_id": "Ev1", "event": {"type": "reaction_added"}}
        await rig.deliver("events_api", body)
    assert [log["event"] for log in logs] == ["nothing is for this"]


async def test_a_mistake_is_answered_with_the_right_use(rig: Rig) -> None:
    """And the desk hears nothing of it."""
    await rig.workspace.actor.command(OPERATOR, RELEASES, "/golive stauts")
    told = await rig.told(OPERATOR)
    assert "There is no" in told
    assert "/golive status" in told
    assert rig.desk.asked == []


async def test_help_shows_what_the_caller_may_do(rig: Rig) -> None:
    """Another text for an operator than for a member."""
    await rig.workspace.actor.command(OPERATOR, RELEASES, "/golive help")
    await rig.workspace.actor.command(MEMBER, RELEASES, "/golive")
    await rig.told(OPERATOR)
    await rig.told(MEMBER)
    assert "an operator" in rig.said_to(OPERATOR)[0]
    assert "a member" in rig.said_to(MEMBER)[0]


async def test_a_file_goes_to_the_caller_alone(rig: Rig) -> None:
    """An answer that only the caller sees has its file in their direct conversation."""
    file = TextFile(name="log.txt", title="The log", text="line")
    message = say("The last lines.")
    rig.desk.replies["logs"] = Reply(message=_with_file(message, file))
    await rig.workspace.actor.command(OPERATOR, RELEASES, "/golive logs 5")
    await rig.workspace.until(lambda: bool(rig.workspace.state.files.all()))
    await rig.idle()
    (shared,) = rig.workspace.state.files.all()
    assert shared.content == b"line"
    assert shared.channels == (rig.workspace.state.direct(OPERATOR).id,)


async def test_a_file_of_an_answer_for_all_goes_into_the_channel(rig: Rig) -> None:
    """Beside the answer."""
    message = _with_file(say("The report."), TextFile(name="r.md", title="Report", text="# R"))
    rig.desk.replies["report"] = Reply(message=message, in_channel=True)
    await rig.workspace.actor.command(MEMBER, RELEASES, "/golive report")
    await rig.workspace.until(lambda: len(rig.posts()) == 2)
    (shared,) = rig.workspace.state.files.all()
    assert shared.channels == (RELEASES,)


async def test_a_file_that_cannot_be_shared_is_said(rig: Rig) -> None:
    """The answer is there all the same."""
    rig.workspace.faults.api.error("conversations.open", "user_disabled")
    message = _with_file(say("Lines."), TextFile(name="l.txt", title="Log", text="x"))
    rig.desk.replies["logs"] = Reply(message=message)
    await rig.workspace.actor.command(OPERATOR, RELEASES, "/golive logs")
    assert "could not be shared" in await rig.told(OPERATOR, 2)


async def test_home_is_published_for_whoever_opens_it(rig: Rig) -> None:
    """By the role; an event that is sent again is one event."""
    rig.workspace.faults.wire.duplicate = 1
    await rig.workspace.actor.open_home(OPERATOR)
    await rig.workspace.until(lambda: rig.workspace.state.views.home(OPERATOR) is not None)
    await rig.idle()
    assert rig.desk.homes == [(OPERATOR, Role.OPERATOR)]
    await rig.workspace.actor.open_home(MEMBER, tab="messages")
    await rig.idle()
    assert len(rig.desk.homes) == 1


async def test_a_hundred_first_requests_ask_slack_for_one_identity(rig: Rig) -> None:
    """Bolt alone would ask auth.test for each of them."""
    commands = [rig.workspace.actor.command(MEMBER, RELEASES, "/golive status") for _ in range(40)]
    await asyncio.gather(*commands)
    await rig.idle()
    assert len(rig.workspace.journal.calls("auth.test")) == 1
    assert len(rig.workspace.journal.calls("users.info")) == 1
    assert isinstance(rig.desk, FakeDesk)


def _with_file(message: Message, file: TextFile) -> Message:
    return replace(message, files=(file,))


async def test_no_log_holds_a_token_or_what_was_said(
    rig: Rig, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither golive's own log nor the libraries', when much goes wrong."""
    caplog.set_level(logging.DEBUG)
    rig.workspace.faults.api.error("users.info", "invalid_auth")
    rig.workspace.faults.api.server_error("views.publish", times=3)
    rig.desk.breaks = ValueError("reason-of-the-crash")
    await rig.workspace.actor.command(MEMBER, RELEASES, "/golive status secret-word")
    await rig.workspace.actor.command(OPERATOR, RELEASES, "/golive start secret-word")
    await rig.told(OPERATOR)
    await rig.workspace.sockets.disconnect()
    await rig.workspace.connected()
    ours = [r.getMessage() for r in caplog.records if r.name.startswith(("bot", "slack"))]
    written = f"{ours} {capsys.readouterr()}"
    token = rig.workspace.credentials.bot_token
    for secret in (token, "xapp-", "ticket=", "secret-word", "reason-of-the-crash"):
        assert secret not in written
