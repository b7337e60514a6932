"""What must not get into Slack any more: unreadable posts, and words of a watch that is closed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.storage.store import Store
from bot.storage.values import StatusContent
from bot.watch.model import Deployment
from tests.bot.storage.things import T0, begin, claim, keys, later, point, post, report, rows, taken

TROUBLES = {
    "a tag of a newer version": """'{"$new": [1]}'""",
    "another value": "'[]'",
    "a field that is gone": """'{"$m": ["text", "x"]}'""",
}


@pytest.mark.parametrize("stored", TROUBLES.values(), ids=TROUBLES.keys())
async def test_a_post_that_cannot_be_read_keeps_nobody_waiting(
    store: Store, store_database: str, stored: str
) -> None:
    """It is given up with an audit entry; its own channel and all others go on."""
    watch = await begin(store)
    await store.enqueue(
        [
            post("broken", deployment_id=watch.id),
            post("after", deployment_id=watch.id),
            post("b", channel="C2"),
        ]
    )
    rows(store_database, f"UPDATE golive.posts SET message = {stored} WHERE key = 'broken'")
    assert keys(await claim(store)) == ["b"]
    assert keys(await claim(store)) == ["after"]
    assert rows(store_database, "SELECT state FROM golive.posts WHERE key = 'broken'") == [
        ("given up",)
    ]
    (entry,) = await store.audit_of(watch.id)
    assert (entry.action, entry.details["post"], entry.channel) == (
        "post-given-up",
        "broken",
        "C1",
    )
    assert "cannot be read" in entry.outcome


async def test_updates_of_a_post_that_cannot_be_read_are_given_up_too(
    store: Store, store_database: str
) -> None:
    """They would wait for ever for a message that never comes."""
    await store.enqueue([post("a"), post("a:u", update_of="a", supersedes=True)])
    rows(store_database, """UPDATE golive.posts SET message = '{"$new": 1}' WHERE key = 'a'""")
    assert await claim(store) == []
    assert (await store.backlog(later(10))).depth == 0


async def test_what_comes_out_after_the_close_is_not_recorded(
    store: Store, watch: Deployment
) -> None:
    """A look that was under way when somebody closed the watch says nothing any more."""
    held = await store.claim(watch.id, point(), "a")
    assert held is not None
    assert await store.close_watch(watch.id, by="U1", at=later(10), posts=[post("closed")])
    late = await store.record(
        held, taken(point()), report(), [post("late")], StatusContent(message=post().message)
    )
    assert late is False
    assert keys(await claim(store)) == ["closed"]


async def test_a_tick_that_ends_after_the_close_says_nothing(
    store: Store, watch: Deployment
) -> None:
    """Nobody is called for a watch that is closed."""
    tick = await store.claim_tick(watch.id, later(1), timedelta(0))
    assert tick is not None
    await store.close_watch(watch.id, by="U1", at=T0)
    assert await store.record_tick(tick, posts=[post("alarm")]) is False
    assert await claim(store) == []
