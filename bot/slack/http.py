"""HTTP mode: Slack posts to an address of the bot's own, and signs what it posts.

Anybody can reach such an address. Until its signature is checked, a request is so many bytes:
nothing in it is parsed, followed or logged, and whoever sends it can hold little.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any, Final, TypeAlias, cast
from urllib.parse import parse_qsl

import structlog
from aiohttp import web

from bot.clock import Clock
from bot.listening import listen
from bot.operations.metrics import UNMEASURED, Metrics, RefusedRequest
from bot.settings import SettingsError
from bot.slack.quiet import LIBRARY

Payload: TypeAlias = Mapping[str, Any]
HandleHttp: TypeAlias = Callable[[web.BaseRequest, Payload], Awaitable[web.StreamResponse]]

PATH: Final = "/slack/events"
SIGNATURE: Final = "X-Slack-Signature"
TIMESTAMP: Final = "X-Slack-Request-Timestamp"
SKEW: Final = 300
"""Seconds between Slack's clock and ours, from Slack's guide to verifying requests: beyond them a
request that somebody recorded is refused."""
LARGEST: Final = 512 * 1024
"""Bytes of a body. A click on golive's longest message is about 160 KB as Slack encodes it."""
SECONDS: Final = 10.0
"""A whole request must be there so long after its connection. Slack itself gives up after three."""
CONNECTIONS: Final = 512
"""At a time: room for as many people at once as `bot.slack.delivery` takes work of."""
IDLE: Final = 75.0
"""Seconds that a connection which brought a signed request may wait for the next one: longer than
the minute of common proxies, who else would send into a connection that is being closed."""
LINGER: Final = 2.0
"""Seconds for which the rest of a refused body is read, so that its sender sees the answer."""
FINISH: Final = 5.0
"""Seconds that open requests get for their ack when the bot ends."""
FIELDS: Final = 100
"""Of a form; Slack's own have about a dozen."""

_STAMP: Final = re.compile(r"[0-9]{1,12}")
_CHARSETS: Final = frozenset({"utf-8", "utf8", "us-ascii", "ascii"})

_log = structlog.get_logger(__name__)


class Refused(Exception):  # noqa: N818 - it names what happened
    """A request is answered with an error status, and nothing is done.

    status: of the answer
    reason: under which it is counted
    signed: whether Slack sent it, so that somebody should hear of it
    """

    def __init__(self, status: int, reason: RefusedRequest, *, signed: bool = False) -> None:
        super().__init__(reason)
        self.status = status
        self.reason: RefusedRequest = reason
        self.signed = signed


class HttpFront:
    """The server that Slack posts to.

    Args:
        handle: routes what Slack signed and acknowledges it; may raise Refused.
        secret: by which Slack signs.
        clock: gives the instant that signatures are compared with.
        port: to listen on; 0 takes a free one.
        host: to listen on; None for all addresses.
        metrics: count what is refused.
        seconds: for a whole request.
        connections: at a time.

    Raises:
        ValueError: the secret is empty, so that anybody could sign.
    """

    def __init__(
        self,
        *,
        handle: HandleHttp,
        secret: str,
        clock: Clock,
        port: int,
        host: str | None = None,
        metrics: Metrics = UNMEASURED,
        seconds: float = SECONDS,
        connections: int = CONNECTIONS,
    ) -> None:
        if not secret:
            raise ValueError("HTTP mode needs a signing secret.")
        self._handle = handle
        self._secret = secret
        self._clock = clock
        self._port = port
        self._host = host
        self._metrics = metrics
        self._seconds = seconds
        self._connections = connections
        self._server: _BoundedServer | None = None
        self._runner: web.ServerRunner | None = None

    @property
    def connected(self) -> bool:
        """Whether it listens."""
        return self._runner is not None

    @property
    def port(self) -> int:
        """The port that it listens on."""
        addresses = self._runner.addresses if self._runner is not None else []
        return int(addresses[0][1]) if addresses else self._port

    async def start(self) -> None:
        """Listen.

        Raises:
            SettingsError: nobody can listen there.
        """
        self._server = _BoundedServer(
            self._serve, seconds=self._seconds, connections=self._connections
        )
        runner = web.ServerRunner(self._server, shutdown_timeout=FINISH)
        await runner.setup()
        try:
            await listen(runner, self._host, self._port, setting="PORT")
        except SettingsError:
            await runner.cleanup()
            raise
        self._runner = runner

    async def quiet(self) -> None:
        """Take no more requests; those that are open get their ack."""
        await self.close()

    async def close(self) -> None:
        """Stop listening."""
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        try:
            return await self._handle(request, await self._signed(request))
        except Refused as refusal:
            self._metrics.refused_request(refusal.reason)
            if refusal.signed:
                _log.warning("a signed request was refused", why=refusal.reason)
            answer = web.Response(status=refusal.status)
            answer.force_close()
            return answer

    async def _signed(self, request: web.BaseRequest) -> Payload:
        """What Slack sent; raises Refused where it is not certain that Slack did."""
        if request.path != PATH:
            raise Refused(404, "unverified")
        if request.method != "POST":
            raise Refused(405, "unverified")
        try:
            async with asyncio.timeout(self._seconds):
                body = await _read(request)
        except TimeoutError:
            raise Refused(408, "unfinished") from None
        except (ConnectionError, web.RequestPayloadError):
            raise Refused(400, "unfinished") from None
        stamps = request.headers.getall(TIMESTAMP, [])
        signatures = request.headers.getall(SIGNATURE, [])
        if not (len(stamps) == len(signatures) == 1) or not verified(
            body, stamps[0], signatures[0], secret=self._secret, now=self._clock.now()
        ):
            raise Refused(401, "unverified")
        if self._server is not None:
            self._server.trust(request.protocol)
        try:
            return _payload(request, body)
        except (TypeError, ValueError, RecursionError):
            raise Refused(400, "malformed", signed=True) from None


def verified(body: bytes, stamp: str, signature: str, *, secret: str, now: datetime) -> bool:
    """Whether Slack signed a body, and did so within the last five minutes.

    Args:
        body: as it came.
        stamp: the header with Slack's time, in seconds since 1970; digits and nothing else.
        signature: the header with the HMAC-SHA256 over `v0:stamp:body`.
        secret: the app's signing secret.
        now: the instant by our clock, which may be off by as much in either direction.
    """
    if _STAMP.fullmatch(stamp) is None or abs(now.timestamp() - int(stamp)) > SKEW:
        return False
    signed = hmac.new(secret.encode(), b"v0:%s:%s" % (stamp.encode(), body), hashlib.sha256)
    given = signature.encode("utf-8", "surrogateescape")
    return hmac.compare_digest(f"v0={signed.hexdigest()}".encode(), given)


async def _read(request: web.BaseRequest) -> bytes:
    """The body as it came, neither decompressed nor decoded."""
    if (request.content_length or 0) > LARGEST:
        raise Refused(413, "too_large")
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > LARGEST:
            raise Refused(413, "too_large")
    return bytes(body)


def _payload(request: web.BaseRequest, body: bytes) -> Payload:
    """What a signed body says. Read here: Bolt takes any text with "payload" in it for a click.

    Raises:
        TypeError, ValueError, RecursionError: it is nothing that Slack sends.
    """
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise ValueError("Slack compresses nothing.")
    if (request.charset or "utf-8").lower() not in _CHARSETS:
        raise ValueError("Slack sends UTF-8.")
    text = body.decode("utf-8")
    if request.content_type == "application/json":
        return _object(text)
    if request.content_type != "application/x-www-form-urlencoded":
        raise ValueError("Slack sends JSON or a form.")
    form = dict(parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=FIELDS))
    return _object(form["payload"]) if "payload" in form else form


def _object(text: str) -> Payload:
    said: object = json.loads(text)
    if not isinstance(said, dict):
        raise TypeError("Slack sends an object.")
    return cast("Payload", said)


class _BoundedServer(web.Server):
    """Bounds the connections. One that has brought nothing signed yet is a stranger's.

    A stranger's connection is closed after some seconds, and the oldest of them at once where a new
    one would be too many: whoever holds connections open keeps nobody else out.
    """

    def __init__(
        self,
        handler: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]],
        *,
        seconds: float,
        connections: int,
    ) -> None:
        super().__init__(
            handler,
            access_log=None,
            logger=LIBRARY,  # its words quote what strangers send, a line each
            auto_decompress=False,
            keepalive_timeout=IDLE,
            lingering_time=LINGER,
        )
        self._seconds = seconds
        self._most = connections
        self._strangers: dict[web.RequestHandler, asyncio.TimerHandle] = {}

    def connection_made(self, handler: web.RequestHandler, transport: asyncio.Transport) -> None:
        """Somebody connected."""
        super().connection_made(handler, transport)
        loop = asyncio.get_running_loop()
        self._strangers[handler] = loop.call_later(self._seconds, self._drop, handler)
        if len(self.connections) > self._most:
            self._drop(next(iter(self._strangers)))

    def connection_lost(
        self, handler: web.RequestHandler, exc: BaseException | None = None
    ) -> None:
        """A connection ended."""
        self.trust(handler)
        super().connection_lost(handler, exc)

    def trust(self, handler: web.RequestHandler) -> None:
        """A connection brought something signed: it is bounded by its idle time alone."""
        timer = self._strangers.pop(handler, None)
        if timer is not None:
            timer.cancel()

    def _drop(self, handler: web.RequestHandler) -> None:
        self.trust(handler)
        handler.force_close()
