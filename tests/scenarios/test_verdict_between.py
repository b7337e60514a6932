"""Trouble between two checkpoints, as people see it: told at once, once, and when it is over."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace

from tests.support.health import HealthServer
from tests.support.typing_people import LEAD, Ground, Play, playing, words_of


@asynccontextmanager
async def watched(ground: Ground) -> AsyncGenerator[Play]:
    """A watch that began with the deploy, one minute on."""
    async with playing(ground) as play:
        await play.type("start v1")
        await play.to(1)
        yield play


def heads(play: Play, part: str) -> list[str]:
    """The first lines with these words, oldest first, without the message that is kept current."""
    return [
        head
        for post in play.posts()
        if part in (head := post.text.partition("\n")[0]) and "acknowledged" not in head
    ]


def mentions(play: Play) -> int:
    """How many posts mention the lead."""
    return sum(LEAD in post.text for post in play.posts())


async def test_a_no_go_is_posted_at_once_and_a_second_critical_escalates(ground: Ground) -> None:
    """Neither waits for T+10; the checkpoint says the same and calls nobody again."""
    async with watched(ground) as play:
        await play.bad(8)
        await play.to(2)
        post = play.one("between checkpoints")
        assert "✖ NO-GO" in post.text
        assert LEAD in post.text.partition("\n")[0]
        assert "HTTP 5xx: 8 of" in post.text
        assert post.thread_ts is not None
        assert post.reply_broadcast
        assert mentions(play) == 1
        await play.bad(60, status=401)
        await play.to(3)
        call = play.one("2 CRITICAL at once")
        assert LEAD in call.text
        assert "The last 50 lines of the log" in words_of(call)
        assert mentions(play) == 2
        await play.type("ack")
        await play.to(12)
        assert "✖ NO-GO" in play.one("checkpoint 1 (T+10)").text
        assert mentions(play) == 2


async def test_what_is_over_is_told_once_and_the_next_checkpoint_does_not_forget(
    ground: Ground,
) -> None:
    """Over after five minutes better; within a quarter of an hour the same calls nobody."""
    async with (
        HealthServer() as health,
        watched(replace(ground, base_url=health.base_url)) as play,
    ):
        health.healthy = False
        await play.to(1.5)
        assert heads(play, "between checkpoints") == []  # one try may fail by chance
        await play.to(2.5)
        call = play.one("between checkpoints")
        assert LEAD in call.text
        health.healthy = True
        await play.to(7)
        over = "The NO-GO is over"
        assert not [post for post in play.posts() if over in post.text]
        await play.to(8.5)
        (told,) = [post for post in play.posts() if over in post.text]
        assert "Health check" in told.text
        assert "NO-GO" not in told.text.partition("\n")[0]
        edited = play.one("between checkpoints")
        assert edited.text.startswith("*Over* · was *✖ NO-GO*")
        assert "golive.ack" not in str(edited.all_blocks())
        assert "golive.rollback" not in str(edited.all_blocks())
        health.healthy = False
        await play.to(9.8)
        again = heads(play, "between checkpoints")[1:]
        assert [LEAD in head for head in again] == [False]
        health.healthy = True
        await play.to(11)
        checkpoint = play.one("checkpoint 1 (T+10)")
        assert "✖ NO-GO" in checkpoint.text
        assert "better than before, but not for long enough" in checkpoint.text
        await play.to(16)
        assert len([post for post in play.posts() if over in post.text]) == 2
        assert mentions(play) == 1
