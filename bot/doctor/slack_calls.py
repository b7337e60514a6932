"""Single calls of Slack's Web API with their headers, which tell scopes and the time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol, cast

import httpx

SECONDS: Final = 10.0
_LONGEST: Final = 200
"""Characters of a sentence of Slack's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What Slack answered; `error` is its word for why not, "" where it was done.

    unreachable: what came back, if anything, is no answer of Slack's; `error` says what it is
    """

    error: str = ""
    unreachable: bool = False
    body: Mapping[str, object] = field(default_factory=dict[str, object], repr=False)
    scopes: frozenset[str] = frozenset()
    date: str | None = None

    @property
    def reason(self) -> str:
        """All that Slack says about why not: its word, the scopes, and its own sentences."""
        said = [self.error]
        needed, provided = self.text("needed"), self.text("provided")
        if needed:
            said.append(f"needs {needed}, has {provided or 'none'}")
        messages = self.at("response_metadata", "messages")
        if isinstance(messages, list):
            said += [str(one)[:_LONGEST] for one in cast("list[object]", messages)]
        return "; ".join(said)

    def text(self, *path: str) -> str:
        """A text in the body, "" where there is none."""
        found = self.at(*path)
        return found if isinstance(found, str) else ""

    def at(self, *path: str) -> object:
        """A value in the body, None where there is none."""
        found = cast("object", self.body)
        for name in path:
            if not isinstance(found, Mapping):
                return None
            found = cast("Mapping[str, object]", found).get(name)
        return found


class SlackApi(Protocol):
    """Something that can call the Web API."""

    async def call(self, method: str, token: str, **arguments: str) -> Answer:
        """One call, with the token that it goes by. Trouble is an answer, never raised."""
        ...


class SlackCalls:
    """`SlackApi` over HTTP. Nothing is repeated; a client that its maker closes.

    Args:
        client: carries the calls.
        base_url: of the Web API, ending in a slash.
    """

    def __init__(self, client: httpx.AsyncClient, base_url: str) -> None:
        self._client = client
        self._base_url = base_url

    async def call(self, method: str, token: str, **arguments: str) -> Answer:
        """One call. Trouble is an answer, never raised."""
        try:
            response = await self._client.post(
                f"{self._base_url}{method}",
                data=arguments,
                headers={"Authorization": f"Bearer {token}"},
                timeout=SECONDS,
            )
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            return Answer(error=_failure(error), unreachable=True)
        try:
            body = response.json()
        except ValueError:
            body = None
        if not isinstance(body, dict):
            status = response.status_code
            return Answer(error=f"HTTP {status} and no answer of Slack's", unreachable=True)
        said = cast("Mapping[str, object]", body)
        return Answer(
            error="" if said.get("ok") is True else str(said.get("error") or "no reason given"),
            body=said,
            scopes=frozenset(
                scope.strip()
                for scope in response.headers.get("x-oauth-scopes", "").split(",")
                if scope.strip()
            ),
            date=response.headers.get("date"),
        )


def _failure(error: Exception) -> str:
    """What broke, by its kind; a certificate that is refused also says why."""
    kind = type(error).__name__
    return f"{kind}: {str(error)[:_LONGEST]}" if "CERTIFICATE" in str(error) else kind
