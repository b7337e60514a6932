"""Diagnosis through Slack: the cause, and the buttons of its fix."""

from __future__ import annotations

from datetime import timedelta

from bot.demo.evolution import EvolutionStandIn
from bot.demo.workspace import people
from tests.bot.remediation.planted import T0, plant_failures
from tests.bot.remediation.slack import EVOLUTION_KEY, all_words, bench, button_ids, words
from tests.manifests.roles import RoleUrls
from tests.support.crm_rows import Rows

BASE = "https://crm.invalid"
ROUTE = f"{BASE}/webhooks/whatsapp/evolution"
OLD, OTHER = "0ld5ecret-of-the-unit-0123456789", "another-secret-that-is-long-enough"


async def test_incident_3_offers_a_button_for_each_unit(
    roles: RoleUrls, store_database: str
) -> None:
    """A member may diagnose; the button opens the same preview as the command."""
    with Rows(roles.owner) as rows:
        plant_failures(rows)
    async with bench(roles, store_database) as table:
        await table.command("/golive diagnose 3", people.MEMBER)
        post = table.post("Incident 3")
        said = all_words(post)
        assert "Messages failed* holds" in said
        assert button_ids(post) == [f"golive.fix:{number}" for number in range(4)]
        assert "Reset Norte (20)" in said
        assert "Reset all units (37)" in said
        view = await table.click(post, "golive.fix:1")
        assert view is not None
        assert "Reset failed messages of Sul" in words(view)
        assert "10 rows" in await table.submit(view)
        top = table.top()
        assert top is not None
        await table.workspace.actor.close(people.OPERATOR, top, all_of_them=True)
        again = await table.click(post, "golive.fix:1")
        assert again is not None
        assert f"<@{people.OPERATOR}> did that" in words(again)


async def test_incident_1_end_to_end(roles: RoleUrls, store_database: str) -> None:
    """The mismatch is found, the button mends it in both, and no secret is seen anywhere."""
    with Rows(roles.owner) as rows:
        rows.run("UPDATE unit_whatsapp_connections SET provider = 'zapi'")
        unit = rows.unit("Norte", created_at=T0, instance_id="unit_norte", webhook_secret=OLD)
    async with EvolutionStandIn(key=EVOLUTION_KEY) as evolution:
        instance = evolution.add("unit_norte", webhook_url=f"{ROUTE}/{OTHER}")
        async with bench(roles, store_database, base_url=BASE, evolution=evolution.url) as table:
            await table.command("/golive diagnose 1")
            post = table.post("Incident 1")
            assert "Webhook secret mismatch* holds" in all_words(post)
            # The cause that comes first, an address that nobody answers at, has no button.
            assert button_ids(post) == []
            view = await table.open("/golive fix regenerate_secret Norte")
            assert "Evolution at 127.0.0.1 is told the new address." in words(view)
            assert "There is no undo" in words(view)
            assert "1 row" in await table.submit(view)
            ((new,),) = table.rows(
                "SELECT webhook_secret FROM unit_whatsapp_connections WHERE unit_id = %s", unit.id
            )
            webhook = instance.webhook
            assert webhook is not None
            assert webhook.url == f"{ROUTE}/{new}"
            await table.stage.timer.advance(timedelta(minutes=3))
            assert "Database and Evolution agree." in all_words(table.post("*It helped*"))
            assert "golive.undo" not in button_ids(table.post("*Fixed*"))
            traffic = str(table.workspace.journal.entries)
            for secret in (OLD, OTHER, str(new), EVOLUTION_KEY):
                assert secret not in traffic
