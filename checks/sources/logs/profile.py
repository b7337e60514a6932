"""A log profile made ready to scan with: its patterns compiled once, live secrets added."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from checks.engine.linear import LinearPattern
from checks.engine.masking import MIN_LIVE_SECRET
from checks.engine.profiles import (
    INTERNAL_SIGNALS,
    RESPONSE_SIGNALS,
    JsonResponses,
    LineResponses,
    PairedResponses,
    ProfileSpec,
    SignalSpec,
)
from checks.sources.logs.blocks import BlockCounter
from checks.sources.logs.fields import JsonFields
from checks.sources.logs.matcher import Matcher
from checks.sources.logs.openings import Openings, one_way
from checks.sources.logs.records import PairReader
from checks.sources.logs.times import CLF, Clock, read_clf

_CLF = re.compile(rb"\[" + CLF + rb"\]")
_RANK = {"paired": 0, "json": 1, "line": 2}


@dataclass(frozen=True, slots=True)
class Pattern:
    """One expression of a profile.

    groups: what finds its groups in a line that it hit; None where it has none
    """

    signal: str
    source: bytes
    compiled: LinearPattern
    groups: re.Pattern[bytes] | LinearPattern | None


@dataclass(frozen=True)
class Profile:
    """One profile, ready to scan with.

    naming: what the line of an event must have besides, to be counted; None counts all
    """

    name: str
    spec: ProfileSpec
    events: Mapping[str, SignalSpec]
    naming: re.Pattern[bytes] | None = None

    @property
    def rank(self) -> int:
        """Which of two profiles is believed where both show a signal: the lower one."""
        return _RANK[self.spec.responses.kind]

    @property
    def has_ids(self) -> bool:
        """Whether responses carry request ids, so that a forged one can be told."""
        return isinstance(self.spec.responses, PairedResponses)

    @cached_property
    def carries(self) -> frozenset[str]:
        """The signals that this format can show."""
        return frozenset((*RESPONSE_SIGNALS, *INTERNAL_SIGNALS, "secret_leak", *self.events))

    @cached_property
    def recognise(self) -> LinearPattern:
        """A line of this profile."""
        return LinearPattern(self.spec.recognise.encode())

    @cached_property
    def patterns(self) -> tuple[Pattern, ...]:
        """The event patterns, in the order of their signals."""
        return tuple(_pattern(name, spec.pattern) for name, spec in self.events.items())

    @cached_property
    def pairs(self) -> PairReader | None:
        """The reader of paired records, for profiles that have them."""
        spec = self.spec.responses
        if not isinstance(spec, PairedResponses):
            return None
        return PairReader(spec, self.spec.health_path)

    @cached_property
    def openings(self) -> Openings | None:
        """Those patterns that are found in the table of lines, for profiles that have one."""
        if self.pairs is None:
            return None
        return Openings([pattern.compiled for pattern in self.patterns])

    @cached_property
    def searched(self) -> tuple[int, ...]:
        """The patterns that Hyperscan searches: all others, by index."""
        taken = self.openings.taken if self.openings is not None else ()
        return tuple(index for index in range(len(self.patterns)) if index not in taken)

    @cached_property
    def line(self) -> LinearPattern | None:
        """The strict pattern of a response line, for profiles that have one."""
        spec = self.spec.responses
        if not isinstance(spec, LineResponses):
            return None
        return LinearPattern(spec.pattern.encode())

    @cached_property
    def blocks(self) -> BlockCounter | None:
        """The counter of response lines, for profiles that have them."""
        spec = self.spec.responses
        if not isinstance(spec, LineResponses) or self.line is None:
            return None
        return BlockCounter(spec, self.line, self.spec.health_path)

    @cached_property
    def fields(self) -> JsonFields | None:
        """The reader of JSON lines, for profiles that have them."""
        spec = self.spec.responses
        return JsonFields(spec) if isinstance(spec, JsonResponses) else None

    def time_of(self, line: bytes, clock: Clock) -> float | None:
        """Epoch seconds that the format itself carries on a line (without a prefix)."""
        if self.fields is not None:
            return self.fields.time_of(line, clock)
        if self.line is not None and self._has_time:
            match = _CLF.search(line)
            return None if match is None else read_clf(match, clock)
        return None

    @cached_property
    def _has_time(self) -> bool:
        return self.line is not None and "time" in self.line.groupindex

    def matcher(self, secrets: Sequence[bytes] = ()) -> Matcher:
        """The compiled patterns together with live secrets, kept for the next scan."""
        usable = tuple(sorted({s for s in secrets if len(s) >= MIN_LIVE_SECRET}))
        return _matcher(tuple(self.patterns[index].source for index in self.searched), usable)


def _pattern(signal: str, source: str) -> Pattern:
    raw = source.encode()
    compiled = LinearPattern(raw)
    groups = (one_way(raw) or compiled) if compiled.groupindex else None
    return Pattern(signal, raw, compiled, groups)


def compile_profiles(specs: Mapping[str, ProfileSpec]) -> tuple[Profile, ...]:
    """Make every profile of the runbook ready; `signals_of` is followed."""
    profiles: list[Profile] = []
    for name, spec in specs.items():
        borrowed = specs[spec.signals_of].signals if spec.signals_of else {}
        profiles.append(Profile(name, spec, {**borrowed, **spec.signals}))
    return tuple(profiles)


@lru_cache(maxsize=8)  # those of secrets that are not live any more are to be forgotten soon
def _matcher(events: tuple[bytes, ...], secrets: tuple[bytes, ...]) -> Matcher:
    return Matcher(events, secrets)
