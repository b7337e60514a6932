"""Who takes part in the hour: whose turn it is, from where, and the requests that they make."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from bot.demo.events import Exchange
from bot.demo.world import Conversation, Dice, Unit, User, World

WEBHOOK = "/webhooks/whatsapp/evolution/[MASKED]"

_CLIENTS = "203.0.113"
_EVOLUTION = "198.51.100"


class Cast:
    """Draws units, people, conversations and requests from the world with the dice."""

    def __init__(self, dice: Dice, world: World) -> None:
        self.dice = dice
        self.world = world

    def unit(self) -> Unit:
        """One of the units with traffic."""
        return self.dice.rng.choice(self.world.active)

    def user(self, unit: Unit | None = None) -> User:
        """Somebody of a unit (of any active one)."""
        of = unit or self.unit()
        return self.dice.rng.choice([user for user in self.world.users if user.unit == of])

    def talk(self, unit: Unit) -> Conversation:
        """One of a unit's conversations."""
        return self.dice.rng.choice(self.talks(unit))

    def talks(self, unit: Unit) -> list[Conversation]:
        """The conversations that a unit had before the deploy."""
        return [talk for talk in self.world.conversations if talk.unit == unit]

    def http(
        self,
        at: datetime,
        method: str,
        path: str,
        seconds: float,
        status: int,
        *,
        user: User | None = None,
        ip: str | None = None,
    ) -> Exchange:
        """A request that takes about so many seconds, from somebody or from nobody logged in."""
        return Exchange(
            id=self.dice.uuid(),
            at=at,
            seconds=round(seconds * self.dice.rng.uniform(0.6, 2.0), 3),
            method=method,
            path=path,
            ip=ip or self.dice.ip(_CLIENTS),
            status=status,
            unit="anon" if user is None else user.unit.id,
            user="anon" if user is None else user.id,
        )

    def webhook(
        self, at: datetime, unit: Unit, status: int = 200, *, ip: str | None = None
    ) -> Exchange:
        """A webhook of Evolution for one unit."""
        http = self.http(at, "POST", WEBHOOK, 0.01, status, ip=ip or self.dice.ip(_EVOLUTION))
        return replace(http, raw=f"/webhooks/whatsapp/evolution/{unit.secret}")
