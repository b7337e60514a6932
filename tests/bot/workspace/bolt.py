"""The SDK's client and app with the types that their packages leave out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol, TypeAlias, TypeVar, cast

import aiohttp
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.demo.workspace import Workspace

F = TypeVar("F", bound=Callable[..., Awaitable[None]])
Listener: TypeAlias = Callable[[F], F]
Ack: TypeAlias = Callable[..., Awaitable[Any]]


class Answer(Protocol):
    """An answer of the Web API."""

    status_code: int
    headers: Mapping[str, str]
    data: Any

    def __getitem__(self, key: str) -> Any: ...


class Client(Protocol):
    """The SDK's AsyncWebClient: every method by its name."""

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Answer]]: ...


class Bot(Protocol):
    """Bolt's AsyncApp, as far as the tests use it."""

    def command(self, name: str) -> Listener[F]:
        """Listen to a slash command."""
        ...

    def action(self, name: str) -> Listener[F]:
        """Listen to an element."""
        ...

    def view(self, name: str) -> Listener[F]:
        """Listen to submissions."""
        ...

    def view_closed(self, name: str) -> Listener[F]:
        """Listen to closed modals."""
        ...

    def event(self, name: str) -> Listener[F]:
        """Listen to an event."""
        ...


def web_client(
    workspace: Workspace,
    session: aiohttp.ClientSession | None = None,
    *,
    token: str | None = None,
    seconds: int = 5,
) -> Client:
    """An unmodified SDK client with the bot's token; it retries nothing."""
    client = AsyncWebClient(
        token=workspace.credentials.bot_token if token is None else token,
        base_url=workspace.api_url,
        session=session,
        timeout=seconds,
    )
    client.retry_handlers.clear()
    return cast("Client", client)


def bolt_app(workspace: Workspace, session: aiohttp.ClientSession) -> Bot:
    """A Bolt app as a bot builds it, but for Slack's address."""
    client = cast("AsyncWebClient", web_client(workspace, session))
    secret = workspace.credentials.signing_secret
    return cast("Bot", AsyncApp(client=client, signing_secret=secret))
