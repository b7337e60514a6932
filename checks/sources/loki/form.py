"""How a stream's entries are written, told from a sample: profile, prefix, and how they arrive."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from checks.engine.model import Problem
from checks.engine.profiles import PairedResponses
from checks.sources.logs.prefix import NO_PREFIX, Prefix, prefix_named, uncoloured
from checks.sources.logs.profile import Profile
from checks.sources.logs.recognise import recognise, share_of
from checks.sources.logs.times import Clock
from checks.sources.loki.answers import Entry

SAMPLE = 400
"""Entries that are looked at."""

_DRIFT_LINES = 10
_DRIFT_SHARE = 0.1
_FEW = 0.1
_MULTILINE = (
    "Give the collector a multi-line stage whose first line is one that begins with a bracket"
    " after any prefix (Promtail, Alloy: stage.multiline with firstline), and restart it."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """The format of a stream. `sampled` lines were looked at, `matched` of them fit the profile."""

    profile: Profile
    prefix: Prefix
    coloured: bool
    sampled: int
    matched: int

    @property
    def first(self) -> str:
        """The stage that comes before all others."""
        return "| decolorize " if self.coloured else ""


def form_of(
    name: str, entries: Sequence[Entry], profiles: Sequence[Profile], clock: Clock
) -> Form | Problem:
    """The form that sampled entries have, or why they have none."""
    raw = [entry.text.encode("utf-8", "replace") for entry in entries]
    found = recognise(name, _lines(raw), profiles, clock)
    if isinstance(found, Problem):
        return Problem(
            what=found.what,
            mend="Check that the selector names the application's own stream, or add a profile"
            " under log.profiles in runbook.yaml.",
        )
    return Form(
        profile=found.profile,
        prefix=found.prefix,
        coloured=any(b"\x1b" in text for text in raw),
        sampled=found.sampled,
        matched=found.matched,
    )


def known_form(
    profiles: Sequence[Profile], profile: str, prefix: str, *, coloured: bool
) -> Form | None:
    """The form that a state remembers; None where the runbook no longer has its profile."""
    found = next((p for p in profiles if p.name == profile), None)
    if found is None:
        return None
    known = NO_PREFIX if prefix == NO_PREFIX.name else prefix_named(prefix)
    return Form(profile=found, prefix=known, coloured=coloured, sampled=0, matched=0)


def sampled_again(form: Form, entries: Sequence[Entry]) -> tuple[int, int]:
    """How many lines of newer entries fit a form, of how many that could."""
    return share_of(
        form.profile,
        form.prefix,
        _lines([entry.text.encode("utf-8", "replace") for entry in entries]),
    )


def drifted(name: str, profile: str, matched: int, sampled: int) -> Problem | None:
    """Whether a stream's newest lines no longer have the form that they had."""
    if sampled < _DRIFT_LINES or matched >= _DRIFT_SHARE * sampled:
        return None
    return Problem(
        what=f"The newest lines of {name} no longer fit its format {profile}"
        f" ({matched} of {sampled} sampled).",
        mend="Check what writes to it now, and the profile in runbook.yaml.",
    )


def split(name: str, heads: int, whole: int) -> Problem | None:
    """Whether responses arrive line by line: first lines without the status that belongs to them.

    Args:
        name: of the stream.
        heads: entries with the first line of a response.
        whole: those of them that hold the whole response.
    """
    missing = heads - whole
    if not missing or (whole and missing < max(2, _FEW * heads)):
        return None
    return Problem(
        what=f"Records arrive split in {name}: {missing} of {heads} responses stand there without"
        " their status.",
        mend=_MULTILINE,
    )


def glued(name: str, form: Form, entries: Sequence[Entry]) -> Problem | None:
    """Whether several records arrive as one entry, of which Loki counts only one."""
    several = sum(_records(form, entry.text) > 1 for entry in entries)
    if several < max(2, _FEW * len(entries)):
        return None
    return Problem(
        what=f"Records arrive glued together in {name}: {several} of {len(entries)} sampled"
        " entries hold several, and would count once.",
        mend=_MULTILINE,
    )


def arrival(name: str, form: Form, entries: Sequence[Entry]) -> Problem | None:
    """How the sampled entries arrive wrongly, if they do: line by line, or several as one."""
    spec = form.profile.spec.responses
    if isinstance(spec, PairedResponses):
        heads = [entry.text for entry in entries if spec.response in entry.text]
        whole = sum(spec.status in text for text in heads)
        found = split(name, len(heads), whole)
        if found is not None:
            return found
    return glued(name, form, entries)


def _records(form: Form, text: str) -> int:
    matched, _sampled = share_of(
        form.profile, form.prefix, _lines([text.encode("utf-8", "replace")])
    )
    return matched


def _lines(entries: Sequence[bytes]) -> list[bytes]:
    return [
        line.removesuffix(b"\r")
        for text in entries
        for line in uncoloured(text).split(b"\n")
        if line.strip()
    ]
