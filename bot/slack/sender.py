"""Sends what waits in the outbox: in order, within Slack's limits, each post exactly once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

import structlog
from structlog.contextvars import bind_contextvars

from bot.clock import Clock, Timer
from bot.operations.metrics import UNMEASURED, Metrics, PostOutcome
from bot.slack.files import Files
from bot.slack.gateway import Gateway
from bot.slack.outbox import Outbox
from bot.slack.posting import ClaimLost, Posting
from bot.slack.trouble import Permanent, RetryLater
from bot.slack.waiting import Pause
from bot.storage.values import AuditEntry, PostClaim, StoreUnavailable

AT_ONCE: Final = 8
LEASE: Final = 15.0
POLL: Final = timedelta(seconds=2)
LONGEST_BACKOFF: Final = timedelta(seconds=60)
MENDABLE_ATTEMPTS: Final = 20
"""About a quarter of an hour for somebody to invite the bot or to mend its token."""

_log = structlog.get_logger(__name__)


class Sender:
    """Takes posts from the outbox and brings them into Slack.

    Args:
        outbox: of the store.
        gateway: Slack.
        files: uploads.
        clock: gives the instant.
        timer: calls back at one.
        owner: names this replica in claims.
        shared: whether people from another organisation are in a channel; may raise SlackTrouble.
        lease: seconds for which a claim is safe from others.
        metrics: are told what came of each attempt.
    """

    def __init__(
        self,
        *,
        outbox: Outbox,
        gateway: Gateway,
        files: Files,
        clock: Clock,
        timer: Timer,
        owner: str,
        shared: Callable[[str], Awaitable[bool]],
        lease: float = LEASE,
        metrics: Metrics = UNMEASURED,
    ) -> None:
        self._outbox = outbox
        self._metrics = metrics
        self._extend_every = lease / 3
        self._clock = clock
        self._timer = timer
        self._owner = owner
        self._pause = Pause(clock, timer)
        self._posting = Posting(outbox, gateway, files, self._pause, shared=shared)
        self._news = asyncio.Event()
        self._stopping = False
        self._sending: set[asyncio.Task[None]] = set()

    def wake(self) -> None:
        """Something was put into the outbox."""
        self._news.set()

    @property
    def busy(self) -> bool:
        """Whether a post is under way."""
        return bool(self._sending)

    async def run(self) -> None:
        """Send until `stop`; then finish what is under way."""
        while not self._stopping:
            self._news.clear()
            claims = await self._claim()
            for claim in claims:
                self._begin(claim)
            if not claims:
                self._timer.at(self._clock.now() + POLL, self._poll_key, self._tick)
                await self._news.wait()
        self._timer.cancel(self._poll_key)
        if self._sending:
            await asyncio.wait(self._sending)

    def stop(self) -> None:
        """Claim nothing more; `run` returns when what is under way is done."""
        self._stopping = True
        self._news.set()

    @property
    def _poll_key(self) -> str:
        return f"slack:sender:{self._owner}"

    async def _tick(self) -> None:
        self._news.set()

    async def _claim(self) -> tuple[PostClaim, ...]:
        room = AT_ONCE - len(self._sending)
        if room <= 0:
            return ()
        try:
            return await self._outbox.claim_posts(self._owner, self._clock.now(), room)
        except StoreUnavailable as error:
            _log.warning("the outbox cannot be read", why=str(error.problem))
            return ()

    def _begin(self, claim: PostClaim) -> None:
        task = asyncio.create_task(self._send(claim), name=f"send {claim.key}")
        self._sending.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._sending.discard(task)
        self._news.set()
        if not task.cancelled() and task.exception() is not None:
            # Its lease ends by itself; whoever claims the post next looks it up first.
            _log.error("sending broke off", post=task.get_name(), error=task.exception())

    async def _send(self, claim: PostClaim) -> None:
        # Every line about this post names its watch: the task, and so its context, is its own.
        bind_contextvars(deployment=str(claim.deployment_id or ""))
        keeper = asyncio.create_task(self._keep(claim))
        try:
            outcome = await self._attempt(claim)
            self._metrics.post(outcome)
        except ClaimLost:
            _log.info("another replica sends it", key=claim.key)
        except StoreUnavailable as error:
            _log.warning("the outbox cannot be written", key=claim.key, why=str(error.problem))
            self._metrics.post("unrecorded")
        finally:
            keeper.cancel()
            await asyncio.wait({keeper})

    async def _attempt(self, claim: PostClaim) -> PostOutcome:
        try:
            delivered = await self._posting.deliver(claim)
        except RetryLater as trouble:
            await self._again(claim, trouble)
            return "retried"
        except Permanent as trouble:
            if trouble.mendable and claim.attempt < MENDABLE_ATTEMPTS:
                await self._again(claim, RetryLater(trouble.sentence, code=trouble.code))
                return "retried"
            await self._give_up(claim, trouble)
            return "given_up"
        return "sent" if delivered else "given_up"

    async def _again(self, claim: PostClaim, trouble: RetryLater) -> None:
        wait = trouble.after or min(
            timedelta(seconds=2 ** min(claim.attempt - 1, 6)), LONGEST_BACKOFF
        )
        if trouble.code == "ratelimited":
            self._posting.held(claim, wait)
        _log.warning("a post waits", key=claim.key, attempt=claim.attempt, why=trouble.sentence)
        retry_at = self._clock.now() + wait
        await self._outbox.failed(claim, retry_at, trouble.sentence, unsure=trouble.unsure)
        self._timer.at(retry_at, f"slack:retry:{claim.id}", self._tick)

    async def _give_up(self, claim: PostClaim, trouble: Permanent) -> None:
        _log.error("a post is given up", key=claim.key, code=trouble.code, why=trouble.sentence)
        await self._outbox.gave_up(claim, trouble.sentence)
        self._posting.lost(claim, trouble.sentence)
        await self._outbox.audit(
            AuditEntry(
                at=self._clock.now(),
                by="golive",
                action="post-given-up",
                outcome=trouble.sentence,
                channel=claim.channel,
                deployment_id=claim.deployment_id,
                details={"post": claim.key, "code": trouble.code},
            )
        )

    async def _keep(self, claim: PostClaim) -> None:
        """Keep the claim while it is worked on."""
        # By the event loop's own clock, which nobody sets: the lease runs by the database's.
        while True:
            await asyncio.sleep(self._extend_every)
            try:
                await self._outbox.extend(claim)
            except StoreUnavailable:
                # What needs the claim asks the store itself and hears the same there.
                continue
