"""The README is run as it stands: its commands exist, and its "Add a check" works."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from bot.commands import COMMANDS
from tests.support.secrecy.heard import hear

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")

LOG = """[INFO] [REQ] GET /leads { requestId: 'a1', ip: '::1' }
[Message:18bfbc60-5367-4f9b-b138-fb51923915ff] Send attempt 1 failed: socket hang up
[INFO] [RES] GET /leads {
  requestId: 'a1',
  status: 200,
  duration: 7
}
"""


def block(marker: str) -> str:
    """The fenced block behind an HTML comment of the README."""
    found = re.search(rf"<!-- {re.escape(marker)} -->\n```\w+\n(.+?)```", README, re.DOTALL)
    assert found is not None, marker
    return found.group(1)


def test_adding_a_check_by_the_readme_works(tmp_path: Path) -> None:
    """Following "Add a check" step by step gives a seventeenth check that judges a real line."""
    shutil.copytree(ROOT / "checks", tmp_path / "checks")
    shutil.copytree(ROOT / "bot", tmp_path / "bot")
    shutil.copytree(ROOT / "manifests", tmp_path / "manifests")
    code = block("file: checks/send_attempts.py")
    bounds = block("yaml: checks")
    (tmp_path / "checks" / "send_attempts.py").write_text(code)
    names = tmp_path / "checks" / "__init__.py"
    text = names.read_text()
    text = text.replace("from checks import (", "from checks import (\n    send_attempts,")
    names.write_text(text.replace("= (\n", "= (\n    send_attempts.CHECK,\n", 1))
    runbook = tmp_path / "manifests" / "runbook.yaml"
    given = re.sub(r"(?m)^checks:.*\n", lambda m: m.group() + bounds, runbook.read_text())
    runbook.write_text(given)
    log = tmp_path / "app.log"
    log.write_text(LOG)
    command = [sys.executable, "-m", "bot", "check", "--log", str(log), "--since-offset", "0"]
    ran = subprocess.run(
        [*command, "--only", "send_attempts", "--format", "json"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    hear("a process's output", f"{ran.stdout}\n{ran.stderr}")
    assert ran.stdout, ran.stderr
    (finding,) = json.loads(ran.stdout)["findings"]
    assert (finding["check"], finding["level"], finding["value"]) == ("send_attempts", "OK", 1)


def test_adding_a_check_takes_at_most_25_lines() -> None:
    """What somebody writes to add a check, blank lines left out, is at most 25 lines."""
    written = block("file: checks/send_attempts.py") + block("yaml: checks")
    assert len([line for line in written.splitlines() if line.strip()]) + 2 <= 25


def test_both_commands_set_up_everything_themselves() -> None:
    """Each of the two commands makes its environment from the lock file and then does its job."""
    for marker, job in (("command: demo", "golive demo"), ("command: tests", "-m pytest")):
        command = block(marker)
        assert command.startswith("python3 -m venv .venv &&")
        assert "--require-hashes -r requirements.txt" in command
        assert job in command


def test_the_lock_file_pins_every_dependency_with_hashes() -> None:
    """Each direct dependency of pyproject.toml is in requirements.txt, pinned and hashed."""
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    lock = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    names = re.findall(r'(?m)^    "([A-Za-z0-9_-]+)(?:\[[a-z,]+\])?[>=<]', project)
    assert len(names) > 15
    for name in names:
        pattern = rf"(?mi)^{re.escape(name)}(\[[a-z,]+\])?==.+\n    --hash=sha256:"
        assert re.search(pattern, lock), name


def test_the_commands_are_those_of_the_code() -> None:
    """Each command stands in the README's table with its arguments and who may run it."""
    rows = re.findall(r"(?m)^\| `([^`]+)` \| [^|]+ \| (operators|members) \|$", README)
    there = {(command.usage.removeprefix("/golive "), f"{command.who}s") for command in COMMANDS}
    assert set(rows) == there


def test_setting_up_slack_takes_at_most_eight_steps() -> None:
    """Numbered steps, from the manifest to the first watch."""
    section = README.partition("## Set it up in Slack")[2].partition("\n## ")[0]
    numbers = [int(n) for n in re.findall(r"(?m)^(\d+)\. ", section)]
    assert numbers == list(range(1, len(numbers) + 1))
    assert 1 < len(numbers) <= 8


def test_what_golive_was_tried_against_can_be_run() -> None:
    """Each program of the table has the options that it is given there; and CI plays its part."""
    commands = re.findall(r"(?m)^\| `(tests\.[^`]+)` \|", README)
    assert len(commands) >= 5
    for command in commands:
        module, *options = command.split()
        asked = [sys.executable, "-m", module, "--help"]
        ran = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stderr
        assert all(option in ran.stdout for option in options if option.startswith("--"))
    assert "python -m tests.faults --minutes 5" in (ROOT / ".ci" / "run").read_text("utf-8")
