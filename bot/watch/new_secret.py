"""After a webhook secret was replaced: the first webhook on the new one, or that none came.

Everything is read from the claims and their audit, so that any replica goes on with it; the outcome
is said once. What is refused meanwhile is expected, and still counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, LiteralString
from uuid import UUID

from bot.clock import Clock
from bot.remediation import audit, claims
from bot.remediation.audit import Entry
from bot.remediation.database import FixDatabase, fetch
from bot.remediation.regenerate_secret import SWITCHED, RegenerateSecret
from bot.remediation.values import Claim, FixState
from bot.render.new_secret import Awaited, expected_sentence, outcome_text, so_far
from bot.render.sentences import say
from bot.watch.fix_posts import FixPosts
from bot.watch.log_place import end_of, read_from
from bot.watch.lookout import Lookout
from checks.engine.model import Evidence, Json, Problem
from checks.sources.logs.source import LogSource, Mark, ScanState

PATIENCE: Final = timedelta(minutes=10)
"""How long the first webhook is waited for."""

_BACK: Final = timedelta(hours=2)
"""How far back a switch is still followed, after golive was away."""

_BEGAN: Final = "began"
_FIRST: Final = "first webhook"
_NONE: Final = "no webhook"
_ACCEPTED: Final = "webhooks"
_REFUSED: Final = "unknown_instance"

_SINCE: Final[LiteralString] = """
    SELECT * FROM golive.fix_claims
    WHERE kind = %(kind)s
      AND (state = 'executed' AND state_at >= %(since)s OR state IN ('executing', 'unsettled'))
    ORDER BY executed_at
"""

_INSTANCE: Final[LiteralString] = """
    SELECT instance_id FROM unit_whatsapp_connections WHERE unit_id = %(unit)s
"""

_NO_LOG: Final = Problem(what="No log was given to golive.", mend="Set GOLIVE_LOG.")
_NO_NAME: Final = Problem(
    what="The connection names no instance to look for in the log.", mend="Connect the unit."
)
_NOT_CARRIED: Final = Problem(
    what="The log's format does not carry webhooks.", mend="Give golive the application's own log."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Switch:
    """A claim, and what its audit says of it."""

    claim: Claim
    entries: Mapping[str, Entry]
    instance: str

    @property
    def at(self) -> datetime:
        """When the new secret began to hold."""
        claim = self.claim
        return claim.settled_at or claim.executed_at or claim.proposed_at

    @property
    def outcome(self) -> Entry | None:
        """How it ended; None while it is followed."""
        return self.entries.get(_FIRST) or self.entries.get(_NONE)


class NewSecrets:
    """Follows switches to new secrets.

    Args:
        database: where claims and audit are.
        lookout: the log.
        posts: say the outcome in the fix's thread.
        clock: gives the instant.
    """

    def __init__(
        self, database: FixDatabase, lookout: Lookout, posts: FixPosts, clock: Clock
    ) -> None:
        self._database = database
        self._lookout = lookout
        self._posts = posts
        self._clock = clock
        self._states: dict[tuple[UUID, str], ScanState] = {}

    async def _switched(self, claim: Claim) -> None:
        """Note where the log ends, where that was not done: after a crash, or a step by hand."""
        place = await place_in(self._lookout.sources.log)
        async with self._database.transaction() as connection:
            await audit.append_once(connection, self._entry(claim, SWITCHED, place))

    async def look(self, now: datetime) -> None:
        """Look for the first webhook of each unit whose secret was replaced."""
        for switch in await self._since(now - _BACK):
            if switch.outcome is not None or switch.claim.state is not FixState.EXECUTED:
                continue
            if SWITCHED not in switch.entries:
                await self._switched(switch.claim)
                continue
            found = await self._awaited(switch, now)
            if found.after is not None:
                await self._end(switch, _FIRST, found)
            elif found.until >= switch.at + PATIENCE or now >= switch.at + 2 * PATIENCE:
                await self._end(switch, _NONE, found)

    async def line(self, claim: Claim) -> str:
        """Where it stands, as a sentence."""
        now = self._clock.now()
        for switch in await self._since(now - _BACK):
            if switch.claim.id == claim.id:
                return so_far(await self._awaited(switch, now), PATIENCE)
        return ""

    async def expected(self, evidence: Evidence) -> dict[str, str]:
        """Signal → a sentence on those of its events that are expected; they count all the same."""
        found = evidence.log.signals.get(_REFUSED)
        if found is None or not found.count:
            return {}
        since, until = evidence.window.since, evidence.window.until
        said: list[str] = []
        for switch in await self._since(since):
            if switch.at < until:
                awaited = await self._awaited(switch, evidence.now)
                said.append(expected_sentence(awaited, switch.at))
        said = [one for one in said if one]
        return {_REFUSED: " ".join(said)} if said else {}

    # --- inside ---------------------------------------------------------------------------------

    async def _since(self, since: datetime) -> list[_Switch]:
        values = {"kind": RegenerateSecret.name, "since": since}
        async with self._database.transaction(keep=False) as connection:
            found: list[_Switch] = []
            for row in await fetch(connection, _SINCE, values):
                claim = claims.claim_of(row)
                entries = await audit.entries_of(connection, claim.id)
                rows = await fetch(connection, _INSTANCE, {"unit": claim.target})
                found.append(
                    _Switch(
                        claim=claim,
                        entries={entry.action: entry for entry in entries},
                        instance=str(rows[0]["instance_id"] or "") if rows else "",
                    )
                )
        return found

    async def _awaited(self, switch: _Switch, now: datetime) -> Awaited:
        """What came of a switch: as it was kept at its end, or as the log shows it now."""
        name, outcome = switch.claim.name, switch.outcome
        if outcome is not None:
            after, refused = outcome.details.get("after"), outcome.details.get("refused")
            return Awaited(
                name=name,
                until=outcome.at,
                after=timedelta(seconds=after) if isinstance(after, int) else None,
                refused=refused if isinstance(refused, int) else 0,
            )
        log = self._lookout.sources.log
        if log is None or not switch.instance:
            return Awaited(name=name, until=now, trouble=_NO_LOG if log is None else _NO_NAME)
        begun = switch.entries.get(_BEGAN) or switch.entries.get(SWITCHED)
        refused, _, trouble = await self._count(log, switch, begun, _REFUSED, now)
        accepted, until = 0, now
        if SWITCHED in switch.entries:
            end = switch.entries[SWITCHED]
            accepted, until, trouble = await self._count(log, switch, end, _ACCEPTED, now)
        after = max(timedelta(0), now - switch.at) if accepted else None
        return Awaited(name=name, until=until, after=after, refused=refused, trouble=trouble)

    async def _count(
        self, log: LogSource, switch: _Switch, begin: Entry | None, signal: str, now: datetime
    ) -> tuple[int, datetime, Problem | None]:
        """How many events of the unit there are since; up to when, and why none can be seen."""
        since = begin.at if begin is not None else switch.at
        place = _mark(begin) if begin is not None else None
        request = await read_from(log, place, since, now, naming=switch.instance)
        key = (switch.claim.id, signal)
        seen, self._states[key] = await log.scan(request, self._states.get(key))
        trouble = seen.problem
        if trouble is None and signal not in seen.carries:
            trouble = _NOT_CARRIED
        found = seen.signals.get(signal)
        return (found.count if found is not None else 0), seen.until or now, trouble

    async def _end(self, switch: _Switch, action: str, found: Awaited) -> None:
        """Say how it ended, then keep it: the outbox knows what was said already."""
        claim = switch.claim
        await self._posts.notice(claim, "first-webhook", say(outcome_text(found, PATIENCE)))
        details: dict[str, Json] = {"refused": found.refused}
        if found.after is not None:
            details["after"] = round(found.after.total_seconds())
        async with self._database.transaction() as connection:
            await audit.append_once(connection, self._entry(claim, action, details))
        for signal in (_ACCEPTED, _REFUSED):
            self._states.pop((claim.id, signal), None)

    def _entry(self, claim: Claim, action: str, details: Mapping[str, Json]) -> Entry:
        return Entry(
            at=self._clock.now(),
            actor="golive",
            action=action,
            target=f"{claim.kind} {claim.target}",
            claim=claim.id,
            details=details,
        )


async def place_in(log: LogSource | None) -> dict[str, Json]:
    """Where the log ends, as it is kept with an audit entry; {} where it is no file."""
    mark = await end_of(log)
    if mark is None:
        return {}
    return {"log": {"path": mark.path, "inode": str(mark.inode), "offset": mark.offset}}


def _mark(entry: Entry) -> Mark | None:
    kept = entry.details.get("log")
    if not isinstance(kept, Mapping):
        return None
    offset = kept["offset"]
    return Mark(
        path=str(kept["path"]),
        at=entry.at,
        inode=int(str(kept["inode"])),
        offset=offset if isinstance(offset, int) else 0,
    )
