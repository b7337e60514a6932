"""The incident: at T+18 Evolution begins to time out, and the application makes it worse.

Sends fail and are retried; after three attempts POST /messages answers 502. The requeue worker
flips what failed to `sent` without sending it. A failing test message prints Evolution's key. A
campaign's worker dies in the middle, and two connections drop.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.demo.events import Outbound
from bot.demo.script import SECONDS_A_SEND, Script

BEGINS = 18
"""The minute after the deploy at which it begins."""

_TIMED_OUT = "Request failed with status code 500"
_HUNG_UP = "socket hang up"
_SLOW = "timeout of 15000ms exceeded"
_OVER_LIMIT = "Request failed with status code 429"

_SENDS_A_MINUTE = 3
_FULL_FORCE = 20
"""Until this minute every second message fails; from here on all but one in eight."""

_REQUEUE_AFTER = timedelta(seconds=10)
_REQUEUE_AT_ONCE = 50
_CAMPAIGN = 80
"""Recipients of the campaign; more than 50 of them are still pending when its worker dies."""


def break_evolution(script: Script, until: int) -> None:
    """Write the incident from T+18 to minute `until` into the script."""
    failed = _sends(script, until)
    _requeue(script, failed, until)
    _campaign(script)
    _connections(script)
    at = script.world.deployed_at
    alfa, beta = script.world.active
    for minute, unit in ((22, alfa), (34, beta), (47, alfa)):
        script.unit_send(at + timedelta(minutes=minute, seconds=21), unit)
    for minute in (33, 44, 52):
        script.inbound_failed(at + timedelta(minutes=minute, seconds=37), alfa)


def _sends(script: Script, until: int) -> list[Outbound]:
    failed: list[Outbound] = []
    number = 0
    for minute in range(BEGINS, until):
        begin = script.world.deployed_at + timedelta(minutes=minute)
        # spread over the minute, so that what begins in it also ends in it (but the slow ones)
        for slot in range(_SENDS_A_MINUTE):
            unit = script.world.active[slot % 2]
            at = begin + timedelta(seconds=4 + 15 * slot) + script.dice.between(0, 5)
            sent = script.outbound(at, unit, _errors(script, minute, number))
            number += 1
            if sent.external_id is None:
                failed.append(sent)
            else:
                script.echo(sent.http.ends + script.dice.between(0.2, 0.8), unit)
    return failed


def _errors(script: Script, minute: int, number: int) -> tuple[str, ...]:
    if minute < _FULL_FORCE:
        return (_TIMED_OUT,) * 3 if number % 2 == 0 else (_TIMED_OUT,) * (number // 3)
    if number % 8 == 0:
        return ()
    worst = _SLOW if number % 10 == 1 else _HUNG_UP
    return (script.dice.rng.choice((_TIMED_OUT, _HUNG_UP, _OVER_LIMIT)), _TIMED_OUT, worst)


def _requeue(script: Script, failed: list[Outbound], until: int) -> None:
    """Once a minute the worker takes what failed more than 10 s ago and marks it sent."""
    waiting = list(failed)
    for minute in range(BEGINS, until):
        at = script.world.deployed_at + timedelta(minutes=minute, seconds=55)
        ripe = [sent for sent in waiting if _gave_up(sent) <= at - _REQUEUE_AFTER]
        if ripe:
            script.requeued(at, tuple(ripe[:_REQUEUE_AT_ONCE]))
            waiting = [sent for sent in waiting if sent not in ripe[:_REQUEUE_AT_ONCE]]


def _gave_up(sent: Outbound) -> datetime:
    return sent.attempts[-1].at


def _campaign(script: Script) -> None:
    """Dispatched half a minute before the incident; its worker dies after a few failures."""
    at = script.world.deployed_at + timedelta(minutes=BEGINS, seconds=-60)
    # made at T+17, dispatched 30 s later: one send every two seconds until T+18
    good = 30 // SECONDS_A_SEND - 1
    outcomes: tuple[str | None, ...] = (*[None] * good, _TIMED_OUT, _OVER_LIMIT)
    script.campaign(at, script.world.active[0], size=_CAMPAIGN, errors=outcomes)


def _connections(script: Script) -> None:
    """One unit flaps and comes back each time; the other goes down and stays down."""
    alfa, beta = script.world.active
    at = script.world.deployed_at
    for minute in (21, 24, 27):
        script.connection(at + timedelta(minutes=minute, seconds=3), alfa, "disconnected")
        script.connection(at + timedelta(minutes=minute, seconds=9), alfa, "qr")
        script.connection(at + timedelta(minutes=minute, seconds=48), alfa, "connected")
    script.connection(at + timedelta(minutes=26, seconds=30), beta, "disconnected")
