"""What the whole bot tells, and `golive run` as a process: ready, then drained by SIGTERM."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp

from bot.demo.workspace import people
from bot.demo.workspace.server import Workspace
from bot.storage.store import Store
from tests.bot.crm_log import text, traffic
from tests.bot.operations.telling import T0
from tests.bot.shell import OURS
from tests.support.hand import HandClock
from tests.support.secrecy.heard import hear
from tests.support.slack_bot import settings_for, staged

_END_WITHIN = 60.0
"""Seconds; whoever stops a pod waits 90."""

_START_WITHIN = 90.0
_LOOK_AGAIN = 0.05


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


async def get(url: str) -> tuple[int, str]:
    """Status and body; 0 where nobody listens."""
    try:
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            return answer.status, await answer.text()
    except aiohttp.ClientConnectionError:
        return 0, ""


async def test_a_watch_is_counted(tmp_path: Path, store_database: str) -> None:
    """Checks, scans, checkpoints, ticks, posts and calls, by what really happens."""
    log = tmp_path / "app.log"
    log.write_text(text(traffic(*([200] * 40))), encoding="utf-8")
    clock = HandClock(T0)
    port = free_port()
    async with Workspace(now=clock.now) as workspace:
        settings = settings_for(workspace, store_database, log=log).model_copy(
            update={"metrics_port": port, "metrics_host": "127.0.0.1"}
        )
        async with staged(workspace, settings, clock) as stage:
            await stage.command("/golive start v1")
            await stage.timer.advance(timedelta(minutes=6))
            # The socket's watchdog looks every five seconds of a clock that was just moved.
            await stage.timer.advance(timedelta(seconds=6))
            ready, _ = await get(f"http://127.0.0.1:{port}/readyz")
            healthy, _ = await get(f"http://127.0.0.1:{port}/healthz")
            _, told = await get(f"http://127.0.0.1:{port}/metrics")
    assert (ready, healthy) == (200, 200)
    values = {
        name: float(value)
        for name, value in re.findall(r"^(golive_\S+) (\S+)$", told, re.MULTILINE)
    }
    assert values["golive_checkpoint_lateness_seconds_count"] >= 2
    assert values['golive_check_duration_seconds_count{run="point"}'] >= 2
    assert values['golive_check_duration_seconds_count{run="tick"}'] >= 5
    assert values['golive_ticks_total{outcome="ok"}'] >= 10
    assert values['golive_posts_total{outcome="sent"}'] >= 3
    assert values['golive_slack_calls_total{method="chat.postMessage",outcome="ok"}'] >= 2
    assert values["golive_scan_bytes_total"] >= log.stat().st_size
    assert values["golive_last_successful_tick_timestamp_seconds"] >= T0.timestamp()
    assert (values["golive_outbox_depth"], values["golive_store_errors_total"]) == (0, 0)
    assert sum(n for name, n in values.items() if name.startswith("golive_checks_total")) > 20


# --- as a process -------------------------------------------------------------------------------


@dataclass(slots=True, kw_only=True)
class Running:
    """`golive run`."""

    process: asyncio.subprocess.Process
    base: str
    written: Path

    async def until(self, path: str, status: int) -> str:
        """Ask until it answers so."""
        async with asyncio.timeout(_START_WITHIN):
            while True:
                found, body = await get(f"{self.base}{path}")
                if found == status:
                    return body
                assert self.process.returncode is None, self.written.read_text("utf-8")
                await asyncio.sleep(_LOOK_AGAIN)

    async def wrote(self, words: str) -> None:
        """Wait until it has logged something."""
        async with asyncio.timeout(_START_WITHIN):
            while True:
                if words in self.written.read_text("utf-8"):
                    return
                await asyncio.sleep(_LOOK_AGAIN)


@asynccontextmanager
async def running(
    workspace: Workspace, store: str, folder: Path, **further: str
) -> AsyncGenerator[Running]:
    """The command, with stderr in a file."""
    port = free_port()
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(OURS)},
        "SLACK_BOT_TOKEN": workspace.credentials.bot_token,
        "SLACK_APP_TOKEN": workspace.credentials.app_token,
        "SLACK_API_URL": workspace.api_url,
        "GOLIVE_CHANNEL": people.RELEASES,
        "GOLIVE_OPERATORS": people.OPERATOR,
        "GOLIVE_STORE_URL": store,
        "GOLIVE_METRICS_PORT": str(port),
        "GOLIVE_METRICS_HOST": "127.0.0.1",
        **further,
    }
    written = folder / "stderr.txt"
    with written.open("wb") as stderr:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bot", "run", "--log-level", "debug", stderr=stderr,
            env=environment,
        )  # fmt: skip
    try:
        yield Running(process=process, base=f"http://127.0.0.1:{port}", written=written)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        hear("a process's output", written.read_text("utf-8"))


async def test_run_is_drained_by_sigterm_and_writes_nothing_secret(
    tmp_path: Path, store_database: str
) -> None:
    """Ready, watching, then SIGTERM: what it began is recorded and posted, and it ends with 0."""
    log = tmp_path / "app.log"
    log.write_text(text(traffic(*([200] * 40))), encoding="utf-8")
    planted = "planted-0123456789abcdef"
    async with Workspace() as workspace:
        further = {
            "GOLIVE_LOG": str(log),
            "GOLIVE_PING_URL": f"http://127.0.0.1:1/{planted}",
            "GOLIVE_SECRETS": "PLANTED",
            "PLANTED": planted,
        }
        async with running(workspace, store_database, tmp_path, **further) as bot:
            assert json.loads(await bot.until("/readyz", 200))["ok"] is True
            await workspace.actor.command(people.OPERATOR, people.RELEASES, "/golive start v1")
            bot.process.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(bot.process.wait(), _END_WITHIN) == 0
        written = bot.written.read_text("utf-8")
        async with Store(store_database) as store:
            watches = await store.open_watches()
    lines: list[dict[str, Any]] = [json.loads(line) for line in written.splitlines()]
    assert [watch.version for watch in watches] == ["v1"]
    assert [entry["event"] for entry in lines if entry["event"].startswith("golive ")] == [
        "golive runs",
        "golive ends",
    ]
    assert "the dead man's switch was not reached" in {entry["event"] for entry in lines}
    tokens = (workspace.credentials.bot_token, workspace.credentials.app_token)
    assert [secret for secret in (planted, *tokens) if secret in written] == []


async def test_it_lives_while_the_store_is_away(tmp_path: Path) -> None:
    """Not ready, with the reason; alive all the same, for a restart would mend nothing."""
    away = f"postgresql://golive@127.0.0.1:{free_port()}/golive"
    async with Workspace() as workspace, running(workspace, away, tmp_path) as bot:
        await bot.until("/healthz", 200)
        await workspace.connected()
        told = json.loads(await bot.until("/readyz", 503))
        assert told["parts"]["store"]["ok"] is False
        assert told["parts"]["store"]["why"]
        bot.process.terminate()
        assert await asyncio.wait_for(bot.process.wait(), _END_WITHIN) == 0


async def test_lines_of_a_watch_carry_its_id(tmp_path: Path, store_database: str) -> None:
    """Deployment and checkpoint are bound where their work is done."""
    async with Workspace() as workspace:
        async with running(workspace, store_database, tmp_path) as bot:
            await bot.until("/readyz", 200)
            await workspace.actor.command(people.OPERATOR, people.RELEASES, "/golive start v1")
            await bot.wrote('"event": "taken"')
            bot.process.terminate()
            assert await asyncio.wait_for(bot.process.wait(), _END_WITHIN) == 0
        async with Store(store_database) as store:
            (watch,) = await store.open_watches()
    entries = [json.loads(line) for line in bot.written.read_text("utf-8").splitlines()]
    (taken, *_) = [entry for entry in entries if entry["event"] == "taken"]
    assert taken["deployment"] == str(watch.id)
    assert taken["checkpoint"]
    assert "deployment" not in next(e for e in entries if e["event"] == "golive ends")
