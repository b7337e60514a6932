"""The store of a process that dies before it can say that a post is complete."""

from __future__ import annotations

from collections.abc import Mapping

from bot.storage.store import Store
from bot.storage.values import PostClaim, StoreUnavailable
from checks.engine.model import Problem


class Dying(Store):
    """Slack has the post, and its row is never written."""

    async def sent(
        self, claim: PostClaim, ts: str, file_ids: Mapping[int, str] | None = None
    ) -> bool:
        """Never reached."""
        del claim, ts, file_ids
        raise StoreUnavailable(Problem(what="The process is gone.", mend=""), retry=True)
