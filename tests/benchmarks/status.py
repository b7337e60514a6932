"""`/golive status` for 200 people at once, over a large log and a large table.

    python -m tests.benchmarks.status --size 1GiB --rows 1000000

The bot runs in a process of its own, against a local workspace in this one, over real sockets.
Each round comes after the shared measurement has expired, so that one of the callers waits for a
new one. Prints how long Slack waited for the acks and people for the answers.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg

from bot.compose import open_bot
from bot.demo.postgres import EmbeddedPostgres, crm_schema
from bot.demo.workspace import people
from bot.demo.workspace.server import Workspace
from bot.logs import configure_logging
from bot.schedule import WallTimer
from bot.settings import Settings
from bot.watch.shared import SHARED
from checks import CHECKS
from checks.engine.runbook import load_runbook
from tests.benchmarks.generate import access_log
from tests.benchmarks.logs import size_of

_END = datetime(2026, 11, 23, 22, 0, tzinfo=UTC)
"""Where the generated log ends: the bot's clock goes on from there."""

_AT_ONCE = 200
_ACK_MS = 100.0
_ANSWER_MS = 1000.0

_ROWS = """
INSERT INTO units (name, slug)
SELECT 'Unit ' || n, 'unit-' || n FROM generate_series(1, 20) AS n;
INSERT INTO unit_whatsapp_connections (unit_id, instance_id, status, connected_at)
SELECT id, 'instance-' || slug, 'connected', %(end)s::timestamptz - interval '2 days' FROM units;
INSERT INTO contacts (phone) SELECT '5511' || n FROM generate_series(1, 5000) AS n;
INSERT INTO conversations (contact_id, unit_id, instance_id, created_at)
SELECT c.id, u.unit_id, u.id, %(end)s::timestamptz - interval '30 days'
FROM (SELECT id, row_number() OVER () AS n FROM contacts) AS c
JOIN (SELECT id, unit_id, row_number() OVER () AS n FROM unit_whatsapp_connections) AS u
  ON u.n = c.n %% 20 + 1;
INSERT INTO messages (conversation_id, sender, content, status, external_id, created_at)
SELECT v.id, CASE WHEN n %% 2 = 0 THEN 'agent' ELSE 'customer' END, 'hello ' || n,
       CASE WHEN n %% 2 = 0 THEN 'sent' ELSE 'received' END, 'WA' || n,
       %(end)s::timestamptz - (n * interval '30 days' / %(rows)s)
FROM generate_series(1, %(rows)s) AS n
JOIN (SELECT id, row_number() OVER () AS k FROM conversations) AS v ON v.k = n %% 5000 + 1;
ANALYZE;
"""


class _Clock:
    """Goes on from the end of the generated log, at the pace of the wall."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def now(self) -> datetime:
        return _END + timedelta(seconds=time.monotonic() - self._began)


async def serve(environment: dict[str, str]) -> None:
    """What the child process does: the bot, until its standard input is closed."""
    settings = Settings.from_environment(environment)
    clock = _Clock()
    timer = WallTimer(clock)
    timer.start()
    loop = asyncio.get_running_loop()
    async with open_bot(
        settings, load_runbook(checks=CHECKS), clock=clock, timer=timer, owner="benchmark"
    ):
        print("ready", flush=True)
        await loop.run_in_executor(None, sys.stdin.read)
    await timer.stop()


@contextlib.asynccontextmanager
async def _child(environment: dict[str, str]) -> AsyncGenerator[None, None]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.benchmarks.status",
        "--bot",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, **environment},
    )
    assert process.stdin is not None
    assert process.stdout is not None
    line = await process.stdout.readline()
    if line.strip() != b"ready":
        raise RuntimeError("The bot did not start.")
    try:
        yield
    finally:
        process.stdin.close()
        await process.wait()


async def one_round(workspace: Workspace) -> tuple[list[float], list[float]]:
    """So many commands at once; milliseconds to each ack, and to each answer."""
    answered: dict[str, float] = {}
    arrived = asyncio.Event()

    def look() -> None:
        now = time.perf_counter()
        for post in workspace.state.messages.of(people.RELEASES):
            answered.setdefault(post.ts, now)
        arrived.set()

    before = len(workspace.state.messages.of(people.RELEASES))
    unsubscribe = workspace.state.changes.subscribe(lambda _: look())
    look()
    known = set(answered)
    began = time.perf_counter()
    outcomes = await asyncio.gather(
        *(
            workspace.actor.command(people.OPERATOR, people.RELEASES, "/golive status")
            for _ in range(_AT_ONCE)
        )
    )
    await workspace.until(
        lambda: len(workspace.state.messages.of(people.RELEASES)) >= before + _AT_ONCE, seconds=60
    )
    unsubscribe()
    acks = [outcome.ack.seconds * 1000 for outcome in outcomes if outcome.ack is not None]
    return acks, [(at - began) * 1000 for ts, at in answered.items() if ts not in known]


def _figures(name: str, values: Sequence[float], bound: float) -> str:
    cut = statistics.quantiles(values, n=100)
    met = "met" if cut[98] <= bound else "NOT met"
    return (
        f"  {name:8}p50 {cut[49]:7.1f} ms   p99 {cut[98]:7.1f} ms   max {max(values):7.1f} ms"
        f"   target p99 ≤ {bound:g} ms: {met}"
    )


async def measure(size: int, rows: int, rounds: int, folder: Path) -> None:
    """Generate, start everything, ask, print."""
    log = folder / "access.log"
    access_log(log, size)
    with EmbeddedPostgres() as server:
        database = server.create_database("crm", script=crm_schema())
        store = server.create_database("store")
        with psycopg.connect(database, autocommit=True) as connection:
            cursor = psycopg.ClientCursor(connection)
            cursor.execute(_ROWS.encode(), {"end": _END, "rows": rows})
        async with Workspace(rate_limits=False) as workspace:
            environment = {
                "SLACK_BOT_TOKEN": workspace.credentials.bot_token,
                "SLACK_APP_TOKEN": workspace.credentials.app_token,
                "SLACK_API_URL": workspace.api_url,
                "GOLIVE_CHANNEL": people.RELEASES,
                "GOLIVE_STORE_URL": store,
                "GOLIVE_DATABASE_URL": database,
                "GOLIVE_LOG": str(log),
            }
            async with _child(environment):
                await workspace.connected(1)
                await one_round(workspace)  # the first look at everything
                acks: list[float] = []
                answers: list[float] = []
                for _ in range(rounds):
                    await asyncio.sleep(SHARED.total_seconds() + 1)
                    ack, answer = await one_round(workspace)
                    acks += ack
                    answers += answer
    print(
        f"{os.cpu_count()} cores, {log.stat().st_size / (1 << 20):.0f} MiB log, {rows:,} messages"
    )
    print(f"{rounds} rounds of {_AT_ONCE} /golive status at once, each after the last one expired")
    print(_figures("ack", acks, _ACK_MS))
    print(_figures("answer", answers, _ANSWER_MS))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--size", type=size_of, default=size_of("1GiB"))
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--dir", type=Path, default=None, help="where to write the log")
    parser.add_argument("--bot", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args(argv)
    configure_logging()
    if given.bot:
        asyncio.run(serve(dict(os.environ)))
        return 0
    with tempfile.TemporaryDirectory(dir=given.dir) as folder:
        asyncio.run(measure(given.size, given.rows, given.rounds, Path(folder)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
