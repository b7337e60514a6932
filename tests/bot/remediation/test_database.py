"""The connections of fixes: bounded by the server, and from this side where the server is gone."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.remediation.database import FixDatabase, fetch
from bot.remediation.values import FixUnavailable
from tests.manifests.roles import RoleUrls, as_role
from tests.support.pg_proxy import Proxy

SHORT = timedelta(seconds=1)


@pytest.mark.parametrize("words", [b"pg_catalog.pg_class", b"COMMIT"])
async def test_a_server_that_says_nothing_any_more_is_given_up(
    roles: RoleUrls, words: bytes
) -> None:
    """In a statement as at the commit: nobody waits for ever, and the next one connects anew."""
    async with Proxy(upstream=roles.owner) as proxy:
        url = as_role(proxy.url, "golive_fixer")
        database = FixDatabase(url, lock=SHORT, statement=SHORT, whole=SHORT)
        proxy.hangs = (words,)
        with pytest.raises(FixUnavailable) as caught:
            async with database.transaction() as connection:
                await fetch(connection, "SELECT 1 FROM pg_catalog.pg_class LIMIT 1")
        assert "does not answer" in caught.value.problem.what
        proxy.hangs = ()
        async with database.transaction() as connection:
            assert await fetch(connection, "SELECT 1 AS one") == [{"one": 1}]
        await database.close()


async def test_the_server_bounds_what_a_fix_may_hold(roles: RoleUrls) -> None:
    """Locks, statements, and how long the locks of a process that is gone are kept: any role."""
    for url in (roles.fixer, roles.owner):
        database = FixDatabase(url, lock=SHORT, statement=timedelta(seconds=2))
        async with database.transaction() as connection:
            (row,) = await fetch(
                connection,
                "SELECT current_setting('lock_timeout') AS lock,"
                " current_setting('statement_timeout') AS statement,"
                " current_setting('idle_in_transaction_session_timeout') AS idle",
            )
        assert row == {"lock": "1s", "statement": "2s", "idle": "35s"}
        await database.close()
