"""Time that a test moves by hand, a desk that says what it was asked, a store in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from bot.actions import notice
from bot.desk import Call, Reply, Role
from bot.render.budget import Draft, to_home
from bot.render.message import View
from bot.render.sentences import say
from bot.storage.values import AuditEntry, PostClaim, StoreUnavailable
from bot.watch.model import Deployment
from checks.engine.model import Problem

START = datetime(2026, 11, 23, 21, 0, tzinfo=UTC)


class HandTime:
    """A clock and a timer: nothing happens until it is moved."""

    def __init__(self) -> None:
        self.instant = START
        self.jobs: dict[str, tuple[datetime, Callable[[], Awaitable[None]]]] = {}

    def now(self) -> datetime:
        """The instant."""
        return self.instant

    def at(self, instant: datetime, key: str, run: Callable[[], Awaitable[None]]) -> None:
        """Keep a job."""
        self.jobs[key] = (instant, run)

    def cancel(self, key: str) -> None:
        """Forget a job."""
        self.jobs.pop(key, None)

    async def advance(self, seconds: float) -> None:
        """Let time pass, and run what is due, in order."""
        end = self.instant + timedelta(seconds=seconds)
        while True:
            due = [(at, key) for key, (at, _) in self.jobs.items() if at <= end]
            if not due:
                break
            at, key = min(due)
            _, run = self.jobs.pop(key)
            self.instant = max(self.instant, at)
            await run()
            await asyncio.sleep(0)
        self.instant = end


@dataclass(kw_only=True)
class FakeDesk:
    """A desk that remembers what it was asked, and can be slow or broken."""

    asked: list[tuple[str, Call, tuple[object, ...]]] = field(
        default_factory=list[tuple[str, Call, tuple[object, ...]]]
    )
    homes: list[tuple[str, Role]] = field(default_factory=list[tuple[str, Role]])
    replies: dict[str, Reply] = field(default_factory=dict[str, Reply])
    refusals: list[tuple[Call, str, str]] = field(default_factory=list[tuple[Call, str, str]])
    gate: asyncio.Event | None = None
    breaks: Exception | None = None

    @property
    def names(self) -> list[str]:
        """What it was asked, in order."""
        return [name for name, _, _ in self.asked]

    async def _ask(self, name: str, call: Call, *words: object) -> Reply:
        self.asked.append((name, call, words))
        if self.gate is not None:
            await self.gate.wait()
        if self.breaks is not None:
            raise self.breaks
        return self.replies.get(name) or Reply(message=say(f"The desk did {name}."))

    async def start(self, call: Call, version: str, ago: timedelta) -> Reply:
        """As asked."""
        return await self._ask("start", call, version, ago)

    async def status(self, call: Call) -> Reply:
        """As asked."""
        return await self._ask("status", call)

    async def checkpoint(self, call: Call) -> Reply:
        """As asked."""
        return await self._ask("checkpoint", call)

    async def report(self, call: Call) -> Reply:
        """As asked."""
        return await self._ask("report", call)

    async def history(self, call: Call) -> Reply:
        """As asked."""
        return await self._ask("history", call)

    async def logs(self, call: Call, lines: int) -> Reply:
        """As asked."""
        return await self._ask("logs", call, lines)

    async def ack(self, call: Call) -> Reply:
        """As asked."""
        return await self._ask("ack", call)

    async def accept(self, call: Call, check: str, reason: str) -> Reply:
        """As asked."""
        return await self._ask("accept", call, check, reason)

    async def silence(self, call: Call, check: str, duration: timedelta) -> Reply:
        """As asked."""
        return await self._ask("silence", call, check, duration)

    async def close(self, call: Call) -> Reply:
        """As asked."""
        return await self._ask("close", call)

    async def diagnose(self, call: Call, incident: int) -> Reply:
        """As asked."""
        return await self._ask("diagnose", call, incident)

    async def expect_inbound(self, call: Call) -> Reply:
        """As asked."""
        return await self._ask("expect", call)

    async def fix(self, call: Call, kind: str, target: str, stated: frozenset[str]) -> View:
        """As asked."""
        await self._ask("fix", call, kind, target, stated)
        return notice("The desk did fix.")

    async def rollback(self, call: Call) -> View:
        """As asked."""
        await self._ask("rollback", call)
        return notice("The desk did rollback.")

    async def approve(self, call: Call, claim: str) -> View:
        """As asked."""
        await self._ask("approve", call, claim)
        return notice("The desk did approve.")

    async def confirm(self, call: Call, claim: str, reason: str) -> View:
        """As asked."""
        await self._ask("confirm", call, claim, reason)
        return notice("The desk did confirm.")

    async def undo(self, call: Call, claim: str) -> Reply:
        """As asked."""
        return await self._ask("undo", call, claim)

    async def tick(self, call: Call, claim: str, step: str) -> Reply:
        """As asked."""
        return await self._ask("tick", call, claim, step)

    async def refused(self, call: Call, about: str, why: str) -> None:
        """Keep it."""
        self.refusals.append((call, about, why))

    async def home(self, user: str, role: Role) -> View:
        """A Home that says who it is for."""
        self.homes.append((user, role))
        return to_home(Draft(verdict=f"Home of a {role}"))


@dataclass(kw_only=True)
class MemoryStore:
    """Remembers deliveries and the audit; its outbox is empty. It can be down."""

    seen: set[str] = field(default_factory=set[str])
    entries: list[AuditEntry] = field(default_factory=list[AuditEntry])
    down: bool = False

    def _check(self) -> None:
        if self.down:
            problem = Problem(what="The store does not answer.", mend="Start it.")
            raise StoreUnavailable(problem, retry=True)

    async def deliver_once(self, key: str, at: datetime) -> bool:
        """Whether a key is new."""
        del at
        self._check()
        new = key not in self.seen
        self.seen.add(key)
        return new

    async def open_watches(self) -> tuple[Deployment, ...]:
        """None."""
        self._check()
        return ()

    async def claim_posts(self, owner: str, now: datetime, limit: int) -> tuple[PostClaim, ...]:
        """None."""
        del owner, now, limit
        self._check()
        return ()

    async def extend(self, claim: PostClaim) -> bool:
        """There is no claim to extend."""
        del claim
        return False

    async def file_uploaded(self, claim: PostClaim, n: int, file_id: str) -> bool:
        """There is no claim."""
        del claim, n, file_id
        return False

    async def posted(self, claim: PostClaim, ts: str) -> bool:
        """There is no claim."""
        del claim, ts
        return False

    async def moved(self, claim: PostClaim, ts: str) -> bool:
        """There is no claim."""
        del claim, ts
        return False

    async def sent(
        self, claim: PostClaim, ts: str, file_ids: Mapping[int, str] | None = None
    ) -> bool:
        """There is no claim."""
        del claim, ts, file_ids
        return False

    async def failed(
        self, claim: PostClaim, retry_at: datetime, error: str, *, unsure: bool = True
    ) -> bool:
        """There is no claim."""
        del claim, retry_at, error, unsure
        return False

    async def gave_up(self, claim: PostClaim, error: str) -> bool:
        """There is no claim."""
        del claim, error
        return False

    async def audit(self, entry: AuditEntry) -> None:
        """Keep an entry."""
        self.entries.append(entry)
