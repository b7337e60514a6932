"""Conversations in which people from outside read along: what is done, shown and posted there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.commands import COMMANDS
from bot.demo.workspace import people
from bot.demo.workspace.messages import Message
from bot.demo.workspace.people import BOT_USER, MEMBER, OPERATOR, RELEASES, SHARED, STRANGER
from bot.demo.workspace.people import Channel as Conversation
from bot.desk import Reply, Role
from bot.render.sentences import say
from bot.slack.access import Wish
from bot.slack.posting import SHARED_ATTEMPTS
from bot.storage.store import Store
from bot.storage.values import NewPost
from tests.bot.slack.hands import MemoryStore
from tests.bot.slack.rig import Rig, connected, rigged
from tests.support.slack_bot import CHANNEL
from tests.support.typing_people import LEAD, Ground, Play, playing

TWO_PEOPLE = Conversation(
    id="D0TWOPEOPLE", name="directmessage", members=frozenset({OPERATOR, STRANGER}), is_im=True
)
SEVERAL = Conversation(
    id="G0SEVERAL01",
    name="mpdm",
    members=frozenset({OPERATOR, MEMBER, STRANGER, BOT_USER}),
    is_private=True,
    is_mpim=True,
)
OPEN = {
    "a shared channel": SHARED,
    "two people without the bot": TWO_PEOPLE.id,
    "several people and the bot": SEVERAL.id,
    "a channel that Slack does not say anything of": people.WITHOUT_BOT,
}
"""Conversations in which somebody from outside may be."""

HARMLESS = {"status", "report", "history", "logs", "help", "diagnose", "expect", "ack"}


@pytest.fixture
def ground(tmp_path: Path, crm_database: str, store_database: str) -> Ground:
    """An hour in which sends fail, on empty databases."""
    return Ground(folder=tmp_path, database=crm_database, store=store_database)


@pytest.fixture
async def rig() -> AsyncGenerator[Rig]:
    """Somebody types to a bot that would answer everything in the channel."""
    async with connected(MemoryStore()) as rig:
        for place in (TWO_PEOPLE, SEVERAL):
            rig.workspace.state.put_channel(place)
        said = Reply(message=say("All of it."), in_channel=True)
        rig.desk.replies.update({entry.name: said for entry in COMMANDS})
        yield rig


async def typed(rig: Rig, name: str, user: str, channel: str) -> str:
    """Run the example of a command; what only the caller was told, in a message or a modal."""
    before = len(rig.said_to(user))
    entry = next(one for one in COMMANDS if one.name == name)
    outcome = await rig.workspace.actor.command(user, channel, entry.example)
    assert outcome.error is None
    await rig.idle()
    view = rig.workspace.state.views.top(user)
    if view is not None:
        await rig.workspace.actor.close(user, view)
        return str(view.blocks)
    return "\n".join(rig.said_to(user)[before:])


def unavailable(rig: Rig, channel: str) -> None:
    """Slack does not say who is in a channel that it otherwise knows."""
    if channel == people.WITHOUT_BOT:
        rig.workspace.faults.api.error("conversations.info", "missing_scope", times=99)


@pytest.mark.parametrize("channel", OPEN.values(), ids=OPEN)
async def test_answers_are_for_the_caller_alone_and_nothing_is_changed(
    rig: Rig, channel: str
) -> None:
    """Of every command: what is harmless is answered to the caller, the rest is refused."""
    unavailable(rig, channel)
    for entry in COMMANDS:
        asked = len(rig.desk.asked)
        said = await typed(rig, entry.name, OPERATOR, channel)
        if entry.name in HARMLESS:
            assert entry.name == "help" or "All of it." in said, entry.name
            assert len(rig.desk.asked) == asked + (entry.name != "help")
        else:
            assert "so nothing was done" in said, entry.name
            assert len(rig.desk.asked) == asked, entry.name
    assert rig.posts(channel) == ()


@pytest.mark.parametrize("channel", [SHARED, TWO_PEOPLE.id, SEVERAL.id])
async def test_people_from_outside_get_nothing(rig: Rig, channel: str) -> None:
    """Of no command, not even what is wrong with it."""
    for entry in COMMANDS:
        said = await typed(rig, entry.name, STRANGER, channel)
        assert "full members of this workspace only" in said, entry.name
    assert rig.desk.asked == []
    assert rig.posts(channel) == ()


@pytest.mark.parametrize(
    ("channel", "public"),
    [(RELEASES, True), (people.PRIVATE, True), (f"D{OPERATOR[1:]}", True), (SHARED, False)],
)
async def test_only_one_s_own_conversations_are_answered_in_public(
    rig: Rig, channel: str, public: bool
) -> None:
    """The workspace's channels, and the caller's own conversation with the bot."""
    rig.workspace.state.direct(OPERATOR)
    await typed(rig, "status", OPERATOR, channel)
    assert bool(rig.posts(channel)) is public


@pytest.mark.parametrize("name", ["status", "diagnose", "logs", "expect"])
@pytest.mark.parametrize("shared_while_it_works", [True, False])
async def test_a_channel_that_is_shared_before_the_answer_gets_none(
    rig: Rig, name: str, *, shared_while_it_works: bool
) -> None:
    """Slack's word of a minute ago is too old for that, and a diagnosis may take as long."""
    await typed(rig, "status", OPERATOR, RELEASES)
    before, told = len(rig.posts()), len(rig.said_to(OPERATOR))
    if shared_while_it_works:
        rig.desk.gate = asyncio.Event()
    else:
        await share_releases(rig)
    entry = next(one for one in COMMANDS if one.name == name)
    await rig.workspace.actor.command(OPERATOR, RELEASES, entry.example)
    if rig.desk.gate is not None:
        await rig.settle(lambda: len(rig.desk.asked) == 2)
        await share_releases(rig)
        rig.desk.gate.set()
    await rig.idle()
    assert "All of it." in rig.said_to(OPERATOR)[told]
    assert len(rig.posts()) == before


async def share_releases(rig: Rig) -> None:
    """Another organisation is let into the channel, a while ago."""
    state = rig.workspace.state
    state.put_channel(replace(state.channel(RELEASES), is_ext_shared=True))
    await rig.time.advance(16)


async def test_what_is_typed_to_the_bot_alone_acts_on_no_shared_channel() -> None:
    """Both count: where it is typed, and the channel that it is about."""
    async with connected(MemoryStore()) as rig:
        access, direct = rig.side.access, rig.workspace.state.direct(OPERATOR).id
        close = Wish(name="close", least=Role.OPERATOR)
        for about, refused in ((RELEASES, False), (SHARED, True)):
            standing = await access.check(OPERATOR, direct, close, about=about)
            assert (standing.refusal is not None) is refused


def share(play: Play) -> None:
    """Another organisation is let into the channel."""
    state = play.workspace.state
    state.put_channel(replace(state.channel(CHANNEL), is_ext_shared=True))


def full(message: Message) -> bool:
    """Whether a message says more than one line."""
    return bool(message.all_blocks()) or "\n" in message.text.strip()


async def test_a_watch_whose_channel_is_shared_posts_its_verdict_lines_alone(
    ground: Ground,
) -> None:
    """Also in the message that is edited in place; the lead is told once where the rest is."""
    async with playing(ground) as play:
        await play.type("start v1")
        await play.to(6)
        known = {message.ts for message in play.posts()}
        assert any(full(message) for message in play.posts())
        files = len(play.workspace.state.files.all())
        share(play)
        note = NewPost(key="fix:1", channel=CHANNEL, message=say("Norte: 15 rows are changed."))
        await play.to(6.3)  # what Slack said of the channel before is out of date by now
        await play.stage.bot.store.enqueue([note])
        await play.to(8)
        await play.bad(60)
        await play.to(11)
        new = [message for message in play.posts() if message.ts not in known]
        assert [message.text for message in new if full(message)] == []
        assert len(play.workspace.state.files.all()) == files
        assert not [message for message in new if "Norte" in message.text]
        told = play.one("Shared channel")
        assert LEAD in told.text
        assert "App Home" in told.text
        assert "/golive report" in told.text
        verdict = play.one("checkpoint 1")
        assert verdict.text.startswith("*✖ NO-GO")
        assert LEAD in "".join(message.text for message in new if message is not told)
        (status,) = [m for m in play.posts() if m.ts == play.posts()[0].ts]
        assert not full(status)
        assert "NO-GO" in status.text
        # What the lead was told of is there, for members alone.
        before = len(play.posts())
        assert "Acknowledged" in await play.type("ack", user=MEMBER)
        await play.type("report", user=MEMBER)
        assert "# Go-live of v1" in play.file("report")
        assert "v1" in await play.type("status", user=MEMBER)
        assert "People from outside are in this channel" in await play.type("close")
        await play.to(18)
        assert not [m for m in play.posts()[before:] if full(m) or "not acknowledged" in m.text]


async def test_what_is_waited_for_is_told_to_whoever_asked(ground: Ground) -> None:
    """The outcome of `/golive expect inbound` goes to the caller, not into a shared channel."""
    async with playing(ground) as play:
        share(play)
        assert "golive waits up to two minutes" in await play.type("expect inbound")
        for _ in range(70):
            await play.stage.timer.advance(timedelta(seconds=3))
        assert play.posts() == []
        direct = play.workspace.state.direct(OPERATOR).id
        assert len(play.posts(direct)) == 1


@pytest.fixture
async def store(store_database: str) -> AsyncGenerator[Store]:
    """An empty store whose leases do not end within a test."""
    async with Store(store_database, lease=600) as store:
        yield store


@pytest.mark.parametrize("code", ["internal_error", "missing_scope"])
async def test_while_slack_does_not_say_who_reads_the_verdict_goes_out_and_nothing_else(
    store: Store, code: str
) -> None:
    """A moment's trouble is waited for; a verdict is not held back by a lasting one."""
    async with rigged(store) as rig:
        message = replace(say("x"), text="*GO*\nNorte sent 3 of 3.").with_public_line()
        await store.enqueue(
            [
                NewPost(key="a", channel=RELEASES, message=message),
                NewPost(key="b", channel=RELEASES, message=say("Norte")),
            ]
        )
        rig.workspace.faults.api.error("conversations.info", code, times=99)
        async with rig.sending():
            await rig.settle(lambda: bool(rig.posts()), step=5)
            assert [post.text for post in rig.posts()] == ["*GO*"]


async def test_a_moment_s_trouble_costs_a_post_nothing(store: Store) -> None:
    """It comes whole as soon as Slack says who is there."""
    async with rigged(store) as rig:
        await store.enqueue([NewPost(key="b", channel=RELEASES, message=say("Norte"))])
        tries = 3 * (SHARED_ATTEMPTS - 1)
        rig.workspace.faults.api.error("conversations.info", "internal_error", times=tries)
        async with rig.sending():
            await rig.settle(lambda: bool(rig.posts()), step=5)
        assert [post.text for post in rig.posts()] == ["Norte"]
