"""Settling what a fix of two systems left behind: both agree at the end, whoever was cut off.

The database's secret is what Evolution is told.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from bot.remediation import audit, claims
from bot.remediation.engine import LEASE, Engine
from bot.remediation.evolution_writer import Webhook
from bot.remediation.regenerate_secret import Partner, RegenerateSecret
from bot.remediation.values import Claim, FixState
from checks.sources.evolution import Failure

AGAIN: Final = timedelta(seconds=30)
"""When an unsettled fix is tried again."""


class Settling(Engine):
    """An engine that ends what a process began and left."""

    async def settle(self, now: datetime) -> tuple[Claim, ...]:
        """Settle what was left behind; the claims that are settled now."""
        async with self.database.transaction() as connection:
            found = [c for c in await claims.left(connection, now) if c.kind in self.kinds]
        settled: list[Claim] = []
        for claim in found:
            async with self.database.transaction() as connection:
                taken = await claims.take_up(connection, claim.id, now=now, lease=now + LEASE)
            if taken is not None:
                ended = await self._settle(taken, now)
                settled += [ended] if ended is not None else []
        return tuple(settled)

    async def _settle(self, claim: Claim, now: datetime) -> Claim | None:
        """Tell Evolution what the database has; None while they do not agree."""
        kind = self.kinds[claim.kind]
        if isinstance(kind, RegenerateSecret) and not await self._align(kind, claim):
            async with self.database.transaction() as connection:
                await claims.lease_until(connection, claim.id, now + AGAIN)
            return None
        # Had it been committed, the claim would not say `executing`.
        failed = claim.state is FixState.EXECUTING
        async with self.database.transaction() as connection:
            ended = await claims.end(
                connection,
                claim.id,
                FixState.FAILED if failed else FixState.EXECUTED,
                now=now,
                before=(claim.state,),
                settled_at=now,
            )
            if ended is not None:
                await audit.append(connection, self.entry(ended, "settled", "golive", now))
        if ended is not None or not isinstance(kind, RegenerateSecret):
            return ended
        # Its owner ended it meanwhile: what was told here may be of before.
        if not await self._align(kind, claim):
            await self.unsettle(claim)
        return None

    async def unsettle(self, claim: Claim) -> None:
        """It is made, and both do not agree yet: that is tried again."""
        now = self.clock.now()
        async with self.database.transaction() as connection:
            await claims.end(
                connection, claim.id, FixState.UNSETTLED, now=now, before=(FixState.EXECUTED,)
            )
            await claims.lease_until(connection, claim.id, now + AGAIN)

    async def agree(self, kind: RegenerateSecret, claim: Claim, partner: Partner) -> bool:
        """Whether Evolution sends to what the database has."""
        async with self.database.transaction() as connection:
            known = await kind.connection_of(connection, claim.target)
        if known is None:
            return True
        found = await kind.writer.find(partner.server, partner.instance)
        return isinstance(found, Webhook) and found.url == kind.url(known[0])

    async def _align(self, kind: RegenerateSecret, claim: Claim) -> bool:
        async with self.database.transaction() as connection:
            known = await kind.connection_of(connection, claim.target)
        if known is None or not known[0]:
            return True
        secret, partner = known
        found = await kind.writer.find(partner.server, partner.instance)
        if isinstance(found, Failure):
            return False
        url = kind.url(secret)
        if found is not None and found.url == url:
            return True
        wanted = found.at(url) if found is not None else Webhook(url=url)
        await kind.writer.set(partner.server, partner.instance, wanted)
        now = await kind.writer.find(partner.server, partner.instance)
        return isinstance(now, Webhook) and now.url == url
