"""What happens to the bots' store: restarted, stopped, slow, full of connections, replaced."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import psycopg

from bot.demo.postgres import EmbeddedPostgres
from bot.demo.workspace import people
from tests.faults.opening import open_world
from tests.faults.truth import Verdict, rows
from tests.faults.world import CHANNELS, Ground, World
from tests.support.pg_proxy import Proxy

_BACKEND = """
    SELECT pid FROM pg_stat_activity WHERE application_name = 'golive' AND pid <> pg_backend_pid()
"""


@asynccontextmanager
async def open_store_world(
    ground: Ground, folder: Path
) -> AsyncGenerator[tuple[World, EmbeddedPostgres, Proxy], None]:
    """A world whose store has a server of its own, which may crash."""
    with EmbeddedPostgres() as server:
        store = server.create_database("store")
        async with (
            Proxy(upstream=store) as proxy,
            open_world(ground, folder, store=store, bots_store=proxy.url) as world,
        ):
            yield world, server, proxy


async def hour_of_store_trouble(
    world: World, server: EmbeddedPostgres, proxy: Proxy, *, minutes: float = 66
) -> Verdict:
    """Each kind of trouble once, at a checkpoint or on the way to one."""
    world.clock.begin()
    world.start_bot()
    await world.connected()
    await world.until(lambda: _has_tables(world.store))
    await world.start_watches()
    await world.reach(minutes * 0.15)
    await _crash(server)
    await world.reach(minutes * 0.3)
    proxy.disappear()
    await world.reach(minutes * 0.42)
    await proxy.come_back()
    await world.reach(minutes * 0.5)
    proxy.delay = 0.02
    await world.reach(minutes * 0.65)
    proxy.delay = 0.0
    await _fill(world, server, proxy, until=minutes * 0.8)
    return await world.finish(minutes)


def _has_tables(url: str) -> bool:
    found = rows(url, "SELECT to_regclass('golive.audit_log') IS NOT NULL AS there")
    return bool(found[0]["there"])


async def _crash(server: EmbeddedPostgres) -> None:
    """Kill one of the server's processes: it ends all connections and recovers, as after a crash.

    The server's process stays the same, so that its folder is removed with it at the end.
    """
    for row in rows(server.url(), _BACKEND)[:1]:
        os.kill(row["pid"], signal.SIGKILL)
    while True:
        try:
            rows(server.url(), "SELECT 1 AS one")
        except psycopg.OperationalError:
            await asyncio.sleep(0.02)
        else:
            return


async def _fill(world: World, server: EmbeddedPostgres, proxy: Proxy, *, until: float) -> None:
    """Take every connection that the server has, and those of the bots too."""
    taken: list[psycopg.Connection[tuple[object, ...]]] = []
    proxy.cut()
    try:
        for _ in range(200):
            try:
                taken.append(psycopg.connect(server.url()))
            except psycopg.OperationalError:
                break
        await world.reach(until)
    finally:
        for connection in taken:
            connection.close()


async def replaced_store(world: World, server: EmbeddedPostgres, proxy: Proxy) -> Verdict:
    """Put an empty database in the store's place under two bots; what is wrong afterwards."""
    world.clock.begin()
    bots = [world.start_bot() for _ in range(2)]
    await world.connected(2)
    await world.until(lambda: _has_tables(world.store))
    await world.start_watches()
    await world.until(lambda: len(world.said("checkpoint 1")) == len(CHANNELS))
    _replace(server, proxy)
    before = len(world.messages)
    await world.until(lambda: len(world.said("golive lost its state")) >= len(CHANNELS))
    await world.reach(35)
    wrong: list[str] = []
    fresh = [message.text.partition("\n")[0] for message in world.messages[before:]]
    if len(world.said("golive lost its state")) != len(CHANNELS):
        wrong.append("the loss was said more than once a channel")
    if any("checkpoint" in line and "lost its state" not in line for line in fresh):
        wrong.append(f"something of the old watches was said: {fresh}")
    if rows(world.store, "SELECT FROM golive.deployments"):
        wrong.append("a watch began by itself")
    await world.command("/golive status")
    await world.until(lambda: bool(world.said("last hour")))
    await world.start_watches((people.RELEASES,))
    if not all(bot.runs for bot in bots):
        wrong.append("a bot ended")
    return Verdict(lost=wrong, resident=(world.before, await world.weigh()))


def _replace(server: EmbeddedPostgres, proxy: Proxy) -> None:
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute("ALTER DATABASE store ALLOW_CONNECTIONS false")
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'store'"
        )
        proxy.cut()
        connection.execute("DROP DATABASE store WITH (FORCE)")
        connection.execute("CREATE DATABASE store TEMPLATE template0")
