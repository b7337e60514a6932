"""The role that makes the fixes: what it needs, and nothing more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bot.doctor import catalog
from bot.doctor.catalog import Held
from bot.doctor.database import rows
from bot.doctor.model import Line, Status, failed, ok, warning
from bot.doctor.rights import FIXER, Columns
from bot.doctor.statements import explained, fit_lines
from bot.doctor.store import connected_to_write, not_connected
from bot.remediation.regenerate_secret import RegenerateSecret
from bot.remediation.reset_campaign import ResetCampaign
from bot.remediation.reset_messages import ResetMessages
from checks.engine.check import Query
from checks.engine.model import DatabaseEvidence
from checks.sources.database import Database
from checks.sources.database.coverage import HIDDEN, hidden_of, hidden_problem

SETTING: Final = "GOLIVE_REMEDIATION_DATABASE_URL"
_RUN: Final = "Run manifests/roles.sql in the application's database, as the owner of its tables."
_RECORDS: Final = (
    *("golive.fix_claims", "golive.fix_before_images"),
    *("golive.fix_audit", "golive.fix_audit_head"),
)

_RECORDS_THERE = Query(
    name="doctor_fix_records",
    sql="""
        SELECT count(*) = 0 AS complete
        FROM unnest(%(tables)s::text[]) AS t (name)
        WHERE to_regclass(t.name) IS NULL
    """,
    reads={},
)
_KINDS: Final = (RegenerateSecret, ResetMessages, ResetCampaign)
_HIDDEN = Query(name="doctor_fix_row_security", sql=HIDDEN, reads={})
_CHAIN = Query(
    name="doctor_fix_audit", sql="SELECT golive.fix_audit_broken_at() AS broken_at", reads={}
)


async def look_at_fixes(database: Database, reader: Database | None = None) -> list[Line]:
    """Connect as the fixing role, and test its records, its rights and the audit's chain.

    Args:
        database: by the fixing role.
        reader: the database that the checks look at, which has to be the same one.
    """
    planned = [
        explained(f"{kind.name} {number}", statement)
        for kind in _KINDS
        for number, statement in enumerate(kind.statements, start=1)
    ]
    uses = [(t, c) for kind in _KINDS for t, each in kind.uses.items() for c in each]
    used = {"tables": [table for table, _ in uses], "commands": [command for _, command in uses]}
    found = await database.collect(
        [
            (catalog.SESSION, {}),
            (catalog.SCHEMAS, {}),
            (catalog.HELD, {}),
            (_RECORDS_THERE, {"tables": list(_RECORDS)}),
            (_CHAIN, {}),
            (catalog.PLACE, {}),
            (_HIDDEN, used),
            *planned,
        ]
    )
    if found.problem is not None:
        return [not_connected(found.problem, SETTING)]
    sessions = rows(found, catalog.SESSION)
    if not sessions:
        return [failed("The application's database did not answer.", "Run golive doctor again.")]
    (session,) = sessions
    role = str(session["role"])
    lines = connected_to_write(session, SETTING)
    lines += await _same(found, reader)
    if not _installed(found):
        return [*lines, failed("The records of fixes (schema golive) are not there.", _RUN)]
    if session["superuser"]:
        lines.append(
            warning(
                f"The role {role} is a superuser: it may do anything, also rewrite the audit.",
                f"Use golive_fixer of manifests/roles.sql in {SETTING}.",
            )
        )
    else:
        lines += _rights(found, role)
    hidden = hidden_of(rows(found, _HIDDEN))
    if hidden:
        problem = hidden_problem(hidden, "ALL")
        lines.append(failed(problem.what, problem.mend))
    if not any(line.status is Status.FAILED for line in lines):
        lines += fit_lines(found, [query for query, _ in planned], {})
    return [*lines, *_chain(found)]


async def _same(found: DatabaseEvidence, reader: Database | None) -> list[Line]:
    """Whether fixes would change what the checks look at."""
    if reader is None:
        return []
    here, there = (
        rows(evidence, catalog.PLACE)
        for evidence in (found, await reader.collect([(catalog.PLACE, {})]))
    )
    if not here or not there or here == there:
        return []
    return [
        failed(
            "It is another database than the one that the checks look at.",
            f"Let {SETTING} and GOLIVE_DATABASE_URL name the same database.",
        )
    ]


def _installed(found: DatabaseEvidence) -> bool:
    usable = any(row["name"] == "golive" and row["usable"] for row in rows(found, catalog.SCHEMAS))
    there = rows(found, _RECORDS_THERE)
    return usable and bool(there and there[0]["complete"])


def _rights(found: DatabaseEvidence, role: str) -> list[Line]:
    rights = catalog.held(rows(found, catalog.HELD))
    lacks = [
        catalog.grant(right, columns, table, role)
        for right, needed in (
            ("SELECT", FIXER.select),
            ("INSERT", FIXER.insert),
            ("UPDATE", FIXER.update),
        )
        for table, columns in _lacking(right, needed, rights)
    ]
    lines: list[Line] = []
    if lacks:
        lines.append(
            failed(f"The role {role} lacks rights that fixes need.", " ".join((*lacks, _RUN)))
        )
    excess = _excess(rights)
    if excess:
        lines.append(
            warning(
                f"The role {role} may do more than fixes need: {', '.join(excess[:8])}"
                f"{f' and {len(excess) - 8} more' if excess[8:] else ''}.",
                f"Use golive_fixer of manifests/roles.sql in {SETTING}, or run that file again.",
            )
        )
    return lines or [ok(f"The role {role} has the rights that fixes need, and no more.")]


def _lacking(
    right: str, needed: Columns, rights: Mapping[str, Held]
) -> list[tuple[str, tuple[str, ...]]]:
    out: list[tuple[str, tuple[str, ...]]] = []
    for table, columns in needed.items():
        has = _of(right, rights.get(table, Held()))
        gone = tuple(column for column in columns if column not in has)
        if gone or (not columns and not has):
            out.append((table, gone))
    return out


def _excess(rights: Mapping[str, Held]) -> list[str]:
    """What may be written or removed beyond the fixes, in words."""
    out: list[str] = []
    for table, held in rights.items():
        for right, allowed in (("INSERT", FIXER.insert), ("UPDATE", FIXER.update)):
            if table in allowed and not allowed[table]:
                continue
            more = _of(right, held) - set(allowed.get(table, ()))
            if more:
                out.append(f"{right} {table} ({', '.join(sorted(more))})")
        if held.removes:
            out.append(f"DELETE {table}")
    return out


def _of(right: str, held: Held) -> frozenset[str]:
    return {"SELECT": held.select, "INSERT": held.insert, "UPDATE": held.update}[right]


def _chain(found: DatabaseEvidence) -> list[Line]:
    chain = rows(found, _CHAIN)
    if not chain:
        return [failed("The audit of fixes cannot be verified.", _RUN)]
    if chain[0]["broken_at"] is not None:
        return [
            failed(
                f"The audit of fixes was changed: its chain breaks at row {chain[0]['broken_at']}.",
                "Find out who may write as the owner of golive.fix_audit, and keep a copy of it.",
            )
        ]
    return [ok("The audit of fixes is whole.")]
