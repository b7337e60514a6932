"""Calls that are meant to be refused."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, cast

import pytest
from slack_sdk.errors import SlackApiError

from tests.bot.workspace.bolt import Answer


async def refusal(call: Awaitable[Answer]) -> str:
    """Slack's word for why it refuses a call."""
    return str((await refused(call))["error"])


async def refused(call: Awaitable[Answer]) -> Answer:
    """Slack's whole answer to a call that it refuses."""
    with pytest.raises(SlackApiError) as caught:
        await call
    error: Any = caught.value
    return cast("Answer", error.response)
