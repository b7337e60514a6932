"""Slack's rate limits, on the workspace's clock."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from bot.demo.workspace.values import Json, Now
from bot.render import limits

_POST_BURST: Final = 5
"""Slack allows a short burst over one message a second, and does not say how long."""

_TIER_3: Final = 50
_TIER_4: Final = 100
_PER_MINUTE: Final[Mapping[str, int]] = {
    "chat.update": limits.UPDATES_PER_MINUTE,
    "chat.delete": _TIER_3,
    "chat.postEphemeral": _TIER_4,
    "conversations.list": limits.TIER_2_PER_MINUTE,
    "conversations.info": _TIER_3,
    "conversations.history": _TIER_3,
    "conversations.replies": _TIER_3,
    "conversations.members": _TIER_4,
    "conversations.open": _TIER_3,
    "usergroups.list": limits.TIER_2_PER_MINUTE,
    "usergroups.users.list": limits.TIER_2_PER_MINUTE,
    "users.list": limits.TIER_2_PER_MINUTE,
    "users.info": _TIER_4,
    "views.open": limits.VIEW_CALLS_PER_MINUTE,
    "views.update": limits.VIEW_CALLS_PER_MINUTE,
    "views.push": limits.VIEW_CALLS_PER_MINUTE,
    "views.publish": limits.VIEW_CALLS_PER_MINUTE,
    "files.getUploadURLExternal": limits.FILE_CALLS_PER_MINUTE,
    "files.completeUploadExternal": limits.FILE_CALLS_PER_MINUTE,
    "files.info": limits.FILE_CALLS_PER_MINUTE,
}
_MINUTE: Final = timedelta(minutes=1)


class RateLimits:
    """Counts calls a method, and messages a channel.

    Args:
        now: the clock, in UTC.
        enabled: False lets everything pass.
    """

    def __init__(self, now: Now, *, enabled: bool) -> None:
        self.enabled = enabled
        self._now = now
        self._calls: dict[str, deque[datetime]] = {}
        self._posts: dict[str, tuple[datetime, float]] = {}

    def retry_after(self, method: str, arguments: Json) -> int | None:
        """Seconds to wait; None if the call may pass, and then it counts."""
        if not self.enabled:
            return None
        if method == "chat.postMessage":
            return self._post(str(arguments.get("channel")))
        limit = _PER_MINUTE.get(method)
        return None if limit is None else self._count(method, limit)

    def _count(self, method: str, limit: int) -> int | None:
        now = self._now()
        calls = self._calls.setdefault(method, deque())
        while calls and now - calls[0] >= _MINUTE:
            calls.popleft()
        if len(calls) >= limit:
            return max(1, math.ceil((calls[0] + _MINUTE - now).total_seconds()))
        calls.append(now)
        return None

    def _post(self, channel: str) -> int | None:
        """A bucket of tokens that fills by one a second."""
        now = self._now()
        before, tokens = self._posts.get(channel, (now, float(_POST_BURST)))
        refill = (now - before).total_seconds() * limits.POST_PER_CHANNEL_PER_SECOND
        tokens = min(float(_POST_BURST), tokens + refill)
        allowed = tokens >= 1
        self._posts[channel] = (now, tokens - 1 if allowed else tokens)
        return None if allowed else 1
