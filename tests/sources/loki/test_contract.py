"""What holds of a log source, whether it reads a file or asks Loki."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from bot.demo.formats import Format, Layout, Line, Prefix, lines
from checks.engine.model import LogEvidence, minute_of
from tests.scenarios.mixture import mixture
from tests.sources.loki.beds import CONSOLE, DOCKER, Bed, FileBed, LokiBed
from tests.support.hours import FORMATS
from tests.support.logs import counts, retry, some
from tests.support.truth import true_counts

STYLES = {
    **FORMATS,
    "json behind docker": Format(Layout.PINO, Prefix.DOCKER),
    "access log behind syslog": Format(Layout.NGINX, Prefix.SYSLOG),
    "access log behind docker": Format(Layout.MORGAN, Prefix.DOCKER),
}
SEEDS = (1, 2)


def at(bed: Bed, seconds: float, text: str) -> Line:
    """A line so many seconds after the begin."""
    return Line(bed.begin + timedelta(seconds=seconds), text)


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("seed", SEEDS)
async def test_every_format_counts_what_truly_happened(bed: Bed, style: str, seed: int) -> None:
    """All signals that a format carries are equal to the truth, leaks included."""
    form = STYLES[style]
    events = mixture(seed, 40, begin=bed.begin)
    await bed.write(lines(events, form), form)
    evidence, _ = await bed.scan(bed.window())
    truth = true_counts(events, form)
    assert evidence.problem is None
    assert counts(evidence, truth) == truth
    assert evidence.timed
    assert not evidence.unknown
    assert set(truth) <= evidence.carries


def shown(evidence: LogEvidence) -> dict[str, object]:
    """All of an evidence that must not depend on where it is from."""
    return {
        "profile": evidence.profile,
        "carries": evidence.carries,
        "counts": some(evidence),
        "minutes": {name: dict(s.minutes) for name, s in evidence.signals.items() if s.count},
        "last": {name: s.last for name, s in evidence.signals.items() if s.count},
        "lines": {
            name: s.lines
            for name, s in evidence.signals.items()
            if s.count and name not in {"http_responses", "secret_leak"}
        },
        "routes": {} if evidence.routes_sampled else evidence.routes,
        "leaks": {(k.kind, k.place, k.proof, k.fingerprint): k.count for k in evidence.leaks},
        # A file's are in the order of its patterns first.
        "connections": Counter(evidence.connections),
        "campaigns": evidence.campaigns,
        "created": evidence.created,
    }


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize(("since", "until"), [(0, 7_200), (601.25, 1_999.75), (1_200, 1_230)])
async def test_both_sources_show_the_same(
    tmp_path: Path, stream: LokiBed, style: str, since: float, until: float
) -> None:
    """Counts, minutes, evidence, routes, leaks and ids are equal, in any window."""
    form = STYLES[style]
    if form.prefix in {Prefix.SYSLOG, Prefix.JOURNALD} or form.layout in {
        Layout.NGINX,
        Layout.MORGAN,
    }:
        since, until = round(since), round(until)  # such a line knows the second only
    file = FileBed(tmp_path, stream.begin)
    written = lines(mixture(7, 120, begin=stream.begin), form)
    for bed in (file, stream):
        await bed.write(written, form)
    secrets = ("evoGlobal7Key24002596570ccf63ca2b",)
    whole = stream.window(since, until)
    one, _ = await file.scan(whole, secrets=secrets)
    other, _ = await stream.scan(whole, secrets=secrets)
    assert shown(other) == shown(one)
    if form.layout is not Layout.CONSOLE:
        assert other.lines == one.lines


async def test_a_window_is_half_open(bed: Bed) -> None:
    """What happened at its begin is in, what happened at its end is not, to the millisecond."""
    seconds = (59.999, 60, 60.001, 119.999, 120, 179.999, 180, 180.001)
    await bed.write([at(bed, s, retry(n)) for n, s in enumerate(seconds)], CONSOLE)
    evidence, _ = await bed.scan(bed.window(60, 180))
    first = minute_of(bed.begin)
    assert dict(evidence.signals["retry"].minutes) == {first + 1: 3, first + 2: 2}
    evidence, _ = await bed.scan(bed.window(60.001, 180.001))
    assert dict(evidence.signals["retry"].minutes) == {first + 1: 2, first + 2: 2, first + 3: 1}
    evidence, _ = await bed.scan(bed.window(60.001, 60.002))
    assert some(evidence) == {"retry": 1}


@pytest.mark.parametrize("style", ["docker", "json-lines-pino", "access-log"])
async def test_reading_on_is_the_same_as_reading_once(bed: Bed, style: str) -> None:
    """Looks at 10, 25, 61 and 120 minutes, each going on from the last, end where one look ends."""
    form = STYLES[style]
    written = lines(mixture(5, 80, begin=bed.begin), form)
    state = None
    done = bed.begin
    for seconds in (600, 1_501.5, 3_661, 7_200):
        bed.now = bed.begin + timedelta(seconds=seconds)
        await bed.write([line for line in written if done <= line.at < bed.now], form)
        done = bed.now
        evidence, state = await bed.scan(bed.window(0, seconds), state)
    once, _ = await bed.scan(bed.window())
    assert shown(evidence) == shown(once)
    assert (evidence.lines, evidence.bytes) == (once.lines, once.bytes)


async def test_a_scan_says_whether_the_log_grew(bed: Bed) -> None:
    """Unknown at first; then whether a line came since."""
    await bed.write([at(bed, 10, retry(1))], CONSOLE)
    bed.now = bed.begin + timedelta(seconds=100)
    first, state = await bed.scan(bed.window(0, 100))
    bed.now += timedelta(seconds=15)
    second, state = await bed.scan(bed.window(0, 115), state)
    await bed.write([at(bed, 116, retry(2))], CONSOLE)
    bed.now += timedelta(seconds=15)
    third, state = await bed.scan(bed.window(0, 130), state)
    assert [first.grew, second.grew, third.grew] == [None, False, True]
    assert some(third) == {"retry": 2}


async def test_a_state_stays_as_it_was(bed: Bed) -> None:
    """Two scans from one state find the same: a state is a value."""
    events = mixture(11, 30, begin=bed.begin)
    await bed.write(lines(events, DOCKER), DOCKER)
    bed.now = bed.begin + timedelta(seconds=900)
    _, state = await bed.scan(bed.window(0, 900))
    bed.now = bed.begin + timedelta(hours=2)
    one, _ = await bed.scan(bed.window(), state)
    other, _ = await bed.scan(bed.window(), state)
    assert shown(one) == shown(other)


async def test_a_live_secret_is_found_and_not_shown(bed: Bed) -> None:
    """A known secret without a shape is proven, wherever it stands, and shown nowhere."""
    secret = "50aa8deaf460468c22d291d35b675c791410ba0943cb8adbb0fb250aeaca32af"
    other = "5" * 32 + "a" * 32
    written = [
        at(bed, 1, retry(1)),
        at(bed, 2, f"[ERROR] [Evolution] connection failed: {secret}"),
        at(bed, 3, f"[ERROR] [Evolution] connection failed: {other}"),
    ]
    await bed.write(written, CONSOLE)
    evidence, _ = await bed.scan(bed.window(), secrets=[secret])
    (leak,) = evidence.leaks
    assert (leak.kind, leak.proof.value, leak.count) == ("live_secret", "proven", 1)
    assert some(evidence) == {"retry": 1, "secret_leak": 1}
    assert secret not in repr(evidence)


@pytest.mark.parametrize("status", [200, 404])
async def test_how_a_leaked_request_was_answered_decides(bed: Bed, status: int) -> None:
    """An address with a token in it is proven where it was let in, else attempted."""
    path = "/leads?token=eyJhbGciOiJIUzI1NiJ9.eyJpZCI6MX0.c2lnbmF0dXJl"
    request = f"[INFO] [REQ] GET {path} {{\n  requestId: 'a-1',\n  ip: '::1'\n}}"
    response = f"[INFO] [RES] GET {path} {{\n  requestId: 'a-1',\n  status: {status}\n}}"
    await bed.write(
        [at(bed, n, line) for n, one in enumerate((request, response)) for line in one.split("\n")],
        CONSOLE,
    )
    evidence, _ = await bed.scan(bed.window())
    expected = "proven" if status == 200 else "attempted"
    assert {leak.proof.value for leak in evidence.leaks} == {expected}
    assert evidence.signals["secret_leak"].count == 2


async def test_the_tail_is_masked_and_ordered(bed: Bed) -> None:
    """The newest lines, oldest first, without secrets."""
    secret = "planted-live-secret-0001"
    await bed.write([at(bed, n, f"[INFO] line {n} {secret}") for n in range(9)], CONSOLE)
    tail = await bed.source().tail(3, [secret])
    assert isinstance(tail, tuple)
    assert [line[-22:] for line in tail] == [f"[INFO] line {n} [MASKED]" for n in (6, 7, 8)]
