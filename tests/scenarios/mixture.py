"""Events of every kind in any number and order: what the formats must agree on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from bot.demo.cast import Cast
from bot.demo.events import Event, begins
from bot.demo.script import Script
from bot.demo.world import Dice, make_world
from tests.support.hours import DEPLOYED_AT

ERRORS = (
    "Request failed with status code 400",
    "Request failed with status code 401",
    "Request failed with status code 429",
    "Request failed with status code 500",
    "socket hang up",
    "timeout of 15000ms exceeded",
)
STATUSES = (200, 201, 301, 400, 404, 410, 499, 500, 502, 503, 599)
REFUSALS = (401, 403, 429)


def mixture(seed: int, size: int, *, begin: datetime = DEPLOYED_AT) -> list[Event]:
    """`size` steps of the application, each of a random kind, spread over an hour."""
    dice = Dice(seed)
    script = Script(Cast(dice, make_world(dice, begin)))
    for _ in range(size):
        at = begin + dice.between(0, 3599)
        dice.rng.choice(_STEPS)(script, at)
    return sorted(script.events, key=begins)


def _page(script: Script, at: datetime) -> None:
    script.page(at, status=script.dice.rng.choice(STATUSES + REFUSALS))


def _login(script: Script, at: datetime) -> None:
    script.login(at, status=script.dice.rng.choice((200, 401, 429, 500)))


def _refused(script: Script, at: datetime) -> None:
    script.refused(at, expired=script.dice.rng.random() < 0.5)


def _cross_tenant(script: Script, at: datetime) -> None:
    script.cross_tenant(at, configure=script.dice.rng.random() < 0.5)


def _rate_limited(script: Script, at: datetime) -> None:
    script.rate_limited(at, webhook=script.dice.rng.random() < 0.5)


def _health(script: Script, at: datetime) -> None:
    script.health(at, status=script.dice.rng.choice((200, 200, 503)))


def _leaked_url(script: Script, at: datetime) -> None:
    """A token in a request's own address, which the application logs as it came."""
    dice = script.dice
    token = f"eyJ{dice.hex(24)}.eyJ{dice.hex(40)}.{dice.hex(40)}"
    script.page(at, path=f"/inbox?token={token}", status=dice.rng.choice((200, 401, 404)))


def _outbound(script: Script, at: datetime) -> None:
    rng = script.dice.rng
    errors = tuple(rng.choice(ERRORS) for _ in range(rng.randrange(4)))
    sent = script.outbound(at, script.cast.unit(), errors)
    if sent.external_id is None:
        script.requeued(sent.http.ends + timedelta(seconds=30), (sent,))
    else:
        script.status(
            sent.http.ends + timedelta(seconds=5), sent, rng.choice(("delivered", "read"))
        )


def _unit_send(script: Script, at: datetime) -> None:
    upstream = script.dice.rng.choice((400, 401, 429, 500))
    script.unit_send(at, script.cast.unit(), upstream=upstream)


def _connection(script: Script, at: datetime) -> None:
    status = script.dice.rng.choice(("connected", "disconnected", "qr"))
    script.connection(at, script.cast.unit(), status)


def _campaign(script: Script, at: datetime) -> None:
    rng = script.dice.rng
    size = rng.randrange(1, 6)
    outcomes = tuple(rng.choice((None, None, *ERRORS)) for _ in range(rng.randrange(size + 1)))
    script.campaign(at, script.cast.unit(), size=size, errors=outcomes)


_STEPS: tuple[Callable[[Script, datetime], None], ...] = (
    Script.started,
    Script.hung_up,
    Script.unknown_instance,
    lambda script, at: script.inbound(at, script.cast.unit()),
    lambda script, at: script.echo(at, script.cast.unit()),
    lambda script, at: script.inbound_failed(at, script.cast.unit()),
    _page,
    _login,
    _refused,
    _cross_tenant,
    _rate_limited,
    _health,
    _leaked_url,
    _outbound,
    _unit_send,
    _connection,
    _campaign,
)
