"""A server whose answers are given, a time moved by hand, and the probe that asks with both."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx

from checks.engine.model import HealthEvidence
from checks.sources.http import HttpHealthProbe, Timeouts
from tests.support.secrecy.planted import Kind, plant

PASSWORD = plant(Kind.PASSWORD, "s3cr3t-in-the-url")
QUICK = Timeouts(connect=0.5, write=0.5, read=0.05, whole=0.3)

Answer = bytes | Callable[[asyncio.StreamWriter], object]


def answered(status: int, *headers: str, body: str = "ok") -> bytes:
    """An answer as it travels."""
    head = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return ("\r\n".join(head) + "\r\n\r\n" + body).encode()


@dataclass
class Server:
    """Answers each request with the next of its answers, the last one again and again."""

    answers: Sequence[Answer]
    port: int = 0
    requests: list[str] = field(default_factory=list[str])
    serving: set[asyncio.Task[None] | None] = field(default_factory=set[asyncio.Task[None] | None])

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take one request."""
        self.serving.add(asyncio.current_task())
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            answer = self.answers[min(len(self.requests), len(self.answers) - 1)]
            self.requests.append(head.decode())
            if isinstance(answer, bytes):
                writer.write(answer)
                await writer.drain()
                if not answer.startswith(b"HTTP/1.1 "):
                    await reader.read()
            else:
                answer(writer)
                await reader.read()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def serving(*answers: Answer) -> AsyncGenerator[Server]:
    """A server with these answers, one after the other."""
    stand_in = Server(answers=answers)
    server = await asyncio.start_server(stand_in.serve, "127.0.0.1", 0)
    stand_in.port = server.sockets[0].getsockname()[1]
    async with server:
        yield stand_in
        await asyncio.gather(*(task for task in stand_in.serving if task is not None))


@dataclass
class SteppedTime:
    """A clock that moves by a fixed step at each look, and remembers the pauses."""

    now: float = 100.0
    step: float = 0.25
    pauses: list[float] = field(default_factory=list[float])

    def clock(self) -> float:
        """The instant, in seconds."""
        self.now += self.step
        return self.now

    async def sleep(self, seconds: float) -> None:
        """Pass at once."""
        self.pauses.append(seconds)


def probe_of(
    url: str | None,
    *,
    time: SteppedTime | None = None,
    timeouts: Timeouts | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
) -> HttpHealthProbe:
    """The probe under test."""
    time = time or SteppedTime()
    return HttpHealthProbe(
        url, timeouts=timeouts, transport=transport, clock=time.clock, sleep=time.sleep
    )


async def raising(error: Exception, cause: BaseException | None = None) -> HealthEvidence:
    """What the probe makes of a client that fails with this exception."""

    def handle(_: httpx.Request) -> httpx.Response:
        raise error from cause

    return await probe_of(
        f"https://u:{PASSWORD}@crm.example.org", transport=httpx.MockTransport(handle)
    ).probe()
