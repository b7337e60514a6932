"""Attempts to send: takeovers, uploads and what is known of a post afterwards."""

from __future__ import annotations

from bot.storage.store import Store
from bot.watch.model import Deployment
from tests.bot.storage.things import FULL, NOW, begin, claim, keys, later, one, post, rows


async def test_expired_claim_is_unsure(hasty: Store, store: Store) -> None:
    """Whoever takes over must look in Slack first: the old owner may have posted."""
    await store.enqueue([post("a")])
    first = await one(hasty)
    second = await one(store, "b")
    assert (second.id, second.unsure, second.attempt) == (first.id, True, 2)
    assert not await hasty.sent(first, "1.0")
    assert not await hasty.failed(first, later(11), "late")
    assert not await hasty.gave_up(first, "late")
    assert not await hasty.posted(first, "1.0")
    assert not await hasty.extend(first)
    assert not await hasty.file_uploaded(first, 0, "F1")
    assert await store.sent(second, "1.0")


async def test_failure_of_unknown_outcome_stays_unsure(store: Store) -> None:
    """After a timeout nobody knows, until somebody says so."""
    await store.enqueue([post("a")])
    await store.failed(await one(store), NOW, "timeout")
    again = await one(store)
    assert again.unsure
    await store.failed(again, NOW, "ratelimited", unsure=False)
    assert not (await one(store)).unsure


async def test_extended_lease_holds(hasty: Store, store: Store) -> None:
    """A long upload keeps its post."""
    await store.enqueue([post("a")])
    assert await store.extend(await one(hasty))
    assert await claim(hasty, "b") == []


async def test_uploads_are_not_repeated(hasty: Store, store: Store) -> None:
    """A sender that takes over knows which files are in Slack already."""
    await store.enqueue([post("full", message=FULL)])
    found = await one(hasty)
    assert await hasty.file_uploaded(found, 0, "F1")
    again = await one(store)
    assert again.uploaded == {0: "F1"}
    assert again.message == FULL


async def test_message_without_its_files_yet_is_not_posted_again(
    store: Store, watch: Deployment
) -> None:
    """Its ts is known, the channel goes on, and only the files are left to do."""
    await store.enqueue([post("full", deployment_id=watch.id, message=FULL), post("b")])
    found = await one(store)
    assert await store.posted(found, "1.0")
    assert keys(await claim(store)) == ["b"]
    await store.failed(found, NOW, "upload failed")
    again = await one(store)
    assert (again.key, again.ts) == ("full", "1.0")


async def test_ts_is_known_once_sent(store: Store, watch: Deployment, store_database: str) -> None:
    """Not before, and not under another key or watch."""
    other = await begin(store, channel="C2")
    named = (("a", watch.id), ("b", watch.id), ("a", other.id))
    await store.enqueue([post(key, deployment_id=about) for key, about in named])
    posts = "SELECT id, ts FROM golive.posts"
    before = dict(rows(store_database, posts))
    assert list(before.values()) == [None, None, None]
    found = await one(store)
    await store.sent(found, "1.0")
    assert dict(rows(store_database, posts)) == {**before, found.id: "1.0"}


async def test_sent_content_is_dropped(store: Store, store_database: str) -> None:
    """Pictures do not pile up in the store."""
    await store.enqueue([post("full", message=FULL)])
    await store.sent(await one(store), "1.0", {0: "F1", 1: "F2"})
    found = rows(store_database, "SELECT n, file_id, content FROM golive.post_files")
    assert sorted(found) == [(0, "F1", b""), (1, "F2", b"")]
