"""A store that is away, hangs or comes back: one exception, with the mend, and then it goes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from bot.demo.postgres import EmbeddedPostgres
from bot.storage.store import Store
from bot.storage.values import StoreUnavailable
from bot.watch.model import Deployment, Note, NoteKind
from tests.bot.storage.things import T0, begin, point, report, rows, taken
from tests.support.pg_proxy import Proxy


@pytest.fixture
async def proxy(store_database: str) -> AsyncIterator[Proxy]:
    """A way to an empty store that can be cut, or hang."""
    async with Proxy(upstream=store_database) as proxy:
        yield proxy


def host_of(server: EmbeddedPostgres) -> str:
    """The folder of a server's socket."""
    return str(conninfo_to_dict(server.url())["host"])


async def told(call: Coroutine[Any, Any, object]) -> StoreUnavailable:
    """The exception that a call ends with."""
    with pytest.raises(StoreUnavailable) as caught:
        await call
    return caught.value


async def test_store_that_was_not_opened_says_so(store_database: str) -> None:
    """Before `open` and after `close`."""
    store = Store(store_database)
    assert "not open" in str(await told(store.open_watches()))
    await store.open()
    await store.close()
    assert "not open" in str(await told(store.open_watches()))


@pytest.mark.parametrize(
    ("url", "sentence", "retry"),
    [
        ("postgresql://u:planted-pw@/d?host=/nowhere", "refused|not answer", True),
        ("postgresql://u:planted-pw@[::1/d", "GOLIVE_STORE_URL is not valid", False),
    ],
)
async def test_url_that_cannot_work_names_the_setting(url: str, sentence: str, retry: bool) -> None:
    """What is wrong, which setting mends it, whether to wait; never the password."""
    error = await told(Store(url).open())
    assert error.retry is retry
    assert "GOLIVE_STORE_URL" in str(error)
    assert "GOLIVE_DATABASE_URL" not in str(error)
    assert "planted-pw" not in str(error)
    with pytest.raises(StoreUnavailable, match=sentence):
        raise error


async def test_wrong_password_is_not_worth_a_retry(store_database: str) -> None:
    """Nobody but a person mends that."""
    parts = urlsplit(store_database)
    wrong = parts._replace(netloc="golive:planted-pw@").geturl()
    error = await told(Store(wrong).open())
    assert (error.retry, "planted-pw" in str(error)) == (False, False)
    assert "password" in str(error)


async def test_connection_that_was_cut_is_made_again(proxy: Proxy) -> None:
    """After a restart of the database or the pooler the next call works."""
    async with Store(proxy.url) as store:
        watch = await begin(store)
        proxy.cut()
        assert await store.open_watches() == (watch,)


async def test_cut_in_the_middle_may_be_tried_again(proxy: Proxy) -> None:
    """All or nothing: what was under way is not there, and the same call succeeds."""
    async with Store(proxy.url) as store:
        watch = await begin(store)
        claim = await store.claim(watch.id, point(), "a")
        assert claim is not None
        proxy.before[b"INSERT INTO golive.findings"] = proxy.cut
        error = await told(store.record(claim, taken(claim.point), report()))
        assert error.retry
        assert "was lost" in str(error)
        assert await store.taken(watch.id) == ()
        assert await store.record(claim, taken(claim.point), report())


async def test_lost_answer_to_a_commit_does_no_harm(proxy: Proxy) -> None:
    """Nobody knows whether it was done; calling again is safe either way."""
    async with Store(proxy.url) as store:
        watch = await begin(store)
        claim = await store.claim(watch.id, point(), "a")
        assert claim is not None
        proxy.before[b"COMMIT"] = proxy.cut
        assert (await told(store.record(claim, taken(claim.point), report()))).retry
        assert await store.record(claim, taken(claim.point), report())
        assert await store.taken(watch.id) == (taken(claim.point),)


async def test_hanging_store_is_given_up_in_time(proxy: Proxy) -> None:
    """A pooler that says nothing costs the timeout, and no more."""
    async with Store(proxy.url, timeout=0.2) as store:
        proxy.hangs = (b"golive.deployments",)
        async with asyncio.timeout(5):
            error = await told(store.open_watches())
        assert error.retry
        assert "did not answer within 0.2 s" in str(error)
        proxy.hangs = ()
        assert await store.open_watches() == ()


async def test_lock_of_another_session_is_given_up_in_time(store_database: str) -> None:
    """The server ends its own wait too, so that no lock outlives its owner."""
    async with Store(store_database, timeout=0.3) as store:
        with psycopg.connect(store_database) as other:
            other.execute("LOCK TABLE golive.deployments")
            assert (await told(store.open_watches())).retry
        assert await store.open_watches() == ()


async def test_server_that_was_stopped_and_came_back_empty() -> None:
    """Away it may be tried again; empty it must be opened, and has another id then."""
    with TemporaryDirectory(prefix="store-", dir="/tmp") as folder, EmbeddedPostgres() as server:
        address = Path(folder, "pg")
        address.symlink_to(host_of(server))
        url = make_conninfo(server.url(), host=str(address))
        async with Store(url, timeout=0.5) as store:
            before = await store.store_id()
            server.stop()
            error = await told(store.store_id())
            assert error.retry
            assert "GOLIVE_STORE_URL" in str(error)
            server.start()
            address.unlink()
            address.symlink_to(host_of(server))
            assert not (await told(store.store_id())).retry
            await store.open()
            assert await store.store_id() != before


async def test_replaced_database_is_noticed(store: Store, store_database: str) -> None:
    """Tables that are gone are no reason to wait; `open` makes them."""
    rows(store_database, "DROP SCHEMA golive CASCADE")
    error = await told(store.open_watches())
    assert not error.retry
    assert "not in" in str(error)
    await store.open()
    assert await store.open_watches() == ()


async def test_watch_of_a_replaced_store_is_named(store: Store) -> None:
    """What belongs to an unknown watch cannot be added."""
    error = await told(store.add_note(uuid4(), Note(kind=NoteKind.ACK, by="U1", at=T0)))
    assert not error.retry
    assert "watch is not in the store" in str(error)


async def test_report_of_a_newer_version_is_named(
    store: Store, watch: Deployment, store_database: str
) -> None:
    """What is not understood is not half shown."""
    claim = await store.claim(watch.id, point(), "a")
    assert claim is not None
    await store.record(claim, taken(claim.point), report())
    rows(store_database, """UPDATE golive.checkpoints SET report = report || '{"new": 1}'""")
    error = await told(store.reports(watch.id, ["T+10"]))
    assert not error.retry
    assert "unknown new" in str(error)


async def test_cancelled_call_leaves_the_store_usable(proxy: Proxy) -> None:
    """A task that is cancelled in the middle of an operation costs one connection at most."""
    async with Store(proxy.url, timeout=1) as store:
        reached = asyncio.Event()
        proxy.before[b"golive.deployments"] = reached.set
        proxy.hangs = (b"golive.deployments",)
        task = asyncio.create_task(store.open_watches())
        await reached.wait()
        proxy.hangs = ()
        task.cancel()
        with suppress(asyncio.CancelledError, StoreUnavailable):
            await task
        assert await store.open_watches() == ()
