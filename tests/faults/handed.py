"""Which of several bots Slack handed the last envelope to."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bot.demo.workspace.sockets import Socket
from tests.faults.bots import BotProcess
from tests.faults.world import World

_TCP = Path("/proc/net/tcp")
_LOCAL, _INODE = 1, 9
"""Columns of the kernel's table of connections."""


class Handed:
    """Looks over the workspace's shoulder when it chooses a socket."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._choose = world.workspace.sockets.choose
        self._last: Socket | None = None
        world.workspace.sockets.choose = self._chosen

    @property
    def bot(self) -> BotProcess | None:
        """The bot at the other end of the socket; None where it is gone."""
        transport = None if self._last is None else self._last.request.transport
        if transport is None:
            return None
        inode = _inode(int(transport.get_extra_info("peername")[1]))
        return next((bot for bot in self._world.bots if bot.has_socket(inode)), None)

    def _chosen(self, sockets: Sequence[Socket]) -> Socket:
        self._last = self._choose(sockets)
        return self._last


def _inode(port: int) -> str:
    """What the kernel calls the connection whose own port this is."""
    for line in _TCP.read_text(encoding="ascii").splitlines()[1:]:
        columns = line.split()
        if columns[_LOCAL].endswith(f":{port:04X}"):
            return columns[_INODE]
    return ""
