"""The bot's own state in PostgreSQL, for one replica or several."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from types import TracebackType
from typing import Self
from uuid import UUID

from bot.storage.values import (
    AuditEntry,
    Backlog,
    Claim,
    NewPost,
    Past,
    PostClaim,
    StatusContent,
    TickClaim,
    WatchState,
)
from bot.watch.model import Deployment, Note, Point, Taken
from checks.engine.model import Evidence, Report
from checks.sources.logs.source import Mark


class Store:
    """Keeps watches, points, posts, notes and the audit; every method may raise StoreUnavailable.

    Args:
        url: of the database, direct or through a pooler in session or transaction mode.
        lease: seconds for which a claim is safe from others, by the database's clock.
        timeout: seconds after which an operation is given up.
    """

    def __init__(self, url: str, *, lease: float = 15.0, timeout: float = 5.0) -> None:
        raise NotImplementedError

    async def __aenter__(self) -> Self:
        """Open it."""
        raise NotImplementedError

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        raise NotImplementedError

    async def open(self) -> None:
        """Connect and bring the tables up to date. May be called again after a failure."""
        raise NotImplementedError

    async def close(self) -> None:
        """Close all connections."""
        raise NotImplementedError

    async def fingerprint_key(self) -> bytes:
        """The random key that secrets' fingerprints are made with; the same for all replicas."""
        raise NotImplementedError

    async def store_id(self) -> UUID:
        """The store's random id, asked anew: another one means that the store was replaced."""
        raise NotImplementedError

    # --- deployments ---

    async def start(
        self, *, channel: str, version: str, deployed_at: datetime, by: str, at: datetime
    ) -> tuple[Deployment, bool]:
        """The channel's open watch, and whether it was made now."""
        raise NotImplementedError

    async def watch(self, deployment_id: UUID) -> Deployment | None:
        """A watch, open or closed."""
        raise NotImplementedError

    async def open_watch(self, channel: str) -> Deployment | None:
        """The channel's open watch."""
        raise NotImplementedError

    async def open_watches(self) -> tuple[Deployment, ...]:
        """All open watches, oldest first."""
        raise NotImplementedError

    async def close_watch(
        self, deployment_id: UUID, *, by: str, at: datetime, posts: Sequence[NewPost] = ()
    ) -> bool:
        """Close it and enqueue the posts; False, and nothing is done, if it is closed already."""
        raise NotImplementedError

    async def recent(self, channel: str | None = None, n: int = 10) -> tuple[Past, ...]:
        """The last watches of a channel, or of all, newest first."""
        raise NotImplementedError

    # --- points ---

    async def claim(self, deployment_id: UUID, point: Point, owner: str) -> Claim | None:
        """Claim a point of an open watch; None if it is taken, or claimed by a live other owner."""
        raise NotImplementedError

    async def renew(self, claim: Claim) -> bool:
        """Start the lease anew; False if the claim was lost."""
        raise NotImplementedError

    async def release(self, claim: Claim) -> None:
        """Let the next owner claim it at once."""
        raise NotImplementedError

    async def record(
        self,
        claim: Claim,
        taken: Taken,
        report: Report | None,
        posts: Sequence[NewPost] = (),
        status: StatusContent | None = None,
        state: WatchState | None = None,
    ) -> bool:
        """Record what came out, all or nothing; False if the claim was lost.

        Calling it again after a lost answer is safe: what is recorded already is left as it is.
        """
        raise NotImplementedError

    async def taken(self, deployment_id: UUID) -> tuple[Taken, ...]:
        """The points taken so far, by when they were due, without their reports."""
        raise NotImplementedError

    async def reports(self, deployment_id: UUID, keys: Collection[str]) -> Mapping[str, Report]:
        """The reports of some points, by key; points without one are left out."""
        raise NotImplementedError

    async def evidence_of(self, deployment_id: UUID, key: str) -> Evidence | None:
        """What one point's verdict rests on."""
        raise NotImplementedError

    # --- state ---

    async def state(self, deployment_id: UUID) -> WatchState:
        """What the watch remembers; an empty state if nothing."""
        raise NotImplementedError

    async def remember(self, deployment_id: UUID, state: WatchState) -> None:
        """Merge a change into what the watch remembers."""
        raise NotImplementedError

    async def claim_tick(
        self, deployment_id: UUID, at: datetime, min_gap: timedelta
    ) -> TickClaim | None:
        """Claim a tick of an open watch; None less than `min_gap` after the last, or while one runs."""
        raise NotImplementedError

    async def record_tick(
        self,
        claim: TickClaim,
        state: WatchState | None = None,
        posts: Sequence[NewPost] = (),
        at: datetime | None = None,
    ) -> bool:
        """End a tick, all or nothing; False if the claim was lost. `at`: default the claim's."""
        raise NotImplementedError

    # --- outbox ---

    async def enqueue(self, posts: Sequence[NewPost]) -> int:
        """Put posts into the outbox, in this order; how many were new or replaced content."""
        raise NotImplementedError

    async def claim_posts(self, owner: str, now: datetime, limit: int) -> tuple[PostClaim, ...]:
        """Claim what may be sent now, oldest first.

        A channel's posts are handed out one after the other: the next one only when the one before
        is in Slack or given up. An update waits for its message and for earlier updates of it.
        """
        raise NotImplementedError

    async def extend(self, claim: PostClaim) -> bool:
        """Start the lease anew; False if the claim was lost."""
        raise NotImplementedError

    async def file_uploaded(self, claim: PostClaim, n: int, file_id: str) -> bool:
        """Remember that file `n` is in Slack, and start the lease anew; False if it was lost."""
        raise NotImplementedError

    async def posted(self, claim: PostClaim, ts: str) -> bool:
        """The message is in Slack, its text files are not yet; the channel's next one may go."""
        raise NotImplementedError

    async def sent(
        self, claim: PostClaim, ts: str, file_ids: Mapping[int, str] | None = None
    ) -> bool:
        """All of it is in Slack; False if the claim was lost."""
        raise NotImplementedError

    async def failed(
        self, claim: PostClaim, retry_at: datetime, error: str, *, unsure: bool = True
    ) -> bool:
        """It was not sent. `unsure=False` where Slack certainly did not take the message."""
        raise NotImplementedError

    async def gave_up(self, claim: PostClaim, error: str) -> bool:
        """It will never be sent, nor any update of it; the channel's next one may go."""
        raise NotImplementedError

    async def ts_of(self, deployment_id: UUID, key: str) -> str | None:
        """Slack's ts of a post; None while it is not in Slack."""
        raise NotImplementedError

    async def backlog(self, now: datetime) -> Backlog:
        """What is due and not in Slack yet."""
        raise NotImplementedError

    # --- notes, audit, deliveries, marks ---

    async def add_note(self, deployment_id: UUID, note: Note) -> None:
        """Add what a person decided."""
        raise NotImplementedError

    async def notes(self, deployment_id: UUID) -> tuple[Note, ...]:
        """All notes of a watch, oldest first, expired ones too."""
        raise NotImplementedError

    async def audit(self, entry: AuditEntry) -> None:
        """Add an entry to the audit."""
        raise NotImplementedError

    async def audit_of(self, deployment_id: UUID) -> tuple[AuditEntry, ...]:
        """The audit of a watch, oldest first."""
        raise NotImplementedError

    async def deliver_once(self, key: str, at: datetime) -> bool:
        """Whether this delivery of Slack's is new; of many calls with one key, one says True."""
        raise NotImplementedError

    async def add_marks(self, marks: Sequence[Mark]) -> None:
        """Remember how large log files were."""
        raise NotImplementedError

    async def marks(self, paths: Collection[str], since: datetime) -> tuple[Mark, ...]:
        """The marks of some files from `since` on, and the last one before it, oldest first."""
        raise NotImplementedError

    async def prune(self, before: datetime) -> None:
        """Forget deliveries and log marks that are older."""
        raise NotImplementedError
