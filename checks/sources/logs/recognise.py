"""Which profile and prefix a log has, by sampling its beginning and its end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from checks.engine.model import Problem
from checks.sources.logs.prefix import NO_PREFIX, Prefix, recognise_prefix, uncoloured
from checks.sources.logs.profile import Profile
from checks.sources.logs.times import Clock

SAMPLE = 65_536
_MIN_SHARE = 0.3
_TIMED_SHARE = 0.5
_SAMPLE_LINES = 400


@dataclass(frozen=True, slots=True)
class Recognised:
    """The format of a log. `sampled` lines were looked at, `matched` of them fit the profile."""

    profile: Profile
    prefix: Prefix
    timed: bool
    sampled: int
    matched: int


def sample_lines(first: bytes, last: bytes = b"") -> list[bytes]:
    """Whole lines out of the first and (where it is another part) the last bytes of a file."""
    lines = uncoloured(first).split(b"\n")
    if len(first) >= SAMPLE and lines:
        lines.pop()
    if last:
        lines = lines[:_SAMPLE_LINES] + uncoloured(last).split(b"\n")[1:][-_SAMPLE_LINES:]
    return [line.removesuffix(b"\r") for line in lines if line.strip()]


def share_of(profile: Profile, prefix: Prefix, lines: Sequence[bytes]) -> tuple[int, int]:
    """How many lines begin a record of the profile, of how many that could."""
    stripped = [prefix.strip(line) for line in lines]
    heads = [line for line in stripped if line[:1] not in (b" ", b"\t", b"}", b"]", b"")]
    return sum(profile.recognise.search(line) is not None for line in heads), len(heads)


def recognise(
    path: str, lines: Sequence[bytes], profiles: Sequence[Profile], clock: Clock
) -> Recognised | Problem:
    """The format that fits the sampled lines best, or why none does."""
    if not lines:
        return Problem(
            what=f"{path} is empty.",
            mend="Check that the application writes to it, and send a request through it.",
        )
    candidates = [recognise_prefix(lines)]
    if candidates[0] is not NO_PREFIX:
        candidates.append(NO_PREFIX)
    best: Recognised | None = None
    shares: dict[str, float] = {}
    for prefix in candidates:
        for profile in profiles:
            matched, sampled = share_of(profile, prefix, lines)
            share = matched / sampled if sampled else 0.0
            shares[profile.name] = max(share, shares.get(profile.name, 0.0))
            if share >= _MIN_SHARE and (best is None or share > best.matched / best.sampled):
                best = Recognised(profile, prefix, False, sampled, matched)
    if best is None:
        seen = ", ".join(f"{name} {share:.0%}" for name, share in shares.items()) or "no profiles"
        return Problem(
            what=f"The format of {path} was not recognised ({len(lines)} lines sampled: {seen}).",
            mend="Check that it is the application's log, or add a profile under log.profiles in "
            "runbook.yaml.",
        )
    timed = _timed(best, lines, clock)
    return Recognised(best.profile, best.prefix, timed, best.sampled, best.matched)


def _timed(found: Recognised, lines: Sequence[bytes], clock: Clock) -> bool:
    times = sum(line_time(found.prefix, found.profile, line, clock) is not None for line in lines)
    return times >= _TIMED_SHARE * len(lines)


def line_time(prefix: Prefix, profile: Profile, line: bytes, clock: Clock) -> float | None:
    """Epoch seconds of a physical line: the platform's time first, then the format's own."""
    line = uncoloured(line)
    instant = prefix.time(line, clock)
    if instant is None and prefix.read is None:
        instant = profile.time_of(prefix.strip(line) if prefix is not NO_PREFIX else line, clock)
    return instant
