"""`python -m tests.faults`: the whole bot under faults, and a table of what was found.

Without arguments each kind of trouble is played for an hour, and as many hours as 200 kills of one
bot and 200 of one in two take, with operators making fixes among them. `--minutes N` plays a short
part of each kind and then kills and fixes until N minutes, set-up included, are over. The exit code
is 1 if anything was lost, doubled, out of order, left behind or executed twice, if a bot grew, or
if a secret was in a post, in a bot's output or in golive's tables.
A day without faults: `python -m tests.faults.soak`.
"""

from __future__ import annotations

import argparse
import asyncio
import sys

from bot.demo.postgres import EmbeddedPostgres, crm_schema
from bot.storage.store import Store
from tests.faults.bots import Nursery
from tests.faults.parts import SHORT, WHOLE
from tests.faults.table import Table
from tests.faults.world import Ground
from tests.support.secrecy.heard import HEARD
from tests.support.secrecy.slack import listen_to_slack


async def _play(ground: Ground, options: argparse.Namespace, table: Table) -> None:
    async with Store(ground.server.create_database(ground.store)):
        pass
    short = options.minutes is not None
    parts = SHORT if short else WHOLE
    table.head()
    table.beside(ground, parts.beside())
    for row in parts.once():
        await table.play(ground, row)
    for row in parts.without_end() if short else parts.again(options.kills):
        if not await table.play(ground, row):
            break
    await table.end()


def main() -> int:
    """Play, print, and say by the exit code whether anything was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--kills", type=int, default=200, help="of one bot, and of one in two")
    parser.add_argument("--minutes", type=float, help="a short part of each kind, so long in all")
    options = parser.parse_args()
    listen_to_slack()
    table = Table(minutes=options.minutes or float("inf"), heard=HEARD)
    with EmbeddedPostgres() as server, Nursery() as nursery:
        server.create_database("crm_template", script=crm_schema())
        ground = Ground(server=server, crm="crm_template", store="store_template", nursery=nursery)
        asyncio.run(_play(ground, options, table))
    return 1 if table.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
