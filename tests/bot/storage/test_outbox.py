"""The outbox: every post once, in the order of its channel, whoever sends it."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from bot.render.message import Message
from bot.storage.store import Store
from bot.storage.values import Backlog
from bot.watch.model import Deployment
from tests.bot.storage.things import FULL, NOW, OWNERS, claim, keys, later, one, post


async def test_message_comes_back_as_given(store: Store, watch: Deployment) -> None:
    """Text, blocks, colour, pictures and files, with every character."""
    await store.enqueue([post("full", deployment_id=watch.id, message=FULL)])
    found = await one(store)
    assert found.message == FULL
    assert (found.channel, found.deployment_id, found.attempt) == ("C1", watch.id, 1)
    assert (found.unsure, found.ts, found.thread_ts, found.update_ts) == (False, None, None, None)


async def test_same_key_is_enqueued_once(store: Store, watch: Deployment) -> None:
    """The first content stays; a watch's keys and a channel's are apart."""
    await store.enqueue([post("a")])
    again = [post("a", message=Message(text="other")), post("a", deployment_id=watch.id)]
    assert await store.enqueue(again) == 1
    assert (await one(store)).message.text == "a"


async def test_of_many_enqueuers_one_makes_the_post(store: Store) -> None:
    """Twenty replicas that say the same say it once."""
    counts = await asyncio.gather(*(store.enqueue([post("a")]) for _ in OWNERS))
    assert sorted(counts) == [0] * 19 + [1]


async def test_of_many_claims_one_succeeds(store: Store) -> None:
    """Twenty senders: one gets the first post, nobody the second."""
    await store.enqueue([post("a"), post("b")])
    found = await asyncio.gather(*(claim(store, owner) for owner in OWNERS))
    assert [keys(claims) for claims in found if claims] == [["a"]]


async def test_order_of_a_channel_is_kept(store: Store) -> None:
    """The next post is handed out when the one before is in Slack."""
    await store.enqueue([post("a"), post("b"), post("c")])
    for n, key in enumerate("abc"):
        found = await one(store)
        assert found.key == key
        assert await claim(store, "b") == []
        await store.sent(found, f"{n}.0")
    assert await claim(store) == []


async def test_channels_do_not_wait_for_each_other(store: Store) -> None:
    """Oldest first, one of each channel."""
    await store.enqueue([post("a"), post("b"), post("c", channel="C2")])
    assert keys(await claim(store)) == ["a", "c"]


async def test_no_more_than_the_limit_is_claimed(store: Store) -> None:
    """The oldest ones are taken, the others stay free."""
    await store.enqueue([post(key, channel=key) for key in "abc"])
    assert keys(await store.claim_posts("a", NOW, 2)) == ["a", "b"]
    assert keys(await claim(store)) == ["c"]


async def test_failed_post_holds_up_its_channel_until_its_retry(store: Store) -> None:
    """What comes later waits, and so does the post itself, by the given clock."""
    await store.enqueue([post("a"), post("b")])
    assert await store.failed(await one(store), later(11), "ratelimited", unsure=False)
    assert await claim(store) == []
    (again,) = await store.claim_posts("b", later(11), 9)
    assert (again.key, again.attempt, again.unsure) == ("a", 2, False)


async def test_post_that_was_given_up_makes_way(store: Store) -> None:
    """The next one goes, and nobody tries the lost one again."""
    await store.enqueue([post("a"), post("b")])
    assert await store.gave_up(await one(store), "channel_not_found")
    assert keys(await claim(store)) == ["b"]


async def test_post_with_an_instant_holds_up_nothing_before_it(store: Store) -> None:
    """A reminder waits beside the queue, and goes first once it is due."""
    await store.enqueue([post("reminder", not_before=later(20)), post("a"), post("b")])
    found = await one(store)
    assert found.key == "a"
    await store.sent(found, "1.0")
    assert keys(await store.claim_posts("a", later(20), 9)) == ["reminder"]


async def test_reply_goes_into_its_thread(store: Store) -> None:
    """It waits for the thread's first message and names its ts."""
    await store.enqueue([post("root"), post("reply", thread_of="root", broadcast=True)])
    await store.sent(await one(store), "1.0")
    reply = await one(store)
    assert (reply.thread_ts, reply.broadcast) == ("1.0", True)


async def test_reply_without_a_thread_goes_into_the_channel(store: Store) -> None:
    """A verdict is not lost with the message that it was to hang on."""
    await store.enqueue(
        [
            post("root"),
            post("reply", thread_of="root", broadcast=True),
            post("stray", thread_of="nothing"),
        ]
    )
    await store.gave_up(await one(store), "msg_too_long")
    for key in ("reply", "stray"):
        found = await one(store)
        assert (found.key, found.thread_ts, found.broadcast) == (key, None, False)
        await store.sent(found, "2.0")


async def test_reply_to_a_later_post_holds_up_nothing(store: Store) -> None:
    """It is not due before its thread is."""
    await store.enqueue(
        [post("root", not_before=later(20)), post("reply", thread_of="root"), post("a")]
    )
    assert keys(await claim(store)) == ["a"]


async def test_update_needs_its_message_only(store: Store) -> None:
    """It does not wait for the channel's queue, and holds up nobody in it."""
    await store.enqueue([post("root")])
    await store.sent(await one(store), "1.0")
    await store.enqueue([post("b"), post("update", update_of="root"), post("c")])
    b, update = await claim(store)
    assert (b.key, update.key, update.update_ts) == ("b", "update", "1.0")
    await store.sent(b, "2.0")
    assert keys(await claim(store)) == ["c"]


async def test_update_waits_for_its_message(store: Store) -> None:
    """What is not in Slack cannot be changed there."""
    await store.enqueue([post("root"), post("update", update_of="root")])
    assert keys(await claim(store)) == ["root"]


async def test_updates_of_one_message_keep_their_order(store: Store) -> None:
    """The later one waits for the earlier one."""
    await store.enqueue([post("root"), post("u1", update_of="root"), post("u2", update_of="root")])
    await store.sent(await one(store), "1.0")
    first = await one(store)
    assert first.key == "u1"
    await store.sent(first, "1.0")
    assert keys(await claim(store)) == ["u2"]


async def test_updates_go_with_a_message_that_was_given_up(store: Store) -> None:
    """Those that wait and those that come; the message's own replies stay."""
    await store.enqueue([post("root"), post("u1", update_of="root")])
    await store.gave_up(await one(store), "msg_too_long")
    await store.enqueue([post("u2", update_of="root"), post("u3", update_of="nothing")])
    assert await store.backlog(NOW) == Backlog(depth=0, age=None)


async def status(store: Store, text: str) -> None:
    """Enqueue new content of the message `root`."""
    content = Message(text=text)
    await store.enqueue([post("now", update_of="root", supersedes=True, message=content)])


async def test_only_the_newest_status_is_sent(store: Store) -> None:
    """Content that was not sent is replaced; content that comes after goes again."""
    await store.enqueue([post("root")])
    await store.sent(await one(store), "1.0")
    await status(store, "first")
    await status(store, "second")
    found = await one(store)
    assert found.message.text == "second"
    await store.sent(found, "1.0")
    assert await claim(store) == []
    await status(store, "third")
    third = await one(store)
    assert (third.message.text, third.attempt, third.id) == ("third", 1, found.id)


async def test_status_replaced_while_it_is_sent_goes_again(store: Store) -> None:
    """Neither success nor failure of the old content loses the new one."""
    await store.enqueue([post("root")])
    await store.sent(await one(store), "1.0")
    await status(store, "first")
    first = await one(store)
    await status(store, "second")
    assert await claim(store, "b") == []
    await store.sent(first, "1.0")
    second = await one(store)
    await status(store, "third")
    await store.gave_up(second, "msg_too_long")
    third = await one(store)
    await status(store, "fourth")
    await store.failed(third, later(60), "timeout")
    assert (await one(store)).message.text == "fourth"


async def test_files_of_replaced_content_are_its_own(store: Store) -> None:
    """An upload of old content does not stand for a file of the new one."""
    await store.enqueue([post("root")])
    await store.sent(await one(store), "1.0")
    pictured = post("now", update_of="root", supersedes=True, message=FULL)
    await store.enqueue([pictured])
    old = await one(store)
    await store.enqueue([pictured])
    assert await store.file_uploaded(old, 0, "F1")
    await store.sent(old, "1.0", {1: "F2"})
    new = await one(store)
    assert (new.uploaded, new.message) == ({}, FULL)


async def test_backlog_is_what_is_due(store: Store) -> None:
    """How many posts wait, and how long the oldest of them has."""
    assert await store.backlog(NOW) == Backlog(depth=0, age=None)
    await store.enqueue([post("a", not_before=later(5)), post("b", not_before=later(20))])
    assert await store.backlog(NOW) == Backlog(depth=1, age=timedelta(minutes=5))
    await store.sent(await one(store), "1.0")
    await store.enqueue([post("c")])
    waits = await store.backlog(NOW)
    assert waits.depth == 1
    assert waits.age is not None
    assert waits.age > timedelta(0)


async def test_enqueuers_of_several_channels_do_not_block_each_other(store: Store) -> None:
    """Whatever the order of the channels in their posts."""
    there = [post(str(n), channel=f"C{n}") for n in range(5)]
    counts = await asyncio.gather(
        *(store.enqueue(there if n % 2 else there[::-1]) for n in range(20))
    )
    assert sum(counts) == 5
