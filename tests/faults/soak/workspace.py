"""`python -m tests.faults.soak.workspace`: the workspace as a process of its own.

What it keeps (every message, every call) is no part of what the bot holds. The first line of its
output says where it is; it ends with its stdin.
"""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace

from bot.demo.workspace import people
from bot.demo.workspace.control import Control
from bot.demo.workspace.server import Workspace

THIRD = "C0THIRD0006"
CHANNELS = (people.RELEASES, people.PRIVATE, THIRD)
"""Where a watch runs."""


async def serve() -> None:
    """Serve until nobody holds the other end of stdin."""
    workspace = Workspace(rate_limits=False)
    private = workspace.state.channel(people.PRIVATE)
    workspace.state.put_channel(replace(private, id=THIRD, name="third"))
    Control(workspace)
    async with workspace:
        sys.stdout.write(f"{workspace.base_url}\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(serve())
