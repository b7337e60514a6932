"""Which button a red check brings, where it leads, and which fix is behind it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.demo.evolution import EvolutionStandIn
from bot.demo.workspace import people
from bot.watch.buttons import diagnose_buttons
from checks import CHECKS
from checks.engine.model import Level
from tests.bot.remediation.planted import T0, plant_failures
from tests.bot.remediation.slack import EVOLUTION_KEY, bench, button_ids, read, words
from tests.bot.reports import finding, report
from tests.manifests.roles import RoleUrls
from tests.support.crm_rows import Rows
from tests.support.health import HealthServer

LEADS = {
    "unknown_instances": "1",
    "connection_stability": "1",
    "inbound_flow": "2",
    "retries": "3",
    "message_errors": "3",
    "outbound_success": "3",
    "campaigns": "4",
}
"""checks.md: on a red check the button leads to this incident; others have none."""


@pytest.mark.parametrize("check", [check.id for check in CHECKS])
def test_where_a_red_check_leads(check: str) -> None:
    """WARNING and CRITICAL have the button of their incident; what is accepted or fine has none."""
    wanted = [LEADS[check]] if check in LEADS else []
    for level in Level:
        one = finding(check, level, summary="x")
        red = level in {Level.WARNING, Level.CRITICAL}
        buttons = diagnose_buttons(replace(report(), findings=(one,)))
        assert [button.value for button in buttons] == (wanted if red else [])
        assert [button.action for button in buttons] == [
            f"golive.diagnose:{number}" for number in (wanted if red else [])
        ]
        accepted = replace(one, accepted_by=people.OPERATOR)
        assert diagnose_buttons(replace(report(), findings=(accepted,))) == ()


def test_one_button_for_each_incident() -> None:
    """Several checks that lead to the same one share it; the labels say what it is about."""
    red = tuple(finding(check, Level.CRITICAL, summary="x") for check in LEADS)
    buttons = diagnose_buttons(replace(report(), findings=red))
    assert [button.label for button in buttons] == [
        "Diagnose: connections",
        "Diagnose: inbound",
        "Diagnose: outbound",
        "Diagnose: campaigns",
    ]


async def test_inbound_messages_that_fail(
    roles: RoleUrls, store_database: str, tmp_path: Path
) -> None:
    """The red check's button leads to incident 2, and where all fail, on to the rollback."""
    log = tmp_path / "app.log"
    log.write_text("[INFO] [Campaign] Starting dispatch for nobody\n", encoding="utf-8")
    async with bench(roles, store_database, log=log) as table:
        await table.stage.command("/golive start v2.4.0 31m")
        await table.stage.timer.advance(timedelta(seconds=20))
        with log.open("a", encoding="utf-8") as lines:
            for _ in range(3):
                lines.write("[WHATSAPP] Webhook received from evolution (unit_a)\n")
                lines.write("[Webhook:no-id] Processing error: {\n  message: 'no table'\n}\n")
        await table.stage.timer.advance(timedelta(seconds=20))
        await table.stage.command("/golive checkpoint")
        await table.stage.timer.advance(timedelta(seconds=10))
        red = table.post("asked for (T+31:40) · roll back")
        assert "golive.diagnose:2" in button_ids(red)
        await table.click(red, "golive.diagnose:2", people.MEMBER)
        post = table.post("Incident 2")
        assert "Roll back: the release loses every inbound message." in read(post)
        assert button_ids(post) == ["golive.rollback"]
        view = await table.click(post, "golive.rollback")
        assert view is not None
        assert read(view).startswith("*Roll back v2.4.0*\n")


async def test_a_fix_that_was_made_already(roles: RoleUrls, store_database: str) -> None:
    """A member may diagnose; a fix's button that is pressed again says who made it, and when."""
    with Rows(roles.owner) as rows:
        plant_failures(rows)
    async with bench(roles, store_database) as table:
        await table.command("/golive diagnose 3", people.MEMBER)
        post = table.post("Incident 3")
        assert button_ids(post) == [f"golive.fix:{number}" for number in range(4)]
        view = await table.click(post, "golive.fix:1")
        assert view is not None
        assert "10 rows" in await table.submit(view)
        again = await table.click(post, "golive.fix:1", people.SECOND_OPERATOR)
        assert again is not None
        assert (
            "There is nothing to change for Sul."
            f" <@{people.OPERATOR}> did that {table.instant('executed_at')}:"
            " Reset failed messages of Sul, 10 rows. Nothing was done now."
        ) in words(again)


async def test_the_first_cause_decides_on_the_fix(roles: RoleUrls, store_database: str) -> None:
    """A webhook that leads elsewhere comes before a secret that differs, and has no button."""
    secret, other = "planted-webhook-secret-of-norte-01", "planted-webhook-secret-of-norte-02"
    with Rows(roles.owner) as rows:
        rows.run("UPDATE unit_whatsapp_connections SET provider = 'zapi'")
        rows.unit("Norte", created_at=T0, instance_id="unit_norte", webhook_secret=secret)
    async with HealthServer() as health, EvolutionStandIn(key=EVOLUTION_KEY) as evolution:
        evolution.add(
            "unit_norte",
            webhook_url=f"https://old.example.org/webhooks/whatsapp/evolution/{other}",
        )
        async with bench(
            roles, store_database, base_url=health.base_url, evolution=evolution.url
        ) as table:
            await table.command("/golive diagnose 1")
            post = table.post("Incident 1")
            assert "Webhook leads elsewhere: " in post.text
            assert "✖ *Webhook secret mismatch* holds" in read(post)
            assert button_ids(post) == []
