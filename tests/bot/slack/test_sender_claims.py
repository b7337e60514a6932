"""A claim that was lost on the way: its post is not sent by whoever lost it."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest

from bot.demo.workspace.people import RELEASES
from bot.render.sentences import say
from bot.slack.posting import ClaimLost, Posting
from bot.slack.waiting import Pause
from bot.storage.store import Store
from bot.storage.values import NewPost
from tests.bot.slack.rig import Rig, rigged


@pytest.fixture
async def hasty(store_database: str) -> AsyncGenerator[Store]:
    """A store whose leases end at once."""
    async with Store(store_database, lease=0) as store:
        yield store


@pytest.fixture
async def rig(hasty: Store) -> AsyncGenerator[Rig]:
    """Slack's side, nothing of it started."""
    async with rigged(hasty) as rig:
        yield rig


def posting(store: Store, rig: Rig) -> Posting:
    """What a replica posts with; it keeps Slack's limits by itself."""
    return Posting(
        store,
        rig.side.gateway,
        rig.side.files,
        Pause(rig.time, rig.time),
        shared=rig.side.access.shared_outside,
    )


async def test_who_lost_the_claim_while_standing_still_does_not_post(
    hasty: Store, rig: Rig
) -> None:
    """The machine stood still between the claim and the post; another replica has it meanwhile."""
    await hasty.enqueue([NewPost(key="p", channel=RELEASES, message=say("Once."))])
    (mine,) = await hasty.claim_posts("sleeper", rig.time.now(), 1)
    (theirs,) = await hasty.claim_posts("other", rig.time.now(), 1)
    await posting(hasty, rig).deliver(theirs)
    with pytest.raises(ClaimLost):
        await posting(hasty, rig).deliver(mine)
    assert [message.text for message in rig.posts()] == ["Once."]
