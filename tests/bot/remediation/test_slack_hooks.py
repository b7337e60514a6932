"""Hooks after a reset, and the audit's digest in the final review."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

from aiohttp import web

from checks.engine.runbook.remediation import Hook
from tests.bot.remediation.planted import plant_failures
from tests.bot.remediation.slack import all_words, bench, rules_of
from tests.manifests.roles import RoleUrls
from tests.support.crm_rows import Rows

TOKEN = "deploy-token-of-the-tests-1234567890"


@asynccontextmanager
async def receiver(seen: list[tuple[dict[str, Any], str]]) -> AsyncGenerator[str]:
    """A hook that takes every call but the third."""

    async def handle(request: web.Request) -> web.Response:
        seen.append((await request.json(), request.headers["Authorization"]))
        return web.Response(status=503 if len(seen) == 3 else 202)

    app = web.Application()
    app.router.add_post("/resend", handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/resend"
    finally:
        await runner.cleanup()


async def test_each_message_is_handed_over_once(roles: RoleUrls, store_database: str) -> None:
    """Per message, with the token; what the hook answered is posted."""
    with Rows(roles.owner) as rows:
        plant_failures(rows)
    seen: list[tuple[dict[str, Any], str]] = []
    async with receiver(seen) as url:
        book = rules_of()
        assert book.remediation is not None
        hook = Hook(url=url, timeout=timedelta(seconds=5), token="RESEND")
        messages = replace(book.remediation.reset_messages, resend=hook)
        async with bench(
            roles,
            store_database,
            runbook=rules_of(reset_messages=messages),
            tokens={"RESEND": TOKEN},
        ) as table:
            await table.submit(await table.open("/golive fix reset_messages Sul"))
            said = all_words(table.post("10 rows handed to 127.0.0.1"))
            assert "9 accepted, 1 answered 503" in said
            queued = table.rows("SELECT id FROM messages WHERE status = 'queued'")
    assert {body["message_id"] for body, _ in seen} == {str(key) for (key,) in queued}
    assert {token for _, token in seen} == {f"Bearer {TOKEN}"}


async def test_the_final_review_posts_the_audit_s_digest(
    roles: RoleUrls, store_database: str
) -> None:
    """So that a tail that is cut off later shows."""
    async with bench(roles, store_database) as table:
        await table.stage.command("/golive start v2.4.0")
        await table.open("/golive fix reset_messages Nobody")
        ((seq, digest),) = table.rows("SELECT seq, hash FROM golive.fix_audit_head")
        assert seq == 1
        await table.stage.timer.advance(timedelta(minutes=61))
        review = table.post("final review (T+60)")
        assert f"audit of fixes ends at ˋ{seq}:{digest}".replace("ˋ", "`") in all_words(review)
