"""A workspace, a client of it, and a Bolt app that is connected to it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import TypeAlias, cast

import aiohttp
import pytest
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp

from bot.demo.workspace import Workspace
from tests.bot.workspace.bolt import Bot, Client, bolt_app, web_client
from tests.bot.workspace.clock import Clock

Connect: TypeAlias = Callable[[Bot], Awaitable[AsyncSocketModeHandler]]


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still until it is moved."""
    return Clock()


@pytest.fixture
async def workspace(clock: Clock) -> AsyncIterator[Workspace]:
    """A running workspace."""
    async with Workspace(now=clock.now) as running:
        yield running


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    """One HTTP session for all calls of a test."""
    async with aiohttp.ClientSession() as shared:
        yield shared


@pytest.fixture
def client(workspace: Workspace, session: aiohttp.ClientSession) -> Client:
    """The SDK's client with the bot's token."""
    return web_client(workspace, session)


@pytest.fixture
def app(workspace: Workspace, session: aiohttp.ClientSession) -> Bot:
    """A Bolt app that is not connected yet."""
    return bolt_app(workspace, session)


@pytest.fixture
async def connect(workspace: Workspace) -> AsyncIterator[Connect]:
    """Connects an app over Socket Mode, and disconnects it at the end."""
    async with AsyncExitStack() as stack:

        async def connect_app(app: Bot) -> AsyncSocketModeHandler:
            handler = AsyncSocketModeHandler(
                cast("AsyncApp", app), workspace.credentials.app_token, ping_interval=1
            )
            stack.push_async_callback(handler.close_async)
            before = len(workspace.sockets.connected)
            await handler.connect_async()
            await workspace.connected(before + 1)
            return handler

        yield connect_app
