"""Watches, points, reports and posts for the store's tests."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from bot.render.message import Message, Picture, TextFile
from bot.storage.store import Store
from bot.storage.values import Claim, NewPost, PostClaim
from bot.watch.model import Deployment, Point, Taken
from checks.engine.model import (
    DatabaseEvidence,
    Decision,
    Evidence,
    Finding,
    HealthEvidence,
    Level,
    LogEvidence,
    QueryResult,
    Report,
    SignalEvidence,
    Verdict,
    Window,
)

T0 = datetime(2026, 11, 23, 21, 0, tzinfo=UTC)
NOW = T0 + timedelta(minutes=10)
OWNERS = tuple(f"replica-{n}" for n in range(20))
PNG = b"\x89PNG\x00\xff"
FULL = Message(
    text="NO-GO\x00 \ud800",
    blocks=({"type": "section", "z": 1, "a": [None, True, 1.5]},),
    colour="#d33",
    coloured=({"type": "divider"},),
    pictures=(Picture(name="hour.png", alt="The hour", png=PNG),),
    files=(TextFile(name="log.txt", title="The log", text="a\x00b\ud800é"),),
)


def later(minutes: float) -> datetime:
    """An instant after T+0."""
    return T0 + timedelta(minutes=minutes)


async def begin(store: Store, channel: str = "C1", version: str = "2.4.0") -> Deployment:
    """Start a watch at T+0."""
    deployment, _ = await store.start(
        channel=channel, version=version, deployed_at=T0, by="U1", at=T0
    )
    return deployment


def point(minutes: int = 10, checkpoint: str | None = "1") -> Point:
    """A checkpoint some minutes after the deploy."""
    return Point(key=f"T+{minutes}", run="checkpoint", checkpoint=checkpoint, due_at=later(minutes))


def taken(at: Point, decision: Decision | None = Decision.GO) -> Taken:
    """A point that was taken half a minute late."""
    levels = {"http_5xx": Level.OK, "auth": Level.UNKNOWN}
    late = at.due_at + timedelta(seconds=30)
    return Taken(point=at, taken_at=late, decision=decision, levels=levels)


def finding(check: str = "http_5xx", level: Level = Level.WARNING, summary: str = "7") -> Finding:
    """A finding."""
    return Finding(
        check=check,
        title="HTTP 5xx",
        level=level,
        value=7,
        unit="responses",
        summary=summary,
        threshold={"warning": 6, "critical": {"above": 0.1}},
        details={"z": 1, "a": [1.5, None, {"b": True}]},
    )


def report(*findings: Finding, at: datetime = T0) -> Report:
    """A report with evidence from every source."""
    window = Window(since=T0, until=at)
    row = {"z": at, "a": 1.5, "n": None, "ok": True}
    return Report(
        checkpoint="1",
        taken_at=at,
        window=window,
        findings=findings or (finding(),),
        rollback_criteria=(),
        success_criteria=(),
        verdict=Verdict(decision=Decision.MONITOR, because=("HTTP 5xx: 7.",)),
        evidence=Evidence(
            now=at,
            window=window,
            log=LogEvidence(source="app.log", signals={"x": SignalEvidence(minutes={29400000: 3})}),
            database=DatabaseEvidence(results={"q": QueryResult(rows=(row,))}),
            health=HealthEvidence(),
        ),
    )


def post(key: str = "a", **other: Any) -> NewPost:
    """A post to the channel C1 whose text is its key."""
    fields: dict[str, Any] = {"channel": "C1", "message": Message(text=key), **other}
    return NewPost(key=key, **fields)


def rows(url: str, statement: str) -> list[tuple[Any, ...]]:
    """What a statement returns, asked past the store."""
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


async def claimed(store: Store, deployment: Deployment, minutes: int = 10) -> Claim:
    """A claim of a point that must succeed."""
    claim = await store.claim(deployment.id, point(minutes), "a")
    assert claim is not None
    return claim


async def claim(store: Store, owner: str = "a") -> list[PostClaim]:
    """All that may be sent at T+10."""
    return list(await store.claim_posts(owner, NOW, 99))


async def one(store: Store, owner: str = "a") -> PostClaim:
    """The only post that may be sent at T+10."""
    (found,) = await claim(store, owner)
    return found


def keys(claims: Sequence[PostClaim]) -> list[str]:
    """What was claimed."""
    return [found.key for found in claims]
