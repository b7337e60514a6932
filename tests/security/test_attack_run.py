"""The whole bot in HTTP mode under attack: nothing is called, nothing changes, nothing breaks."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlencode

import psycopg
import pytest
from psycopg import sql
from pydantic import SecretStr

from bot.actions import CONFIRM, PREFIX
from bot.demo.workspace import people
from bot.demo.workspace.journal import Traffic
from bot.demo.workspace.server import Workspace
from bot.demo.workspace.values import Json, copy, is_object, mapping, objects
from bot.render.choosing import CHOOSE
from bot.render.reasons import REASON
from bot.slack.payloads import DialogNote
from bot.watch.buttons import ACK, ROLLBACK
from tests.bot.operations.telling import T0
from tests.bot.operations.test_whole_bot import free_port, get
from tests.security.test_unsigned_requests import MALFORMED, STAMPS
from tests.security.wire import FORM, JSON, Trap, exchange, raw, signature, signed, trapped
from tests.support.hand import HandClock
from tests.support.logs import exchanges, stamped
from tests.support.replicas import Replicas, replicas
from tests.support.slack_bot import settings_for

ATTACKS = 1_000
ODDITIES = 200
AT_A_TIME = 50

ODD: tuple[Any, ...] = (
    None,
    "",
    0,
    -1,
    1.5,
    True,
    [],
    {},
    [[]],
    {"id": None},
    "\0",
    "\ud800",
    "\u202e" + "x" * 300,
    "x" * 60_000,
    "<!channel> & `x`",
    [None] * 40,
    {"id": {"id": {"id": "deep"}}},
    "-" * 40,
    "D0",
)
"""Values in places where they do not belong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Genuine:
    """Something that Slack posted once."""

    body: bytes
    kind: str
    payload: Json
    form: bool


@dataclass(slots=True, kw_only=True)
class Besieged:
    """A bot with a watch, and what Slack posted to it until now."""

    bots: Replicas
    store: str
    port: int
    metrics: int
    trap: Trap
    genuine: list[Genuine]

    @property
    def secret(self) -> str:
        """By which Slack signs."""
        return self.bots.workspace.credentials.signing_secret

    async def send_all(self, requests: list[bytes]) -> list[int]:
        """The statuses, of so many at a time."""
        found: list[int] = []
        for start in range(0, len(requests), AT_A_TIME):
            some = requests[start : start + AT_A_TIME]
            found += await asyncio.gather(*(exchange(self.port, one) for one in some))
        return found

    def stored(self) -> dict[str, list[tuple[object, ...]]]:
        """Every row of the store."""
        with psycopg.connect(self.store) as store:
            tables = store.execute(
                "SELECT table_name FROM information_schema.tables WHERE table_schema = 'golive'"
            ).fetchall()
            return {
                str(name): sorted(
                    store.execute(
                        sql.SQL("SELECT * FROM {}").format(sql.Identifier("golive", name))
                    ),
                    key=str,
                )
                for (name,) in tables
            }

    async def refused(self) -> dict[str, float]:
        """How many requests were refused, by reason."""
        _, told = await get(f"http://127.0.0.1:{self.metrics}/metrics")
        name = "golive_slack_refused_requests_total"
        lines = [line for line in told.splitlines() if line.startswith(f"{name}{{")]
        return {line.split('"')[1]: float(line.rsplit(" ", 1)[1]) for line in lines}


@pytest.fixture
async def besieged(tmp_path: Path, store_database: str) -> AsyncGenerator[Besieged]:
    """Commands, clicks and Home came; a watch runs, and its clock stands still."""
    clock, log, port, metrics = HandClock(T0), tmp_path / "app.log", free_port(), free_port()
    log.write_text("".join(f"{line}\n" for line in stamped(exchanges(1, *([500] * 20)), T0)))
    async with Workspace(now=clock.now) as workspace, trapped() as trap:
        settings = settings_for(workspace, store_database, log=log).model_copy(
            update={
                "slack_app_token": None,
                "slack_signing_secret": SecretStr(workspace.credentials.signing_secret),
                "port": port,
                "metrics_port": metrics,
                "metrics_host": "127.0.0.1",
            }
        )
        async with replicas(workspace, settings, clock, "only") as bots:
            workspace.deliver_to(f"http://127.0.0.1:{port}/slack/events", stamp=clock.now)
            for text in ("start v1", "status", "ack", "expect inbound", "silence http_5xx 5m"):
                await bots.command(text)
            await workspace.actor.open_home(people.OPERATOR)
            await bots.settle()
            envelopes = workspace.journal.entries(Traffic.ENVELOPE)
            yield Besieged(
                bots=bots,
                store=store_database,
                port=port,
                metrics=metrics,
                trap=trap,
                genuine=[
                    *(genuine(entry.name, mapping(entry.body["payload"])) for entry in envelopes),
                    *(genuine("interactive", payload) for payload in clicks(trap.url)),
                ],
            )


def clicks(url: str) -> list[Json]:
    """Presses of buttons, and a dialog that was sent."""
    pressed: Json = {
        "type": "block_actions",
        "team": {"id": people.TEAM, "domain": "d"},
        "user": {"id": people.OPERATOR, "team_id": people.TEAM},
        "channel": {"id": people.RELEASES},
        "response_url": url,
    }
    action: Json = {"type": "button", "block_id": "b", "action_ts": "1.0", "value": "1"}
    several: list[Json] = [
        {**pressed, "trigger_id": f"t{n}", "actions": [{**action, "action_id": name}]}
        for n, name in enumerate((ACK, ROLLBACK, f"{PREFIX}silence", CHOOSE))
    ]
    note = DialogNote(check="http_5xx", channel=people.RELEASES, response_url=url)
    view: Json = {
        "id": "V1",
        "hash": "1.0",
        "private_metadata": note.model_dump_json(),
        "state": {"values": {REASON: {REASON: {"type": "plain_text_input", "value": "known"}}}},
    }
    sent = {**pressed, "type": "view_submission", "trigger_id": "t9"}
    return several + [
        {**sent, "view": {**view, "callback_id": name}} for name in (f"{PREFIX}silence", CONFIRM)
    ]


def genuine(kind: str, payload: Json) -> Genuine:
    """An envelope as Slack encodes it."""
    if kind == "events_api":
        return Genuine(body=json.dumps(payload).encode(), kind=JSON, payload=payload, form=False)
    form = kind == "slash_commands"
    fields = payload if form else {"payload": json.dumps(payload)}
    body = urlencode(fields, errors="surrogatepass").encode()
    return Genuine(body=body, kind=FORM, payload=payload, form=form)


def attack(random: Random, besieged: Besieged, number: int) -> bytes:
    """One request that Slack did not send now; what it says would work."""
    clock = besieged.bots.timer.clock
    base = random.choice(besieged.genuine)
    body = base.body.replace(b"x_url", b"x") + (b"&n=%d" % number if base.kind == FORM else b"")
    now = str(int(clock.now().timestamp())).encode()
    kind = ("Content-Type", base.kind.encode())
    match number % 5:
        case 0:  # signed by nobody
            return raw(body, (kind, ("X-Golive", now))[: random.randint(1, 2)])
        case 1:  # by somebody else
            mark = random.choice(
                (
                    signature(body, now, random.choice(("", "guess", besieged.secret[:-1]))),
                    signature(body[:-1], now, besieged.secret),
                    random.randbytes(random.randint(0, 99)).translate(None, b"\r\n\0"),
                    "v0=ü".encode(),
                )
            )
            return raw(
                body, (kind, ("X-Slack-Request-Timestamp", now), ("X-Slack-Signature", mark))
            )
        case 2:  # at a time that is none
            stamp = random.choice(tuple(STAMPS.values()))
            mark = random.choice((signature(body, stamp, besieged.secret), b"v0=" + b"0" * 64))
            return raw(
                body, (kind, ("X-Slack-Request-Timestamp", stamp), ("X-Slack-Signature", mark))
            )
        case 3:  # recorded more than five minutes ago
            at = clock.now() - timedelta(seconds=random.randint(301, 100_000))
            headers = signed(base.body, secret=besieged.secret, at=at, kind=base.kind)
            return raw(base.body, headers)
        case _:  # signed, and nothing that Slack sends
            odd, broken = random.choice(tuple(MALFORMED.values()))
            broken = broken.replace(b"RESPONSE_URL", besieged.trap.url.encode())
            return raw(broken, signed(broken, secret=besieged.secret, at=clock.now(), kind=odd))


async def test_a_thousand_attacks_reach_nothing(besieged: Besieged) -> None:
    """Unsigned, malformed, replayed: 0 calls, 0 changes, all refused."""
    random = Random(11)
    journal = len(besieged.bots.workspace.journal.entries())
    before, counted = besieged.stored(), await besieged.refused()
    attacks = [attack(random, besieged, number) for number in range(ATTACKS)]
    statuses = await besieged.send_all(attacks)
    await besieged.bots.settle()
    assert set(statuses) == {400, 401}
    assert besieged.trap.hits == []
    assert besieged.bots.workspace.journal.entries()[journal:] == ()
    assert besieged.stored() == before
    after = await besieged.refused()
    found = {reason: after[reason] - counted[reason] for reason in after if after[reason]}
    assert found == {"unverified": statuses.count(401), "malformed": ATTACKS // 5}


def places(value: Json) -> list[Json]:
    """All objects in a payload, the payload first."""
    inner = [mapping(one) for one in value.values() if is_object(one)]
    inner += [one for several in value.values() for one in objects(several)]
    return [value, *(place for one in inner for place in places(one))]


def oddity(random: Random, besieged: Besieged, number: int) -> bytes:
    """Something that Slack sent, with odd values in some places, and signed."""
    base = random.choice(besieged.genuine)
    payload = copy(base.payload)
    for _ in range(random.randint(1, 3)):
        place = random.choice([one for one in places(payload) if one])
        odd = random.choice(ODD)
        place[random.choice(sorted(place))] = str(odd) if base.form else odd
    if "trigger_id" in payload and random.random() < 0.5:
        payload["trigger_id"] = f"odd-{number}"
    if "response_url" in payload:
        payload["response_url"] = besieged.trap.url
    kind = "events_api" if base.kind == JSON else "slash_commands" if base.form else "interactive"
    odd_one = genuine(kind, payload)
    at = besieged.bots.timer.clock.now()
    return raw(odd_one.body, signed(odd_one.body, secret=besieged.secret, at=at, kind=odd_one.kind))


async def test_two_hundred_signed_oddities_break_nothing(
    besieged: Besieged, caplog: pytest.LogCaptureFixture
) -> None:
    """No 5xx, nothing that nobody caught, no call to where they say; and it goes on."""
    random = Random(7)
    uncaught: list[object] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: uncaught.append(context))
    statuses = await besieged.send_all(
        [oddity(random, besieged, number) for number in range(ODDITIES)]
    )
    await besieged.bots.settle()
    assert [status for status in statuses if not 200 <= status < 500] == []
    assert {200, 400} <= set(statuses)
    assert besieged.trap.hits == []
    assert uncaught == []
    assert [record for record in caplog.records if record.exc_info] == []
    posts = len(besieged.bots.posts)
    assert (await besieged.bots.command("status")).error is None
    assert len(besieged.bots.posts) == posts + 1
