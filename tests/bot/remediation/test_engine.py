"""The engine on a real database under golive_fixer: what is shown, written, and taken back."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import psycopg
import pytest

from bot.remediation import audit, claims
from bot.remediation.engine import Confirmation, Engine
from bot.remediation.reset_messages import ResetMessages
from bot.remediation.values import (
    Claim,
    Done,
    FixState,
    Group,
    Over,
    Refusal,
    Stale,
    Undone,
    Waiting,
    Wish,
)
from checks.engine.runbook import Remediation
from tests.bot.remediation.conftest import WAITING, nothing
from tests.bot.remediation.planted import T0, Failures, plant_failures
from tests.manifests.roles import RoleUrls
from tests.support.crm_rows import Rows
from tests.support.hand import HandClock

OLIVIA, PAUL = "U0OLIVIA001", "U0PAUL00002"


@pytest.fixture
def failures(roles: RoleUrls) -> Failures:
    """37 failed messages beside the recorded ones."""
    with Rows(roles.owner) as rows:
        return plant_failures(rows)


def wish(target: str = "all", by: str = OLIVIA) -> Wish:
    """Somebody wants failed messages reset."""
    return Wish(kind="reset_messages", target=target, by=by, channel="C1", at=T0)


async def proposed(engine: Engine, target: str = "all", by: str = OLIVIA) -> Claim:
    """A claim that can be confirmed."""
    claim = await engine.propose(wish(target, by))
    assert isinstance(claim, Claim), claim
    return claim


def yes(claim: Claim, by: str = OLIVIA, minutes: float = 1) -> Confirmation:
    """A confirmation, a minute after the preview."""
    at = T0 + timedelta(minutes=minutes)
    return Confirmation(claim=claim.id, by=by, at=at, reason="Evolution is back")


def statuses(roles: RoleUrls, ids: tuple[UUID, ...]) -> dict[str, int]:
    """How many of these messages have which status."""
    with psycopg.connect(roles.owner) as owner:
        rows = owner.execute(
            "SELECT status, count(*) FROM messages WHERE id = ANY(%s) GROUP BY 1", [list(ids)]
        )
        return {str(status): int(str(n)) for status, n in rows.fetchall()}


def actions(roles: RoleUrls) -> list[str]:
    """The audit's actions, oldest first."""
    with psycopg.connect(roles.owner) as owner:
        rows = owner.execute("SELECT action FROM golive.fix_audit ORDER BY seq").fetchall()
    return [str(row[0]) for row in rows]


async def test_a_preview_shows_what_would_be_and_writes_nothing(
    engine: Engine, roles: RoleUrls, failures: Failures
) -> None:
    """37 failed: 30 to reset, by error and unit; 5 permanent and 2 with a provider's id left."""
    claim = await proposed(engine)
    sheet = claim.sheet
    assert claim.rows_expected == sheet.rows == 30
    assert sheet.facts == ("37 messages failed in the last hour; 30 would be reset.",)
    assert sheet.groups == (
        Group(
            name="error",
            counts=(
                ("Request failed with status code 429", 10),
                ("socket hang up", 10),
                ("timeout of 15000ms exceeded", 10),
            ),
        ),
        Group(name="unit", counts=(("Norte", 15), ("Sul", 10), ("Leste", 5))),
    )
    assert sheet.left_out == (
        ("with a permanent error, which no further try mends", 5),
        ("with evidence of having been sent", 2),
    )
    assert len(sheet.samples) == 20
    assert "Nothing in this application sends `queued` messages by itself" in sheet.warnings[0]
    assert "UPDATE messages AS m" in sheet.sql
    assert statuses(roles, failures.ids) == {"failed": 37}
    assert actions(roles) == ["proposed"]


async def test_it_is_executed_once_and_kept_as_it_was(
    engine: Engine, roles: RoleUrls, failures: Failures
) -> None:
    """30 rows change in one transaction with their before-images and the audit."""
    claim = await proposed(engine)
    done = await engine.confirm(yes(claim))
    assert isinstance(done, Done)
    assert (done.claim.rows_changed, done.claim.executed_by) == (30, OLIVIA)
    assert statuses(roles, failures.ids) == {"failed": 7, "queued": 30}
    with psycopg.connect(roles.owner) as owner:
        kept = owner.execute(
            "SELECT count(*), min(before ->> 'status'), min(after ->> 'status')"
            " FROM golive.fix_before_images WHERE claim_id = %s",
            [claim.id],
        ).fetchone()
    assert kept == (30, "failed", "queued")
    again = await engine.confirm(yes(claim, PAUL, 2))
    assert isinstance(again, Over)
    assert (again.claim.executed_by, again.claim.executed_at) == (OLIVIA, T0 + timedelta(minutes=1))
    assert actions(roles) == ["proposed", "executed"]
    assert (await audit.verify(engine.database)).whole


async def test_one_unit_only(engine: Engine, roles: RoleUrls, failures: Failures) -> None:
    """By its name; the others stay as they are."""
    done = await engine.confirm(yes(await proposed(engine, "sul")))
    assert isinstance(done, Done)
    assert done.claim.rows_changed == 10
    assert statuses(roles, failures.ids) == {"failed": 27, "queued": 10}


@pytest.mark.usefixtures("failures")
async def test_all_units_are_meant_only_where_that_is_said(engine: Engine) -> None:
    """Without a unit it says which ones have failures; an unknown one lists what there is."""
    refused = await engine.propose(wish(""))
    assert isinstance(refused, Refusal)
    assert "`Norte` (20), `Sul` (10), `Leste` (7)" in refused.why
    unknown = await engine.propose(wish("Delta"))
    assert isinstance(unknown, Refusal)
    assert "There is no unit `Delta`." in unknown.why


async def test_drift_writes_nothing_and_shows_what_is_so_now(
    engine: Engine, roles: RoleUrls, failures: Failures
) -> None:
    """A row less than the preview showed: a fresh preview, by the same person."""
    claim = await proposed(engine)
    with Rows(roles.owner) as rows:
        rows.run("UPDATE messages SET status = 'sent' WHERE id = %(id)s", id=failures.ids[10])
    stale = await engine.confirm(yes(claim))
    assert isinstance(stale, Stale)
    assert isinstance(stale.fresh, Claim)
    assert stale.fresh.rows_expected == 29
    assert statuses(roles, failures.ids) == {"failed": 36, "sent": 1}
    assert actions(roles) == ["proposed", "drifted", "proposed"]
    old = await engine.confirm(yes(claim))
    assert isinstance(old, Over)
    assert old.claim.state is FixState.SUPERSEDED


async def test_what_would_be_written_is_part_of_what_was_shown(
    engine: Engine, roles: RoleUrls, failures: Failures, rules: Remediation
) -> None:
    """A runbook that meanwhile says `pending`: nothing is written that no preview showed."""
    claim = await proposed(engine)
    other = replace(rules.reset_messages, status="pending")
    kind = ResetMessages(other, most=rules.max_rows, waiting=WAITING, secrets=nothing, sent=nothing)
    engine.kinds = {kind.name: kind}
    stale = await engine.confirm(yes(claim))
    assert isinstance(stale, Stale)
    assert isinstance(stale.fresh, Claim)
    assert "Sets status to 'pending'" in stale.fresh.sheet.words
    assert statuses(roles, failures.ids) == {"failed": 37}


async def test_more_rows_than_the_cap_are_refused(
    engine: Engine, roles: RoleUrls, failures: Failures
) -> None:
    """At the preview, and again at the execution; nothing is written."""
    claim = await proposed(engine)
    engine.rules = replace(engine.rules, max_rows=29)
    refused = await engine.confirm(yes(claim))
    assert isinstance(refused, Refusal)
    assert "More than 29 rows would be changed" in refused.why
    assert isinstance(await engine.propose(wish()), Refusal)
    assert statuses(roles, failures.ids) == {"failed": 37}
    assert actions(roles) == ["proposed", "refused", "refused"]


async def test_undo_restores_what_nobody_touched_since(engine: Engine, roles: RoleUrls) -> None:
    """The application changed 3 of 37: 34 are restored exactly, 3 are listed."""
    with Rows(roles.owner) as rows:
        failures = plant_failures(rows, permanent=0, sent=0)
    before = _rows(roles, failures)
    claim = await proposed(engine)
    done = await engine.confirm(yes(claim))
    assert isinstance(done, Done)
    assert done.claim.rows_changed == 37
    with Rows(roles.owner) as rows:
        for number in (1, 2, 3):
            rows.run("UPDATE messages SET status = 'sent' WHERE id = %(i)s", i=failures.ids[number])
    undone = await engine.undo(claim.id, by=PAUL, at=T0 + timedelta(minutes=20))
    assert isinstance(undone, Undone)
    assert undone.restored == 34
    assert sorted(undone.conflicts) == sorted(
        f"{str(failures.ids[number])[:8]}: sent now" for number in (1, 2, 3)
    )
    after = _rows(roles, failures)
    assert [key for key in before if before[key] != after[key]] == [
        key for key in before if key in {failures.ids[n] for n in (1, 2, 3)}
    ]
    again = await engine.undo(claim.id, by=OLIVIA, at=T0 + timedelta(minutes=21))
    assert isinstance(again, Over)
    assert (again.claim.undone_by, again.claim.state) == (PAUL, FixState.UNDONE)


def _rows(roles: RoleUrls, failures: Failures) -> dict[object, object]:
    with psycopg.connect(roles.owner) as owner:
        rows = owner.execute(
            "SELECT id, status, retry_count, error_details FROM messages WHERE id = ANY(%s)"
            " ORDER BY id",
            [list(failures.ids)],
        ).fetchall()
    return {row[0]: row[1:] for row in rows}


@pytest.mark.usefixtures("failures")
async def test_after_half_an_hour_there_is_no_undo(engine: Engine) -> None:
    """The button says who did it and when."""
    claim = await proposed(engine)
    await engine.confirm(yes(claim))
    late = await engine.undo(claim.id, by=PAUL, at=T0 + timedelta(minutes=31, seconds=1))
    assert isinstance(late, Over)
    assert late.claim.state is FixState.EXECUTED


@pytest.mark.usefixtures("failures")
async def test_a_preview_ends_after_ten_minutes(engine: Engine) -> None:
    """It counts as expired, and nothing is written."""
    claim = await proposed(engine)
    engine.clock = HandClock(T0 + timedelta(minutes=10))
    late = await engine.confirm(yes(claim, OLIVIA, 10))
    assert isinstance(late, Over)
    assert late.claim.state is FixState.EXPIRED


async def test_of_fifty_who_confirm_one_executes(
    engine: Engine, roles: RoleUrls, failures: Failures
) -> None:
    """Five previews by five people, ten submits of each: one execution, 49 say who it was."""
    people = [f"U0PERSON{n:03d}" for n in range(5)]
    open_ones = [await proposed(engine, by=who) for who in people]
    tries = [yes(claim, claim.proposed_by) for claim in open_ones for _ in range(10)]
    results = await asyncio.gather(*(engine.confirm(one) for one in tries))
    done = [result for result in results if isinstance(result, Done)]
    over = [result for result in results if isinstance(result, Over)]
    assert (len(done), len(over)) == (1, 49)
    who = done[0].claim.executed_by
    assert {(o.winner or o.claim).executed_by for o in over} == {who}
    assert statuses(roles, failures.ids) == {"failed": 7, "queued": 30}
    assert actions(roles).count("executed") == 1


@pytest.mark.usefixtures("failures")
async def test_a_second_person_approves_and_never_the_same(engine: Engine, roles: RoleUrls) -> None:
    """With approvals: 2 the first one's own approval is refused, by the code and by the table."""
    engine.rules = replace(engine.rules, approvals=2)
    claim = await proposed(engine)
    waiting = await engine.confirm(yes(claim))
    assert isinstance(waiting, Waiting)
    assert waiting.claim.waits_for_second
    same = await engine.confirm(yes(claim, OLIVIA, 2))
    assert isinstance(same, Refusal)
    assert "a different operator must approve" in same.why
    async with engine.database.transaction(keep=False) as connection:
        with pytest.raises(psycopg.errors.CheckViolation):
            await claims.begin(
                connection, claim.id, by=OLIVIA, reason="x", now=T0, lease=T0 + timedelta(minutes=1)
            )
    done = await engine.confirm(yes(claim, PAUL, 3))
    assert isinstance(done, Done)
    assert (done.claim.proposed_by, done.claim.approved_by) == (OLIVIA, PAUL)
    assert actions(roles) == ["proposed", "confirmed", "refused", "executed"]
