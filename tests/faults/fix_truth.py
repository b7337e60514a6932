"""What became of fixes: the audit, the application's rows, Evolution and the command's file."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from itertools import pairwise

from bot.remediation import audit
from bot.remediation.database import FixDatabase
from tests.faults.fix_world import FixWorld
from tests.faults.truth import Verdict, rows
from tests.support.secrecy.planted import Kind, plant_found

_PATIENCE = timedelta(seconds=30)
_ONCE = ("began", "declared", "executed", "undone", "verified")
_IMAGES = "SELECT claim_id, row_id FROM golive.fix_before_images"
_SAID = "SELECT key FROM golive.posts WHERE key LIKE 'fix:%%'"


async def judge(fixes: FixWorld, verdict: Verdict) -> None:
    """Write into a verdict what is wrong about fixes, and how many were executed."""
    # Those that came and went are searched for in all that left golive, too.
    own = {unit.connection for unit in fixes.units.values()}
    plant_found(Kind.WEBHOOK, (one.after for one in fixes.witness.changes if one.row in own))
    executed = [row for row in fixes.audit if row["action"] == "executed"]
    verdict.fixes = len(executed)
    verdict.unsafe += [
        *await _audit(fixes),
        *_messages(fixes),
        *_secrets(fixes),
        *_runs(fixes),
        *_told(fixes),
    ]


async def _audit(fixes: FixWorld) -> list[str]:
    """The chain is whole, and says each thing once of each claim."""
    database = FixDatabase(fixes.roles.fixer, lock=_PATIENCE, statement=_PATIENCE)
    try:
        checked = await audit.verify(database)
    finally:
        await database.close()
    wrong = [] if checked.whole else [f"the audit is broken at entry {checked.broken_at}"]
    times = Counter((row["claim_id"], row["action"], row["target"]) for row in fixes.audit)
    wrong += [
        f"{target} was {action} {n} times by one claim"
        for (_, action, target), n in times.items()
        if action in _ONCE and n > 1
    ]
    known = {(claim_id, action) for claim_id, action, _ in times}
    wrong += [
        f"{claim['kind']} is {claim['state']} without an entry in the audit"
        for claim in fixes.claims()
        if claim["state"] in ("executed", "undone") and (claim["id"], "executed") not in known
    ]
    return wrong


def _messages(fixes: FixWorld) -> list[str]:
    """Each message was changed as often as claims say, and stands where the last one left it."""
    states = {claim["id"]: claim["state"] for claim in fixes.claims("reset_messages")}
    images = rows(fixes.roles.owner, _IMAGES)
    reset = Counter(row["row_id"] for row in images if row["claim_id"] in states)
    undone = Counter(row["row_id"] for row in images if states.get(row["claim_id"]) == "undone")
    queued, failed = fixes.witness.count("queued"), fixes.witness.count("failed")
    return [
        f"a message was reset {queued[one]} times and taken back {failed[one]} times; the claims"
        f" say {reset[one]} and {undone[one]}"
        for one in fixes.planted
        if (queued[one], failed[one]) != (reset[one], undone[one]) or queued[one] > 1 + failed[one]
    ]


def _secrets(fixes: FixWorld) -> list[str]:
    """Each claim made one secret; database and Evolution agree on the last one."""
    wrong: list[str] = []
    claims = fixes.claims("regenerate_secret")
    for name, unit in fixes.units.items():
        row = fixes.connection(name)
        made = [change for change in fixes.witness.changes if change.row == row["id"]]
        own = [claim for claim in claims if claim["target"] == str(unit.id)]
        done = [claim for claim in own if claim["state"] == "executed"]
        if len(made) != len(done):
            wrong.append(f"{name} got {len(made)} secrets by {len(done)} executed fixes")
        if any(a.after != b.before for a, b in pairwise(made)):
            wrong.append(f"{name}'s secrets do not follow each other")
        if fixes.kept(name) != row["webhook_secret"]:
            wrong.append(f"database and Evolution differ about {name}")
        told = set(fixes.told(name)) - {change.before for change in made[:1]}
        began = [claim for claim in own if claim["executed_at"] is not None]
        if len(told) > len(began):
            wrong.append(f"Evolution was told {len(told)} secrets of {name} by {len(began)} fixes")
        if not {change.after for change in made} <= told:
            wrong.append(f"Evolution was never told a secret that {name} had")
    return wrong


def _runs(fixes: FixWorld) -> list[str]:
    """The command ran at most once a claim, and once for each that says it was executed."""
    claims = [c for c in fixes.claims("rollback") if c["executed_at"] is not None]
    done = [claim for claim in claims if claim["state"] == "executed"]
    if len(done) <= fixes.runs <= len(claims):
        return []
    return [f"the command ran {fixes.runs} times for {len(claims)} rollbacks, {len(done)} done"]


def _told(fixes: FixWorld) -> list[str]:
    """What was executed, and how a rollback ended, stands in the channel."""
    said = {row["key"] for row in rows(fixes.world.store, _SAID)}
    wrong: list[str] = []
    for claim in fixes.claims():
        rollback = claim["kind"] == "rollback"
        if claim["state"] not in ("executed", "undone", *(("failed",) if rollback else ())):
            continue
        key = f"fix:{claim['id']}:ended" if rollback else f"fix:{claim['id']}"
        if key not in said:
            wrong.append(f"{claim['kind']} is {claim['state']}, and the channel was never told")
    return wrong
