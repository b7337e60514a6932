"""A stream in Loki as a log source: the same signals, minutes, evidence and leaks as of a file.

Loki counts, golive fetches evidence and candidates only. Request ids cannot be paired there, so a
forged response cannot be told from a real one. A window ends before the lag that lines may have.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo

from checks.engine.masking import MIN_LIVE_SECRET, evidence_line
from checks.engine.model import LogEvidence, Problem, Proof, minute_of
from checks.engine.profiles import INTERNAL_SIGNALS, RESPONSE_SIGNALS
from checks.engine.wording import plural
from checks.sources.logs.evidence import Counted, Frame, build
from checks.sources.logs.profile import Profile
from checks.sources.logs.reader import found_in
from checks.sources.logs.source import Mark, ScanRequest, ScanState
from checks.sources.logs.times import Clock
from checks.sources.loki import form as forms
from checks.sources.loki.answers import Entry
from checks.sources.loki.candidates import MOST
from checks.sources.loki.client import LokiClient
from checks.sources.loki.counting import Comparing, add
from checks.sources.loki.failures import LokiError
from checks.sources.loki.form import SAMPLE, Form
from checks.sources.loki.liveness import look_back, too_young, why_empty
from checks.sources.loki.scan import Answers, Asking
from checks.sources.loki.spans import MINUTE, Span, instant, milliseconds
from checks.sources.loki.state import LokiState

_NO_PAIRING = (
    "Loki counts entries: requests and responses are not paired there, so forged responses cannot"
    " be told."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sampled:
    """How the stream is written, and how its newest entries look."""

    form: Form
    entries: Sequence[Entry]
    drift: Problem | None


class LokiLog:
    """One stream of one Loki server.

    Args:
        client: asks the server.
        profiles: the formats to recognise.
        zone: of times that name no zone.
        now: gives the instant of a scan.
        lag: how long a line may take to get into Loki.
    """

    def __init__(
        self,
        client: LokiClient,
        *,
        profiles: Sequence[Profile],
        zone: tzinfo,
        now: Callable[[], datetime],
        lag: timedelta,
    ) -> None:
        self._client = client
        self._profiles = tuple(profiles)
        self._zone = zone
        self._now = now
        self._lag = lag

    async def marks(self) -> tuple[Mark, ...]:
        """Entries carry times, so no mark is needed."""
        return ()

    async def tail(self, lines: int, secrets: Sequence[str] = ()) -> tuple[str, ...] | Problem:
        """The newest lines of the last day, masked; see `LogSource.tail`."""
        now = milliseconds(self._now())
        span = look_back(Span(since=now, until=now))
        try:
            entries = await self._client.entries("", span, lines)
            if not entries:
                return await why_empty(self._client, span)
        except LokiError as error:
            return error.failure.problem
        return await asyncio.to_thread(_shown, entries, lines, _bytes(secrets))

    async def search(self, pattern: re.Pattern[bytes], lines: int) -> tuple[bytes, ...] | Problem:
        """What a pattern finds in the newest lines of the last day; see `LogSource.search`."""
        now = milliseconds(self._now())
        try:
            entries = await self._client.entries("", look_back(Span(since=now, until=now)), lines)
        except LokiError as error:
            return error.failure.problem
        texts = [entry.text.encode("utf-8", "replace") for entry in entries]
        return await asyncio.to_thread(found_in, texts, pattern)

    async def look(self, window: timedelta) -> tuple[Form, Problem | None] | Problem:
        """The form of the stream, and how its records arrive wrongly; or why nothing can be said.

        Args:
            window: how far back to look.
        """
        now = milliseconds(self._now())
        span = Span(since=now - int(window.total_seconds() * 1000), until=now)
        try:
            entries = await self._client.entries("", span, SAMPLE)
            if not entries:
                return await why_empty(self._client, span)
            found = self._recognised(entries)
        except LokiError as error:
            return error.failure.problem
        if isinstance(found, Problem):
            return found
        return found, forms.arrival(self._client.loki.name, found, entries)

    async def scan(
        self,
        request: ScanRequest,
        state: ScanState | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> tuple[LogEvidence, ScanState]:
        """Ask for what is new since `state`; see `LogSource.scan`."""
        state = state or ScanState()
        sure = milliseconds(self._now() - self._lag)
        window = request.window
        whole = Span(since=milliseconds(window.since), until=min(milliseconds(window.until), sure))
        if whole.length <= 0:
            return self._nothing(too_young(self._lag)), state
        known = self._usable(state.loki, whole)
        try:
            sampled = await self._sample(known, whole)
            if isinstance(sampled, Problem):
                return self._nothing(sampled), state
            begun = known or self._begin(whole, sampled.form)
            span = whole.after(begun.settled)
            asking = Asking(
                self._client, sampled.form, span, request, progress or (lambda _done, _all: None)
            )
            answers = await asking.ask()
        except LokiError as error:
            return self._nothing(error.failure.problem), state
        comparing = Comparing(secrets=_bytes(request.secrets), key=request.fingerprint_key)
        settled = max(begun.settled, (span.until - self._lag_ms) // MINUTE * MINUTE)
        after, total = await asyncio.to_thread(
            add, begun, answers, sampled.form, comparing, settled
        )
        if answers.failed:
            after = begun
        evidence = await asyncio.to_thread(self._evidence, request, known, total, answers, sampled)
        return evidence, replace(state, loki=after)

    # --- before asking --------------------------------------------------------------------------

    @property
    def _lag_ms(self) -> int:
        return int(self._lag.total_seconds() * 1000)

    def _nothing(self, problem: Problem) -> LogEvidence:
        return LogEvidence(source=self._client.loki.name, problem=problem)

    def _usable(self, known: LokiState | None, whole: Span) -> LokiState | None:
        """A state that this scan can go on from: of the same stream, and begun no later."""
        if known is None or known.selector != self._client.loki.selector:
            return None
        return known if known.since <= whole.since else None

    def _begin(self, whole: Span, form: Form) -> LokiState:
        return LokiState(
            selector=self._client.loki.selector,
            since=whole.since,
            settled=whole.since,
            counted=whole.since,
            profile=form.profile.name,
            prefix=form.prefix.name,
            coloured=form.coloured,
        )

    async def _sample(self, known: LokiState | None, whole: Span) -> _Sampled | Problem:
        entries = await self._client.entries("", whole, SAMPLE)
        if known is not None:
            form = forms.known_form(
                self._profiles, known.profile, known.prefix, coloured=known.coloured
            )
            if form is not None:
                matched, sampled = forms.sampled_again(form, entries)
                form = replace(form, sampled=sampled, matched=matched)
                name = self._client.loki.name
                drift = forms.drifted(name, form.profile.name, matched, sampled)
                return _Sampled(form=form, entries=entries, drift=drift)
        if not entries:
            return await why_empty(self._client, whole)
        found = self._recognised(entries)
        if isinstance(found, Problem):
            return found
        return _Sampled(form=found, entries=entries, drift=None)

    def _recognised(self, entries: Sequence[Entry]) -> Form | Problem:
        clock = Clock(zone=self._zone, now=self._now())
        return forms.form_of(self._client.loki.name, entries, self._profiles, clock)

    # --- afterwards -----------------------------------------------------------------------------

    def _evidence(
        self,
        request: ScanRequest,
        known: LokiState | None,
        total: LokiState,
        answers: Answers,
        sampled: _Sampled,
    ) -> LogEvidence:
        form, tally = sampled.form, total.tally
        name = self._client.loki.name
        part = Counted(
            path=name,
            profile=form.profile,
            timed=True,
            tally=tally,
            sampled=form.sampled,
            recognised=form.matched,
            notes=(_NO_PAIRING,) if form.profile.has_ids else (),
        )
        frame = Frame(
            source=name,
            problem=sampled.drift or forms.glued(name, form, sampled.entries),
            since_minute=minute_of(request.window.since),
            secrets=_bytes(request.secrets),
            grew=None if known is None else sum(answers.lines.values()) > known.fresh,
        )
        end = instant(answers.span.until)
        return replace(
            build([part], frame),
            unpaired=None,
            unpaired_lines=(),
            streak_5xx=None,
            failing=None,  # entries are counted by the minute
            succeeded=None,
            failed_clients=None,
            failed_units=None,
            until=end if end < request.window.until else None,
            unknown={**_unknown(name, total), **answers.failed},
        )


def _shown(entries: Sequence[Entry], lines: int, secrets: Sequence[bytes]) -> tuple[str, ...]:
    """The last lines of some entries, masked."""
    found = [line for entry in entries for line in entry.text.split("\n") if line.strip()]
    return tuple(evidence_line(line.encode("utf-8", "replace"), secrets) for line in found[-lines:])


def _unknown(name: str, total: LokiState) -> dict[str, Problem]:
    """Signals that Loki answered, but not so that they can be believed."""
    unknown: dict[str, Problem] = {}
    whole = total.tally.signals.get("http_responses")
    split = forms.split(name, total.heads, whole.count if whole else 0)
    if split is not None:
        unknown = dict.fromkeys((*RESPONSE_SIGNALS, *INTERNAL_SIGNALS), split)
    if any(key.proof is Proof.PROVEN for key in total.tally.leaks):
        return unknown  # that is what counts, whatever else there may be
    if total.beyond:
        unknown["secret_leak"] = Problem(
            what=f"{plural(total.beyond + MOST, 'line')} in {name} may hold a secret, by shape or"
            f" by the length and alphabet of a live one; golive compares {MOST:,} of them.",
            mend="Look at a shorter window, or at the application's log file.",
        )
    elif split is not None and total.tally.leaks:
        unknown["secret_leak"] = split
    return unknown


def _bytes(secrets: Sequence[str]) -> tuple[bytes, ...]:
    return tuple(
        secret.encode("utf-8", "surrogateescape")
        for secret in secrets
        if len(secret) >= MIN_LIVE_SECRET
    )
