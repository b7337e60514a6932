"""Nothing that golive does for a command holds the event loop: other people's clicks go on.

What a turn of the loop costs is measured in processor time of its own thread, so that a loaded
machine does not matter; by the clock only what no load explains is refused. Collecting garbage is
left out: it goes over all that the test process holds.
"""

from __future__ import annotations

import asyncio
import gc
import gzip
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from bot.commands.table import COMMANDS
from tests.bot.remediation.planted import T0, plant_failures
from tests.bot.remediation.slack import Bench, bench, button_ids
from tests.manifests.roles import RoleUrls
from tests.support.crm_rows import Rows
from tests.support.health import HealthServer

LONGEST = 0.1
"""Seconds of its own processor time that one turn of the loop may take."""

BLOCKED = 5.0
"""Seconds by the clock: nothing but a call that waits takes so long, on whatever machine."""

RECORDED = Path(__file__).parents[1] / "fixtures" / "crm" / "app.log.gz"


class MeasuredLoop(asyncio.SelectorEventLoop):
    """An event loop that keeps what its longest turns took."""

    def __init__(self) -> None:
        super().__init__()
        self.busy = 0.0
        self.lasted = 0.0
        self._collecting = self._collected = 0.0

    def collects(self, phase: str, info: object) -> None:
        """Told by the garbage collector when it begins and ends."""
        del info
        now = time.thread_time()
        if phase == "start":
            self._collecting = now
        elif threading.current_thread() is threading.main_thread():
            self._collected += now - self._collecting

    def reset(self) -> tuple[float, float]:
        """The longest turn since the last call: its own processor time, and by the clock."""
        found = (self.busy, self.lasted)
        self.busy = self.lasted = 0.0
        return found

    def _run_once(self) -> None:
        began, clock, collected = time.thread_time(), time.monotonic(), self._collected
        super()._run_once()  # pyright: ignore[reportUnknownMemberType, reportAttributeAccessIssue]
        busy = time.thread_time() - began - (self._collected - collected)
        self.busy = max(self.busy, busy)
        if busy > 0.001:  # a turn that does nothing waits in select, which is no blocking
            self.lasted = max(self.lasted, time.monotonic() - clock)


@dataclass(kw_only=True)
class Turns:
    """The longest turn of each thing that was done."""

    loop: MeasuredLoop
    took: dict[str, tuple[float, float]] = field(default_factory=dict[str, tuple[float, float]])

    async def of(self, name: str, act: Callable[[], Awaitable[object]]) -> None:
        """Do something, and keep its longest turn."""
        self.loop.reset()
        await act()
        self.took[name] = self.loop.reset()

    @property
    def too_long(self) -> dict[str, tuple[float, float]]:
        """What held the loop."""
        return {
            name: (busy, lasted)
            for name, (busy, lasted) in self.took.items()
            if busy > LONGEST or lasted > BLOCKED
        }


def hostile_lines() -> bytes:
    """Lines that a stranger can have written, costly to look at and to mask."""
    jwt = b"eyJhbGciOiJIUzI1NiJ9." * 400
    return b"".join(
        (
            b"GET /leads?x=" + b"eyJ" * 2_700 + b"\n",
            b"GET /leads?token=" + jwt + b"\n",
            b'203.0.113.7 - [[[[[ [23/Nov/2026:21:00:00 +0000] "' + b"[" * 8_000 + b'" 400 0\n',
            b"Authorization: Bearer " + b"A" * 8_000 + b"\n",
            b"[Message:" + b"0" * 8_000 + b"] Sent successfully\n",
        )
        * 8
    )


async def every_command(table: Bench, turns: Turns, log: Path) -> None:
    """Each command of the table once, as its example has it; the watch sees a bad hour."""
    examples = {entry.name: entry.example for entry in COMMANDS}
    examples["fix"] = "/golive fix reset_messages all"
    last = examples.pop("close")
    await turns.of("start", lambda: table.stage.command(examples.pop("start")))
    with log.open("ab") as file:
        file.write(gzip.decompress(RECORDED.read_bytes()) + hostile_lines())
    await turns.of("T+0", lambda: table.stage.timer.advance(timedelta(seconds=40)))
    await turns.of("a tick", lambda: table.stage.timer.advance(timedelta(seconds=60)))
    for name, example in examples.items():
        if name in {"fix", "rollback"}:
            await turns.of(name, lambda example=example: table.reopened(example))
        else:
            await turns.of(name, lambda example=example: table.stage.command(example))
    view = await table.reopened(examples["fix"])
    await turns.of("fix confirmed", lambda: table.submit(view))
    await turns.of("verified", lambda: table.stage.timer.advance(timedelta(minutes=3)))
    done = next(m for m in table.stage.posts if "golive.undo" in button_ids(m))
    await turns.of("fix undone", lambda: table.click(done, "golive.undo"))
    await turns.of("close", lambda: table.stage.command(last))


def test_no_command_holds_the_loop(roles: RoleUrls, store_database: str, tmp_path: Path) -> None:
    """Each turn of the loop is short, with an hour's log, hostile lines and 337 failed messages.

    Each connection has a key of its own, as long as whoever wrote the row liked.
    """
    log = tmp_path / "app.log"
    log.write_bytes(b"[INFO] started\n" * 10)
    with Rows(roles.owner) as rows:
        failures = plant_failures(rows)
        rows.run(
            "UPDATE unit_whatsapp_connections SET provider_config = jsonb_build_object("
            "'apiUrl', 'https://127.0.0.1:1', 'apiKey', repeat(md5(id::text), 256))"
        )
        talk = rows.conversation(failures.norte, created_at=T0 - timedelta(days=2))
        for number in range(300):
            rows.message(
                talk,
                created_at=T0 - timedelta(minutes=20, seconds=number),
                status="failed",
                retry_count=1,
                error_details=f"{number}: socket hang up " + "eyJ" * 3_000,
            )

    async def play() -> Turns:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, MeasuredLoop)
        turns = Turns(loop=loop)
        gc.callbacks.append(loop.collects)
        async with (
            HealthServer() as health,
            bench(roles, store_database, log=log, base_url=health.base_url) as table,
        ):
            await every_command(table, turns, log)
        return turns

    hooks = list(gc.callbacks)
    try:
        with asyncio.Runner(loop_factory=MeasuredLoop) as runner:
            turns = runner.run(play())
    finally:
        gc.callbacks[:] = hooks
    assert {entry.name for entry in COMMANDS} <= set(turns.took)
    assert turns.too_long == {}
