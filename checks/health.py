"""Whether the application answers its health check (runbook, T+5)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from checks.engine.check import Check, View, unknown
from checks.engine.model import Json, Measurement, ProbeTry, Problem, Quantity
from checks.engine.wording import plural

_UNIT = "failed"
_HTTP_OK = 200
_LATELY = timedelta(minutes=2)
"""How far back an answer in the log still says that the application is alive."""


def measure(view: View) -> Measurement:
    """Whether GET {BASE_URL}/health is answered with 200, in up to three tries."""
    health = view.evidence.health
    if not health.tries:
        reason = health.problem or Problem(
            what="No health probe was made.", mend="Run the check again."
        )
        return unknown(_UNIT, reason)
    failed = int(all(t.status != _HTTP_OK for t in health.tries))
    details = _details(view)
    if failed and all(t.status is None for t in health.tries):
        answers = _answers(view)
        if answers:
            return unknown(_UNIT, _own_trouble(view, answers), details)
    return Measurement(
        value=failed,
        unit=_UNIT,
        summary=_summary(health.tries, health.url, failed=bool(failed)),
        quantities={"failed": Quantity(value=failed)},
        details=details,
    )


def _answers(view: View) -> int:
    """Responses in the last minutes of the log; of all of it where it carries no times."""
    if view.log_unknown("http_responses") is not None:
        return 0
    return view.count("http_responses", _LATELY)


def _own_trouble(view: View, answers: int) -> Problem:
    health = view.evidence.health
    reason = health.tries[-1].error or "no answer"
    when = "in the last minutes of its log" if view.evidence.log.timed else "in its log"
    mend = health.problem.mend if health.problem is not None else ""
    return Problem(
        what="golive cannot reach BASE_URL, the application answers:"
        f" {reason} at {health.url}, but {plural(answers, 'response')} {when}.",
        mend=mend or "Check BASE_URL and the network between golive and the application.",
    )


def _details(view: View) -> dict[str, Json]:
    health = view.evidence.health
    tries: list[Json] = [
        {"status": t.status, "seconds": round(t.seconds, 3), "error": t.error} for t in health.tries
    ]
    details: dict[str, Json] = {
        "url": health.url,
        "tries": tries,
        "latency_ms": round(health.tries[-1].seconds * 1000),
    }
    if health.problem is not None:
        details["mend"] = health.problem.mend
    return details


def _summary(tries: Sequence[ProbeTry], url: str, *, failed: bool) -> str:
    last = tries[-1]
    again = f", on try {len(tries)}" if len(tries) > 1 else ""
    if not failed:
        return f"200 after {last.seconds:.2f} s{again} from {url}."
    answers = list(dict.fromkeys(_answer(t) for t in tries))
    return f"No 200 in {plural(len(tries), 'try', 'tries')} from {url}: {', then '.join(answers)}."


def _answer(probe: ProbeTry) -> str:
    if probe.status is None:
        return probe.error or "no answer"
    return f"{probe.status} ({probe.error})" if probe.error else str(probe.status)


CHECK = Check(
    id="health",
    title="Health check",
    checkpoint=0,
    measure=measure,
    quantities=("failed",),
    flags=("failed",),
    signals=("http_responses",),
    probes=True,
)
