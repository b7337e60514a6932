"""A local Slack workspace that an unmodified Bolt app can not tell from the real one.

`Workspace` serves the Web API and Socket Mode (or posts signed HTTP), `workspace.actor` does what
people do, `workspace.state` is what everybody sees, `workspace.faults` makes things go wrong and
`workspace.journal` remembers all traffic.
"""

from bot.demo.workspace.actor import Actor, Outcome
from bot.demo.workspace.api import Credentials
from bot.demo.workspace.changes import Change, Kind
from bot.demo.workspace.inputs import CanNotError
from bot.demo.workspace.journal import Call, Entry, Traffic
from bot.demo.workspace.messages import Draft, Message
from bot.demo.workspace.server import Workspace
from bot.demo.workspace.views import View

__all__ = [
    "Actor",
    "Call",
    "CanNotError",
    "Change",
    "Credentials",
    "Draft",
    "Entry",
    "Kind",
    "Message",
    "Outcome",
    "Traffic",
    "View",
    "Workspace",
]
