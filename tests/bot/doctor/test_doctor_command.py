"""`golive doctor` as a shell runs it."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import pytest

from bot.demo.evolution import EvolutionStandIn
from bot.demo.workspace import Workspace, people
from bot.doctor.database import INDEX
from checks.engine.model import Json
from tests.bot.shell import QUIET, Golive, WriteLog
from tests.manifests.roles import RoleUrls
from tests.support.crm_rows import Rows
from tests.support.secrecy.planted import Kind, plant

WRONG_PASSWORD = plant(Kind.PASSWORD, "a-password-that-is-wrong")


def lines(out: str) -> list[dict[str, str]]:
    """The lines in the JSON on stdout."""
    return cast("list[dict[str, str]]", cast("dict[str, Json]", json.loads(out))["lines"])


@contextmanager
def neighbours() -> Generator[tuple[Workspace, EvolutionStandIn]]:
    """Slack and Evolution in a thread of their own: the command runs its own event loop."""
    workspace, evolution = Workspace(), EvolutionStandIn()
    ready, done = threading.Event(), threading.Event()

    async def serve() -> None:
        async with workspace, evolution:
            ready.set()
            await asyncio.to_thread(done.wait)

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    try:
        assert ready.wait(10)
        yield workspace, evolution
    finally:
        done.set()
        thread.join(10)


def test_everything_is_configured(golive: Golive, log: WriteLog, roles: RoleUrls) -> None:
    """All parts are tested in their order; what is left are warnings, so the exit code is 0."""
    with Rows(roles.owner) as rows:
        rows.unit("Alfa", created_at=datetime.now(UTC), instance_id="unit_a")
        rows.run("CREATE INDEX messages_created_at ON messages (created_at)")
    with neighbours() as (workspace, evolution):
        evolution.add("unit_a")
        env = {
            "GOLIVE_LOG": str(log(*QUIET)),
            "GOLIVE_DATABASE_URL": roles.reader,
            "GOLIVE_STORE_URL": roles.store,
            "GOLIVE_REMEDIATION_DATABASE_URL": roles.fixer,
            "SLACK_API_URL": workspace.api_url,
            "SLACK_BOT_TOKEN": workspace.credentials.bot_token,
            "SLACK_APP_TOKEN": workspace.credentials.app_token,
            "GOLIVE_CHANNEL": people.RELEASES,
            "GOLIVE_OPERATORS": people.OPERATORS,
            "GOLIVE_LEAD": people.OPERATOR,
            "EVOLUTION_API_URL": evolution.url,
            "EVOLUTION_API_KEY": evolution.key,
        }
        told = golive("doctor", "--format", "json", env=env)
        text = golive("doctor", env=env)
    assert told.code == text.code == 0
    areas = list(dict.fromkeys(line["area"] for line in lines(told.out)))
    assert areas == [
        "Environment",
        "Runbook",
        "Log",
        "Database",
        "Store",
        "Fixes",
        "Application",
        "Slack",
        "Evolution",
    ]
    assert [x for x in lines(told.out) if x["status"] not in {"OK", "SKIPPED"}] == []
    assert "✔ Connected to" in text.out
    assert "0 broken" in text.out


def test_a_broken_connection(golive: Golive, roles: RoleUrls) -> None:
    """A failure is exit code 1; the password is nowhere in it."""
    url = roles.reader.replace("of-the-tests-only", WRONG_PASSWORD)
    told = golive("doctor", env={"GOLIVE_DATABASE_URL": url})
    assert told.code == 1
    assert "✖ The password for user" in told.out
    assert WRONG_PASSWORD not in told.out + told.err


def test_warnings_alone(golive: Golive, roles: RoleUrls) -> None:
    """The missing index is a warning with its statement; the exit code stays 0."""
    told = golive("doctor", "--format", "json", env={"GOLIVE_DATABASE_URL": roles.reader})
    assert told.code == 0
    (line,) = (x for x in lines(told.out) if x["status"] == "WARNING" and x["area"] == "Database")
    assert line["mend"] == INDEX


def test_what_is_not_configured(golive: Golive) -> None:
    """Everything left out says what it would bring."""
    told = golive("doctor", "--format", "json")
    assert told.code == 1  # there is nothing to look at
    brings = {x["area"]: x["mend"] for x in lines(told.out) if x["status"] == "SKIPPED"}
    assert len(brings) == 8
    assert all(brings.values())


@pytest.mark.parametrize(
    ("argv", "env"),
    [
        (("--format", "yaml"), {}),
        ((), {"GOLIVE_CHANNEL": "#releases"}),
        ((), {"BASE_URL": "crm.example.com"}),
        (("--runbook", "nowhere.yaml"), {}),
    ],
)
def test_bad_configuration(golive: Golive, argv: tuple[str, ...], env: dict[str, str]) -> None:
    """What cannot be understood at all is 64, with a sentence."""
    told = golive("doctor", *argv, env=env)
    assert told.code == 64
    assert told.out == ""
    assert told.err


def test_a_half_given_evolution(golive: Golive, tmp_path: Path) -> None:
    """An address without a key is said to lack the key."""
    told = golive("doctor", env={"EVOLUTION_API_URL": "http://127.0.0.1:1", "HOME": str(tmp_path)})
    assert told.code == 1
    assert "✖ No key for the Evolution server was given." in told.out
