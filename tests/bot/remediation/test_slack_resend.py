"""Messages handed to the runbook's hook after a reset: each at most once, whatever is cut off."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from bot.demo.workspace import people
from bot.remediation.steps import Step
from bot.watch.sending_on import AT_ONCE
from tests.bot.remediation.hook_server import (
    RESET,
    TOKEN,
    VARIABLE,
    Answer,
    HookServer,
    answer,
    hook_server,
)
from tests.bot.remediation.pair import Crashing
from tests.bot.remediation.planted import plant_failures
from tests.bot.remediation.slack import Bench, all_words, bench, rules_of
from tests.bot.remediation.test_slack_rollback_cut import shop_of
from tests.manifests.roles import RoleUrls
from tests.support.crm_rows import Rows

CUT = "golive ended while it was called"


@asynccontextmanager
async def table_of(
    roles: RoleUrls, store: str, *said: Answer
) -> AsyncGenerator[tuple[Bench, HookServer]]:
    """A bot whose runbook names a hook for messages, that hook, and 37 failed messages."""
    with Rows(roles.owner) as rows:
        plant_failures(rows)
    async with hook_server(*said) as server:
        book = rules_of()
        assert book.remediation is not None
        messages = replace(book.remediation.reset_messages, resend=server.hook())
        runbook = rules_of(reset_messages=messages)
        async with bench(roles, store, runbook=runbook, tokens={VARIABLE: TOKEN}) as table:
            yield table, server


def called(server: HookServer) -> Counter[str]:
    """How often each message was handed over."""
    return Counter(asked.body["message_id"] for asked in server.asked)


def queued(table: Bench) -> set[str]:
    """The messages that a reset left waiting."""
    return {str(key) for (key,) in table.rows("SELECT id FROM messages WHERE status = 'queued'")}


async def test_each_message_is_handed_over_once(roles: RoleUrls, store_database: str) -> None:
    """A few at a time, with the token and a key of its own; who was not accepted is listed."""
    said = [answer(202)] * 2 + [answer(503, f"busy {TOKEN}")] + [answer(202)] * 20
    async with table_of(roles, store_database, *said) as (table, server):
        view = await table.open("/golive fix reset_messages Norte")
        assert "Each message is then handed to 127.0.0.1 (resend)." in str(view.blocks)
        assert "Trigger their sending by hand" not in str(view.blocks)
        await table.submit(view)
        post = table.post("15 rows handed to 127.0.0.1: 14 accepted, 1 answered 503.")
        refused = server.asked[2].body["message_id"]
        assert f"{refused} · answered 503" in all_words(post)
        assert called(server) == dict.fromkeys(queued(table), 1)
        assert 1 < server.most <= AT_ONCE
        assert {asked.headers["authorization"] for asked in server.asked} == {f"Bearer {TOKEN}"}
        keys = {asked.headers["idempotency-key"] for asked in server.asked}
        assert keys == {f"{a.body['claim']}:{a.body['message_id']}" for a in server.asked}
        await table.stage.timer.advance(timedelta(minutes=10))
        assert len(server.asked) == 15
        assert table.actions().count("all handed over") == 1


async def test_a_connection_that_breaks_off_is_not_tried_again(
    roles: RoleUrls, store_database: str
) -> None:
    """Whether the message was taken is not known: it is listed, and left to people."""
    said = [answer(202)] * 4 + [RESET] + [answer(202)] * 20
    async with table_of(roles, store_database, *said) as (table, server):
        await table.submit(await table.open("/golive fix reset_messages Sul"))
        post = all_words(table.post("10 rows handed to 127.0.0.1: 9 accepted, 1 gave no answer"))
        open_one = server.asked[4].body["message_id"]
        assert f"{open_one} · gave no answer (the connection broke off) · not known" in post
        assert set(called(server).values()) == {1}


@pytest.mark.parametrize(
    ("step", "asked", "unknown"),
    [(Step.COMMITTED, 0, 0), (Step.HANDING, 0, 8), (Step.HANDED, 8, 8)],
)
async def test_cut_off_at_each_step(
    roles: RoleUrls, store_database: str, step: Step, asked: int, unknown: int
) -> None:
    """What was never about to be called is called later; the rest is listed; nothing twice."""
    async with table_of(roles, store_database) as (table, server):
        view = await table.open("/golive fix reset_messages Norte")
        shop = shop_of(table)
        shop.engine.steps = Crashing(at=step)
        await table.workspace.actor.submit(people.OPERATOR, view, {"reason": "back"})
        await table.rest()
        shop.engine.steps = Crashing()
        assert len(server.asked) == asked
        assert len(queued(table)) == 15
        await table.stage.timer.advance(timedelta(minutes=1))
        assert len(server.asked) == asked  # its own process may still be at it
        await table.stage.timer.advance(timedelta(minutes=2))
        also = f", 7 {'accepted'}" if unknown else ""
        first = f"8 {CUT}" if unknown else "15 accepted"
        post = all_words(table.post(f"15 rows handed to 127.0.0.1: {first}{also}."))
        assert len(server.asked) == asked + 15 - unknown
        assert set(called(server).values()) == {1}
        assert post.count("not known whether it was taken") == unknown
        assert all(message in queued(table) for message in called(server))
        await table.stage.timer.advance(timedelta(minutes=10))
        assert len(server.asked) == asked + 15 - unknown


async def test_what_was_undone_or_sent_meanwhile_is_left_alone(
    roles: RoleUrls, store_database: str
) -> None:
    """After the first calls somebody undoes the fix: no further message is handed over."""
    async with table_of(roles, store_database) as (table, server):
        view = await table.open("/golive fix reset_messages Norte")
        shop = shop_of(table)

        async def undone() -> None:
            if not table.rows("SELECT id FROM golive.fix_claims WHERE state = 'undone'"):
                ((claim,),) = table.rows("SELECT id FROM golive.fix_claims")
                assert isinstance(claim, UUID)
                at = table.stage.clock.now()
                await shop.engine.undo(claim, by=people.SECOND_OPERATOR, at=at)

        shop.engine.steps = Crashing(at=Step.HANDED, then=undone)
        await table.submit(view)
        post = all_words(table.post("8 rows handed to 127.0.0.1: 8 accepted."))
        assert "7 rows left alone: the fix was undone." in post
        assert len(server.asked) == 8


async def test_what_is_sent_already_is_left_alone(roles: RoleUrls, store_database: str) -> None:
    """A message that stands elsewhere by then would be sent twice."""
    async with table_of(roles, store_database) as (table, server):
        view = await table.open("/golive fix reset_messages Norte")

        async def sent() -> None:
            with Rows(roles.owner) as rows:
                rows.run(
                    "UPDATE messages SET status = 'sent' WHERE status = 'queued'"
                    " AND id <> ALL (%(ids)s::uuid[])",
                    ids=list(called(server)),
                )

        shop_of(table).engine.steps = Crashing(at=Step.HANDED, then=sent)
        await table.submit(view)
        post = all_words(table.post("8 rows handed to 127.0.0.1: 8 accepted."))
        assert "7 rows left alone: they are not as the fix left them any more." in post
        assert len(server.asked) == 8
