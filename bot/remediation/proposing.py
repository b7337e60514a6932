"""Proposing a fix: its real statement is run, seen, taken back, and kept as a claim."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID, uuid4

from bot.clock import Clock
from bot.remediation import audit, claims
from bot.remediation.audit import Entry
from bot.remediation.database import Connection, FixDatabase, hidden_from
from bot.remediation.kinds import Kind, Preview, Seen, digest_of
from bot.remediation.steps import NoSteps, Steps
from bot.remediation.values import (
    Aim,
    Change,
    Choice,
    Claim,
    FixRefused,
    FixState,
    Refusal,
    Sheet,
    Wish,
)
from checks.engine.masking import harmless, mask
from checks.engine.runbook import Remediation


def proposed(
    wish: Wish, aim: Aim, sheet: Sheet, rules: Remediation, *, digest: str, rows: int
) -> Claim:
    """A claim that nobody has confirmed yet."""
    return Claim(
        id=uuid4(),
        kind=wish.kind,
        target=aim.target,
        channel=wish.channel,
        proposed_by=wish.by,
        proposed_at=wish.at,
        expires_at=wish.at + rules.expires_after,
        digest=digest,
        rows_expected=rows,
        parameters={
            **aim.parameters,
            "name": aim.name,
            "deployment": str(wish.deployment) if wish.deployment else None,
            "stated": " ".join(sorted(wish.stated)),
        },
        sheet=sheet,
        approvals_needed=rules.approvals,
    )


class Proposing:
    """The first half of a fix: nothing of the application's is written.

    Args:
        database: by the role that may fix.
        kinds: what can be fixed, by name.
        rules: the bounds.
        clock: gives the instant.
        steps: told of each step.
    """

    def __init__(
        self,
        database: FixDatabase,
        kinds: Mapping[str, Kind],
        rules: Remediation,
        clock: Clock,
        steps: Steps | None = None,
    ) -> None:
        self.database = database
        self.kinds = kinds
        self.rules = rules
        self.clock = clock
        self.steps = steps or NoSteps()

    # --- propose --------------------------------------------------------------------------------

    async def propose(self, wish: Wish) -> Claim | Refusal:
        """Run the statement, see what it does, take it back, and keep what was seen.

        Raises:
            FixUnavailable: the database did not answer, or refused.
        """
        kind = self.kinds[wish.kind]
        try:
            preview = await self._look(kind, wish)
            sheet = await kind.sheet(preview)
        except FixRefused as refused:
            about = f"{wish.kind} {wish.target}".strip()
            await self.refuse(wish.by, wish.at, about, refused.why, channel=wish.channel)
            return Refusal(why=refused.why)
        if not preview.changes:
            return await self._nothing(wish, preview)
        return await self.keep_proposal(
            proposed(
                wish,
                preview.aim,
                sheet,
                self.rules,
                digest=digest_of(preview.changes),
                rows=len(preview.changes),
            )
        )

    async def keep_proposal(self, claim: Claim) -> Claim:
        """Write a claim with its audit entry."""
        async with self.database.transaction() as connection:
            await claims.expire(connection, claim.proposed_at)
            kept = await claims.insert(connection, claim)
            await audit.append(
                connection, self.entry(kept, "proposed", claim.proposed_by, claim.proposed_at)
            )
        return kept

    async def _look(self, kind: Kind, wish: Wish) -> Preview:
        seen = await kind.look(proposing=True)
        async with self.database.transaction(keep=False) as connection:
            hidden = await hidden_from(connection, kind.uses)
            if hidden is not None:
                raise FixRefused(f"{hidden} Nothing was written.")
            aim = await kind.aim(connection, wish, seen)
            changes = await self.changed(kind, connection, aim, seen)
        # A transaction of its own: the rows are as they were, and no lock is held any more.
        async with self.database.transaction(keep=False) as connection:
            facts = await kind.facts(connection, aim)
        return Preview(aim=aim, changes=changes, facts=facts)

    async def changed(
        self, kind: Kind, connection: Connection, aim: Aim, seen: Seen
    ) -> tuple[Change, ...]:
        """The rows that the statement changes, if they are not too many."""
        changes = await kind.change(connection, aim, seen)
        most = self.rules.max_rows
        if len(changes) > most:
            raise FixRefused(
                f"More than {most} rows would be changed, which is the most that a fix may change."
                " Nothing was written. Fix one unit at a time, or raise remediation.max_rows in"
                " runbook.yaml."
            )
        return changes

    async def _nothing(self, wish: Wish, preview: Preview) -> Refusal:
        """That there is nothing to change, and who was there before."""
        async with self.database.transaction() as connection:
            last = await claims.newest(connection, wish.kind, preview.aim.target)
        left_out = preview.facts.get("left_out")
        also = f" {left_out}" if isinstance(left_out, str) and left_out else ""
        said = f"There is nothing to change for {preview.aim.name}.{also}"
        known = last is not None and last.state is not FixState.FAILED
        choice = preview.facts.get("choice")
        return Refusal(
            why=said,
            last=last if known else None,
            choice=choice if isinstance(choice, Choice) else None,
        )

    async def find(self, claim_id: UUID) -> Claim | None:
        """A claim as it stands."""
        async with self.database.transaction() as connection:
            return await claims.find(connection, claim_id)

    async def refuse(
        self,
        by: str,
        at: datetime,
        about: str,
        why: str,
        *,
        channel: str,
        claim: Claim | None = None,
    ) -> None:
        """Keep that somebody was refused, where and why."""
        entry = Entry(
            at=at,
            actor=by,
            action="refused",
            target=harmless(mask(about), 200),
            claim=claim.id if claim else None,
            before=claim.digest if claim else None,
            details={"channel": channel, "why": harmless(mask(why), 500)},
        )
        async with self.database.transaction() as connection:
            await audit.append(connection, entry)

    def entry(self, claim: Claim, action: str, by: str, at: datetime) -> Entry:
        """An entry of the audit about a claim."""
        return Entry(
            at=at,
            actor=by,
            action=action,
            target=f"{claim.kind} {claim.target}",
            claim=claim.id,
            rows=claim.rows_expected if action == "proposed" else 0,
            before=claim.digest,
            details={
                "channel": claim.channel,
                "name": claim.name,
                "stated": str(claim.parameters.get("stated") or ""),
            },
        )
