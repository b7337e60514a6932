"""Pictures and text files of posts: uploaded once, never in the way of a verdict."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest

from bot.demo.workspace import Workspace
from bot.demo.workspace.people import OPERATOR, RELEASES
from bot.demo.workspace.values import objects
from bot.render.blocks import image
from bot.render.limits import FILE_ALT_TEXT
from bot.render.message import Message, Picture, TextFile
from bot.slack.trouble import Permanent
from bot.storage.store import Store
from bot.storage.values import NewPost
from tests.bot.slack.dying import Dying
from tests.bot.slack.hands import HandTime
from tests.bot.slack.rig import Rig, rigged

PNG = b"\x89PNG\r\n\x1a\n-not-a-real-one"


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


def chart(alt: str = "5xx by the minute") -> NewPost:
    """A post with a picture."""
    message = Message(
        text="NO-GO",
        coloured=(image(0, alt),),
        colour="#D55E00",
        pictures=(Picture(name="chart.png", alt=alt, png=PNG),),
    )
    return NewPost(key="chart", channel=RELEASES, message=message)


def with_file(text: str = "all of it") -> NewPost:
    """A post with a text beside it."""
    file = TextFile(name="report.md", title="Report", text=text)
    return NewPost(key="file", channel=RELEASES, message=Message(text="GO", files=(file,)))


def shown(rig: Rig) -> list[object]:
    """The file ids that the one post shows."""
    (message,) = rig.posts()
    return [block.get("slack_file") for block in message.all_blocks()]


async def test_a_picture_is_shown_once_slack_knows_it(store: Store, rig: Rig) -> None:
    """Uploaded without a channel; the post waits until its kind is known."""
    rig.workspace.state.files.polls = 3
    await store.enqueue([chart("a" * 2_000)])
    async with rig.sending():
        await rig.settle(lambda: len(rig.posts()) == 1)
    (file,) = rig.workspace.state.files.all()
    assert shown(rig) == [{"id": file.id}]
    assert (file.content, file.channels, len(file.alt_text)) == (PNG, (), FILE_ALT_TEXT)
    assert len(rig.workspace.journal.calls("files.info")) == 4


@pytest.mark.parametrize(
    "method", ["files.getUploadURLExternal", "files.completeUploadExternal", "files.info"]
)
async def test_an_upload_is_tried_again(store: Store, rig: Rig, method: str) -> None:
    """Whichever of its steps fails."""
    rig.workspace.faults.api.server_error(method)
    await store.enqueue([chart()])
    async with rig.sending():
        await rig.settle(lambda: len(rig.posts()) == 1)
    assert shown(rig)[0] is not None
    assert len(rig.workspace.journal.calls("chat.postMessage")) == 1


async def test_a_verdict_goes_without_a_picture_that_cannot_be_uploaded(
    store: Store, rig: Rig
) -> None:
    """After three attempts; the picture's words stand in its place."""
    rig.workspace.faults.api.server_error("files.getUploadURLExternal", times=100)
    await store.enqueue([chart()])
    async with rig.sending():
        await rig.settle(lambda: len(rig.posts()) == 1)
    assert shown(rig) == [None]
    assert "5xx by the minute" in str(rig.posts()[0].all_blocks())


async def test_a_picture_that_slack_never_gets_ready_is_left_out(store: Store, rig: Rig) -> None:
    """Polling ends."""
    rig.workspace.state.files.polls = 10_000
    await store.enqueue([chart()])
    async with rig.sending():
        await rig.settle(lambda: len(rig.posts()) == 1, step=2)
    assert shown(rig) == [None]


async def test_a_picture_is_not_uploaded_again_for_a_second_attempt(store: Store, rig: Rig) -> None:
    """Its id is in the store."""
    rig.workspace.faults.api.server_error("chat.postMessage")
    await store.enqueue([chart()])
    async with rig.sending():
        await rig.settle(lambda: len(rig.posts()) == 1)
    assert len(rig.workspace.state.files.all()) == 1


async def test_an_empty_picture_fails_by_itself(rig: Rig) -> None:
    """Slack takes no file of 0 bytes, and is not asked to."""
    with pytest.raises(Permanent, match="empty"):
        await rig.side.files.upload_picture(Picture(name="x.png", alt="", png=b""))
    assert rig.workspace.journal.calls() == ()


async def test_a_text_goes_into_the_thread_of_its_post(store: Store, rig: Rig) -> None:
    """With its title; the channel's next post does not wait for it."""
    following = NewPost(key="n", channel=RELEASES, message=Message(text="next"))
    await store.enqueue([with_file("ünï"), following])
    async with rig.sending():
        await rig.settle(lambda: len(rig.posts()) == 3)
    post = next(m for m in rig.posts() if m.text == "GO")
    (reply,) = [m for m in rig.posts() if m.draft.files]
    assert reply.thread_ts == post.ts
    (file,) = rig.workspace.state.files.all()
    assert (file.title, file.content) == ("Report", "ünï".encode())


@pytest.mark.parametrize("applied", [True, False])
async def test_a_text_whose_sharing_broke_is_there_once(
    store: Store, rig: Rig, *, applied: bool
) -> None:
    """Its id is known before anything can be seen, so the thread can be asked for it."""
    rig.workspace.faults.api.reset("files.completeUploadExternal", applied=applied)
    await store.enqueue([with_file()])
    async with rig.sending():
        await rig.settle(lambda: bool(rig.workspace.journal.calls("conversations.replies")))
        await rig.settle(lambda: not rig.side.sender.busy)
    assert len([m for m in rig.posts() if m.draft.files]) == 1
    assert (await store.backlog(rig.time.now())).depth == 0


async def test_killed_after_the_text_was_shared(store_database: str) -> None:
    """The next process finds the file in the thread."""
    time = HandTime()
    async with Workspace(now=time.now) as workspace:
        async with (
            Dying(store_database, lease=0.3) as dying,
            rigged(dying, time=time, workspace=workspace) as dead,
        ):
            await dying.enqueue([with_file()])
            async with dead.sending():
                await dead.settle(lambda: _complete(dead))
        async with (
            Store(store_database, lease=600) as store,
            rigged(store, time=time, workspace=workspace, owner="next") as rig,
            rig.sending(),
        ):
            await rig.settle(lambda: bool(rig.workspace.journal.calls("conversations.replies")))
            rig.side.sender.stop()
        assert len([m for m in rig.posts() if m.draft.files]) == 1
        assert len([m for m in rig.posts() if m.text == "GO"]) == 1


async def test_a_text_that_slack_refuses_is_left_out(store: Store, rig: Rig) -> None:
    """The post is complete without it."""
    rig.workspace.faults.api.error("files.completeUploadExternal", "file_type_not_allowed")
    await store.enqueue([with_file()])
    async with rig.sending():
        await rig.settle(lambda: bool(rig.workspace.journal.calls("files.completeUploadExternal")))
        await rig.settle(lambda: not rig.side.sender.busy)
    assert (await store.backlog(rig.time.now())).depth == 0


async def test_uploads_send_no_token(store: Store, rig: Rig) -> None:
    """The address holds a ticket of its own; the bytes go over the shared session."""
    del store
    await rig.side.files.share_text(
        TextFile(name="a.txt", title="A", text=""),
        channel=rig.workspace.state.direct(OPERATOR).id,
    )
    (file,) = rig.workspace.state.files.all()
    assert file.content == b"(empty)\n"


def _complete(rig: Rig) -> bool:
    return any(objects(list(m.draft.files)) for m in rig.posts())
