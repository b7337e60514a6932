"""Commands of a rollback as real processes: their end, their output, and what they leave behind."""

from __future__ import annotations

import asyncio
import os
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from bot.remediation.command import CannotStartError, Ended, run
from bot.remediation.output import READ, last_lines

LONG = timedelta(seconds=30)
SHORT = timedelta(seconds=0.3)


async def python(code: str, *arguments: str, within: timedelta = LONG) -> Ended:
    """Run some Python, with nothing in its environment but what is given here."""
    return await run(
        [sys.executable, "-c", code, *arguments], environment={"A": "b"}, within=within
    )


async def test_its_end_and_its_output() -> None:
    """Both streams, the exit code, no shell, and no environment but its own."""
    code = (
        "import os, sys\n"
        "print(sys.argv[1:], os.environ.get('HOME'))\n"
        "sys.stderr.write('bad\\n')\n"
        "sys.exit(3)\n"
    )
    ended = await python(code, "; echo $A")
    assert ended.code == 3
    assert sorted(last_lines(ended.said)) == ["['; echo $A'] None", "bad"]


async def test_a_signal_is_its_end_too() -> None:
    """A negative code, as everywhere in Python."""
    ended = await python("import os; os.kill(os.getpid(), 9)")
    assert ended.code == -9


@pytest.mark.parametrize("argv", [["/nowhere/railway"], ["/etc"], ["a\0b"]])
async def test_what_cannot_be_started(argv: list[str]) -> None:
    """Said as part of a sentence; nothing was run."""
    with pytest.raises(CannotStartError) as caught:
        await run(argv, environment={}, within=LONG)
    assert str(caught.value)
    assert "nowhere" not in str(caught.value)


async def test_a_flood_is_read_and_its_end_kept() -> None:
    """A command never waits for a reader; of ten megabytes the last lines stay."""
    ended = await python("for n in range(200_000): print(n, 'x' * 50)")
    assert (ended.code, ended.cut) == (0, True)
    assert len(ended.said) == READ
    lines = last_lines(ended.said, cut=ended.cut)
    assert len(lines) == 40
    assert lines[-1].startswith("199999 ")


async def test_a_secret_at_the_border_is_not_shown_in_half() -> None:
    """The first line of what is left may begin within one."""
    secret = "deploy-token-of-the-tests-1234567890"
    raw = (secret + "\nnext " + secret + "\n").encode()[12:]
    assert last_lines(raw, [secret], cut=True) == ("next [MASKED]",)


async def test_its_time_is_over() -> None:
    """It is ended, and has no exit code of its own."""
    ended = await python("import threading; threading.Event().wait()", within=SHORT)
    assert ended.code is None


@pytest.mark.parametrize("deaf", [False, True])
async def test_cancelled_it_is_ended_with_its_children(tmp_path: Path, deaf: bool) -> None:
    """As when golive is told to stop; also where it does not listen to being asked."""
    os.mkfifo(tmp_path / "pids")
    code = (
        "import os, signal, sys, threading\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN if sys.argv[2] else signal.SIG_DFL)\n"
        "child = os.fork()\n"
        "if child:\n"
        "    open(sys.argv[1], 'w').write(f'{os.getpid()} {child}')\n"
        "threading.Event().wait()\n"
    )
    task = asyncio.create_task(python(code, str(tmp_path / "pids"), "deaf" if deaf else ""))
    pids = await asyncio.to_thread((tmp_path / "pids").read_text)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    for pid in pids.split():
        await gone(int(pid))


async def test_what_it_leaves_behind_is_not_waited_for() -> None:
    """A child that keeps the output open does not keep the command's end from being seen."""
    code = (
        "import os, sys, threading\n"
        "if os.fork() == 0:\n"
        "    threading.Event().wait(3)\n"
        "    os._exit(0)\n"
        "print('done', flush=True)\n"
        "os._exit(0)\n"
    )
    ended = await python(code)
    assert (ended.code, last_lines(ended.said)) == (0, ("done",))


async def gone(pid: int) -> None:
    """Wait until a process is gone; a zombie of a parent that is gone is reaped by init."""
    while True:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        status = Path(f"/proc/{pid}/stat")
        if status.exists() and status.read_text().rpartition(")")[2].split()[0] == "Z":
            return
        await asyncio.sleep(0.01)
