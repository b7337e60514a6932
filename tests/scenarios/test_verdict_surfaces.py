"""One verdict at any instant: every place that shows where a watch stands says the same."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from bot.demo.workspace import people
from tests.support.typing_people import Ground, Play, playing, words_of

LEAK = "[Leads] Error: apikey: 'evoGlobal7Key24002596570ccf63ca2b'"


@asynccontextmanager
async def called(ground: Ground) -> AsyncGenerator[Play]:
    """A rollback criterion was met between two checkpoints, after a GO so far."""
    async with playing(ground) as play:
        await play.type("start v1")
        await play.workspace.actor.open_home(people.MEMBER)
        await play.to(1)
        await play.type("checkpoint")
        await play.to(2)
        assert "NO-GO" not in home(play)
        play.write(*["[ERROR] [Evolution] SendMessage Error: {", f"      {LEAK}", "}"])
        await play.to(3)
        yield play


def home(play: Play) -> str:
    """What a member's App Home shows."""
    view = play.workspace.state.views.home(people.MEMBER)
    return "" if view is None else str(view.blocks)


def status(play: Play) -> str:
    """The message that is kept up to date."""
    return words_of(next(post for post in play.posts() if post.ts == thread(play)))


def thread(play: Play) -> str | None:
    """The watch's thread."""
    return play.one("Watch started").thread_ts


async def surfaces(play: Play) -> dict[str, str]:
    """What each of them says."""
    asked = await play.type("status")
    listed = await play.type("history")
    await play.type("report")
    return {
        "status message": status(play),
        "App Home": home(play),
        "status": asked,
        "history": listed,
        "report": play.file("golive-report").partition("## Timeline")[0],
    }


async def test_a_criterion_met_between_checkpoints_is_everywhere(ground: Ground) -> None:
    """And nobody reads "nothing to do" while the lead is called to roll back."""
    async with called(ground) as play:
        call = play.one("Secrets appear unmasked")
        assert "roll back now" in call.text
        for name, said in (await surfaces(play)).items():
            assert "NO-GO" in said, name
            assert "nothing to do" not in said, name
            assert "GO so far" not in said.replace("NO-GO so far", ""), name


async def test_an_acknowledgement_is_in_the_call_itself(ground: Ground) -> None:
    """By whom and when; its button goes, and the status message still says NO-GO."""
    async with called(ground) as play:
        before = play.one("Secrets appear unmasked")
        assert "golive.ack" in str(before.all_blocks())
        await play.type("ack", user=people.MEMBER)
        call = play.one("Secrets appear unmasked")
        assert f"<@{people.MEMBER}> is on it since" in call.text
        assert "golive.ack" not in str(call.all_blocks())
        assert "golive.rollback" not in str(call.all_blocks()) or "golive.rollback" in str(
            before.all_blocks()
        )
        assert "The last 50 lines of the log" in words_of(call)
        said = await surfaces(play)
        assert {name: "NO-GO" in text for name, text in said.items()} == dict.fromkeys(said, True)
        assert "golive.ack" not in status(play)


async def test_the_call_of_a_watch_that_is_closed_is_over(ground: Ground) -> None:
    """It has no button that would act on nothing."""
    async with called(ground) as play:
        await play.type("close")
        call = play.one("Secrets appear unmasked")
        assert call.text.startswith("*Over* · was")
        assert "The watch is closed." in call.text
        assert "golive.rollback" not in str(call.all_blocks())
        assert "NO-GO" in await play.type("history")
