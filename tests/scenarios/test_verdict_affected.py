"""Whom a call says that the incident touches, as people in the channel read it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

import psycopg

from bot.demo.workspace.messages import Message
from bot.demo.workspace.server import Workspace
from tests.support.hand import HandClock
from tests.support.logs import exchange, stamped
from tests.support.replicas import Replicas, replicas
from tests.support.slack_bot import CHANNEL, at, settings_for
from tests.support.typing_people import LEAD, T0, Ground, Play, playing, words_of

UNITS = """
    SELECT u.id, u.name, w.id, w.webhook_secret
    FROM units AS u JOIN unit_whatsapp_connections AS w ON w.unit_id = u.id
    ORDER BY w.status, u.name
"""
CROSSING = """
    INSERT INTO conversations (id, unit_id, instance_id, contact_id, created_at)
    SELECT gen_random_uuid(), %s, %s, c.id, %s FROM contacts AS c LIMIT 1
"""


def affected(posts: Iterable[Message]) -> str:
    """What the one call among the posts says of it."""
    (call,) = [post for post in posts if LEAD in post.text and "Affected" in words_of(post)]
    found = re.search(r"\*Affected:\* ([^\n]+?)(?:\\n|\n|'|\")", words_of(call))
    assert found is not None
    return found[1]


async def test_a_leaked_secret_touches_its_unit(ground: Ground) -> None:
    """The webhook secret of one unit stands bare in the log."""
    async with playing(ground) as play:
        await play.type("start v1")
        with psycopg.connect(ground.database) as connection:
            unit = connection.execute(UNITS).fetchall()[0]
        await play.to(6)
        play.write(f"[ERROR] [Evolution] SendMessage Error: {unit[3]}")
        await play.to(8)
        assert affected(play.posts()) == f"1 of 4 units ({unit[1]})"


async def test_rows_that_cross_touch_both_units(ground: Ground) -> None:
    """A conversation of one unit on the connection of another."""
    async with playing(ground) as play:
        await play.type("start v1")
        await play.to(6)
        one, other = _cross(ground, play)
        await play.to(10)
        assert affected(play.posts()) == f"2 of 4 units ({one}, {other}), 1 contact"


def _cross(ground: Ground, play: Play) -> tuple[str, str]:
    with psycopg.connect(ground.database, autocommit=True) as connection:
        first, second, *_ = connection.execute(UNITS).fetchall()
        connection.execute(CROSSING, (first[0], second[2], play.stage.clock.now()))
    one, other = sorted((str(first[1]), str(second[1])))
    return one, other


async def test_a_total_outage_touches_everybody(tmp_path: Path, store_database: str) -> None:
    """Every request fails for seven minutes: nobody is counted, for it is everybody."""
    log = tmp_path / "app.log"
    log.write_text("")
    clock = HandClock(T0)
    async with Workspace(now=clock.now) as workspace:
        settings = settings_for(workspace, store_database, log=log)
        async with replicas(workspace, settings, clock, "first") as bots:
            await bots.command("start v1")
            await _traffic(bots, log, range(10), 200)
            await _traffic(bots, log, range(10, 33), 503)
            posts = [post for post in workspace.state.messages.of(CHANNEL) if post.text]
            said = affected(posts)
    assert re.fullmatch(r"everybody: no request was answered for \d+ min", said)


async def _traffic(bots: Replicas, log: Path, steps: range, status: int) -> None:
    """Two requests every twenty seconds, and the bot's time passing with them."""
    for step in steps:
        now = at(T0, step / 3)
        with log.open("a") as file:
            for n in (0, 1):
                lines = exchange(step * 2 + n, status, path=("/leads", "/inbox")[n])
                file.writelines(f"{line}\n" for line in stamped(lines, now + timedelta(seconds=n)))
        await bots.timer.reach(now + timedelta(seconds=5))
