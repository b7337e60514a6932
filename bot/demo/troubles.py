"""What goes wrong in the hours that can be played, written as scripts of the whole hour.

Totals matter: the final review counts the whole hour. What people mend in time must stay within its
bounds, and what nobody mends must not.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.demo.hour import MINUTES, delivered, minutes, probes
from bot.demo.script import SECONDS_A_SEND, Script
from bot.demo.world import Unit

WEBHOOK_BREAKS = 18
"""The minute at which the second unit's webhook gets another secret than the database has."""

SENDS_FAIL = range(22, 27)
CAMPAIGN_STICKS = 25
_CAMPAIGN = 85
"""Recipients; more than 50 of them are pending when the campaign's worker dies."""

_SECOND_UNIT = (2.4, 6.1, 9.7, 13.2, 16.5, 18.3, 18.8, 24.5, 33.2, 41.5, 48.2, 51.4, 54.3, 57.1)
"""The minutes at which customers write to the second unit: two by T+20, five by T+48, then more."""

_SERVER = "Request failed with status code 500"
_REJECTED = "Request failed with status code 400"
_HUNG_UP = "socket hang up"

LEAKS_AT = 13
DOWN = range(14, 26)
_NO_COLUMN = "Could not find the 'provider' column of 'messages' in the schema cache"


def story(script: Script) -> None:
    """A webhook that leads nowhere, sends that fail for five minutes, a campaign that sticks."""
    first, second = script.world.active
    number = 0
    for minute, begin in minutes(script, 0, MINUTES):
        _everyday(script, minute, begin, pages=5)
        for _ in range(2):
            script.inbound(begin + script.dice.between(5, 58), first)
        for slot in range(2):
            at = begin + timedelta(seconds=5 + 25 * slot) + script.dice.between(0, 8)
            errors = _errors(number) if minute in SENDS_FAIL else ()
            number += minute in SENDS_FAIL
            _send(script, at, (first, second)[slot], errors)
    for minute in _SECOND_UNIT:
        script.inbound(script.world.deployed_at + timedelta(minutes=minute), second)
    _campaign(script, first)


def _errors(number: int) -> tuple[str, ...]:
    """Every second send is given up, one of them for good; the others take two attempts."""
    if number % 2:
        return (_SERVER,)
    return (_REJECTED,) * 3 if number == 4 else (_SERVER, _HUNG_UP, _SERVER)


def _send(script: Script, at: datetime, unit: Unit, errors: tuple[str, ...] = ()) -> None:
    sent = script.outbound(at, unit, errors)
    if sent.external_id is not None:
        delivered(script, sent)


def _campaign(script: Script, unit: Unit) -> None:
    """Dispatched a minute before its worker dies: a send every two seconds until then."""
    at = script.world.deployed_at + timedelta(minutes=CAMPAIGN_STICKS, seconds=-90)
    script.campaign(at, unit, size=_CAMPAIGN, errors=(None,) * (60 // SECONDS_A_SEND))


def leak(script: Script) -> None:
    """A failing test message prints Evolution's key into the log, at T+13; all else is well."""
    _ordinary(script, 0, MINUTES)
    at = script.world.deployed_at + timedelta(minutes=LEAKS_AT, seconds=21)
    script.unit_send(at, script.world.active[0])


def outage(script: Script) -> None:
    """From T+14 on everything answers 503 for twelve minutes."""
    _ordinary(script, 0, DOWN.start)
    for _, begin in minutes(script, DOWN.start, DOWN.stop):
        probes(script, begin, status=503)
        for _ in range(6):
            script.page(begin + script.dice.between(5, 58), status=503)
    _ordinary(script, DOWN.stop, MINUTES)


def forgotten_migration(script: Script) -> None:
    """The new code meets the old tables: no send works, and every inbound message is lost."""
    for minute, begin in minutes(script, 0, MINUTES):
        _everyday(script, minute, begin, pages=5)
        for unit in script.world.active:
            script.inbound_failed(begin + script.dice.between(5, 58), unit, error=_NO_COLUMN)
        at = begin + script.dice.between(5, 55)
        script.page(at, status=500, path="/messages", method="POST")


def _ordinary(script: Script, first: int, last: int) -> None:
    for minute, begin in minutes(script, first, last):
        _everyday(script, minute, begin, pages=6)
        for number, unit in enumerate(script.world.active):
            for _ in range(2):
                script.inbound(begin + script.dice.between(5, 50), unit)
            _send(script, begin + timedelta(seconds=6 + 24 * number), unit)


def _everyday(script: Script, minute: int, begin: datetime, *, pages: int) -> None:
    """Probes, pages, logins, now and then a mistyped password."""
    probes(script, begin)
    for _ in range(pages):
        script.page(begin + script.dice.between(5, 58))
    if minute % 10 == 3:
        script.login(begin + script.dice.between(5, 58), status=401)
    if minute % 5 == 0:
        script.login(begin + script.dice.between(5, 58))
