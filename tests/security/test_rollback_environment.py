"""A rollback's command gets PATH, HOME, LANG and what the runbook lists, and nothing else."""

from __future__ import annotations

import sys
from datetime import timedelta

import pytest

from tests.bot.remediation.slack import Bench, all_words, bench
from tests.bot.remediation.test_slack_rollback import begun, with_plan
from tests.manifests.roles import RoleUrls
from tests.support.health import HealthServer

NEVER = {
    "JWT_ACCESS_SECRET": "jwt-access-secret-of-the-tests-1",
    "DATABASE_URL": "postgresql://app:pw-of-the-tests-1@db.example.org/crm",
    "PGPASSWORD": "pg-password-of-the-tests-1",
    "SLACK_BOT_TOKEN": "xoxb-of-the-tests-1-1-1",
    "GOLIVE_STORE_URL": "postgresql://golive_store:pw-of-the-tests-2@db.example.org/crm",
    "EVOLUTION_API_KEY": "evolution-key-of-the-tests-1",
    "AWS_SECRET_ACCESS_KEY": "aws-secret-of-the-tests-1",
}
DEPLOY_TOKEN = "deploy-token-of-the-tests-987654"
PRINTS = (
    "import os; print('has', sorted(os.environ)); print('with', os.environ.get('DEPLOY_TOKEN'),"
    " os.environ.get('REGION'))"
)
OF_PYTHON = {"LC_CTYPE"}  # Python sets it for itself where LANG names no UTF-8


async def ran(table: Bench) -> str:
    """Roll back; what the thread says of the command."""
    await begun(table)
    await table.submit(await table.open("/golive rollback"), "it fails")
    await table.stage.bot.repairs.end()
    await table.stage.timer.rest()
    return all_words(table.post("*Rollback done*"))


@pytest.mark.parametrize("listed", [(), ("DEPLOY_TOKEN", "REGION", "NOT_SET")])
async def test_what_a_command_gets(
    listed: tuple[str, ...],
    roles: RoleUrls,
    store_database: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nothing that was not listed; what is listed is there, and masked where it is a token."""
    for name, value in {**NEVER, "DEPLOY_TOKEN": DEPLOY_TOKEN, "REGION": "eu-1"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("HOME", "/home/of-the-tests")
    monkeypatch.setenv("LANG", "C.UTF-8")
    book = with_plan(
        command=(sys.executable, "-c", PRINTS),
        environment=listed,
        timeout=timedelta(seconds=20),
    )
    async with (
        HealthServer() as health,
        bench(roles, store_database, runbook=book, base_url=health.base_url) as table,
    ):
        said = await ran(table)
    has = said.partition("has [")[2].partition("]")[0]
    names = {name.strip("' ") for name in has.split(",")} - OF_PYTHON
    assert names == {"PATH", "HOME", "LANG", *(set(listed) - {"NOT_SET"})}
    assert ("with [MASKED] eu-1" if listed else "with None None") in said
    assert DEPLOY_TOKEN not in said
