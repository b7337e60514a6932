"""What stood in the database before the deploy: units, conversations, an odd old campaign."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from psycopg.types.json import Jsonb

from bot.demo import tables
from bot.demo.rows import conversation_rows, recipient_row
from bot.demo.tables import Change
from bot.demo.world import Dice, Unit, World

_AGE = timedelta(days=40)
_OLD_CAMPAIGN = timedelta(days=9)
_OLD_RECIPIENTS = {"sent": 31, "failed": 5, "pending": 4}
"""Completed, although four are still pending: its sums are off, and were so before the deploy."""

_OLD_MESSAGES = {"failed": 6, "queued": 3}
"""Sends that went wrong last week and that nobody has touched since."""


def past(world: World, dice: Dice) -> list[Change]:
    """The rows that exist at T+0, in an order that their foreign keys allow."""
    at = world.deployed_at - _AGE
    out = [change for unit in world.units for change in _unit(world, unit, at)]
    for talk in world.conversations:
        out.extend(conversation_rows(talk, at))
    out.extend(_campaign(world, dice))
    out.extend(_messages(world, dice))
    return out


def _unit(world: World, unit: Unit, at: datetime) -> Iterator[Change]:
    values = {"id": unit.id, "name": unit.name, "slug": unit.slug, "at": at}
    yield Change(at=at, sql=tables.UNIT, values=values)
    connection = {
        "id": unit.connection,
        "unit": unit.id,
        "provider": unit.provider,
        "instance": unit.instance,
        "status": unit.status,
        "reason": unit.reason,
        "secret": unit.secret,
        "config": Jsonb({"apiKey": world.apikey, "apiUrl": world.evolution}),
        "connected_at": unit.connected_at,
        "disconnected_at": unit.disconnected_at,
        "at": at,
    }
    yield Change(at=at, sql=tables.CONNECTION, values=connection)


def _campaign(world: World, dice: Dice) -> Iterator[Change]:
    at = world.deployed_at - _OLD_CAMPAIGN
    unit = world.units[0]
    campaign = dice.uuid()
    values = {
        "id": campaign,
        "unit": unit.id,
        "name": "Promo antiga",
        "status": "completed",
        "completed_at": at + timedelta(minutes=3),
        "at": at,
    }
    yield Change(at=at, sql=tables.CAMPAIGN, values=values)
    talks = iter([talk for talk in world.conversations if talk.unit == unit])
    for status, number in _OLD_RECIPIENTS.items():
        for _ in range(number):
            yield recipient_row(dice.uuid(), campaign, next(talks), status, at)


def _messages(world: World, dice: Dice) -> Iterator[Change]:
    at = world.deployed_at - timedelta(days=6)
    for status, number in _OLD_MESSAGES.items():
        for _ in range(number):
            values = {
                "id": dice.uuid(),
                "conversation": dice.rng.choice(world.conversations).id,
                "text": "Ola!",
                "status": status,
                "at": at,
            }
            yield Change(at=at, sql=tables.OLD, values=values)
