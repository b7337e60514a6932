"""After a new webhook secret: the first webhook on it, what was refused meanwhile, and leaks."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from bot.demo.evolution import EvolutionStandIn
from bot.demo.workspace import Workspace
from checks.diagnosis.webhooks import ROUTE
from tests.bot.remediation.planted import T0
from tests.bot.remediation.slack import EVOLUTION_KEY, Bench, all_words, bench
from tests.manifests.roles import RoleUrls
from tests.support.crm_rows import Rows
from tests.support.hand import HandClock
from tests.support.health import HealthServer
from tests.support.slack_bot import CHANNEL

OLD = "0ld5ecret-of-the-unit-0123456789"
ACCEPTED = "[WHATSAPP] Webhook received from evolution ({})\n"
REFUSED = "[Webhook:no-id] Unknown instance: {}, provider: evolution\n"
QUIET = (
    "[INFO] [REQ] GET /health { requestId: 'a1', ip: '::1' }\n"
    "[INFO] [RES] GET /health { requestId: 'a1', status: 200, duration: 1 }\n"
) * 20


@dataclass(slots=True, kw_only=True)
class Place:
    """A unit, its Evolution, the application's log, and a workspace in which bots come and go."""

    roles: RoleUrls
    store: str
    log: Path
    clock: HandClock
    workspace: Workspace
    evolution: EvolutionStandIn
    base_url: str

    @asynccontextmanager
    async def bot(self) -> AsyncGenerator[Bench]:
        """A bot that runs until the block ends."""
        async with bench(
            self.roles,
            self.store,
            clock=self.clock,
            log=self.log,
            base_url=self.base_url,
            evolution=self.evolution.url,
            place=self.workspace,
        ) as table:
            yield table

    def says(self, *lines: str) -> None:
        """The application writes lines."""
        with self.log.open("a") as log:
            log.write("".join(lines))

    def said(self, part: str) -> list[str]:
        """What was posted with these words, oldest first."""
        posts = map(all_words, self.workspace.state.messages.of(CHANNEL))
        return [post for post in posts if part in post]


async def rotate(table: Bench) -> None:
    """Give Norte a new secret."""
    view = await table.open("/golive fix regenerate_secret Norte")
    assert "1 row" in await table.submit(view)


@pytest.fixture
async def place(roles: RoleUrls, store_database: str, tmp_path: Path) -> AsyncGenerator[Place]:
    """Norte, whose secret is the same on both sides; its webhooks came before."""
    log = tmp_path / "app.log"
    log.write_text(QUIET + ACCEPTED.format("unit_norte"))
    with Rows(roles.owner) as rows:
        rows.run("UPDATE unit_whatsapp_connections SET provider = 'zapi'")
        rows.unit("Norte", created_at=T0, instance_id="unit_norte", webhook_secret=OLD)
    clock = HandClock(T0)
    async with (
        EvolutionStandIn(key=EVOLUTION_KEY) as evolution,
        Workspace(now=clock.now, rate_limits=False) as workspace,
        # One that answers: the probe's pauses between its tries are real.
        HealthServer() as application,
    ):
        base_url = application.base_url
        evolution.add("unit_norte", webhook_url=f"{base_url}{ROUTE}/{OLD}")
        yield Place(
            roles=roles,
            store=store_database,
            log=log,
            clock=clock,
            workspace=workspace,
            evolution=evolution,
            base_url=base_url,
        )


async def test_the_first_webhook_is_told_once_also_after_a_restart(place: Place) -> None:
    """Only the unit's own counts; what was refused meanwhile is named, and still counts."""
    async with place.bot() as table:
        await table.stage.command("/golive start v2.4.0 1m")
        await rotate(table)
        place.says(REFUSED.format("unit_norte") * 2, REFUSED.format("unit_old"))
        place.says(ACCEPTED.format("unit_norte2"))
        await table.stage.timer.advance(timedelta(seconds=150))
        (verified,) = place.said("It helped")
        assert "No webhook of this unit was seen on the new secret yet" in verified
        assert "2 unknown-instance warnings of this unit meanwhile" in verified
        assert place.said("First webhook") == []
    async with place.bot() as table:
        place.says(ACCEPTED.format("unit_norte"))
        await table.stage.timer.advance(timedelta(seconds=60))
        (first,) = place.said("First webhook")
        assert "First webhook of Norte on the new secret: seen 1" in first
        assert "2 unknown-instance warnings of this unit meanwhile: expected" in first
        await table.stage.command("/golive checkpoint")
        (finding,) = place.said("3 webhooks for an unknown instance")[-1:]
        assert "2 of them came from Norte while its secret was replaced" in finding
        await table.stage.timer.advance(timedelta(seconds=60))
        assert len(place.said("First webhook")) == 1
        assert table.actions().count("first webhook") == 1


async def test_none_in_ten_minutes_is_said_with_what_to_do(place: Place) -> None:
    """Once, when the bound is over."""
    async with place.bot() as table:
        await rotate(table)
        await table.stage.timer.advance(timedelta(minutes=11))
        (none,) = place.said("No webhook of Norte came on the new secret in 10 minutes.")
        assert "/golive expect inbound" in none
        assert "/golive diagnose 1" in none
        assert table.actions().count("no webhook") == 1


async def test_the_old_and_the_new_secret_are_looked_for_in_the_log(place: Place) -> None:
    """Each is proven leaked where it stands in the log, and neither is shown."""
    async with place.bot() as table:
        await table.stage.command("/golive start v2.4.0 1m")
        await rotate(table)
        ((new,),) = table.rows(
            "SELECT webhook_secret FROM unit_whatsapp_connections WHERE provider = 'evolution'"
        )
        assert new != OLD
        place.says(f"[INFO] sending to {new}\n", f"[INFO] retrying {OLD}\n")
        await table.stage.timer.advance(timedelta(seconds=20))
        await table.stage.command("/golive checkpoint")
        assert place.said("2 lines with an unmasked secret: 2 proven (live_secret)")
        kept = table.rows("SELECT t::text FROM golive.fix_audit AS t")
        traffic = f"{table.workspace.journal.entries}{kept}"
        assert "switched" in traffic
        assert [secret for secret in (OLD, str(new)) if secret in traffic] == []
