"""A small file system of its own that can be filled, and what happens when it is full."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
from psycopg import sql

from bot.demo.postgres import EmbeddedPostgres
from bot.demo.postgres_binaries import unprivileged_account
from bot.storage.store import Store
from tests.faults.opening import open_world
from tests.faults.truth import Verdict
from tests.faults.world import Ground
from tests.support.pg_proxy import Proxy

_MIB = 48
_BLOCK = 65_536
FULL = Path("/dev/full")
"""Whatever is written there, the disk is full."""


class NoVolumeError(Exception):
    """This user, or this system, may not mount a file system."""


class Volume:
    """A folder with a limited size."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"

    def fill(self) -> None:
        """Take all room that there is."""
        with self._ballast.open("ab", buffering=0) as file:
            for size in (_BLOCK, 1):
                with suppress(OSError):
                    while file.write(bytes(size)):
                        pass

    def empty(self) -> None:
        """Give it back."""
        self._ballast.unlink()


@contextmanager
def volume() -> Generator[Volume]:
    """A file system in memory.

    Raises:
        NoVolumeError: none can be mounted here.
    """
    folder = Path(tempfile.mkdtemp(prefix="golive-volume-", dir="/tmp"))
    try:
        mount = shutil.which("mount")
        done = (
            mount is not None
            and not subprocess.run(
                [mount, "-t", "tmpfs", "-o", f"size={_MIB}m", "tmpfs", str(folder)],
                capture_output=True,
                check=False,
            ).returncode
        )
        if not done:
            raise NoVolumeError("a file system of limited size can only be mounted by root")
        try:
            yield Volume(folder)
        finally:
            subprocess.run(["umount", "-l", str(folder)], check=True)
    finally:
        folder.rmdir()


async def hour_of_full_disk(ground: Ground, folder: Path, *, minutes: float = 66) -> Verdict:
    """The volume that holds the store's tables and the application's log is full for a while.

    Raises:
        NoVolumeError: there is no such volume here.
    """
    with volume() as small, EmbeddedPostgres() as server:
        store = _store_on(small, server)
        async with Store(store):
            pass  # its tables are there
        async with open_world(ground, folder, store=store, log=small.folder / "app.log") as world:
            await world.begin(2)
            for begins, ends in ((0.14, 0.25), (0.44, 0.6)):
                await world.reach(minutes * begins)
                small.fill()
                await world.reach(minutes * ends)
                small.empty()
            return await world.finish(minutes)


async def hour_without_own_log(ground: Ground, folder: Path, *, minutes: float = 66) -> Verdict:
    """The disk that golive's own log is written to is full while there is much to be logged."""
    store = ground.server.create_database(template=ground.store)
    async with (
        Proxy(upstream=store) as proxy,
        open_world(ground, folder, store=store, bots_store=proxy.url, output=FULL) as world,
    ):
        await world.begin(2)
        await world.reach(minutes * 0.2)
        world.workspace.faults.api.server_error("chat.postMessage", times=3)
        world.workspace.faults.api.rate_limit("*", times=8, retry_after=2)
        await world.reach(minutes * 0.35)
        proxy.disappear()
        await world.reach(minutes * 0.85)
        await proxy.come_back()
        world.workspace.sockets.drop()
        return await world.finish(minutes)


def _store_on(small: Volume, server: EmbeddedPostgres) -> str:
    """A database whose tables are on the volume; the server's own journal is not."""
    place = small.folder / "store"
    place.mkdir(mode=0o700)
    account = unprivileged_account()
    if account is not None:
        os.chown(place, account.uid, account.gid)
    with psycopg.connect(server.url(), autocommit=True) as connection:
        where = sql.Literal(str(place))
        connection.execute(sql.SQL("CREATE TABLESPACE small LOCATION {}").format(where))
        connection.execute("CREATE DATABASE store TEMPLATE template0 TABLESPACE small")
    return server.url("store")
