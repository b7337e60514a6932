"""`python -m tests.faults.soak`: a day of the bot with three channels, and what it holds.

The exit code is 1 if anything grew.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from bot.demo.postgres import EmbeddedPostgres, crm_schema
from tests.faults.soak.day import grown, soak


def main() -> int:
    """Play, print, and say by the exit code whether anything grew."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.soak", description=__doc__)
    parser.add_argument("--hours", type=float, default=24.0, help="by the bot's clock")
    options = parser.parse_args()
    with EmbeddedPostgres() as server, tempfile.TemporaryDirectory(prefix="golive-soak-") as folder:
        urls = (server.create_database(), server.create_database(script=crm_schema()))
        figures = asyncio.run(soak(urls, Path(folder), hours=options.hours))
    print(*figures, sep="\n")
    wrong = grown(figures)
    print(*wrong, f"{len(wrong)} wrong", sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
