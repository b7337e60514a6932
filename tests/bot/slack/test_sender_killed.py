"""A process that is killed between Slack's answer and its row: the post is in Slack once."""

from __future__ import annotations

from bot.demo.workspace import Workspace
from bot.demo.workspace.people import RELEASES
from bot.render.sentences import say
from bot.storage.store import Store
from bot.storage.values import NewPost
from tests.bot.slack.dying import Dying
from tests.bot.slack.hands import HandTime
from tests.bot.slack.rig import Rig, rigged


def post(key: str) -> NewPost:
    """A post that says its key."""
    return NewPost(key=key, channel=RELEASES, message=say(f"This is {key}."))


def texts(rig: Rig) -> list[str]:
    """What the bot said, in Slack's order."""
    return [message.text for message in rig.posts()]


async def test_killed_between_slack_s_answer_and_the_row(store_database: str) -> None:
    """The next process finds the post in Slack and writes the row."""
    time = HandTime()
    async with (
        Workspace(now=time.now) as workspace,
        Dying(store_database, lease=0.3) as dying,
        rigged(dying, time=time, workspace=workspace) as dead,
    ):
        await dying.enqueue([post("p"), post("after")])
        (claim,) = await dying.claim_posts("dead", time.now(), 1)
        ts = await dead.side.gateway.post(RELEASES, {"text": "This is p."}, post_id=str(claim.id))
        async with (
            Store(store_database, lease=600) as store,
            rigged(store, time=time, workspace=workspace, owner="next") as rig,
            rig.sending(),
        ):
            await rig.settle(lambda: len(texts(rig)) == 2)
            assert texts(rig) == ["This is p.", "This is after."]
            assert rig.posts()[0].ts == ts


async def test_killed_again_and_again_it_is_there_once(store_database: str) -> None:
    """A process whose rows are never written keeps finding its post."""
    async with Dying(store_database, lease=0.3) as dying, rigged(dying) as rig:
        await dying.enqueue([post("p")])
        async with rig.sending():
            await rig.settle(lambda: len(rig.workspace.journal.calls("conversations.history")) >= 3)
        assert texts(rig) == ["This is p."]
