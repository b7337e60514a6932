"""Who is called on escalation: looked up at the start, and again until Slack says it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Final

import structlog

from bot.clock import Clock, Timer
from bot.slack.access import Lead, resolve_lead
from bot.slack.gateway import Gateway

AGAIN: Final = timedelta(seconds=30)
PATIENCE: Final = 10.0
"""Real seconds that the start waits for Slack; later it is asked in the background."""

_JOB: Final = "lead"

_log = structlog.get_logger(__name__)


class LeadFinder:
    """Resolves GOLIVE_LEAD; implements `bot.watch.saying.Called`.

    Args:
        gateway: Slack.
        lead: id of a user or a user group; None where nobody is set.
        clock, timer: give the instant and call back at one.
    """

    def __init__(self, gateway: Gateway, lead: str | None, clock: Clock, timer: Timer) -> None:
        self._gateway = gateway
        self._lead = lead
        self._clock = clock
        self._timer = timer
        self._found = Lead(problem="Slack has not said yet who GOLIVE_LEAD is.")
        self._said: str | None = None
        self._asking: asyncio.Task[None] | None = None

    @property
    def mention(self) -> str | None:
        """A ready mention; None while nobody can be called."""
        return self._found.mention

    @property
    def problem(self) -> str | None:
        """Why nobody can be called, as a sentence."""
        return self._found.problem

    async def begin(self, *, patience: float = PATIENCE) -> None:
        """Ask, and go on asking in the background while Slack does not say."""
        self._asking = asyncio.create_task(self._ask(), name=_JOB)
        await asyncio.wait({self._asking}, timeout=patience)

    async def end(self) -> None:
        """Ask no more."""
        self._timer.cancel(_JOB)
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.wait({self._asking})
        self._timer.cancel(_JOB)

    async def _ask(self) -> None:
        self._found = await resolve_lead(self._gateway, self._lead)
        problem = self._found.problem
        if problem != self._said:
            if problem is None:
                _log.warning("the lead is known now")
            else:
                _log.warning("nobody is called on escalation", why=problem)
            self._said = problem
        if problem is not None and self._lead is not None:
            self._timer.at(self._clock.now() + AGAIN, _JOB, self._again)

    async def _again(self) -> None:
        self._asking = asyncio.create_task(self._ask(), name=_JOB)
