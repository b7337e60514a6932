"""What the sender wants of the store: the outbox and the audit."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from bot.storage.values import AuditEntry, PostClaim


class Outbox(Protocol):
    """The part of the store that the sender uses; every method may raise StoreUnavailable."""

    async def claim_posts(self, owner: str, now: datetime, limit: int) -> tuple[PostClaim, ...]:
        """Claim what may be sent now; of one channel one after the other."""
        ...

    async def extend(self, claim: PostClaim) -> bool:
        """Start the lease anew; False if the claim was lost."""
        ...

    async def file_uploaded(self, claim: PostClaim, n: int, file_id: str) -> bool:
        """Remember the id of file `n`; False if the claim was lost."""
        ...

    async def posted(self, claim: PostClaim, ts: str) -> bool:
        """The message is in Slack, its text files are not yet."""
        ...

    async def moved(self, claim: PostClaim, ts: str) -> bool:
        """The message of an update was posted anew; False if the claim was lost."""
        ...

    async def sent(
        self, claim: PostClaim, ts: str, file_ids: Mapping[int, str] | None = None
    ) -> bool:
        """All of it is in Slack."""
        ...

    async def failed(
        self, claim: PostClaim, retry_at: datetime, error: str, *, unsure: bool = True
    ) -> bool:
        """It was not sent; `unsure` where Slack may have taken it all the same."""
        ...

    async def gave_up(self, claim: PostClaim, error: str) -> bool:
        """It will never be sent."""
        ...

    async def audit(self, entry: AuditEntry) -> None:
        """Add an entry to the audit."""
        ...
