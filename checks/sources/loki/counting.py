"""From what Loki answered to the counts of a scan: what is settled for good, and what is not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from checks.engine import own_events
from checks.sources.logs.leaks import settle
from checks.sources.logs.pairs import STATUS_MASK
from checks.sources.logs.state import EVIDENCE_LINES, Tally
from checks.sources.loki.answers import Entry
from checks.sources.loki.candidates import compare
from checks.sources.loki.form import Form
from checks.sources.loki.reading import Reading, keep
from checks.sources.loki.scan import Answers
from checks.sources.loki.spans import MINUTE
from checks.sources.loki.state import LokiState


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparing:
    """What candidates are compared with."""

    secrets: tuple[bytes, ...]
    key: bytes


@dataclass(frozen=True, slots=True)
class _Part:
    """Which minutes of the answers are meant."""

    holds: Callable[[int], bool]

    def minutes(self, counts: Mapping[int, int]) -> dict[int, int]:
        """The counts of these minutes."""
        return {minute: n for minute, n in counts.items() if self.holds(minute)}

    def total(self, counts: Mapping[int, int]) -> int:
        """The sum over these minutes."""
        return sum(self.minutes(counts).values())

    def entries(self, entries: Iterable[Entry]) -> list[Entry]:
        """The entries of these minutes."""
        return [entry for entry in entries if self.holds(entry.at // MINUTE)]


def add(
    state: LokiState, answers: Answers, form: Form, comparing: Comparing, settled: int
) -> tuple[LokiState, LokiState]:
    """The state to go on from, and the same with what may still change.

    Args:
        state: what was settled before; it is left as it is.
        answers: what was asked since.
        form: how entries are written.
        comparing: what candidates are compared with.
        settled: up to where the answers are for good, in epoch milliseconds.
    """
    border = settled // MINUTE
    after = state.copy()
    after.settled, after.counted = settled, answers.span.until
    _add(after, answers, form, comparing, _Part(lambda minute: minute < border))
    # How many were too many is known for the whole span only.
    after.beyond += answers.candidates.beyond
    whole = after.copy()
    fresh = _Part(lambda minute: minute >= border)
    _add(whole, answers, form, comparing, fresh)
    after.fresh = fresh.total(answers.lines)
    settle(whole.leaks, STATUS_MASK, final=True)
    _take_leaks(whole)
    return after, whole


def _add(state: LokiState, answers: Answers, form: Form, comparing: Comparing, part: _Part) -> None:
    tally = state.tally
    reading = Reading(form)
    tally.lines += part.total(answers.lines)
    tally.bytes += part.total(answers.sizes)
    state.heads += part.total(answers.heads)
    for name, found in answers.found.items():
        minutes = part.minutes(found.minutes)
        if not minutes:
            continue
        signal = tally.signal(name)
        for minute, n in sorted(minutes.items()):
            signal.add(n, minute)
        shown = [one for one in found.shown if part.holds(one.entry.at // MINUTE)]
        signal.lines.extend(one.line for one in shown[-EVIDENCE_LINES:])
        for entry in part.entries(found.own):
            named = own_events.names_in([entry.text.encode("utf-8", "replace")])
            tally.own_events.extend((name, entry.at // MINUTE) for name in named)
        routes = [one.route for one in shown if one.route is not None]
        for route in routes:
            tally.route(name, route)
        if routes and len(routes) < sum(minutes.values()):
            tally.routes_sampled = True
    kept = [
        pair
        for found in answers.found.values()
        for pair in found.kept
        if part.holds(pair[1].at // MINUTE)
    ]
    keep(reading, kept, tally)
    candidates: Sequence[Entry] = part.entries(answers.candidates.entries)
    compare(form, candidates, comparing.secrets, comparing.key, state.leaks)


def _take_leaks(state: LokiState) -> None:
    """Put what the comparison found among the counts of the stream."""
    found: Tally = state.leaks
    state.tally.leaks, state.tally.leak_lines = found.leaks, found.leak_lines
    if "secret_leak" in found.signals:
        state.tally.signals["secret_leak"] = found.signals["secret_leak"]
