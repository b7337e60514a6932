"""The hour after a deploy, as events: the quiet one, and the frame that the incident plays in.

How many events a minute has is fixed; the dice choose the seconds, people, ids and numbers. So the
levels that the checks reach do not depend on the seed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.demo.cast import Cast
from bot.demo.events import Event, Outbound, begins
from bot.demo.incident import BEGINS, break_evolution
from bot.demo.script import Script
from bot.demo.world import EVOLUTION, Dice, World, make_world

MINUTES = 60

_PROBE_SECONDS = 15
_BEFORE = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Hour:
    """One hour of the application, and the world in which it begins.

    before: what happened in the minutes before T+0; it is history and must not be judged
    events: what happened in T+0 ≤ t < T+60, in the order of their beginnings
    """

    world: World
    before: tuple[Event, ...]
    events: tuple[Event, ...]

    @property
    def everything(self) -> tuple[Event, ...]:
        """History and hour."""
        return (*self.before, *self.events)


def write_hour(
    write: Callable[[Script], None],
    *,
    seed: int,
    deployed_at: datetime,
    evolution: str = EVOLUTION,
) -> Hour:
    """The hour that a script tells, after the minutes before the deploy.

    Args:
        write: writes what happens from T+0 on.
        seed: the same seed gives the same events.
        deployed_at: T+0; aware, in UTC, a whole minute.
        evolution: where the units' Evolution is.
    """
    dice = Dice(seed)
    world = make_world(dice, deployed_at, evolution=evolution)
    before = Script(Cast(dice, world))
    _history(before, deployed_at)
    script = Script(Cast(dice, world))
    script.started(deployed_at + timedelta(seconds=1))
    write(script)
    return Hour(
        world=world,
        before=tuple(sorted(before.events, key=begins)),
        events=tuple(sorted(script.events, key=begins)),
    )


def broken_hour(script: Script) -> None:
    """Ordinary traffic until Evolution begins to time out, and everything with it."""
    _busy(script)
    break_evolution(script, MINUTES)


def _history(script: Script, deployed_at: datetime) -> None:
    """The old version's last minutes: it failed often, which is why there was a deploy."""
    for minute in range(-_BEFORE, 0):
        begin = deployed_at + timedelta(minutes=minute)
        script.health(begin + timedelta(seconds=5))
        for _ in range(3):
            script.page(begin + script.dice.between(6, 40), status=500, path="/leads?limit=abc")
        script.refused(begin + script.dice.between(6, 40))


def minutes(script: Script, first: int, last: int) -> Iterator[tuple[int, datetime]]:
    """The minutes T+first … T+last-1, with the instants at which they begin."""
    for minute in range(first, last):
        yield minute, script.world.deployed_at + timedelta(minutes=minute)


def probes(script: Script, begin: datetime, *, status: int = 200) -> None:
    """A minute of the platform's health probes."""
    # the first probe waits until the process has started
    for second in range(5, 60, _PROBE_SECONDS):
        script.health(begin + timedelta(seconds=second), status=status)


def delivered(script: Script, sent: Outbound) -> None:
    """What Evolution reports about a message that went out: its echo, delivered, perhaps read."""
    end = sent.http.ends
    script.echo(end + script.dice.between(0.2, 0.8), sent.conversation.unit)
    script.status(end + script.dice.between(1, 3), sent, "delivered")
    if script.dice.rng.random() < 0.4:
        script.status(end + script.dice.between(4, 9), sent, "read")


def quiet_hour(script: Script) -> None:
    """Little traffic, two idle units, nothing wrong."""
    dice, units = script.dice, script.world.active
    for minute, begin in minutes(script, 0, MINUTES):
        probes(script, begin)
        script.page(begin + dice.between(6, 55))
        if minute % 3 == 1:
            script.inbound(begin + dice.between(6, 40), units[minute // 3 % 2], new=minute == 1)
        if minute % 4 == 2:
            sent = script.outbound(begin + dice.between(6, 45), units[minute // 4 % 2])
            delivered(script, sent)
        if minute in (0, 30):
            script.login(begin + dice.between(6, 50))
        if minute in (8, 41):
            script.login(begin + dice.between(6, 50), status=401)
    script.unknown_instance(script.world.deployed_at + timedelta(minutes=7, seconds=12))


def _busy(script: Script) -> None:
    """Ordinary traffic for an hour; agents' messages only until the incident begins."""
    dice, units = script.dice, script.world.active
    for minute, begin in minutes(script, 0, MINUTES):
        probes(script, begin)
        for _ in range(6):
            script.page(begin + dice.between(5, 58))
        for number in range(4):
            new = number == 0 and minute % 3 == 0
            script.inbound(begin + dice.between(5, 58), units[number % 2], new=new)
        if minute % 10 == 3:
            script.login(begin + dice.between(5, 58), status=401)
        if minute % 5 == 0:
            script.login(begin + dice.between(5, 58))
        if minute < BEGINS:
            for number in range(3):
                sent = script.outbound(begin + dice.between(5, 50), units[number % 2])
                delivered(script, sent)
    at = script.world.deployed_at
    script.unknown_instance(at + timedelta(minutes=6, seconds=31))
    script.cross_tenant(at + timedelta(minutes=9, seconds=2))
    script.rate_limited(at + timedelta(minutes=11, seconds=40))
    script.hung_up(at + timedelta(minutes=14, seconds=3))
