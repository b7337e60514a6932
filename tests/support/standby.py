"""A hot standby of an embedded PostgreSQL, by the wheel's own pg_basebackup."""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import psycopg

from bot.demo.postgres_binaries import find_binaries, temporary_folder, unprivileged_account

_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
_SECONDS = 20.0


@contextmanager
def standby_of(url: str) -> Generator[str]:
    """A standby that follows the server of this URL; the same database there, by the same user."""
    account = unprivileged_account()
    folder = temporary_folder(account)
    user = None if account is None else account.uid
    group = None if account is None else account.gid
    try:
        binaries, data = find_binaries(account, folder), folder / "data"
        subprocess.run(
            [
                *(str(binaries / "pg_basebackup"), "-d", url, "-D", str(data)),
                *("-R", "-X", "stream", "-c", "fast", "--no-sync"),
            ],
            check=True,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            cwd="/",
            env=_ENVIRONMENT,
            user=user,
            group=group,
            extra_groups=None if account is None else [],
        )
        with (folder / "server.log").open("wb") as log:
            server = subprocess.Popen(
                [str(binaries / "postgres"), "-D", str(data), "-k", str(folder)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env=_ENVIRONMENT,
                user=user,
                group=group,
                extra_groups=None if account is None else [],
            )
        try:
            there = url.replace(_host(url), str(folder))
            _wait(there)
            yield there
        finally:
            server.send_signal(signal.SIGQUIT)
            server.wait(_SECONDS)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _host(url: str) -> str:
    (host,) = parse_qs(urlsplit(url).query)["host"]
    quoted = urlsplit(url).query.partition("host=")[2].partition("&")[0]
    return quoted if Path(unquote(host)).is_dir() else host


def _wait(url: str) -> None:
    """Until it answers and receives what its primary writes."""
    deadline = time.monotonic() + _SECONDS
    while True:
        try:
            with psycopg.connect(url, connect_timeout=5) as connection:
                row = connection.execute("SELECT count(*) FROM pg_stat_wal_receiver").fetchone()
            if row == (1,):
                return
        except psycopg.OperationalError:
            pass
        if time.monotonic() > deadline:
            raise TimeoutError("The standby did not begin to receive.")
        time.sleep(0.02)
