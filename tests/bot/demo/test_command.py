"""`golive demo` as somebody runs it: what it prints, how it ends, and what it leaves behind."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from bot.demo.scenarios import SCENARIOS
from tests.bot.shell import Golive
from tests.support.secrecy.heard import hear

_PAGE = re.compile(r"http://127\.0\.0\.1:(\d+)/")


def test_the_scenarios_are_listed(golive: Golive) -> None:
    """Each with what happens and how it ends."""
    ran = golive("demo", "--scenario", "list")
    assert ran.code == 0
    for scenario in SCENARIOS:
        assert scenario.name in ran.out
        assert f"Ends in {scenario.ends}." in ran.out


def test_a_scenario_that_there_is_not_is_refused(golive: Golive) -> None:
    """With the names that there are."""
    ran = golive("demo", "--scenario", "moon-landing")
    assert ran.code == 64
    assert "quiet-hour, secret-leak" in ran.err


class Demo:
    """A demo in a process of its own, with a folder of its own for what is temporary."""

    def __init__(self, process: subprocess.Popen[str], folder: Path) -> None:
        self.process = process
        self.folder = folder
        self.said: list[str] = []

    def until(self, words: str) -> str:
        """Read on until a line has these words; the line."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said.append(line)
            if words in line:
                return line
        raise AssertionError("".join(self.said))

    @property
    def port(self) -> int:
        """Of the page."""
        found = _PAGE.search(self.until("#incidents is at"))
        assert found is not None
        return int(found[1])

    def end(self) -> int:
        """Ctrl-C; the exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.ended()

    def ended(self) -> int:
        """Wait for the end; the exit code."""
        rest, _ = self.process.communicate(timeout=30)
        self.said.append(rest)
        return self.process.returncode


@contextmanager
def demo(folder: Path, *options: str) -> Generator[Demo]:
    """A running demo."""
    folder.mkdir()
    folder.chmod(0o755)
    process = subprocess.Popen(
        [sys.executable, "-m", "bot", "demo", "--headless", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "TMPDIR": str(folder), "PYTHONUNBUFFERED": "1"},
    )
    run = Demo(process, folder)
    try:
        yield run
    finally:
        if process.poll() is None:
            process.kill()
            run.ended()
        hear("a process's output", "".join(run.said))


def test_it_ends_by_itself_after_the_final_review(tmp_path: Path) -> None:
    """It says where the page is, prints each post, and ends with 0 though the verdict is NO-GO."""
    with demo(tmp_path / "tmp", "--speed", "400", "--port", "0") as run:
        assert run.port
        assert "GO so far" in run.until("checkpoint 1 (T+10)")
        assert "NO-GO" in run.until("final review (T+60)")
        run.until("the demo is over")
        assert run.ended() == 0
    assert list(run.folder.glob("golive-*")) == []


def test_ctrl_c_leaves_nothing_and_a_second_demo_does_not_mind(tmp_path: Path) -> None:
    """Two beside each other on the same wanted port; each ends alone, with all that it opened."""
    with demo(tmp_path / "one") as one, demo(tmp_path / "two") as two:
        ports = {one.port, two.port}
        assert len(ports) == 2
        one.until("checkpoint 1 (T+10)")
        assert one.end() == 130
        two.until("checkpoint 1 (T+10)")
        assert two.end() == 130
    for port in ports:
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", port)) != 0
    for folder in (one.folder, two.folder):
        assert list(folder.glob("golive-*")) == []
        assert not still_mentioned(folder)


def still_mentioned(folder: Path) -> list[str]:
    """Processes whose command names a folder."""
    found: list[str] = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = entry.read_bytes()
        except OSError:  # it ended in this moment
            continue
        if str(folder).encode() in command:
            found.append(str(entry))
    return found
