"""Databases with the roles, and engines that run under golive_fixer."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import timedelta

import pytest

from bot.remediation.database import FixDatabase
from bot.remediation.engine import Engine
from bot.remediation.reset_messages import ResetMessages
from checks import CHECKS
from checks.engine.runbook import Remediation, load_runbook
from tests.bot.remediation.planted import T0
from tests.manifests.roles import RoleUrls, install
from tests.support.hand import HandClock


@pytest.fixture
def roles(crm_fixture_database: str) -> RoleUrls:
    """The application's recorded rows, with the roles."""
    return install(crm_fixture_database)


@pytest.fixture
def rules() -> Remediation:
    """What the shipped runbook lets fixes do."""
    found = load_runbook(checks=CHECKS).remediation
    assert found is not None
    return found


@pytest.fixture
def clock() -> HandClock:
    """Time moved by hand."""
    return HandClock(T0)


WAITING = timedelta(seconds=60)


async def nothing() -> tuple[str, ...]:
    """No secrets, no ids."""
    return ()


@pytest.fixture
async def engine(roles: RoleUrls, rules: Remediation, clock: HandClock) -> AsyncGenerator[Engine]:
    """An engine under golive_fixer that can reset messages."""
    database = FixDatabase(roles.fixer, lock=rules.lock_timeout, statement=rules.statement_timeout)
    kind = ResetMessages(
        rules.reset_messages, most=rules.max_rows, waiting=WAITING, secrets=nothing, sent=nothing
    )
    yield Engine(database, {kind.name: kind}, rules, clock)
    await database.close()
