"""A campaign that was reset is dispatched again: by the runbook's hook, or by hand with a tick."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.demo.workspace import people
from checks.engine.runbook import Runbook
from tests.bot.remediation.hook_server import (
    RESET,
    TOKEN,
    VARIABLE,
    Answer,
    HookServer,
    answer,
    hook_server,
)
from tests.bot.remediation.planted import plant_campaigns
from tests.bot.remediation.slack import Bench, all_words, bench, button_ids, rules_of, words
from tests.manifests.roles import RoleUrls
from tests.support.crm_rows import Rows


def with_hook(server: HookServer) -> Runbook:
    """The shipped runbook with a hook that dispatches."""
    book = rules_of()
    assert book.remediation is not None
    return rules_of(
        reset_campaign=replace(book.remediation.reset_campaign, redispatch=server.hook())
    )


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (answer(202, "dispatched"), "1 row handed to 127.0.0.1: 1 accepted."),
        (answer(500), "1 row handed to 127.0.0.1: 1 answered 500."),
        (RESET, "1 row handed to 127.0.0.1: 1 gave no answer (the connection broke off)."),
    ],
)
async def test_the_hook_gets_each_campaign_once(
    roles: RoleUrls, store_database: str, said: Answer, told: str
) -> None:
    """After the reset is committed, with its outcome in the thread; a failure is not repeated."""
    with Rows(roles.owner) as rows:
        campaign, _ = plant_campaigns(rows)
    async with hook_server(said) as server:
        runbook = with_hook(server)
        async with bench(roles, store_database, runbook=runbook, tokens={VARIABLE: TOKEN}) as table:
            view = await table.open(f"/golive fix reset_campaign {campaign} restarted")
            assert "It is then handed to 127.0.0.1 (redispatch)." in words(view)
            assert "Steps by hand" not in words(view)
            await table.submit(view)
            assert status(table, campaign) == [("draft",)]
            post = all_words(table.post(told))
            (asked,) = server.asked
            assert asked.body["campaign_id"] == str(campaign)
            assert asked.headers["authorization"] == f"Bearer {TOKEN}"
            assert (str(campaign) in post) == ("accepted" not in told)
            assert ("not known whether it was taken" in post) == (said == RESET)
            await table.stage.timer.advance(timedelta(minutes=10))
            assert len(server.asked) == 1


async def test_by_hand_with_a_tick(roles: RoleUrls, store_database: str) -> None:
    """Without a hook it is the runbook's own step; the tick says who, and counts once."""
    with Rows(roles.owner) as rows:
        campaign, _ = plant_campaigns(rows)
    async with bench(roles, store_database) as table:
        await table.submit(await table.open(f"/golive fix reset_campaign {campaign} restarted"))
        post = table.post("*Fixed*")
        step = "Dispatch it again in the admin panel (the runbook's step)."
        assert f"☐ {step}" in all_words(post)
        assert button_ids(post) == ["golive.tick:0", "golive.undo"]
        await table.click(post, "golive.tick:0", people.SECOND_OPERATOR)
        assert f"☑ {step} · <@{people.SECOND_OPERATOR}>" in all_words(table.post("*Fixed*"))
        assert button_ids(table.post("*Fixed*")) == ["golive.undo"]
        await table.click(post, "golive.tick:0")
        assert f"<@{people.SECOND_OPERATOR}> has done that step already." in table.told()
        assert table.actions() == ["proposed", "executed", "ticked"]


def status(table: Bench, campaign: object) -> list[tuple[object, ...]]:
    """Where a campaign stands."""
    return table.rows("SELECT status FROM campaigns WHERE id = %s", campaign)
