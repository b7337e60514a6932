"""golive's log scan beside the runbook's greps, ripgrep and mtail, in one run.

    python -m tests.benchmarks.logs --size 1GiB
    python -m tests.benchmarks.logs --size 256MiB --grow 10MiB --format access

Warm cache, best of three. golive runs in a process of its own, so that its peak memory is its own.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import cast

from checks import CHECKS
from checks.engine.masking import SHAPES
from checks.engine.model import LogEvidence, Window
from checks.engine.runbook import load_runbook
from checks.sources.logs.file_log import FileLog
from checks.sources.logs.profile import Profile, compile_profiles
from checks.sources.logs.source import ScanRequest, ScanState
from tests.benchmarks.generate import access_log, crm_log
from tests.benchmarks.peers import run_peers

_UNITS = {"": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
_WRITERS = {"access": access_log, "crm": crm_log}
_PROFILES = {"access": "access-log", "crm": "crm-console"}
_NOW = datetime(2026, 11, 23, 22, 0, tzinfo=UTC)
_RUNS = 3
# (what, at most or at least, bound): what the log engine is built to reach.
_TARGETS = {"access": {"greps": 10.0, "rg": 2.0}, "crm": {"greps": 2.0}}
_MAX_MEMORY_MB = 120
_MAX_GROWTH_MS = 50


def size_of(text: str) -> int:
    """Bytes of "1GiB", "64MiB", "512KiB" or a plain number.

    Raises:
        argparse.ArgumentTypeError: it is none of these, or zero.
    """
    match = re.fullmatch(r"(\d+)(KiB|MiB|GiB|)", text)
    if match is None or int(match[1]) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no size; write 64MiB or 1GiB")
    return int(match[1]) * _UNITS[match[2]]


@lru_cache(maxsize=1)
def profiles() -> tuple[Profile, ...]:
    """The formats of the shipped runbook."""
    return compile_profiles(load_runbook(checks=CHECKS).log.profiles)


async def scan(path: Path, state: ScanState | None = None) -> tuple[LogEvidence, ScanState]:
    """One scan of all signals, per minute, from the first byte on or from a state."""
    log = FileLog([path], profiles=profiles(), zone=UTC, now=lambda: _NOW)
    window = Window(since=datetime(2026, 11, 23, 21, 0, tzinfo=UTC), until=_NOW)
    request = ScanRequest(window=window, since_offset=0, fingerprint_key=b"benchmark")
    return await log.scan(request, state)


def measure_alone(path: Path, grow: Path | None) -> dict[str, object]:
    """What the child process does: time the scans, then one more after the log has grown."""
    best, growth = float("inf"), float("inf")
    evidence, state = asyncio.run(scan(path))  # also compiles the patterns and warms the cache
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000  # of one scan, not of four
    for _ in range(_RUNS):
        begin = time.perf_counter()
        evidence, state = asyncio.run(scan(path))
        best = min(best, time.perf_counter() - begin)
    counts = {signal: found.count for signal, found in evidence.signals.items()}
    if grow is not None:
        with path.open("ab") as log:
            log.write(grow.read_bytes())
        for _ in range(_RUNS):
            begin = time.perf_counter()
            asyncio.run(scan(path, state))
            growth = min(growth, time.perf_counter() - begin)
    return {"seconds": best, "counts": counts, "peak_mb": peak, "growth_ms": growth * 1000}


def _child(path: Path, grow: Path | None) -> dict[str, object]:
    command = [sys.executable, "-m", "tests.benchmarks.logs", "--child", str(path)]
    if grow is not None:
        command += ["--child-grow", str(grow)]
    ran = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
    return json.loads(ran.stdout)


def _for_ripgrep(pattern: str) -> str:
    """The pattern without what ripgrep's dialect refuses: escaped quotes and repeated names."""
    return re.sub(r"\(\?P<\w+>", "(", pattern.replace('\\"', '"'))


def _met(value: float, bound: float, *, at_least: bool) -> str:
    good = value >= bound if at_least else value <= bound
    return f"target {'≥' if at_least else '≤'} {bound:g}: {'met' if good else 'NOT met'}"


def compare(kind: str, size: int, grow: int | None, folder: Path) -> bool:
    """Generate, run everything, print the table; whether golive's counts are the true ones."""
    path, more = folder / f"{kind}.log", folder / f"{kind}.more"
    truth = _WRITERS[kind](path, size)
    if grow is not None:
        _WRITERS[kind](more, grow, seed=2)
    mebibytes = path.stat().st_size / (1 << 20)
    profile = next(p for p in profiles() if p.name == _PROFILES[kind])
    union = [*(p.source.decode() for p in profile.patterns), *(s.probe for s in SHAPES)]
    peers = run_peers(path, [_for_ripgrep(pattern) for pattern in union], folder)
    told = _child(path, more if grow is not None else None)
    seconds, peak = float(str(told["seconds"])), float(str(told["peak_mb"]))
    print(f"\n{kind}: {mebibytes:.0f} MiB, {profile.name}")
    print(
        f"  {'golive, all signals per minute':34}{seconds:8.2f} s {mebibytes / seconds:7.0f} MiB/s"
    )
    for peer in peers:
        if peer.seconds is None:
            print(f"  {peer.name:34}  not installed")
            continue
        ratio = peer.seconds / seconds
        bound = _TARGETS[kind].get("greps" if "greps" in peer.name else "rg")
        passes = "ten" in peer.name and bound is not None
        target = f"  {_met(ratio, bound, at_least=True)}" if passes and bound else ""
        print(
            f"  {peer.name:34}{peer.seconds:8.2f} s {mebibytes / peer.seconds:7.0f} MiB/s"
            f"   {ratio:5.1f} × golive{target}"
        )
    print(f"  peak memory {peak:.0f} MB  {_met(peak, _MAX_MEMORY_MB, at_least=False)}")
    if grow is not None:
        growth = float(str(told["growth_ms"]))
        print(
            f"  next scan after {grow / (1 << 20):.0f} MiB more: {growth:.0f} ms  "
            f"{_met(growth, _MAX_GROWTH_MS, at_least=False)}"
        )
    counts = cast("dict[str, int]", told["counts"])
    wrong = {s: (counts.get(s, 0), n) for s, n in truth.items() if counts.get(s, 0) != n}
    events = sum(truth.values()) / (mebibytes * 1024)
    print(f"  bound by {events:.1f} counted events a KiB")
    print("  counts: all true" if not wrong else f"  counts: WRONG {wrong}")
    return not wrong


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark; non-zero only if a count is wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--size", type=size_of, default=size_of("256MiB"))
    parser.add_argument("--grow", type=size_of, default=None)
    parser.add_argument("--format", choices=("access", "crm", "both"), default="both")
    parser.add_argument("--dir", type=Path, default=None, help="where to write the logs")
    parser.add_argument("--child", type=Path, default=None, help=argparse.SUPPRESS)
    parser.add_argument("--child-grow", type=Path, default=None, help=argparse.SUPPRESS)
    given = parser.parse_args(argv)
    if given.child is not None:
        print(json.dumps(measure_alone(given.child, given.child_grow)))
        return 0
    print(f"{os.cpu_count()} cores, Python {sys.version.split()[0]}, warm cache, best of {_RUNS}")
    kinds = ("access", "crm") if given.format == "both" else (given.format,)
    with tempfile.TemporaryDirectory(dir=given.dir) as folder:
        right = [compare(kind, given.size, given.grow, Path(folder)) for kind in kinds]
    return 0 if all(right) else 1


if __name__ == "__main__":
    sys.exit(main())
