"""Unbroken time in which nothing but 5xx was answered (runbook, rollback criterion 4)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from math import ceil
from typing import TypeVar

from checks.engine.absence import nothing_seen
from checks.engine.check import Check, View, unknown
from checks.engine.model import (
    FailingStretch,
    Json,
    Measurement,
    Problem,
    Quantity,
    SignalEvidence,
    instant_of,
)
from checks.engine.wording import plural

_UNIT = "minutes"
_STREAK = 10
"""Responses in a row: fewer of them, all 5xx, are no minute of a service that is down."""
_NEVER = "0 minutes in which every response was 5xx."
_ONLY_ERRORS = Problem(
    what="Only errors are in the log: no response below 400 was ever seen, so it does not show"
    " whether the service was down.",
    mend="Give golive a log of all responses (--log PATH), or an address to probe (--base-url).",
)


def measure(view: View) -> Measurement:
    """Longest unbroken time in which every response was 5xx, from the first to the last of them.

    Health checks, preflights, 3xx and 4xx neither count nor end it; a 2xx ends it only on a route
    that failed. Too few responses, or a single route of a single client, are no outage. A failed
    health probe counts only where the log shows no other answer, and never for the rollback
    criterion.
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
    if log.failing is None:  # evidence of an older version knows minutes only
        return _in_a_row(view, responses, probes, None)
    stretches = _stretches(view, log.failing)
    if log.succeeded is False and view.count("http_5xx"):
        stretches = [one for one in stretches if _probe_failed(view, one, probes)]
        if not stretches:
            return unknown(_UNIT, _ONLY_ERRORS, {"responses": view.count("http_responses")})
    return _by_time(view, stretches, responses, probes)


# --- by the times of the responses --------------------------------------------------------------


def _stretches(view: View, failing: Iterable[FailingStretch]) -> list[FailingStretch]:
    """The parts in the window of those stretches that touch enough routes or clients."""
    since, until = view.window.since.timestamp(), view.window.until.timestamp()
    touched = view.param("least_touched")
    cut = (replace(s, first=max(s.first, since), last=min(s.last, until)) for s in failing)
    return [s for s in cut if s.last > s.first and max(s.routes, s.clients) >= touched]


def _probe_failed(view: View, stretch: FailingStretch, probes: Mapping[int, bool]) -> bool:
    """Whether golive's own probe failed during a stretch, or fails now while it goes on."""
    if any(probes.get(minute) is False for minute in _clock_minutes(stretch)):
        return True
    tries = view.evidence.health.tries
    answered = any(one.status is not None and one.status < 500 for one in tries)
    ongoing = view.evidence.now.timestamp() - stretch.last < 60
    return bool(tries) and not answered and ongoing


def _clock_minutes(stretch: FailingStretch) -> range:
    return range(int(stretch.first) // 60, int(stretch.last) // 60 + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Piece:
    """Time that counts, in epoch seconds; `stretch` None where only a failed probe shows it."""

    begin: float
    end: float
    stretch: FailingStretch | None = None

    def without(self, stretches: Iterable[FailingStretch]) -> list[_Piece]:
        """What of it lies outside of these stretches."""
        left: list[_Piece] = [self]
        for one in stretches:
            left = [
                replace(piece, begin=begin, end=end)
                for piece in left
                for begin, end in (
                    (piece.begin, min(piece.end, one.first)),
                    (max(piece.begin, one.last), piece.end),
                )
                if begin < end
            ]
        return left


def _by_time(
    view: View,
    stretches: Sequence[FailingStretch],
    responses: Mapping[int, int],
    probes: Mapping[int, bool],
) -> Measurement:
    signals = view.evidence.log.signals
    errors = signals.get("http_5xx", SignalEvidence()).minutes
    health = signals.get("http_health_5xx", SignalEvidence()).minutes
    failed = {minute: n - health.get(minute, 0) for minute, n in errors.items()}
    least = view.param("least_responses")
    logged = [piece for s in stretches for piece in _counted(s, failed, probes, least)]
    # A probe that fails while the application answers somebody else is golive's own trouble.
    others = {minute for minute, n in responses.items() if n > errors.get(minute, 0)}
    alone = [
        piece
        for minute, answered in probes.items()
        if not answered and minute not in others
        for piece in _Piece(begin=minute * 60.0, end=minute * 60.0 + 60).without(stretches)
    ]
    inside = {minute for stretch in stretches for minute in _clock_minutes(stretch)}
    up = (others | {minute for minute, answered in probes.items() if answered}) - inside
    by_log, either = _longest_of(logged, up), _longest_of([*logged, *alone], up)
    last_seen = max((*responses, *probes))
    details: dict[str, Json] = {
        "failed_probes": sum(not answered for answered in probes.values()),
        "minutes_logged": round(by_log.seconds / 60, 2),
        **either.details(last_seen),
    }
    return Measurement(
        value=round(either.seconds / 60, 2),
        unit=_UNIT,
        summary=either.summary(by_log.seconds),
        quantities={
            "minutes": Quantity(value=either.seconds / 60),
            "minutes_logged": Quantity(value=by_log.seconds / 60),
        },
        details=details,
        evidence=view.lines("http_5xx") if by_log.seconds else (),
        window=view.window if probes else view.log_window or view.window,
    )


def _counted(
    stretch: FailingStretch, failed: Mapping[int, int], probes: Mapping[int, bool], least: float
) -> Iterator[_Piece]:
    """The time of a stretch with enough failing responses a minute, or with a failed probe."""
    for minute in _clock_minutes(stretch):
        begin, end = max(stretch.first, minute * 60.0), min(stretch.last, minute * 60.0 + 60)
        enough = failed.get(minute, 0) >= max(1, ceil(least * (end - begin) / 60))
        if end > begin and (enough or probes.get(minute) is False):
            yield _Piece(begin=begin, end=end, stretch=stretch)


@dataclass(frozen=True, slots=True)
class _Outage:
    """Pieces of time that nothing but errors was answered in, in order."""

    pieces: tuple[_Piece, ...] = ()

    @property
    def seconds(self) -> float:
        return sum(piece.end - piece.begin for piece in self.pieces)

    def goes_on_with(self, piece: _Piece, up: Collection[int]) -> bool:
        """Whether nothing between this and a piece ends it."""
        if not self.pieces:
            return False
        stretches = {one.stretch for one in self.pieces} - {None}
        if piece.stretch is not None and stretches and piece.stretch not in stretches:
            return False  # a 2xx stands between two stretches
        between = range(int(self.pieces[-1].end) // 60, ceil(piece.begin / 60))
        return not any(minute in up for minute in between)

    def details(self, last_seen: int) -> dict[str, Json]:
        if not self.pieces:
            return {}
        first, last = self.pieces[0].begin, self.pieces[-1].end
        stretch = next((p.stretch for p in self.pieces if p.stretch is not None), None)
        touched: dict[str, Json] = (
            {} if stretch is None else {"routes": stretch.routes, "clients": stretch.clients}
        )
        return {
            "first": datetime.fromtimestamp(first, UTC).isoformat(),
            "last": datetime.fromtimestamp(last, UTC).isoformat(),
            "ongoing": last >= last_seen * 60,
            **touched,
        }

    def summary(self, logged: float) -> str:
        if not self.pieces:
            return _NEVER
        ends = (self.pieces[0].begin, self.pieces[-1].end)
        first, last = (f"{datetime.fromtimestamp(end, UTC):%H:%M:%S}" for end in ends)
        source = f"; the log itself shows {_length(logged)}" if logged < self.seconds else ""
        return f"Down for {_length(self.seconds)} ({first}–{last} UTC){source}."


def _longest_of(pieces: Iterable[_Piece], up: Collection[int]) -> _Outage:
    best = outage = _Outage()
    for piece in sorted(pieces, key=lambda one: one.begin):
        on = outage.goes_on_with(piece, up)
        outage = _Outage((*outage.pieces, piece) if on else (piece,))
        # The latest of equally long ones is the one that matters to a reader.
        best = outage if outage.seconds >= best.seconds else best
    return best


def _length(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    parts = [f"{n} {unit}" for n, unit in ((minutes, "min"), (rest, "s")) if n]
    return " ".join(parts) or "0 s"


# --- by minutes: probes alone, and evidence of older versions -----------------------------------


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
        return _NEVER
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
    params=("least_responses", "least_touched"),
)
