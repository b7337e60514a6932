"""What the use cases behind the commands share: the parts of a watch, and a look that is shared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from bot.clock import Clock
from bot.desk import Call
from bot.storage.store import Store
from bot.watch.knowing import Known, present, subject
from bot.watch.lookout import Lookout
from bot.watch.running import Running
from bot.watch.saying import Speech
from bot.watch.taking import Taker
from checks.engine.model import Report
from checks.engine.runbook import Runbook


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a watch is made of.

    checks: ids of all checks
    wake:   tells the sender that there is something in the outbox
    """

    store: Store
    lookout: Lookout
    speech: Speech
    taker: Taker
    running: Running
    checks: tuple[str, ...]
    runbook: Runbook
    clock: Clock
    wake: Callable[[], None]

    async def look(self, known: Known, call: Call) -> Report:
        """A fresh look at the watch's application, shared by callers within a few seconds."""

        async def look() -> Report:
            point = present(known, self.runbook, call.at)
            about = subject(known, point, self.runbook, call.at)
            return await self.lookout.watch(replace(about, exact=False))

        return await self.lookout.shared(str(known.deployment.id), look)
