"""The outbox on its way into Slack: order, limits, and exactly once; with the real store."""

from __future__ import annotations

import itertools
from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import timedelta

import pytest
from aiohttp import web

from bot.demo.workspace.people import BOT_USER, OPERATOR, PRIVATE, RELEASES, WITHOUT_BOT
from bot.render.message import Message, TextFile
from bot.render.sentences import say
from bot.slack.sender import MENDABLE_ATTEMPTS
from bot.storage.store import Store
from bot.storage.values import STATUS, STATUS_UPDATE, NewPost
from tests.bot.slack.rig import Rig, rigged


@pytest.fixture
async def store(store_database: str) -> AsyncGenerator[Store]:
    """An empty store whose leases do not end within a test."""
    async with Store(store_database, lease=600) as store:
        yield store


@pytest.fixture
async def rig(store: Store) -> AsyncGenerator[Rig]:
    """A side of which only the sender is started, by the test."""
    async with rigged(store) as rig:
        yield rig


def post(key: str, channel: str = RELEASES, **given: object) -> NewPost:
    """A post that says its key."""
    return replace(NewPost(key=key, channel=channel, message=say(f"This is {key}.")), **given)  # pyright: ignore[reportArgumentType]


def texts(rig: Rig, channel: str = RELEASES) -> list[str]:
    """What the bot said in a channel, in Slack's order."""
    return [message.text for message in rig.posts(channel)]


async def test_posts_of_a_channel_arrive_in_their_order(store: Store, rig: Rig) -> None:
    """One after the other, also where one of them must be tried again."""
    await store.enqueue([post(f"p{n}") for n in range(5)] + [post("q", PRIVATE)])
    rig.workspace.faults.api.rate_limit("chat.postMessage", times=2)
    async with rig.sending():
        await rig.settle(lambda: len(texts(rig)) == 5 and len(texts(rig, PRIVATE)) == 1)
    assert texts(rig) == [f"This is p{n}." for n in range(5)]


async def test_a_post_carries_its_id_and_unfurls_nothing(store: Store, rig: Rig) -> None:
    """The id by which it is found again."""
    await store.enqueue([post("p")])
    async with rig.sending():
        await rig.settle(lambda: len(texts(rig)) == 1)
    (message,) = rig.posts()
    assert message.metadata is not None
    assert message.metadata["event_type"] == "golive_post"
    assert set(message.metadata["event_payload"]) == {"post_id"}
    (call,) = rig.workspace.journal.calls("chat.postMessage")
    assert (call.arguments["unfurl_links"], call.arguments["unfurl_media"]) == (False, False)


async def test_a_channel_gets_one_message_a_second(store: Store, rig: Rig) -> None:
    """Each channel by itself, and no 429 on the way."""
    await store.enqueue([post(f"p{n}") for n in range(8)])
    async with rig.sending():
        await rig.settle(lambda: len(texts(rig)) == 8, step=0.25)
    calls = rig.workspace.journal.calls("chat.postMessage")
    assert {call.status for call in calls} == {200}
    gaps = [late.at - early.at for early, late in itertools.pairwise(calls)]
    assert min(gaps) >= timedelta(seconds=1)


async def test_slack_s_wish_to_wait_is_kept(store: Store, rig: Rig) -> None:
    """Retry-After, to the second; and it is certain that nothing was posted."""
    await store.enqueue([post("p")])
    rig.workspace.faults.api.rate_limit("chat.postMessage", retry_after=30)
    async with rig.sending():
        await rig.settle(lambda: len(texts(rig)) == 1, step=1)
    first, second = rig.workspace.journal.calls("chat.postMessage")
    assert second.at - first.at >= timedelta(seconds=30)
    assert rig.workspace.journal.calls("conversations.history") == ()


@pytest.mark.parametrize("applied", [True, False])
async def test_a_reset_is_looked_up_before_it_is_posted_again(
    store: Store, rig: Rig, *, applied: bool
) -> None:
    """Whether Slack took it or not, it is there once."""
    await store.enqueue([post("p"), post("after")])
    rig.workspace.faults.api.reset("chat.postMessage", applied=applied)
    async with rig.sending():
        await rig.settle(lambda: len(texts(rig)) == 2)
    assert texts(rig) == ["This is p.", "This is after."]
    assert len(rig.workspace.journal.calls("conversations.history")) == 1


async def test_a_500_after_the_post_was_applied_does_not_post_twice(store: Store, rig: Rig) -> None:
    """Slack's own trouble may come after its work."""

    async def fail(method: str, answer: object) -> None:
        del method, answer
        raise web.HTTPInternalServerError

    rig.workspace.faults.api.between("chat.postMessage", fail)
    await store.enqueue([post("p"), post("after")])
    async with rig.sending():
        await rig.settle(lambda: len(texts(rig)) == 2)
    assert texts(rig) == ["This is p.", "This is after."]


@pytest.mark.parametrize("status", [500, 502, 503])
async def test_a_server_error_is_tried_again(store: Store, rig: Rig, status: int) -> None:
    """Later and later, once Slack was asked whether it is there."""
    rig.workspace.faults.api.server_error("chat.postMessage", times=3, status=status)
    await store.enqueue([post("p")])
    async with rig.sending():
        await rig.settle(lambda: len(texts(rig)) == 1)
    at = [call.at for call in rig.workspace.journal.calls("chat.postMessage")]
    waits = [(late - early).total_seconds() for early, late in itertools.pairwise(at)]
    assert waits[0] >= 1
    assert waits[2] > waits[0]


async def test_while_slack_cannot_be_asked_nothing_is_posted_again(store: Store, rig: Rig) -> None:
    """Not knowing is no reason to post."""
    rig.workspace.faults.api.reset("chat.postMessage", applied=True)
    rig.workspace.faults.api.server_error("conversations.history", times=7)
    await store.enqueue([post("p")])
    async with rig.sending():
        await rig.settle(lambda: len(rig.workspace.journal.calls("conversations.history")) == 8)
        await rig.settle(lambda: len(texts(rig)) == 1)
    assert len(rig.workspace.journal.calls("chat.postMessage")) == 1


async def test_a_post_in_a_thread_is_looked_up_there(store: Store, rig: Rig) -> None:
    """A channel's history does not show the replies of its threads."""
    await store.enqueue([post("root"), post("reply", thread_of="root")])
    async with rig.sending():
        await rig.settle(lambda: len(texts(rig)) == 1)
        rig.workspace.faults.api.reset("chat.postMessage", applied=True)
        await rig.settle(lambda: len(rig.workspace.journal.calls("conversations.replies")) == 1)
        await store.enqueue([post("last")])
        await rig.settle(lambda: len(texts(rig)) == 3)
    assert texts(rig) == ["This is root.", "This is reply.", "This is last."]
    root, reply, _ = rig.posts()
    assert reply.thread_ts == root.ts


async def test_an_update_replaces_all_of_a_message(store: Store, rig: Rig) -> None:
    """Text, blocks and attachments are sent every time; only the newest content matters."""
    first = Message(text="one", coloured=say("one").coloured, colour="#009E73")
    await store.enqueue([replace(post("s"), message=first)])
    async with rig.sending():
        await rig.settle(lambda: len(texts(rig)) == 1)
        newer = post("s:u", update_of="s", supersedes=True)
        await store.enqueue(
            [replace(newer, message=Message(text=words)) for words in ("two", "three")]
        )
        rig.side.sender.wake()
        await rig.settle(lambda: texts(rig) == ["three"])
    (message,) = rig.posts()
    assert message.attachments == ()
    assert len(rig.workspace.journal.calls("chat.update")) == 1


async def test_at_most_fifty_updates_a_minute(store: Store, rig: Rig) -> None:
    """Slack's limit is never met with a 429, and messages do not wait for it."""
    await store.enqueue([post("s")])
    updates = [post(f"u{n}", update_of="s") for n in range(55)]
    await store.enqueue([*updates, post("later")])
    async with rig.sending():
        await rig.settle(lambda: len(rig.workspace.journal.calls("chat.update")) >= 50)
        assert "This is later." in texts(rig)
        await rig.settle(lambda: "This is u54." in texts(rig), step=5)
    calls = rig.workspace.journal.calls("chat.update")
    assert {call.status for call in calls} == {200}
    assert calls[50].at - calls[0].at >= timedelta(minutes=1)


async def test_what_slack_refuses_for_good_is_given_up_and_said(store: Store, rig: Rig) -> None:
    """In the audit, and in the next message of that channel."""
    rig.workspace.faults.api.error("chat.postMessage", "restricted_action")
    now = rig.time.now()
    watch, _ = await store.start(
        channel=RELEASES, version="v1", deployed_at=now, by=OPERATOR, at=now
    )
    lost = post("lost", deployment_id=watch.id)
    await store.enqueue([lost, post("next"), post("last")])
    async with rig.sending():
        await rig.settle(lambda: len(texts(rig)) == 2)
    (entry,) = [e for e in await store.audit_of(watch.id) if e.action == "post-given-up"]
    assert "restricted_action" in entry.outcome
    said = [str(message.to_json()) for message in rig.posts()]
    assert "An earlier message could not be posted" in said[0]
    assert "restricted" in said[0]
    assert "An earlier message" not in said[1]


async def test_what_somebody_can_mend_is_tried_until_it_is(store: Store, rig: Rig) -> None:
    """A bot that is not in its channel yet loses nothing."""
    await store.enqueue([post("p", WITHOUT_BOT)])
    async with rig.sending():
        await rig.settle(lambda: len(rig.workspace.journal.calls("chat.postMessage")) >= 3)
        channel = rig.workspace.state.channel(WITHOUT_BOT)
        members = channel.members | {BOT_USER}
        rig.workspace.state.put_channel(replace(channel, members=members))
        await rig.settle(lambda: len(texts(rig, WITHOUT_BOT)) == 1, step=5)


async def test_nobody_mends_it_so_it_is_given_up(store: Store, rig: Rig) -> None:
    """After about a quarter of an hour, and the channel's next post gets its turn."""
    rig.workspace.faults.api.error("chat.postMessage", "is_archived", times=MENDABLE_ATTEMPTS)
    await store.enqueue([post("p"), post("next")])
    async with rig.sending():
        await rig.settle(lambda: len(texts(rig)) == 1, step=60)
    assert texts(rig)[0].startswith("This is next.")


async def test_a_form_that_slack_refuses_goes_in_words_alone(store: Store, rig: Rig) -> None:
    """A verdict is not lost for a block."""
    rig.workspace.faults.api.error("chat.postMessage", "invalid_blocks")
    await store.enqueue([post("p")])
    async with rig.sending():
        await rig.settle(lambda: len(texts(rig)) == 1)
    assert rig.posts()[0].blocks == ()
    assert texts(rig) == ["This is p."]


@pytest.mark.parametrize("code", ["invalid_blocks", "msg_too_long", "invalid_attachments"])
async def test_an_update_that_slack_refuses_goes_in_words_alone(
    store: Store, rig: Rig, code: str
) -> None:
    """What stands there would be wrong from now on."""
    await store.enqueue([post("s")])
    async with rig.sending():
        await rig.settle(lambda: len(texts(rig)) == 1)
        rig.workspace.faults.api.error("chat.update", code)
        await store.enqueue([post("s:u", update_of="s", supersedes=True)])
        await rig.settle(lambda: texts(rig) == ["This is s:u."])
    assert rig.posts()[0].blocks == ()


def delete(rig: Rig, ts: str) -> None:
    """Somebody deletes a message."""
    rig.workspace.state.messages.delete(RELEASES, ts)


@pytest.mark.parametrize("lost_answer", [False, True])
async def test_a_post_whose_thread_is_gone_goes_to_the_channel(
    store: Store, rig: Rig, *, lost_answer: bool
) -> None:
    """Once, also where the answer to it was lost; its file goes along."""
    await store.enqueue([post("root")])
    async with rig.sending():
        await rig.settle(lambda: len(texts(rig)) == 1)
        delete(rig, rig.posts()[0].ts)
        if lost_answer:
            rig.workspace.faults.api.reset("chat.postMessage", applied=False)
            rig.workspace.faults.api.reset("conversations.replies", applied=True)
        file = TextFile(name="report.md", title="Report", text="all of it")
        message = replace(say("This is reply."), files=(file,))
        await store.enqueue([replace(post("reply", thread_of="root"), message=message)])
        await store.enqueue([post("after")])
        await rig.settle(lambda: "This is after." in texts(rig))
    said = [message for message in rig.posts() if message.text]
    assert [message.text for message in said] == ["This is reply.", "This is after."]
    assert said[0].thread_ts is None
    (shared,) = rig.workspace.state.files.all()
    assert shared.channels == (RELEASES,)
    assert [m.thread_ts for m in rig.posts() if not m.text] == [said[0].ts]


@pytest.mark.parametrize("lost_answer", [False, True])
async def test_a_status_message_that_was_deleted_is_posted_anew(
    store: Store, rig: Rig, *, lost_answer: bool
) -> None:
    """Once, also where the answer to it was lost; updates and replies go there from then on."""
    await store.enqueue([post(STATUS)])
    async with rig.sending():
        await rig.settle(lambda: len(texts(rig)) == 1)
        delete(rig, rig.posts()[0].ts)
        if lost_answer:
            rig.workspace.faults.api.reset("chat.postMessage", applied=True)
        await store.enqueue([update_of_status("NO-GO")])
        await rig.settle(lambda: texts(rig) == ["NO-GO"])
        if lost_answer:
            edits = rig.workspace.journal.calls
            await store.enqueue([update_of_status("NO-GO since")])
            await rig.settle(lambda: len(edits("chat.update")) == 3)
            assert texts(rig) == ["NO-GO since"]
        await store.enqueue([post("reply", thread_of=STATUS), update_of_status("GO")])
        await rig.settle(lambda: texts(rig) == ["GO", "This is reply."])
    status, reply = rig.posts()
    assert reply.thread_ts == status.ts


async def test_another_message_that_was_deleted_stays_away(store: Store, rig: Rig) -> None:
    """Whoever deleted it wanted that; only the status has to be somewhere."""
    await store.enqueue([post("fix")])
    async with rig.sending():
        await rig.settle(lambda: len(texts(rig)) == 1)
        delete(rig, rig.posts()[0].ts)
        await store.enqueue([post("fix:update", update_of="fix", supersedes=True)])
        await rig.settle(lambda: bool(rig.workspace.journal.calls("chat.update")))
        await store.enqueue([post("next")])
        await rig.settle(lambda: len(texts(rig)) == 1)
    assert texts(rig)[0].startswith("This is next.")


def update_of_status(words: str) -> NewPost:
    """New content of the status message."""
    return replace(
        post(STATUS_UPDATE, update_of=STATUS, supersedes=True), message=Message(text=words)
    )


async def test_a_new_post_is_sent_when_the_sender_is_woken(store: Store, rig: Rig) -> None:
    """Without any time passing."""
    async with rig.sending():
        await store.enqueue([post("p")])
        rig.side.sender.wake()
        await rig.workspace.until(lambda: len(texts(rig)) == 1)


async def test_a_claim_that_was_lost_is_left_to_its_owner(
    store_database: str, store: Store, rig: Rig
) -> None:
    """A sender that was slower than its lease writes nothing."""
    gate = rig.workspace.faults.api.hang("chat.postMessage", applied=True)
    async with Store(store_database, lease=0.5) as hasty:
        await hasty.enqueue([post("p")])
        async with (
            rigged(hasty, time=rig.time, workspace=rig.workspace, owner="slow") as slow,
            slow.sending(),
        ):
            await gate.reached.wait()
            async with rig.sending():
                await rig.settle(
                    lambda: len(rig.workspace.journal.calls("conversations.history")) >= 1
                )
    assert texts(rig) == ["This is p."]
    assert (await store.backlog(rig.time.now())).depth == 0


async def test_stopping_finishes_what_is_under_way(store: Store, rig: Rig) -> None:
    """And claims nothing more."""
    gate = rig.workspace.faults.api.hang("chat.postMessage")
    await store.enqueue([post("p"), post("after")])
    async with rig.sending():
        await gate.reached.wait()
        rig.side.sender.stop()
        gate.release()
    assert texts(rig) == ["This is p."]
    assert (await store.backlog(rig.time.now())).depth == 1
