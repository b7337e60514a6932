"""Rolling back by a deploy hook over HTTPS: how it ends, who is told, and what is said later."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from tests.bot.remediation.hook_server import (
    RESET,
    SILENT,
    TOKEN,
    VARIABLE,
    Answer,
    HookServer,
    answer,
    hook_server,
)
from tests.bot.remediation.slack import Bench, all_words, bench
from tests.bot.remediation.test_slack_rollback import begun, with_plan
from tests.manifests.roles import RoleUrls
from tests.sources.certificates import certificate
from tests.support.health import HealthServer

OPEN = "whether it was done is not known. It is not run again by itself."


@asynccontextmanager
async def table_of(
    roles: RoleUrls,
    store: str,
    folder: Path,
    said: Answer,
    *,
    seconds: float = 20,
    trusted: bool = True,
) -> AsyncGenerator[tuple[Bench, HookServer]]:
    """A bot whose runbook names a deploy hook, and that hook."""
    made = certificate(folder, until=datetime.now(UTC) + timedelta(days=9))
    async with (
        HealthServer() as health,
        hook_server(said, tls=made.server()) as server,
        bench(
            roles,
            store,
            runbook=with_plan(hook=server.hook(seconds=seconds)),
            base_url=health.base_url,
            tokens={VARIABLE: TOKEN},
        ) as table,
    ):
        shop = table.stage.bot.repairs.shop
        assert shop is not None
        shop.hooks.tls = made.trusted() if trusted else None
        await begun(table)
        yield table, server


async def rolled_back(table: Bench) -> None:
    """Somebody confirms the rollback, and it comes to its end."""
    await table.submit(await table.open("/golive rollback"), "half of the messages fail")
    shop = table.stage.bot.repairs.shop
    assert shop is not None
    await shop.rolling_back.end()
    await table.stage.timer.rest()


def kept(roles: RoleUrls, store: str) -> str:
    """All that was written down of it, in both databases."""
    tables = {
        roles.owner: ("golive.fix_claims", "golive.fix_audit"),
        store: ("golive.posts", "golive.notes", "golive.audit_log"),
    }
    out: list[str] = []
    for url, names in tables.items():
        with psycopg.connect(url) as connection:
            for name in names:
                query = f"SELECT row_to_json(t)::text FROM {name} AS t".encode()
                out += [str(row) for (row,) in connection.execute(query)]
    return "\n".join(out)


async def test_done_verified_and_in_every_later_message(
    roles: RoleUrls, store_database: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """One call with its token; its words are masked; health and checks verify it."""
    caplog.set_level(logging.DEBUG)
    said = answer(201, f'{{"deploy": "dep-1",\n "echo": "Bearer {TOKEN}"}}')
    async with table_of(roles, store_database, tmp_path, said) as (table, server):
        await rolled_back(table)
        ended = table.post("*Rollback done*")
        assert "the hook at 127.0.0.1 answered 201" in all_words(ended)
        assert "dep-1" in all_words(ended)
        assert "[MASKED]" in all_words(ended)
        assert ended.thread_ts == table.stage.posts[0].ts
        (asked,) = server.asked
        assert asked.headers["authorization"] == f"Bearer {TOKEN}"
        assert asked.body["version"] == "v2.4.0"
        assert asked.headers["idempotency-key"] == asked.body["claim"]
        await table.stage.timer.advance(timedelta(minutes=3))
        assert "health is good" in all_words(table.post("*Rollback verified*"))
        await table.stage.command("/golive checkpoint")
        await table.stage.timer.advance(timedelta(minutes=8))
        later = [m for m in table.stage.posts if "checkpoint" in m.text.lower()]
        assert later
        assert [m.text for m in later if "*Rollback:* verified" not in all_words(m)] == []
        assert table.actions() == ["proposed", "declared", "running", "executed", "verified"]
        assert len(server.asked) == 1
    assert TOKEN not in kept(roles, store_database)
    assert TOKEN not in caplog.text


@pytest.mark.parametrize(
    ("said", "word", "how"),
    [
        (answer(500, f"no {TOKEN}"), "failed", "answered 500"),
        (answer(403, "who are you?"), "failed", "answered 403"),
        (answer(302, "", "Location: https://elsewhere.example/"), "failed", "is not followed"),
        (RESET, "cut off", f"gave no answer (the connection broke off); {OPEN}"),
    ],
)
async def test_refused_or_broken_off(
    roles: RoleUrls, store_database: str, tmp_path: Path, said: Answer, word: str, how: str
) -> None:
    """What is known is said, and what is not known too; nothing is called a second time."""
    async with table_of(roles, store_database, tmp_path, said) as (table, server):
        await rolled_back(table)
        assert how in all_words(table.post(f"*Rollback {word}*"))
        await table.stage.timer.advance(timedelta(minutes=4))
        assert f"*Rollback:* {word}" in all_words(table.stage.posts[0])
        assert table.actions() == ["proposed", "declared", "running", "failed"]
        assert len(server.asked) == 1
    assert TOKEN not in kept(roles, store_database)


async def test_no_answer_in_time(roles: RoleUrls, store_database: str, tmp_path: Path) -> None:
    """It may go on all the same: that is said, and again before the next rollback."""
    async with table_of(roles, store_database, tmp_path, SILENT, seconds=1) as (table, server):
        await rolled_back(table)
        said = all_words(table.post("*Rollback cut off*"))
        assert f"gave no answer (connected, but no answer in time); {OPEN}" in said
        assert len(server.asked) == 1
        again = str((await table.reopened("/golive rollback")).blocks)
        assert "Whether the last rollback was done is not known." in again


async def test_a_certificate_that_is_not_trusted(
    roles: RoleUrls, store_database: str, tmp_path: Path
) -> None:
    """Nothing is sent; the rollback has failed, and that is known."""
    async with table_of(roles, store_database, tmp_path, answer(200), trusted=False) as made:
        table, server = made
        await rolled_back(table)
        assert "TLS certificate not valid" in all_words(table.post("*Rollback failed*"))
        assert server.asked == []
