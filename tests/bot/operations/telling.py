"""Metrics that were told everything once, and what stands around them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import get_args

from bot.operations.metrics import CallOutcome, PostOutcome, RefusedRequest
from bot.operations.prometheus import Now, PrometheusMetrics
from bot.storage.values import Backlog, StoreUnavailable
from checks import CHECKS
from checks.engine.model import Level, Problem

T0 = datetime(2026, 11, 23, 21, 0, tzinfo=UTC)


def told() -> PrometheusMetrics:
    """Every method was called, with every outcome that it knows."""
    ids = [check.id for check in CHECKS]
    metrics = PrometheusMetrics(checks=ids, now=lambda: T0, version="1.2.3")
    metrics.looked("point", dict.fromkeys(ids, Level.OK), 0.3)
    metrics.looked("tick", {ids[0]: Level.CRITICAL}, 0.1)
    metrics.scanned(5_000_000, 0.25)
    metrics.taken(timedelta(seconds=1.5))
    for ok in (True, False):
        metrics.ticked(ok=ok)
        metrics.pinged(ok=ok)
    metrics.store_failed()
    for outcome in get_args(PostOutcome):
        metrics.post(outcome)
    for outcome in get_args(CallOutcome):
        metrics.slack_call("chat.postMessage", outcome, 0.2)
    for reason in get_args(RefusedRequest):
        metrics.refused_request(reason)
    metrics.remediation("reset_messages", "executed")
    return metrics


def exposition() -> str:
    """All of it in Prometheus' text format."""
    return told().exposition(Now(outbox=(3, 12.5), slack_connected=True)).decode()


@dataclass(slots=True)
class Seconds:
    """A clock that goes on when a test says so."""

    at: float = 0.0

    def __call__(self) -> float:
        """The seconds."""
        return self.at


@dataclass(slots=True)
class FakeStore:
    """Answers with a backlog, or refuses."""

    answer: Backlog | str = field(default_factory=lambda: Backlog(depth=0, age=None))
    asked: int = 0

    async def backlog(self, now: datetime) -> Backlog:
        """As told."""
        assert now == T0
        self.asked += 1
        if isinstance(self.answer, str):
            raise StoreUnavailable(Problem(what=self.answer, mend=""), retry=True)
        return self.answer


@dataclass(slots=True)
class FakeSlack:
    """Connected or not, and with a reason why it can say nothing."""

    connected: bool = True
    why: str | None = None
    asked: int = 0

    async def trouble(self) -> str | None:
        """As told."""
        self.asked += 1
        return self.why


if __name__ == "__main__":
    print(exposition(), end="")
