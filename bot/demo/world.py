"""The application's world before the deploy: units, people, conversations. All of it invented."""

from __future__ import annotations

import random
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

CONVERSATIONS_PER_UNIT = 90
EVOLUTION = "http://127.0.0.1:58080"
"""Where Evolution is, unless a stand-in of its own is given."""

_SLUGS = ("alfa", "beta", "gama", "delta")
_ACTIVE = 2
"""The first two units have traffic; the other two are idle, were so before, on another provider."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """A tenant and its WhatsApp connection as it stands at T+0.

    secret: what its inbound webhooks are matched on (64 hex digits)
    """

    id: str
    name: str
    slug: str
    connection: str
    provider: str
    instance: str
    secret: str
    status: str
    reason: str
    connected_at: datetime | None
    disconnected_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Somebody who logs in for one unit."""

    id: str
    email: str
    unit: Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """A customer's conversation with a unit: contact, lead and thread belong together."""

    id: str
    unit: Unit
    contact: str
    phone: str
    lead: str


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Everything that exists at T+0. `units` holds the active ones first."""

    deployed_at: datetime
    units: tuple[Unit, ...]
    users: tuple[User, ...]
    conversations: tuple[Conversation, ...]
    apikey: str
    evolution: str

    @property
    def active(self) -> tuple[Unit, ...]:
        """Units with traffic."""
        return self.units[:_ACTIVE]


class Dice:
    """A seeded source of the ids, numbers and choices that the hour is made of."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)

    def uuid(self) -> str:
        """A version 4 UUID."""
        return str(uuid.UUID(int=self.rng.getrandbits(128), version=4))

    def hex(self, digits: int) -> str:
        """So many hex digits."""
        return f"{self.rng.getrandbits(4 * digits):0{digits}x}"

    def phone(self) -> str:
        """A Brazilian mobile number."""
        return f"55119{self.rng.randrange(10**8):08d}"

    def external_id(self) -> str:
        """An id as WhatsApp gives to a message."""
        return f"3EB0{self.hex(16).upper()}"

    def ip(self, network: str) -> str:
        """An address in a /24 reserved for documentation, such as "203.0.113"."""
        return f"{network}.{self.rng.randrange(1, 255)}"

    def between(self, low: float, high: float) -> timedelta:
        """A span of so many seconds, whole milliseconds."""
        return timedelta(milliseconds=round(self.rng.uniform(low, high) * 1000))

    def conversation(self, unit: Unit) -> Conversation:
        """A conversation with somebody new."""
        return Conversation(
            id=self.uuid(), unit=unit, contact=self.uuid(), phone=self.phone(), lead=self.uuid()
        )


def make_world(dice: Dice, deployed_at: datetime, *, evolution: str = EVOLUTION) -> World:
    """The state at T+0: two units at work, one down for three days, one never connected."""
    units = tuple(_unit(dice, slug, deployed_at) for slug in _SLUGS)
    return World(
        deployed_at=deployed_at,
        units=units,
        users=tuple(
            User(id=dice.uuid(), email=f"{name}@{unit.slug}.com.br", unit=unit)
            for unit in units
            for name in ("ana", "bia")
        ),
        conversations=tuple(
            dice.conversation(unit) for unit in units for _ in range(CONVERSATIONS_PER_UNIT)
        ),
        apikey=f"evoDemo7Key{dice.hex(20)}",
        evolution=evolution,
    )


def _unit(dice: Dice, slug: str, deployed_at: datetime) -> Unit:
    unit_id = dice.uuid()
    number = _SLUGS.index(slug)
    paired = number <= _ACTIVE
    down = number == _ACTIVE
    return Unit(
        id=unit_id,
        name=f"Unidade {slug}",
        slug=slug,
        connection=dice.uuid(),
        provider="evolution" if number < _ACTIVE else "zapi",
        instance=f"unit_{unit_id[:8]}",
        secret=dice.hex(64),
        status="connected" if number < _ACTIVE else "disconnected",
        reason="disconnected" if down else "scan_completed" if paired else "created",
        connected_at=deployed_at - timedelta(days=12, hours=number) if paired else None,
        disconnected_at=deployed_at - timedelta(days=3) if down else None,
    )
