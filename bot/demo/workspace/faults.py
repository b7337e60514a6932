"""What goes wrong on purpose: in the Web API, and on the way to the bot."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TypeAlias

from bot.demo.workspace.values import Json

Hook: TypeAlias = Callable[[str, Json], Awaitable[None]]
"""Called with the method and the answer that is about to be sent."""

ANY = "*"
"""Every method."""


class Moment(Enum):
    """When a fault strikes: before the call is applied, or after it and before the answer."""

    BEFORE = auto()
    AFTER = auto()


class Gate:
    """Holds a call until it is released."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self._open = asyncio.Event()

    def release(self) -> None:
        """Let the call go on."""
        self._open.set()

    async def wait(self) -> None:
        """Wait to be released."""
        self.reached.set()
        await self._open.wait()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer in place of the real one; the call is not applied."""

    status: int
    body: Json | None
    headers: dict[str, str] = field(default_factory=dict[str, str])


@dataclass(slots=True, kw_only=True)
class Fault:
    """One fault and how often it still strikes."""

    method: str
    moment: Moment
    times: int
    reply: Reply | None = None
    reset: bool = False
    gate: Gate | None = None
    hook: Hook | None = None


class ApiFaults:
    """Faults of the Web API; each strikes the next calls of a method and is then over."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def rate_limit(self, method: str, *, times: int = 1, retry_after: int = 1) -> None:
        """Answer 429."""
        body: Json = {"ok": False, "error": "ratelimited"}
        reply = Reply(status=429, body=body, headers={"Retry-After": str(retry_after)})
        self._add(method, Moment.BEFORE, times, reply=reply)

    def server_error(self, method: str, *, times: int = 1, status: int = 500) -> None:
        """Answer with a status of the server's own and no JSON."""
        self._add(method, Moment.BEFORE, times, reply=Reply(status=status, body=None))

    def error(self, method: str, code: str, *, times: int = 1) -> None:
        """Answer 200 with ok false."""
        reply = Reply(status=200, body={"ok": False, "error": code})
        self._add(method, Moment.BEFORE, times, reply=reply)

    def hang(self, method: str, *, times: int = 1, applied: bool = False) -> Gate:
        """Do not answer until the gate is released; the call is applied before or after."""
        gate = Gate()
        self._add(method, Moment.AFTER if applied else Moment.BEFORE, times, gate=gate)
        return gate

    def reset(self, method: str, *, times: int = 1, applied: bool) -> None:
        """Cut the connection, having applied the call (the answer is lost) or not."""
        self._add(method, Moment.AFTER if applied else Moment.BEFORE, times, reset=True)

    def between(self, method: str, hook: Hook, *, times: int = 1) -> None:
        """Await a hook after the call is applied and before it is answered."""
        self._add(method, Moment.AFTER, times, hook=hook)

    def clear(self) -> None:
        """Nothing goes wrong any more; held calls go on."""
        for fault in self._faults:
            if fault.gate is not None:
                fault.gate.release()
        self._faults.clear()

    def take(self, method: str, moment: Moment) -> Fault | None:
        """The fault that strikes now, if any; it is used up by this."""
        for fault in self._faults:
            if fault.method in {method, ANY} and fault.moment is moment and fault.times > 0:
                fault.times -= 1
                return fault
        return None

    def _add(
        self,
        method: str,
        moment: Moment,
        times: int,
        *,
        reply: Reply | None = None,
        reset: bool = False,
        gate: Gate | None = None,
        hook: Hook | None = None,
    ) -> None:
        fault = Fault(
            method=method,
            moment=moment,
            times=times,
            reply=reply,
            reset=reset,
            gate=gate,
            hook=hook,
        )
        self._faults.append(fault)


class WireFaults:
    """Faults on the way to the bot: envelopes doubled, held back, or in another order."""

    def __init__(self) -> None:
        self.duplicate = 0
        """So many of the next envelopes are sent twice."""
        self.lose = 0
        """So many of the next envelopes are not sent at all."""
        self.hold = 0
        """So many of the next envelopes wait until they are released."""
        self.refuse_sockets = 0
        """So many of the next sockets are refused."""
        self._held: list[Callable[[], Awaitable[None]]] = []

    @property
    def held(self) -> int:
        """How many envelopes wait."""
        return len(self._held)

    async def release(self, *, reverse: bool = False) -> None:
        """Send what waits, in its order or in the other one."""
        held, self._held = self._held, []
        for send in reversed(held) if reverse else held:
            await send()

    async def pass_on(self, send: Callable[[], Awaitable[None]]) -> bool:
        """Send an envelope, as the faults will have it; False if it is held or lost."""
        if self.lose > 0:
            self.lose -= 1
            return False
        if self.hold > 0:
            self.hold -= 1
            self._held.append(send)
            return False
        await send()
        if self.duplicate > 0:
            self.duplicate -= 1
            await send()
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """Everything that can be made to go wrong."""

    api: ApiFaults = field(default_factory=ApiFaults)
    wire: WireFaults = field(default_factory=WireFaults)
