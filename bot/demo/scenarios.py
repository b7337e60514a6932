"""The hours that the demo can play, by name, each with the verdict that its name promises."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bot.demo import troubles
from bot.demo.hour import broken_hour, quiet_hour
from bot.demo.script import Script
from checks.engine.model import Decision


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One hour.

    about:    one sentence, for people who choose
    ends:     the final review's verdict when nobody does anything
    write:    writes the hour
    down:     the minutes in which /health answers 503
    webhook_breaks: the minute at which Evolution loses a unit's secret
    wrong_log: golive is given another program's log
    """

    name: str
    about: str
    ends: Decision
    write: Callable[[Script], None]
    down: range = range(0)
    webhook_breaks: int | None = None
    wrong_log: bool = False


SCENARIOS = (
    Scenario(
        name="incident",
        about="Three things go wrong, and each can be mended: a webhook, sends, a campaign.",
        ends=Decision.NO_GO,
        write=troubles.story,
        webhook_breaks=troubles.WEBHOOK_BREAKS,
    ),
    Scenario(
        name="quiet-hour",
        about="Little traffic and nothing wrong.",
        ends=Decision.GO,
        write=quiet_hour,
    ),
    Scenario(
        name="secret-leak",
        about="A failed request prints Evolution's key into the log.",
        ends=Decision.NO_GO,
        write=troubles.leak,
    ),
    Scenario(
        name="service-down",
        about="The application answers nothing but 503 for twelve minutes.",
        ends=Decision.NO_GO,
        write=troubles.outage,
        down=troubles.DOWN,
    ),
    Scenario(
        name="wrong-log",
        about="All is well, but golive was given another program's log.",
        ends=Decision.MONITOR,
        write=quiet_hour,
        wrong_log=True,
    ),
    Scenario(
        name="forgotten-migration",
        about="The new code meets the old tables.",
        ends=Decision.NO_GO,
        write=troubles.forgotten_migration,
    ),
    Scenario(
        name="evolution-down",
        about="Evolution times out from T+18 on, and everything with it.",
        ends=Decision.NO_GO,
        write=broken_hour,
    ),
)
"""The first is what plays unless another is chosen."""

BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}
