"""The whole bot without a socket: Slack posts to it, signed."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import aiohttp
import psycopg
import pytest
from pydantic import SecretStr

from bot.compose import open_bot
from bot.demo.workspace import people
from bot.demo.workspace.delivery import Envelope
from bot.demo.workspace.journal import Traffic
from bot.demo.workspace.server import Workspace
from bot.demo.workspace.signed_http import SignedHttp
from bot.demo.workspace.values import mapping
from bot.demo.workspace.views import View
from bot.settings import SettingsError
from bot.watch.buttons import ACK, ROLLBACK
from checks import CHECKS
from checks.engine.runbook import load_runbook
from tests.bot.operations.test_whole_bot import free_port
from tests.bot.remediation.planted import T0, plant_failures
from tests.manifests.roles import install
from tests.support.crm_rows import Rows
from tests.support.hand import HandClock, HandTimer
from tests.support.logs import exchanges, stamped
from tests.support.replicas import Replicas, replicas
from tests.support.slack_bot import CHANNEL, at, settings_for

BAD = "".join(f"{line}\n" for line in stamped(exchanges(1, *([500] * 20)), T0))


@dataclass(slots=True, kw_only=True)
class Posted:
    """A bot that is posted to."""

    bots: Replicas
    url: str
    http: SignedHttp

    async def dialog(self) -> View:
        """The modal that the operator sees once it is filled."""
        views = self.bots.workspace.state.views
        await self.bots.workspace.until(
            lambda: (
                (top := views.top(people.OPERATOR)) is not None
                and "One moment" not in words_of(top)
            )
        )
        await self.bots.settle()
        view = views.top(people.OPERATOR)
        assert view is not None
        return view

    async def again(self, number: int) -> None:
        """Slack sends the newest envelope once more."""
        entry = self.bots.workspace.journal.entries(Traffic.ENVELOPE)[-1]
        payload = mapping(entry.body["payload"])
        await self.http.send(
            Envelope(
                id=f"again-{number}",
                type=entry.name,  # pyright: ignore[reportArgumentType]
                payload=payload,
                accepts_response_payload=True,
                retry_num=number,
                retry_reason="http_timeout",
            )
        )
        await self.bots.workspace.until(
            lambda: any(
                ack.ref == f"again-{number}"
                for ack in self.bots.workspace.journal.entries(Traffic.ACK)
            )
        )
        await self.bots.settle()

    async def checkpoints(self) -> int:
        """How many were asked for by hand and taken."""
        (bot,) = self.bots.bots.values()
        (watch,) = await bot.store.open_watches()
        return len([t for t in await bot.store.taken(watch.id) if t.point.run == "manual"])


def words_of(view: View) -> str:
    """All that a modal shows."""
    return str([view.payload.get("title"), *view.blocks])


@pytest.fixture
async def posted(tmp_path: Path, store_database: str, crm_database: str) -> AsyncGenerator[Posted]:
    """By SLACK_SIGNING_SECRET and PORT, as `golive run` has it."""
    clock, log, port = HandClock(T0), tmp_path / "app.log", free_port()
    log.write_text(BAD)
    async with Workspace(now=clock.now) as workspace:
        settings = settings_for(workspace, store_database, log=log).model_copy(
            update={
                "slack_app_token": None,
                "slack_signing_secret": SecretStr(workspace.credentials.signing_secret),
                "port": port,
                "remediation_database_url": SecretStr(install(crm_database).fixer),
            }
        )
        assert settings.slack_mode == "http"
        assert settings.lacks_to_run() == ()
        async with replicas(workspace, settings, clock, "only") as bots:
            url = f"http://127.0.0.1:{port}/slack/events"
            http = workspace.deliver_to(url, stamp=clock.now)
            yield Posted(bots=bots, url=url, http=http)


async def test_commands_buttons_and_dialogs_over_signed_http(posted: Posted) -> None:
    """All that a socket brings; nothing is asked of sockets."""
    bots, actor = posted.bots, posted.bots.workspace.actor
    assert await posted.http.verify()
    assert (await bots.command("status", user=people.MEMBER)).error is None
    assert "no watch" in bots.posts[-1].text
    assert (await bots.command("start v1")).error is None
    await bots.timer.reach(at(T0, 11))
    (first,) = bots.headed("checkpoint 1 (T+10)")
    assert "✖ NO-GO" in first.text
    assert (await actor.click(people.MEMBER, first, ACK)).error is None
    await bots.settle()
    assert len(bots.headed("is on it")) == 1
    assert (await actor.click(people.OPERATOR, first, ROLLBACK, confirm=True)).error is None
    assert "Roll back v1" in words_of(await posted.dialog())
    views = bots.workspace.state.views
    assert (await actor.open_home(people.MEMBER)).error is None
    await bots.workspace.until(lambda: views.home(people.MEMBER) is not None)
    assert bots.workspace.journal.calls("apps.connections.open") == ()


async def test_a_dialog_is_filled_in_and_sent_over_signed_http(
    posted: Posted, crm_database: str
) -> None:
    """A fix from its preview to what it wrote."""
    with Rows(crm_database) as rows:
        plant_failures(rows, permanent=0, sent=0)
    actor = posted.bots.workspace.actor
    assert (await posted.bots.command("fix reset_messages all")).error is None
    preview = await posted.dialog()
    assert "37" in words_of(preview)
    outcome = await actor.submit(people.OPERATOR, preview, {"reason": "Evolution is back"})
    assert outcome.error is None
    done = await posted.dialog()
    assert "37" in words_of(done)
    with psycopg.connect(crm_database) as owner:
        left = owner.execute("SELECT status, count(*) FROM messages GROUP BY status").fetchall()
    assert left == [("queued", 37)]


async def test_what_slack_sends_again_is_done_once(posted: Posted) -> None:
    """Its retry header, a new envelope around it, or the same request recorded by somebody."""
    bots = posted.bots
    await bots.command("start v1")
    await bots.timer.reach(at(T0, 3))
    await bots.command("checkpoint")
    bots.timer.clock.instant += timedelta(seconds=5)
    for number in (1, 2):
        await posted.again(number)
    bots.workspace.faults.wire.duplicate = 1
    assert await posted.checkpoints() == 1
    await bots.command("checkpoint")
    assert await posted.checkpoints() == 2
    assert (await bots.workspace.actor.open_home(people.MEMBER)).error is None
    await bots.settle()
    published = len(bots.workspace.journal.calls("views.publish"))
    await posted.again(3)
    assert len(bots.workspace.journal.calls("views.publish")) == published


async def test_what_is_not_signed_now_is_refused_and_not_done(posted: Posted) -> None:
    """A wrong signature, none, and one of ten minutes ago."""
    bots = posted.bots
    await bots.command("start v1")
    form = {
        "command": "/golive",
        "text": "close",
        "user_id": people.OPERATOR,
        "channel_id": CHANNEL,
    }
    clock = bots.timer.clock
    now = str(int(clock.now().timestamp()))
    signed = {"X-Slack-Request-Timestamp": now, "X-Slack-Signature": "v0=" + "0" * 64}
    async with aiohttp.ClientSession() as session:
        for headers in (signed, {}):
            async with session.post(posted.url, data=form, headers=headers) as answer:
                assert answer.status == 401
    bots.workspace.deliver_to(posted.url, stamp=lambda: clock.now() - timedelta(minutes=10))
    assert (await bots.command("close")).error == "dispatch_failed"
    (bot,) = bots.bots.values()
    assert [watch.version for watch in await bot.store.open_watches()] == ["v1"]


async def test_a_port_that_somebody_has_is_a_setting_to_change(
    posted: Posted, store_database: str
) -> None:
    """Not a traceback; what was opened until then is closed."""
    workspace = posted.bots.workspace
    port = int(posted.url.split(":")[2].split("/")[0])
    settings = settings_for(workspace, store_database).model_copy(
        update={
            "slack_app_token": None,
            "slack_signing_secret": SecretStr(workspace.credentials.signing_secret),
            "port": port,
        }
    )
    timer = HandTimer(clock=HandClock(T0))
    book = load_runbook(checks=CHECKS)
    with pytest.raises(SettingsError, match=f"PORT: nobody can listen on .*port {port}"):
        async with open_bot(settings, book, clock=timer.clock, timer=timer, owner="second"):
            pytest.fail("It runs on a port that it does not have.")
    assert timer.jobs == {}
