"""Incident 1 through Slack: from the red check to a webhook on the new secret, and what fails."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from bot.demo.evolution import EvolutionStandIn, Fault, InstanceRow
from bot.demo.evolution.model import Request
from tests.bot.remediation.crew import all_open, all_submit, enlist
from tests.bot.remediation.planted import T0
from tests.bot.remediation.slack import EVOLUTION_KEY, Bench, bench, button_ids, read
from tests.manifests.roles import RoleUrls
from tests.support.crm_rows import Rows, Unit
from tests.support.health import HealthServer

OLD, OTHER = "planted-webhook-secret-of-norte-01", "planted-webhook-secret-of-norte-02"
SET = "/webhook/set"
FIX = "/golive fix regenerate_secret Norte"
LINES = (
    "[INFO] [REQ] GET /health {{ requestId: '{0}', ip: '::1' }}\n"
    "[INFO] [RES] GET /health {{ requestId: '{0}', status: 200, duration: 1 }}\n"
)
UNKNOWN = "[Webhook:no-id] Unknown instance: unit_norte, provider: evolution\n"
RECEIVED = "[WHATSAPP] Webhook received from evolution (unit_norte)\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A bot, an application that answers, and an Evolution whose secret is another one."""

    table: Bench
    evolution: EvolutionStandIn
    instance: InstanceRow
    unit: Unit
    route: str
    log: Path

    def write(self, *lines: str) -> None:
        """The application logs."""
        with self.log.open("a", encoding="utf-8") as log:
            log.writelines(lines)

    def secret(self) -> str:
        """What the database has."""
        ((found,),) = self.table.rows(
            "SELECT webhook_secret FROM unit_whatsapp_connections WHERE unit_id = %s", self.unit.id
        )
        return str(found)

    def told(self) -> str:
        """The address that Evolution sends to."""
        assert self.instance.webhook is not None
        return self.instance.webhook.url

    def posts(self) -> int:
        """How often Evolution was told."""
        return sum(one.path.startswith(SET) for one in self.evolution.journal)


@asynccontextmanager
async def placed(
    roles: RoleUrls, store: str, folder: Path, *, replicas: int = 1
) -> AsyncGenerator[Place]:
    """Norte, alone with Evolution; nothing that is secret is in Slack's traffic at the end."""
    log = folder / "app.log"
    log.write_text(LINES.format("a"), encoding="utf-8")
    with Rows(roles.owner) as rows:
        rows.run("UPDATE unit_whatsapp_connections SET provider = 'zapi'")
        unit = rows.unit("Norte", created_at=T0, instance_id="unit_norte", webhook_secret=OLD)
    async with HealthServer() as health, EvolutionStandIn(key=EVOLUTION_KEY) as evolution:
        route = f"{health.base_url}/webhooks/whatsapp/evolution"
        instance = evolution.add("unit_norte", webhook_url=f"{route}/{OTHER}")
        given = {"log": log, "base_url": health.base_url, "evolution": evolution.url}
        async with bench(roles, store, replicas=replicas, **given) as table:  # pyright: ignore[reportArgumentType]
            place = Place(
                table=table,
                evolution=evolution,
                instance=instance,
                unit=unit,
                route=route,
                log=log,
            )
            yield place
            traffic = str(table.workspace.journal.entries)
            hidden = (OLD, OTHER, place.secret(), EVOLUTION_KEY)
            assert [secret for secret in hidden if secret in traffic] == []


async def test_from_the_red_check_to_the_first_webhook(
    roles: RoleUrls, store_database: str, tmp_path: Path
) -> None:
    """The cause, the button of that unit, the host that is told, and both agree afterwards."""
    async with placed(roles, store_database, tmp_path) as place:
        table = place.table
        await table.stage.command("/golive start v2.4.0 12m")
        await table.stage.timer.advance(timedelta(seconds=20))
        place.write(LINES.format("b"), *[UNKNOWN] * 7)
        await table.stage.timer.advance(timedelta(seconds=20))
        await table.stage.command("/golive checkpoint")
        await table.stage.timer.advance(timedelta(seconds=10))
        red = table.post("asked for (T+12:40) · roll back")
        assert "7 webhooks for an unknown instance or with a wrong secret." in red.text
        assert button_ids(red) == ["golive.ack", "golive.rollback", "golive.diagnose:1"]
        await table.click(red, "golive.diagnose:1")
        post = table.post("Incident 1")
        assert "Webhook secret mismatch: Evolution's webhook and the database" in post.text
        assert "\nRegenerate secret of Norte\n" in read(post)
        view = await table.click(post, "golive.fix:0")
        assert view is not None
        assert read(view).startswith(
            "*Regenerate the webhook secret of Norte*\n"
            "Evolution at 127.0.0.1 is told the new address.\n\n"
            "*Mind*\n"
            "▲ Messages that arrive during the switch are lost; unknown-instance warnings of this"
            " unit are expected meanwhile.\n"
            "▲ There is no undo: a secret can only be replaced once more.\n"
        ), read(view)
        assert (place.secret(), place.told()) == (OLD, f"{place.route}/{OTHER}")
        said = await table.submit(view, "the secret does not match")
        assert "*Done*: Regenerate the webhook secret of Norte, 1 row. The thread has it." in said
        assert place.secret() != OLD
        assert place.told() == f"{place.route}/{place.secret()}"
        assert button_ids(table.post("*Fixed*")) == []
        await table.stage.timer.advance(timedelta(seconds=70))
        place.write(RECEIVED)
        await table.stage.timer.advance(timedelta(seconds=90))
        outcome = table.post("*It helped*")
        assert "1 changed: 1 secret renewed." in outcome.text
        assert read(outcome).splitlines() == [
            "Database and Evolution agree.",
            "Unknown instances, as measured: CRITICAL. 7 webhooks for an unknown instance or with"
            " a wrong secret.",
            "What was refused before the switch counts as before.",
            "Webhooks of this unit are accepted on the new secret. No unknown-instance warning of"
            " this unit came meanwhile.",
        ]
        assert table.actions() == [
            "proposed",
            "began",
            "executed",
            "switched",
            "first webhook",
            "verified",
        ]
        assert "on the new secret: seen" in table.post("First webhook of Norte").text


async def test_evolution_refuses(roles: RoleUrls, store_database: str, tmp_path: Path) -> None:
    """The modal says why and that nothing is changed; a new preview can be confirmed."""
    async with placed(roles, store_database, tmp_path) as place:
        table = place.table
        view = await table.open(FIX)
        place.evolution.fail(Fault.SERVER_ERROR, below=SET, times=1)
        said = await table.submit(view, "the secret does not match")
        assert "500" in said
        assert "The database keeps the old secret." in said
        assert (place.secret(), place.told()) == (OLD, f"{place.route}/{OTHER}")
        assert table.actions() == ["proposed", "began", "failed"]
        assert [m.text for m in table.stage.posts] == []
        assert "1 row" in await table.submit(await table.reopened(FIX))
        assert place.told() == f"{place.route}/{place.secret()}"


async def test_evolution_goes_away_behind_the_write(
    roles: RoleUrls, store_database: str, tmp_path: Path
) -> None:
    """Unsettled, and said; tried again until both agree on what the database has, and said."""
    async with placed(roles, store_database, tmp_path) as place:
        table, evolution = place.table, place.evolution

        async def down(request: Request) -> None:
            if request.path.startswith(SET):
                evolution.fail(Fault.SERVER_ERROR, below="/webhook")

        view = await table.open(FIX)
        evolution.between = down
        evolution.fail(Fault.RESET_AFTER, below=SET, times=1)
        said = await table.submit(view, "the secret does not match")
        assert "Evolution and the database may disagree; golive goes on trying until" in said
        assert place.secret() == OLD
        assert place.told() not in {f"{place.route}/{OLD}", f"{place.route}/{OTHER}"}
        assert "Evolution and the database may disagree" in table.post("may disagree").text
        await table.stage.timer.advance(timedelta(minutes=1))
        assert place.told() != f"{place.route}/{OLD}"
        evolution.between = None
        evolution.heal()
        await table.stage.timer.advance(timedelta(minutes=2))
        assert place.told() == f"{place.route}/{OLD}"
        assert table.post("Database and Evolution agree on the old secret.")
        assert table.actions()[-1] == "settled"


async def test_of_many_operators_one_makes_a_secret(
    roles: RoleUrls, store_database: str, tmp_path: Path
) -> None:
    """On two replicas: Evolution is told once, and 9 modals name the one who did it."""
    async with placed(roles, store_database, tmp_path, replicas=2) as place:
        table = place.table
        views = await all_open(table, enlist(table, 10), FIX)
        said = await all_submit(table, views, "the secret does not match")
        done = [user for user, text in said.items() if "*Done*" in text]
        late = [text for text in said.values() if f"<@{done[0]}> " in text]
        assert (len(done), len(late), place.posts()) == (1, 9, 1)
        assert place.told() == f"{place.route}/{place.secret()}"
        assert table.actions().count("executed") == 1
