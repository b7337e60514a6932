"""HTTP mode: what Slack sends to the bot's own URL, signed."""

from __future__ import annotations

import asyncio
import json
import time
from urllib.parse import urlencode

import aiohttp
from slack_sdk.signature import SignatureVerifier

from bot.demo.workspace.delivery import Ack, Envelope, NoRouteError
from bot.demo.workspace.faults import WireFaults
from bot.demo.workspace.journal import Journal, Traffic
from bot.demo.workspace.values import Json, Now, mapping

_FORM = "application/x-www-form-urlencoded"


class SignedHttp:
    """Posts envelopes to a URL of the bot; an answer with 200 is the ack.

    Args:
        now: the clock, in UTC.
        journal: told of everything.
        faults: what goes wrong on the way.
        url: where the bot listens.
        secret: the app's signing secret.
        stamp: the time that the signature carries; a bot compares it with its machine's clock.
    """

    def __init__(
        self,
        now: Now,
        journal: Journal,
        faults: WireFaults,
        *,
        url: str,
        secret: str,
        stamp: Now,
    ) -> None:
        self._now = now
        self._journal = journal
        self._faults = faults
        self._url = url
        self._stamp = stamp
        self._signer = SignatureVerifier(secret)
        self._session: aiohttp.ClientSession | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def send(self, envelope: Envelope) -> asyncio.Future[Ack]:
        """Post an envelope."""
        future: asyncio.Future[Ack] = asyncio.get_running_loop().create_future()

        async def send_now() -> None:
            task = asyncio.create_task(self._exchange(envelope, future))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

        if not await self._faults.pass_on(send_now):
            self._journal.note(Traffic.WITHHELD, envelope.type, {}, ref=envelope.id)
        return future

    async def verify(self, challenge: str = "challenge-1") -> bool:
        """Slack's check of a URL: the bot must answer the challenge."""
        body: Json = {"type": "url_verification", "challenge": challenge}
        status, text = await self._post(json.dumps(body), "application/json", {})
        if status != 200:
            return False
        return challenge in {text.strip(), _parsed(text).get("challenge")}

    async def close(self) -> None:
        """End the session with the bot."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    async def _exchange(self, envelope: Envelope, future: asyncio.Future[Ack]) -> None:
        body, kind = _body(envelope)
        headers: dict[str, str] = {}
        if envelope.retry_num:
            headers = {
                "X-Slack-Retry-Num": str(envelope.retry_num),
                "X-Slack-Retry-Reason": envelope.retry_reason,
            }
        entry: Json = {"payload": envelope.payload, "retry_attempt": envelope.retry_num}
        self._journal.note(Traffic.ENVELOPE, envelope.type, entry, ref=envelope.id)
        started = time.perf_counter()
        try:
            status, text = await self._post(body, kind, headers)
        except aiohttp.ClientError:
            _fail(future)
            return
        payload = _parsed(text) or ({"text": text} if text else None)
        note: Json = {"payload": payload}
        self._journal.note(Traffic.ACK, "ack", note, status=status, ref=envelope.id)
        if status != 200:
            _fail(future)
        elif not future.done():
            seconds = time.perf_counter() - started
            future.set_result(Ack(at=self._now(), seconds=seconds, payload=payload))

    async def _post(self, body: str, kind: str, headers: dict[str, str]) -> tuple[int, str]:
        if self._session is None:
            self._session = aiohttp.ClientSession()
        timestamp = str(int(self._stamp().timestamp()))
        signature = self._signer.generate_signature(timestamp=timestamp, body=body) or ""
        signed = headers | {
            "Content-Type": kind,
            "X-Slack-Request-Timestamp": timestamp,
            "X-Slack-Signature": signature,
        }
        async with self._session.post(self._url, data=body.encode(), headers=signed) as answer:
            return answer.status, await answer.text()


def _fail(future: asyncio.Future[Ack]) -> None:
    if not future.done():
        future.set_exception(NoRouteError())
        future.exception()  # nobody may be waiting for this one, and that is no error


def _body(envelope: Envelope) -> tuple[str, str]:
    if envelope.type == "slash_commands":
        return urlencode(envelope.payload), _FORM
    if envelope.type == "interactive":
        return urlencode({"payload": json.dumps(envelope.payload)}), _FORM
    return json.dumps(envelope.payload), "application/json"


def _parsed(text: str) -> Json:
    try:
        return mapping(json.loads(text))
    except ValueError:
        return {}
