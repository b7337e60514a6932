"""Minutes in a row in which nothing but 5xx was answered (runbook, rollback criterion 4)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from checks.engine.absence import nothing_seen
from checks.engine.check import Check, View, unknown
from checks.engine.model import Json, Measurement, Problem, Quantity, SignalEvidence, instant_of
from checks.engine.wording import plural

_UNIT = "minutes"
_STREAK = 10
"""Responses in a row: fewer of them, all 5xx, are no minute of a service that is down."""


def measure(view: View) -> Measurement:
    """Most minutes in a row in which every response was 5xx.

    A minute without responses neither counts nor breaks the row. A failed health probe counts only
    in a minute for which the log shows no other answer, and never for the rollback criterion.
    """
    log = view.evidence.log
    trouble = view.log_unknown("http_responses", "http_5xx")
    if trouble is None and view.count("http_responses") == 0:
        trouble = nothing_seen(view, "response")
    observed = view.evidence.observed
    probes = _minutes(view, observed.probes) if observed is not None else {}
    if trouble is not None:
        if not probes:
            return unknown(_UNIT, trouble)
        return _in_a_row(view, {}, probes, trouble)
    by_minute = _minutes(view, log.signals["http_responses"].minutes)
    # A response that turned out to be forged is taken back and may leave an empty minute.
    responses = {minute: n for minute, n in by_minute.items() if n > 0}
    if not responses:
        return _without_times(view)
    return _in_a_row(view, responses, probes, None)


def _in_a_row(
    view: View,
    responses: Mapping[int, int],
    probes: Mapping[int, bool],
    trouble: Problem | None,
) -> Measurement:
    errors = view.evidence.log.signals.get("http_5xx", SignalEvidence()).minutes
    seen = sorted({*responses, *probes})
    states = [(m, _down(responses.get(m, 0), errors.get(m, 0), probes.get(m))) for m in seen]
    either = _longest(states)
    # In a minute that only a probe speaks for, the log says nothing.
    logged = _longest((m, down if m in responses or not down else None) for m, down in states)
    quantities = {"minutes": Quantity(value=either.minutes)}
    details: dict[str, Json] = {
        "failed_probes": sum(not answered for answered in probes.values()),
        **either.details(ongoing=bool(seen) and either.last == seen[-1]),
    }
    if trouble is None:
        quantities["minutes_logged"] = Quantity(value=logged.minutes)
        details["minutes_logged"] = logged.minutes
    else:
        details["without_log"] = str(trouble)
    return Measurement(
        value=either.minutes,
        unit=_UNIT,
        summary=_summary(either, logged.minutes, by_probes_alone=trouble is not None),
        quantities=quantities,
        details=details,
        evidence=view.lines("http_5xx") if logged.minutes else (),
        # A probe speaks for the minutes that are not in the log yet.
        window=view.window if probes else view.log_window or view.window,
    )


def _down(responses: int, errors: int, probe: bool | None) -> bool | None:
    """Whether a minute's answers were all 5xx; None where nothing was answered or asked."""
    if errors < responses or probe is True:
        return False
    if responses or probe is False:
        return True
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    minutes: int = 0
    first: int = 0
    last: int = 0

    def details(self, *, ongoing: bool) -> dict[str, Json]:
        if not self.minutes:
            return {}
        return {
            "first": instant_of(self.first).isoformat(),
            "last": instant_of(self.last).isoformat(),
            "ongoing": ongoing,
        }


def _longest(states: Iterable[tuple[int, bool | None]]) -> _Row:
    best = row = _Row()
    for minute, down in states:
        if down:
            row = _Row(
                minutes=row.minutes + 1, first=row.first if row.minutes else minute, last=minute
            )
            # The latest of equally long rows is the one that matters to a reader.
            best = row if row.minutes >= best.minutes else best
        elif down is False:
            row = _Row()
    return best


_T = TypeVar("_T", int, bool)


def _minutes(view: View, by_minute: Mapping[int, _T]) -> dict[int, _T]:
    """The entries of a per-minute table that lie in the window, by whole minutes."""
    window = view.window
    return {
        minute: entry
        for minute, entry in by_minute.items()
        if instant_of(minute + 1) > window.since and instant_of(minute) < window.until
    }


def _without_times(view: View) -> Measurement:
    """What a log without times allows: it was not down if 5xx never came ten in a row."""
    streak = view.evidence.log.streak_5xx
    if streak is None or streak >= _STREAK:
        said = (
            f"{streak} responses in a row were 5xx" if streak else "The order of responses is lost"
        )
        return unknown(
            _UNIT,
            Problem(
                what=f"{said}, and the log carries no times: how long is not known.",
                mend="Let `golive run` watch it, or have the platform add times to the log.",
            ),
            {"streak_5xx": streak},
        )
    return Measurement(
        value=0,
        unit=_UNIT,
        summary=f"Never down: at most {plural(streak, 'response')} in a row answered 5xx.",
        quantities={"minutes": Quantity(value=0), "minutes_logged": Quantity(value=0)},
        details={"streak_5xx": streak},
    )


def _summary(row: _Row, logged: int, *, by_probes_alone: bool) -> str:
    if not row.minutes:
        return "0 minutes in which every response was 5xx."
    first, last = (f"{instant_of(minute):%H:%M}" for minute in (row.first, row.last))
    source = "; golive's probes alone say so" if by_probes_alone else ""
    if not by_probes_alone and logged < row.minutes:
        source = f"; the log itself shows {logged}"
    return f"{plural(row.minutes, 'minute')} in a row down ({first}–{last} UTC){source}."


CHECK = Check(
    id="service_down",
    title="Service down",
    checkpoint=0,
    measure=measure,
    quantities=("minutes", "minutes_logged"),
    signals=("http_responses", "http_5xx"),
)
