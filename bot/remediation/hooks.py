"""HTTPS hooks of runbook.yaml: one POST each, bounded, without a secret in any sentence."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import httpx

from checks.engine.masking import harmless, mask
from checks.engine.model import Json
from checks.engine.runbook.remediation import Hook
from checks.sources.http_trouble import trouble_of

_HEADERS: Final = {"User-Agent": "golive", "Accept": "*/*"}
_SHOWN: Final = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a hook answered; `status` None where no answer came. `said` is masked and cut."""

    status: int | None
    said: str = ""

    @property
    def good(self) -> bool:
        """Whether it took the call."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def words(self) -> str:
        """As part of a sentence."""
        return f"answered {self.status}" if self.status is not None else self.said


class Hooks:
    """Calls hooks.

    Args:
        tokens: name of an environment variable → its secret value.
        transport: what carries the requests, in tests.
    """

    def __init__(
        self,
        tokens: Mapping[str, str] | None = None,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._tokens = dict(tokens or {})
        self._transport = transport

    async def call(self, hook: Hook, body: Mapping[str, Json], *, key: str) -> Answer:
        """POST once. `key` goes along as Idempotency-Key: the same key is the same wish."""
        headers = {**_HEADERS, "Idempotency-Key": key}
        token = self._tokens.get(hook.token or "")
        if hook.token is not None:
            if token is None:
                return Answer(status=None, said=f"{hook.token} is not in GOLIVE_SECRETS")
            headers["Authorization"] = f"Bearer {token}"
        seconds = hook.timeout.total_seconds()
        try:
            async with (
                asyncio.timeout(seconds),
                httpx.AsyncClient(timeout=seconds, transport=self._transport) as client,
            ):
                answer = await client.post(hook.url, json=dict(body), headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError) as error:
            return Answer(status=None, said=trouble_of(error, hook.host).what)
        hidden = [token] if token else []
        said = harmless(mask(answer.text[:_SHOWN], hidden), _SHOWN)
        return Answer(status=answer.status_code, said=said)
