"""Who may type what, and where: help, rights, direct messages, several channels, App Home."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.demo.workspace import people
from tests.support.slack_bot import CHANNEL
from tests.support.typing_people import Ground, playing


async def test_help_shows_what_the_caller_may_run(ground: Ground) -> None:
    """A member sees the other commands as the operators'; a typo gets the nearest command."""
    async with playing(ground) as play:
        mine = await play.type("help")
        theirs = await play.type("help", user=people.MEMBER)
        assert "You are an operator" in mine
        assert "You are a member" in theirs
        assert "/golive close" in mine
        assert "/golive close" not in theirs
        assert "/golive status" in theirs
        typo = await play.type("stauts")
        assert "Did you mean `/golive status`?" in typo


@pytest.mark.parametrize("command", ["start v1", "close", "logs", "accept retries x", "checkpoint"])
async def test_a_member_is_told_what_only_operators_may(ground: Ground, command: str) -> None:
    """And nothing is done."""
    async with playing(ground) as play:
        said = await play.type(command, user=people.MEMBER)
        assert "Only operators may run" in said
        assert await play.stage.bot.store.open_watches() == ()


async def test_guests_and_strangers_get_nothing(ground: Ground) -> None:
    """Not even the reason of a typo; in a channel with people from outside nothing is changed."""
    async with playing(ground) as play:
        for user, channel in (
            (people.GUEST, CHANNEL),
            (people.SINGLE_CHANNEL_GUEST, CHANNEL),
            (people.STRANGER, people.SHARED),
        ):
            for command in ("status", "help", "stauts", "start v1"):
                said = await play.type(command, user=user, channel=channel)
                assert "full members of this workspace only" in said
        said = await play.type("start v1", channel=people.SHARED)
        assert "People from outside are in this channel" in said
        assert await play.stage.bot.store.open_watches() == ()


async def test_a_direct_message_is_about_the_release_channel(ground: Ground) -> None:
    """What is typed to the bot alone acts on GOLIVE_CHANNEL, and is answered where it was typed."""
    async with playing(ground) as play:
        direct = play.workspace.state.direct(people.OPERATOR).id
        await play.type("start v1", channel=direct)
        assert len(await play.stage.bot.store.open_watches()) == 1
        assert "Watch started" in play.one("Watch started").text
        await play.to(1)
        assert "`v1` · T+1" in await play.type("status", channel=direct)
        assert not [p for p in play.posts() if "live measured" in str(p.all_blocks())]
        shared = play.workspace.state.channel(CHANNEL)
        play.workspace.state.put_channel(replace(shared, is_ext_shared=True))
        await play.stage.timer.advance(timedelta(seconds=61))
        said = await play.type("close", channel=direct)
        assert "People from outside are in this channel" in said


async def test_two_channels_are_watched_at_once(ground: Ground) -> None:
    """Each has its own version, its own posts and its own end."""
    async with playing(ground) as play:
        await play.type("start v1")
        await play.type("start v2", channel=people.PRIVATE)
        await play.to(6)
        await play.type("close", channel=people.PRIVATE)
        await play.to(11)
        assert "`v1`" in play.one("checkpoint 1").text
        assert "`v2`" in play.one("Healthy", people.PRIVATE).text
        assert not [p for p in play.posts(people.PRIVATE) if "checkpoint 1" in p.text]


async def test_home_is_kept_current(ground: Ground) -> None:
    """Who opened it sees the watch begin and its newest verdict without opening it again."""
    async with playing(ground) as play:
        await play.workspace.actor.open_home(people.MEMBER)
        await play.stage.timer.rest()

        def shown() -> str:
            home = play.workspace.state.views.home(people.MEMBER)
            return str(home.blocks) if home is not None else ""

        assert "v1" not in shown()
        await play.type("start v1")
        await play.to(3)
        await play.workspace.until(lambda: "v1" in shown())
        play.workspace.faults.api.error("views.publish", "internal_error", times=5)
        await play.to(6)
        play.workspace.faults.api.clear()
        await play.to(12)
        await play.workspace.until(lambda: "GO" in shown())
