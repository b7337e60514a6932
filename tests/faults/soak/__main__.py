"""`python -m tests.faults.soak`: a day of the bot with three channels, and what it holds.

The exit code is 1 if anything grew.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import sys
import tempfile
import time
from pathlib import Path

from bot.demo.databases import make_databases
from bot.demo.postgres import EmbeddedPostgres
from bot.logs import configure_logging
from tests.faults.soak.day import CYCLE, ROUND, open_soak
from tests.faults.soak.figures import Figures, Record
from tests.faults.soak.flat import grown


async def _play(server: EmbeddedPostgres, folder: Path, rounds: int) -> list[Figures]:
    began = time.monotonic()
    record = Record(folder / "figures.jsonl")
    scenarios = list(itertools.islice(itertools.cycle(CYCLE), rounds))
    async with open_soak(make_databases(server), folder) as soak:
        async for one in soak.rounds(scenarios):
            record.add(one)
            print(one, f"{time.monotonic() - began:6,.0f} s", flush=True)
        print(soak.done())
    return record.read()


def main() -> int:
    """Play, print, and say by the exit code whether anything grew."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.soak", description=__doc__)
    parser.add_argument("--hours", type=float, default=24.0, help="by the bot's clock")
    rounds = round(parser.parse_args().hours * 3600 / ROUND.total_seconds())
    configure_logging()
    with EmbeddedPostgres() as server, tempfile.TemporaryDirectory(prefix="golive-soak-") as folder:
        figures = asyncio.run(_play(server, Path(folder), rounds))
    wrong = grown(figures, cycle=len(CYCLE))
    print(*wrong, f"{len(wrong)} wrong", sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
