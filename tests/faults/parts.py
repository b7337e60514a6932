"""All parts: the whole ones, and short ones that have some of each."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.faults.commands import commands_among_kills
from tests.faults.fix_world import open_fix_world
from tests.faults.fixing import hour_of_fixes
from tests.faults.killing import hour_of_kills
from tests.faults.machine import hour_of_blocked_loops, hour_of_machine_trouble
from tests.faults.opening import open_world
from tests.faults.room import hour_of_full_disk, hour_without_own_log
from tests.faults.slack import disordered_envelopes, ended_while_people_type, hour_of_slack_trouble
from tests.faults.store import hour_of_store_trouble, open_store_world, replaced_store
from tests.faults.table import Part, Row
from tests.faults.takeover import takeover
from tests.faults.truth import Verdict
from tests.faults.world import Ground, World

_KILLS_AN_HOUR = 10
_FIXES_AN_HOUR = 14


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The parts of one length.

    minutes: of the application's time that an hour lasts here
    seconds: that such an hour takes
    fixes:   rounds of fixes a part
    """

    minutes: float
    seconds: float
    fixes: int

    @property
    def short(self) -> bool:
        """Whether an hour is none."""
        return self.minutes < 60

    def beside(self) -> Row:
        """What mostly waits: it is played beside the others."""
        killed = ["took the last checkpoint", "has a post", "is at one"]
        if self.short:
            killed.pop()
        return Row(
            name="takeover, two bots, real lease",
            injected=f"kill -9 for who {', '.join(killed)}",
            play=partial(takeover, whole=not self.short),
            seconds=80,
            kills=len(killed),
        )

    def once(self) -> list[Row]:
        """Each kind of trouble."""
        return [
            self._hour("undisturbed, two bots", "nothing", self._undisturbed, level=True),
            self.kills(0, 1),
            self.kills(0, 2),
            self.fix(0, 2),
            *self._commands(),
            *self._store(),
            *self._slack(),
            *self._machine(),
        ]

    def again(self, kills: int) -> Iterator[Row]:
        """The further hours that so many kills of one bot, and of one in two, take."""
        hours = -(-kills // _KILLS_AN_HOUR)
        yield self.fix(0, 1)
        for hour in range(1, hours):
            yield from (self.kills(hour, replicas) for replicas in (1, 2))
            if hour % 4 == 0:
                yield from (self.fix(hour, replicas) for replicas in (1, 2))

    def without_end(self) -> Iterator[Row]:
        """As many more as there is time for."""
        for hour in itertools.count(1):
            yield from (self.kills(hour, 2), self.fix(hour, 1), self.kills(hour, 1))

    def kills(self, hour: int, replicas: int) -> Row:
        """An hour in which bots are killed."""
        kills, half = _KILLS_AN_HOUR, _KILLS_AN_HOUR // 2
        seed = 100 * replicas + hour
        return self._hour(
            f"hour {hour + 1}, {_bots(replicas)}",
            f"{kills} x kill -9, {half} between Slack's answer and the row",
            partial(hour_of_kills, kills=kills, replicas=replicas, seed=seed),
            kills=kills,
        )

    def fix(self, hour: int, replicas: int) -> Row:
        """An hour in which operators make fixes while bots are killed."""
        seed = 1000 * replicas + hour

        async def play(ground: Ground, folder: Path) -> Verdict:
            async with open_fix_world(ground, folder) as fixes:
                return await hour_of_fixes(fixes, rounds=self.fixes, replicas=replicas, seed=seed)

        return Row(
            name=f"fixes {hour + 1}, {_bots(replicas)}",
            injected=f"{self.fixes} x kill -9 in resets, undos, secrets, rollbacks",
            play=play,
            seconds=4 * self.fixes,
            kills=self.fixes,
        )

    # --- inside ---------------------------------------------------------------------------------

    def _commands(self) -> list[Row]:
        count = 6 if self.short else 12
        return [
            Row(
                name=f"commands among kills, {_bots(replicas)}",
                injected=f"{count} x kill -9 for the one that got the command; typed again",
                play=_in(
                    partial(commands_among_kills, commands=count, replicas=replicas, seed=replicas)
                ),
                seconds=8 + count,
                kills=count,
            )
            for replicas in ((2,) if self.short else (1, 2))
        ]

    def _store(self) -> list[Row]:
        async def trouble(ground: Ground, folder: Path) -> Verdict:
            async with open_store_world(ground, folder) as (world, server, proxy):
                return await hour_of_store_trouble(world, server, proxy, minutes=self.minutes)

        async def replaced(ground: Ground, folder: Path) -> Verdict:
            async with open_store_world(ground, folder) as (world, server, proxy):
                return await replaced_store(world, server, proxy)

        return [
            Row(
                name="PostgreSQL in trouble",
                injected="crash and restart, stopped, slow, out of connections",
                play=trouble,
                seconds=self.seconds,
            ),
            Row(
                name="disk full, two bots",
                injected="ENOSPC for the store's tables and the application's log, twice",
                play=partial(hour_of_full_disk, minutes=self.minutes),
                seconds=self.seconds,
            ),
            Row(
                name="store replaced, two bots",
                injected="an empty database in its place",
                play=replaced,
                seconds=12,
            ),
        ]

    def _slack(self) -> list[Row]:
        what = "429 storms, 500s, resets, a hang, failing look-ups, sockets cut"
        replicas = (2,) if self.short else (1, 2)
        return [
            *(
                self._hour(
                    f"Slack in trouble, {_bots(count)}",
                    what,
                    partial(hour_of_slack_trouble, replicas=count),
                    more=15,
                )
                for count in replicas
            ),
            Row(
                name="envelopes in disorder, two bots",
                injected="5 commands doubled, 5 held back and sent in reverse",
                play=_in(disordered_envelopes),
                seconds=6,
            ),
            Row(
                name="SIGTERM among commands, one bot",
                injected="12 commands, SIGTERM after 6",
                play=_in(ended_while_people_type),
                seconds=8,
            ),
        ]

    def _machine(self) -> list[Row]:
        return [
            self._hour(
                "machine in trouble, two bots",
                "log rotated, truncated, deleted; clock +4, -6 min; SIGSTOP",
                hour_of_machine_trouble,
            ),
            self._hour(
                "event loop blocked, two bots",
                "3 x blocked for longer than its lease while Slack has its post",
                hour_of_blocked_loops,
                more=8,
            ),
            Row(
                name="own log on a full disk, two bots",
                injected="ENOSPC for each line; 500s, 429s, store stopped, sockets cut",
                play=partial(hour_without_own_log, minutes=self.minutes),
                seconds=self.seconds,
            ),
        ]

    def _hour(
        self,
        name: str,
        injected: str,
        play: Callable[..., Awaitable[Verdict]],
        *,
        kills: int = 0,
        level: bool = False,
        more: float = 0,
    ) -> Row:
        """An hour in a world of its own; `more` seconds than another one."""
        return Row(
            name=name,
            injected=injected,
            play=_in(partial(play, minutes=self.minutes)),
            seconds=self.seconds + more + kills / 2,
            kills=kills,
            level=level,
        )

    async def _undisturbed(self, world: World, *, minutes: float) -> Verdict:
        await world.begin(2)
        return await world.finish(minutes)


WHOLE = Parts(minutes=66, seconds=22, fixes=_FIXES_AN_HOUR)
SHORT = Parts(minutes=36, seconds=14, fixes=_FIXES_AN_HOUR // 2)


def _bots(count: int) -> str:
    return "one bot" if count == 1 else "two bots"


def _in(play: Callable[[World], Awaitable[Verdict]]) -> Part:
    async def part(ground: Ground, folder: Path) -> Verdict:
        async with open_world(ground, folder) as world:
            return await play(world)

    return part
