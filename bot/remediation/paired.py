"""A fix in two systems at once: the database's row and Evolution's webhook agree at the end.

The row is changed, Evolution is told and looked at, and only then is the row committed. Whatever
is cut off between is found by the claim, which says `executing` from before the first step on, and
settled: after a crash Evolution is told the secret that the database has.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from enum import Enum, auto
from typing import Final

from bot.remediation import audit, claims
from bot.remediation.engine import Confirmation, Drift
from bot.remediation.evolution_writer import Webhook
from bot.remediation.kinds import Seen
from bot.remediation.regenerate_secret import SWITCHED, Partner, RegenerateSecret
from bot.remediation.settling import AGAIN, Settling
from bot.remediation.steps import Step
from bot.remediation.values import (
    Change,
    Claim,
    Done,
    FixRefused,
    FixState,
    FixUnavailable,
    Refusal,
    Result,
    Unsettled,
)
from checks.engine.masking import harmless, mask
from checks.engine.model import Json
from checks.sources.evolution import Failure

_UNSETTLED: Final = (
    "Evolution and the database may disagree; golive goes on trying until they do not."
)
_IGNORED: Final = (
    "Evolution answered that it took the new webhook address, and still has the old one. Look"
    " at the instance in Evolution, then try again."
)
_LATE: Final = "Whether Evolution acts on it late is looked at again in half a minute."


class _Told(Enum):
    """What is known of Evolution after it was told: the new address, the old one, or neither.

    LATE: the old one, but what it was told may still be on its way
    """

    NEW = auto()
    OLD = auto()
    LATE = auto()
    UNKNOWN = auto()


class Paired(Settling):
    """An engine that also makes fixes of two systems."""

    async def _execute(self, claim: Claim, given: Confirmation) -> Result:
        kind = self.kinds[claim.kind]
        if not isinstance(kind, RegenerateSecret):
            return await super()._execute(claim, given)
        if claim.state is not FixState.PROPOSED or claim.expires_at <= given.at:
            return await self.over(claim.id)
        async with self.database.transaction() as connection:
            known = await kind.connection_of(connection, claim.target)
        if known is None:
            return await super()._execute(claim, given)
        partner = known[1]
        # Asked before anything is claimed: an Evolution that does not answer changes nothing.
        before = await kind.writer.find(partner.server, partner.instance)
        if isinstance(before, Failure):
            raise FixRefused(f"{before.problem} Nothing was changed.")
        taken = await self._begin(claim, given, await kind.place())
        if taken is None:
            return await self.over(claim.id)
        await self.steps.reached(Step.BEGUN)
        return await self._both(kind, taken, given, partner, before)

    async def _begin(
        self, claim: Claim, given: Confirmation, place: Mapping[str, Json]
    ) -> Claim | None:
        """Say, committed, that this is under way: whoever comes after a crash finds it."""
        async with self.taken(claim, given) as (connection, taken):
            if taken is not None:
                entry = self.entry(taken, "began", given.by, given.at)
                await audit.append(connection, replace(entry, reason=given.why, details=place))
        return taken

    async def _both(
        self,
        kind: RegenerateSecret,
        claim: Claim,
        given: Confirmation,
        partner: Partner,
        before: Webhook | None,
    ) -> Result:
        told: _Told | None = None
        done: Claim | None = None
        try:
            async with self.database.transaction() as connection:
                changes = await self.write(connection, kind, claim, Seen())
                told, why = await self._tell(kind, partner, changes, before)
                _insist(told, why)
                await self.steps.reached(Step.TOLD)
                done = await self.finish(connection, claim, changes, given)
                await self.steps.reached(Step.COMMITTING)
        except FixRefused as refused:
            return await self._taken_back(kind, claim, given, partner, before, told, refused.why)
        except Drift:
            await self._fail(claim, given, "drifted", "")
            raise
        except FixUnavailable as trouble:
            return await self._commit_lost(kind, claim, given, partner, before, told, trouble)
        await self.steps.reached(Step.COMMITTED)
        return await self._compared(kind, done or claim, partner)

    async def _tell(
        self,
        kind: RegenerateSecret,
        partner: Partner,
        changes: tuple[Change, ...],
        before: Webhook | None,
    ) -> tuple[_Told, str]:
        """What Evolution has after it was told, and why where that is not the new address.

        An answer proves nothing, neither a success nor an error: what `find` says counts.
        """
        url = kind.url(changes[0].hidden["new"])
        await self.steps.reached(Step.TELLING)
        wanted = before.at(url) if before is not None else Webhook(url=url)
        failure = await kind.writer.set(partner.server, partner.instance, wanted)
        if failure is not None and not failure.arrived:
            return _Told.OLD, str(failure.problem)
        now = await kind.writer.find(partner.server, partner.instance)
        if isinstance(now, Failure):
            return _Told.UNKNOWN, str((failure or now).problem)
        applied = now is not None and now.url == url
        if failure is None:
            return (_Told.NEW, "") if applied else (_Told.LATE, _IGNORED)
        if not applied:
            told = _Told.OLD if failure.status is not None else _Told.LATE
            return told, str(failure.problem)
        back = await self._put_back(kind, partner, before)
        return (_Told.OLD if back else _Told.UNKNOWN), str(failure.problem)

    async def _put_back(
        self, kind: RegenerateSecret, partner: Partner, before: Webhook | None
    ) -> bool:
        """The old address again; where there was none, what the database has is told later."""
        if before is None:
            return False
        await kind.writer.set(partner.server, partner.instance, before)
        now = await kind.writer.find(partner.server, partner.instance)
        return isinstance(now, Webhook) and now.url == before.url

    async def _taken_back(
        self,
        kind: RegenerateSecret,
        claim: Claim,
        given: Confirmation,
        partner: Partner,
        before: Webhook | None,
        told: _Told | None,
        why: str,
    ) -> Result:
        """The database kept the old secret: Evolution must have the old address."""
        if told is _Told.LATE:
            await self._again(claim)
            return Refusal(why=f"{why} {_LATE}")
        agreed = told in {None, _Told.OLD} or (
            told is _Told.NEW and await self._put_back(kind, partner, before)
        )
        if not agreed:
            return await self._later(claim, why)
        await self._fail(claim, given, "failed", why)
        return Refusal(why=why)

    async def _commit_lost(
        self,
        kind: RegenerateSecret,
        claim: Claim,
        given: Confirmation,
        partner: Partner,
        before: Webhook | None,
        told: _Told | None,
        trouble: FixUnavailable,
    ) -> Result:
        """Nobody knows whether it was committed: ask the claim, which was in the transaction."""
        try:
            found = await self.find(claim.id)
        except FixUnavailable:
            # The claim says `executing` still, or it was committed: its lease brings it back.
            return Unsettled(claim=claim, why=f"{trouble.problem} {_UNSETTLED}")
        if found is not None and found.state is FixState.EXECUTED:
            return await self._compared(kind, found, partner)
        return await self._taken_back(
            kind, claim, given, partner, before, told, str(trouble.problem)
        )

    async def _compared(self, kind: RegenerateSecret, claim: Claim, partner: Partner) -> Result:
        """Committed: GET /webhook/find must equal what the database has."""
        # What the application accepts from here on in its log came on the new secret.
        place = await kind.place()
        try:
            async with self.database.transaction() as connection:
                entry = self.entry(claim, SWITCHED, "golive", self.clock.now())
                await audit.append_once(connection, replace(entry, details=place))
            agreed = await self.agree(kind, claim, partner)
            await self.steps.reached(Step.COMPARED)
            if not agreed:
                await self.unsettle(claim)
                return Unsettled(claim=claim, why=_UNSETTLED)
        except FixUnavailable:
            # It is made all the same; two minutes later both are looked at again.
            return Done(claim=claim)
        return Done(claim=claim)

    async def _later(self, claim: Claim, why: str) -> Result:
        await self._again(claim)
        return Unsettled(claim=claim, why=f"{why} {_UNSETTLED}")

    async def _again(self, claim: Claim) -> None:
        """The claim stays taken until it is settled."""
        async with self.database.transaction() as connection:
            await claims.lease_until(connection, claim.id, self.clock.now() + AGAIN)

    async def _fail(self, claim: Claim, given: Confirmation, action: str, why: str) -> None:
        async with self.database.transaction() as connection:
            ended = await claims.end(
                connection,
                claim.id,
                FixState.FAILED,
                now=self.clock.now(),
                before=(FixState.EXECUTING,),
            )
            if ended is not None:
                entry = self.entry(ended, action, given.by, given.at)
                told = {**entry.details, "why": harmless(mask(why), 500)} if why else entry.details
                await audit.append(connection, replace(entry, details=told))


def _insist(told: _Told, why: str) -> None:
    if told is not _Told.NEW:
        raise FixRefused(f"{why} The database keeps the old secret.")
