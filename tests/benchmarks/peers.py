"""What golive's scan is compared with: the runbook's greps, ripgrep, mtail."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

# The runbook's ten commands, as it writes them.
GREPS = (
    r'grep "HTTP.*5[0-9][0-9]" {log} | tail -20',
    r'grep "401\|403" {log} | wc -l',
    r'grep "unknown_instance" {log} | wc -l',
    r'grep "\[MASKED\]" {log} | head -5',
    r'grep -E "(sk-|eyJhbGciOiJ|Bearer [a-zA-Z0-9]{{20,}})" {log}'
    r' | grep -v "Authorization: Bearer \[MASKED\]"',
    r'grep "\[Message.*created\|sent\|received\]" {log} | grep "2026-11-23 21:" | wc -l',
    r'grep "Retry.*attempt" {log} | tail -10',
    r'grep "Webhook.*Message created" {log} | tail -10',
    r'grep "429" {log} | wc -l',
    r"grep 'Message.*created\|sent' {log} | wc -l",
)
RG = (
    r"HTTP.*5[0-9][0-9]",
    r"401|403",
    r"unknown_instance",
    r"\[MASKED\]",
    r"(sk-|eyJhbGciOiJ|Bearer [a-zA-Z0-9]{20,})",
    r"\[Message.*created|sent|received\]",
    r"Retry.*attempt",
    r"Webhook.*Message created",
    r"429",
    r"Message.*created|sent",
)
_MTAIL = r"""
counter responses by status
/" (?P<status>[1-5][0-9][0-9]) / {
  responses[$status]++
}
/^  status: (?P<status>[1-5][0-9][0-9]),/ {
  responses[$status]++
}
"""
_ENV = {**os.environ, "LC_ALL": "C.UTF-8"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """A peer's best time in seconds; None where it is not installed."""

    name: str
    seconds: float | None


def _best(commands: Sequence[str], runs: int = 3) -> float:
    best = float("inf")
    for _ in range(runs):
        begin = time.perf_counter()
        for command in commands:
            subprocess.run(
                ["/bin/sh", "-c", command], env=_ENV, stdout=subprocess.DEVNULL, check=False
            )
        best = min(best, time.perf_counter() - begin)
    return best


def run_peers(log: Path, union: Sequence[str], folder: Path) -> list[Timed]:
    """Time every peer on a log; `union` are the patterns that golive searches in one pass."""
    quoted = shlex.quote(str(log))
    program = folder / "statuses.mtail"
    program.write_text(_MTAIL)
    every = " ".join(f"-e {shlex.quote(pattern)}" for pattern in union)
    jobs = {
        "the runbook's ten greps": ("grep", [command.format(log=quoted) for command in GREPS]),
        "rg, ten passes": ("rg", [f"rg -c {shlex.quote(p)} {quoted}" for p in RG]),
        "rg, golive's patterns at once": ("rg", [f"rg -c {every} {quoted}"]),
        "mtail, statuses only": (
            "mtail",
            [f"mtail --one_shot --progs {program} --logs {quoted} --logtostderr 2>/dev/null"],
        ),
    }
    return [
        Timed(name=name, seconds=_best(commands) if shutil.which(tool) else None)
        for name, (tool, commands) in jobs.items()
    ]
