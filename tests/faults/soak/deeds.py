"""What people do in one round of watches, in the order of its minutes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bot.demo.workspace import people
from tests.faults.soak.workspace import CHANNELS

_FIRST, _SECOND, _THIRD = CHANNELS
_OLIVIA, _PAUL, _MARTA, _GUSTAV = (
    people.OPERATOR,
    people.SECOND_OPERATOR,
    people.MEMBER,
    people.GUEST,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """One thing that somebody does.

    minute: after the deploy
    how:    type a command; propose a fix, read its preview and confirm; look at it and cancel;
            press the newest button with that id, where there is one; open the Home
    what:   a command without its slash word, or a button's id
    """

    minute: float
    user: str
    how: Literal["type", "confirm", "cancel", "press", "home"]
    what: str = ""
    channel: str = _FIRST


def _deed(
    minute: float,
    user: str,
    how: Literal["type", "confirm", "cancel", "press", "home"],
    what: str = "",
    channel: str = _FIRST,
) -> Deed:
    return Deed(minute=minute, user=user, how=how, what=what, channel=channel)


DEEDS = (
    _deed(0, _OLIVIA, "type", "start v2.4.0"),
    _deed(0, _PAUL, "type", 'start "v2.4.0 hotfix"', _SECOND),
    _deed(0, _OLIVIA, "home"),
    _deed(1, _PAUL, "type", "start v2.4.0 1m", _THIRD),
    _deed(1.5, _MARTA, "home"),
    _deed(2, _MARTA, "type", "help"),
    _deed(2.2, _GUSTAV, "type", "status"),
    _deed(2.4, _MARTA, "type", "close", _SECOND),
    _deed(2.6, _OLIVIA, "type", "chekpoint"),
    _deed(3, _MARTA, "type", "status"),
    _deed(3, _OLIVIA, "type", "status", _SECOND),
    _deed(4, _PAUL, "type", "logs 200", _THIRD),
    _deed(12, _OLIVIA, "type", "checkpoint", _SECOND),
    _deed(14, _PAUL, "type", "silence auth_errors 20m", _THIRD),
    _deed(15, _OLIVIA, "type", "accept campaigns none is planned tonight", _SECOND),
    _deed(16, _MARTA, "home"),
    _deed(21, _OLIVIA, "type", "diagnose 2"),
    _deed(21.5, _PAUL, "type", "diagnose 1", _SECOND),
    _deed(22, _OLIVIA, "confirm", "fix regenerate_secret Unidade beta"),
    _deed(24, _PAUL, "press", "golive.undo"),
    _deed(26, _OLIVIA, "confirm", "fix regenerate_secret Unidade beta"),
    _deed(27, _MARTA, "type", "ack"),
    _deed(28, _PAUL, "type", "diagnose 3"),
    _deed(28.5, _PAUL, "cancel", "fix reset_messages all"),
    _deed(29, _OLIVIA, "confirm", "fix reset_messages all"),
    _deed(31, _MARTA, "press", "golive.ack", _SECOND),
    _deed(32, _OLIVIA, "type", "status"),
    _deed(33, _OLIVIA, "type", "report"),
    _deed(35, _PAUL, "type", "diagnose 4", _THIRD),
    _deed(36, _OLIVIA, "confirm", "fix reset_campaign Promo alfa restarted"),
    _deed(38, _PAUL, "type", "expect inbound"),
    _deed(38.5, _OLIVIA, "type", "expect inbound"),
    _deed(38.5, _MARTA, "type", "expect inbound"),
    _deed(44, _PAUL, "press", "golive.tick", _FIRST),
    _deed(45, _PAUL, "home"),
    _deed(46, _PAUL, "type", "logs 50"),
    _deed(47, _OLIVIA, "press", "golive.diagnose", _SECOND),
    _deed(51, _MARTA, "press", "golive.ack"),
    _deed(52, _PAUL, "cancel", "rollback", _SECOND),
    _deed(53, _PAUL, "confirm", "rollback", _THIRD),
    _deed(61, _MARTA, "type", "report", _SECOND),
    _deed(62, _MARTA, "type", "history"),
    _deed(63, _OLIVIA, "type", "status", _THIRD),
    _deed(75, _OLIVIA, "home"),
    _deed(80, _PAUL, "type", "checkpoint", _THIRD),
    _deed(89, _MARTA, "home"),
)
"""For an hour and a half; of a shorter round what is beyond its end is not done."""
