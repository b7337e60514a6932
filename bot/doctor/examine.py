"""Runs all probes at once, each within its time, and puts their lines in order."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final, TypeAlias

from bot.doctor.model import Examination, Line, Part, failed
from checks.engine.masking import mask

LIMIT: Final = timedelta(seconds=30)
_LEAST: Final = 8

Test: TypeAlias = Callable[[], Awaitable[Sequence[Line]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """Everything that is tested about one thing."""

    area: str
    test: Test


async def examine(
    probes: Sequence[Probe], *, secrets: Sequence[str] = (), limit: timedelta = LIMIT
) -> Examination:
    """What all probes found, in their order.

    Args:
        probes: what to test.
        secrets: never to be shown, wherever they turn up.
        limit: how long each may take; one that takes longer has failed.
    """
    parts = await asyncio.gather(*(_part(probe, limit) for probe in probes))
    return Examination(parts=tuple(_hidden(part, secrets) for part in parts))


async def _part(probe: Probe, limit: timedelta) -> Part:
    try:
        async with asyncio.timeout(limit.total_seconds()):
            lines = await probe.test()
    except TimeoutError:
        lines = [
            failed(
                f"It was not done within {limit.total_seconds():g} s.",
                "Check the network and the load on the other side, then run golive doctor again.",
            )
        ]
    return Part(area=probe.area, lines=tuple(lines))


def _hidden(part: Part, secrets: Sequence[str]) -> Part:
    # A very short one would be replaced inside ordinary words, and told by where that happens.
    long = [secret for secret in secrets if len(secret) >= _LEAST]
    lines = (
        replace(line, what=mask(line.what, long), mend=mask(line.mend, long)) for line in part.lines
    )
    return replace(part, lines=tuple(lines))
