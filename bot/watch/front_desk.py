"""What `/golive` does: every command and App Home, behind one port."""

from __future__ import annotations

from bot.desk import Role
from bot.render.message import View
from bot.watch.asking import Asking
from bot.watch.deciding import Deciding
from bot.watch.mending import Mending
from bot.watch.parts import Parts


class FrontDesk:
    """Implements `bot.desk.Desk`: passes each command on to whom it concerns."""

    def __init__(self, parts: Parts, mending: Mending) -> None:
        asking, deciding = Asking(parts), Deciding(parts)
        self.status = asking.status
        self.history = asking.history
        self.report = asking.report
        self.logs = asking.logs
        self.start = deciding.start
        self.checkpoint = deciding.checkpoint
        self.ack = deciding.ack
        self.accept = deciding.accept
        self.silence = deciding.silence
        self.close = deciding.close
        self.diagnose = mending.diagnose
        self.expect_inbound = mending.expect_inbound
        self.fix = mending.fix
        self.rollback = mending.rollback
        self.approve = mending.approve
        self.confirm = mending.confirm
        self.undo = mending.undo
        self.tick = mending.tick
        self.refused = mending.refused
        self._asking = asking

    async def home(self, user: str, role: Role) -> View:
        """What App Home shows: the same to everybody of a role."""
        del user
        return await self._asking.home(role)
